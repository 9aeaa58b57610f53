/** Which sections a change touches: each bit, each rollout, each field, and nothing else. @module */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defineFeatures, type FeatureSet } from '../../src/config/features.ts';
import { noRollouts } from '../../src/config/rollout.ts';
import { touchedSections } from '../../src/config/sections.ts';
import { DEFAULT_CONFIG, type RegistryConfig } from '../../src/config/value.ts';
import { anyConfig, anyRollouts, SEEDED } from './arbitraries.ts';

const features: FeatureSet = defineFeatures({ new_checkout: 12, last: 31 });

/** By looking at each section alone. */
function touchedOneByOne(a: RegistryConfig, b: RegistryConfig, x: Uint16Array, y: Uint16Array): Set<string> {
  const touched = new Set<string>();
  for (let bit = 0; bit < 32; bit++) {
    const flag = 2 ** bit;
    const isOn = ({ featureFlags }: RegistryConfig): boolean => Math.floor(featureFlags / flag) % 2 === 1;
    const known = features.names.find((name) => features.bitOf(name) === bit) ?? `bit_${bit}`;
    if (isOn(a) !== isOn(b) || x[bit] !== y[bit]) touched.add(`feature:${known}`);
  }
  if (a.terminalMode !== b.terminalMode || a.rows !== b.rows || a.cols !== b.cols) touched.add('terminal');
  if (a.version !== b.version) touched.add('version');
  if (a.registryHash !== b.registryHash) touched.add('registryHash');
  return touched;
}

describe('the sections a change touches', () => {
  test('are those that differ, each once, whatever the two states', () => {
    fc.assert(
      fc.property(anyConfig, anyConfig, anyRollouts, anyRollouts, (a, b, x, y) => {
        const touched = touchedSections(a, b, x, y, features);
        expect(new Set(touched)).toEqual(touchedOneByOne(a, b, x, y));
        expect(touched).toHaveLength(new Set(touched).size);
        expect(touchedSections(a, a, x, x, features)).toEqual([]);
      }),
      SEEDED,
    );
  });

  test('name a bit of the service by its name, and one that has none by its number', () => {
    const after = { ...DEFAULT_CONFIG, featureFlags: 0x8002_1004, cols: 100 };
    const rollouts = noRollouts();
    rollouts[13] = 1;
    expect(touchedSections(DEFAULT_CONFIG, after, noRollouts(), rollouts, features)).toEqual([
      'feature:debug',
      'feature:new_checkout',
      'feature:bit_13',
      'feature:bit_17',
      'feature:last',
      'terminal',
    ]);
  });
});
