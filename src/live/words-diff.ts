/**
 * Which fields differ between two states, from their words or their bytes. The numbers are those of CONFIG_FIELD.
 * @module
 */
import { CONFIG_FIELD } from '../../bindings/abi.gen.ts';
import { wordsOfConfig } from '../../bindings/cell-words.ts';
import { changedRollouts } from '../config/rollout.ts';
import type { ConfigState } from './change.ts';

/** From the four words of two cells. */
export function changedMaskOf(before: Uint32Array, after: Uint32Array): number {
  let mask = 0;
  if ((before[0]! ^ after[0]!) >>> 24 !== 0) mask |= 1 << CONFIG_FIELD.version;
  if (before[1] !== after[1]) mask |= 1 << CONFIG_FIELD.registry_hash;
  if (before[2] !== after[2]) mask |= 1 << CONFIG_FIELD.feature_flags;
  const last = before[3]! ^ after[3]!;
  if ((last & 0xff) !== 0) mask |= 1 << CONFIG_FIELD.terminal_mode;
  if ((last & 0xff00) !== 0) mask |= 1 << CONFIG_FIELD.rows;
  if ((last & 0xff0000) !== 0) mask |= 1 << CONFIG_FIELD.cols;
  return mask;
}

/** From two whole states: the mask of fields, and the mask of features whose rollout differs. */
export function changedBetween(before: ConfigState, after: ConfigState): { mask: number; rollouts: number } {
  const mask = changedMaskOf(wordsOfConfig(before.config), wordsOfConfig(after.config));
  const rollouts = changedRollouts(before.rollouts, after.rollouts);
  return { mask: rollouts === 0 ? mask : mask | (1 << CONFIG_FIELD.rollouts), rollouts };
}
