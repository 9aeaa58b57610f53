/** Percent to basis points and back, and that a rollout is sticky and only ever grows. @module */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  changedRollouts,
  isInRollout,
  noRollouts,
  parsePercent,
  percentOf,
  withRollout,
} from '../../src/config/rollout.ts';
import { SEEDED } from './arbitraries.ts';

const basisPoints = fc.integer({ min: 0, max: 10_000 });

describe('percent', () => {
  test.each<[unknown, number]>([
    [0, 0],
    [10, 1000],
    [100, 10_000],
    [0.07, 7],
    [33.33, 3333],
    ['12.5', 1250],
    ['12.5%', 1250],
    ['100 %', 10_000],
  ])('%j is %i basis points', (percent, expected) => expect(parsePercent(percent)).toBe(expected));

  test('every basis point reads back, as a number and as text', () => {
    for (let points = 0; points <= 10_000; points++) {
      expect(parsePercent(percentOf(points))).toBe(points);
      expect(parsePercent(`${percentOf(points)}%`)).toBe(points);
    }
  });

  test.each<[unknown, string]>([
    [-1, 'ERR_OUT_OF_RANGE'],
    [100.01, 'ERR_OUT_OF_RANGE'],
    [12.345, 'ERR_OUT_OF_RANGE'],
    [Number.NaN, 'ERR_OUT_OF_RANGE'],
    [Number.POSITIVE_INFINITY, 'ERR_OUT_OF_RANGE'],
    ['101', 'ERR_OUT_OF_RANGE'],
    ['1e1', 'ERR_WRONG_TYPE'],
    ['', 'ERR_WRONG_TYPE'],
    ['12.345', 'ERR_WRONG_TYPE'],
    [null, 'ERR_WRONG_TYPE'],
    [true, 'ERR_WRONG_TYPE'],
  ])('%j is refused', (percent, code) => {
    expect(() => parsePercent(percent)).toThrow(expect.objectContaining({ code }));
  });
});

describe('isInRollout', () => {
  test('nobody at 0 %, everybody at 100 %, and raising never removes anybody', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ unit: 'binary' }), basisPoints, basisPoints, (feature, key, a, b) => {
        expect(isInRollout(feature, key, 0)).toBe(false);
        expect(isInRollout(feature, key, 10_000)).toBe(true);
        const [low, high] = a < b ? [a, b] : [b, a];
        if (isInRollout(feature, key, low)) expect(isInRollout(feature, key, high)).toBe(true);
      }),
      SEEDED,
    );
  });

  test('two features part the same users differently', () => {
    const users = Array.from({ length: 2000 }, (_, user) => `user-${user}`);
    const both = users.filter((user) => isInRollout('a', user, 5000) && isInRollout('b', user, 5000));
    expect(Math.abs(both.length - 500)).toBeLessThan(100);
  });
});

describe('a table of rollouts', () => {
  test('a change makes a copy and shows as its bit', () => {
    const before = noRollouts();
    const after = withRollout(before, 31, 10_000);
    expect(before[31]).toBe(0);
    expect(changedRollouts(before, after)).toBe(0x80000000);
    expect(changedRollouts(before, before)).toBe(0);
  });

  test.each([-1, 10_001, 0.5, Number.NaN])('%d basis points are refused', (points) => {
    expect(() => withRollout(noRollouts(), 3, points)).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
  });
});
