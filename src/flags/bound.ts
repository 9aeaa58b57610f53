/**
 * A rich flag whose key is the name of a feature: the feature's bit is what the flag says to everybody. Which flags are
 * bound is known to whoever knows the features.
 * @module
 */
import type { Flag } from './flag.ts';

/**
 * Whether the bit of a bound flag is on: the answer is true for everybody, whoever asks.
 * @example wantedBit(flag) // false for one with targeting rules, disabled, or archived
 */
export function wantedBit({ definition, archivedAt }: Flag): boolean {
  const { state, targeting, defaultVariant, variants } = definition;
  if (archivedAt !== null || state !== 'ENABLED') return false;
  if (targeting !== undefined && Object.keys(targeting).length > 0) return false;
  return (
    typeof defaultVariant === 'string' && Object.hasOwn(variants, defaultVariant) && variants[defaultVariant] === true
  );
}

/**
 * The flag as it is kept when somebody writes it who may change the feature of its name (`isFeature`: there is one).
 * Only then does the bit follow it: a feature that is declared later is not taken by a flag that was there before.
 */
export function boundBy(flag: Flag, isFeature: boolean): Flag {
  const { isBound: _before, ...rest } = flag;
  return isFeature && isBoolean(flag) ? { ...rest, isBound: true } : rest;
}

/** Whether a flag can be bound to a bit: all that it answers is true or false. */
export function isBoolean({ definition }: Pick<Flag, 'definition'>): boolean {
  return Object.values(definition.variants).every((value) => typeof value === 'boolean');
}
