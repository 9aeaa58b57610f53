/**
 * One SQLite connection: pragmas in the only safe order, statements prepared once, errors in the journal's words.
 * The one module that loads `bun:sqlite`. Must know neither entries nor projections.
 * @module
 */

import { Database, constants } from 'bun:sqlite';
import type { Statement } from 'bun:sqlite';
import type { Sql, SqlValue } from './projection.ts';
import { journalError } from './sqlite-error.ts';

export type OpenMode =
  /** Reads and writes a file that is there. */
  | 'write'
  /** Reads and writes a file that is made when missing. */
  | 'create'
  /** Reads, beside processes that may write. */
  | 'read'
  /** Reads a file nobody writes, leaving no trace beside it. */
  | 'immutable';

export class Connection implements Sql, Disposable {
  readonly path: string;
  readonly mode: OpenMode;
  readonly #database: Database;
  readonly #statements = new Map<string, Statement>();

  /** `ERR_JOURNAL_WRITE` when it cannot be opened, `ERR_JOURNAL_DAMAGED` when SQLite cannot read it. */
  constructor(path: string, mode: OpenMode, busyTimeoutMs: number) {
    this.path = path;
    this.mode = mode;
    try {
      this.#database = openDatabase(path, mode);
    } catch (error) {
      throw journalError(error, path);
    }
    try {
      this.#configure(busyTimeoutMs);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  // Invariant: busy_timeout comes first. Changing the journal mode takes a lock, and without the timeout a second
  // process that opens at the same moment fails at once.
  #configure(busyTimeoutMs: number): void {
    this.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    this.exec('PRAGMA temp_store = MEMORY');
    this.exec('PRAGMA trusted_schema = OFF');
    if (this.mode !== 'write' && this.mode !== 'create') return;
    this.exec('PRAGMA journal_mode = WAL');
    this.exec('PRAGMA synchronous = FULL');
    this.exec('PRAGMA secure_delete = ON');
  }

  run(text: string, ...params: SqlValue[]): { changes: number } {
    return this.#guard(() => this.#prepare(text).run(...params));
  }

  get<Row>(text: string, ...params: SqlValue[]): Row | null {
    return this.#guard(() => this.#prepare(text).get(...params) as Row | null);
  }

  all<Row>(text: string, ...params: SqlValue[]): Row[] {
    return this.#guard(() => this.#prepare(text).all(...params) as Row[]);
  }

  /** Runs statements that are not worth keeping prepared: pragmas, schema. */
  exec(text: string): void {
    this.#guard(() => this.#database.run(text));
  }

  /** A pragma's one value, as it is now: statements are not kept, since a kept pragma answers for another day. */
  pragma(text: string): unknown {
    return this.#guard(() => {
      using statement = this.#database.prepare(`PRAGMA ${text}`);
      return statement.values()[0]?.[0] ?? null;
    });
  }

  /** `immediate` takes the write lock first, so what is read inside is what the writes are decided on. */
  transaction<T>(kind: 'deferred' | 'immediate', inside: () => T): T {
    this.run(kind === 'immediate' ? 'BEGIN IMMEDIATE' : 'BEGIN');
    try {
      const value = inside();
      this.run('COMMIT');
      return value;
    } catch (error) {
      this.#rollback();
      throw error;
    }
  }

  /** A part of a transaction that can fail alone. */
  savepoint<T>(inside: () => T): T {
    this.run('SAVEPOINT part');
    try {
      const value = inside();
      this.run('RELEASE part');
      return value;
    } catch (error) {
      // SQLite has already rolled everything back when the disk failed; there is no savepoint to return to.
      if (this.#database.inTransaction) {
        this.run('ROLLBACK TO part');
        this.run('RELEASE part');
      }
      throw error;
    }
  }

  get inTransaction(): boolean {
    return this.#database.inTransaction;
  }

  close(): void {
    for (const statement of this.#statements.values()) statement.finalize();
    this.#statements.clear();
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #rollback(): void {
    if (this.#database.inTransaction) this.run('ROLLBACK');
  }

  #prepare(text: string): Statement {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#database.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  #guard<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw journalError(error, this.path);
    }
  }
}

function openDatabase(path: string, mode: OpenMode): Database {
  if (mode === 'write' || mode === 'create') return new Database(path, { readwrite: true, create: mode === 'create' });
  const uri = `${Bun.pathToFileURL(path).href}${mode === 'immutable' ? '?immutable=1' : ''}`;
  return new Database(uri, constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI);
}
