/**
 * What a change request compares: the things it changes as they were, as they are and as they are to be. Pure; configs
 * by their fields, features and rollouts, flags by the parts of what is stored.
 * @module
 */
import type { FeatureSet } from '../config/features.ts';
import { asObject, wrongType } from '../config/input.ts';
import { noRollouts, percentOf, withRollout } from '../config/rollout.ts';
import { touchedSections } from '../config/sections.ts';
import { configHex, CONFIG_FIELDS, DEFAULT_CONFIG, parseConfigBytes } from '../config/value.ts';
import type { Draft } from '../live/commit.ts';
import type { Foreseen } from '../live/operations.ts';

/** One difference that people read. */
export interface FieldChange {
  /** `rows`, `features.debug`, `rollouts.debug` (percent), `definition`. */
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** What becomes of one thing. */
export interface Difference {
  readonly kind: 'create' | 'update' | 'delete';
  readonly changes: readonly FieldChange[];
}

/** What is kept of a config to compare it later; null: it is not there. */
export function configState(draft: Draft | null): unknown {
  if (draft === null) return null;
  const rollouts = [...draft.rollouts].flatMap((value, bit) => (value === 0 ? [] : [[bit, value]]));
  return { hex: configHex(draft.config), rollouts: Object.fromEntries(rollouts) };
}

/** Throws ERR_WRONG_TYPE, ERR_CONFIG_LENGTH for what `configState` has not made. */
function parseConfigState(state: unknown): Draft | null {
  if (state === null) return null;
  const { hex, rollouts } = asObject('base', state);
  if (typeof hex !== 'string' || !/^0x[0-9a-f]{26}$/.test(hex)) throw wrongType('base.hex', 'the 13 bytes', hex);
  const points = Object.entries(asObject('base.rollouts', rollouts));
  return {
    config: parseConfigBytes(Uint8Array.fromHex(hex.slice(2))),
    rollouts: points.reduce((all, [bit, value]) => withRollout(all, Number(bit), value as number), noRollouts()),
  };
}

/**
 * Sections that the change would set, that somebody else has set since `base`, and not to the same.
 * @example movedSections(base, foreseen) // ['feature:debug']
 */
export function movedSections(base: unknown, { before, after, isDeleted, features }: Foreseen): readonly string[] {
  const was = parseConfigState(base);
  if (was !== null && before === null && !isDeleted) return ['deletion'];
  const moved = sectionsBetween(was, before, features);
  return sectionsBetween(before, after, features).filter((section) => moved.includes(section));
}

function sectionsBetween(one: Draft | null, other: Draft | null, features: FeatureSet): readonly string[] {
  const [a, b] = [one ?? blank(), other ?? blank()];
  return touchedSections(a.config, b.config, a.rollouts, b.rollouts, features);
}

function blank(): Draft {
  return { config: DEFAULT_CONFIG, rollouts: noRollouts() };
}

export function configDifference({ before, after, isDeleted, features }: Foreseen): Difference {
  const was = before ?? blank();
  const fields = CONFIG_FIELDS.filter(({ name }) => name !== 'featureFlags').map(({ name }) => {
    return { field: name, before: was.config[name], after: after.config[name] };
  });
  const bits = Array.from(after.rollouts, (_, bit) => bit).flatMap((bit) => [
    {
      field: `features.${features.nameOf(bit)}`,
      before: isOn(was, bit),
      after: isOn(after, bit),
    },
    {
      field: `rollouts.${features.nameOf(bit)}`,
      before: percentOf(was.rollouts[bit]!),
      after: percentOf(after.rollouts[bit]!),
    },
  ]);
  const kind = isDeleted ? 'delete' : before === null ? 'create' : 'update';
  return { kind, changes: [...fields, ...bits].filter((one) => one.before !== one.after) };
}

function isOn({ config }: Draft, bit: number): boolean {
  return ((config.featureFlags >>> bit) & 1) === 1;
}

/** By the parts of what is stored; null: it is not there. */
export function partsDifference(before: unknown, after: unknown): Difference {
  const [was, is] = [partsOf(before), partsOf(after)];
  const fields = [...new Set([...Object.keys(was), ...Object.keys(is)])];
  const changes = fields
    .map((field) => ({ field, before: was[field] ?? null, after: is[field] ?? null }))
    .filter((one) => !Bun.deepEquals(one.before, one.after, true));
  return { kind: after === null ? 'delete' : before === null ? 'create' : 'update', changes };
}

function partsOf(value: unknown): Readonly<Record<string, unknown>> {
  return value === null ? {} : asObject('value', value);
}
