/** What the tests of flags share: definitions, a compiled set of flags, and things to draw from. @module */
import fc from 'fast-check';
import { defineFeatures, type FeatureSet } from '../../src/config/features.ts';
import { noRollouts } from '../../src/config/rollout.ts';
import { DEFAULT_CONFIG } from '../../src/config/value.ts';
import { isConfigError } from '../../src/errors/errors.ts';
import { compileFlags, type CompiledFlags, type FlagSource } from '../../src/flags/evaluation.ts';
import { type Flag, type FlagDefinition, type FlagFacts, NO_FACTS } from '../../src/flags/flag.ts';

export const FEATURES: FeatureSet = defineFeatures({ new_checkout: 12 });

export const ON_OFF = { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'on' } as const;
export const COLOURS = { state: 'ENABLED', variants: { red: 'r', blue: 'b' }, defaultVariant: 'red' } as const;
export const STAFF = { ends_with: [{ var: 'email' }, '@example.com'] };

/** A flag as it is kept. */
export function flag(definition: FlagDefinition, facts: Partial<FlagFacts & Pick<Flag, 'archivedAt'>> = {}): Flag {
  return { ...NO_FACTS, archivedAt: null, ...facts, definition };
}

export function source(flags: Readonly<Record<string, Flag>>, parts: Partial<FlagSource> = {}): FlagSource {
  return {
    features: FEATURES,
    config: DEFAULT_CONFIG,
    rollouts: noRollouts(),
    flags: new Map(Object.entries(flags)),
    set: { evaluators: {}, metadata: {} },
    facts: new Map(),
    ...parts,
  };
}

export function compiled(flags: Readonly<Record<string, Flag>>, parts: Partial<FlagSource> = {}): CompiledFlags {
  return compileFlags(source(flags, parts));
}

/** Code, path and fault of what is thrown. */
export function faultOf(action: () => unknown): { code: string; path?: string; fault?: string; hint: string } {
  try {
    action();
  } catch (error) {
    if (isConfigError(error)) return { code: error.code, hint: error.hint, ...(error.details as object) };
    throw error;
  }
  return { code: 'none', hint: '' };
}

const NAMES = ['plan', 'email', 'age', 'list', 'nested'];
const leaf = fc.oneof(
  fc.constantFrom('pro', 'free', 'a@example.com', '1.2.3', '', 'red', 'blue'),
  fc.integer({ min: -5, max: 50 }),
  fc.boolean(),
  fc.constant(null),
);

/** JSON objects as clients send them, with and without the attributes that rules ask for. */
export const contexts = fc.record(
  {
    targetingKey: fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom('user-1', 'user-2', '')),
    plan: leaf,
    email: leaf,
    age: leaf,
    list: fc.array(leaf, { maxLength: 4 }),
    nested: fc.dictionary(fc.constantFrom('plan', 'toString', 'length'), leaf, { noNullPrototype: true }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

const variable = fc
  .constantFrom(...NAMES, 'nested.plan', 'targetingKey', '$flagd.flagKey')
  .map((name) => ({ var: name }));
const operand = fc.oneof(variable, leaf);

const condition = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc
      .tuple(fc.constantFrom('==', '===', '!=', '<', '>=', 'in'), operand, operand)
      .map(([o, a, b]) => ({ [o]: [a, b] })),
    fc
      .tuple(fc.constantFrom('starts_with', 'ends_with'), variable, fc.constantFrom('a', 'pro', '@example.com'))
      .map(([o, a, b]) => ({ [o]: [a, b] })),
    fc.tuple(variable, fc.constantFrom('=', '<', '>=', '^', '~')).map(([a, o]) => ({ sem_ver: [a, o, '1.2.0'] })),
    variable.map((list) => ({ some: [list, { '==': [{ var: '' }, 'pro'] }] })),
    fc.tuple(fc.constantFrom('and', 'or'), tie('any'), tie('any')).map(([o, a, b]) => ({ [o]: [a, b] })),
    tie('any').map((inner) => ({ '!': [inner] })),
  ),
})).any;

const result = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom('red', 'blue', null),
    variable,
    fc.integer({ min: 0, max: 100 }).map((weight) => ({
      fractional: [
        ['red', weight],
        ['blue', 100 - weight],
      ],
    })),
    fc.tuple(condition, tie('any'), tie('any')).map(([c, a, b]) => ({ if: [c, a, b] })),
  ),
})).any;

/** Definitions that are good, of every kind that rules make. */
export const definitions = fc.record({
  state: fc.constantFrom('ENABLED', 'ENABLED', 'ENABLED', 'DISABLED'),
  variants: fc.constant({ red: 'r', blue: 'b' }),
  defaultVariant: fc.constantFrom('red', 'blue', null),
  targeting: fc.oneof(
    fc.constant({}),
    result.filter((rules) => typeof rules === 'object' && rules !== null),
  ),
  metadata: fc.dictionary(fc.constantFrom('a', 'b'), fc.oneof(fc.boolean(), fc.integer(), fc.string()), {
    noNullPrototype: true,
  }),
}) as fc.Arbitrary<FlagDefinition>;
