/** What is written arrives whole and once, in files and in pipes that are slower than the writer. @module */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const SOURCE = fileURLToPath(new URL('../../src/cli/printer.ts', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'c13-printer-'));
const program = join(directory, 'program.ts');
const DATA = {
  flags: Array.from({ length: 2500 }, (_, i) => ({ key: `f${i}`, status: 'exact', step: 'make', revision: 0 })),
};

writeFileSync(join(directory, 'data.json'), JSON.stringify(DATA, null, 2));
writeFileSync(
  program,
  `import { Printer } from ${JSON.stringify(SOURCE)};
const printer = new Printer({ json: true, quiet: false, colour: false });
const data = JSON.parse(await Bun.file(${JSON.stringify(join(directory, 'data.json'))}).text());
await printer.answer({ data, text: () => '' });
await printer.answer({ data: 'end', text: () => '' });
process.exit(0);
`,
);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function runs(command: string) {
  const script = `c13() { '${process.execPath}' '${program}'; }\n${command}`;
  const { exitCode, stdout, stderr } = Bun.spawnSync(['bash', '-c', script], { cwd: directory });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

const WHOLE = `${JSON.stringify(DATA, null, 2)}\n"end"\n`;

test('to a pipe, and to a file', () => {
  for (const command of ['c13 | cat', 'c13']) expect(runs(command).stdout === WHOLE, command).toBe(true);
  expect(runs('c13 > file')).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  expect(readFileSync(join(directory, 'file'), 'utf8') === WHOLE).toBe(true);
});

test('a reader that goes away early is no failure, a full disk is one', () => {
  expect(runs('c13 | head -2; exit ${PIPESTATUS[0]}')).toEqual({
    exitCode: 0,
    stdout: '{\n  "flags": [\n',
    stderr: '',
  });
  const full = runs('c13 > /dev/full');
  expect(full.exitCode).not.toBe(0);
  expect(full.stderr).toContain('The output cannot be written: ENOSPC');
});
