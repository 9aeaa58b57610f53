/**
 * A feature for a part of the users: percent as people write it, basis points as they are stored, and the
 * decision for one key. Raising a rollout never removes anybody, because a key's bucket never changes.
 * @module
 */
import { murmur3Rollout } from '../../bindings/murmur3.ts';
import { ConfigError } from '../errors/errors.ts';
import { FEATURE_COUNT } from './features.ts';
import { wrongType } from './input.ts';

/** 100 %. A bucket is 0-9999, so everybody is below it. */
export const FULL_ROLLOUT = 10_000;

const PERCENT_TEXT = /^([0-9]{1,3}(?:\.[0-9]{1,2})?) ?%?$/;

/**
 * Basis points (0-10000) of a percentage: a number, or text such as `12.5` or `12.5%`.
 * Throws ERR_WRONG_TYPE, and ERR_OUT_OF_RANGE outside 0-100 or with more than 2 decimals.
 * @example parsePercent(12.5) // 1250
 */
export function parsePercent(value: unknown, field = 'rollout'): number {
  const text = typeof value === 'string' ? PERCENT_TEXT.exec(value)?.[1] : undefined;
  const percent = text === undefined ? value : Number(text);
  if (typeof percent !== 'number') throw wrongType(field, 'a percentage: a number from 0 to 100', value);
  const basisPoints = Math.round(percent * 100);
  // 0.07 * 100 is 7.000000000000001: what counts is that no third decimal was meant.
  const exact = Math.abs(percent * 100 - basisPoints) < 1e-6;
  if (exact && basisPoints >= 0 && basisPoints <= FULL_ROLLOUT) return basisPoints;
  throw new ConfigError('ERR_OUT_OF_RANGE', {
    message: `Invalid ${field}: ${percent} (must be 0-100 with at most 2 decimals)`,
    hint: 'Give the part of the users in percent, 12.5 for one in eight.',
    details: { field, value: percent, min: 0, max: 100 },
  });
}

/** @example percentOf(1250) // 12.5 */
export function percentOf(basisPoints: number): number {
  return basisPoints / 100;
}

/** Whether a key is within a rollout, leaving the feature's bit aside. */
export function isInRollout(feature: string, key: string, basisPoints: number): boolean {
  if (basisPoints <= 0) return false;
  return basisPoints >= FULL_ROLLOUT || murmur3Rollout(feature, key) < basisPoints;
}

/** 32 rollouts by bit, all 0: the bit alone decides. */
export function noRollouts(): Uint16Array<ArrayBuffer> {
  return new Uint16Array(FEATURE_COUNT);
}

/** A copy in which one bit has another rollout. Throws ERR_OUT_OF_RANGE for basis points over 10000. */
export function withRollout(rollouts: Uint16Array, bit: number, basisPoints: number): Uint16Array<ArrayBuffer> {
  if (!Number.isInteger(basisPoints) || basisPoints < 0 || basisPoints > FULL_ROLLOUT) {
    throw new ConfigError('ERR_OUT_OF_RANGE', {
      message: `Invalid rollout of bit ${bit}: ${basisPoints} basis points (must be 0-${FULL_ROLLOUT})`,
      hint: 'Convert a percentage with parsePercent first.',
      details: { field: `rollouts.${bit}`, value: basisPoints, min: 0, max: FULL_ROLLOUT },
    });
  }
  const changed = Uint16Array.from(rollouts);
  changed[bit] = basisPoints;
  return changed;
}

/** Bit i is set where the rollout of feature i differs. */
export function changedRollouts(before: Uint16Array, after: Uint16Array): number {
  let mask = 0;
  for (let bit = 0; bit < FEATURE_COUNT; bit++) if (before[bit] !== after[bit]) mask |= 1 << bit;
  return mask >>> 0;
}
