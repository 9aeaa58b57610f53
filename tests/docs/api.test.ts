/** The lines that docs/API.md prints, run as printed and in that order on a registry that has just started. @module */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { STATUS } from '../../src/registry/problem.ts';
import { ROOT, startProgram, tempDirectory } from '../registry/fixtures.ts';

const DOCUMENT = readFileSync(join(ROOT, 'docs/API.md'), 'utf8');
const BLOCKS = [...DOCUMENT.matchAll(/^```bash\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);

test('every block of curl lines succeeds, in order, on a fresh registry', async () => {
  const { url } = await startProgram();
  const home = tempDirectory();
  writeFileSync(join(home, '.curlrc'), 'silent\nshow-error\nfail-with-body\nwrite-out = "\\n"\n');
  expect(BLOCKS.length).toBeGreaterThan(8);
  for (const block of BLOCKS) {
    const script = block.replaceAll('localhost:4873', url.replace('http://', ''));
    expect(script).not.toContain('4873/');
    const child = Bun.spawnSync(['bash', '-e', '-c', script], { env: { ...Bun.env, CURL_HOME: home } });
    expect({ code: child.exitCode, said: child.stderr.toString() }, block + child.stdout.toString()).toEqual({
      code: 0,
      said: '',
    });
    expect(child.stdout.toString().trim(), block).not.toBe('');
  }
}, 60_000);

test('the table of errors says what the registry answers', () => {
  const rows = [...DOCUMENT.matchAll(/^\| (\d{3}) \| (.*) \|$/gm)];
  expect(rows.length).toBeGreaterThan(9);
  for (const [, status, text] of rows) {
    for (const [, code] of text!.matchAll(/`(ERR_[A-Z_]+)`/g)) {
      const isCondition = status === '412' && code === 'ERR_REVISION_CONFLICT';
      if (!isCondition) expect(`${STATUS[code as keyof typeof STATUS]}`, code).toBe(status);
    }
  }
});
