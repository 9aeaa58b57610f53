/** A database put back from a backup: whole, verified, and never at the cost of what was there. @module */
import { Database } from 'bun:sqlite';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync } from 'node:fs';
import { utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { verifyFile } from '../../src/journal/backup.ts';
import { listBackups, openBackup, removeAbandonedDrafts, restoreDatabase } from '../../src/live/backups.ts';
import { tempDirectory } from '../journal/fixtures.ts';
import { open } from './fixtures.ts';

function faultOf(action: () => unknown): unknown {
  try {
    action();
    return 'none';
  } catch (error) {
    return (error as { code?: string }).code ?? error;
  }
}

async function databaseAt(path: string, changes: number): Promise<void> {
  const config = open({ persistPath: path });
  for (let i = 0; i < changes; i++) config.toggleFeature('debug');
  await config.persist(`after ${changes} changes`);
}

describe('restoring a database', () => {
  it('brings what lies only in the log of the backup', async () => {
    const directory = tempDirectory();
    const [source, target] = [join(directory, 'live.db'), join(directory, 'restored.db')];
    await databaseAt(source, 20);
    expect(existsSync(`${source}-wal`)).toBe(true);
    const { head, kept } = restoreDatabase(source, target, false);
    expect(kept).toBe(null);
    expect(head).toEqual(verifyFile(source).head);
    expect(verifyFile(target)).toMatchObject({ ok: true, head });
    expect(open({ persistPath: target }).revision).toBe(22);
    expect(readdirSync(directory).filter((name) => /restoring|draft/.test(name))).toEqual([]);
  });

  it('keeps the database that was there, with its log', async () => {
    const directory = tempDirectory();
    const [source, target] = [join(directory, 'live.db'), join(directory, 'there.db')];
    await databaseAt(source, 3);
    await databaseAt(target, 7);
    const before = verifyFile(target).head;
    expect(faultOf(() => restoreDatabase(source, target, false))).toBe('ERR_BACKUP');
    const { head, kept } = restoreDatabase(source, target, true);
    expect(verifyFile(target).head).toEqual(head);
    expect(verifyFile(kept!).head).toEqual(before);
  });

  it('leaves everything as it was when the backup is damaged or the place cannot be written', async () => {
    const directory = tempDirectory();
    const [source, target, cut] = ['live.db', 'there.db', 'cut.db'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    await databaseAt(target, 1);
    const config = open({ persistPath: source });
    await config.persist('one');
    await config.close();
    copyFileSync(source, cut);
    truncateSync(cut, 8192);
    writeFileSync(join(directory, 'file'), '');
    const names = readdirSync(directory);
    const bytes = readFileSync(target);
    expect(faultOf(() => restoreDatabase(cut, target, true))).toBe('ERR_JOURNAL_DAMAGED');
    expect(faultOf(() => restoreDatabase(source, join(directory, 'file', 'x.db'), true))).toBe('ERR_BACKUP');
    expect(readdirSync(directory)).toEqual(names);
    expect(readFileSync(target).equals(bytes)).toBe(true);
  });
});

describe('a backup that somebody changed beside its chain', () => {
  const FORGED = "UPDATE config_changes SET after = x'019ad10e93ffffffff02c8c800'";

  async function forged(): Promise<{ database: string; backup: string }> {
    const database = join(tempDirectory(), 'live.db');
    const config = open({ persistPath: database });
    config.enableFeature('metrics');
    await config.persist('ready');
    const { path } = await config.backup();
    await config.close();
    using forger = new Database(path);
    expect(forger.run(FORGED).changes).toBeGreaterThan(0);
    return { database, backup: path };
  }

  it('gives one config what its entries say', async () => {
    const { database, backup } = await forged();
    const { config } = await openBackup(database, basename(backup), 'default');
    expect(config).toMatchObject({ featureFlags: 1 << 6, terminalMode: 1, rows: 24 });
  });

  it('is restored whole with the tables that its entries make', async () => {
    const { backup } = await forged();
    const target = join(tempDirectory(), 'restored.db');
    restoreDatabase(backup, target, false);
    expect(open({ persistPath: target }).config).toMatchObject({ featureFlags: 1 << 6, rows: 24 });
  });
});

describe('the list of backups', () => {
  it('holds regular files alone, and drafts go when nobody can be writing them', async () => {
    const database = join(tempDirectory(), 'live.db');
    await databaseAt(database, 1);
    const config = open({ persistPath: database });
    const { path } = await config.backup();
    const directory = dirname(path);
    symlinkSync('/nonexistent', join(directory, 'zz.db'));
    mkdirSync(join(directory, 'folder.db'));
    const [old, young] = ['old.db.draft-0a', 'young.db.draft-0b'].map((name) => join(directory, name)) as [
      string,
      string,
    ];
    for (const draft of [old, young]) writeFileSync(draft, '');
    utimesSync(old, 0, 0);
    expect((await listBackups(database)).map(({ name }) => name)).toEqual([basename(path)]);
    await expect(openBackup(database, 'zz.db', 'default')).rejects.toMatchObject({ code: 'ERR_BACKUP' });
    removeAbandonedDrafts(database);
    expect([old, young, path].map((file) => existsSync(file))).toEqual([false, true, true]);
  });
});
