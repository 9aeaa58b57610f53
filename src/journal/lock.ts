/**
 * A lock that one process holds and its death releases, however it dies: SQLite's own, on a file that holds nothing. It
 * says that a program is the only one of its kind on a directory; it does not keep journals from being opened.
 * @module
 */
import { Database } from 'bun:sqlite';
import { journalError, sqliteCode } from './sqlite-error.ts';

export interface Lock {
  /** Lets go of it; the file stays, for removing it would race with the next holder. */
  release(): void;
}

/** The lock, or null when another process has it. Throws ERR_JOURNAL_WRITE where the file cannot be made or locked. */
export function tryLock(path: string): Lock | null {
  let connection: Database | null = null;
  try {
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
