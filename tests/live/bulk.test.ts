/** Many changes as one: all or none, whoever is in the way. @module */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BULK_MAX, parseBulk } from '../../src/live/bulk.ts';
import type { ConfigOperations } from '../../src/live/operations.ts';
import { codeOf } from '../journal/fixtures.ts';
import { open, run } from './fixtures.ts';
import { ANN, namesOf, openOperations, pastOf } from './operations-fixtures.ts';

/** Rows of each config that is there. */
async function rowsOf(operations: ConfigOperations): Promise<Record<string, number>> {
  return Object.fromEntries((await operations.list()).map(({ name, rows }) => [name, rows]));
}

async function seqOf({ store }: ConfigOperations): Promise<number> {
  return (await store.journal.head()).seq;
}

describe('a bulk of changes', () => {
  it('of every kind is one append, answered in order', async () => {
    const { operations } = await openOperations();
    const { store } = operations;
    for (const name of ['a', 'b', 'c', 'd']) await operations.set(name, { rows: 30, features: { debug: true } }, ANN);
    await operations.set('c', { rows: 31 }, ANN);
    const appends: number[] = [];
    store.journal.onAppend((entries) => appends.push(entries.length));
    const outcomes = await operations.bulk(
      [
        { name: 'new', set: { cols: 100 }, expected: 0 },
        { name: 'a', template: 'minimal' },
        { name: 'b', delete: true, expected: 1 },
        { name: 'c', rollback: { revision: 1 } },
        { name: 'd', reset: true },
        { name: 'e', set: {} },
      ],
      { ...ANN, reason: 'all at once' },
    );
    expect(appends).toEqual([6]);
    expect(outcomes.map(({ name, revision, changed, config }) => [name, revision, changed, config?.rows])).toEqual([
      ['new', 1, true, 24],
      ['a', 2, true, 30],
      ['b', 2, true, undefined],
      ['c', 3, true, 30],
      ['d', 2, true, 24],
      ['e', 1, true, 24],
    ]);
    expect(outcomes[1]!.config).toEqual(await operations.get('a'));
    expect(await namesOf(operations)).toEqual(['a', 'c', 'd', 'e', 'new']);
    expect((await operations.history('c')).entries[0]).toMatchObject({ reason: 'all at once', kind: 'rollback' });
  });

  it('goes back to an entry of the journal, as the rest of the interface calls it', async () => {
    const { operations } = await openOperations();
    await operations.set('a', { rows: 30 }, ANN);
    const entry = await seqOf(operations);
    await operations.set('a', { rows: 31 }, ANN);
    const [back] = await operations.bulk([{ name: 'a', rollback: { entry } }], ANN);
    expect(back!.config!.rows).toBe(30);
    expect(await codeOf(operations.bulk([{ name: 'a', rollback: { seq: entry } }], ANN))).toBe('ERR_UNKNOWN_FIELD');
  });

  it('says of what is so already that nothing changed, beside what did', async () => {
    const { operations } = await openOperations();
    await operations.set('a', { rows: 30 }, ANN);
    const outcomes = await operations.bulk(
      [
        { name: 'a', set: { rows: 30 } },
        { name: 'b', set: { rows: 2 } },
      ],
      ANN,
    );
    expect(outcomes.map(({ revision, changed }) => [revision, changed])).toEqual([
      [1, false],
      [1, true],
    ]);
  });

  it('does what the same changes do one by one, or, if one of them is refused, nothing', async () => {
    const [bulk, single] = [(await openOperations()).operations, (await openOperations()).operations];
    const name = fc.constantFrom('a', 'b', 'c', 'd');
    const change = fc.oneof(
      // 0 rows is an error of validation.
      fc.record({ name, set: fc.record({ rows: fc.integer({ min: 0, max: 4 }) }) }),
      fc.record({ name, template: fc.constantFrom('minimal', 'production', 'missing') }),
      fc.record({ name, reset: fc.constant(true) }),
      fc.record({ name, delete: fc.constant(true) }),
      fc.record({ name, set: fc.constant({ cols: 90 }), expected: fc.integer({ min: 0, max: 3 }) }),
    );
    const changes = fc.uniqueArray(change, { selector: (one) => one.name, minLength: 1, maxLength: 4 });
    const apply = async (one: any): Promise<string> => {
      const write = { ...ANN, expected: one.expected };
      if (one.set !== undefined) return await codeOf(single.set(one.name, one.set, write));
      if (one.template !== undefined) return await codeOf(single.applyTemplate(one.name, one.template, write));
      if (one.reset === true) return await codeOf(single.reset(one.name, write));
      return await codeOf(single.delete(one.name, write));
    };
    let [done, refused] = [0, 0];
    await fc.assert(
      fc.asyncProperty(changes, async (some) => {
        const before = JSON.stringify([await bulk.list(), await seqOf(bulk)]);
        const code = await codeOf(bulk.bulk(some, ANN));
        if (code !== 'none') {
          refused++;
          expect(JSON.stringify([await bulk.list(), await seqOf(bulk)])).toBe(before);
          return;
        }
        done++;
        for (const one of some) expect(await apply(one), JSON.stringify(one)).toBe('none');
        const views = async (from: ConfigOperations) =>
          (await from.list()).map((view) => ({ ...view, lastModified: null }));
        expect(await views(bulk)).toEqual(await views(single));
      }),
      { seed: 4, numRuns: 150 },
    );
    expect([done > 20, refused > 20]).toEqual([true, true]);
  });

  it.each([
    ['no list', {}, 'ERR_WRONG_TYPE'],
    ['nothing', [], 'ERR_OUT_OF_RANGE'],
    ['too many', Array.from({ length: BULK_MAX + 1 }, (_, i) => ({ name: `c${i}`, reset: true })), 'ERR_OUT_OF_RANGE'],
    [
      'a config twice',
      [
        { name: 'a', set: {} },
        { name: 'a', reset: true },
      ],
      'ERR_DUPLICATE_KEY',
    ],
    ['no verb', [{ name: 'a' }], 'ERR_WRONG_TYPE'],
    ['two verbs', [{ name: 'a', set: {}, reset: true }], 'ERR_WRONG_TYPE'],
    ['a verb it does not know', [{ name: 'a', destroy: true }], 'ERR_UNKNOWN_FIELD'],
    ['no name', [{ set: {} }], 'ERR_NAME'],
    ['a bad name', [{ name: '../a', set: {} }], 'ERR_NAME'],
    ['an expectation that is none', [{ name: 'a', set: {}, expected: -1 }], 'ERR_OUT_OF_RANGE'],
    ['a deletion that says no', [{ name: 'a', delete: false }], 'ERR_WRONG_TYPE'],
    ['a reset that says 1', [{ name: 'a', reset: 1 }], 'ERR_WRONG_TYPE'],
    ['a template that is a number', [{ name: 'a', template: 7 }], 'ERR_WRONG_TYPE'],
    ['a moment that is none', [{ name: 'a', rollback: { revision: 1, at: 2 } }], 'ERR_WRONG_TYPE'],
    ['no object', [null], 'ERR_WRONG_TYPE'],
  ])('is refused as a whole: %s', async (_, changes, code) => {
    expect(await codeOf(() => parseBulk(changes))).toBe(code);
  });

  it('cannot delete what is always needed, beside whatever else', async () => {
    const { operations } = await openOperations();
    await operations.set('default', {}, ANN);
    const both = [
      { name: 'a', set: {} },
      { name: 'default', delete: true },
    ];
    expect(await codeOf(operations.bulk(both, ANN))).toBe('ERR_FORBIDDEN');
    expect(await namesOf(operations)).toEqual(['default']);
  });
});

describe('a bulk whose race is lost midway', () => {
  /** Whoever judges the second change is overtaken by a process that has the config open, so often. */
  async function overtaken(times: number) {
    const { operations, persistPath } = await openOperations();
    for (const name of ['a', 'b']) await operations.set(name, { rows: 30 }, ANN);
    const rival = open({ persistPath, name: 'b', actor: 'rival' });
    let left = times;
    const permit = (stream: string): void => {
      if (stream === 'config:b' && left-- > 0) rival.toggleFeature('debug');
    };
    const bulk = (expected?: number) =>
      operations.bulk(
        [
          { name: 'a', set: { rows: 40 } },
          { name: 'b', set: { rows: 40 }, expected },
        ],
        { ...ANN, permit },
      );
    return { operations, rival, bulk };
  }

  it('is tried again, and what was visible for a moment is in the history', async () => {
    const { operations, rival, bulk } = await overtaken(2);
    const outcomes = await bulk();
    expect(outcomes.map(({ revision }) => revision)).toEqual([6, 4]);
    expect(await rowsOf(operations)).toEqual({ a: 40, b: 40 });
    await rival.persist('done');
    expect(await pastOf(operations, 'a')).toEqual([
      [6, 'update'],
      [5, 'revert'],
      [4, 'update'],
      [3, 'revert'],
      [2, 'update'],
      [1, 'create'],
    ]);
    expect((await operations.verify()).ok).toBe(true);
  });

  it('is refused when it was bound to a revision, with the first change taken back', async () => {
    const { operations, rival, bulk } = await overtaken(1);
    expect(await codeOf(bulk(1))).toBe('ERR_REVISION_CONFLICT');
    await rival.persist('done');
    await operations.set('c', {}, ANN);
    expect(await rowsOf(operations)).toEqual({ a: 30, b: 30, c: 24 });
    expect((await operations.get('b')).features.enabled).toEqual(['debug']);
    expect(await codeOf(operations.set('a', { rows: 50 }, { ...ANN, expected: 3 }))).toBe('none');
  });

  it('is given up after some attempts, and takes back what it made and what it deleted', async () => {
    const { operations, rival } = await overtaken(0);
    const permit = (stream: string): void => {
      if (stream === 'config:b') rival.toggleFeature('debug');
    };
    await operations.set('plain', {}, ANN);
    const changes = [
      { name: 'made', set: { rows: 7 } },
      { name: 'made-plain', set: {} },
      { name: 'a', delete: true },
      { name: 'plain', delete: true },
      { name: 'b', set: { rows: 40 } },
    ];
    expect(await codeOf(operations.bulk(changes, { ...ANN, permit }))).toBe('ERR_REVISION_CONFLICT');
    await rival.persist('done');
    await operations.set('c', {}, ANN);
    // What was made as the defaults, and what was deleted while it was the defaults, only differ in being there.
    expect(await rowsOf(operations)).toEqual({ a: 30, b: 30, c: 24, plain: 24 });
    expect((await pastOf(operations, 'made')).slice(0, 2).map(([, kind]) => kind)).toEqual(['delete', 'create']);
  });
});

describe('a bulk of which the journal refuses one', () => {
  it('takes that one over and the others back, and can be made again', async () => {
    const { operations, persistPath } = await openOperations();
    for (const name of ['a', 'shop']) await operations.set(name, { rows: 30 }, ANN);
    await run('journal-change.ts', [persistPath, 'debug']);
    const changes = ['made', 'a', 'shop', 'z'].map((name) => ({ name, set: { rows: 40 } }));
    expect(await codeOf(operations.bulk(changes, ANN))).toBe('ERR_REVISION_CONFLICT');
    const [a, shop] = ['a', 'shop'].map((name) => open({ persistPath, name }));
    expect([a!.rows, shop!.rows, shop!.flags.debug]).toEqual([30, 30, true]);
    expect((await operations.bulk(changes, ANN)).map(({ changed }) => changed)).toEqual([true, true, true, true]);
    expect(await rowsOf(operations)).toEqual({ a: 40, made: 40, shop: 40, z: 40 });
    expect((await operations.get('shop')).features.enabled).toEqual(['debug']);
    expect((await pastOf(operations, 'made')).map(([, kind]) => kind)).toEqual(['create', 'delete', 'create']);
    expect((await operations.verify()).ok).toBe(true);
  });
});

describe('a process that is killed in a bulk', () => {
  const NAMES = ['a', 'b', 'new'];
  const change = (rows: number) => NAMES.map((name) => ({ name, set: { rows } }));

  it('before the journal has it, leaves none of it there', async () => {
    const { operations, persistPath } = await openOperations();
    for (const name of ['a', 'b']) await operations.set(name, { rows: 30 }, ANN);
    const config = open({ persistPath, name: 'a' });
    const seq = await seqOf(operations);
    const { signal } = await run('dies-at-append.ts', [persistPath, 'bulk', JSON.stringify(change(40))]);
    expect([signal, config.rows, await seqOf(operations)]).toEqual(['SIGKILL', 40, seq]);
    expect(await rowsOf(operations)).toEqual({ a: 30, b: 30 });
    expect((await operations.bulk(change(50), ANN)).map(({ changed }) => changed)).toEqual([true, true, true]);
    expect(await rowsOf(operations)).toEqual({ a: 50, b: 50, new: 50 });
    expect((await operations.verify()).ok).toBe(true);
  });

  it('at any moment, leaves all of each in the journal, or none', async () => {
    for (const lines of [1, 3, 6, 10]) {
      const { operations, persistPath } = await openOperations();
      await killAfter(lines, persistPath);
      const pasts = await Promise.all(NAMES.map(async (name) => (await operations.history(name)).entries));
      const stored = pasts.map((past) => past.flatMap(({ seq, config }) => (seq === null ? [] : [config.rows])));
      expect(stored[0]!.length).toBeGreaterThanOrEqual(lines);
      expect(stored[1]).toEqual(stored[0]);
      expect(stored[2]).toEqual(stored[0]);
    }
  });
});

/** Lets a child make bulk after bulk until it has said so many, and kills it. */
async function killAfter(lines: number, persistPath: string): Promise<void> {
  const child = Bun.spawn([process.execPath, `${import.meta.dirname}/bulk-writer.ts`, persistPath], { stdout: 'pipe' });
  let heard = '';
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream() as any) as AsyncIterable<string>) {
    heard += chunk;
    if (heard.split('\n').length > lines) child.kill('SIGKILL');
  }
  await child.exited;
  expect(child.signalCode).toBe('SIGKILL');
}
