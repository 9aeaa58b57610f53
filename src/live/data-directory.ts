/** Where a registry and `getConfig()` keep their things: one directory, for its owner alone. @module */
import { mkdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigError } from '../errors/errors.ts';

const DATABASE_FILE = 'journal.db';
const BOARD_FILE = 'board';
const BACKUP_DIRECTORY = 'backups';

/** Write permission of the group and of others. */
const WRITABLE_BY_OTHERS = 0o022;

/**
 * Makes the directory when missing (mode 0700). Throws ERR_SETTING when that cannot be, and for one that somebody else
 * owns or can write to: what lies in it could be his.
 */
export function openDataDirectory(path: string): string {
  const directory = resolve(path);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new ConfigError('ERR_SETTING', {
      message: `The data directory ${directory} cannot be made: ${(cause as Error).message}`,
      hint: 'Set C13_DATA to a directory that this user can write.',
      details: { setting: 'C13_DATA', value: path },
      cause,
    });
  }
  checkOwner(directory, path);
  return directory;
}

/** Where there are no user ids, there is nothing to check. */
function checkOwner(directory: string, value: string): void {
  const uid = process.getuid?.();
  if (uid === undefined) return;
  const { uid: owner, mode } = statSync(directory);
  if (owner === uid && (mode & WRITABLE_BY_OTHERS) === 0) return;
  const why = owner === uid ? 'can be written by other users' : `belongs to user ${owner}, and this is user ${uid}`;
  throw new ConfigError('ERR_SETTING', {
    message: `The data directory ${directory} ${why}`,
    hint: owner === uid ? `Run: chmod 700 '${directory}'` : 'Set C13_DATA to a directory of this user, with chmod 700.',
    details: { setting: 'C13_DATA', value },
  });
}

export function databaseIn(directory: string): string {
  return join(directory, DATABASE_FILE);
}

/** The board of configs that have no database. */
export function boardIn(directory: string): string {
  return join(directory, BOARD_FILE);
}

/** Where backups of a database go unless somebody says otherwise: beside it. */
export function backupsOf(database: string): string {
  return join(database, '..', BACKUP_DIRECTORY);
}
