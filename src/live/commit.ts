/**
 * What is asked of one config, and what becomes of it: worked out from the state that is seen, without changing
 * anything. How it is made visible and durable is `commits.ts`.
 * @module
 */
import type { SlotImage } from '../../bindings/backend.ts';
import { configStream } from '../config/name.ts';
import { decodeConfig, encodeConfig, type RegistryConfig } from '../config/value.ts';
import { ConfigError } from '../errors/errors.ts';
import type { ChangeKind, ConfigState } from './change.ts';
import { isBlank } from './change.ts';
import { conflict, type ConfigSlot } from './config-slot.ts';
import { firstImage } from './images.ts';
import { rolloutsOf, type StoredState } from './projection.ts';
import type { Signature } from './recorder.ts';

/** A config as the journal has it. */
export interface ConfigSnapshot {
  readonly name: string;
  readonly revision: number;
  readonly config: RegistryConfig;
  /** 32 basis points. */
  readonly rollouts: Uint16Array;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
}

export interface Draft {
  readonly config: RegistryConfig;
  readonly rollouts: Uint16Array;
}

export interface Commit {
  /** Of a config that is not there, the change is a `create`. */
  readonly kind: ChangeKind;
  readonly signature: Signature;
  /** Only at this revision; 0: only if there is no such config. Left out: whatever it is at. */
  readonly expected?: number | undefined;
  /** Make the config when there is none. */
  readonly create?: boolean;
  /** Take a revision even when nothing is different. */
  readonly always?: boolean;
  /**
   * What is wanted, from what is; `isThere` is false where it makes the config. Throws to refuse; may be called again
   * when another writer was faster.
   */
  change(current: Draft, isThere: boolean): Draft;
}

/** A commit of one config among others. */
export interface NamedCommit extends Commit {
  readonly name: string;
}

export interface Committed extends ConfigSnapshot {
  /** Whether anything was different; without, no entry was made. */
  readonly changed: boolean;
}

/** Where a commit is to be made; no slot: the journal never had such a config. */
export interface Target {
  readonly commit: NamedCommit;
  readonly slot: ConfigSlot | null;
  /** The revision at which the slot was found blank, so that the journal was asked; null: it was not blank. */
  readonly blankAt: number | null;
  /** The revision that deleted the config, as the journal says; null: none. */
  readonly deletedAt: number | null;
}

/** A change that is worked out and not yet made. */
export interface Planned {
  readonly target: Target;
  /** What was seen; null where there is no slot. */
  readonly seen: SlotImage | null;
  readonly isThere: boolean;
  /** In a slot that is still to be opened, the first state it gets. */
  readonly wanted: SlotImage;
}

/** Somebody was faster: everything is to be looked at again. */
export class LostRace extends Error {
  /** What the caller is told when nobody tries again. */
  readonly told: ConfigError;

  constructor(told: ConfigError) {
    super(told.message);
    this.told = told;
  }
}

/**
 * Errors: ERR_NOT_FOUND, ERR_REVISION_CONFLICT (it is not at the expected revision), LostRace, and what the commit's
 * `change` throws.
 */
export function plan(target: Target): Planned {
  const { commit, slot, blankAt, deletedAt } = target;
  const seen = slot?.look() ?? null;
  // It could have been deleted since the journal was asked, and must not be taken for one that is there.
  if (seen !== null && isBlank(seen) && seen.revision !== blankAt) {
    throw new LostRace(conflict(blankAt ?? 0, seen.revision, configStream(commit.name)));
  }
  const isThere = seen !== null && !(isBlank(seen) && seen.revision === deletedAt);
  const actual = isThere ? seen.revision : 0;
  if (!isThere && commit.create !== true) throw notFound(commit.name);
  if (commit.expected !== undefined && commit.expected !== actual) {
    throw conflict(commit.expected, actual, configStream(commit.name));
  }
  const current = isThere ? seen : firstImage();
  return { target, seen, isThere, wanted: { ...current, ...applied(current, commit, isThere) } };
}

export function applied(state: ConfigState, commit: Commit, isThere: boolean): ConfigState {
  const current = { config: decodeConfig(state.config), rollouts: state.rollouts };
  const { config, rollouts } = commit.change(current, isThere);
  return { ...state, config: encodeConfig(config), rollouts };
}

export function snapshotOf({ name, revision, config, rollouts, modifiedAt }: StoredState): ConfigSnapshot {
  return { name, revision, config: decodeConfig(config), rollouts: rolloutsOf(rollouts), modifiedAt };
}

export function notFound(name: string): ConfigError<'ERR_NOT_FOUND'> {
  return new ConfigError('ERR_NOT_FOUND', {
    message: `There is no config '${name}'`,
    hint: 'List the configs to see their names, or make it: c13 set, or POST /api/v1/configs.',
    details: { what: `config ${name}` },
  });
}
