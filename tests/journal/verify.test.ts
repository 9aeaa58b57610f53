/** Every way of tampering with a file is found; what needs an anchor is found with one. @module */
import { Database } from 'bun:sqlite';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { verifyFile } from '../../src/journal/backup.ts';
import { contentHash, entryHash, utf8 } from '../../src/journal/chain.ts';
import { openEngine } from '../../src/journal/engine.ts';
import type { Anchor, Head } from '../../src/journal/journal.ts';
import { codeOf, expected, tempDirectory } from './fixtures.ts';
import { latestBodies } from './fixtures-projection.ts';

const ENTRIES = 10;
const ERASED = 4;
const ERASING = 7;

/** A closed journal: ten entries of two streams, and between them the seventh, which erases the fourth. */
function journal(): { path: string; head: Head } {
  const path = join(tempDirectory(), 'journal.db');
  using engine = openEngine({ path, projections: [latestBodies], clock: () => 1000 });
  for (let i = 0; i < ENTRIES; i++) {
    if (i === ERASING - 1) engine.redact(ERASED, { actor: 'dpo', reason: '' });
    engine.append([expected(`s${i % 2}`, Math.floor(i / 2))]);
  }
  return { path, head: engine.head() };
}

function tamper(path: string, ...statements: string[]): void {
  using database = new Database(path);
  for (const statement of statements) database.run(statement);
}

/** Entry 5 to the end written again, each link recomputed, as somebody with the file and the source could. */
function rewriteFrom(path: string, first: number): void {
  using database = new Database(path);
  const rows = database.query<any, []>('SELECT * FROM entries ORDER BY seq').all();
  let previous: Uint8Array = rows[first - 2].hash;
  for (const row of rows.slice(first - 1)) {
    const actor = row.seq === first ? 'mallory' : row.actor;
    const header = {
      ...row,
      stream: utf8(row.stream),
      type: utf8(row.type),
      actor: utf8(actor),
      reason: utf8(row.reason),
    };
    const hash = entryHash(previous, header, contentHash(row.salt, row.body));
    database.run('UPDATE entries SET actor = ?, prev_hash = ?, hash = ? WHERE seq = ?', [
      actor,
      previous,
      hash,
      row.seq,
    ]);
    previous = hash;
  }
  database.run('UPDATE meta SET head_hash = ?', [previous]);
}

const CUT = 'DELETE FROM entries WHERE seq > 8';
const CUT_HEAD = 'UPDATE meta SET head_seq = 8, head_hash = (SELECT hash FROM entries WHERE seq = 8)';
const swap = (a: number, b: number): string[] => [
  `UPDATE entries SET seq = -1 WHERE seq = ${a}`,
  `UPDATE entries SET seq = ${a} WHERE seq = ${b}`,
  `UPDATE entries SET seq = ${b} WHERE seq = -1`,
];
const INSERT = `INSERT INTO entries
  SELECT 6, stream, 99, at, actor, reason, type, prev_hash, randomblob(32), salt, body FROM entries WHERE seq = 7`;
const shift = (from: number, by: number): string[] => [
  `UPDATE entries SET seq = -seq WHERE seq >= ${from}`,
  `UPDATE entries SET seq = -seq + ${by} WHERE seq < 0`,
];

describe('a tampered journal', () => {
  it('is told from an untouched one', () => {
    const { path, head } = journal();
    expect(verifyFile(path, head)).toEqual({ ok: true, head, fault: null });
  });

  const edits: [string, string][] = [
    ['stream', "'s9'"],
    ['revision', '77'],
    ['at', '999'],
    ['at', '1001'],
    ['actor', "'mallory'"],
    ['actor', "'anN'"],
    ['reason', "'x'"],
    ['type', "'other'"],
    ['prev_hash', "unhex('" + '01'.repeat(32) + "')"],
    ['hash', 'zeroblob(32)'],
    ['salt', 'zeroblob(16)'],
    ['body', "x'00'"],
    ['body', "x''"],
  ];
  it.each(edits)('is found edited in %s = %s, anywhere', (column, value) => {
    for (const seq of [1, 6, ENTRIES + 1]) {
      const { path } = journal();
      tamper(path, `UPDATE entries SET ${column} = ${value} WHERE seq = ${seq}`);
      expect(verifyFile(path), `entry ${seq}`).toMatchObject({ ok: false, fault: { kind: 'edited', seq } });
    }
  });

  it('is found edited where decoding would hide it', () => {
    const path = join(tempDirectory(), 'journal.db');
    const engine = openEngine({ path });
    engine.append([expected('a', 0), { ...expected('b', 0), actor: '\ufffd' }, expected('c', 0)]);
    engine.close();
    tamper(path, "UPDATE entries SET actor = CAST(x'ff' AS TEXT) WHERE seq = 2");
    expect(verifyFile(path)).toMatchObject({ fault: { kind: 'edited', seq: 2 } });
  });

  it.each<[string, string[], string, number]>([
    ['deleted in the middle', ['DELETE FROM entries WHERE seq = 6'], 'deleted', 6],
    ['deleted at the start', ['DELETE FROM entries WHERE seq = 1'], 'deleted', 1],
    [
      'deleted, the rest moved up',
      ['DELETE FROM entries WHERE seq = 6', ...shift(7, -1), 'UPDATE meta SET head_seq = 10'],
      'deleted',
      6,
    ],
    ['reordered by neighbours', swap(6, 7), 'reordered', 6],
    ['reordered at a distance', swap(3, 9), 'reordered', 3],
    ['added to in the middle', [...shift(6, 1), INSERT, 'UPDATE meta SET head_seq = 12'], 'edited', 6],
    [
      'added to with a stranger',
      [...shift(6, 1), INSERT.replace('prev_hash', 'randomblob(32)'), 'UPDATE meta SET head_seq = 12'],
      'inserted',
      6,
    ],
    ['added to at the end', [INSERT.replace('6,', '12,')], 'inserted', 12],
    ['cut off at the end', [CUT], 'truncated', 9],
    ['cut off whole', ['DELETE FROM entries'], 'truncated', 1],
    [
      'cut off before an erasure was recorded',
      [CUT, CUT_HEAD].map((sql) => sql.replaceAll('8', '6')),
      'erased',
      ERASED,
    ],
    ['edited in the entry that erases', [`UPDATE entries SET body = x'00' WHERE seq = ${ERASING}`], 'erased', ERASED],
    ['edited in the erased entry', [`UPDATE entries SET actor = 'x' WHERE seq = ${ERASED}`], 'edited', ERASED],
    ['robbed of a body', ['UPDATE entries SET body = NULL, salt = NULL WHERE seq = 6'], 'erased', 6],
    ['robbed of a salt', ['UPDATE entries SET salt = NULL WHERE seq = 6'], 'erased', 6],
    [
      'given an erased body again',
      [`UPDATE entries SET body = x'00', salt = zeroblob(16) WHERE seq = ${ERASED}`],
      'erased',
      ERASED,
    ],
    ['given another head', ['UPDATE meta SET head_hash = zeroblob(32)'], 'edited', ENTRIES + 1],
    ['without a head', ['DELETE FROM meta'], 'truncated', 1],
    ['behind its projections', ["INSERT INTO projections VALUES ('stranger', 1, 99, '[]')"], 'projection', ENTRIES + 1],
  ])('is found %s', (_, statements, kind, seq) => {
    const { path } = journal();
    tamper(path, ...statements);
    expect(verifyFile(path)).toMatchObject({ ok: false, fault: { kind, seq, message: expect.stringMatching(/\.$/) } });
  });

  it('with a rewritten past or a forgotten end is found by an anchor only', () => {
    const path = join(tempDirectory(), 'journal.db');
    const engine = openEngine({ path });
    for (let i = 0; i < ENTRIES; i++) engine.append([expected('a', i)]);
    const anchor: Anchor = engine.head();
    engine.close();
    const cut = join(tempDirectory(), 'cut.db');
    using source = openEngine({ path });
    source.backup(cut);
    tamper(cut, CUT, CUT_HEAD);
    expect(verifyFile(cut)).toMatchObject({ ok: true, head: { seq: 8 } });
    expect(verifyFile(cut, anchor)).toMatchObject({ fault: { kind: 'truncated', seq: 9 } });
    const rewritten = join(tempDirectory(), 'rewritten.db');
    source.backup(rewritten);
    rewriteFrom(rewritten, 5);
    expect(verifyFile(rewritten)).toMatchObject({ ok: true });
    expect(verifyFile(rewritten, anchor)).toMatchObject({ fault: { kind: 'rewritten', seq: ENTRIES } });
  });

  it('takes no append where its end was touched', async () => {
    for (const statement of [CUT, INSERT.replace('6,', '12,'), 'UPDATE meta SET head_hash = zeroblob(32)']) {
      const { path } = journal();
      using engine = openEngine({ path });
      tamper(path, statement);
      expect(await codeOf(() => engine.append([expected('new', 0)]))).toBe('ERR_JOURNAL_DAMAGED');
      expect(await codeOf(() => openEngine({ path }))).toBe('ERR_JOURNAL_DAMAGED');
    }
  });

  it('is not made to look erased: an edited entry cannot be redacted', async () => {
    const { path } = journal();
    tamper(path, "UPDATE entries SET body = x'00' WHERE seq = 6");
    using engine = openEngine({ path });
    expect(await codeOf(() => engine.redact(6, { actor: 'dpo', reason: '' }))).toBe('ERR_JOURNAL_DAMAGED');
  });
});
