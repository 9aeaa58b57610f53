/**
 * Which configs have what on: the same answer as looking at each, whoever wrote, also beyond the first capacity.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createProductionConfig } from '../../src/live/production-config.ts';
import { openConfigStore, type ConfigStore } from '../../src/live/config-store.ts';
import { ConfigOperations } from '../../src/live/operations.ts';

const SIGNATURE = { actor: 'ann', reason: '' };
let directory: string;
let store: ConfigStore;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'c13-index-'));
  store = await openConfigStore(join(directory, 'journal.db'));
});
afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

async function write(name: string, featureFlags: number): Promise<void> {
  await store.commit(name, {
    kind: 'update',
    create: true,
    signature: SIGNATURE,
    change: ({ config, rollouts }) => ({ config: { ...config, featureFlags }, rollouts }),
  });
}

test('agrees with a look at each config after any writes', async () => {
  const flags = fc.integer({ min: 0, max: 0xffff_ffff });
  const writes = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), flags), { minLength: 1, maxLength: 12 });
  const known = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(writes, flags, flags, async (some, on, off) => {
      for (const [number, value] of some) {
        await write(`s${number}`, value);
        known.set(`s${number}`, value);
      }
      const wanted = [...known].filter(([, value]) => (value & on) >>> 0 === on && (value & off) === 0);
      expect(await store.namesWhere({ on, off })).toEqual(wanted.map(([name]) => name).sort());
    }),
    { seed: 13, numRuns: 25 },
  );
});

test('grows past its first capacity', async () => {
  const names = Array.from({ length: 1100 }, (_, i) => `n${String(i).padStart(4, '0')}`);
  await Promise.all(names.map((name, i) => write(name, i % 2 === 0 ? 4 : 0)));
  expect(await store.namesWhere({ on: 4, off: 0 })).toEqual(names.filter((_, i) => i % 2 === 0));
  expect(await store.namesWhere({ on: 0, off: 4 })).toHaveLength(550);
});

test('hears of what another handle wrote, and lists by name, page and service', async () => {
  const operations = new ConfigOperations(store);
  const [persistPath, features] = [join(directory, 'journal.db'), { new_checkout: 12 }];
  for (const environment of ['production', 'staging']) {
    const config = createProductionConfig({
      persistPath,
      enableClusterSync: true,
      name: 'checkout',
      environment,
      features,
    });
    config.enableFeature('metrics');
    if (environment === 'staging') config.enableFeature('new_checkout');
    await config.persist('ready');
    await config.close();
  }
  await write('mail', 1 << 6);
  const names = async (query: Parameters<ConfigOperations['list']>[0]): Promise<string[]> =>
    (await operations.list(query)).map(({ name }) => name);
  expect(await names({ on: ['metrics'] })).toEqual(['checkout/production', 'checkout/staging', 'mail']);
  expect(await names({ on: ['metrics'], after: 'checkout/production', limit: 1 })).toEqual(['checkout/staging']);
  expect(await names({ service: 'checkout', on: ['metrics'], off: ['new_checkout'] })).toEqual(['checkout/production']);
  expect(await operations.count({ on: ['metrics'], off: ['debug'] })).toBe(3);
  await expect(operations.list({ on: ['new_checkout'] })).rejects.toMatchObject({ code: 'ERR_UNKNOWN_FEATURE' });
});
