/**
 * The hot way of a read: a bit of a word in shared memory, by name. Nothing in here allocates, calls the core, or waits.
 * @module
 */
import { FLAGS_WORD } from '../../bindings/cell-words.ts';
import { rolloutBucketFrom, rolloutPrefix, type RolloutPrefix } from '../../bindings/murmur3.ts';
import type { AnalyticsCounter } from '../config/analytics.ts';
import type { FeatureSet } from '../config/features.ts';
import { FULL_ROLLOUT } from '../config/rollout.ts';
import { ROLLOUTS_WORD } from './config-slot.ts';

/** Whatever has the slot's words now; they are replaced when the memory moves, so they are read through it each time. */
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

export function featurePlaces(features: FeatureSet): Map<string, FeaturePlace> {
  return new Map(
    features.names.map((name) => {
      const bit = features.bitOf(name);
      return [name, { bit, mask: 1 << bit, prefix: rolloutPrefix(name) }] as const;
    }),
  );
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
