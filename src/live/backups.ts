/** Where backups of a database lie and what they are called: by their time, so that they sort. @module */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { backupsOf } from './data-directory.ts';

/** A path for a new backup, `backups/2026-03-01T12-00-00.000Z.db` beside the database; the directory is made. */
export function backupPath(database: string, at = new Date()): string {
  const directory = backupsOf(database);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return join(directory, `${at.toISOString().replaceAll(':', '-')}.db`);
}
