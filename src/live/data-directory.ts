/** Where a registry and `getConfig()` keep their things: one directory, for its owner alone. @module */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigError } from '../errors/errors.ts';

const DATABASE_FILE = 'journal.db';
const BOARD_FILE = 'board';
const BACKUP_DIRECTORY = 'backups';

/** Makes the directory when missing (mode 0700). Throws ERR_SETTING when that cannot be. */
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
  return directory;
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
