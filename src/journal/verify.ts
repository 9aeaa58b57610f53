/**
 * Recomputes the chain and says where it first breaks. Reads only, a slice at a time, and never repairs: what happened
 * to a journal is for people to decide.
 * @module
 */

import { GENESIS_HASH, bytesEqual, contentHash, entryHash, toHex } from './chain.ts';
import { checkAnchor } from './border.ts';
import type { Connection } from './database.ts';
import { JOURNAL_STREAM } from './journal.ts';
import type { Anchor, Fault, FaultKind, Head, VerifyReport } from './journal.ts';
import { decodeRedaction, findErased, REDACTED } from './redaction.ts';
import { rawRowsAfter } from './rows.ts';
import type { RawRow } from './rows.ts';
import type { Progress } from './steps.ts';

const SLICE_ENTRIES = 256;

interface Link {
  readonly seq: number;
  readonly hash: Uint8Array;
  readonly at: number;
}

/**
 * Walks the chain up to the head recorded when it starts (later appends are the next verification's), yielding between
 * slices what was checked.
 */
export function* verifyChain(connection: Connection, anchor?: Anchor): Generator<Progress, VerifyReport> {
  if (anchor !== undefined) checkAnchor(anchor);
  const end = connection.get<{ seq: number; hash: Uint8Array }>('SELECT head_seq AS seq, head_hash AS hash FROM meta');
  if (end === null)
    return report({ seq: 0, hash: toHex(GENESIS_HASH), at: 0 }, 'truncated', 1, 'The head is not recorded.');
  const erased = erasedContents(connection);
  let link: Link = { seq: 0, hash: GENESIS_HASH, at: 0 };
  while (link.seq < end.seq) {
    const rows = rawRowsAfter(connection, link.seq, SLICE_ENTRIES);
    if (rows.length === 0) return report(head(link), ...endMissing(link, end));
    for (const row of rows) {
      const fault = checkLink(connection, link, row, erased) ?? compareAnchor(row, anchor);
      if (fault !== null) return { ok: false, head: head(link), fault };
      link = row;
      if (row.seq === end.seq) break;
    }
    yield { done: link.seq, total: end.seq };
  }
  const fault = checkEndOf(connection, link, end.hash) ?? checkCovered(link, anchor) ?? checkProjections(connection);
  return fault === null ? { ok: true, head: head(link), fault } : { ok: false, head: head(link), fault };
}

/** One entry against the one before it: its place, its link, its content, its hash, its time. */
function checkLink(connection: Connection, previous: Link, row: RawRow, erased: Map<number, Uint8Array>): Fault | null {
  const expected = previous.seq + 1;
  if (row.seq !== expected) return fault('deleted', expected, `Entry ${expected} is missing; the next is ${row.seq}.`);
  if (!bytesEqual(row.prev_hash, previous.hash)) return misplaced(connection, previous, row, erased);
  const content = contentFor(connection, row, erased);
  if ('kind' in content) return content;
  if (!bytesEqual(entryHash(previous.hash, row, content.hash), row.hash)) {
    return fault('edited', row.seq, `Entry ${row.seq} does not give its hash: it was changed after it was written.`);
  }
  if (row.at < previous.at) return fault('edited', row.seq, `Entry ${row.seq} is earlier than the entry before it.`);
  return null;
}

function contentFor(
  connection: Connection,
  row: RawRow,
  erased: Map<number, Uint8Array>,
): { hash: Uint8Array } | Fault {
  const { seq, salt, body } = row;
  if (salt !== null && body !== null) {
    if (erased.has(seq)) return fault('erased', seq, `Entry ${seq} was erased, and its body is there again.`);
    return { hash: contentHash(salt, body) };
  }
  const hash = salt === null && body === null ? (erased.get(seq) ?? findErased(connection, seq)) : null;
  return hash === null ? fault('erased', seq, `The body of entry ${seq} is gone, and no entry erased it.`) : { hash };
}

/** The link is broken: which story do the neighbours tell? */
function misplaced(connection: Connection, previous: Link, row: RawRow, erased: Map<number, Uint8Array>): Fault {
  const seqOf = (column: 'hash' | 'prev_hash', hash: Uint8Array): number | null =>
    connection.get<{ seq: number }>(`SELECT seq FROM entries WHERE ${column} = ? ORDER BY seq`, hash)?.seq ?? null;
  const content = contentFor(connection, row, erased);
  const fits = 'hash' in content && bytesEqual(entryHash(previous.hash, row, content.hash), row.hash);
  if (fits) return fault('edited', row.seq, `The link of entry ${row.seq} to the entry before it was changed.`);
  const parent = seqOf('hash', row.prev_hash);
  const successor = seqOf('prev_hash', previous.hash);
  if (successor !== null && successor > row.seq) {
    return parent === null
      ? fault(
          'inserted',
          row.seq,
          `Entry ${row.seq} does not belong: entry ${successor} follows entry ${previous.seq}.`,
        )
      : fault('reordered', row.seq, `Entry ${row.seq} stands where entry ${successor} belongs.`);
  }
  if (parent !== null && parent < previous.seq) {
    return fault(
      'inserted',
      parent + 1,
      `Entry ${row.seq} follows entry ${parent}: what stands between was put there.`,
    );
  }
  return fault('deleted', row.seq, `Entry ${row.seq} follows an entry that is not there.`);
}

function compareAnchor(row: RawRow, anchor: Anchor | undefined): Fault | null {
  if (anchor === undefined || anchor.seq !== row.seq || anchor.hash === toHex(row.hash)) return null;
  return fault(
    'rewritten',
    row.seq,
    `Entry ${row.seq} is whole, but is not the one the anchor names: the chain was rewritten.`,
  );
}

/** The recorded head is the last entry, and nothing stands behind it but what was appended since. */
function checkEndOf(connection: Connection, link: Link, recorded: Uint8Array): Fault | null {
  if (!bytesEqual(link.hash, recorded))
    return fault('edited', link.seq, `Entry ${link.seq} is not the one recorded as head.`);
  const now = connection.get<{ seq: number; last: number | null }>(
    'SELECT head_seq AS seq, (SELECT max(seq) FROM entries) AS last FROM meta',
  );
  const last = now?.last ?? 0;
  if (now === null || last === now.seq) return null;
  return fault('inserted', now.seq + 1, `Entry ${last} stands behind the recorded head ${now.seq}.`);
}

function checkCovered(link: Link, anchor: Anchor | undefined): Fault | null {
  if (anchor === undefined || anchor.seq <= link.seq) return null;
  return fault('truncated', link.seq + 1, `The anchor names entry ${anchor.seq}; the journal ends at ${link.seq}.`);
}

/** A projection that is behind catches up; one that is ahead has seen entries that are gone. */
function checkProjections(connection: Connection): Fault | null {
  const ahead = connection.get<{ name: string; applied: number; head: number }>(
    'SELECT name, applied, (SELECT head_seq FROM meta) AS head FROM projections WHERE applied > head OR applied < 0',
  );
  if (ahead === null) return null;
  const { name, applied, head: seq } = ahead;
  return fault('projection', seq, `The projection ${name} has applied entry ${applied}; the journal ends at ${seq}.`);
}

function endMissing(link: Link, end: { seq: number }): [FaultKind, number, string] {
  return ['truncated', link.seq + 1, `The head is recorded as entry ${end.seq}; the journal ends at ${link.seq}.`];
}

function erasedContents(connection: Connection): Map<number, Uint8Array> {
  const text = `SELECT seq, body FROM entries
    WHERE stream = '${JOURNAL_STREAM}' AND type = '${REDACTED}' AND body IS NOT NULL`;
  const erased = new Map<number, Uint8Array>();
  for (const row of connection.all<{ seq: number; body: Uint8Array }>(text)) {
    const record = decodeRedaction(row.body);
    if (record !== null && record.seq < row.seq) erased.set(record.seq, record.content);
  }
  return erased;
}

function head({ seq, hash, at }: Link): Head {
  return { seq, hash: toHex(hash), at };
}

function fault(kind: FaultKind, seq: number, message: string): Fault {
  return { kind, seq, message };
}

function report(at: Head, kind: FaultKind, seq: number, message: string): VerifyReport {
  return { ok: false, head: at, fault: fault(kind, seq, message) };
}
