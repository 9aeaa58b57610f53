/**
 * Which entries say what a package is now: they cannot be erased. What is said by none of them any more can be, and the
 * tables made again without it are the same.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import type { Sql } from '../journal/projection.ts';

/** From now on `seq` says it: `version:1.0.0`, `tag:next`, ... */
export function needs(sql: Sql, id: number, what: string, seq: number): void {
  sql.run('INSERT INTO package_needs VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq', id, what, seq);
}

export function needsNoMore(sql: Sql, id: number, what: string): void {
  sql.run('DELETE FROM package_needs WHERE package = ? AND what = ?', id, what);
}

/** Throws ERR_REDACT. */
export function refuseErasing(sql: Sql, seq: number): void {
  const need = sql.get<{ name: string; what: string }>(
    'SELECT name, what FROM package_needs JOIN packages ON id = package WHERE seq = ? LIMIT 1',
    seq,
  );
  if (need === null) return;
  throw new ConfigError('ERR_REDACT', {
    message: `Entry ${seq} says what ${need.name} is now (${need.what}): without it nobody would know`,
    hint: 'Unpublish the version, or change what the entry says, then erase it.',
    details: { seq },
  });
}
