/** What has to be set for bits of a config to be what the flags say that they are bound to. Changes nothing. @module */
import type { ConfigStore } from '../live/config-store.ts';

/** How bits of a config become what flags say. */
export interface BitChange {
  readonly keys: readonly string[];
  /** What `set` takes. A rollout beside a flag would be a second opinion: there is none. */
  readonly input: {
    readonly features: Readonly<Record<string, boolean>>;
    readonly rollouts: Readonly<Record<string, number>>;
  };
  /** Of the config that was seen. */
  readonly revision: number;
}

/**
 * What must be set for these bits of a config, by name of feature, to be as wanted; null: nothing, or there is no such
 * config. Names that are no feature's mean nothing. Errors: those of the journal.
 * @example await bitChange(store, 'checkout', new Map([['metrics', true]])) // { input: { features: ... }, ... }
 */
export async function bitChange(
  store: Pick<ConfigStore, 'find' | 'features'>,
  config: string,
  wanted: ReadonlyMap<string, boolean>,
): Promise<BitChange | null> {
  const found = wanted.size === 0 ? null : await store.find(config);
  if (found === null) return null;
  const names = await store.features(config);
  const features: Record<string, boolean> = {};
  const rollouts: Record<string, number> = {};
  for (const [feature, isOn] of wanted) {
    if (!names.has(feature)) continue;
    const bit = names.bitOf(feature);
    if (((found.config.featureFlags >>> bit) & 1) !== Number(isOn)) features[feature] = isOn;
    if (found.rollouts[bit] !== 0) rollouts[feature] = 0;
  }
  const keys = [...new Set([...Object.keys(features), ...Object.keys(rollouts)])];
  return keys.length === 0 ? null : { keys, input: { features, rollouts }, revision: found.revision };
}
