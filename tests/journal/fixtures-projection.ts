/**
 * A projection with a rule, for the tests and for the processes and workers they start. Must not load the test runner.
 * @module
 */

import { ConfigError } from '../../src/errors/errors.ts';
import type { Entry } from '../../src/journal/journal.ts';
import type { Projection, Sql } from '../../src/journal/projection.ts';

const decoder = new TextDecoder();

export function text(body: Uint8Array | null): string | null {
  return body === null ? null : decoder.decode(body);
}

export interface StreamRow {
  readonly stream: string;
  readonly revision: number;
  readonly body: string | null;
  readonly entries: number;
}

/** Each stream's newest body and its number of entries. Refuses a body that says `refuse`. */
export const latestBodies = {
  name: 'latest_bodies',
  version: 1,
  create(sql: Sql) {
    sql.run('CREATE TABLE latest_bodies (stream TEXT PRIMARY KEY, revision INTEGER, body TEXT, entries INTEGER)');
    sql.run('CREATE INDEX latest_bodies_revision ON latest_bodies (revision)');
  },
  apply(sql: Sql, { stream, revision, body }: Entry) {
    if (text(body) === 'refuse') throw refusal(stream);
    sql.run(
      `INSERT INTO latest_bodies VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET entries = entries + 1,
        body = iif(excluded.revision > revision, excluded.body, body), revision = max(revision, excluded.revision)`,
      stream,
      revision,
      text(body),
    );
  },
  queries: {
    all: (sql: Sql) => sql.all<StreamRow>('SELECT * FROM latest_bodies ORDER BY stream'),
    one: (sql: Sql, stream: string) => sql.get<StreamRow>('SELECT * FROM latest_bodies WHERE stream = ?', stream),
    vandal: (sql: Sql) => sql.run('DELETE FROM latest_bodies'),
  },
} satisfies Projection;

export function refusal(stream: string): ConfigError {
  return new ConfigError('ERR_FORBIDDEN', {
    message: `${stream} refuses.`,
    hint: 'Say something else.',
    details: { rule: 'test' },
  });
}
