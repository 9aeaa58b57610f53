/** A database put back from a backup: whole, verified, and never at the cost of what was there. @module */
import { copyFileSync, existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { verifyFile } from '../../src/journal/backup.ts';
import { restoreDatabase } from '../../src/live/backups.ts';
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
