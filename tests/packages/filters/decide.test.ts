/** Which versions filters hide at a moment, what dist-tags then name, and when the answer changes by itself. @module */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filtered, filtersFor, without } from '../../../src/packages/filters/decide.ts';
import { parseFilter, type Filter } from '../../../src/packages/filters/filter.ts';

const NOW = Date.UTC(2026, 5, 1);
const DAY_S = 24 * 60 * 60;

function filter(name: string, input: object): Filter {
  return { name, ...parseFilter(input) };
}

/** Versions with their age in days and their licence. */
function packument(versions: Readonly<Record<string, [days: number | null, license?: unknown]>>, tags = {}) {
  const list = Object.entries(versions);
  const time = list.filter(([, [days]]) => days !== null);
  return {
    name: 'ui',
    'dist-tags': tags,
    versions: Object.fromEntries(list.map(([version, [, license]]) => [version, { name: 'ui', version, license }])),
    time: Object.fromEntries(
      time.map(([version, [days]]) => [version, new Date(NOW - days! * DAY_S * 1000).toISOString()]),
    ),
  };
}

function left(filters: readonly Filter[], of: ReturnType<typeof packument>, now = NOW): string[] {
  const { hidden } = filtered(filtersFor(filters, 'ui'), of, now);
  return Object.keys(without(of, hidden)['versions'] as object);
}

const WEEK = filter('week', { effect: 'block', names: '*', minAge_s: 7 * DAY_S });

describe('a filter', () => {
  const AGES = packument({ '1.0.0': [30], '1.1.0': [8], '1.2.0': [1], '1.3.0': [null] });

  it('hides what is too young, also what says no age, and no longer when it is old enough', () => {
    expect(left([WEEK], AGES)).toEqual(['1.0.0', '1.1.0']);
    const { until } = filtered([WEEK], AGES, NOW);
    expect(until).toBe(NOW + 6 * DAY_S * 1000);
    expect(left([WEEK], AGES, until - 1)).toEqual(['1.0.0', '1.1.0']);
    expect(left([WEEK], AGES, until)).toEqual(['1.0.0', '1.1.0', '1.2.0']);
    expect(filtered([WEEK], AGES, until).until).toBe(Infinity);
  });

  it('says which one it was', () => {
    const two = [filter('bad', { effect: 'block', versions: '1.1.0' }), WEEK];
    expect([...filtered(two, AGES, NOW).hidden]).toEqual([
      ['1.1.0', 'bad'],
      ['1.2.0', 'week'],
      ['1.3.0', 'week'],
    ]);
  });

  it('that allows beats all others', () => {
    expect(left([WEEK, filter('ok', { effect: 'allow', names: 'u*' })], AGES)).toHaveLength(4);
    expect(left([WEEK, filter('ok', { effect: 'allow', names: 'ui', versions: '1.2.x' })], AGES)).toHaveLength(3);
    expect(left([WEEK, filter('other', { effect: 'allow', names: '@acme/*' })], AGES)).toHaveLength(2);
  });

  it.each([
    [{ effect: 'block', versions: '<1.1.0' }, ['1.1.0', '2.0.0-rc.1', '2.0.0']],
    [{ effect: 'block', versions: '<2.0.0' }, ['2.0.0']],
    [{ effect: 'block', versions: '>=1.1.0' }, ['1.0.0']],
    [{ effect: 'only', versions: '1.x' }, ['1.0.0', '1.1.0']],
    [{ effect: 'block', names: 'other', versions: '*' }, ['1.0.0', '1.1.0', '2.0.0-rc.1', '2.0.0']],
    [{ effect: 'block', names: '*' }, []],
  ])('%j leaves %j', (input, versions) => {
    const of = packument({ '1.0.0': [9], '1.1.0': [9], '2.0.0-rc.1': [9], '2.0.0': [9] });
    expect(left([filter('it', input)], of)).toEqual(versions);
  });

  it.each<[string, string[], unknown, boolean]>([
    ['block', ['GPL-3.0-only'], 'GPL-3.0-only', false],
    ['block', ['GPL-3.0-only'], '(MIT OR GPL-3.0-only)', true],
    ['block', ['GPL-3.0-only', 'MIT'], '(MIT OR GPL-3.0-only)', false],
    ['block', ['GPL-3.0-only'], 'MIT AND GPL-3.0-only', false],
    ['block', ['UNLICENSED'], 'UNLICENSED', false],
    ['only', ['MIT', 'Apache-2.0'], 'MIT', true],
    ['only', ['MIT'], 'mit', true],
    ['only', ['MIT'], 'MIT AND ISC', false],
    ['only', ['MIT', 'ISC'], 'MIT AND ISC', true],
    ['only', ['MIT'], '(ISC OR (MIT AND ISC) OR MIT)', true],
    ['only', ['MIT'], undefined, false],
    ['only', ['MIT'], { type: 'MIT', url: 'x' }, true],
    ['only', ['MIT'], 'SEE LICENSE IN x', false],
    ['only', ['SEE LICENSE IN x'], 'SEE LICENSE IN x', true],
    ['only', ['GPL-2.0-only WITH Classpath-exception-2.0'], 'GPL-2.0-only WITH Classpath-exception-2.0', true],
    ['only', ['GPL-2.0-only'], 'GPL-2.0-only WITH Classpath-exception-2.0', false],
    ['only', ['MIT'], 7, false],
  ])('%s %j: a package of licence %j is shown: %s', (effect, licences, license, isShown) => {
    const of = packument({ '1.0.0': [9, license] });
    expect(left([filter('it', { effect, licences })], of)).toHaveLength(isShown ? 1 : 0);
  });

  it('takes the old list of licences as a choice', () => {
    const of = packument({ '1.0.0': [9] });
    const versions = { '1.0.0': { licenses: [{ type: 'MIT' }, { type: 'GPL-2.0' }] } };
    const { hidden } = filtered([filter('it', { effect: 'only', licences: ['MIT'] })], { ...of, versions }, NOW);
    expect(hidden.size).toBe(0);
  });
});

describe('a dist-tag whose version is hidden', () => {
  const OF = packument(
    {
      '4.9.0': [90],
      '5.0.0': [50],
      '5.2.0': [30],
      '5.2.1': [1],
      '5.3.0-rc.1': [20],
      '6.0.0-beta.1': [40],
      '6.0.0-beta.2': [1],
    },
    { latest: '5.2.1', next: '6.0.0-beta.2', v4: '4.9.0', odd: 7 },
  );
  const hiding = (...versions: string[]) => new Map(versions.map((version) => [version, 'it']));

  it.each([
    [['5.2.1'], { latest: '5.2.0', next: '6.0.0-beta.2', v4: '4.9.0' }],
    [['5.2.1', '5.2.0', '5.0.0'], { latest: '4.9.0', next: '6.0.0-beta.2', v4: '4.9.0' }],
    [['6.0.0-beta.2'], { latest: '5.2.1', next: '6.0.0-beta.1', v4: '4.9.0' }],
    [['6.0.0-beta.2', '6.0.0-beta.1'], { latest: '5.2.1', v4: '4.9.0' }],
    [['4.9.0'], { latest: '5.2.1', next: '6.0.0-beta.2' }],
    [Object.keys(OF.versions), {}],
  ])('without %j: %j', (versions, tags) => {
    expect(without(OF, hiding(...versions))['dist-tags']).toEqual(tags);
  });

  it('goes down, never up, and never to what is hidden; times of what is hidden are gone', () => {
    const version = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(2)).map((parts) => parts.join('.'));
    fc.assert(
      fc.property(fc.uniqueArray(version, { minLength: 1 }), fc.infiniteStream(fc.boolean()), (versions, coin) => {
        const of = packument(Object.fromEntries(versions.map((one) => [one, [1] as [number]])), {
          latest: versions[0],
        });
        const hidden = hiding(...versions.filter(() => coin.next().value));
        const { 'dist-tags': tags, time, versions: shown } = without(of, hidden) as unknown as typeof of;
        const { latest } = tags as { latest?: string };
        expect(Object.keys(time).toSorted()).toEqual(Object.keys(shown).toSorted());
        if (latest !== undefined) expect(Object.keys(shown)).toContain(latest);
        expect(latest === undefined || Bun.semver.order(latest, versions[0]!) <= 0).toBe(true);
        const isThereOne = Object.keys(shown).some((one) => Bun.semver.order(one, versions[0]!) <= 0);
        expect(latest !== undefined).toBe(isThereOne);
      }),
      { seed: 42, numRuns: 200 },
    );
  });
});

describe('a declaration', () => {
  it.each<[unknown, string]>([
    [null, 'filter'],
    [{ effect: 'deny' }, 'effect'],
    [{}, 'effect'],
    [{ effect: 'block', names: '' }, 'names'],
    [{ effect: 'block', names: 'a b' }, 'names'],
    [{ effect: 'block' }, 'names'],
    [{ effect: 'allow', versions: null, licences: null, minAge_s: null }, 'names'],
    [{ effect: 'block', versions: 'not a range!' }, 'versions'],
    [{ effect: 'block', versions: 7 }, 'versions'],
    [{ effect: 'block', licences: [] }, 'licences'],
    [{ effect: 'block', licences: ['MIT OR ISC'] }, 'licences'],
    [{ effect: 'block', licences: 'MIT' }, 'licences'],
    [{ effect: 'block', licences: ['MIT', 'Apache 2'] }, 'licences'],
    [{ effect: 'block', licences: ['mit'] }, 'licences'],
    [{ effect: 'block', minAge_s: 0 }, 'minAge_s'],
    [{ effect: 'block', minAge_s: 1.5 }, 'minAge_s'],
    [{ effect: 'allow', minAge_s: 60 }, 'minAge_s'],
    [{ effect: 'only', names: 'ui' }, 'versions'],
    [{ effect: 'block', name: 'ui' }, 'name'],
  ])('%j is refused for %s', (input, field) => {
    expect(() => parseFilter(input)).toThrow(expect.objectContaining({ details: expect.objectContaining({ field }) }));
  });
});
