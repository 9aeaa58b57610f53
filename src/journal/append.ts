/**
 * What one entry becomes: its place in the chain and in its stream. Called inside the write transaction only, with the
 * head read inside it.
 * @module
 */

import { ConfigError } from '../errors/errors.ts';
import { SALT_BYTES } from './chain.ts';
import type { Connection } from './database.ts';
import { MAX_TIME_MS } from './journal.ts';
import type { Entry, Head, NewEntry } from './journal.ts';
import { checkRange } from './border.ts';
import { insertEntry, streamHead } from './rows.ts';

/** Appends a checked entry. `now` in ms, for an entry without a time of its own. `ERR_REVISION_CONFLICT`. */
export function appendEntry(connection: Connection, head: Head, now: number, entry: NewEntry): Entry {
  return extendChain(connection, head, now, entry, revisionFor(connection, entry));
}

/** Appends at a revision that is known to be free. Invariant: seq = head + 1, and times never run back. */
export function extendChain(
  connection: Connection,
  head: Head,
  now: number,
  entry: Omit<NewEntry, 'expected' | 'revision'>,
  revision: number,
): Entry {
  const { stream, type, actor, reason, body } = entry;
  const at = Math.max(head.at, entry.at ?? now);
  checkRange('at', at, 0, MAX_TIME_MS);
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const fields = { seq: head.seq + 1, stream, revision, at, actor, reason, type, body };
  return insertEntry(connection, fields, salt, Uint8Array.fromHex(head.hash));
}

// Invariant: (stream, revision) is unique, and a journal-first entry follows the head it was decided on.
function revisionFor(connection: Connection, { stream, expected, revision }: NewEntry): number {
  const actual = streamHead(connection, stream);
  if (expected !== undefined) {
    if (expected !== actual) throw conflict(stream, expected, actual);
    return actual + 1;
  }
  const taken = 'SELECT 1 AS taken FROM entries WHERE stream = ? AND revision = ?';
  if (revision > actual || connection.get(taken, stream, revision) === null) return revision;
  throw conflict(stream, revision, actual);
}

function conflict(stream: string, expected: number, actual: number): ConfigError {
  return new ConfigError('ERR_REVISION_CONFLICT', {
    message: `${stream} is at revision ${actual}; the append spoke of revision ${expected}.`,
    hint: 'Read the stream again, decide on its current state, and append with its head.',
    details: { stream, expected, actual },
  });
}
