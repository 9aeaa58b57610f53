/**
 * What every journal does, whatever keeps it. Each implementation's test calls this with a way to open one.
 * @module
 */

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { verifyFile } from '../../src/journal/backup.ts';
import { GENESIS_HASH, toHex } from '../../src/journal/chain.ts';
import type { Entry, Journal, NewEntry, ReadQuery } from '../../src/journal/journal.ts';
import { MAX_BODY_BYTES, MAX_READ_ENTRIES } from '../../src/journal/journal.ts';
import { bytes, claimed, codeOf, expected, tempDirectory } from '../journal/fixtures.ts';
import { latestBodies, text } from '../journal/fixtures-projection.ts';

const SEED = 42;

export function journalContract(name: string, open: (path: string) => Promise<Journal>): void {
  describe(`journal contract: ${name}`, () => {
    let journal: Journal;
    let directory: string;

    beforeEach(async () => {
      directory = tempDirectory();
      journal = await open(join(directory, 'journal.db'));
    });

    afterEach(() => journal.close());

    const all = async (): Promise<readonly Entry[]> =>
      (await journal.read({ limit: MAX_READ_ENTRIES, order: 'asc' })).entries;

    it('starts empty, with an id of its own', async () => {
      expect(await journal.head()).toEqual({ seq: 0, hash: toHex(GENESIS_HASH), at: 0 });
      expect(await all()).toEqual([]);
      expect(await journal.streamHead('a')).toBe(0);
      expect(await journal.latest('a')).toBeNull();
      const other = await open(join(directory, 'other.db'));
      expect(other.id).not.toBe(journal.id);
      await other.close();
      const again = await open(join(directory, 'other.db'));
      expect(again.id).toBe(other.id);
      await again.close();
    });

    it('appends, chains and reads back what it was given', async () => {
      const [first, second] = await journal.append([
        expected('a', 0, 'x'),
        { ...claimed('b', 7, ''), at: Date.now() + 1000 },
      ]);
      expect(first).toMatchObject({
        seq: 1,
        stream: 'a',
        revision: 1,
        actor: 'ann',
        reason: '',
        prevHash: toHex(GENESIS_HASH),
      });
      expect(second).toMatchObject({ seq: 2, stream: 'b', revision: 7, reason: 'because', prevHash: first!.hash });
      expect(await all()).toEqual([first, second]);
      expect(text((await all())[0]!.body)).toBe('x');
      expect((await all())[1]!.body).toEqual(new Uint8Array(0));
      expect(await journal.head()).toEqual({ seq: 2, hash: second!.hash, at: second!.at });
    });

    it('refuses a lost race, saying where the stream is, and changes nothing', async () => {
      await journal.append([expected('a', 0)]);
      const head = await journal.head();
      for (const wrong of [0, 2]) {
        await expect(journal.append([expected('b', 0), expected('a', wrong)])).rejects.toMatchObject({
          code: 'ERR_REVISION_CONFLICT',
          details: { stream: 'a', expected: wrong, actual: 1 },
        });
      }
      expect(await journal.head()).toEqual(head);
      expect(await journal.streamHead('b')).toBe(0);
    });

    it('takes claimed revisions late and with gaps, each once', async () => {
      for (const revision of [5, 2, 9, 1]) await journal.append([claimed('c', revision)]);
      expect(await journal.streamHead('c')).toBe(9);
      expect((await journal.latest('c'))!.revision).toBe(9);
      for (const taken of [5, 2, 9, 1])
        expect(await codeOf(journal.append([claimed('c', taken)]))).toBe('ERR_REVISION_CONFLICT');
      await expect(journal.append([claimed('c', 2)])).rejects.toMatchObject({ details: { expected: 2, actual: 9 } });
      expect((await all()).map(({ revision }) => revision)).toEqual([5, 2, 9, 1]);
      expect((await journal.append([expected('c', 9)]))[0]!.revision).toBe(10);
    });

    it('refuses malformed entries with nothing changed', async () => {
      const good = expected('a', 0);
      const bad: [string, unknown][] = [
        ['ERR_OUT_OF_RANGE', { ...good, stream: '' }],
        ['ERR_NAME', { ...good, stream: 'a\u0000b' }],
        ['ERR_NAME', { ...good, stream: 'journal' }],
        ['ERR_NAME', { ...good, actor: '\ud800' }],
        ['ERR_NAME', { ...good, reason: 'bell \u0007' }],
        ['ERR_OUT_OF_RANGE', { ...good, type: 'x'.repeat(513) }],
        ['ERR_OUT_OF_RANGE', { ...good, reason: 'é'.repeat(2049) }],
        ['ERR_WRONG_TYPE', { ...good, body: 'text' }],
        ['ERR_OUT_OF_RANGE', { ...good, body: new Uint8Array(MAX_BODY_BYTES + 1) }],
        ['ERR_OUT_OF_RANGE', { ...good, expected: -1 }],
        ['ERR_OUT_OF_RANGE', { ...good, expected: 2 ** 53 }],
        ['ERR_OUT_OF_RANGE', { ...good, expected: 1.5 }],
        ['ERR_WRONG_TYPE', { ...good, expected: '0' }],
        ['ERR_WRONG_TYPE', { ...good, expected: undefined }],
        ['ERR_WRONG_TYPE', { ...good, revision: 1 }],
        ['ERR_OUT_OF_RANGE', { ...claimed('a', 1), revision: 0 }],
        ['ERR_OUT_OF_RANGE', { ...claimed('a', 1), revision: 2 ** 53 }],
        ['ERR_OUT_OF_RANGE', { ...good, at: -1 }],
        ['ERR_OUT_OF_RANGE', { ...good, at: Number.NaN }],
        ['ERR_WRONG_TYPE', null],
      ];
      for (const [index, [code, entry]] of bad.entries()) {
        expect(await codeOf(journal.append([expected('b', 0), entry as NewEntry])), `entry ${index}`).toBe(code);
      }
      expect(await codeOf(journal.append([]))).toBe('ERR_OUT_OF_RANGE');
      expect((await journal.head()).seq).toBe(0);
    });

    it('keeps appends that share a transaction independent', async () => {
      const outcomes = await Promise.allSettled([
        journal.append([expected('a', 0)]),
        journal.append([expected('b', 0), expected('b', 0)]),
        journal.append([expected('a', 1), expected('c', 0, 'refuse')]),
        journal.append([expected('a', 1)]),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
      expect(outcomes[2]).toMatchObject({ reason: { code: 'ERR_FORBIDDEN', details: { rule: 'test' } } });
      expect((await all()).map(({ stream, revision }) => `${stream} ${revision}`)).toEqual(['a 1', 'a 2']);
      expect(await journal.query(latestBodies, 'all', undefined)).toEqual([
        { stream: 'a', revision: 2, body: 'a 2', entries: 2 },
      ]);
    });

    it('takes the bytes of a body at the call', async () => {
      const body = bytes('before');
      const appending = journal.append([{ ...expected('a', 0), body }]);
      body.fill(0);
      expect(text((await appending)[0]!.body)).toBe('before');
    });

    it('never lets time run back', async () => {
      const times: number[] = [];
      for (const at of [5000, 4000, 5001]) times.push((await journal.append([{ ...claimed('a', at), at }]))[0]!.at);
      expect(times).toEqual([5000, 5000, 5001]);
    });

    it('reads any bounds as a filter over all entries would', async () => {
      const entries: NewEntry[] = [];
      for (let i = 0; i < 60; i++) {
        const stream = ['config:a', 'config:b', 'configs', 'user:é', 'CONFIG:a'][i % 5]!;
        entries.push({
          ...claimed(stream, 1 + ((i * 7) % 60)),
          type: `t${i % 3}`,
          actor: `u${i % 4}`,
          at: 1000 + 10 * Math.floor(i / 4),
        });
      }
      const stored = await journal.append(entries);
      const number = fc.integer({ min: 0, max: 65 });
      const time = fc.integer({ min: 990, max: 1160 });
      const queries = fc.record(
        {
          stream: fc.constantFrom('config:a', 'user:é', 'none'),
          streamPrefix: fc.constantFrom('config', 'config:', 'user:é', ''),
          revision: number,
          type: fc.constantFrom('t0', 't1'),
          actor: fc.constantFrom('u0', 'u3'),
          after: number,
          before: number,
          since: time,
          until: time,
          limit: fc.integer({ min: 1, max: 20 }),
          order: fc.constantFrom<'asc' | 'desc'>('asc', 'desc'),
        },
        { requiredKeys: ['limit', 'order'] },
      );
      await fc.assert(
        fc.asyncProperty(queries, async (query) => {
          expect(await everyPage(journal, query)).toEqual(matching(stored, query));
        }),
        { seed: SEED, numRuns: 150 },
      );
    });

    it('ends a page once its bodies are large, and goes on from there', async () => {
      const large = new Uint8Array(MAX_BODY_BYTES / 2);
      for (let head = 0; head < 3; head++) await journal.append([{ ...expected('a', head), body: large }]);
      const page = await journal.read({ limit: 10, order: 'asc' });
      expect([page.entries.length, page.cursor]).toEqual([2, 2]);
      expect((await journal.read({ limit: 10, order: 'asc', after: 2 })).cursor).toBeNull();
    });

    it('refuses bad bounds', async () => {
      for (const bad of [{ limit: 0 }, { limit: 1001 }, { limit: 1, after: -1 }, { limit: 1, until: 1.5 }]) {
        expect(await codeOf(journal.read({ order: 'asc', ...bad }))).toBe('ERR_OUT_OF_RANGE');
      }
      expect(await codeOf(journal.read({ limit: 1, order: 'up' as 'asc' }))).toBe('ERR_WRONG_TYPE');
    });

    it('knows each stream as of any entry and any time', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 }),
          fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 12, maxLength: 12 }),
          async (revisions, steps) => {
            const memory = await open(':memory:');
            try {
              let at = 1000;
              const entries = revisions.map((revision, i) => ({
                ...claimed(i % 3 === 0 ? 'other' : 'one', revision),
                at: (at += steps[i]!),
              }));
              const stored = await memory.append(entries);
              for (const { seq, at: time } of stored) {
                const best = (bound: (entry: Entry) => boolean): Entry | null =>
                  stored
                    .filter((entry) => entry.stream === 'one' && bound(entry))
                    .sort((a, b) => b.revision - a.revision)[0] ?? null;
                expect(await memory.latest('one', { seq })).toEqual(best((entry) => entry.seq <= seq));
                expect(await memory.latest('one', { at: time })).toEqual(best((entry) => entry.at <= time));
                expect(await memory.latest('one', { at: time, seq: seq - 1 })).toEqual(
                  best((entry) => entry.seq < seq && entry.at <= time),
                );
              }
              expect(await memory.latest('one', { at: 999 })).toBeNull();
            } finally {
              await memory.close();
            }
          },
        ),
        { seed: SEED, numRuns: 12 },
      );
    });

    it('keeps projections equal to a rebuild, for any history', async () => {
      const history = fc.array(
        fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 30 }), fc.constantFrom('x', 'y', 'refuse')),
        { maxLength: 25 },
      );
      let number = 0;
      await fc.assert(
        fc.asyncProperty(history, async (steps) => {
          number += 1;
          const results = await Promise.allSettled(
            steps.map(([stream, revision, body]) => journal.append([claimed(`${number}${stream}`, revision, body)])),
          );
          const grown = await journal.query(latestBodies, 'all', undefined);
          await journal.rebuild(latestBodies);
          expect(await journal.query(latestBodies, 'all', undefined)).toEqual(grown);
          const kept = results.filter(({ status }) => status === 'fulfilled').length;
          const counted = grown
            .filter(({ stream }) => stream.startsWith(`${number}`))
            .reduce((sum, { entries }) => sum + entries, 0);
          expect(counted).toBe(kept);
        }),
        { seed: SEED, numRuns: 9 },
      );
    });

    it('answers named queries, and no others, and lets none write', async () => {
      await journal.append([expected('a', 0)]);
      expect(await journal.query(latestBodies, 'one', 'a')).toMatchObject({ revision: 1 });
      expect(await journal.query(latestBodies, 'one', 'b')).toBeNull();
      expect(await codeOf(journal.query(latestBodies, 'toString' as 'one', 'a'))).toBe('ERR_ENTRY_NOT_FOUND');
      expect(await codeOf(journal.query({ ...latestBodies, name: 'other' }, 'one', 'a'))).toBe('ERR_ENTRY_NOT_FOUND');
      await expect(journal.query(latestBodies, 'vandal', undefined)).rejects.toMatchObject({
        code: 'ERR_JOURNAL_WRITE',
      });
      expect(await journal.query(latestBodies, 'one', 'a')).toMatchObject({ revision: 1 });
    });

    it('erases one body for good, and still verifies', async () => {
      await journal.append([expected('user:ann', 0, 'secret'), expected('user:bob', 0, 'kept')]);
      const entry = await journal.redact(1, { actor: 'dpo', reason: 'asked for' });
      expect(entry).toMatchObject({ seq: 3, stream: 'journal', revision: 1, type: 'redacted', actor: 'dpo' });
      expect(text(entry.body)).toMatch(/^\{"seq":1,"content":"[0-9a-f]{64}"\}$/);
      expect((await all()).map(({ body }) => text(body))).toEqual([null, 'kept', text(entry.body)]);
      expect(await journal.query(latestBodies, 'one', 'user:ann')).toMatchObject({ body: null });
      expect(await journal.verify()).toMatchObject({ ok: true, head: { seq: 3, hash: entry.hash } });
      for (const seq of [1, 3, 99])
        expect(await codeOf(journal.redact(seq, { actor: 'dpo', reason: '' }))).toBe('ERR_REDACT');
      expect(await codeOf(journal.redact(0, { actor: 'dpo', reason: '' }))).toBe('ERR_OUT_OF_RANGE');
      expect((await journal.head()).seq).toBe(3);
    });

    it('verifies in slices while appends go on, tells how far it is, and stops when asked', async () => {
      const many = Array.from({ length: 900 }, (_, head) => expected('a', head));
      const [anchor] = await journal.append(many);
      const seen: number[] = [];
      const verifying = journal.verify({ anchor: anchor!, onProgress: (checked, total) => seen.push(checked, total) });
      const appending = journal.append([expected('a', 900)]).then(([entry]) => entry!.seq);
      expect(await verifying).toMatchObject({ ok: true, head: { seq: 900 } });
      expect(await appending).toBe(901);
      expect(seen.at(-2)).toBe(900);
      expect(seen.length).toBeGreaterThan(4);
      const stop = new AbortController();
      await expect(
        journal.verify({ signal: stop.signal, onProgress: () => stop.abort(new Error('enough')) }),
      ).rejects.toThrow('enough');
      await expect(journal.verify({ signal: stop.signal })).rejects.toThrow('enough');
      expect(
        await journal.verify({
          anchor: { seq: 1, hash: anchor!.hash.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) },
        }),
      ).toMatchObject({
        fault: { kind: 'rewritten', seq: 1 },
      });
      expect(await journal.verify({ anchor: { seq: 902, hash: anchor!.hash } })).toMatchObject({
        fault: { kind: 'truncated', seq: 902 },
      });
    });

    it('writes a whole, verified copy, and only where no file is', async () => {
      await journal.append([expected('a', 0), expected('b', 0)]);
      const target = join(directory, 'copy.db');
      const backup = await journal.backup(target);
      expect(backup).toEqual({ path: target, size_bytes: expect.any(Number), head: await journal.head() });
      await journal.append([expected('a', 1)]);
      expect(verifyFile(target, backup.head)).toMatchObject({ ok: true, head: { seq: 2 } });
      const copy = await open(target);
      expect(copy.id).toBe(journal.id);
      expect((await copy.append([expected('a', 1, 'another way')]))[0]!.seq).toBe(3);
      expect(await copy.query(latestBodies, 'one', 'a')).toMatchObject({ body: 'another way' });
      await copy.close();
      writeFileSync(join(directory, 'taken.db'), 'mine');
      expect(await codeOf(journal.backup(join(directory, 'taken.db')))).toBe('ERR_BACKUP');
      expect(await codeOf(journal.backup(join(directory, 'no/where.db')))).toBe('ERR_BACKUP');
    });

    it('tells of what it appended, in order, before the append resolves', async () => {
      const told: number[] = [];
      const stop = journal.onAppend((entries) => told.push(...entries.map(({ seq }) => seq)));
      const appends = [0, 1, 2].map((head) => journal.append([expected('a', head)]));
      const [third] = await appends[2]!;
      expect(told).toEqual([1, 2, third!.seq]);
      await journal.redact(1, { actor: 'dpo', reason: '' });
      expect(told).toEqual([1, 2, 3, 4]);
      stop();
      await journal.append([expected('b', 0)]);
      expect(told).toHaveLength(4);
    });

    it('tells of every append how long it took, and what it failed with', async () => {
      const told: [number, string | null][] = [];
      const stop = journal.onAnswered((duration_ms, error) =>
        told.push([duration_ms, error === null ? null : (error as { code: string }).code]),
      );
      await journal.append([expected('a', 0)]);
      expect(await codeOf(journal.append([expected('a', 0)]))).toBe('ERR_REVISION_CONFLICT');
      expect(told.map(([, code]) => code)).toEqual([null, 'ERR_REVISION_CONFLICT']);
      for (const [duration_ms] of told) expect(duration_ms).toBeGreaterThan(0);
      stop();
      await journal.append([expected('a', 1)]);
      expect(told).toHaveLength(2);
    });

    it('flushes and closes after everything that waits, and takes nothing afterwards', async () => {
      let decided = 0;
      const count = (): void => void (decided += 1);
      for (let head = 0; head < 20; head++)
        void journal.append([expected('a', head === 13 ? 99 : Math.min(head, 13))]).then(count, count);
      await journal.flush();
      expect(decided).toBe(20);
      const last = journal.append([expected('z', 0)]);
      const closing = journal.close();
      expect(await codeOf(journal.append([expected('y', 0)]))).toBe('ERR_CLOSED');
      expect((await last)[0]!.stream).toBe('z');
      await closing;
      await journal.close();
      for (const call of [
        journal.head(),
        journal.read({ limit: 1, order: 'asc' }),
        journal.verify(),
        journal.backup(join(directory, 'late.db')),
      ]) {
        expect(await codeOf(call)).toBe('ERR_CLOSED');
      }
      expect(existsSync(join(directory, 'journal.db-wal'))).toBe(false);
      expect(verifyFile(journal.path)).toMatchObject({ ok: true });
    });
  });
}

async function everyPage(journal: Journal, query: ReadQuery): Promise<Entry[]> {
  const entries: Entry[] = [];
  let next = query;
  for (;;) {
    const page = await journal.read(next);
    entries.push(...page.entries);
    if (page.cursor === null) return entries;
    next = query.order === 'asc' ? { ...next, after: page.cursor } : { ...next, before: page.cursor };
  }
}

function matching(stored: readonly Entry[], query: ReadQuery): Entry[] {
  const {
    stream,
    streamPrefix = '',
    revision,
    type,
    actor,
    after = 0,
    before = Infinity,
    since = 0,
    until = Infinity,
  } = query;
  const found = stored.filter(
    (entry) =>
      entry.stream === (stream ?? entry.stream) &&
      entry.stream.startsWith(streamPrefix) &&
      entry.revision === (revision ?? entry.revision) &&
      entry.type === (type ?? entry.type) &&
      entry.actor === (actor ?? entry.actor) &&
      entry.seq > after &&
      entry.seq < before &&
      entry.at >= since &&
      entry.at <= until,
  );
  return query.order === 'asc' ? found : found.reverse();
}
