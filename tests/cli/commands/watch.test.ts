/** `c13 watch` on a registry that really runs: lines as changes happen, and every way in which it ends. @module */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readUntil, ROOT, startProgram } from '../../registry/fixtures.ts';

const MAIN = join(ROOT, 'src/cli/main.ts');

function watch(url: string, ...words: string[]) {
  const child = Bun.spawn([process.execPath, MAIN, 'watch', ...words, '--url', url], {
    env: { ...Bun.env, NO_COLOR: '1' },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  onTestFinished(() => child.kill('SIGKILL'));
  return child;
}

test('tells of each change, and ends by itself after --count lines', async () => {
  const { url, call } = await startProgram();
  await call('POST', '/api/v1/configs', { name: 'shop', rows: 30, features: { metrics: true } });
  const text = watch(url, 'shop', '--count', '3');
  const json = watch(url, 'shop', '--count', '3', '--json');
  const first = await readUntil(text.stdout, /\n/);
  const firstJson = await readUntil(json.stdout, /\n/);
  expect(first).toBe('shop 1  metrics\n');
  await call('PATCH', '/api/v1/configs/shop', { rows: 50, features: { debug: true, metrics: false } });
  await call('PATCH', '/api/v1/configs/shop', { rollouts: { logging: 12.5 } });
  const rest = await readUntil(text.stdout, /(?!)/);
  expect(rest).toBe('shop 2  +debug -metrics rows 30->50\nshop 3  rollouts: logging 12.5%\n');
  const lines = (firstJson + (await readUntil(json.stdout, /(?!)/))).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { name: 'shop', revision: 1, config: { rows: 30 } },
    { revision: 2, config: { rows: 50 } },
    { revision: 3, rollouts: { logging: 12.5 }, features: { metrics: 6 } },
  ]);
  expect([await text.exited, await json.exited]).toEqual([0, 0]);
});

test('ends with Ctrl-C, and says at once what cannot be watched', async () => {
  const { url } = await startProgram();
  const child = watch(url);
  await readUntil(child.stdout, /default 1/);
  child.kill('SIGINT');
  expect([await child.exited, await new Response(child.stderr).text()]).toEqual([
    130,
    'interrupted: default is watched no longer\n',
  ]);
  const missing = watch(url, 'nobody');
  expect([await missing.exited, await new Response(missing.stderr).text()]).toEqual([
    1,
    expect.stringMatching(/^error: There is no config 'nobody'/),
  ]);
});
