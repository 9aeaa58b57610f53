/** Counters against a plain count over the whole history, and that they can be stored and counted on from. @module */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Analytics,
  ANALYTICS_SIZE,
  AnalyticsCounter,
  countChanges,
  type CountedChange,
} from '../../src/config/analytics.ts';
import { bitsOf, defineFeatures, type FeatureSet } from '../../src/config/features.ts';
import { CHANGED_FIELDS, changedFields, DEFAULT_CONFIG } from '../../src/config/value.ts';
import { anyConfig, SEEDED } from './arbitraries.ts';

const features = defineFeatures({ new_checkout: 12 });

const anyHistory: fc.Arbitrary<CountedChange[]> = fc.array(
  fc.record({
    at: fc.integer({ min: 0, max: 4_000_000_000_000 }),
    before: anyConfig,
    after: anyConfig,
    changedRollouts: fc.integer({ min: 0, max: 0xffffffff }),
  }),
  { maxLength: 30 },
);

/** The same numbers from the whole list, one question at a time. */
function fold(changes: readonly CountedChange[], known: FeatureSet): Analytics {
  const last = (of: readonly CountedChange[]): number | null => of.at(-1)?.at ?? null;
  const intervals = changes.slice(1).map(({ at }, index) => Math.max(0, at - changes[index]!.at));
  const fields = CHANGED_FIELDS.map((field) => {
    const touching = changes.filter(({ before, after, changedRollouts = 0 }) =>
      field === 'rollouts' ? changedRollouts !== 0 : changedFields(before, after).includes(field),
    );
    return [field, { changes: touching.length, lastChange: last(touching) }];
  });
  const named = [...Array(32).keys()].flatMap((bit) => {
    const isOn = (flags: number): boolean => bitsOf(flags).includes(bit);
    const enabling = changes.filter(({ before, after }) => !isOn(before.featureFlags) && isOn(after.featureFlags));
    const disabling = changes.filter(({ before, after }) => isOn(before.featureFlags) && !isOn(after.featureFlags));
    const rolling = changes.filter(({ changedRollouts = 0 }) => isOn(changedRollouts));
    const touching = changes.filter((change) => [enabling, disabling, rolling].some((some) => some.includes(change)));
    if (touching.length === 0 && !known.has(known.nameOf(bit))) return [];
    const counts = { enabled: enabling.length, disabled: disabling.length, rollouts: rolling.length, evaluations: 0 };
    return [[known.nameOf(bit), { ...counts, lastChange: last(touching) }]];
  });
  const sum = intervals.reduce((total, interval) => total + interval, 0);
  return {
    changes: changes.length,
    firstChange: changes[0]?.at ?? null,
    lastChange: last(changes),
    changeInterval: { average: intervals.length === 0 ? null : sum / intervals.length, last: intervals.at(-1) ?? null },
    fields: Object.fromEntries(fields) as Analytics['fields'],
    features: Object.fromEntries(named) as Analytics['features'],
  };
}

describe('AnalyticsCounter', () => {
  test('counts what a look at the whole history counts', () => {
    fc.assert(
      fc.property(anyHistory, (changes) => {
        expect(countChanges(changes).snapshot(features)).toEqual(fold(changes, features));
      }),
      { ...SEEDED, numRuns: 200 },
    );
  });

  test('counts on from its own bytes as if it had never stopped', () => {
    fc.assert(
      fc.property(anyHistory, anyHistory, (past, later) => {
        const resumed = new AnalyticsCounter(countChanges(past).bytes);
        for (const change of later) resumed.recordChange(change);
        expect(resumed.bytes).toEqual(countChanges([...past, ...later]).bytes);
      }),
      { ...SEEDED, numRuns: 200 },
    );
  });

  test('is 2 KB, and its bytes are a copy', () => {
    const counter = new AnalyticsCounter();
    const before = counter.bytes;
    expect(before).toHaveLength(ANALYTICS_SIZE);
    counter.recordEvaluation(31);
    expect(counter.evaluations(31)).toBe(1);
    expect(before.every((byte) => byte === 0)).toBe(true);
    expect(new AnalyticsCounter(counter.bytes).evaluations(31)).toBe(1);
  });

  test('bytes of another size are refused', () => {
    expect(() => new AnalyticsCounter(new Uint8Array(ANALYTICS_SIZE - 1))).toThrow(RangeError);
  });

  test('a change at time 0 is a change, and a clock that ran backwards an interval of 0', () => {
    const after = { ...DEFAULT_CONFIG, rows: 30 };
    const counter = countChanges([
      { at: 0, before: DEFAULT_CONFIG, after },
      { at: 500, before: after, after: DEFAULT_CONFIG },
      { at: 100, before: DEFAULT_CONFIG, after },
    ]);
    expect(counter.changes).toBe(3);
    expect(counter.fieldChanges('rows')).toBe(3);
    expect(counter.snapshot(features)).toMatchObject({
      firstChange: 0,
      lastChange: 100,
      changeInterval: { average: 250, last: 0 },
      fields: { rows: { changes: 3, lastChange: 100 }, cols: { changes: 0, lastChange: null } },
    });
  });

  test('evaluations are counted apart from changes, undeclared bits shown once touched', () => {
    const counter = new AnalyticsCounter();
    expect(Object.keys(counter.snapshot(features).features)).toEqual(features.names);
    counter.recordEvaluation(20);
    const { changes, features: counted } = counter.snapshot(features);
    expect(changes).toBe(0);
    expect(counted['feature_20']).toEqual({ enabled: 0, disabled: 0, rollouts: 0, evaluations: 1, lastChange: null });
  });
});
