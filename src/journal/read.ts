/**
 * `Journal.read` as SQL: bounds to conditions, a page to a cursor. Must not see more than it returns.
 * @module
 */

import type { Connection } from './database.ts';
import { MAX_READ_ENTRIES, MAX_REVISION, MAX_TIME_MS } from './journal.ts';
import type { Page, ReadQuery } from './journal.ts';
import { checkRange, wrongType } from './border.ts';
import type { SqlValue } from './projection.ts';
import { readHead, selectEntries, seqAt } from './rows.ts';

/** Inside a transaction, so that the bounds and the page speak of one state. */
export function readPage(connection: Connection, query: ReadQuery): Page {
  checkQuery(query);
  const { after, before } = sequenceBounds(connection, query);
  const conditions: [string, ...SqlValue[]][] = [['seq > ?', after]];
  if (before !== null) conditions.push(['seq < ?', before]);
  if (query.stream !== undefined) conditions.push(['stream = ?', query.stream]);
  if (query.streamPrefix !== undefined)
    conditions.push(['substr(stream, 1, length(?)) = ?', query.streamPrefix, query.streamPrefix]);
  if (query.revision !== undefined) conditions.push(['revision = ?', query.revision]);
  if (query.type !== undefined) conditions.push(['type = ?', query.type]);
  if (query.actor !== undefined) conditions.push(['actor = ?', query.actor]);
  const where = conditions.map(([text]) => text).join(' AND ');
  const params = conditions.flatMap(([, ...values]) => values);
  const entries = selectEntries(connection, { where, params, order: query.order }, query.limit);
  const last = entries.at(-1);
  const rest = query.order === 'asc' ? 'seq > ?' : 'seq < ?';
  const more =
    last !== undefined &&
    connection.get(`SELECT 1 FROM entries WHERE ${where} AND ${rest} LIMIT 1`, ...params, last.seq) !== null;
  return { entries, cursor: more ? last.seq : null };
}

/** All bounds as one span of sequences: times never run back, so a time is a sequence. */
function sequenceBounds(connection: Connection, query: ReadQuery): { after: number; before: number | null } {
  const { after = 0, before, since, until } = query;
  if (since === undefined && until === undefined) return { after, before: before ?? null };
  const head = readHead(connection).seq;
  const first = since === undefined ? after : Math.max(after, since === 0 ? 0 : seqAt(connection, since - 1, head));
  const end = until === undefined ? before : Math.min(before ?? MAX_REVISION, seqAt(connection, until, head) + 1);
  return { after: first, before: end ?? null };
}

function checkQuery(query: ReadQuery): void {
  checkRange('limit', query.limit, 1, MAX_READ_ENTRIES);
  for (const field of ['after', 'before', 'revision'] as const) {
    if (query[field] !== undefined) checkRange(field, query[field], 0, MAX_REVISION);
  }
  for (const field of ['since', 'until'] as const) {
    if (query[field] !== undefined) checkRange(field, query[field], 0, MAX_TIME_MS);
  }
  if (query.order !== 'asc' && query.order !== 'desc') {
    throw wrongType('order', "'asc' or 'desc'", query.order);
  }
}
