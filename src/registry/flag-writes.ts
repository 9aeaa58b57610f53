/**
 * Changes of flags, each with the bit that follows it: both are in one append of the journal, or neither is. Whoever
 * writes flags asks here whether they may be written, and what has to be written with them.
 * @module
 */
import { configStream } from '../config/name.ts';
import { flagStream } from '../config/streams.ts';
import { ConfigError, isConfigError } from '../errors/errors.ts';
import { wantedBit } from '../flags/bound.ts';
import type { Flag } from '../flags/flag.ts';
import type { FlagChange } from '../flags/flag-change.ts';
import type { Flags, FlagWrite } from '../flags/flags.ts';
import type { NewEntry } from '../journal/journal.ts';
import type { Resource, ResourceWrite } from '../journal/resources.ts';
import { notFound } from '../live/commit.ts';
import type { ConfigStore, Permit } from '../live/config-store.ts';
import { bitChange, type BitChange } from './bit-change.ts';
import type { FlagServices } from './flag-list.ts';
import { REGISTRY_CONFIG } from './own-config.ts';

/** Of a change that named no revision and met another. */
const ATTEMPTS_MAX = 20;

export interface FlagSignature extends ResourceWrite {
  /** Asked before a flag is changed, for it and for the section of the bit that follows it; throws to refuse. */
  readonly permit?: Permit | undefined;
  /** Write although validation finds errors in the config that a bit makes. */
  readonly force?: boolean | undefined;
}

/** Flags of one config that are to be written. */
export interface FlagBatch {
  readonly config: string;
  readonly keys: readonly string[];
  readonly permit?: Permit | undefined;
  /** Whether the config is there by then, where what is written with them says so; left out: as it is now. */
  readonly isThere?: boolean | undefined;
}

/** A flag as it will be, null: gone; and what makes it so. */
interface MadeFlag {
  readonly after: Flag | null;
  readonly entry: NewEntry;
}

/** What has to be in one append. */
export interface FlagAppend {
  readonly entries: readonly NewEntry[];
  /** What bits are to be, by feature. */
  readonly wanted: ReadonlyMap<string, boolean>;
  /** Those that differ from it; null: none. */
  readonly bits: BitChange | null;
}

type IsFeature = FlagWrite['isFeature'];
type Places = Pick<ConfigStore, 'find' | 'features'>;

/**
 * Whether flags may be written: their config is there, and they and the bits that follow them may be changed. Answers
 * which are bound. Errors: ERR_NOT_FOUND, ERR_FORBIDDEN, what `permit` throws.
 */
export async function admitFlags(store: Places, { config, keys, permit, isThere }: FlagBatch): Promise<IsFeature> {
  for (const key of keys) permit?.(flagStream(config, key), []);
  if (!(isThere ?? (await store.find(config)) !== null)) throw notFound(config);
  const features = await store.features(config);
  for (const key of keys) {
    if (!features.has(key)) continue;
    checkBindable(config, key);
    permit?.(configStream(config), [`feature:${key}`]);
  }
  return (name) => features.has(name);
}

/**
 * What has to be appended for flags to be written: what `make` says of each, once they may be, and the bits that
 * follow. Changes nothing. Errors: those of `admitFlags`, of `make` and of the journal.
 */
export async function flagAppend(
  store: Places,
  batch: FlagBatch,
  make: (key: string, isFeature: IsFeature) => Promise<MadeFlag>,
): Promise<FlagAppend> {
  const isFeature = await admitFlags(store, batch);
  const entries: NewEntry[] = [];
  const wanted = new Map<string, boolean>();
  for (const key of batch.keys) {
    const { after, entry } = await make(key, isFeature);
    entries.push(entry);
    // The bit of a deleted flag stays as it is.
    if (after?.isBound === true) wanted.set(key, wantedBit(after));
  }
  return { entries, wanted, bits: await bitChange(store, batch.config, wanted) };
}

/** What a change makes of a flag, for `flagAppend`. Errors: those of `Flags.plan`, ERR_REVISION_CONFLICT. */
export async function changedEntry(
  flags: Pick<Flags, 'plan' | 'entryOf'>,
  { config, key }: { readonly config: string; readonly key: string },
  change: FlagChange,
  write: FlagWrite,
): Promise<MadeFlag> {
  const { before, after } = await flags.plan(config, key, change, write);
  // Of the flag that was looked at: another one may want another bit.
  const expected = write.expected ?? before?.revision ?? 0;
  return { after, entry: await flags.entryOf(config, key, change, { ...write, expected }) };
}

/**
 * Flags of one config and the bits that follow, with what else `also` has, all of it or nothing. Made by `prepare` anew
 * where the config has changed since it looked. Errors: those of `prepare`, ERR_CONFIG_INVALID, the journal's.
 */
export async function appendFlags(
  { operations }: Pick<FlagServices, 'operations'>,
  config: string,
  prepare: () => Promise<FlagAppend>,
  { actor, reason, force = false, isRetried }: Appending,
): Promise<void> {
  for (let attempts = 1; ; attempts++) {
    try {
      const { entries: also, bits } = await prepare();
      if (bits === null) await operations.store.journal.append(also);
      else {
        const change = { name: config, set: bits.input, expected: bits.revision };
        await operations.bulk([change], { actor, reason, force, also });
      }
      return;
    } catch (error) {
      if (attempts === ATTEMPTS_MAX || !isLostRace(error, isRetried ? null : configStream(config))) throw error;
    }
  }
}

interface Appending {
  readonly actor: string;
  /** Of the change of the bits. */
  readonly reason: string;
  readonly force?: boolean | undefined;
  /** Also where a flag changed meanwhile; otherwise only where its config did. */
  readonly isRetried: boolean;
}

/** `stream` null: of anything. */
function isLostRace(error: unknown, stream: string | null): boolean {
  if (!isConfigError(error) || error.code !== 'ERR_REVISION_CONFLICT') return false;
  return stream === null || error.details.stream === stream;
}

/**
 * The flag as it is then, null when it is gone; the bit of a deleted flag stays as it is. Where all is so already,
 * nothing is written. Errors: ERR_NOT_FOUND (also where there is no such config), those of `Flags.change`,
 * ERR_CONFIG_INVALID, ERR_FORBIDDEN, what `permit` throws.
 * @example await changeFlag(services, 'checkout', 'banner', { kind: 'archive', at: Date.now() }, { actor: 'ann' })
 */
export async function changeFlag(
  services: FlagServices,
  config: string,
  key: string,
  change: FlagChange,
  { permit, force, ...said }: FlagSignature,
): Promise<Resource<Flag> | null> {
  const { operations, flags } = services;
  const batch = { config, keys: [key], permit };
  const isFeature = await admitFlags(operations.store, batch);
  const found = await flags.find(config, key);
  if (found !== null || change.kind === 'put') expectRevision(flagStream(config, key), said.expected, found);
  if (await isSo(services, config, key, change, { ...said, isFeature })) return found;
  if (!isFeature(key)) return await flags.change(config, key, change, { ...said, isFeature });
  const prepare = () =>
    flagAppend(operations.store, batch, () => changedEntry(flags, { config, key }, change, { ...said, isFeature }));
  const { actor, reason = `bound to flag ${key}`, expected } = said;
  await appendFlags(services, config, prepare, { actor, reason, force, isRetried: expected === undefined });
  return change.kind === 'delete' ? null : await flags.get(config, key);
}

/** Whether the flag is already what the change would make it, and its bit too. Errors: those of `Flags.plan`. */
async function isSo(
  { operations, flags }: Pick<FlagServices, 'operations' | 'flags'>,
  config: string,
  key: string,
  change: FlagChange,
  write: FlagWrite,
): Promise<boolean> {
  const { before, after } = await flags.plan(config, key, change, write);
  if (after === null || !Bun.deepEquals(before?.value, after, true)) return false;
  const wanted = after.isBound === true ? new Map([[key, wantedBit(after)]]) : new Map<string, boolean>();
  return (await bitChange(operations.store, config, wanted)) === null;
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
function checkBindable(config: string, key: string): void {
  if (config !== REGISTRY_CONFIG) return;
  throw new ConfigError('ERR_FORBIDDEN', {
    message: `The feature '${key}' of the config '${REGISTRY_CONFIG}' is the registry's own: no flag is bound to it`,
    hint: 'Change the feature itself, or give the flag another key.',
    details: { rule: 'own config' },
  });
}
