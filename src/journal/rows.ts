/**
 * Entries as rows: the statements that read and write them, and the checks that belong to every reading of the end of
 * the chain. Must not decide what is appended.
 * @module
 */

import { GENESIS_HASH, bytesEqual, contentHash, entryHash, toHex, utf8 } from './chain.ts';
import type { Connection } from './database.ts';
import { MAX_BODY_BYTES } from './journal.ts';
import type { Entry, Head } from './journal.ts';
import type { SqlValue } from './projection.ts';
import { findErased } from './redaction.ts';
import { damaged } from './sqlite-error.ts';

const COLUMNS = 'seq, stream, revision, at, actor, reason, type, prev_hash, hash, body';

interface Row extends Omit<Entry, 'prevHash' | 'hash'> {
  readonly prev_hash: Uint8Array;
  readonly hash: Uint8Array;
}

/** A row as the chain sees it: texts as the bytes that are stored, so that no decoding hides an edit. */
export interface RawRow {
  readonly seq: number;
  readonly revision: number;
  readonly at: number;
  readonly stream: Uint8Array;
  readonly type: Uint8Array;
  readonly actor: Uint8Array;
  readonly reason: Uint8Array;
  readonly prev_hash: Uint8Array;
  readonly hash: Uint8Array;
  readonly salt: Uint8Array | null;
  readonly body: Uint8Array | null;
}

const RAW_COLUMNS = [
  'seq, revision, at, prev_hash, hash, salt, body',
  ...['stream', 'type', 'actor', 'reason'].map((column) => `CAST(${column} AS BLOB) AS ${column}`),
].join(', ');

/** A part of the journal: SQL conditions with their parameters, in one order. */
export interface Selection {
  readonly where: string;
  readonly params: readonly SqlValue[];
  readonly order: 'asc' | 'desc';
}

/** At most `limit` entries, and fewer where their bodies pass `MAX_BODY_BYTES` (one always comes). */
export function selectEntries(connection: Connection, selection: Selection, limit: number): Entry[] {
  return select<Row>(connection, COLUMNS, selection, limit).map(toEntry);
}

/** The rows after a sequence, as `selectEntries` bounds them. */
export function rawRowsAfter(connection: Connection, seq: number, limit: number): RawRow[] {
  return select<RawRow>(connection, RAW_COLUMNS, { where: 'seq > ?', params: [seq], order: 'asc' }, limit);
}

export function entriesAfter(connection: Connection, seq: number, limit: number): Entry[] {
  return selectEntries(connection, { where: 'seq > ?', params: [seq], order: 'asc' }, limit);
}

export function rawRow(connection: Connection, seq: number): RawRow | null {
  return connection.get<RawRow>(`SELECT ${RAW_COLUMNS} FROM entries WHERE seq = ?`, seq);
}

/** The stream's entry with the highest revision among those with `seq <= seq`. */
export function latestOf(connection: Connection, stream: string, seq: number): Entry | null {
  const text = `SELECT ${COLUMNS} FROM entries WHERE stream = ? AND seq <= ? ORDER BY revision DESC LIMIT 1`;
  const row = connection.get<Row>(text, stream, seq);
  return row === null ? null : toEntry(row);
}

export function streamHead(connection: Connection, stream: string): number {
  const text = 'SELECT max(revision) AS revision FROM entries WHERE stream = ?';
  return connection.get<{ revision: number | null }>(text, stream)?.revision ?? 0;
}

/**
 * The last sequence whose time is `<= at`. Times never run back along the chain, so halving finds it without an index.
 */
export function seqAt(connection: Connection, at: number, headSeq: number): number {
  let low = 0;
  let high = headSeq;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const row = connection.get<{ at: number }>('SELECT at FROM entries WHERE seq = ?', middle);
    if (row === null) throw damaged(connection.path, middle, 'the entry is missing');
    if (row.at <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * The head, as every append starts from it.
 * Invariant: the recorded head is the newest row; a cut-off or added end stops every append.
 */
export function readHead(connection: Connection): Head {
  const row = connection.get<{ seq: number; hash: Uint8Array; last: number | null; at: number | null; same: number }>(
    `SELECT head_seq AS seq, head_hash AS hash, (SELECT max(seq) FROM entries) AS last, entries.at,
      entries.hash IS meta.head_hash AS same FROM meta LEFT JOIN entries ON entries.seq = meta.head_seq`,
  );
  if (row === null) throw damaged(connection.path, null, 'its head is not recorded');
  const { seq, hash, last, at, same } = row;
  if ((last ?? 0) !== seq)
    throw damaged(connection.path, last, `the head is recorded as ${seq}, the newest entry is ${last ?? 0}`);
  if (seq > 0 && same !== 1) throw damaged(connection.path, seq, 'the newest entry is not the one recorded as head');
  if (seq === 0 && !bytesEqual(hash, GENESIS_HASH))
    throw damaged(connection.path, null, 'the head of an empty journal is not zero');
  return { seq, hash: toHex(hash), at: at ?? 0 };
}

/** The head, and that the newest entry's bytes give its hash: the quick check made at every opening. */
export function checkEnd(connection: Connection): Head {
  const head = readHead(connection);
  const row = head.seq === 0 ? null : rawRow(connection, head.seq);
  if (row !== null && !rowIsWhole(connection, row)) {
    throw damaged(connection.path, head.seq, 'the newest entry does not give its hash');
  }
  return head;
}

/** Whether a row's stored bytes give its stored hash. */
export function rowIsWhole(connection: Connection, row: RawRow): boolean {
  const content = contentOf(connection, row);
  return content !== null && bytesEqual(entryHash(row.prev_hash, row, content), row.hash);
}

/** The hash of a row's content: computed, or remembered by the entry that erased it; null when neither is there. */
export function contentOf(connection: Connection, row: RawRow): Uint8Array | null {
  if (row.body !== null && row.salt !== null) return contentHash(row.salt, row.body);
  return row.body === null && row.salt === null ? findErased(connection, row.seq) : null;
}

/** Writes one entry; `entry.body` must be there. */
export function insertEntry(
  connection: Connection,
  entry: Omit<Entry, 'prevHash' | 'hash'>,
  salt: Uint8Array,
  prevHash: Uint8Array,
): Entry {
  const { seq, stream, revision, at, actor, reason, type } = entry;
  const body = entry.body!;
  const texts = { stream: utf8(stream), type: utf8(type), actor: utf8(actor), reason: utf8(reason) };
  const hash = entryHash(prevHash, { seq, revision, at, ...texts }, contentHash(salt, body));
  connection.run(
    `INSERT INTO entries (${COLUMNS}, salt) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    seq,
    stream,
    revision,
    at,
    actor,
    reason,
    type,
    prevHash,
    hash,
    body,
    salt,
  );
  return { ...entry, prevHash: toHex(prevHash), hash: toHex(hash) };
}

export function storeHead(connection: Connection, seq: number, hash: string): void {
  connection.run('UPDATE meta SET head_seq = ?, head_hash = ?', seq, Uint8Array.fromHex(hash));
}

function select<R>(connection: Connection, columns: string, { where, params, order }: Selection, limit: number): R[] {
  const tail = `FROM entries WHERE ${where} ORDER BY seq ${order} LIMIT ?`;
  // Lengths first: they stand in the row's header, so a page of large bodies is never loaded to be thrown away.
  const sizes = connection.all<{ size: number }>(`SELECT coalesce(length(body), 0) AS size ${tail}`, ...params, limit);
  let count = 0;
  for (let bytes = 0; count < sizes.length && (count === 0 || bytes + sizes[count]!.size <= MAX_BODY_BYTES); count++) {
    bytes += sizes[count]!.size;
  }
  return count === 0 ? [] : connection.all<R>(`SELECT ${columns} ${tail}`, ...params, count);
}

function toEntry({ prev_hash, hash, ...fields }: Row): Entry {
  return { ...fields, prevHash: toHex(prev_hash), hash: toHex(hash) };
}
