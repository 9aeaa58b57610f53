/** What is held in memory within so many bytes. @module */
import { expect, it } from 'vitest';
import { Held } from '../../src/packages/held.ts';

it('what is held gives way in the order in which it was asked for', () => {
  const held = new Held<string>(10);
  held.set('a', 'A', 4);
  held.set('b', 'B', 4);
  expect(held.get('a')).toBe('A');
  held.set('c', 'C', 4);
  expect(['a', 'b', 'c'].map((key) => held.get(key))).toEqual(['A', undefined, 'C']);
  held.grow('c', 'another', 100);
  expect(held.size_bytes).toBe(8);
  held.grow('c', 'C', 4);
  expect(['a', 'c'].map((key) => held.get(key))).toEqual([undefined, 'C']);
  held.set('d', 'D', 11);
  expect([held.get('d'), held.get('c'), held.size_bytes], 'no room is made for what never fits').toEqual([
    undefined,
    'C',
    8,
  ]);
  held.set('e', 'E', 2);
  held.grow('c', 'C', 3);
  expect([held.get('c'), held.get('e'), held.size_bytes]).toEqual([undefined, 'E', 2]);
});
