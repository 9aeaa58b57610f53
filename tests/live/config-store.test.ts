/** What the store promises beside the library that has the same database open. @module */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openConfigStore, type ConfigStore } from '../../src/live/config-store.ts';
import { createProductionConfig } from '../../src/live/production-config.ts';
import { checkBoards } from '../../src/sync/board.ts';
import { codeOf, tempDirectory } from '../journal/fixtures.ts';
import { open, run } from './fixtures.ts';

const SIGNATURE = { actor: 'store', reason: '' };
const CREATION = { kind: 'update', create: true, signature: SIGNATURE } as const;
const OTHER = { rollouts: new Uint16Array(32).fill(1) };

function rows(store: ConfigStore, value: number, expected?: number) {
  return store.commit('shop', {
    kind: 'update',
    create: true,
    expected,
    signature: SIGNATURE,
    change: ({ config, rollouts }) => ({ config: { ...config, rows: value }, rollouts }),
  });
}

describe('a store', () => {
  it('knows whether others see what it changes, and how the board does', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const store = await openConfigStore(persistPath);
    await rows(store, 30);
    await store.commit('cart', { ...CREATION, change: (draft) => draft });
    expect(store.isShown).toBe(true);
    const { seq: announced } = await store.journal.head();
    expect(store.board()).toEqual({ slots: 2, capacity: expect.any(Number), announced });
    renameSync(persistPath, `${persistPath}.away`);
    checkBoards();
    expect([store.isShown, store.board()]).toEqual([false, null]);
    renameSync(`${persistPath}.away`, persistPath);
    await store.close();
  });

  it('and a config see each other on the board, and one history', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const store = await openConfigStore(persistPath);
    await rows(store, 30);
    const config = open({ persistPath, name: 'shop', enableClusterSync: true });
    config.enableFeature('metrics');
    expect(await codeOf(rows(store, 31, 1))).toBe('ERR_REVISION_CONFLICT');
    await rows(store, 32, 2);
    expect([config.rows, config.revision]).toEqual([32, 3]);
    await config.persist('seen');
    expect((await store.history('shop')).entries.map(({ revision }) => revision)).toEqual([4, 3, 2, 1]);
    expect(await store.get('shop')).toMatchObject({ revision: 4, config: config.config });
    await store.close();
  });

  it('refuses a signature that no entry can hold before anything is visible, and goes on', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const store = await openConfigStore(persistPath);
    await rows(store, 30);
    const reader = open({ persistPath, name: 'shop', enableClusterSync: true });
    const signed = (signature: { actor: string; reason: string }, name = 'shop') =>
      store.commit(name, { kind: 'update', create: true, signature, change: (current) => ({ ...current, ...OTHER }) });
    expect(await codeOf(signed({ actor: 'x', reason: 'r'.repeat(5000) }))).toBe('ERR_OUT_OF_RANGE');
    expect(await codeOf(signed({ actor: '', reason: '' }, 'new'))).toBe('ERR_OUT_OF_RANGE');
    expect(await codeOf(signed({ actor: 'half \ud800', reason: '' }))).toBe('ERR_NAME');
    expect(await codeOf(store.signUnattributed({ actor: 'a\n', reason: '' }))).toBe('ERR_NAME');
    expect([reader.revision, reader.rows, await store.count()]).toEqual([1, 30, 1]);
    expect(await rows(store, 31)).toMatchObject({ revision: 2 });
    await store.close();
  });

  it('stays open while a config of the same database is closed, or refused, as it opens', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const config = createProductionConfig({ persistPath, features: { mine: 12 } });
    config.enableFeature('mine');
    const opening = openConfigStore(persistPath);
    const closing = config.close();
    const refused = codeOf(() => createProductionConfig({ persistPath, name: 'a/../b' }));
    const store = await opening;
    await closing;
    expect(await refused).toBe('ERR_NAME');
    expect((await rows(store, 40)).config.rows).toBe(40);
    await store.close();
  });

  it('signs what a killed process left without an entry, once it is sure that nobody will', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const store = await openConfigStore(persistPath);
    await rows(store, 30);
    await run('board-writer.ts', [persistPath, 'dies', 'flag']);
    await store.signUnattributed(SIGNATURE);
    expect((await store.get('shop')).revision).toBe(1);
    await store.signUnattributed(SIGNATURE);
    expect(await store.get('shop')).toMatchObject({ revision: 3, config: { rows: 30, featureFlags: 1 << 13 } });
    await store.signUnattributed(SIGNATURE);
    expect((await store.history('shop')).entries.map(({ revision, kind }) => [revision, kind])).toEqual([
      [3, 'persist'],
      [2, 'unattributed'],
      [1, 'create'],
    ]);
    await store.close();
  });
});
