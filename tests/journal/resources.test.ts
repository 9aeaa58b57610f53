/** Things with a key, kept as entries: beside a model, and who wins when several write at once. @module */
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isConfigError } from '../../src/errors/errors.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { openLocalJournal } from '../../src/journal/local.ts';
import { Resources, resourcesProjection, valueIn } from '../../src/journal/resources.ts';
import { bytes, codeOf, tempDirectory } from './fixtures.ts';

const ANN = { actor: 'ann' };

function openJournal(path = join(tempDirectory(), 'journal.db')): Journal {
  const journal = openLocalJournal({ path, projections: [resourcesProjection], busyTimeoutMs: 20_000 });
  onTestFinished(() => journal.close());
  return journal;
}

function parseCount(value: unknown): number {
  if (typeof value === 'number') return value;
  throw new TypeError(`${JSON.stringify(value)} is no count`);
}

function counts(journal: Journal, kind = 'count'): Resources<number> {
  return new Resources(journal, kind, parseCount);
}

describe('resources', () => {
  it('are made, read, changed and deleted, with who and when', async () => {
    const journal = openJournal();
    const things = counts(journal);
    const made = await things.put('a', 1, { actor: 'ann', reason: 'because', expected: 0 });
    expect(await things.get('a')).toEqual(made);
    expect(made).toMatchObject({ key: 'a', revision: 1, modifiedBy: 'ann', value: 1 });
    expect(await things.update('a', { actor: 'bob' }, (value) => value + 1)).toMatchObject({ revision: 2, value: 2 });
    expect(await things.get('a')).toMatchObject({ revision: 2, modifiedBy: 'bob', value: 2 });
    await things.delete('a', ANN);
    expect(await things.find('a')).toBeNull();
    const { entries } = await journal.read({ stream: 'count:a', limit: 10, order: 'asc' });
    expect(entries.map(({ type, reason }) => [type, reason])).toEqual([
      ['count.put', 'because'],
      ['count.put', ''],
      ['count.delete', ''],
    ]);
    expect(await things.put('a', 3, { actor: 'ann', expected: 0 }), 'the revision goes on').toMatchObject({
      revision: 4,
    });
  });

  it('of several kinds do not meet, whatever their keys', async () => {
    const journal = openJournal();
    const [things, others] = [counts(journal), counts(journal, 'counter')];
    for (const key of ['a', 'a:b', 'er:a', 'ä', 'A', '*', "'"]) {
      await things.put(key, 1, ANN);
      await others.put(key, 2, ANN);
    }
    await others.delete('a', ANN);
    expect(await things.all()).toHaveLength(7);
    expect(await others.count()).toBe(6);
    expect(await things.get("'")).toMatchObject({ key: "'", value: 1 });
  });

  it('are listed by key, a page at a time', async () => {
    const things = counts(openJournal());
    for (const key of ['d', 'b', 'a', 'c']) await things.put(key, 1, ANN);
    expect((await things.list({ limit: 3 })).map(({ key }) => key)).toEqual(['a', 'b', 'c']);
    expect((await things.list({ after: 'c', limit: 3 })).map(({ key }) => key)).toEqual(['d']);
  });

  it('say what is wrong', async () => {
    const journal = openJournal();
    const things = counts(journal);
    await things.put('a', 1, ANN);
    expect(await codeOf(things.get('b'))).toBe('ERR_NOT_FOUND');
    expect(await codeOf(things.delete('b', ANN))).toBe('ERR_NOT_FOUND');
    expect(await codeOf(things.update('b', ANN, () => 1))).toBe('ERR_NOT_FOUND');
    expect(await codeOf(things.put('a', 2, { ...ANN, expected: 0 }))).toBe('ERR_REVISION_CONFLICT');
    expect(await codeOf(things.put('a', 2, { ...ANN, expected: 2 }))).toBe('ERR_REVISION_CONFLICT');
    expect(await codeOf(things.delete('a', { ...ANN, expected: 9 }))).toBe('ERR_REVISION_CONFLICT');
    expect(await codeOf(things.put('\n', 2, ANN))).toBe('ERR_NAME');
    expect((await journal.head()).seq).toBe(1);
  });

  it('refuse the entry of a newer version, before it is appended', async () => {
    const journal = openJournal();
    const entry = { stream: 'count:a', type: 'count.put', actor: 'ann', reason: '', expected: 0 };
    for (const body of ['{"format":2,"value":1}', '{"value":1}', '[]', 'null', '{', '']) {
      expect(await codeOf(journal.append([{ ...entry, body: bytes(body) }])), body).toBe('ERR_JOURNAL_ENTRY_TYPE');
    }
    expect((await journal.head()).seq).toBe(0);
  });

  it('leave entries of others alone', async () => {
    const journal = openJournal();
    const entry = { actor: 'ann', reason: '', body: bytes('{"format":1,"value":1}'), expected: 0 };
    await journal.append([
      { ...entry, stream: 'other:a', type: 'count.put' },
      { ...entry, stream: 'count:a', type: 'count.puts' },
      { ...entry, stream: 'count:b', type: 'count.set' },
    ]);
    expect(await counts(journal).all()).toEqual([]);
  });

  it('are gone when their body was erased, and come again with the next value', async () => {
    const journal = openJournal();
    const things = counts(journal);
    await things.put('a', 42, ANN);
    await journal.redact(1, { actor: 'ann', reason: 'on demand' });
    expect(await things.find('a')).toBeNull();
    expect(await things.put('a', 43, ANN)).toMatchObject({ revision: 2 });
  });

  it('are what a map would be, also after the projection is made again', async () => {
    const step = fc.record({
      verb: fc.constantFrom('put', 'delete', 'update'),
      key: fc.constantFrom('a', 'b', 'c'),
      value: fc.integer(),
      expected: fc.constantFrom(undefined, 'right', 'wrong'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const journal = openLocalJournal({ path: ':memory:', projections: [resourcesProjection] });
        const things = counts(journal);
        const model = new Map<string, number>();
        for (const { verb, key, value, expected } of steps) {
          const revision = (await things.find(key))?.revision ?? 0;
          const wanted = expected === undefined ? undefined : revision + (expected === 'right' ? 0 : 1);
          const write = { actor: 'ann', expected: wanted };
          const action =
            verb === 'put'
              ? things.put(key, value, write)
              : verb === 'delete'
                ? things.delete(key, write)
                : things.update(key, write, (before) => before + value);
          const missing = verb !== 'put' && !model.has(key);
          const code = missing ? 'ERR_NOT_FOUND' : expected === 'wrong' ? 'ERR_REVISION_CONFLICT' : 'none';
          expect(await codeOf(action)).toBe(code);
          if (code !== 'none') continue;
          if (verb === 'delete') model.delete(key);
          else model.set(key, verb === 'put' ? value : model.get(key)! + value);
        }
        const all = async (): Promise<[string, number][]> => (await things.all()).map(({ key, value }) => [key, value]);
        expect(await all()).toEqual([...model].toSorted(([a], [b]) => (a < b ? -1 : 1)));
        await journal.rebuild(resourcesProjection);
        expect(await all()).toEqual([...model].toSorted(([a], [b]) => (a < b ? -1 : 1)));
        await journal.close();
      }),
      { numRuns: 60, seed: 13 },
    );
  });
});

describe('several things in one append', () => {
  it('change together', async () => {
    const journal = openJournal();
    const [things, others] = [counts(journal), counts(journal, 'other')];
    await others.put('b', 1, ANN);
    const entries = [await things.putEntry('a', 7, { ...ANN, expected: 0 }), await others.deleteEntry('b', ANN)];
    const [first] = await journal.append(entries);
    expect(things.made(first!, 7)).toEqual(await things.get('a'));
    expect(await others.find('b')).toBeNull();
  });

  it('change not at all when one of them was changed meanwhile', async () => {
    const journal = openJournal();
    const things = counts(journal);
    await things.put('b', 1, ANN);
    const entries = [await things.putEntry('a', 7, ANN), await things.deleteEntry('b', ANN)];
    await things.put('b', 2, ANN);
    expect(await codeOf(journal.append(entries))).toBe('ERR_REVISION_CONFLICT');
    expect(await things.all()).toMatchObject([{ key: 'b', value: 2 }]);
  });
});

describe('a race', () => {
  it('of two handles loses no change that named no revision, and lets one of two win that did', async () => {
    const path = join(tempDirectory(), 'journal.db');
    const handles = [counts(openJournal(path)), counts(openJournal(path))];
    await handles[0]!.put('a', 0, ANN);
    const changes = handles.flatMap((things) =>
      Array.from({ length: 5 }, () => things.update('a', ANN, (value) => value + 1)),
    );
    await Promise.all(changes);
    expect(await handles[0]!.get('a')).toMatchObject({ value: 10, revision: 11 });
    const outcomes = await Promise.all(handles.map((things) => codeOf(things.put('b', 1, { ...ANN, expected: 0 }))));
    expect(outcomes.toSorted()).toEqual(['ERR_REVISION_CONFLICT', 'none']);
  });

  it('of several processes counts every change once', async () => {
    const path = join(tempDirectory(), 'journal.db');
    const things = counts(openJournal(path));
    await things.put('a', 0, ANN);
    const children = Array.from({ length: 3 }, (_, index) =>
      Bun.spawn([process.execPath, join(import.meta.dirname, 'counting-process.ts'), path, `p${index}`, '20'], {
        stdout: 'pipe',
        stderr: 'inherit',
      }),
    );
    const won = await Promise.all(children.map((child) => new Response(child.stdout).text()));
    expect(await Promise.all(children.map((child) => child.exited))).toEqual([0, 0, 0]);
    expect(await things.get('a')).toMatchObject({ value: 60, revision: 61 });
    expect(
      won.map(Number).reduce((sum, count) => sum + count),
      'each key was made by one',
    ).toBe(20);
  });
});

it('a value that nobody can read is an error where it is read', async () => {
  const journal = openJournal();
  await new Resources(journal, 'count', String).put('a', 'x', ANN);
  await expect(counts(journal).all()).rejects.toThrow('"x" is no count');
  await expect(counts(journal).all()).rejects.not.toSatisfy(isConfigError);
});

it.each<[string, string, string | null, unknown]>([
  ['a value', 'x.put', '{"format":1,"value":{"a":1}}', { a: 1 }],
  ['a value that is nothing', 'x.put', '{"format":1,"value":null}', null],
  ['a deletion', 'x.delete', '', null],
  ['what was erased', 'x.put', null, null],
  ['another format', 'x.put', '{"format":2,"value":{}}', 'ERR_JOURNAL_ENTRY_TYPE'],
  ['no JSON', 'x.put', '{', 'ERR_JOURNAL_ENTRY_TYPE'],
  ['no object', 'x.put', '7', 'ERR_JOURNAL_ENTRY_TYPE'],
])('what an entry says its resource is: %s', async (_, type, text, value) => {
  const read = () => valueIn({ seq: 1, type, body: text === null ? null : bytes(text) });
  if (typeof value === 'string') expect(await codeOf(read)).toBe(value);
  else expect(read()).toEqual(value);
});
