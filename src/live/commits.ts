/**
 * Changes of one config or of several, all or none: swapped, appended as one, answered when they are on disk.
 *
 * 1. All of them are worked out first: what one is refused for, none is made of.
 * 2. If a swap loses its race, those before it are swapped back, and all are worked out anew; a condition that no
 *    longer holds is then told.
 * 3. If the append fails they are swapped back and the error is told; the failed entries and those that took them back
 *    stay queued, for both were visible.
 * 4. Entries of other streams that are to be in the same append (`also`) are there if and only if all changes are.
 * 5. While such entries are queued no change is begun: the next one first brings them to disk, or is refused before its
 *    swap.
 * @module
 */
import { configOfStream, configStream, parseConfigName } from '../config/name.ts';
import { decodeConfig } from '../config/value.ts';
import type { ConfigError } from '../errors/errors.ts';
import { checkName, checkReason } from '../journal/border.ts';
import type { Entry, Journal, NewEntry } from '../journal/journal.ts';
import { blankContent, isBlank } from './change.ts';
import { applied, LostRace, plan, snapshotOf } from './commit.ts';
import type { Committed, ConfigSnapshot, NamedCommit, Planned, Target } from './commit.ts';
import { conflict, type ConfigSlot } from './config-slot.ts';
import type { Database } from './database.ts';
import { imageOf } from './images.ts';
import type { OpenSlots } from './open-slots.ts';
import { expectUnshared } from './place-rules.ts';
import { configsProjection } from './projection.ts';
import { entryOf, isRefusal, isRevisionConflict, type Recorded, type Signature } from './recorder.ts';
import { takeOver } from './take-over.ts';

const TAKEN_OVER = 'the journal has another state';
/** Of a commit that has changed nothing yet: far more than any contention we have seen. */
const ATTEMPTS_MAX = 10_000;
/** Each of them was visible, and is in the history. */
const ROLLED_BACK_MAX = 5;

/** A change that is visible. */
export interface Made {
  readonly name: string;
  readonly slot: ConfigSlot;
  readonly change: Recorded;
  readonly signature: Signature;
  /** Of a config that was not there, there is nothing to put back. */
  readonly wasThere: boolean;
}

/** What became of a plan; no change: everything was so already. */
interface Done {
  readonly planned: Planned;
  readonly made: Made | null;
}

export class Commits {
  readonly #database: Database;
  readonly #journal: Journal;
  readonly #slots: OpenSlots;
  /** Entries of ours were queued that nobody waited for. */
  #mustSettle = false;
  /** Configs whose slot shows what the journal has refused. */
  readonly #diverged = new Set<string>();

  constructor(database: Database, journal: Journal, slots: OpenSlots) {
    this.#database = database;
    this.#journal = journal;
    this.#slots = slots;
  }

  /** Whether entries of ours wait to be written. */
  get isBehind(): boolean {
    return this.#database.recorder.pending > 0;
  }

  /**
   * Resolves when all are on disk. After an error none of them is. With `also`, each config gets an entry even when
   * nothing is different: what the others say of it must not rest on an entry that is still to come.
   */
  async commit(wanted: readonly NamedCommit[], also: readonly NewEntry[] = []): Promise<Committed[]> {
    const commits = also.length === 0 ? wanted : wanted.map((commit) => ({ ...commit, always: true }));
    for (const { signature } of commits) checkSignature(signature);
    await this.#bringQueuedToDisk(commits[0]!.signature);
    const done = await this.#makeAll(commits);
    const entries = [
      ...(await this.append(
        done.flatMap(({ made }) => made ?? []),
        also,
      )),
    ];
    const committed: Committed[] = [];
    for (const { planned, made } of done) {
      if (made === null) committed.push(await this.#unchanged(planned.target));
      else committed.push({ ...snapshotOfChange(made, entries.shift()!), changed: true });
    }
    return committed;
  }

  /** The entries of changes that are visible already, as one append. */
  async append(changes: readonly Made[], also: readonly NewEntry[] = []): Promise<readonly Entry[]> {
    if (changes.length === 0) return [];
    const entries = await this.#appendOrTakeBack(changes, also);
    // Who made a board meanwhile may not have seen it.
    if (changes[0]!.slot.place.kind === 'memory') expectUnshared(this.#database.path);
    return entries;
  }

  async #appendOrTakeBack(changes: readonly Made[], also: readonly NewEntry[]): Promise<readonly Entry[]> {
    try {
      return await this.#database.recorder.recordNow(changes.map(entryOfMade), also);
    } catch (error) {
      if (isRefusal(error)) await this.#afterRefusal(error, changes, also);
      else {
        this.#mustSettle = true;
        for (const made of changes) this.#takeBack(made, `revision ${made.change.revision} could not be stored`);
      }
      throw error;
    }
  }

  /** The journal has refused an entry of this stream: its state is taken over before anything is changed. */
  diverged(stream: string): void {
    this.#diverged.add(configOfStream(stream)!);
  }

  async takeOverDiverged({ actor }: Signature): Promise<void> {
    for (const name of this.#diverged) {
      const slot = this.#slots.get(name);
      if (slot !== undefined) await takeOver(this.#database, name, slot, { actor, reason: TAKEN_OVER });
      this.#diverged.delete(name);
    }
  }

  async #bringQueuedToDisk(signature: Signature): Promise<void> {
    if (this.#mustSettle) await this.#database.recorder.settle();
    this.#mustSettle = false;
    await this.takeOverDiverged(signature);
  }

  async #makeAll(commits: readonly NamedCommit[]): Promise<Done[]> {
    let rolledBack = 0;
    for (let attempt = 1; ; attempt++) {
      const targets: Target[] = [];
      for (const commit of commits) targets.push(await this.#target(commit));
      const done: Done[] = [];
      try {
        // Nothing of this process comes between what is seen here and the swaps.
        for (const planned of targets.map(plan)) done.push({ planned, made: this.#make(planned) });
        return done;
      } catch (error) {
        const made = done.flatMap((one) => one.made ?? []);
        for (const one of made.toReversed())
          this.#recordAndTakeBack(one, 'another change of the same request was not made');
        if (!(error instanceof LostRace)) throw error;
        if (made.length > 0) rolledBack++;
        if (attempt === ATTEMPTS_MAX || rolledBack === ROLLED_BACK_MAX) throw error.told;
      }
    }
  }

  /** What is known of a config before it is changed. Throws ERR_NAME. */
  async #target(commit: NamedCommit): Promise<Target> {
    const slot = this.#slots.get(commit.name) ?? (await this.#openStored(commit.name));
    if (slot === null) return { commit, slot, blankAt: null, deletedAt: null };
    const { revision, ...state } = slot.look();
    if (!isBlank(state)) return { commit, slot, blankAt: null, deletedAt: null };
    // A deletion of ours may be on its way to disk.
    await this.#database.recorder.settle();
    await this.#journal.flush();
    const stored = await this.#journal.query(configsProjection, 'state', commit.name);
    return { commit, slot, blankAt: revision, deletedAt: stored?.isDeleted === true ? stored.revision : null };
  }

  async #openStored(name: string): Promise<ConfigSlot | null> {
    this.#slots.makeBoard();
    const stored = await this.#journal.query(configsProjection, 'state', parseConfigName(name).name);
    // Another commit may have opened it while we asked.
    return stored === null ? (this.#slots.get(name) ?? null) : this.#slots.open(name, imageOf(stored)).slot;
  }

  /** Makes a plan visible; null: nothing is different. Errors: LostRace, ERR_BOARD, ERR_BOARD_FULL. */
  #make({ target: { commit, slot }, seen, isThere: wasThere, wanted }: Planned): Made | null {
    const { name, signature } = commit;
    if (slot === null || seen === null) {
      const opened = this.#slots.open(name, wanted);
      if (!opened.isTaken) throw new LostRace(conflict(0, opened.slot.revision, configStream(name)));
      const { revision, modifiedAt: at } = wanted;
      const change = { revision, kind: 'create', at, before: null, after: wanted } as const;
      return { name, slot: opened.slot, change, signature, wasThere };
    }
    const how = wasThere
      ? { kind: commit.kind, always: commit.always === true }
      : { kind: 'create' as const, always: true };
    const change = raced(() =>
      slot.swap({ ...how, expected: seen.revision }, () => ({ ...seen, ...contentOf(wanted) })),
    );
    return change === null ? null : { name, slot, change, signature, wasThere };
  }

  #recordAndTakeBack(made: Made, reason: string): void {
    this.#mustSettle = true;
    this.#database.recorder.record(made.name, made.change, made.signature);
    this.#takeBack(made, reason);
  }

  /** Unless somebody has changed the config since: then his state, which builds on ours, stands. */
  #takeBack({ name, slot, change, signature, wasThere }: Made, reason: string): void {
    const before = wasThere ? change.before! : blankContent();
    // Also when the two states are equal: whether the config is there is no part of its state.
    const always = !wasThere || change.kind === 'delete';
    const kind = wasThere ? 'revert' : 'delete';
    try {
      const back = slot.swap({ kind, always, expected: change.revision }, (state) => ({
        ...state,
        ...contentOf(before),
      }));
      if (back !== null) this.#database.recorder.record(name, back, { ...signature, reason });
    } catch (error) {
      if (!isRevisionConflict(error)) throw error;
    }
  }

  /**
   * Somebody writes to this journal past our board. His state is the truth, and the caller decides on it anew; of the
   * other changes of the append none was stored. Or an entry of another stream was refused, and none was at all.
   */
  async #afterRefusal(error: ConfigError, changes: readonly Made[], also: readonly NewEntry[]): Promise<void> {
    const isAlone = changes.length + also.length === 1;
    const stream = 'stream' in error.details ? error.details.stream : '';
    for (const made of changes) {
      if (isAlone || configStream(made.name) === stream) this.#diverged.add(made.name);
      else this.#recordAndTakeBack(made, `it was one with a change of ${stream}, which was refused`);
    }
    // Whoever hears of the refusal finds in the journal what was taken back.
    await this.#bringQueuedToDisk(changes[0]!.signature);
  }

  /**
   * What was wanted is visible already, perhaps by a change that is still on its way to disk: then it is waited for, or
   * (another process's) gets an entry from us, so that this answer too speaks of what cannot be lost.
   */
  async #unchanged({ commit, slot }: Target): Promise<Committed> {
    const { name, signature } = commit;
    const { revision } = slot!;
    await this.#journal.flush();
    const stored = await this.#journal.query(configsProjection, 'state', name);
    if (stored !== null && stored.revision >= revision) return { ...snapshotOf(stored), changed: false };
    const { kind, expected } = commit;
    const change = slot!.swap({ kind, expected, always: true }, (state) => applied(state, commit, true))!;
    const made = { name, slot: slot!, change, signature, wasThere: true };
    const [entry] = await this.append([made]);
    return { ...snapshotOfChange(made, entry!), changed: false };
  }
}

/** With the time of the entry: that is what the journal says from now on. */
function snapshotOfChange({ name, change: { after, revision } }: Made, { at: modifiedAt }: Entry): ConfigSnapshot {
  return { name, revision, config: decodeConfig(after.config), rollouts: after.rollouts, modifiedAt };
}

function entryOfMade({ name, change, signature }: Made) {
  return entryOf(name, change, signature);
}

function contentOf<C extends { config: Uint8Array; rollouts: Uint16Array }>({ config, rollouts }: C) {
  return { config, rollouts };
}

/** A swap that is bound to what was seen: that another writer was faster is no fault of the caller's. */
function raced<R>(swap: () => R): R {
  try {
    return swap();
  } catch (error) {
    throw isRevisionConflict(error) ? new LostRace(error) : error;
  }
}

/** What no entry could hold is refused before anything is visible. */
export function checkSignature({ actor, reason }: Signature): void {
  checkName('actor', actor);
  checkReason('reason', reason);
}
