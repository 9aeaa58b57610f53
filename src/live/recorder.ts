/**
 * Visible, then durable: a change has already happened in its slot when it comes here. The recorder appends an entry
 * for each, in batches off the event loop, and says when all of them are on disk.
 *
 * 1. An entry that could not be written stays queued and is tried again with the next change and at each `settle`.
 * 2. `settle` resolves only when everything recorded before it is on disk.
 * 3. An entry whose revision another process has taken can never be written: it is dropped, and told of by
 *    `onConflict`.
 * @module
 */
import { configStream } from '../config/name.ts';
import { isConfigError, type ConfigError } from '../errors/errors.ts';
import type { ClaimedEntry, Entry, Journal, NewEntry } from '../journal/journal.ts';
import { encodeChange, entryTypeOf } from './change.ts';
import type { Swapped } from './config-slot.ts';

export interface Signature {
  readonly actor: string;
  readonly reason: string;
}

/** A config's first change has no state before it. */
export type Recorded = Omit<Swapped, 'before'> & { readonly before: Swapped['before'] | null };

export interface RecorderEvents {
  /** A durable entry: the board can tell others. */
  onDurable(entry: Entry): void;
  /** The revision belongs to somebody else's entry; this process and the journal disagree about the config. */
  onConflict(stream: string, error: ConfigError): void;
}

export class Recorder {
  readonly #journal: Promise<Journal>;
  readonly #events: RecorderEvents;
  readonly #underWay = new Set<Promise<void>>();
  #queued: (() => Promise<void>)[] = [];
  #scheduled = false;

  constructor(journal: Promise<Journal>, events: RecorderEvents) {
    this.#journal = journal;
    this.#events = events;
  }

  /** Queues the entry of a change that has happened. */
  record(name: string, change: Recorded, signature: Signature): void {
    this.run(() => this.#append(entryOf(name, change, signature)));
  }

  /**
   * As `record`, and resolves with the entry once it is on disk. When that fails the entry stays queued: what was
   * visible for a moment is part of the past too.
   */
  async recordNow(name: string, change: Recorded, signature: Signature): Promise<Entry> {
    const entry = entryOf(name, change, signature);
    try {
      const [appended] = await (await this.#journal).append([entry]);
      this.#events.onDurable(appended!);
      return appended!;
    } catch (error) {
      // A revision that somebody else's entry has taken can never be written.
      if (!isRevisionConflict(error)) this.#queued.push(() => this.#append(entry));
      throw error;
    }
  }

  /** Queues other work on the journal that must be done before `settle` resolves, and done again when it fails. */
  run(work: () => Promise<void>): void {
    this.#queued.push(work);
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      // What fails stays queued: `settle` tells, and tries again.
      void Promise.allSettled([this.#drain()]);
    });
  }

  /** Changes that are not on disk yet. */
  get pending(): number {
    return this.#queued.length + this.#underWay.size;
  }

  /**
   * Resolves when everything recorded so far is on disk. Throws what keeps it from being (ERR_JOURNAL_WRITE and the
   * like).
   */
  async settle(): Promise<void> {
    // The queue is taken in this turn: the microtask that would take it later finds nothing, and nothing slips between.
    const [own] = await Promise.allSettled([this.#drain(), ...this.#underWay]);
    if (own.status === 'rejected') throw own.reason;
    // What others had under way may have failed and been queued again meanwhile.
    if (this.#queued.length > 0) await this.#drain();
  }

  async #drain(): Promise<void> {
    const batch = this.#queued;
    this.#queued = [];
    const outcomes = await Promise.allSettled(batch.map((work) => this.#track(work())));
    const failures = outcomes.flatMap((outcome, i) =>
      outcome.status === 'rejected' ? [{ error: outcome.reason as unknown, work: batch[i]! }] : [],
    );
    if (failures.length === 0) return;
    this.#queued = [...failures.map(({ work }) => work), ...this.#queued];
    throw failures[0]!.error;
  }

  async #append(entry: NewEntry): Promise<void> {
    try {
      const journal = await this.#journal;
      const [appended] = await journal.append([entry]);
      this.#events.onDurable(appended!);
    } catch (error) {
      if (!isRevisionConflict(error)) throw error;
      this.#events.onConflict(entry.stream, error);
    }
  }

  #track(work: Promise<void>): Promise<void> {
    this.#underWay.add(work);
    const done = (): void => void this.#underWay.delete(work);
    work.then(done, done);
    return work;
  }
}

export function isRevisionConflict(error: unknown): error is ConfigError<'ERR_REVISION_CONFLICT'> {
  return isConfigError(error) && error.code === 'ERR_REVISION_CONFLICT';
}

/** The entry of a change, at the revision it took. */
export function entryOf(name: string, change: Recorded, { actor, reason }: Signature): ClaimedEntry {
  return {
    stream: configStream(name),
    type: entryTypeOf(change.kind),
    actor,
    reason,
    body: encodeChange(change),
    at: change.at,
    revision: change.revision,
  };
}
