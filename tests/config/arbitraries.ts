/** What the property tests of configs draw from. Runs are seeded, so that a failure stays. @module */
import fc from 'fast-check';
import type { RegistryConfig } from '../../src/config/value.ts';

export const SEEDED = { seed: 13, numRuns: 500 };

const byte = fc.integer({ min: 0, max: 255 });
const word = fc.integer({ min: 0, max: 0xffffffff });

/** Whatever 13 bytes may hold. */
export const anyConfig: fc.Arbitrary<RegistryConfig> = fc.record({
  version: byte,
  registryHash: word,
  featureFlags: word,
  terminalMode: byte,
  rows: byte,
  cols: byte,
});

export const validConfig: fc.Arbitrary<RegistryConfig> = fc.record({
  version: fc.integer({ min: 0, max: 1 }),
  registryHash: word,
  featureFlags: word,
  terminalMode: fc.integer({ min: 0, max: 3 }),
  rows: fc.integer({ min: 1, max: 255 }),
  cols: fc.integer({ min: 1, max: 255 }),
});

export const anyBytes = fc.uint8Array({ minLength: 13, maxLength: 13 });

/** 32 rollouts in basis points, some of them over 100 %. */
export const anyRollouts = fc.uint16Array({ minLength: 32, maxLength: 32 });
