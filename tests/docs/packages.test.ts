/**
 * The lines that docs/PACKAGES.md prints, run as printed and in that order by the real npm on a registry that has just
 * started.
 * @module
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { realNode } from '../node/real-node.ts';
import { ROOT, tempDirectory } from '../registry/fixtures.ts';
import { startWithAdmin } from '../registry/identity-fixtures.ts';

const DOCUMENT = readFileSync(join(ROOT, 'docs/PACKAGES.md'), 'utf8');
const BLOCKS = [...DOCUMENT.matchAll(/^```bash\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);

test('every block of commands succeeds, in order', async () => {
  const { registry, ann } = await startWithAdmin();
  const home = tempDirectory();
  const project = join(home, 'widget');
  mkdirSync(project);
  const c13 = `c13() { '${process.execPath}' '${join(ROOT, 'src/cli/main.ts')}' "$@"; }`;
  const env = {
    ...Bun.env,
    PATH: [join(ROOT, 'node_modules/.bin'), dirname(realNode()), Bun.env['PATH']].join(':'),
    HOME: home,
    XDG_CONFIG_HOME: home,
    C13_URL: registry.url,
    C13_TOKEN: ann.token,
    npm_config_cache: join(home, 'cache'),
    npm_config_update_notifier: 'false',
  };
  expect(BLOCKS.length).toBeGreaterThan(4);
  for (const block of BLOCKS) {
    const script = `${c13}\n${block.replaceAll('localhost:4873', registry.url.replace('http://', ''))}`;
    const child = Bun.spawn(['bash', '-e', '-c', script], { env, cwd: project, stdout: 'pipe', stderr: 'pipe' });
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    expect({ code: await child.exited, out: out.includes('"error"') ? out : '' }, block + out + err).toEqual({
      code: 0,
      out: '',
    });
  }
  const { body } = await ann.call('GET', '/api/v1/packages');
  expect(body.packages.map(({ name }: { name: string }) => name)).toEqual(['@acme/mypackage', '@acme/widget']);
}, 60_000);
