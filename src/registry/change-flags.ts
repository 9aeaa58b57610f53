/**
 * Operations of change requests on rich flags: what they say, parsed before anything is looked at, and what they would
 * make. The bit of a bound flag is none of its business: it follows the flag.
 * @module
 */
import type { Operation } from '../changes/change-request.ts';
import { unknownField, wrongType } from '../config/input.ts';
import { parseConfigName } from '../config/name.ts';
import { parseFlagKey } from '../flags/definition.ts';
import type { FlagChange } from '../flags/flag-change.ts';
import type { Flags } from '../flags/flags.ts';
import type { NewEntry } from '../journal/journal.ts';
import type { BulkWrite, ConfigOperations } from '../live/operations.ts';
import { partsDifference } from './change-states.ts';
import type { Target } from './change-targets.ts';

const VERBS = ['put', 'patch', 'archive', 'restore', 'delete'] as const;
const FIELDS = ['flag', ...VERBS];

interface FlagOperation {
  readonly config: string;
  readonly key: string;
  readonly change: FlagChange;
}

type Write = Omit<BulkWrite, 'also'>;

export interface ChangeFlagsOptions {
  readonly flags: Pick<Flags, 'plan' | 'entryOf'>;
  readonly store: Pick<ConfigOperations['store'], 'features'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export class ChangeFlags {
  readonly #options: ChangeFlagsOptions;

  constructor(options: ChangeFlagsOptions) {
    this.#options = options;
  }

  /** Errors: ERR_NAME, ERR_WRONG_TYPE, ERR_UNKNOWN_FIELD, those of `parseFlagKey`. */
  streamsOf(operations: readonly Operation[]): readonly string[] {
    return this.#parsed(operations).map(streamOf);
  }

  /**
   * What would become of each flag as it is now: of one that an earlier step makes, nothing is known yet. Errors: those
   * of `Flags.plan`, and what `permit` throws.
   */
  async foresee(operations: readonly Operation[], write: Write): Promise<readonly Target[]> {
    const targets: Target[] = [];
    for (const operation of this.#parsed(operations)) targets.push(await this.#target(operation, write));
    return targets;
  }

  async entries(operations: readonly Operation[], write: Write): Promise<readonly NewEntry[]> {
    const entries: NewEntry[] = [];
    for (const operation of this.#parsed(operations)) {
      const { config, key, change } = operation;
      write.permit?.(streamOf(operation), []);
      entries.push(await this.#options.flags.entryOf(config, key, change, await this.#flagWrite(config, write)));
    }
    return entries;
  }

  async #target(operation: FlagOperation, write: Write): Promise<Target> {
    const { config, key, change } = operation;
    const stream = streamOf(operation);
    write.permit?.(stream, []);
    const planned = await this.#options.flags.plan(config, key, change, await this.#flagWrite(config, write));
    const [state, next] = [planned.before?.value ?? null, planned.after];
    const difference = partsDifference(state, next);
    const moved = (base: unknown): readonly string[] => {
      const since = partsDifference(base, state).changes.map(({ field }) => field);
      return difference.changes.map(({ field }) => field).filter((field) => since.includes(field));
    };
    return { stream, revision: planned.before?.revision ?? 0, state, next, difference, moved };
  }

  async #flagWrite(config: string, { actor, reason }: Write) {
    const features = await this.#options.store.features(config);
    return { actor, reason, isFeature: (name: string) => features.has(name) };
  }

  #parsed(operations: readonly Operation[]): readonly FlagOperation[] {
    return operations.map((operation) => parseFlagOperation(operation, this.#options.now()));
  }
}

function streamOf({ config, key }: FlagOperation): string {
  return `flag:${config}/${key}`;
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
