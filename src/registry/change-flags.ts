/**
 * Operations of change requests on rich flags: what they say, parsed before anything is looked at, and what they would
 * make, with the bits that follow them.
 * @module
 */
import type { Operation } from '../changes/change-request.ts';
import { unknownField, wrongType } from '../config/input.ts';
import { parseConfigName } from '../config/name.ts';
import { flagStream } from '../config/streams.ts';
import { ConfigError } from '../errors/errors.ts';
import { wantedBit } from '../flags/bound.ts';
import { parseFlagKey } from '../flags/definition.ts';
import type { Flag } from '../flags/flag.ts';
import { changedFlag, type FlagChange } from '../flags/flag-change.ts';
import type { Flags, FlagWrite } from '../flags/flags.ts';
import type { NewEntry } from '../journal/journal.ts';
import type { Resource } from '../journal/resources.ts';
import type { BulkWrite, ConfigOperations } from '../live/operations.ts';
import type { FollowingBits } from './change-bits.ts';
import { partsDifference } from './change-states.ts';
import type { Target } from './change-targets.ts';
import { admitFlags, changedEntry, flagAppend, type FlagBatch } from './flag-writes.ts';

const VERBS = ['put', 'patch', 'archive', 'restore', 'delete'] as const;
const FIELDS = ['flag', ...VERBS];

interface FlagOperation {
  readonly config: string;
  readonly key: string;
  readonly change: FlagChange;
}

/** Who makes it, what he may, and when it is: `at` in milliseconds since 1970. */
export interface Making extends Omit<BulkWrite, 'also'> {
  readonly at: number;
}

/** Whether a config is there once the step is made; undefined: as it is now. */
export type WillBe = (config: string) => boolean | undefined;

export interface ChangeFlagsOptions {
  readonly flags: Pick<Flags, 'plan' | 'entryOf' | 'findSet' | 'checkTotal'>;
  readonly store: Pick<ConfigOperations['store'], 'features' | 'find'>;
}

/** What flags become, and the bits that follow them: to be in one append. */
interface MadeFlags {
  readonly entries: readonly NewEntry[];
  readonly bits: readonly FollowingBits[];
}

/** What flags would become, and what the bits that follow them would be. */
interface ForeseenFlags {
  readonly targets: readonly Target[];
  readonly bits: readonly FollowingBits[];
}

interface Planned {
  readonly before: Pick<Resource<Flag>, 'revision' | 'value'> | null;
  readonly after: Flag | null;
}

export class ChangeFlags {
  readonly #options: ChangeFlagsOptions;

  constructor(options: ChangeFlagsOptions) {
    this.#options = options;
  }

  /** Errors: ERR_NAME, ERR_WRONG_TYPE, ERR_UNKNOWN_FIELD, those of `parseFlagKey`. */
  streamsOf(operations: readonly Operation[]): readonly string[] {
    return parsed(operations, 0).map(streamOf);
  }

  /**
   * What would become of each flag: from the state in `known` where that has its stream, else as it is now; what is
   * foreseen is noted there. Errors: those of `admitFlags` and `Flags.plan`.
   */
  async foresee(
    operations: readonly Operation[],
    write: Making,
    known: Map<string, Flag | null>,
    willBe: WillBe,
  ): Promise<ForeseenFlags> {
    const targets: Target[] = [];
    const bits: FollowingBits[] = [];
    for (const [config, all] of byConfig(parsed(operations, write.at))) {
      const isFeature = await admitFlags(this.#options.store, batchOf(config, all, write, willBe));
      const wanted = new Map<string, boolean>();
      for (const operation of all) {
        const { actor, reason } = write;
        const planned = await this.#planned(operation, { actor, reason, isFeature }, known);
        const { after } = planned;
        known.set(streamOf(operation), after);
        targets.push(targetOf(operation, planned));
        if (after?.isBound === true) wanted.set(operation.key, wantedBit(after));
      }
      const bound = all.map(({ key }) => key).filter(isFeature);
      if (bound.length > 0) bits.push({ config, keys: bound, input: inputOf(wanted) });
    }
    return { targets, bits };
  }

  /** Errors: those of `foresee`. */
  async made(operations: readonly Operation[], write: Making, willBe: WillBe): Promise<MadeFlags> {
    const { flags, store } = this.#options;
    const { actor, reason } = write;
    const entries: NewEntry[] = [];
    const bits: FollowingBits[] = [];
    for (const [config, all] of byConfig(parsed(operations, write.at))) {
      const changes = new Map(all.map(({ key, change }) => [key, change]));
      const written = new Map<string, Flag>();
      const made = await flagAppend(store, batchOf(config, all, write, willBe), async (key, isFeature) => {
        const one = await changedEntry(flags, { config, key }, changes.get(key)!, { actor, reason, isFeature });
        if (one.after !== null) written.set(key, one.after);
        return one;
      });
      if (written.size > 1) await flags.checkTotal(config, written);
      entries.push(...made.entries);
      const { wanted, bits: differing } = made;
      // A config of the same step may be another one by then.
      const input = willBe(config) === true && wanted.size > 0 ? inputOf(wanted) : differing?.input;
      if (input !== undefined) bits.push({ config, keys: [...wanted.keys()], input });
    }
    return { entries, bits };
  }

  async #planned(
    operation: FlagOperation,
    write: FlagWrite,
    known: ReadonlyMap<string, Flag | null>,
  ): Promise<Planned> {
    const { config, key, change } = operation;
    const value = known.get(streamOf(operation));
    if (value === undefined) return await this.#options.flags.plan(config, key, change, write);
    if (value === null && change.kind !== 'put') throw goneBefore(config, key);
    const set = (await this.#options.flags.findSet(config))?.value ?? { evaluators: {}, metadata: {} };
    const before = value === null ? null : { revision: 0, value };
    return { before, after: changedFlag(key, change, value, set, write.isFeature(key)) };
  }
}

function byConfig(operations: readonly FlagOperation[]): Iterable<[string, readonly FlagOperation[]]> {
  return Map.groupBy(operations, ({ config }) => config);
}

function batchOf(config: string, all: readonly FlagOperation[], { permit }: Making, willBe: WillBe): FlagBatch {
  return { config, keys: all.map(({ key }) => key), permit, isThere: willBe(config) };
}

/** Sets bits, whatever they are. */
function inputOf(wanted: ReadonlyMap<string, boolean>): FollowingBits['input'] {
  const rollouts = Object.fromEntries([...wanted.keys()].map((key) => [key, 0]));
  return { features: Object.fromEntries(wanted), rollouts };
}

function targetOf(operation: FlagOperation, { before, after: next }: Planned): Target {
  const state = before?.value ?? null;
  const difference = partsDifference(state, next);
  const moved = (base: unknown): readonly string[] => {
    const since = partsDifference(base, state).changes.map(({ field }) => field);
    return difference.changes.map(({ field }) => field).filter((field) => since.includes(field));
  };
  return { stream: streamOf(operation), revision: before?.revision ?? 0, state, next, difference, moved };
}

function parsed(operations: readonly Operation[], now: number): readonly FlagOperation[] {
  return operations.map((operation) => parseFlagOperation(operation, now));
}

function goneBefore(config: string, key: string): ConfigError {
  return new ConfigError('ERR_NOT_FOUND', {
    message: `There is no flag '${key}' in '${config}' by then: a step before deletes it`,
    hint: 'Put it, or leave the step out.',
    details: { what: `flag ${config}/${key}` },
  });
}

function streamOf({ config, key }: Pick<FlagOperation, 'config' | 'key'>): string {
  return flagStream(config, key);
}

/** `now` in milliseconds since 1970. */
function parseFlagOperation(operation: Operation, now: number): FlagOperation {
  const place = String(operation['flag']);
  const unknown = Object.keys(operation).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) throw unknownField(unknown, FIELDS);
  const [verb, ...more] = VERBS.filter((known) => operation[known] !== undefined);
  if (verb === undefined || more.length > 0) {
    throw wrongType(`the operation on flag ${place}`, `an object with one of ${VERBS.join(', ')}`, operation);
  }
  const end = place.lastIndexOf('/');
  const config = parseConfigName(place.slice(0, Math.max(end, 0))).name;
  return { config, key: parseFlagKey(place.slice(end + 1)), change: changeOf(verb, operation[verb], now) };
}

function changeOf(verb: (typeof VERBS)[number], input: unknown, now: number): FlagChange {
  if (verb === 'put' || verb === 'patch') return { kind: verb, input };
  if (input !== true) throw wrongType(verb, 'true', input);
  return verb === 'archive' ? { kind: verb, at: now } : { kind: verb };
}
