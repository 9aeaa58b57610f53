/**
 * The tables, and how a file of an older version becomes one of this version.
 * Numbered steps (frozen once released): a step is never edited, a new one is added.
 * @module
 */

import { existsSync } from 'node:fs';
import { copyDatabase } from './copy.ts';
import type { Connection } from './database.ts';

/** `PRAGMA application_id`: "C13J". A file with another one is not ours. */
export const APPLICATION_ID = 0x4331334a;

export interface Migration {
  /** `PRAGMA user_version` afterwards. */
  readonly to: number;
  readonly sql: readonly string[];
}

// Version 1.
// - entries.seq is the rowid without AUTOINCREMENT: the head decides the next one, nothing else counts.
// - UNIQUE (stream, revision) is the last line of defence of "one entry per revision".
// - meta holds one row. Its head is written with every append, so that a cut-off end is seen.
// - salt and body stand last, so that reading a header does not walk through the body's pages.
export const MIGRATIONS: readonly Migration[] = [
  {
    to: 1,
    sql: [
      `CREATE TABLE entries (
        seq INTEGER PRIMARY KEY,
        stream TEXT NOT NULL,
        revision INTEGER NOT NULL,
        at INTEGER NOT NULL,
        actor TEXT NOT NULL,
        reason TEXT NOT NULL,
        type TEXT NOT NULL,
        prev_hash BLOB NOT NULL,
        hash BLOB NOT NULL,
        salt BLOB,
        body BLOB,
        UNIQUE (stream, revision)
      ) STRICT`,
      `CREATE TABLE meta (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        journal_id TEXT NOT NULL,
        head_seq INTEGER NOT NULL,
        head_hash BLOB NOT NULL,
        replica TEXT
      ) STRICT`,
      `CREATE TABLE projections (
        name TEXT PRIMARY KEY,
        version INTEGER NOT NULL,
        applied INTEGER NOT NULL,
        objects TEXT NOT NULL
      ) STRICT, WITHOUT ROWID`,
    ],
  },
];

export const SCHEMA_VERSION = latest(MIGRATIONS);

function latest(migrations: readonly Migration[]): number {
  return migrations[migrations.length - 1]!.to;
}

export function schemaVersion(connection: Connection): number {
  return Number(connection.pragma('user_version'));
}

/**
 * Brings an open database to the newest version, each step in its own transaction. Before the first step on a file that
 * holds entries, a copy is written beside it: `<path>.v<version>-<head sequence>.bak`; its path is returned.
 */
export function migrate(connection: Connection, migrations: readonly Migration[] = MIGRATIONS): string | null {
  const version = schemaVersion(connection);
  if (version >= latest(migrations)) return null;
  const copy = version === 0 ? null : copyBefore(connection, version);
  for (const migration of migrations) {
    connection.transaction('immediate', () => {
      // Read again under the lock: another process may have taken the same step.
      if (schemaVersion(connection) >= migration.to) return;
      for (const statement of migration.sql) connection.exec(statement);
      connection.exec(`PRAGMA user_version = ${migration.to}`);
    });
  }
  return copy;
}

function copyBefore(connection: Connection, version: number): string {
  const head = connection.get<{ head_seq: number }>('SELECT head_seq FROM meta')!;
  const copy = `${connection.path}.v${version}-${head.head_seq}.bak`;
  if (!existsSync(copy)) copyDatabase(connection, copy);
  return copy;
}
