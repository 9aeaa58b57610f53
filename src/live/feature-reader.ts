/**
 * The hot way of a read: a bit of a word in shared memory, by name. Nothing in here allocates, calls the core, or
 * waits.
 * @module
 */
import { FLAGS_WORD } from '../../bindings/cell-words.ts';
import { rolloutBucketFrom, rolloutPrefix, type RolloutPrefix } from '../../bindings/murmur3.ts';
import type { AnalyticsCounter } from '../config/analytics.ts';
import type { FeatureSet } from '../config/features.ts';
import { FULL_ROLLOUT } from '../config/rollout.ts';
import { ROLLOUTS_WORD } from './config-slot.ts';

/**
 * Whatever has the slot's words now; they are replaced when the memory moves, so they are read through it each time.
 */
export interface WordsHolder {
  readonly words: Uint32Array;
}

/** `flags.debug`: one getter per feature, each a bit test. */
export type Flags<Name extends string> = { readonly [N in Name]: boolean };

/** A getter per feature over the slot's word of features. */
export function flagsOver<Name extends string>(
  holder: WordsHolder,
  features: FeatureSet,
  counter: AnalyticsCounter | null,
): Flags<Name> {
  const flags = {};
  for (const name of features.names) {
    const bit = features.bitOf(name);
    Object.defineProperty(flags, name, { enumerable: true, get: getterOf(holder, bit, counter) });
  }
  return Object.freeze(flags) as Flags<Name>;
}

function getterOf(holder: WordsHolder, bit: number, counter: AnalyticsCounter | null): () => boolean {
  const mask = 1 << bit;
  if (counter === null) return () => (holder.words[FLAGS_WORD]! & mask) !== 0;
  return () => {
    counter.recordEvaluation(bit);
    return (holder.words[FLAGS_WORD]! & mask) !== 0;
  };
}

/** What a read by name needs to know of a feature. */
export interface FeaturePlace {
  readonly bit: number;
  readonly mask: number;
  readonly prefix: RolloutPrefix;
}

/** Something for each feature. Has no prototype, so that only names of features are found. */
export type ByFeature<T> = Readonly<Record<string, T>>;

export function featurePlaces(features: FeatureSet): ByFeature<FeaturePlace> {
  return byFeature(features, (bit, name) => ({ bit, mask: 1 << bit, prefix: rolloutPrefix(name) }));
}

/** Signed masks of one bit: all that a plain read needs, so that it is one lookup without a step to another object. */
export function featureMasks(features: FeatureSet): ByFeature<number> {
  return byFeature(features, (bit) => 1 << bit);
}

/** What a config has instead whose reads are counted: each then takes the longer way, and a plain one need not ask. */
export const NO_MASKS: ByFeature<number> = Object.freeze(Object.create(null));

/**
 * An object and not a Map: the engine finds a property by the text's identity, a Map compares texts of other modules.
 */
function byFeature<T>(features: FeatureSet, make: (bit: number, name: string) => T): ByFeature<T> {
  const found: Record<string, T> = Object.create(null);
  for (const name of features.names) found[name] = make(features.bitOf(name), name);
  return Object.freeze(found);
}

/** On for everyone, or within the rollout for this key. */
export function isOnFor(words: Uint32Array, { bit, mask, prefix }: FeaturePlace, key: string): boolean {
  if ((words[FLAGS_WORD]! & mask) !== 0) return true;
  const basisPoints = rolloutAt(words, bit);
  if (basisPoints === 0) return false;
  return basisPoints >= FULL_ROLLOUT || rolloutBucketFrom(prefix, key) < basisPoints;
}

/** Basis points, 0-10000. */
export function rolloutAt(words: Uint32Array, bit: number): number {
  return (words[ROLLOUTS_WORD + (bit >> 1)]! >>> ((bit & 1) << 4)) & 0xffff;
}
