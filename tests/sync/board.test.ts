/** Boards that move, are taken away, or lag behind their journal. @module */
import { cpSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { boardPathOf, checkBoards } from '../../src/sync/board.ts';
import { createProductionConfig } from '../../src/live/production-config.ts';
import { codeOf, tempDirectory } from '../journal/fixtures.ts';
import { open, run, useDataDirectory } from '../live/fixtures.ts';
import { flipByte } from './damage.ts';

function options() {
  const persistPath = join(tempDirectory(), 'config.db');
  return { persistPath, enableClusterSync: true, name: 'shop', features: { new_checkout: 12 } } as const;
}

describe('a board that is removed while configs are open', () => {
  it('is made anew by the next change, with the last state', async () => {
    const settings = options();
    const config = open({ ...settings, region: 'eu' });
    config.setRollout('new_checkout', 30);
    config.enableFeature('metrics');
    rmSync(boardPathOf(settings.persistPath));
    config.enableFeature('debug');
    expect([config.revision, config.flags.metrics, config.getRollout('new_checkout')]).toEqual([4, true, 30]);
    const { lines, complaint } = await run('one-change.ts', [settings.persistPath, 'logging']);
    expect([complaint, lines]).toEqual(['', ['4 -> 5']]);
    expect([config.revision, config.flags.logging]).toEqual([5, true]);
    await config.persist('still one board');
    expect((await config.getHistory()).map(({ revision, kind }) => [revision, kind])).toEqual([
      [6, 'persist'],
      [5, 'update'],
      [4, 'update'],
      [3, 'update'],
      [2, 'update'],
      [1, 'create'],
    ]);
  });

  it('is noticed by a process that only reads; those that saw different revisions meet at the highest', async () => {
    const settings = options();
    const config = open(settings);
    config.enableFeature('metrics');
    await config.persist('on disk');
    const board = boardPathOf(settings.persistPath);
    renameSync(board, `${board}.old`);
    // The other process makes a new board, fills it from the journal, and is ahead of us then.
    const { lines } = await run('one-change.ts', [settings.persistPath, 'logging', 'debug']);
    expect(lines).toEqual(['3 -> 5']);
    checkBoards();
    const { logging, debug, metrics } = config.flags;
    expect([config.revision, logging, debug, metrics]).toEqual([5, true, true, true]);
  });

  it('keeps what it shows when no new one can be made, and tries again', async () => {
    const directory = tempDirectory();
    useDataDirectory(join(directory, 'data'));
    const config = open({ enableClusterSync: true });
    config.enableFeature('metrics');
    renameSync(join(directory, 'data'), join(directory, 'away'));
    checkBoards();
    expect(config.flags.metrics).toBe(true);
    expect(await codeOf(() => config.enableFeature('debug'))).toBe('ERR_BOARD');
    expect([config.flags.metrics, config.flags.debug, config.revision]).toEqual([true, false, 2]);
    mkdirSync(join(directory, 'data'));
    config.enableFeature('debug');
    expect([config.flags.metrics, config.flags.debug, config.revision]).toEqual([true, true, 3]);
  });
});

describe('a database that is replaced while configs are open', () => {
  it('cuts them off: reads go on, changes are refused, the other one is untouched', async () => {
    const settings = options();
    const other = { ...settings, persistPath: join(tempDirectory(), 'other.db') };
    const made = createProductionConfig(other);
    made.enableFeature('logging');
    await made.close();
    const config = open(settings);
    config.setRollout('new_checkout', 30);
    config.enableFeature('metrics');
    checkBoards();
    await config.persist('before');
    for (const suffix of ['', '-wal', '-shm']) rmSync(settings.persistPath + suffix, { force: true });
    cpSync(other.persistPath, settings.persistPath);
    const { lines, complaint } = await run('one-change.ts', [settings.persistPath, 'debug']);
    expect([complaint, lines]).toEqual(['', ['2 -> 3']]);
    expect(await codeOf(() => config.enableFeature('encryption'))).toBe('ERR_BOARD');
    expect(await codeOf(() => config.setRollout('debug', 5))).toBe('ERR_BOARD');
    expect(await codeOf(config.persist('no'))).toBe('ERR_BOARD');
    checkBoards();
    expect([config.flags.metrics, config.flags.logging, config.flags.debug]).toEqual([true, false, false]);
    expect([config.getRollout('new_checkout'), config.isEnabledFor('metrics', 'x')]).toEqual([30, true]);
    expect(config.getDebugView().features.enabled).toEqual(['metrics']);
    await config.close();
    const again = open(settings);
    expect([again.revision, again.flags.metrics, again.flags.logging, again.flags.debug]).toEqual([
      3,
      false,
      true,
      true,
    ]);
  });

  it('leaves them what they last knew, though nobody looked since', async () => {
    const settings = options();
    const config = open(settings);
    config.enableFeature('metrics');
    config.setRollout('new_checkout', 30);
    await config.persist('before');
    for (const suffix of ['', '-wal', '-shm']) rmSync(settings.persistPath + suffix, { force: true });
    expect((await run('one-change.ts', [settings.persistPath, 'debug'])).lines).toEqual(['1 -> 2']);
    expect(await codeOf(() => config.enableFeature('encryption'))).toBe('ERR_BOARD');
    expect([config.flags.metrics, config.flags.debug]).toEqual([true, false]);
    expect([config.revision, config.getRollout('new_checkout')]).toEqual([4, 30]);
  });

  it('is not brought back by a process whose board was removed with it', async () => {
    const settings = options();
    const config = open(settings);
    config.enableFeature('metrics');
    checkBoards();
    await config.persist('before');
    for (const suffix of ['', '-wal', '-shm', '-board']) rmSync(settings.persistPath + suffix, { force: true });
    expect((await run('one-change.ts', [settings.persistPath, 'debug'])).lines).toEqual(['1 -> 2']);
    checkBoards();
    expect(await codeOf(() => config.enableFeature('encryption'))).toBe('ERR_BOARD');
    expect(config.flags.metrics).toBe(true);
    expect((await run('one-change.ts', [settings.persistPath, 'logging'])).lines).toEqual(['2 -> 3']);
  });
});

describe('an older state of the database that is put back', () => {
  it('is what is read, and those who still show the newer one are cut off', async () => {
    const settings = options();
    const before = createProductionConfig(settings);
    before.enableFeature('debug');
    await before.persist('good');
    const { path } = await before.backup();
    before.disableFeature('debug');
    before.setRollout('new_checkout', 30);
    before.enableFeature('maintenance_mode');
    await before.persist('bad');
    const command = [process.execPath, join(import.meta.dirname, 'holder.ts'), settings.persistPath];
    const holder = Bun.spawn(command, { stdin: 'pipe', stdout: 'pipe' });
    const lines = holder.stdout.getReader();
    await lines.read();
    await before.close();
    for (const suffix of ['', '-wal', '-shm']) rmSync(settings.persistPath + suffix, { force: true });
    cpSync(path, settings.persistPath);
    const config = open(settings);
    const { debug, maintenance_mode, logging } = config.flags;
    expect([config.revision, debug, maintenance_mode, logging]).toEqual([3, true, false, false]);
    expect(config.getRollout('new_checkout')).toBe(0);
    await holder.stdin.end();
    expect(new TextDecoder().decode((await lines.read()).value)).toBe('ERR_BOARD\n');
    expect(config.flags.debug).toBe(true);
    config.enableFeature('metrics');
    await config.persist('on from there');
    expect((await config.getHistory()).map(({ revision }) => revision)).toEqual([5, 4, 3, 2, 1]);
    const again = await run('one-change.ts', [settings.persistPath, 'logging']);
    expect([again.complaint, again.lines]).toEqual(['', ['5 -> 6']]);
    expect(config.flags.logging).toBe(true);
  });
});

describe('a database that is removed while configs are open', () => {
  it('acknowledges nothing more, and its board is left at the next look', async () => {
    const settings = options();
    const config = open(settings);
    config.enableFeature('metrics');
    await config.persist('there');
    for (const suffix of ['', '-wal', '-shm']) rmSync(settings.persistPath + suffix, { force: true });
    config.enableFeature('debug');
    expect(await codeOf(config.persist('gone'))).toBe('ERR_JOURNAL_WRITE');
    checkBoards();
    expect(await codeOf(() => config.enableFeature('logging'))).toBe('ERR_BOARD');
    expect([config.flags.metrics, config.flags.debug, config.flags.logging]).toEqual([true, true, false]);
    expect(await codeOf(config.close())).toBe('ERR_JOURNAL_WRITE');
  });

  it('can be opened anew by the same process, while the old config is still held', async () => {
    const settings = options();
    const old = open(settings);
    old.enableFeature('metrics');
    await old.persist('there');
    old.enableFeature('encryption');
    for (const suffix of ['', '-wal', '-shm', '-board']) rmSync(settings.persistPath + suffix, { force: true });
    const config = open(settings);
    expect([config.revision, config.flags.metrics]).toEqual([1, false]);
    config.enableFeature('debug');
    await config.persist('a new beginning');
    expect(await codeOf(() => old.enableFeature('logging'))).toBe('ERR_BOARD');
    // It waits for what this process could not write to the file that is gone.
    expect(await codeOf(old.close())).toBe('ERR_JOURNAL_WRITE');
    const again = open(settings);
    expect([again.revision, again.flags.debug, again.flags.metrics]).toEqual([3, true, false]);
    const { lines } = await run('one-change.ts', [settings.persistPath, 'logging']);
    expect([lines, config.flags.logging]).toEqual([['3 -> 4'], true]);
  });
});

describe('a worker that is terminated while it writes rollouts', () => {
  it('leaves the lock to others', async () => {
    const settings = options();
    const config = open(settings);
    for (let round = 0; round < 5; round++) {
      const { revision } = config;
      const worker = new Worker(new URL('./endless-rollouts.ts', import.meta.url).href);
      const ended = new Promise((resolve) => worker.addEventListener('close', resolve));
      worker.postMessage(settings.persistPath);
      await vi.waitUntil(() => config.revision > revision + 20 * (round + 1), { interval: 1, timeout: 20_000 });
      worker.terminate();
      await ended;
      config.setRollout('new_checkout', round + 1);
      expect(config.getRollout('new_checkout')).toBe(round + 1);
    }
  });
});

describe('a board', () => {
  it('is one, whichever way the database is named', () => {
    const settings = options();
    const config = open(settings);
    const link = join(tempDirectory(), 'link.db');
    symlinkSync(settings.persistPath, link);
    const linked = open({ ...settings, persistPath: link });
    const dotted = open({ ...settings, persistPath: join(dirname(settings.persistPath), '.', 'config.db') });
    config.enableFeature('metrics');
    expect([linked.flags.metrics, dotted.flags.metrics]).toEqual([true, true]);
  });

  it('has room for as many configs as the setting says when it is made', async () => {
    const settings = options();
    process.env.C13_BOARD_CAPACITY = '2';
    onTestFinished(() => {
      delete process.env.C13_BOARD_CAPACITY;
    });
    const names = ['shop', 'checkout', 'search'].map((name) => ({ ...settings, name, features: {} }));
    const fitting = names.slice(0, 2).map((one) => open(one));
    expect(await codeOf(() => open(names[2]!))).toBe('ERR_BOARD_FULL');
    process.env.C13_BOARD_CAPACITY = '3';
    expect(await codeOf(() => open(names[2]!))).toBe('ERR_BOARD_FULL');
    // One that is made anew under those who have it open keeps the room it had.
    rmSync(boardPathOf(settings.persistPath));
    for (const config of fitting) config.enableFeature('debug');
    expect(await codeOf(() => open(names[2]!))).toBe('ERR_BOARD_FULL');
    for (const config of fitting) await config.close();
    rmSync(boardPathOf(settings.persistPath));
    expect(names.map((one) => open(one).revision)).toEqual([2, 2, 1]);
    process.env.C13_BOARD_CAPACITY = 'many';
    expect(await codeOf(() => open({ ...settings, persistPath: `${settings.persistPath}2` }))).toBe('ERR_SETTING');
  });

  it('that lags behind its journal is brought up to it', async () => {
    const settings = options();
    const first = createProductionConfig(settings);
    first.enableFeature('metrics');
    await first.close();
    const board = boardPathOf(settings.persistPath);
    renameSync(board, `${board}.away`);
    const alone = createProductionConfig({ ...settings, enableClusterSync: false });
    for (const feature of ['debug', 'logging'] as const) alone.enableFeature(feature);
    alone.setRollout('new_checkout', 12);
    await alone.close();
    renameSync(`${board}.away`, board);
    const config = open(settings);
    expect([config.revision, config.flags.logging, config.getRollout('new_checkout')]).toEqual([5, true, 12]);
    config.enableFeature('encryption');
    await config.persist('one line of revisions');
    expect((await config.getHistory()).map(({ revision }) => revision)).toEqual([7, 6, 5, 4, 3, 2, 1]);
  });

  it('knows where its first process runs, and validation tells the others', () => {
    const settings = options();
    const eu = open({ ...settings, region: 'eu', clusterId: 'c1' });
    const us = open({ ...settings, region: 'us', clusterId: 'c1' });
    const silent = open(settings);
    const codes = (config: { validate(): { warnings: readonly { code: string }[] } }): string[] =>
      config.validate().warnings.map(({ code }) => code);
    expect(codes(us)).toContain('REGION_MISMATCH');
    expect(codes(us)).not.toContain('CLUSTER_MISMATCH');
    for (const config of [eu, silent]) expect(codes(config)).not.toContain('REGION_MISMATCH');
    rmSync(boardPathOf(settings.persistPath));
    us.enableFeature('metrics');
    expect(codes(us)).toContain('REGION_MISMATCH');
  });

  it('tells subscribers of other processes, and of nothing that they did not do', async () => {
    const settings = options();
    const config = open(settings);
    config.enableFeature('metrics');
    const heard: unknown[] = [];
    const first = new Promise<void>((resolve) => {
      config.subscribe(({ revision, changedFields, origin }) => {
        heard.push([revision, changedFields, origin]);
        resolve();
      });
    });
    await config.persist('takes a revision, changes nothing');
    await run('one-change.ts', [settings.persistPath, 'logging']);
    await first;
    expect(heard).toEqual([[4, ['featureFlags'], 'remote']]);
  });
});

describe('a board whose bytes were damaged', () => {
  it('refuses changes of them, and makes nothing good by a new seal', async () => {
    const settings = options();
    const config = open(settings);
    config.enableFeature('encryption');
    await config.persist('whole');
    const other = open({ ...settings, name: 'other', features: {} });
    flipByte(settings.persistPath, 'shop', 8);
    for (const change of [
      () => config.enableFeature('beta_feature'),
      () => config.setRollout('new_checkout', 5),
      () => config.applyTemplate('minimal'),
      () => config.reset(),
    ]) {
      expect(await codeOf(change)).toBe('ERR_RECORD_CHECKSUM');
    }
    other.enableFeature('debug');
    expect(config.revision).toBe(3);
    rmSync(boardPathOf(settings.persistPath));
    config.enableFeature('beta_feature');
    expect([config.flags.encryption, config.flags.beta_feature, config.revision]).toEqual([true, true, 4]);
  });

  it('is told to a subscriber as one warning, and as a change when it is whole again', async () => {
    const settings = options();
    const config = open(settings);
    config.enableFeature('encryption');
    await config.persist('whole');
    const warnings: unknown[] = [];
    const warned = Promise.withResolvers<void>();
    const onWarning = (warning: Error & { code?: string }): void => {
      warnings.push(warning.code);
      warned.resolve();
    };
    process.on('warning', onWarning);
    const heard = Promise.withResolvers<readonly string[]>();
    config.subscribe(({ changedFields }) => heard.resolve(changedFields));
    // The revision of another process's change, in seal and cell, is what makes the subscriber look.
    const { revision } = config;
    for (const offset of [8, 32, 0]) flipByte(settings.persistPath, 'shop', offset, revision ^ (revision + 1));
    await warned.promise;
    const { complaint } = await run('one-change.ts', [settings.persistPath]);
    expect(complaint).toContain('ERR_RECORD_CHECKSUM');
    flipByte(settings.persistPath, 'shop', 8, revision ^ (revision + 1));
    await run('one-change.ts', [settings.persistPath, 'logging']);
    expect(await heard.promise).toEqual(['featureFlags']);
    process.off('warning', onWarning);
    expect(warnings).toEqual(['ERR_RECORD_CHECKSUM']);
  });
});
