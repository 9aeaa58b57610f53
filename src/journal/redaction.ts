/**
 * The record an erasure leaves: an entry of the journal's own stream whose body names the sequence and keeps the
 * content hash, so that the chain still verifies (frozen: stored).
 *
 *     {"seq":41,"content":"<64 hex digits>"}
 * @module
 */

import type { Connection } from './database.ts';
import { utf8 } from './chain.ts';
import { JOURNAL_STREAM } from './journal.ts';
import type { Entry } from './journal.ts';

export const REDACTED = 'redacted';

export interface Redaction {
  readonly seq: number;
  readonly content: Uint8Array;
}

export function encodeRedaction({ seq, content }: Redaction): Uint8Array {
  return utf8(JSON.stringify({ seq, content: content.toHex() }));
}

/** Null for bytes that are no such record. */
export function decodeRedaction(body: Uint8Array): Redaction | null {
  const match = /^\{"seq":([1-9]\d{0,15}),"content":"([0-9a-f]{64})"\}$/.exec(Buffer.from(body).toString('latin1'));
  return match === null ? null : { seq: Number(match[1]), content: Uint8Array.fromHex(match[2]!) };
}

/** The sequence an entry erased, or null when the entry is no redaction. */
export function redactedSeq({ stream, type, body }: Entry): number | null {
  if (stream !== JOURNAL_STREAM || type !== REDACTED || body === null) return null;
  return decodeRedaction(body)?.seq ?? null;
}

/** The content hash kept for an erased entry. Only a later entry can have erased it. */
export function findErased(connection: Connection, seq: number): Uint8Array | null {
  const text = `SELECT body FROM entries WHERE stream = '${JOURNAL_STREAM}' AND type = '${REDACTED}' AND seq > ?
    AND substr(body, 1, ?) = ?`;
  const prefix = utf8(`{"seq":${seq},`);
  const row = connection.get<{ body: Uint8Array }>(text, seq, prefix.length, prefix);
  return row === null ? null : (decodeRedaction(row.body)?.content ?? null);
}
