/**
 * The sections of a config that a change touches: what rights on a part of a config are about. Pure; who may touch what
 * is decided elsewhere.
 *
 * `feature:<name>` is a feature's bit or its rollout (`feature:bit_17` where the service has no name for it),
 * `terminal` its mode, rows and columns; `version` and `registryHash` are themselves.
 * @module
 */
import type { FeatureSet } from './features.ts';
import { bitsOf } from './features.ts';
import { changedRollouts } from './rollout.ts';
import { changedFields, type ConfigField, type RegistryConfig } from './value.ts';

/** Touched, besides what it sets, by whatever makes a config. */
export const CREATION_SECTION = 'creation';
/** Touched, besides what it changes, by whatever takes a whole config away. */
export const DELETION_SECTION = 'deletion';
/** Of a service's declaration: what its bits are called. */
export const FEATURES_SECTION = 'features';

const SECTION_OF_FIELD: Readonly<Partial<Record<ConfigField, string>>> = {
  terminalMode: 'terminal',
  rows: 'terminal',
  cols: 'terminal',
  version: 'version',
  registryHash: 'registryHash',
};

/**
 * Features in the order of their bits, then the rest; rollouts in basis points.
 * @example touchedSections(before, { ...before, rows: 50 }, rollouts, rollouts, features) // ['terminal']
 */
export function touchedSections(
  before: RegistryConfig,
  after: RegistryConfig,
  rolloutsBefore: Uint16Array,
  rolloutsAfter: Uint16Array,
  features: FeatureSet,
): string[] {
  const bits = bitsOf((before.featureFlags ^ after.featureFlags) | changedRollouts(rolloutsBefore, rolloutsAfter));
  const others = changedFields(before, after).flatMap((field) => SECTION_OF_FIELD[field] ?? []);
  return [...bits.map((bit) => featureSection(bit, features)), ...new Set(others)];
}

function featureSection(bit: number, features: FeatureSet): string {
  const name = features.nameOf(bit);
  return `feature:${features.has(name) ? name : `bit_${bit}`}`;
}
