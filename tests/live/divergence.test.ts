/**
 * Configs that share a database and no board: whoever loses the race for a revision is told, and overwrites nothing.
 * Where there is a board, nobody writes past it.
 * @module
 */
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openConfigStore, type ConfigStore } from '../../src/live/config-store.ts';
import { createProductionConfig } from '../../src/live/production-config.ts';
import { boardPathOf } from '../../src/sync/board.ts';
import { codeOf, tempDirectory } from '../journal/fixtures.ts';
import { open, run } from './fixtures.ts';

const features = { new_checkout: 12 } as const;
const alone = { enableClusterSync: false } as const;

describe('two processes on one database without a board', () => {
  it('report the conflict at persist, and load takes the state of the other', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const ours = open({ ...alone, persistPath, name: 'shop', features, debugMode: true });
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
    const ours = open({ ...alone, persistPath, name: 'shop', features });
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
    const settings = { ...alone, persistPath, name: 'shop' };
    const [one, other] = [open(settings), open(settings)];
    one.enableFeature('metrics');
    other.enableFeature('logging');
    const codes = [await codeOf(one.persist('one')), await codeOf(other.persist('other'))];
    expect(codes.sort()).toEqual(['ERR_REVISION_CONFLICT', 'none']);
    await Promise.all([one.load(), other.load()]);
    expect(one.config).toEqual(other.config);
    expect(one.revision).toBe(3);
  });
});

describe('three processes that say nothing of sharing', () => {
  it('are on one board, and no change that any of them was told to be on disk is lost', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const names = Array.from({ length: 18 }, (_, i) => `f${i}`);
    const runs = [0, 6, 12].map((i) => run('acked-changes.ts', [persistPath, ...names.slice(i, i + 6)]));
    const ended = await Promise.all(runs);
    expect(ended.map(({ complaint, exitCode }) => [complaint, exitCode])).toEqual(ended.map(() => ['', 0]));
    expect(ended.flatMap(({ lines }) => lines)).toEqual(names);
    const after = open({ persistPath, name: 'shop' });
    expect(after.featureFlags >>> 12).toBe(2 ** 18 - 1);
    // What is on disk, whatever the board shows.
    await after.close();
    rmSync(boardPathOf(persistPath));
    expect(open({ ...alone, persistPath, name: 'shop' }).featureFlags >>> 12).toBe(2 ** 18 - 1);
  }, 60_000);
});

describe('a config in memory of its own', () => {
  const writers = { one: 12, two: 13, three: 14, four: 15 } as const;

  it('is refused where others share the database, until the board is removed', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const shared = open({ persistPath, name: 'shop', features });
    shared.enableFeature('debug');
    await shared.persist('shared');
    const opening = () => createProductionConfig({ ...alone, persistPath, name: 'shop', features });
    const details = { path: boardPathOf(persistPath), fault: 'shared' };
    expect(opening).toThrow(expect.objectContaining({ code: 'ERR_BOARD', details }));
    expect(opening).toThrow(boardPathOf(persistPath));
    await shared.close();
    expect(await codeOf(opening)).toBe('ERR_BOARD');
    rmSync(boardPathOf(persistPath));
    expect(open({ ...alone, persistPath, name: 'shop', features }).flags.debug).toBe(true);
    expect(existsSync(boardPathOf(persistPath))).toBe(false);
  });

  it.each(['persist', 'close'] as const)(
    'is refused at its next %s once there is a board, and nothing of it reaches the journal',
    async (how) => {
      const persistPath = join(tempDirectory(), 'config.db');
      const ours = open({ ...alone, persistPath, name: 'shop', features: writers });
      await ours.persist('begin');
      // Two revisions of the board that have no entry: what is built on them leaves a gap that ours would fit into.
      for (const what of ['flag', 'rollout']) {
        expect((await run('board-writer.ts', [persistPath, 'dies', what])).signal).toBe('SIGKILL');
      }
      ours.enableFeature('debug');
      expect(await codeOf(how === 'persist' ? ours.persist('past the board') : ours.close())).toBe('ERR_BOARD');
      expect(ours.flags.debug).toBe(true);
      const shared = open({ persistPath, name: 'shop', features: writers });
      shared.enableFeature('metrics');
      expect(await codeOf(shared.persist('the one order'))).toBe('none');
      expect((await shared.getHistory()).map(({ revision, kind }) => [revision, kind])).toEqual([
        [6, 'persist'],
        [5, 'update'],
        [4, 'unattributed'],
        [2, 'persist'],
        [1, 'create'],
      ]);
      expect([shared.flags.debug, shared.flags.two, shared.getRollout('two')]).toEqual([false, true, 77]);
      if (how === 'close') return;
      expect(await ours.load()).toMatchObject({ featureFlags: shared.featureFlags });
      ours.enableFeature('debug');
      expect(await codeOf(ours.persist('again'))).toBe('ERR_BOARD');
    },
  );

  it('is not told that an entry is on disk that was under way while a board was made', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const ours = open({ ...alone, persistPath, name: 'shop' });
    await ours.persist('begin');
    const persisted = codeOf(ours.persist('under way'));
    // The entry is sent within one turn of the event loop, and the answer comes in a later one.
    for (let i = 0; i < 100; i++) await Promise.resolve();
    const shared = open({ persistPath, name: 'shop' });
    expect(await persisted).toBe('ERR_BOARD');
    expect((await shared.getHistory()).map(({ reason }) => reason)).toContain('under way');
  });
});

describe('a process without the native core', () => {
  /** A copy of the sources without the library, and the script in it. */
  function copyWithoutLibrary(): string {
    const [root, copy] = [join(import.meta.dirname, '../..'), tempDirectory()];
    const files = ['src', 'bindings', 'zig-out/bin/c13.wasm', 'tests/live/code-of.ts', 'tests/live/without-boards.ts'];
    for (const file of files) cpSync(join(root, file), join(copy, file), { recursive: true });
    return join(copy, 'tests/live/without-boards.ts');
  }

  it('has its configs in memory, in a library and in a store, until others have a board', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const child = Bun.spawn([process.execPath, copyWithoutLibrary(), persistPath, 'changes'], {
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const lines = child.stdout.getReader();
    expect(new TextDecoder().decode((await lines.read()).value)).toBe('open\n');
    const shared = open({ persistPath, name: 'shop' });
    shared.enableFeature('metrics');
    await shared.persist('shared');
    void child.stdin.write('go on\n');
    await child.stdin.end();
    const saw: unknown = JSON.parse(new TextDecoder().decode((await lines.read()).value));
    expect([saw, await new Response(child.stderr).text()]).toEqual([
      {
        sharing: 'memory',
        alone: ['none', 'none'],
        shared: ['ERR_BOARD', 'ERR_BOARD', 'ERR_BOARD'],
        stored: [30],
        closed: ['ERR_BOARD', 'none'],
        opens: ['ERR_BOARD', 'ERR_BOARD', 'ERR_UNSUPPORTED'],
      },
      '',
    ]);
    expect([shared.flags.debug, shared.flags.logging]).toEqual([true, false]);
    expect(await codeOf(shared.persist('undisturbed'))).toBe('none');
  });

  it('opens what nobody shares', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const child = Bun.spawn([process.execPath, copyWithoutLibrary(), persistPath, 'opens'], { stdout: 'pipe' });
    expect(JSON.parse(await new Response(child.stdout).text())).toEqual({ opens: ['none', 'none', 'ERR_UNSUPPORTED'] });
    expect(existsSync(boardPathOf(persistPath))).toBe(false);
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

describe('somebody who writes to the journal past the board that others share', () => {
  it('and a store that is refused at that very revision: what was refused is not shown, nor built upon', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const store = await openConfigStore(persistPath);
    await enable(store, 6);
    const reader = open({ persistPath, name: 'shop', features });
    await run('journal-change.ts', [persistPath, 'logging']);
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
    const shared = createProductionConfig({ persistPath, name: 'shop', features });
    await shared.persist('begin');
    await run('journal-change.ts', [persistPath, 'logging', 'debug']);
    for (const name of ['encryption', 'metrics', 'verbose', 'beta_feature'] as const) shared.enableFeature(name);
    shared.setRollout('new_checkout', 10);
    if (closes) await shared.close();
    else expect(await codeOf(shared.persist('refused'))).toBe('ERR_REVISION_CONFLICT');
    const store = await openConfigStore(persistPath);
    const { config, revision, rollouts } = await store.get('shop');
    await store.close();
    expect([config.featureFlags, rollouts[12]]).toEqual([0x84, 0]);
    const after = open({ persistPath, name: 'shop', features });
    expect([after.config, after.revision]).toEqual([config, revision]);
    if (closes) return;
    shared.enableFeature('metrics');
    expect(await codeOf(shared.persist('told once'))).toBe('none');
    expect([shared.featureFlags, shared.pendingWrites]).toEqual([0xc4, 0]);
    await shared.close();
  });

  it('and one on the board: the board reports, and load brings it to the journal', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const shared = open({ persistPath, name: 'shop', features });
    await shared.persist('begin');
    await run('journal-change.ts', [persistPath, 'logging']);
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
    await run('journal-change.ts', [persistPath, 'logging', 'debug']);
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
