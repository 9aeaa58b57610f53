/**
 * What the operations of a change request mean: which things they touch, what would become of these, and how all of it
 * is made in one append. An operation on a config is one of `bulk`; on a flag, what `change-flags.ts` takes.
 * @module
 */
import type { Operation } from '../changes/change-request.ts';
import { unknownField } from '../config/input.ts';
import { configStream } from '../config/name.ts';
import type { Flag } from '../flags/flag.ts';
import type { NewEntry } from '../journal/journal.ts';
import { parseBulk, type BulkChange } from '../live/bulk.ts';
import type { Draft } from '../live/commit.ts';
import type { ConfigOperations, Foreseen } from '../live/operations.ts';
import { withBits } from './change-bits.ts';
import type { ChangeFlags, Making, WillBe } from './change-flags.ts';
import { configDifference, configState, movedSections, type Difference } from './change-states.ts';

/** One thing that a step changes. */
export interface Target {
  readonly stream: string;
  /** 0: it is not there, or a step before is still to change it. */
  readonly revision: number;
  /** What is kept of it to compare it later, as it is and as it would be; null: it is not there. */
  readonly state: unknown;
  readonly next: unknown;
  readonly difference: Difference;
  /** What the change would set that was set otherwise since `base`. */
  readonly moved: (base: unknown) => readonly string[];
}

/** What steps before would have made, by name and by stream; null: it is not there. */
export interface Known {
  readonly configs: Map<string, Draft | null>;
  readonly flags: Map<string, Flag | null>;
}

export interface Make extends Making {
  readonly also: readonly NewEntry[];
}

export class ChangeTargets {
  readonly #operations: ConfigOperations;
  readonly #flags: ChangeFlags;

  constructor(operations: ConfigOperations, flags: ChangeFlags) {
    this.#operations = operations;
    this.#flags = flags;
  }

  /** Streams that the operations touch; nothing is looked at. Errors: those of `parseBulk` and of a flag's place. */
  streamsOf(operations: readonly Operation[]): readonly string[] {
    const { configs, flags } = parted(operations);
    return [...configs.map(({ name }) => configStream(name)), ...this.#flags.streamsOf(flags)];
  }

  /**
   * What would become of each thing, without making it; what is foreseen is noted in `known`. Errors: those of the
   * operations themselves, and what `permit` throws.
   */
  async foresee(
    operations: readonly Operation[],
    write: Making,
    known: Known = { configs: new Map(), flags: new Map() },
  ): Promise<readonly Target[]> {
    const { configs, flags } = parted(operations);
    const foreseen = configs.length === 0 ? [] : await this.#operations.foresee(configs, write, known.configs);
    const { targets, bits } = await this.#flags.foresee(flags, write, known.flags, (config) => {
      const before = known.configs.has(config) ? known.configs.get(config) !== null : undefined;
      return willBeAfter(configs)(config) ?? before;
    });
    const { permit: _asked, ...free } = write;
    const whole =
      bits.length === 0 ? foreseen : await this.#operations.foresee(withBits(configs, bits), free, known.configs);
    for (const { name, after, isDeleted } of whole) known.configs.set(name, isDeleted ? null : after);
    return [...foreseen.map(targetOf), ...targets];
  }

  /** All or none of it, with the entries in `also` and the bits that follow flags. Errors: those of `foresee`. */
  async make(operations: readonly Operation[], { also, at, ...write }: Make): Promise<void> {
    const { configs, flags } = parted(operations);
    const { entries, bits } = await this.#flags.made(flags, { ...write, at }, willBeAfter(configs));
    const all = [...entries, ...also];
    const { force = false, actor, reason = '' } = write;
    if (bits.length > 0) {
      // Nobody sets a bound bit by himself: all that is asked of him is asked before, at the revision that is changed.
      const changes = withBits(await this.#pinned(configs, write), bits);
      await this.#operations.bulk(changes, { actor, reason, force, also: all });
    } else if (configs.length > 0) await this.#operations.bulk(configs, { ...write, also: all });
    else await this.#operations.store.journal.append(all);
  }

  /** Each at the revision at which it is let through. */
  async #pinned(configs: readonly BulkChange[], write: Omit<Making, 'at'>): Promise<readonly BulkChange[]> {
    const foreseen = configs.length === 0 ? [] : await this.#operations.foresee(configs, write);
    return configs.map((change, i) => ({ ...change, expected: revisionOf(foreseen[i]!) }));
  }
}

/** What a step makes of configs; what it does not touch stays as it is. */
function willBeAfter(configs: readonly BulkChange[]): WillBe {
  return (config) => {
    const change = configs.find(({ name }) => name === config);
    return change === undefined ? undefined : change.delete !== true;
  };
}

/** Errors: those of `parseBulk`, ERR_UNKNOWN_FIELD. */
function parted(operations: readonly Operation[]): {
  configs: readonly BulkChange[];
  flags: readonly Operation[];
} {
  const configs = operations.filter(({ name }) => name !== undefined);
  // Which revision it is made on is the request's own to watch.
  if (configs.some(({ expected }) => expected !== undefined)) throw unknownField('expected', CONFIG_FIELDS);
  const flags = operations.filter(({ name }) => name === undefined);
  return { configs: configs.length === 0 ? [] : parseBulk(configs), flags };
}

const CONFIG_FIELDS = ['name', 'set', 'template', 'rollback', 'reset', 'delete'];

/** 0: it is not there, or a step before is still to change it. */
function revisionOf({ before }: Foreseen): number {
  return before !== null && 'revision' in before ? before.revision : 0;
}

function targetOf(foreseen: Foreseen): Target {
  const { name, before, after, isDeleted } = foreseen;
  return {
    stream: configStream(name),
    revision: revisionOf(foreseen),
    state: configState(before),
    next: configState(isDeleted ? null : after),
    difference: configDifference(foreseen),
    moved: (base) => movedSections(base, foreseen),
  };
}
