/** How many streams there may be, and what of them stays when they end. @module */
import { expect, it } from 'vitest';
import { Flags } from '../../src/flags/flags.ts';
import { openApp } from './app-fixtures.ts';

const EVENTS = 'http://localhost:4873/api/v1/configs/default/events';

it('takes so many from one address and in all, and more when some have ended', async () => {
  const { app, call, lines } = await openApp(undefined, undefined, undefined, { perAddress: 2, total: 3 });
  const open = async (address: string): Promise<Response> =>
    await app.fetch(new Request(EVENTS), { peer: { address, port: 1, family: 'IPv4' } });
  const [one] = [await open('192.0.2.1'), await open('192.0.2.1')];
  const refused = await open('192.0.2.1');
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await refused.json()).toMatchObject({ code: 'ERR_BUSY', detail: /^2 streams .* from this address$/ });
  expect((await open('192.0.2.2')).status).toBe(200);
  const full = await open('192.0.2.3');
  expect(await full.json()).toMatchObject({ code: 'ERR_BUSY', detail: /^3 streams .* in all$/ });
  expect((await call('GET', '/metrics')).body).toMatch(/^c13_clients\{kind="stream"\} 3$/m);
  await one!.body!.cancel();
  expect((await open('192.0.2.1')).status).toBe(200);
  // Who is not let in holds no place.
  const missing = await app.fetch(new Request(EVENTS.replace('default', 'nobody')), { peer: null });
  expect(missing.status).toBe(404);
  expect(lines.filter((line) => line.includes('cannot'))).toEqual([]);
});

it('drops who does not read its events, counted once, and gives its place to others', async () => {
  const { app, call, operations } = await openApp(undefined, undefined, undefined, { perAddress: 1, total: 1 });
  const { journal } = operations.store;
  const flags = new Flags(journal, () => operations.store.head());
  const definition = { state: 'ENABLED', variants: { a: 1 }, defaultVariant: 'a' };
  const change = { kind: 'put', input: { definition } } as const;
  const keys = Array.from({ length: 500 }, (_, i) => `${'k'.repeat(90)}${i}`);
  const signed = { actor: 'ann', isFeature: () => false };
  await journal.append(await Promise.all(keys.map((key) => flags.entryOf('default', key, change, signed))));
  const slow = await app.fetch(new Request(EVENTS), { peer: null });
  const figures = async (): Promise<string> => (await call('GET', '/metrics')).body;
  // Each tells of all keys, which are some 50 KB.
  for (let i = 0; !/_dropped_total\{why="slow"\} 1$/m.test(await figures()); i++) {
    expect(i).toBeLessThan(100);
    await flags.putSet('default', { metadata: { i } }, { actor: 'ann' });
  }
  expect(await figures()).toMatch(/^c13_clients\{kind="stream"\} 0$/m);
  await expect(slow.text()).rejects.toThrow('does not read');
  const next = await app.fetch(new Request(EVENTS), { peer: null });
  expect(next.status).toBe(200);
  await next.body!.cancel();
  expect(await figures()).toMatch(/_dropped_total\{why="slow"\} 1$/m);
});
