/**
 * What browsers see of a config: features said to be visible to clients, and nothing that tells of the others. Pure;
 * to be applied before anything is encoded, checksummed or hashed.
 * @module
 */
import type { FeatureSet } from '../config/features.ts';
import type { RegistryConfig } from '../config/value.ts';
import type { Flag, FlagFacts } from './flag.ts';

/** What decides on visibility in one config. */
export interface VisibilitySource {
  readonly features: FeatureSet;
  /** By name of feature. */
  readonly facts: ReadonlyMap<string, FlagFacts>;
  /** The rich flags of the config, by key. */
  readonly flags: ReadonlyMap<string, Flag>;
}

/**
 * The bits that browsers see, unsigned. What a rich flag bound to a feature says of itself counts in its config, else
 * what is said about the feature; said nothing, it is not seen. An undeclared bit never is.
 */
export function visibleMask({ features, facts, flags }: VisibilitySource): number {
  let mask = 0;
  for (const name of features.names) {
    if (isVisible(flags.get(name) ?? facts.get(name))) mask |= features.maskOf(name);
  }
  return mask >>> 0;
}

function isVisible(facts: FlagFacts | Flag | undefined): boolean {
  if (facts === undefined || ('archivedAt' in facts && facts.archivedAt !== null)) return false;
  return facts.clientVisible;
}

/** The config with only these features. */
export function maskConfig(config: RegistryConfig, mask: number): RegistryConfig {
  return { ...config, featureFlags: (config.featureFlags & mask) >>> 0 };
}

/** The rollouts of only these features; the others are 0. */
export function maskRollouts(rollouts: Uint16Array, mask: number): Uint16Array<ArrayBuffer> {
  return Uint16Array.from(rollouts, (basisPoints, bit) => ((mask >>> bit) & 1 ? basisPoints : 0));
}

/** A word of features, or a mask of changed ones, without what is not seen. */
export function maskFlags(flags: number, mask: number): number {
  return (flags & mask) >>> 0;
}
