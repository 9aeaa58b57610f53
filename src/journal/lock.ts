/**
 * A lock that one process holds and its death releases, however it dies: SQLite's own, on a file that holds nothing. It
 * says that a program is the only one of its kind on a directory; it does not keep journals from being opened.
 * @module
 */
import { Database } from 'bun:sqlite';
import { chmodSync, closeSync, existsSync, openSync, statSync } from 'node:fs';
import { journalError, sqliteCode } from './sqlite-error.ts';

export interface Lock {
  /** Lets go of it; the file stays, for removing it would race with the next holder. */
  release(): void;
}

const OWNER_ONLY = 0o600;

/**
 * The lock, or null when another process has it; its files are their owner's alone. Throws ERR_JOURNAL_WRITE where the
 * file cannot be made or locked.
 */
export function tryLock(path: string): Lock | null {
  let connection: Database | null = null;
  try {
    makePrivate(path);
    connection = new Database(path, { create: true });
    connection.run('BEGIN EXCLUSIVE');
    const held = connection;
    return { release: () => held.close() };
  } catch (error) {
    connection?.close();
    if (sqliteCode(error)?.startsWith('SQLITE_BUSY') === true) return null;
    throw journalError(error, path);
  }
}

/** Before SQLite opens it: the files that it makes beside this one get the same mode. */
function makePrivate(path: string): void {
  if (!existsSync(path)) closeSync(openSync(path, 'a', OWNER_ONLY));
  // On a read-only disk it stays as it was made.
  if ((statSync(path).mode & 0o777) !== OWNER_ONLY) chmodSync(path, OWNER_ONLY);
}
