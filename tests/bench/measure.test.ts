/** How times are judged, and that both sides of a claim run in turns; no time itself is asserted. @module */
import { describe, expect, test } from 'vitest';
import { compare, frugality, judged, quantile, seeded, timeCase, TINY } from '../../bench/measure.ts';
import { atLeast, atMost, nsAtMost, type Side } from '../../bench/suite.ts';

describe('judged', () => {
  test('a ratio is subject over floor, and may be equal to its bound', () => {
    const result = judged([2, 4, 6], [2, 2, 2], atMost(2));
    expect(result).toMatchObject({ subject: 4, floor: 2, ratio: 2, isMet: true });
    expect(judged([2, 4.1, 6], [2, 2, 2], atMost(2)).isMet).toBe(false);
  });

  test('a speedup is floor over subject', () => {
    expect(judged([1, 1, 1], [30, 20, 40], atLeast(30))).toMatchObject({ ratio: 30, isMet: true });
    expect(judged([1, 1, 1], [30, 20, 29], atLeast(30)).isMet).toBe(false);
  });

  test('a time is held to nanoseconds, whatever the floor', () => {
    expect(judged([8], [1], nsAtMost(8)).isMet).toBe(true);
    expect(judged([9], [100], nsAtMost(8)).isMet).toBe(false);
  });

  test('without a value nothing is judged', () => {
    expect(judged([1], [1], atMost(null)).isMet).toBeNull();
  });

  test('the spread is that of the rounds, not of the medians', () => {
    expect(judged([10, 20, 30, 40, 50], [10, 10, 10, 10, 10], atMost(9)).spread).toEqual([2, 4]);
  });
});

test('quantiles are values that were measured', () => {
  expect(quantile([3, 1, 2], 0)).toBe(1);
  expect(quantile([3, 1, 2], 0.5)).toBe(2);
  expect(quantile([3, 1, 2], 1)).toBe(3);
});

test('a seed gives the same numbers again, from 0 to 1', () => {
  const [a, b, other] = [seeded(42), seeded(42), seeded(43)];
  const numbers = Array.from({ length: 1000 }, a);
  expect(numbers).toEqual(Array.from({ length: 1000 }, b));
  expect(numbers).not.toEqual(Array.from({ length: 1000 }, other));
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
  expect(new Set(numbers).size).toBeGreaterThan(990);
});

test('both sides of a claim run in turns, the order reversed each round', async () => {
  const order: string[] = [];
  const side = (name: string): Side => ({
    name,
    loop: (times) => {
      order.push(name);
      return times;
    },
  });
  const result = await compare({ name: 'turns', subject: side('a'), floor: side('b'), bound: atMost(1) }, TINY);
  expect(result.rounds).toBe(3);
  expect(order.slice(-6).join('')).toBe('abbaab');
});

test('a case is told for one of a batch, and awaits what is asynchronous', async () => {
  let running = 0;
  const loop = async (times: number): Promise<number> => {
    running++;
    await Promise.resolve();
    running--;
    return times;
  };
  const { hash, p50 } = await timeCase({ operation: 'wait', column: 'library', loop, batch: 10 }, TINY);
  expect(hash).toBe(1);
  expect(p50).toBeGreaterThan(0);
  expect(running).toBe(0);
});

test('a loop that allocates is found out', async () => {
  let kept: number[] = [];
  const loop = (times: number): number => {
    for (let pass = 0; pass < times; pass++) kept = [pass, kept.length];
    return kept[0]!;
  };
  const { collections, control } = await frugality({ name: 'arrays', loop }, 100_000_000);
  expect(control).toBeGreaterThan(0);
  expect(collections).toBeGreaterThan(0);
});
