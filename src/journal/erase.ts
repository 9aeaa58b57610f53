/**
 * Erasing a body: out of the row, on the record, and out of the log file. Called inside the write transaction, but for
 * `emptyLog`, which comes after it.
 * @module
 */

import { ConfigError } from '../errors/errors.ts';
import { extendChain } from './append.ts';
import type { Connection } from './database.ts';
import { JOURNAL_STREAM } from './journal.ts';
import type { Entry, Head } from './journal.ts';
import { REDACTED, encodeRedaction } from './redaction.ts';
import { contentOf, rawRow, rowIsWhole, streamHead } from './rows.ts';
import { damaged, losesTransaction } from './sqlite-error.ts';

/** Empties an entry's salt and body, and appends the entry that says so. `ERR_REDACT`. */
export function appendErasure(
  connection: Connection,
  head: Head,
  now: number,
  seq: number,
  by: { readonly actor: string; readonly reason: string },
): Entry {
  const body = encodeRedaction({ seq, content: erase(connection, seq) });
  const revision = streamHead(connection, JOURNAL_STREAM) + 1;
  return extendChain(connection, head, now, { stream: JOURNAL_STREAM, type: REDACTED, ...by, body }, revision);
}

/**
 * Moves the log into the database and cuts it to nothing; false while another connection still reads from it. Does not
 * wait for one.
 */
export function emptyLog(connection: Connection): boolean {
  const busyTimeoutMs = Number(connection.pragma('busy_timeout'));
  connection.exec('PRAGMA busy_timeout = 0');
  try {
    return connection.pragma('wal_checkpoint(TRUNCATE)') === 0;
  } catch (error) {
    // The write before it is committed and stays so: only the emptying waits for a healthier disk.
    if (!losesTransaction(error)) throw error;
    return false;
  } finally {
    connection.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  }
}

/** Returns the content hash the erased bytes gave. */
function erase(connection: Connection, seq: number): Uint8Array {
  const row = rawRow(connection, seq);
  if (row === null) throw notErasable(seq, 'does not exist');
  if (row.body === null) throw notErasable(seq, 'is erased already');
  if (Buffer.from(row.stream).toString() === JOURNAL_STREAM) throw notErasable(seq, "is the journal's own");
  // What was edited must not become what was erased.
  const content = rowIsWhole(connection, row) ? contentOf(connection, row) : null;
  if (content === null) throw damaged(connection.path, seq, 'the entry does not give its hash');
  connection.run('UPDATE entries SET salt = NULL, body = NULL WHERE seq = ?', seq);
  return content;
}

function notErasable(seq: number, why: string): ConfigError {
  return new ConfigError('ERR_REDACT', {
    message: `Entry ${seq} cannot be erased: it ${why}.`,
    hint: 'Read the entry first; only a body that is there can be erased.',
    details: { seq },
  });
}
