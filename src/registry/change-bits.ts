/**
 * Bits that follow the flags of a step, beside what the step does to configs by itself: a config is changed once, so
 * both are one change, and what cannot be one is refused. Pure.
 * @module
 */
import { asObject } from '../config/input.ts';
import { ConfigError } from '../errors/errors.ts';
import type { BulkChange } from '../live/bulk.ts';

/** Bits of one config; `keys` are all that its flags speak of, also where nothing is to be set. */
export interface FollowingBits {
  readonly config: string;
  readonly keys: readonly string[];
  readonly input: Readonly<Record<'features' | 'rollouts', object>>;
}

/** Fields that are the whole word of features, or all of a config. */
const WHOLE = ['hex', 'record', 'featureFlags'];

/** Throws ERR_DUPLICATE_KEY where a change of a config and the bits of its flags speak of the same. */
export function withBits(configs: readonly BulkChange[], bits: readonly FollowingBits[]): readonly BulkChange[] {
  const changes = configs.map((change) => {
    const following = bits.find(({ config }) => config === change.name);
    return following === undefined ? change : merged(change, following);
  });
  const others = bits.filter(({ config }) => configs.every(({ name }) => name !== config));
  return [...changes, ...others.map(({ config, input }) => ({ name: config, set: input }))];
}

function merged(change: BulkChange, { config, keys, input }: FollowingBits): BulkChange {
  const set = change.set === undefined ? null : asObject('set', change.set);
  const [features, rollouts] = [set?.['features'] ?? {}, set?.['rollouts'] ?? {}];
  const twice = keys.find((key) => Object.hasOwn(features, key) || Object.hasOwn(rollouts, key));
  if (set === null || twice !== undefined || WHOLE.some((field) => Object.hasOwn(set, field))) {
    throw changedTwice(config, twice ?? keys[0]!);
  }
  return {
    ...change,
    set: { ...set, features: { ...features, ...input.features }, rollouts: { ...rollouts, ...input.rollouts } },
  };
}

function changedTwice(config: string, key: string): ConfigError {
  return new ConfigError('ERR_DUPLICATE_KEY', {
    message: `The feature '${key}' of '${config}' is changed twice in one step: with the config, and by its flag`,
    hint: 'Make them two steps, or set the other fields alone.',
    details: { key },
  });
}
