/** What the rounds of two commits come to; building commits is left to whoever compares. @module */
import { expect, test } from 'vitest';
import { compareRounds } from '../../scripts/compare-bench.ts';

test('the median of the rounds, with the raw values, for what both commits have', () => {
  const a = [10, 30, 20].map(
    (ns) =>
      new Map([
        ['read', ns],
        ['gone', 1],
      ]),
  );
  const b = [5, 10, 40].map(
    (ns) =>
      new Map([
        ['new', 1],
        ['read', ns],
      ]),
  );
  expect(compareRounds(a, b)).toEqual([
    { operation: 'read', a: [10, 30, 20], b: [5, 10, 40], medianA: 20, medianB: 10, ratio: 0.5 },
  ]);
});

test('of an even number of rounds, the middle between the middle two', () => {
  const rounds = (...values: number[]) => values.map((ns) => new Map([['read', ns]]));
  expect(compareRounds(rounds(1, 3), rounds(2, 6))[0]).toMatchObject({ medianA: 2, medianB: 4, ratio: 2 });
});

test('without rounds there is nothing to compare', () => {
  expect(compareRounds([], [])).toEqual([]);
});
