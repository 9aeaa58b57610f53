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
    { type: 'config', name: 'shop', revision: 1, ahead: [], config: { rows: 30 } },
    { type: 'config', revision: 2, config: { rows: 50 } },
    { type: 'config', revision: 3, rollouts: { logging: 12.5 }, features: { metrics: 6 } },
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

test('tells of schedules, of flags, of a deletion, and of a registry that goes away and comes back', async () => {
  const registry = await startProgram();
  const { url, call } = registry;
  await call('POST', '/api/v1/configs', { name: 'shop', rows: 30 });
  const child = watch(url, '-n', 'shop', '--count', '4');
  const heard = async (line: RegExp): Promise<string> => await readUntil(child.stdout, line);
  await heard(/shop 1 .*\n/);
  const at = Date.now() + 3_600_000;
  const asked = await call('POST', '/api/v1/change-requests', { operations: [{ name: 'shop', set: { rows: 9 } }], at });
  const { id } = asked.body;
  expect(await heard(/\n/)).toBe(`shop  scheduled ${id} for ${new Date(at).toISOString()}: rows=9\n`);
  await call('POST', `/api/v1/change-requests/${id}/cancel`, {});
  expect(await heard(/\n/)).toBe(`shop  cancelled ${id}\n`);
  const definition = { state: 'ENABLED', variants: { a: 1 }, defaultVariant: 'a' };
  await call('PUT', '/api/v1/configs/shop/flags/banner', { definition });
  expect(await heard(/\n/)).toBe('shop  flags: banner\n');
  await call('DELETE', '/api/v1/configs/shop');
  expect(await heard(/deleted.*\n/)).toBe(
    'shop 2  rows 30->24\nshop 2  deleted: it reads as the defaults until it is made again\n',
  );
  await call('POST', '/api/v1/configs', { name: 'shop', rows: 40 });
  expect(await heard(/\n/)).toBe('shop 3  rows 24->40\n');
  registry.child.kill('SIGKILL');
  expect(await heard(/\n/)).toBe('shop  connection lost; another one is opened\n');
  expect(await readUntil(child.stderr, /\n/)).toMatch(
    /^warning: The stream of 'shop' does not open: no registry answers/,
  );
  const again = await startProgram(registry.data, ['--port', new URL(url).port]);
  expect(await heard(/\n/)).toBe('shop  connected again\n');
  await again.call('PATCH', '/api/v1/configs/shop', { rows: 41 });
  expect(await heard(/(?!)/)).toBe('shop 4  rows 40->41\n');
  const twice = watch(url, 'shop', '-n', 'blog');
  expect([await twice.exited, await new Response(twice.stderr).text()]).toEqual([
    2,
    expect.stringMatching(/^error: The config is given twice/),
  ]);
});
