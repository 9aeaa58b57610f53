/** Feature names and bits: the frozen twelve, a service's own, and when a bit may be used again. @module */
import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  bitsOf,
  BUILTIN_FEATURES,
  BUILTIN_MASK,
  type BuiltinFeature,
  defineFeatures,
  FeatureSet,
  isBitOff,
  mergeFeatures,
} from '../../src/config/features.ts';
import { SEEDED } from './arbitraries.ts';

/** Frozen: the index is the bit. */
const TWELVE = [
  'premium_types',
  'private_registry',
  'debug',
  'proxy_mode',
  'binary_protocol',
  'cache_enabled',
  'metrics',
  'logging',
  'verbose',
  'encryption',
  'maintenance_mode',
  'beta_feature',
];
const flags = fc.integer({ min: 0, max: 0xffffffff });

describe('the built-in features', () => {
  test('are the twelve of bits 0-11, in this order', () => {
    expect(BUILTIN_FEATURES.names).toEqual(TWELVE);
    expect(BUILTIN_FEATURES.names.map((name) => BUILTIN_FEATURES.bitOf(name))).toEqual([...Array(12).keys()]);
    expect(BUILTIN_FEATURES.masksOf(BUILTIN_FEATURES.names)).toBe(BUILTIN_MASK);
  });

  test('an unknown name lists the known ones and suggests the nearest', () => {
    expect(() => BUILTIN_FEATURES.maskOf('unknown_feature')).toThrow(
      expect.objectContaining({
        code: 'ERR_UNKNOWN_FEATURE',
        message: expect.stringMatching(
          /^Unknown feature: unknown_feature\. Available: premium_types, .*, beta_feature$/,
        ),
      }),
    );
    expect(() => BUILTIN_FEATURES.bitOf('debgu')).toThrow(
      expect.objectContaining({
        hint: "Did you mean 'debug'?",
        details: expect.objectContaining({ nearest: 'debug' }),
      }),
    );
  });

  test.each(['constructor', '__proto__', 'toString', ''])('%j is no feature', (name) => {
    expect(BUILTIN_FEATURES.has(name)).toBe(false);
    expect(() => BUILTIN_FEATURES.bitOf(name)).toThrow(expect.objectContaining({ code: 'ERR_UNKNOWN_FEATURE' }));
  });
});

describe('defineFeatures', () => {
  test('adds names on bits 12-31, typed', () => {
    const features = defineFeatures({ new_checkout: 12, last: 31 });
    expectTypeOf(features).toEqualTypeOf<FeatureSet<BuiltinFeature | 'new_checkout' | 'last'>>();
    expect(features.maskOf('new_checkout')).toBe(0x1000);
    expect(features.maskOf('last')).toBe(0x80000000);
    expect(features.declaration).toEqual({ new_checkout: 12, last: 31 });
  });

  test('a built-in name on its own bit says nothing new', () => {
    expect(defineFeatures({ debug: 2 }).declaration).toEqual({});
  });

  test.each<[Record<string, number>, string]>([
    [{ debug: 12 }, 'ERR_FEATURE_CONFLICT'],
    [{ mine: 2 }, 'ERR_FEATURE_CONFLICT'],
    [{ one: 12, two: 12 }, 'ERR_FEATURE_CONFLICT'],
    [{ mine: 32 }, 'ERR_OUT_OF_RANGE'],
    [{ mine: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ mine: 12.5 }, 'ERR_OUT_OF_RANGE'],
    [{ mine: '12' as unknown as number }, 'ERR_OUT_OF_RANGE'],
    [{ Mine: 12 }, 'ERR_FEATURE_NAME'],
    [{ '9lives': 12 }, 'ERR_FEATURE_NAME'],
    [{ 'a-b': 12 }, 'ERR_FEATURE_NAME'],
    [{ '': 12 }, 'ERR_FEATURE_NAME'],
    [{ feature_17: 12 }, 'ERR_FEATURE_NAME'],
    [{ ['a'.repeat(65)]: 12 }, 'ERR_FEATURE_NAME'],
  ])('%j is refused', (declaration, code) => {
    expect(() => defineFeatures(declaration)).toThrow(expect.objectContaining({ code }));
  });
});

describe('names of bits', () => {
  const features = defineFeatures({ new_checkout: 12 });

  test('undeclared bits are shown by their number', () => {
    expect(features.enabledIn(0x80021004)).toEqual(['debug', 'new_checkout', 'feature_17', 'feature_31']);
  });

  test('enabled and disabled part the known names', () => {
    fc.assert(
      fc.property(flags, (word) => {
        const enabled = features.enabledIn(word).filter((name) => features.has(name));
        expect([...enabled, ...features.disabledIn(word)].toSorted()).toEqual([...features.names].toSorted());
        expect(features.enabledIn(word)).toHaveLength(bitsOf(word).length);
      }),
      SEEDED,
    );
  });
});

describe('mergeFeatures', () => {
  test('keeps what is stored and adds what the code declares', () => {
    const merged = mergeFeatures({ old: 13 }, { fresh: 14 }, []);
    expect(merged.declaration).toEqual({ old: 13, fresh: 14 });
  });

  test('a stored name stays on its bit', () => {
    expect(() => mergeFeatures({ moved: 13 }, { moved: 14 }, [])).toThrow(
      expect.objectContaining({ code: 'ERR_FEATURE_CONFLICT' }),
    );
  });

  test('a bit gets another name only when it is off everywhere', () => {
    const on = { featureFlags: 1 << 13 };
    const off = { featureFlags: ~(1 << 13) >>> 0, rollouts: new Uint16Array(32) };
    const rolledOut = { featureFlags: 0, rollouts: Uint16Array.from({ length: 32 }, (_, bit) => (bit === 13 ? 1 : 0)) };
    expect(mergeFeatures({ old: 13 }, { fresh: 13 }, [off, off]).declaration).toEqual({ fresh: 13 });
    for (const use of [on, rolledOut]) {
      expect(isBitOff(13, [off, use])).toBe(false);
      expect(() => mergeFeatures({ old: 13 }, { fresh: 13 }, [off, use])).toThrow(
        expect.objectContaining({
          code: 'ERR_FEATURE_CONFLICT',
          details: { feature: 'fresh', bit: 13, conflict: 'old' },
        }),
      );
    }
  });

  test('two names may not swap their bits, even when both are off', () => {
    expect(() => mergeFeatures({ a: 12, b: 13 }, { a: 13, b: 12 }, [])).toThrow(
      expect.objectContaining({ code: 'ERR_FEATURE_CONFLICT' }),
    );
  });

  test('merging again changes nothing', () => {
    const bits = fc.uniqueArray(fc.integer({ min: 12, max: 31 }), { maxLength: 8 });
    fc.assert(
      fc.property(bits, bits, (stored, declared) => {
        const store = Object.fromEntries(stored.map((bit) => [`s${bit}`, bit]));
        const code = Object.fromEntries(declared.map((bit) => [`d${bit}`, bit]));
        const once = mergeFeatures(store, code, []).declaration;
        expect(mergeFeatures(once, code, [{ featureFlags: 0xffffffff }]).declaration).toEqual(once);
        expect(new Set(Object.values(once)).size).toBe(Object.keys(once).length);
      }),
      SEEDED,
    );
  });
});
