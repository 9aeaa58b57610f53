/**
 * Changes of flags, each with the bit that follows it: both are in one append of the journal, or neither is.
 * @module
 */
import { configStream } from '../config/name.ts';
import { ConfigError, isConfigError } from '../errors/errors.ts';
import { wantedBit } from '../flags/bound.ts';
import type { Flag } from '../flags/flag.ts';
import type { FlagChange } from '../flags/flag-change.ts';
import type { Resource, ResourceWrite } from '../journal/resources.ts';
import type { Permit } from '../live/config-store.ts';
import { bitChange } from './bit-change.ts';
import { flagStream, type FlagServices } from './flag-list.ts';
import { REGISTRY_CONFIG } from './own-config.ts';

/** Of a change that named no revision and met another. */
const ATTEMPTS_MAX = 20;

export interface FlagSignature extends ResourceWrite {
  /** Asked before a flag is changed that is bound to a bit, with the config and the section; throws to refuse. */
  readonly permit?: Permit | undefined;
  /** Write although validation finds errors in the config that a bit makes. */
  readonly force?: boolean | undefined;
}

/**
 * The flag as it is then, null when it is gone; the bit of a deleted flag stays as it is. Errors: ERR_NOT_FOUND (also
 * where there is no such config), those of `Flags.change`, ERR_CONFIG_INVALID, ERR_FORBIDDEN, what `permit` throws.
 * @example await changeFlag(services, 'checkout', 'banner', { kind: 'archive', at: Date.now() }, { actor: 'ann' })
 */
export async function changeFlag(
  services: FlagServices,
  config: string,
  key: string,
  change: FlagChange,
  { permit, force = false, ...said }: FlagSignature,
): Promise<Resource<Flag> | null> {
  const { operations, flags } = services;
  await operations.get(config);
  const found = await flags.find(config, key);
  if (found !== null || change.kind === 'put') expectRevision(flagStream(config, key), said.expected, found);
  const features = await operations.store.features(config);
  const write = { ...said, isFeature: (name: string) => features.has(name) };
  if (!features.has(key)) return await flags.change(config, key, change, write);
  checkBindable(config, key);
  permit?.(configStream(config), [`feature:${key}`]);
  for (let attempts = 1; ; attempts++) {
    const { after } = await flags.plan(config, key, change, write);
    const bits = after === null ? null : await bitChange(operations.store, config, new Map([[key, wantedBit(after)]]));
    if (bits === null) return await flags.change(config, key, change, write);
    try {
      const also = [await flags.entryOf(config, key, change, write)];
      const { actor, reason = `bound to flag ${key}` } = said;
      await operations.bulk([{ name: config, set: bits.input }], { actor, reason, force, also });
      return await flags.get(config, key);
    } catch (error) {
      const isLostRace = isConfigError(error) && error.code === 'ERR_REVISION_CONFLICT';
      if (!isLostRace || said.expected !== undefined || attempts === ATTEMPTS_MAX) throw error;
    }
  }
}

/** Whether the condition of a write holds, before what it says is judged. Throws ERR_REVISION_CONFLICT. */
export function expectRevision(
  stream: string,
  expected: number | undefined,
  found: { readonly revision: number } | null,
): void {
  const actual = found?.revision ?? 0;
  if (expected === undefined || expected === actual) return;
  throw new ConfigError('ERR_REVISION_CONFLICT', {
    message: `Expected revision ${expected} of ${stream}, but it is ${actual === 0 ? 'not there' : `at ${actual}`}`,
    hint: 'Somebody else changed it: look at the current state, then try again with its revision.',
    details: { stream, expected, actual },
  });
}

/** Throws ERR_FORBIDDEN for a feature that the registry itself obeys: it must be changed without a flag's rules. */
export function checkBindable(config: string, key: string): void {
  if (config !== REGISTRY_CONFIG) return;
  throw new ConfigError('ERR_FORBIDDEN', {
    message: `The feature '${key}' of the config '${REGISTRY_CONFIG}' is the registry's own: no flag is bound to it`,
    hint: 'Change the feature itself, or give the flag another key.',
    details: { rule: 'own config' },
  });
}
