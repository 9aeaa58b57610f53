/** What writes ask before anything changes, what lists show to whom, and what is exported. @module */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/errors/errors.ts';
import { parseExport } from '../../src/cli/transfer.ts';
import { exportConfigs } from '../../src/live/export.ts';
import type { ConfigOperations, Write } from '../../src/live/operations.ts';
import { codeOf } from '../journal/fixtures.ts';
import { ANN, namesOf, openOperations } from './operations-fixtures.ts';

function forbidden(): never {
  throw new ConfigError('ERR_FORBIDDEN', { message: 'no', hint: 'ask', details: { rule: 'sections' } });
}

type Action = (operations: ConfigOperations, write: Write) => Promise<unknown>;

describe('every write', () => {
  /** On a config of 50 rows with debug on and a rollout, whose revision 1 had nothing of it. */
  const WRITES: [string, Action, readonly string[]][] = [
    ['set', (o, w) => o.set('shop', { features: { debug: false }, cols: 90 }, w), ['feature:debug', 'terminal']],
    ['set of a rollout', (o, w) => o.set('shop', { rollouts: { mine: 20 } }, w), ['feature:mine']],
    ['set of nothing', (o, w) => o.set('shop', { rows: 50 }, w), []],
    [
      'template',
      (o, w) => o.applyTemplate('shop', 'minimal', w),
      ['feature:debug', 'feature:cache_enabled', 'feature:logging', 'terminal'],
    ],
    ['reset', (o, w) => o.reset('shop', w), ['feature:debug', 'feature:mine', 'terminal']],
    ['rollback', (o, w) => o.rollback('shop', { revision: 1 }, w), ['feature:debug', 'feature:mine', 'terminal']],
    ['migrate', (o, w) => o.migrate('shop', 0, w), ['version']],
    ['delete', (o, w) => o.delete('shop', w), ['feature:debug', 'feature:mine', 'terminal', 'deletion']],
    ['bulk', (o, w) => o.bulk([{ name: 'shop', set: { version: 0 } }], w), ['version']],
    [
      'bulk deletion',
      (o, w) => o.bulk([{ name: 'shop', delete: true }], w),
      ['feature:debug', 'feature:mine', 'terminal', 'deletion'],
    ],
    [
      'restore',
      async (o, w) => o.restore('shop', (await o.backups())[0]!.name, w),
      ['feature:debug', 'feature:mine', 'terminal'],
    ],
    ['set of a new one', (o, w) => o.set('new', { rows: 9 }, w), ['terminal', 'creation']],
    ['set of a new one with its defaults', (o, w) => o.set('new', {}, w), ['creation']],
    ['bulk of a new one', (o, w) => o.bulk([{ name: 'new', set: {} }], w), ['creation']],
  ];

  async function prepared(): Promise<ConfigOperations> {
    const { operations } = await openOperations();
    await operations.declare('shop', { mine: 12 }, ANN);
    await operations.set('shop', {}, ANN);
    await operations.backup();
    await operations.set('shop', { rows: 50, features: { debug: true }, rollouts: { mine: 10 } }, ANN);
    return operations;
  }

  it.each(WRITES)(
    'asks for what it would touch, and changes nothing when that is refused: %s',
    async (_, act, touched) => {
      const operations = await prepared();
      const before = JSON.stringify([await operations.list(), await operations.store.journal.head()]);
      const backups = (await operations.backups()).length;
      const asked: unknown[] = [];
      const refusing: Write = { ...ANN, permit: (stream, sections) => (asked.push(stream, sections), forbidden()) };
      expect(await codeOf(act(operations, refusing))).toBe('ERR_FORBIDDEN');
      expect(asked[0]).toMatch(/^config:(shop|new)$/);
      expect(new Set(asked[1] as string[])).toEqual(new Set(touched));
      expect(JSON.stringify([await operations.list(), await operations.store.journal.head()])).toBe(before);
      expect((await operations.backups()).length).toBe(backups);
    },
  );

  it('of several asks for each, and makes none when one is refused', async () => {
    const operations = await prepared();
    const permit: Write['permit'] = (stream) => (stream === 'config:b' ? forbidden() : undefined);
    const both = ['a', 'b'].map((name) => ({ name, set: { rows: 3 } }));
    expect(await codeOf(operations.bulk(both, { ...ANN, permit }))).toBe('ERR_FORBIDDEN');
    expect(await namesOf(operations)).toEqual(['shop']);
  });

  it('is judged only after it was permitted, so that a refusal says nothing about the config', async () => {
    const operations = await prepared();
    expect(await codeOf(operations.set('shop/production', { features: { debug: true } }, ANN))).toBe(
      'ERR_CONFIG_INVALID',
    );
    const write = { ...ANN, permit: forbidden };
    expect(await codeOf(operations.set('shop/production', { features: { debug: true } }, write))).toBe('ERR_FORBIDDEN');
  });

  it('of a declaration asks for the features, where it changes them', async () => {
    const operations = await prepared();
    const asked: unknown[] = [];
    const permit: Write['permit'] = (stream, touched) => asked.push([stream, touched]);
    await operations.declare('shop/production', { mine: 12 }, { ...ANN, permit });
    await operations.declare('shop/production', { other: 13 }, { ...ANN, permit });
    expect(asked).toEqual([
      ['features:shop', []],
      ['features:shop', ['features']],
    ]);
    expect(await codeOf(operations.declare('shop', { third: 14 }, { ...ANN, permit: forbidden }))).toBe(
      'ERR_FORBIDDEN',
    );
    expect(await operations.declare('shop', {}, ANN)).toEqual({ mine: 12, other: 13 });
  });
});

describe('a list', () => {
  it('has full pages of what may be seen, in order, whatever may be seen and whatever else is asked', async () => {
    const { operations } = await openOperations();
    const names = Array.from(
      { length: 24 },
      (_, i) => `${i % 2 === 0 ? 'shop' : 'mail'}/e${String(i).padStart(2, '0')}`,
    );
    await operations.bulk(
      names.map((name, i) => ({ name, set: { features: { debug: i % 3 === 0 } } })),
      ANN,
    );
    const seen = fc.subarray(names);
    const query = fc.record({
      service: fc.option(fc.constant('shop'), { nil: undefined }),
      on: fc.subarray(['debug']),
    });
    await fc.assert(
      fc.asyncProperty(seen, query, fc.integer({ min: 1, max: 7 }), async (some, wanted, limit) => {
        const visible = (name: string): boolean => some.includes(name);
        const expected = names
          .filter(
            (name, i) =>
              visible(name) &&
              (wanted.service === undefined || name.startsWith('shop/')) &&
              (wanted.on.length === 0 || i % 3 === 0),
          )
          .sort();
        const pages: string[][] = [];
        for (let after = ''; ; after = pages.at(-1)!.at(-1)!) {
          const page = (await operations.list({ ...wanted, visible, after, limit })).map(({ name }) => name);
          if (page.length === 0) break;
          pages.push(page);
        }
        expect(pages.flat()).toEqual(expected);
        expect(pages.slice(0, -1).every((page) => page.length === limit)).toBe(true);
        expect(await operations.count({ ...wanted, visible })).toBe(expected.length);
      }),
      { seed: 3, numRuns: 30 },
    );
  });
});

describe('an export of everything', () => {
  it('is the document that the command makes and an import reads, without what was deleted', async () => {
    const { operations } = await openOperations();
    await operations.declare('shop', { mine: 12 }, ANN);
    await operations.set('shop/production', { rows: 50, rollouts: { mine: 12.5 } }, ANN);
    await operations.set('gone', {}, ANN);
    await operations.delete('gone', ANN);
    const text = new TextDecoder().decode(await operations.exportAll());
    const document = await exportConfigs(operations, await operations.list());
    expect(text).toBe(JSON.stringify(document, null, 2));
    expect(parseExport(text)).toEqual(document);
    expect(document).toMatchObject({
      features: { shop: { mine: 12 } },
      configs: { 'shop/production': { rows: 50, rollouts: { mine: 12.5 } } },
    });
    expect(Object.keys(document.configs)).toEqual(['shop/production']);
  });
});
