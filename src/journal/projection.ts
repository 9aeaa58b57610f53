/**
 * What a domain hands to the journal: tables derived from entries, updated in the transaction that appends them.
 * Here so that a domain needs neither SQLite nor the journal's insides. Must not know any domain.
 * @module
 */

import type { Entry } from './journal.ts';

export type SqlValue = string | number | bigint | Uint8Array | null;

/** The journal's database as a projection sees it. Statements are prepared once and kept; write them with `?`. */
export interface Sql {
  run(text: string, ...params: SqlValue[]): { changes: number };
  get<Row>(text: string, ...params: SqlValue[]): Row | null;
  all<Row>(text: string, ...params: SqlValue[]): Row[];
}

/** A named read. It must not write (the connection refuses it), and what it returns must survive `structuredClone`. */
export type Query = (sql: Sql, params: never) => unknown;

/**
 * A view of the journal, kept in tables of the same database.
 *
 * It must be a pure function of the entries in the order of their sequence: no clock, no randomness, nothing but `sql`
 * and `entry`. Then a rebuilt projection equals one that grew with the journal, and the journal may drop and rebuild it
 * whenever it likes: when `version` rises, on `rebuild`, and after a redaction (so erased bytes leave its tables too).
 *
 * @example
 * const streams = {
 *   name: 'streams',
 *   version: 1,
 *   create(sql) { sql.run('CREATE TABLE streams (stream TEXT PRIMARY KEY, entries INTEGER NOT NULL)'); },
 *   apply(sql, { stream }) {
 *     sql.run('INSERT INTO streams VALUES (?, 1) ON CONFLICT DO UPDATE SET entries = entries + 1', stream);
 *   },
 *   queries: { count: (sql, stream: string) => sql.get('SELECT entries FROM streams WHERE stream = ?', stream) },
 * } satisfies Projection;
 * const row = await journal.query(streams, 'count', 'config:default');
 */
export interface Projection {
  /** Unique in the database; `[a-z][a-z0-9_]*`. */
  readonly name: string;
  /** Raise it when the tables or the meaning of `apply` change: the projection is then rebuilt at the next open. */
  readonly version: number;
  /** Makes the tables and indexes. The journal remembers what was made, and drops that before a rebuild. */
  create(sql: Sql): void;
  /**
   * Applies one entry. A `ConfigError` thrown here refuses the append that carries the entry, alone. On a rebuild a
   * refusal skips the entry: it can only meet entries that a process without this projection has appended.
   * `entry.body` is null when the body was erased.
   */
  apply(sql: Sql, entry: Entry): void;
  readonly queries: Readonly<Record<string, Query>>;
}

export type QueryParams<P extends Projection, N extends keyof P['queries']> = Parameters<P['queries'][N]>[1];
export type QueryResult<P extends Projection, N extends keyof P['queries']> = ReturnType<P['queries'][N]>;
