/** Patterns mean what the regular expression would, and cost no more the more stars they have. @module */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matchesPattern } from '../../src/config/pattern.ts';
import { SEEDED } from './arbitraries.ts';

const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.'), maxLength: 12 });
const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '*', '*'), maxLength: 8 });

test('a star stands for any run of characters, all else for itself', () => {
  fc.assert(
    fc.property(pattern, text, (some, given) => {
      const parts = some.split('*').map((part) => part.replace(/[.]/g, '\\.'));
      expect(matchesPattern(some, given)).toBe(new RegExp(`^${parts.join('.*')}$`, 's').test(given));
    }),
    { ...SEEDED, numRuns: 3000 },
  );
});

test('many stars over a long text that nearly fits are answered, not tried one by one', () => {
  expect(matchesPattern(`${'a*'.repeat(60)}b`, 'a'.repeat(10_000))).toBe(false);
});
