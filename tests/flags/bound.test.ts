/** The bit of a bound flag is on where the flag says true to everybody, and only there. @module */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBoolean, wantedBit } from '../../src/flags/bound.ts';
import type { FlagDefinition } from '../../src/flags/flag.ts';
import { SEEDED } from '../config/arbitraries.ts';
import { COLOURS, compiled, contexts, flag, ON_OFF, STAFF } from './fixtures.ts';

describe('the bit of a bound flag', () => {
  it.each([
    ['in use', ON_OFF, null, true],
    ['with empty rules', { ...ON_OFF, targeting: {} }, null, true],
    ['with rules', { ...ON_OFF, targeting: { if: [STAFF, 'on', 'on'] } }, null, false],
    ['off by default', { ...ON_OFF, defaultVariant: 'off' }, null, false],
    ['without a default', { ...ON_OFF, defaultVariant: null }, null, false],
    ['whose default is what every object has', { ...ON_OFF, defaultVariant: 'constructor' }, null, false],
    ['disabled', { ...ON_OFF, state: 'DISABLED' as const }, null, false],
    ['in the archive', ON_OFF, 5, false],
  ])('%s', (_, definition, archivedAt, isOn) => {
    expect(wantedBit(flag(definition, { archivedAt }))).toBe(isOn);
  });

  it('is on only where the flag answers true to everybody', () => {
    const definitions = fc.record({
      state: fc.constantFrom('ENABLED', 'DISABLED'),
      variants: fc.constant({ yes: true, no: false }),
      defaultVariant: fc.constantFrom('yes', 'no', null),
      targeting: fc.constantFrom({}, { if: [STAFF, 'yes'] }, undefined),
    }) as fc.Arbitrary<FlagDefinition>;
    fc.assert(
      fc.property(definitions, contexts, (definition, context) => {
        if (!wantedBit(flag(definition))) return;
        const answer = compiled({ f: flag(definition) }).evaluate('f', context as never, 'all');
        expect(answer).toMatchObject({ reason: 'STATIC', value: true });
      }),
      SEEDED,
    );
  });
});

it('can be only a flag whose variants are true and false', () => {
  expect(isBoolean(flag(ON_OFF))).toBe(true);
  expect(isBoolean(flag(COLOURS))).toBe(false);
});
