/**
 * A lock that one process holds and its death releases, however it dies: SQLite's own, on a file that holds nothing. It
 * says that a program is the only one of its kind on a directory; it does not keep journals from being opened.
 * @module
 */
import { Database } from 'bun:sqlite';
import { sqliteCode } from './sqlite-error.ts';

export interface Lock {
  /** Lets go of it; the file stays, for removing it would race with the next holder. */
  release(): void;
}

/** The lock, or null when another process has it. Throws what SQLite throws for a file that cannot be made. */
export function tryLock(path: string): Lock | null {
  const connection = new Database(path, { create: true });
  try {
    connection.run('BEGIN EXCLUSIVE');
  } catch (error) {
    connection.close();
    if (sqliteCode(error)?.startsWith('SQLITE_BUSY') === true) return null;
    throw error;
  }
  return { release: () => connection.close() };
}
