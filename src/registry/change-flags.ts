/**
 * Operations of change requests on rich flags: what they say, parsed before anything is looked at, and what they would
 * make, with the bits that follow them.
 * @module
 */
import type { Operation } from '../changes/change-request.ts';
import { unknownField, wrongType } from '../config/input.ts';
import { configStream, parseConfigName } from '../config/name.ts';
import { ConfigError } from '../errors/errors.ts';
import { isBoolean, wantedBit } from '../flags/bound.ts';
import { parseFlagKey } from '../flags/definition.ts';
import type { Flag } from '../flags/flag.ts';
import { changedFlag, type FlagChange } from '../flags/flag-change.ts';
import type { Flags } from '../flags/flags.ts';
import type { NewEntry } from '../journal/journal.ts';
import type { Resource } from '../journal/resources.ts';
import type { BulkWrite, ConfigOperations } from '../live/operations.ts';
import { bitChange } from './bit-change.ts';
import type { FollowingBits } from './change-bits.ts';
import { partsDifference } from './change-states.ts';
import type { Target } from './change-targets.ts';
import { flagStream } from './flag-list.ts';
import { checkBindable } from './flag-writes.ts';

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

export interface ChangeFlagsOptions {
  readonly flags: Pick<Flags, 'plan' | 'entryOf' | 'findSet'>;
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
   * foreseen is noted there. Errors: those of `Flags.plan`, ERR_FORBIDDEN, and what `permit` throws.
   */
  async foresee(
    operations: readonly Operation[],
    write: Making,
    known: Map<string, Flag | null>,
  ): Promise<ForeseenFlags> {
    const targets: Target[] = [];
    const bound: (FlagOperation & Pick<Planned, 'after'>)[] = [];
    for (const operation of parsed(operations, write.at)) {
      const isBound = await this.#ask(operation, write);
      const planned = await this.#planned(operation, write, known);
      known.set(streamOf(operation), planned.after);
      targets.push(targetOf(operation, planned));
      if (isBound) bound.push({ ...operation, after: planned.after });
    }
    const byConfig = [...Map.groupBy(bound, ({ config }) => config)];
    return { targets, bits: await Promise.all(byConfig.map((one) => this.#wantedBits(...one))) };
  }

  /** Errors: those of `foresee`. */
  async made(operations: readonly Operation[], write: Making): Promise<MadeFlags> {
    const entries: NewEntry[] = [];
    const wanted = new Map<string, Map<string, boolean>>();
    for (const operation of parsed(operations, write.at)) {
      const { config, key, change } = operation;
      const isBound = await this.#ask(operation, write);
      const said = await this.#flagWrite(config, write);
      if (isBound) {
        const { after } = await this.#options.flags.plan(config, key, change, said);
        const bits = wanted.get(config) ?? new Map<string, boolean>();
        if (after !== null && isBoolean(after)) wanted.set(config, bits.set(key, wantedBit(after)));
      }
      entries.push(await this.#options.flags.entryOf(config, key, change, said));
    }
    const bits = await Promise.all([...wanted].map(([config, all]) => this.#bits(config, all)));
    return { entries, bits: bits.flatMap((found) => found ?? []) };
  }

  /** What bits are to be, whatever they are. */
  async #wantedBits(
    config: string,
    changed: readonly { readonly key: string; readonly after: Flag | null }[],
  ): Promise<FollowingBits> {
    const isThere = (await this.#options.store.find(config)) !== null;
    const wanted = changed.flatMap(({ key, after }) =>
      after !== null && isBoolean(after) ? [[key, wantedBit(after)] as const] : [],
    );
    const rollouts = Object.fromEntries(wanted.map(([key]) => [key, 0]));
    const input = isThere ? { features: Object.fromEntries(wanted), rollouts } : null;
    return { config, keys: changed.map(({ key }) => key), input };
  }

  async #bits(config: string, wanted: ReadonlyMap<string, boolean>): Promise<FollowingBits | null> {
    const change = await bitChange(this.#options.store, config, wanted);
    return change === null ? null : { config, keys: change.keys, input: change.input };
  }

  /** Whether it is bound to a bit, which is then asked for too. Throws ERR_FORBIDDEN, and what `permit` throws. */
  async #ask({ config, key }: FlagOperation, { permit }: Making): Promise<boolean> {
    permit?.(streamOf({ config, key }), []);
    if (!(await this.#options.store.features(config)).has(key)) return false;
    checkBindable(config, key);
    permit?.(configStream(config), [`feature:${key}`]);
    return true;
  }

  async #planned(operation: FlagOperation, write: Making, known: ReadonlyMap<string, Flag | null>): Promise<Planned> {
    const { config, key, change } = operation;
    const said = await this.#flagWrite(config, write);
    const value = known.get(streamOf(operation));
    if (value === undefined) return await this.#options.flags.plan(config, key, change, said);
    if (value === null && change.kind !== 'put') throw goneBefore(config, key);
    const set = (await this.#options.flags.findSet(config))?.value ?? { evaluators: {}, metadata: {} };
    const before = value === null ? null : { revision: 0, value };
    return { before, after: changedFlag(key, change, value, set, said.isFeature(key)) };
  }

  async #flagWrite(config: string, { actor, reason }: Making) {
    const features = await this.#options.store.features(config);
    return { actor, reason, isFeature: (name: string) => features.has(name) };
  }
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
