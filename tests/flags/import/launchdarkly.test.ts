/** LaunchDarkly's flags as flags: the same answers where a flag is exact, and a finding where it is not. @module */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answer, codesOf, convert, flagOf, sample, statusOf } from './fixtures.ts';

type Context = Readonly<Record<string, unknown>>;

interface Clause {
  readonly attribute: string;
  readonly op: string;
  readonly values: readonly unknown[];
  readonly negate: boolean;
}

function loaded(parts: object, segments: object = {}, others: object = {}): string {
  const flag = {
    key: 'it',
    on: true,
    variations: ['a', 'b', 'c'],
    fallthrough: { variation: 2 },
    offVariation: 1,
    salt: 's',
  };
  return JSON.stringify({ flags: { it: { ...flag, ...parts }, ...others }, segments });
}

/** What LaunchDarkly answers, for what is exact: no match without the attribute, any value, any element of a list. */
function holds({ attribute, op, values, negate }: Clause, context: Context): boolean {
  const found = context[attribute === 'key' ? 'targetingKey' : attribute];
  if (found === undefined || found === null) return false;
  const elements: readonly unknown[] = Array.isArray(found) ? found : [found];
  return elements.some((element) => values.some((value) => matches(op, element, value))) !== negate;
}

function matches(op: string, element: unknown, value: unknown): boolean {
  if (op === 'in') return element === value;
  const texts = typeof element === 'string' && typeof value === 'string' ? ([element, value] as const) : null;
  const numbers = typeof element === 'number' && typeof value === 'number' ? ([element, value] as const) : null;
  const tests: Record<string, boolean | undefined> = {
    startsWith: texts?.[0].startsWith(texts[1]),
    endsWith: texts?.[0].endsWith(texts[1]),
    contains: texts?.[0].includes(texts[1]),
    matches: texts?.[0].includes(texts[1]),
    lessThan: numbers === null ? false : numbers[0] < numbers[1],
    lessThanOrEqual: numbers === null ? false : numbers[0] <= numbers[1],
    greaterThan: numbers === null ? false : numbers[0] > numbers[1],
    greaterThanOrEqual: numbers === null ? false : numbers[0] >= numbers[1],
  };
  return tests[op] ?? false;
}

const word = fc.constantFrom('SE', 'se', 'a', 'ab', 'b', 'bab');
const value = fc.oneof(word, fc.constantFrom(1, 18, true, false));
const clause: fc.Arbitrary<Clause> = fc.oneof(
  fc.record({
    attribute: fc.constantFrom('country', 'groups', 'key'),
    op: fc.constant('in'),
    values: fc.array(value, { maxLength: 3 }),
    negate: fc.boolean(),
  }),
  fc.record({
    attribute: fc.constantFrom('country', 'dotted.name', 'age'),
    op: fc.constantFrom('startsWith', 'endsWith', 'contains', 'matches'),
    values: fc.array(word, { maxLength: 3 }),
    negate: fc.boolean(),
  }),
  fc.record({
    attribute: fc.constantFrom('age', 'country'),
    op: fc.constantFrom('lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'),
    values: fc.array(fc.constantFrom(0, 17.5, 18), { maxLength: 2 }),
    negate: fc.boolean(),
  }),
);
const context = fc.record(
  {
    country: value,
    'dotted.name': value,
    groups: fc.oneof(value, fc.array(value, { maxLength: 3 })),
    age: fc.oneof(fc.constantFrom(0, 17, 18, 19), word, fc.constant(true)),
  },
  { requiredKeys: [] },
);

describe('a flag that is exact answers as LaunchDarkly does', () => {
  test('for targets, rules in their order, and everybody', () => {
    const rules = fc.array(fc.array(clause, { maxLength: 3 }), { maxLength: 3 });
    const people = fc.array(fc.tuple(word, context), { minLength: 4, maxLength: 8 });
    fc.assert(
      fc.property(rules, fc.uniqueArray(word, { maxLength: 2 }), people, (all, targeted, everybody) => {
        const targets = [{ values: targeted, variation: 1 }];
        const conversion = convert(
          loaded({ targets, rules: all.map((clauses, i) => ({ clauses, variation: i % 3 })) }),
        );
        expect(statusOf(conversion, 'it')).toBe('exact');
        for (const [targetingKey, attributes] of everybody) {
          const person = { ...attributes, targetingKey };
          const first = all.findIndex((clauses) => clauses.every((one) => holds(one, person)));
          const rule = first < 0 ? 'c' : ['a', 'b', 'c'][first % 3];
          expect(answer(flagOf(conversion, 'it'), person)).toBe(targeted.includes(targetingKey) ? 'b' : rule);
        }
      }),
      { seed: 7, numRuns: 150 },
    );
  });

  const ruled = (...clauses: object[]) => loaded({ rules: [{ clauses, variation: 0 }] });
  test.each([
    [{ attribute: 'v', op: 'semVerEqual', values: ['2'] }, { v: '2.0.0' }, 'a'],
    [{ attribute: 'v', op: 'semVerGreaterThan', values: ['2.1'] }, { v: '2.1.1' }, 'a'],
    [{ attribute: 'v', op: 'semVerLessThan', values: ['2.1'] }, { v: '2.1.1' }, 'c'],
    [{ attribute: 'v', op: 'semVerLessThan', values: ['2.1'], negate: true }, {}, 'c'],
    [{ attribute: 'kind', op: 'in', values: ['user'] }, {}, 'a'],
    [{ attribute: 'anonymous', op: 'in', values: [false], negate: false }, {}, 'a'],
    [{ attribute: '/address/zip', contextKind: 'user', op: 'in', values: [7] }, { address: { zip: 7 } }, 'a'],
    [{ attribute: '/address/zip', op: 'in', values: [7] }, { '/address/zip': 7 }, 'a'],
    [{ attribute: 'key', contextKind: 'org', op: 'in', values: ['o'] }, { org: { key: 'o' } }, 'a'],
    [{ attribute: '/a~1b', contextKind: 'org', op: 'in', values: ['o'] }, { org: { 'a/b': 'o' } }, 'a'],
  ])('%j for %j', (asked, person, wanted) => {
    const conversion = convert(ruled(asked));
    expect(statusOf(conversion, 'it')).toBe('exact');
    expect(answer(flagOf(conversion, 'it'), { targetingKey: 'u', ...person })).toBe(wanted);
  });

  test('a flag that is off answers its off variation, or nothing', () => {
    const rules = [{ clauses: [], variation: 0 }];
    expect(answer(flagOf(convert(loaded({ on: false, rules })), 'it'), {})).toBe('b');
    const nothing = flagOf(convert(loaded({ on: false, offVariation: null, rules })), 'it');
    expect(nothing.definition.state).toBe('DISABLED');
    expect(nothing.definition.targeting).toEqual({ if: [true, 'variation-0', null] });
  });

  test('who is named in contexts comes in their order, users where their entry stands', () => {
    const targets = [{ values: ['u-1'], variation: 0 }];
    const contextTargets = [
      { values: ['o-1'], variation: 1, contextKind: 'org' },
      { values: [], variation: 0, contextKind: 'user' },
    ];
    const flag = flagOf(convert(loaded({ targets, contextTargets })), 'it');
    expect(answer(flag, { targetingKey: 'u-1' })).toBe('a');
    expect(answer(flag, { targetingKey: 'u-1', org: { key: 'o-1' } })).toBe('b');
  });

  test('prerequisites hold where the other flag is on and answers that variation', () => {
    const rules = [{ clauses: [{ attribute: 'country', op: 'in', values: ['SE'] }], variation: 0 }];
    const other = {
      key: 'other',
      on: true,
      variations: [true, false],
      rules,
      fallthrough: { variation: 1 },
      offVariation: 0,
    };
    const asking = { prerequisites: [{ key: 'other', variation: 0 }] };
    const flag = flagOf(convert(loaded(asking, {}, { other })), 'it');
    expect(answer(flag, { country: 'SE' })).toBe('c');
    expect(answer(flag, { country: 'NO' })).toBe('b');
    const off = flagOf(convert(loaded(asking, {}, { other: { ...other, on: false } })), 'it');
    expect(answer(off, { country: 'SE' })).toBe('b');
  });

  test('segments: named, then excluded, then rules', () => {
    const segment = {
      key: 'beta',
      included: ['u-1'],
      excluded: ['u-2'],
      includedContexts: [{ contextKind: 'org', values: ['o-1'] }],
      rules: [{ clauses: [{ attribute: 'country', op: 'in', values: ['SE'] }] }],
    };
    const asking = (negate: boolean) => ruled({ attribute: '', op: 'segmentMatch', values: ['beta'], negate });
    for (const negate of [false, true]) {
      const text = JSON.parse(asking(negate)) as { segments: object };
      text.segments = { beta: segment };
      const flag = flagOf(convert(JSON.stringify(text)), 'it');
      const [inside, outside] = negate ? ['c', 'a'] : ['a', 'c'];
      expect(answer(flag, { targetingKey: 'u-1' })).toBe(inside);
      expect(answer(flag, { targetingKey: 'u-2', country: 'SE' })).toBe(outside);
      expect(answer(flag, { targetingKey: 'u-2', country: 'SE', org: { key: 'o-1' } })).toBe(inside);
      expect(answer(flag, { targetingKey: 'u-3', country: 'SE' })).toBe(inside);
      expect(answer(flag, { targetingKey: 'u-3' })).toBe(outside);
    }
  });
});

describe('what is not exact', () => {
  const rollout = (weights: readonly number[], parts: object = {}) =>
    loaded({
      fallthrough: { rollout: { variations: weights.map((weight, variation) => ({ variation, weight })), ...parts } },
    });

  test('shares stay; what is missing to the whole belongs to the last', () => {
    const conversion = convert(rollout([25_000, 25_000]));
    expect(codesOf(conversion, 'it')).toEqual(['bucketing-differs']);
    const got = Array.from({ length: 2000 }, (_, i) => answer(flagOf(conversion, 'it'), { targetingKey: `u-${i}` }));
    expect(Math.abs(got.filter((one) => one === 'a').length - 500)).toBeLessThan(75);
    expect(got.filter((one) => one === 'c')).toEqual([]);
  });

  test('one variation for all is exact; without the attribute everybody gets the first', () => {
    expect(statusOf(convert(rollout([0, 100_000])), 'it')).toBe('exact');
    const byCompany = convert(rollout([0, 50_000, 50_000], { bucketBy: 'company' }));
    expect(answer(flagOf(byCompany, 'it'), { targetingKey: 'u' })).toBe('b');
  });

  const asks = (asked: object) =>
    loaded({ rules: [{ clauses: [{ attribute: 'x', values: ['a'], ...asked }], variation: 0 }] });
  test.each([
    ['regex', asks({ op: 'matches', values: ['a|b'] }), 'skipped'],
    ['complex-value', asks({ op: 'in', values: [{}] }), 'skipped'],
    ['unknown-operator', asks({ op: 'newer' }), 'skipped'],
    ['segment-missing', asks({ op: 'segmentMatch' }), 'skipped'],
    ['date-attribute', asks({ op: 'before', values: ['2024-01-01T00:00:00Z'] }), 'approximate'],
    ['constant-invalid', asks({ op: 'lessThan' }), 'exact'],
    ['malformed', loaded({ fallthrough: { variation: 9 } }), 'skipped'],
    ['malformed', loaded({ fallthrough: {} }), 'skipped'],
    ['prerequisite-missing', loaded({ prerequisites: [{ key: 'gone', variation: 0 }] }), 'skipped'],
    ['cycle', loaded({ prerequisites: [{ key: 'it', variation: 0 }] }), 'skipped'],
    ['variation-type', loaded({ variations: [1, 'a', true] }), 'skipped'],
    ['variation-type', loaded({ variations: [[1], [2], [3]] }), 'skipped'],
    ['experiment', rollout([50_000, 50_000], { kind: 'experiment' }), 'approximate'],
    ['migration-flag', loaded({ migration: { checkRatio: 1 } }), 'exact'],
    ['unknown-field', loaded({ somethingNew: true }), 'approximate'],
  ])('%s', (code, text, status) => {
    const conversion = convert(text);
    expect(codesOf(conversion, 'it')).toContain(code);
    expect(statusOf(conversion, 'it')).toBe(status);
  });

  test('a rule that cannot be said is left out only where somebody wants it so', () => {
    const text = asks({ op: 'matches', values: ['a|b'] });
    const conversion = convert(text, { partial: true });
    expect(statusOf(conversion, 'it')).toBe('partial');
    expect(answer(flagOf(conversion, 'it'), { x: 'a' })).toBe('c');
  });

  test('big segments, circles of segments and too many of them', () => {
    const asking = (segments: object) =>
      loaded({ rules: [{ clauses: [{ op: 'segmentMatch', values: ['s0'] }], variation: 0 }] }, segments);
    const refers = (...values: string[]) => ({ rules: [{ clauses: [{ op: 'segmentMatch', values }] }] });
    expect(codesOf(convert(asking({ s0: { unbounded: true } })), 'it')).toContain('big-segment');
    expect(codesOf(convert(asking({ s0: refers('s1'), s1: refers('s0') })), 'it')).toContain('cycle');
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`s${i}`, refers(`s${i + 1}`, `s${i + 1}`)]));
    expect(codesOf(convert(asking({ ...many, s40: { included: ['u'] } })), 'it')).toContain('too-large');
  });

  test('a summary of the API is no flag without rules', () => {
    const page = JSON.parse(sample('launchdarkly-flags-api.json')) as {
      items: { environments: object }[];
      totalCount: number;
    };
    page.items[1]!.environments = { production: { on: true, _summary: { variations: {} } } };
    page.totalCount = 9;
    const conversion = convert(JSON.stringify(page));
    expect(statusOf(conversion, 'shop.open')).toBe('skipped');
    expect(codesOf(conversion, 'shop.open')).toContain('summary-only-export');
    expect(codesOf(conversion, null)).toContain('incomplete-pages');
  });
});

test('the samples come over as their notes say', () => {
  const rest = convert(sample('launchdarkly-flags-api.json'), { segments: sample('launchdarkly-segments-api.json') });
  expect(rest.flags.map(({ key, status }) => `${key} ${status}`)).toEqual([
    'basket.new approximate',
    'shop.open exact',
    'limits skipped',
  ]);
  const flag = flagOf(rest, 'basket.new');
  const { clientVisible, owner, tags } = flag;
  expect({ clientVisible, owner, tags }).toEqual({
    clientVisible: true,
    owner: 'kim@example.com',
    tags: ['frontend', 'basket', 'temporary'],
  });
  expect(answer(flag, { targetingKey: 'user-2', organization: { key: 'org-7' } })).toBe(true);
  expect(answer(flag, { targetingKey: 'x', organization: { key: 'org-7' } })).toBe(false);
  expect(answer(flag, { targetingKey: 'x', groups: ['Top Customers'], email: 'a@example.org' })).toBe(true);
  expect(codesOf(rest, 'limits')).toEqual(['archived', 'deprecated', 'variation-type']);

  const sdk = convert(sample('launchdarkly-sdk-file.json'));
  expect(sdk.flags.map(({ key, status }) => `${key} ${status}`)).toEqual([
    'basket.new approximate',
    'shop.open exact',
    'theme exact',
    'db.migration exact',
    'simple-string exact',
    'simple-bool exact',
    'simple-number exact',
    'simple-list skipped',
  ]);
  expect(flagOf(sdk, 'theme').definition.state).toBe('DISABLED');
  expect(answer(flagOf(sdk, 'simple-number'), {})).toBe(3);
});
