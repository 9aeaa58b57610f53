/** What the engine and its projections promise beyond the contract. @module */
import fc from 'fast-check';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../src/journal/engine.ts';
import type { Entry } from '../../src/journal/journal.ts';
import type { Projection, Sql } from '../../src/journal/projection.ts';
import { CATCH_UP_ENTRIES } from '../../src/journal/projector.ts';
import { bytes, claimed, codeOf, expected, tempDirectory } from './fixtures.ts';
import { latestBodies, text } from './fixtures-projection.ts';

/** Counts entries by type; version 2 counts their bytes too. */
const byType = {
  name: 'by_type',
  version: 1,
  create: (sql: Sql) => void sql.run('CREATE TABLE by_type (type TEXT PRIMARY KEY, entries INTEGER)'),
  apply: (sql: Sql, { type }: Entry) =>
    void sql.run('INSERT INTO by_type VALUES (?, 1) ON CONFLICT DO UPDATE SET entries = entries + 1', type),
  queries: { all: (sql: Sql) => sql.all('SELECT * FROM by_type ORDER BY type') },
} satisfies Projection;

const byTypeTwo = {
  ...byType,
  version: 2,
  create: (sql: Sql) =>
    void sql.run('CREATE TABLE by_type (type TEXT PRIMARY KEY, entries INTEGER, size_bytes INTEGER)'),
  apply: (sql: Sql, { type, body }: Entry) =>
    void sql.run(
      `INSERT INTO by_type VALUES (?1, 1, ?2)
        ON CONFLICT DO UPDATE SET entries = entries + 1, size_bytes = size_bytes + ?2`,
      type,
      body?.length ?? 0,
    ),
} satisfies Projection;

function path(): string {
  return join(tempDirectory(), 'journal.db');
}

describe('the engine', () => {
  it('acknowledges nothing once its file was removed or replaced, and goes on when it is back', async () => {
    const file = path();
    using engine = openEngine({ path: file });
    engine.append([expected('a', 0)]);
    renameSync(file, `${file}.away`);
    expect(await codeOf(() => engine.append([expected('a', 1)]))).toBe('ERR_JOURNAL_WRITE');
    writeFileSync(file, 'another file');
    expect(await codeOf(() => engine.redact(1, { actor: 'dpo', reason: '' }))).toBe('ERR_JOURNAL_WRITE');
    expect(engine.head().seq).toBe(1);
    renameSync(`${file}.away`, file);
    expect(engine.append([expected('a', 1)])[0]!.seq).toBe(2);
  });

  it('refuses one append of a batch alone, whatever the order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('good', 'conflict', 'refuse', 'malformed', 'late refusal'), { maxLength: 12 }),
        (kinds) => {
          using engine = openEngine({ path: ':memory:', projections: [latestBodies] });
          let head = 0;
          const batch = kinds.map((kind) => {
            if (kind === 'good') return [expected('a', head++), claimed('b', head)];
            if (kind === 'conflict') return [claimed('c', 1), expected('a', 99)];
            if (kind === 'refuse') return [expected('a', head, 'refuse')];
            if (kind === 'malformed') return [{ ...expected('a', head), actor: '' }];
            return [expected('a', head), expected('a', head + 1), claimed('d', 5, 'refuse')];
          });
          const outcomes = engine.appendBatch(batch);
          expect(outcomes.map(({ ok }) => ok)).toEqual(kinds.map((kind) => kind === 'good'));
          expect(engine.head().seq).toBe(2 * head);
          expect(engine.read({ limit: 1000, order: 'asc' }).entries.map(({ seq }) => seq)).toEqual(
            Array.from({ length: 2 * head }, (_, i) => i + 1),
          );
          expect(engine.streamHead('a')).toBe(head);
        },
      ),
      { seed: 42, numRuns: 60 },
    );
  });

  it('lets a mistake in a projection refuse its append alone', () => {
    const fragile = {
      ...latestBodies,
      apply: (_: Sql, { body }: Entry) => {
        if (text(body) === 'trip') throw new TypeError('tripped');
      },
    };
    using engine = openEngine({ path: ':memory:', projections: [fragile] });
    const outcomes = engine.appendBatch([[expected('a', 0)], [expected('b', 0, 'trip')], [expected('c', 0)]]);
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, false, true]);
    expect(outcomes[1]).toMatchObject({ error: expect.any(TypeError) });
    expect(engine.head().seq).toBe(2);
  });

  it('refuses anchors and waits that are none', async () => {
    using engine = openEngine({ path: ':memory:' });
    const hash = engine.head().hash;
    expect(await codeOf(() => engine.verify({ seq: 0, hash }).next())).toBe('none');
    expect(await codeOf(() => engine.verify({ seq: -1, hash }).next())).toBe('ERR_OUT_OF_RANGE');
    expect(await codeOf(() => engine.verify({ seq: 1, hash: hash.slice(1) }).next())).toBe('ERR_WRONG_TYPE');
    expect(await codeOf(() => openEngine({ path: ':memory:', busyTimeoutMs: 0.5 }))).toBe('ERR_OUT_OF_RANGE');
  });

  it('refuses a clock that is none', async () => {
    using engine = openEngine({ path: ':memory:', clock: () => Number.NaN });
    expect(await codeOf(() => engine.append([expected('a', 0)]))).toBe('ERR_OUT_OF_RANGE');
  });

  it('says that it is closed', async () => {
    const engine = openEngine({ path: ':memory:' });
    engine.close();
    engine.close();
    for (const call of [
      () => engine.head(),
      () => engine.append([expected('a', 0)]),
      () => engine.query('x', 'y', null),
    ]) {
      expect(await codeOf(call)).toBe('ERR_CLOSED');
    }
  });
});

describe('projections', () => {
  it('catch up over several slices when they come late, and equal those that grew', () => {
    const file = path();
    const count = 2 * CATCH_UP_ENTRIES + 17;
    const old = openEngine({ path: file, projections: [latestBodies] });
    old.appendBatch(Array.from({ length: count }, (_, i) => [claimed(`s${i % 7}`, count - i)]));
    const grown = old.query('latest_bodies', 'all', null);
    old.close();
    using both = openEngine({ path: file, projections: [latestBodies, byType] });
    expect(both.lag()).toBe(count + 1);
    expect([...both.catchUp()].length).toBe(3);
    expect(both.query('by_type', 'all', null)).toEqual([{ type: 'test.claimed', entries: count }]);
    both.drop('latest_bodies');
    expect(both.query('latest_bodies', 'all', null)).toEqual(grown);
  });

  it('of other processes are kept, and caught up by whoever knows them', () => {
    const file = path();
    using knowing = openEngine({ path: file, projections: [byType] });
    knowing.append([expected('a', 0)]);
    using plain = openEngine({ path: file, projections: [latestBodies] });
    plain.append([expected('a', 1)]);
    plain.append([expected('a', 2)]);
    expect(knowing.lag()).toBe(2);
    knowing.append([expected('a', 3)]);
    expect(knowing.query('by_type', 'all', null)).toEqual([{ type: 'test.changed', entries: 4 }]);
    expect(plain.query('latest_bodies', 'one', 'a')).toMatchObject({ entries: 4 });
    plain.redact(1, { actor: 'dpo', reason: '' });
    expect(knowing.query('by_type', 'all', null)).toEqual([
      { type: 'redacted', entries: 1 },
      { type: 'test.changed', entries: 4 },
    ]);
  });

  it('skip what they would have refused when a process without them appended it', () => {
    const file = path();
    using plain = openEngine({ path: file });
    plain.append([expected('a', 0, 'refuse')]);
    plain.append([expected('b', 0, 'fine')]);
    using knowing = openEngine({ path: file, projections: [latestBodies] });
    expect(knowing.query('latest_bodies', 'all', null)).toEqual([
      { stream: 'b', revision: 1, body: 'fine', entries: 1 },
    ]);
    expect(knowing.lag()).toBe(0);
  });

  it('of an older version are rebuilt, of a newer one refused', async () => {
    const file = path();
    using one = openEngine({ path: file, projections: [byType] });
    one.append([{ ...expected('a', 0), body: bytes('12345') }]);
    using two = openEngine({ path: file, projections: [byTypeTwo] });
    expect(two.query('by_type', 'all', null)).toEqual([{ type: 'test.changed', entries: 1, size_bytes: 5 }]);
    expect(await codeOf(() => one.append([expected('a', 1)]))).toBe('ERR_JOURNAL_TOO_NEW');
    expect(two.head().seq).toBe(1);
    two.append([expected('a', 1, '123')]);
    expect(two.query('by_type', 'all', null)).toMatchObject([{ entries: 2, size_bytes: 8 }]);
  });

  it('that were never made, or are outdated, cannot be asked by a reader', async () => {
    const file = path();
    openEngine({ path: file }).close();
    using reader = openEngine({ path: file, readonly: true, projections: [byTypeTwo] });
    expect(await codeOf(() => reader.query('by_type', 'all', null))).toBe('ERR_ENTRY_NOT_FOUND');
    openEngine({ path: file, projections: [byType] }).append([expected('a', 0)]);
    expect(await codeOf(() => reader.query('by_type', 'all', null))).toBe('ERR_ENTRY_NOT_FOUND');
  });

  it('have names of their own', async () => {
    expect(await codeOf(() => openEngine({ path: ':memory:', projections: [byType, byTypeTwo] }))).toBe('ERR_NAME');
    const spaced = { ...byType, name: 'by type' };
    expect(await codeOf(() => openEngine({ path: ':memory:', projections: [spaced] }))).toBe('ERR_NAME');
  });
});
