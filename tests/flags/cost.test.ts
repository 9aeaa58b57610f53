/** What rules cost is said before they run, and whoever is asked about never makes them cost more. @module */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CONTEXT_LIST_MAX, CONTEXT_TEXT_MAX, parseContext } from '../../src/flags/context.ts';
import { RULE_COST_MAX, ruleCost } from '../../src/flags/cost.ts';
import { parseDefinition, parseFlagSet } from '../../src/flags/definition.ts';
import { engineFlag, QUIET } from '../../src/flags/engine.ts';
import { SEEDED } from '../config/arbitraries.ts';
import { compiled, faultOf, flag, ON_OFF } from './fixtures.ts';

const LIST = { var: 'list' };
const ITEM = { var: '' };
const SUM = { var: 'accumulator' };

function repeated<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value);
}

/** `step` of itself, so many times over. */
function grown(depth: number, first: unknown, step: (inner: unknown) => unknown): unknown {
  return repeated(depth, step).reduce((inner, grow) => grow(inner), first);
}

function defined(condition: unknown): { state: 'ENABLED'; targeting: Record<string, unknown> } & typeof ON_OFF {
  return { ...ON_OFF, targeting: { if: [{ '===': [condition, 'never'] }, 'on', 'off'] } };
}

/** The same, in which every look into a list or an object is counted. */
function counted<T>(value: T, count: { reads: number }): T {
  if (typeof value !== 'object' || value === null) return value;
  const inner = Array.isArray(value)
    ? value.map((item) => counted(item, count))
    : Object.fromEntries(Object.entries(value).map(([key, item]) => [key, counted(item, count)]));
  return new Proxy(inner, {
    get(target, key, receiver): unknown {
      count.reads++;
      return Reflect.get(target, key, receiver);
    },
  }) as T;
}

describe('rules', () => {
  it.each<[string, unknown]>([
    ['a list within a list of the context', { some: [LIST, { some: [{ var: '../../list' }, { '==': [ITEM, 9] }] }] }],
    ['a search in a list for each item of it', { some: [LIST, { in: [ITEM, { var: '../../list' }] }] }],
    ['a long body for each item', { none: [LIST, { or: repeated(300, { '>': [ITEM, 9] }) }] }],
    ['much to do for each item that is gathered', { reduce: [LIST, { or: repeated(300, { '>': [SUM, 9] }) }, 0] }],
    ['a long list within a long list', { none: [repeated(900, 1), { some: [repeated(900, 1), { '==': [ITEM, 2] }] }] }],
    ['lists put together twice, nine times over', grown(9, LIST, (inner) => ({ merge: [inner, inner] }))],
    ['texts put together twice, ten times over', grown(10, LIST, (inner) => ({ cat: [inner, inner] }))],
    ['a list of lists, walked', { map: [{ map: [LIST, { merge: [ITEM, LIST] }] }, { map: [ITEM, { cat: [ITEM] }] }] }],
    ['a text looked for in one that was put together', { in: [{ var: 'a' }, { cat: repeated(6, { var: 'b' }) }] }],
  ])('are refused for %s', (_, condition) => {
    const fault = faultOf(() => parseDefinition('f', defined(condition), {}));
    expect(fault).toMatchObject({
      code: 'ERR_FLAG_INVALID',
      fault: expect.stringMatching(/take longer than a rule may/),
    });
    expect(fault.path).toMatch(/^\/targeting\/if\/0\/===\/0\//);
  });

  it.each<[string, unknown, unknown]>([
    ['a list', { merge: [SUM, SUM] }, [1]],
    ['a list, once', { merge: [SUM, { var: 'current' }] }, []],
    ['a text', { cat: [SUM, SUM] }, 'a'],
    ['a text through what holds it', { cat: [{ var: '' }, { var: ['accumulator', 'x'] }] }, 'a'],
    ['a list within a choice', { if: [{ var: 'current' }, { merge: [SUM, SUM] }, SUM] }, []],
    ['a list of lists', [SUM, SUM], []],
  ])('that gather %s with every item are refused, and never run', (_, body, first) => {
    const condition = { in: [5, { reduce: [repeated(40, 1), body, first] }] };
    const refused = { code: 'ERR_FLAG_INVALID', fault: expect.stringContaining("'reduce' gathers") };
    expect(faultOf(() => parseDefinition('f', defined(condition), {}))).toMatchObject(refused);
    const evaluators = { bomb: { reduce: [repeated(40, 1), body, first] } };
    expect(faultOf(() => parseFlagSet({ evaluators }))).toMatchObject(refused);
    expect(faultOf(() => parseDefinition('f', defined({ in: [5, { $ref: 'bomb' }] }), evaluators))).toMatchObject(
      refused,
    );
  });

  it.each<[string, unknown]>([
    ['look for an item', { some: [LIST, { '===': [{ var: 'name' }, 'gold'] }] }],
    ['compare two lists item by item', { some: [LIST, { some: [{ var: '../../other' }, { '===': [ITEM, 9] }] }] }],
    ['look for items in a list that is written out', { some: [LIST, { in: [ITEM, ['a', 'b', 'c']] }] }],
    ['add up', { '>': [{ reduce: [LIST, { '+': [SUM, { var: 'current.price' }] }, 0] }, 100] }],
    [
      'choose the largest',
      { reduce: [LIST, { if: [{ '>': [SUM, { var: 'current' }] }, SUM, { var: 'current' }] }, 0] },
    ],
    ['know eight thousand names', { in: [{ var: 'name' }, Array.from({ length: 8_000 }, (_, i) => `u${i}`)] }],
    ['share by what is put together', { fractional: [{ cat: [{ var: 'a' }, { var: 'b' }] }, ['on', 1], ['off', 1]] }],
    ['make a thousand comparisons', { or: repeated(1_000, { '>': [{ var: 'age' }, 18] }) }],
  ])('may %s', (_, condition) => {
    const definition = defined(condition);
    expect(parseDefinition('f', definition, {})).toEqual(definition);
  });

  it('that were stored past all checks are not evaluated', () => {
    const bomb = { in: [5, { reduce: [repeated(40, 1), { merge: [SUM, SUM] }, [1]] }] };
    expect(faultOf(() => engineFlag('f', defined(bomb), {})).code).toBe('ERR_FLAG_INVALID');
    const flags = compiled({ f: flag(defined(bomb)), g: flag(ON_OFF) });
    expect(flags.evaluate('f', {}, 'all')).toMatchObject({ errorCode: 'PARSE_ERROR' });
    expect(flags.evaluate('g', {}, 'all')).toMatchObject({ value: true });
  });

  it('that stand within loops walk lists alone; others walk what flagd walks', () => {
    const answer = (condition: unknown, context: object): unknown =>
      engineFlag('f', defined({ if: [condition, 'never'] }), {}).evaluate(parseContext(context) as never, QUIET)
        .variant;
    const isB = { '===': [ITEM, 'b'] };
    expect(answer({ some: [LIST, isB] }, { list: 'abc' })).toBe('on');
    const within = { some: [[1], { some: [{ var: '../../list' }, isB] }] };
    expect([{ list: ['a', 'b'] }, { list: 'abc' }, {}].map((context) => answer(within, context))).toEqual([
      'on',
      undefined,
      'off',
    ]);
  });
});

const leaf = fc.constantFrom<unknown[]>('a', 7, true, null, LIST, ITEM, { var: 'text' }, { var: '../../list' }, SUM, {
  var: 'current',
});
const pair = fc.constantFrom('==', '===', '<', 'in', 'cat', 'merge', 'and', 'or', '+');
const loop = fc.constantFrom('map', 'filter', 'some', 'all', 'none');
const rule = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaf,
    fc.tuple(pair, tie('any'), tie('any')).map(([operator, a, b]) => ({ [operator]: [a, b] })),
    fc.tuple(loop, tie('any'), tie('any')).map(([operator, a, b]) => ({ [operator]: [a, b] })),
    fc.tuple(tie('any'), tie('any'), tie('any')).map((args) => ({ reduce: args })),
    fc.tuple(tie('any'), tie('any'), tie('any')).map((args) => ({ if: args })),
    fc.tuple(leaf, leaf, leaf).map((items) => items),
  ),
})).any;

describe('what rules cost', () => {
  /** As large as a context may be, in the ways that rules can walk. */
  const largest = [
    { list: repeated(CONTEXT_LIST_MAX, 1), text: 'x'.repeat(CONTEXT_TEXT_MAX) },
    { list: repeated(8, repeated(CONTEXT_LIST_MAX, 'a')), text: 'a' },
    { list: { length: CONTEXT_TEXT_MAX }, text: 'x' },
    { list: 'a'.repeat(CONTEXT_TEXT_MAX), text: { length: CONTEXT_TEXT_MAX } },
  ];

  it('is never less than they take, whoever they are asked for', () => {
    const seen = { refused: 0, cheap: 0, dear: 0 };
    const property = fc.property(rule, (condition) => {
      let cost: number;
      try {
        cost = ruleCost('f', defined(condition).targeting);
      } catch {
        seen.refused++;
        return;
      }
      seen[cost > 1_000 ? 'dear' : 'cheap']++;
      for (const context of largest) {
        const count = { reads: 0 };
        engineFlag('f', defined(condition), {}).evaluate(counted(parseContext(context), count) as never, QUIET);
        // Four looks are less than a unit.
        expect(count.reads).toBeLessThanOrEqual(4 * cost);
      }
    });
    fc.assert(property, { ...SEEDED, numRuns: 600 });
    expect(Math.min(seen.refused, seen.cheap, seen.dear), JSON.stringify(seen)).toBeGreaterThan(20);
  });

  it('is small for what is usual', () => {
    const usual = [
      { if: [{ ends_with: [{ var: 'email' }, '@example.com'] }, 'on', 'off'] },
      { if: [{ and: [{ in: [{ var: 'country' }, ['de', 'at', 'ch']] }, { '>': [{ var: 'age' }, 18] }] }, 'on'] },
      {
        fractional: [
          ['on', 10],
          ['off', 90],
        ],
      },
    ];
    for (const rules of usual) expect(ruleCost('f', rules) * 500).toBeLessThan(RULE_COST_MAX);
  });
});
