/** Where two values differ. @module */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { differingPaths } from '../../src/cli/differing-paths.ts';

test('only what differs is named, by its path', () => {
  const before = { variants: { a: 1, b: 2 }, targeting: { if: [{ var: 'plan' }, 'a', null] }, state: 'ENABLED' };
  const after = { variants: { a: 1, b: 3, c: 4 }, targeting: { if: [{ var: 'tier' }, 'a', null] }, state: 'ENABLED' };
  expect(differingPaths('definition', before, after)).toEqual([
    { path: 'definition.variants.b', before: 2, after: 3 },
    { path: 'definition.variants.c', before: undefined, after: 4 },
    { path: 'definition.targeting.if[0].var', before: 'plan', after: 'tier' },
  ]);
  expect(differingPaths('tags', ['a'], ['b', 'a'])).toEqual([{ path: 'tags', before: ['a'], after: ['b', 'a'] }]);
  expect(differingPaths('x', { __proto__: null, a: 1 }, { a: 1, ['__proto__']: 2 })).toEqual([
    { path: 'x.__proto__', before: undefined, after: 2 },
  ]);
});

test('values that are alike have no paths, others have some, and these differ', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (before, after) => {
      const paths = differingPaths('x', before, after);
      expect(paths.length === 0).toBe(Bun.deepEquals(before, after, true));
      for (const one of paths) expect(Bun.deepEquals(one.before, one.after, true)).toBe(false);
    }),
    { seed: 13 },
  );
});
