/**
 * Configs that share a database and no board: whoever loses the race for a revision is told, and overwrites nothing.
 * @module
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openConfigStore, type ConfigStore } from '../../src/live/config-store.ts';
import { createProductionConfig } from '../../src/live/production-config.ts';
import { codeOf, tempDirectory } from '../journal/fixtures.ts';
import { open, run } from './fixtures.ts';

const features = { new_checkout: 12 } as const;

describe('two processes on one database without a board', () => {
  it('report the conflict at persist, and load takes the state of the other', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const ours = open({ persistPath, name: 'shop', features, debugMode: true });
    await ours.persist('both begin here');
    expect((await run('lone-change.ts', [persistPath, 'logging'])).lines).toEqual(['2 -> 3']);
    ours.enableFeature('metrics');
    expect(await codeOf(ours.persist('lost'))).toBe('ERR_REVISION_CONFLICT');
    ours.enableFeature('debug');
    ours.setRollout('new_checkout', 10);
    expect(await codeOf(ours.persist('still lost'))).toBe('ERR_REVISION_CONFLICT');
    expect([ours.flags.metrics, ours.flags.debug, ours.flags.logging]).toEqual([true, true, false]);
    const heard: unknown[] = [];
    ours.subscribe(({ revision, changedFields, origin }) => heard.push([revision, changedFields, origin]));
    expect(await ours.load()).toMatchObject({ featureFlags: 0x80 });
    expect(heard).toEqual([[3, ['featureFlags', 'rollouts'], 'remote']]);
    expect([ours.revision, ours.flags.metrics, ours.flags.debug, ours.flags.logging]).toEqual([3, false, false, true]);
    expect(ours.getRollout('new_checkout')).toBe(0);
    ours.enableFeature('metrics');
    await ours.persist('now it builds on theirs');
    const history = await ours.getHistory();
    expect(history.map(({ revision, kind }) => [revision, kind])).toEqual([
      [5, 'persist'],
      [4, 'update'],
      [3, 'update'],
      [2, 'persist'],
      [1, 'create'],
    ]);
    expect(history[0]!.config.featureFlags).toBe(0xc0);
    expect(history[2]!.performance).toEqual({ readTime: null, writeTime: null });
  });

  it('load takes over what another one has written meanwhile', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const ours = open({ persistPath, name: 'shop', features });
    await ours.persist('begin');
    await run('lone-change.ts', [persistPath, 'logging', 'debug']);
    expect(await ours.load()).toMatchObject({ featureFlags: 0x84 });
    expect([ours.revision, ours.flags.logging]).toEqual([4, true]);
    ours.disableFeature('debug');
    await ours.persist('goes on');
    expect(ours.revision).toBe(6);
  });

  it('created at the same moment, are one config', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const [one, other] = [open({ persistPath, name: 'shop' }), open({ persistPath, name: 'shop' })];
    one.enableFeature('metrics');
    other.enableFeature('logging');
    const codes = [await codeOf(one.persist('one')), await codeOf(other.persist('other'))];
    expect(codes.sort()).toEqual(['ERR_REVISION_CONFLICT', 'none']);
    await Promise.all([one.load(), other.load()]);
    expect(one.config).toEqual(other.config);
    expect(one.revision).toBe(3);
  });
});

const SIGNATURE = { actor: 'store', reason: '' };

function enable(store: ConfigStore, bit: number) {
  return store.commit('shop', {
    kind: 'update',
    create: true,
    signature: SIGNATURE,
    change: ({ config, rollouts }) => ({
      config: { ...config, featureFlags: (config.featureFlags | (1 << bit)) >>> 0 },
      rollouts,
    }),
  });
}

describe('a process without the board that others share', () => {
  it('and a store that is refused at that very revision: what was refused is not shown, nor built upon', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const store = await openConfigStore(persistPath);
    await enable(store, 6);
    const reader = open({ persistPath, name: 'shop', features, enableClusterSync: true });
    await run('lone-change.ts', [persistPath, 'logging']);
    expect(await codeOf(enable(store, 10))).toBe('ERR_REVISION_CONFLICT');
    expect([reader.flags.maintenance_mode, reader.flags.logging]).toEqual([false, true]);
    await store.signUnattributed(SIGNATURE);
    await store.signUnattributed(SIGNATURE);
    expect(await store.get('shop')).toMatchObject({ config: { featureFlags: 0xc0 } });
    await enable(store, 9);
    expect((await store.history('shop')).entries.map((entry) => [entry.kind, entry.config.featureFlags])).toEqual([
      ['update', 0x2c0],
      ['revert', 0xc0],
      ['update', 0xc0],
      ['create', 0x40],
    ]);
    await store.close();
  });

  it.each([true, false])('overwritten by none of many changes on the board (closed at once: %s)', async (closes) => {
    const persistPath = join(tempDirectory(), 'config.db');
    const shared = createProductionConfig({ persistPath, name: 'shop', features, enableClusterSync: true });
    await shared.persist('begin');
    await run('lone-change.ts', [persistPath, 'logging', 'debug']);
    for (const name of ['encryption', 'metrics', 'verbose', 'beta_feature'] as const) shared.enableFeature(name);
    shared.setRollout('new_checkout', 10);
    if (closes) await shared.close();
    else expect(await codeOf(shared.persist('refused'))).toBe('ERR_REVISION_CONFLICT');
    const lone = open({ persistPath, name: 'shop', features });
    expect([lone.featureFlags, lone.getRollout('new_checkout')]).toEqual([0x84, 0]);
    const after = open({ persistPath, name: 'shop', features, enableClusterSync: true });
    expect([after.config, after.revision]).toEqual([lone.config, lone.revision]);
    if (closes) return;
    shared.enableFeature('metrics');
    expect(await codeOf(shared.persist('told once'))).toBe('none');
    expect([shared.featureFlags, shared.pendingWrites]).toEqual([0xc4, 0]);
    await shared.close();
  });

  it('and two on the board: no change that any of them was told to be on disk is lost', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const names = Array.from({ length: 18 }, (_, i) => `f${i}`);
    await run('acked-changes.ts', [persistPath, 'board', 'f18']);
    const runs = ['board', 'board', 'memory'].map((place, i) =>
      run('acked-changes.ts', [persistPath, place, ...names.slice(i * 6, i * 6 + 6)]),
    );
    const ended = await Promise.all(runs);
    expect(ended.map(({ complaint, exitCode }) => [complaint, exitCode])).toEqual(ended.map(() => ['', 0]));
    expect(ended.flatMap(({ lines }) => lines)).toEqual(names);
    const after = open({ persistPath, name: 'shop' });
    expect(after.featureFlags >>> 12).toBe(2 ** 19 - 1);
  }, 60_000);

  it('and one on the board: the board reports, and load brings it to the journal', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const shared = open({ persistPath, name: 'shop', features, enableClusterSync: true });
    await shared.persist('begin');
    await run('lone-change.ts', [persistPath, 'logging']);
    shared.enableFeature('metrics');
    expect(await codeOf(shared.persist('conflict'))).toBe('ERR_REVISION_CONFLICT');
    await shared.load();
    expect(await codeOf(shared.persist('settled'))).toBe('none');
    const [newest] = await shared.getHistory({ limit: 1 });
    expect(newest!.config).toEqual(shared.config);
  });

  it('and a store on the board: the store refuses, changes nothing, and builds on what it then sees', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const store = await openConfigStore(persistPath);
    expect(await enable(store, 6)).toMatchObject({ revision: 1 });
    await run('lone-change.ts', [persistPath, 'logging', 'debug']);
    expect(await codeOf(enable(store, 9))).toBe('ERR_REVISION_CONFLICT');
    expect(await store.get('shop')).toMatchObject({ revision: 3, config: { featureFlags: 0xc4 } });
    expect(await enable(store, 9)).toMatchObject({ revision: 4, config: { featureFlags: 0x2c4 } });
    expect((await store.history('shop')).entries.map(({ kind }) => kind)).toEqual([
      'update',
      'update',
      'update',
      'create',
    ]);
    await store.close();
  });
});
