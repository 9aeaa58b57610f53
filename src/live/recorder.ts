/**
 * Visible, then durable: a change has already happened in its slot when it comes here. The recorder appends an entry
 * for each, in batches off the event loop, and says when all of them are on disk.
 *
 * 1. An entry that could not be written stays queued and is tried again at each `settle`, and with changes, but then at
 *    most once a second: a full disk costs no more the longer it lasts.
 * 2. `settle` resolves only when everything recorded before it is on disk.
 * 3. An entry that the journal refuses (another process has taken its revision) can never be written: it is dropped,
 *    and told of by `onRefused`.
 * @module
 */
import { configStream } from '../config/name.ts';
import { isConfigError, type ConfigError, type ErrorCode } from '../errors/errors.ts';
import type { ClaimedEntry, Entry, Journal, NewEntry } from '../journal/journal.ts';
import { encodeChange, entryTypeOf } from './change.ts';
import type { Swapped } from './config-slot.ts';

/** Least time between two attempts that changes cause while entries cannot be written. */
const RETRY_INTERVAL_MS = 1000;

export interface Signature {
  readonly actor: string;
  readonly reason: string;
}

/** A config's first change has no state before it. */
export type Recorded = Omit<Swapped, 'before'> & { readonly before: Swapped['before'] | null };

export interface RecorderEvents {
  /** An entry that will never be written: this process and the journal disagree about the config. */
  onRefused(stream: string, error: ConfigError): void;
}

export class Recorder {
  readonly #journal: Promise<Journal>;
  readonly #events: RecorderEvents;
  readonly #clock: () => number;
  readonly #underWay = new Set<Promise<void>>();
  #queued: (() => Promise<void>)[] = [];
  #scheduled = false;
  #retry: ReturnType<typeof setTimeout> | null = null;
  /** Before this moment changes alone cause no attempt. */
  #retryAt = Number.NEGATIVE_INFINITY;

  /** `clock` in milliseconds; it never runs back. */
  constructor(journal: Promise<Journal>, events: RecorderEvents, clock = (): number => performance.now()) {
    this.#journal = journal;
    this.#events = events;
    this.#clock = clock;
  }

  /** Queues the entry of a change that has happened. */
  record(name: string, change: Recorded, signature: Signature): void {
    this.run(() => this.#append([entryOf(name, change, signature)]));
  }

  /**
   * Appends the entries of changes that have happened, all or none, and resolves once they are on disk. When that fails
   * they stay queued, unless one was refused: what was visible for a moment is part of the past too. `also` are entries
   * of other streams for the same append; they tell of what is done with it, so they are never queued.
   */
  async recordNow(entries: readonly NewEntry[], also: readonly NewEntry[] = []): Promise<readonly Entry[]> {
    try {
      return await (await this.#journal).append([...entries, ...also]);
    } catch (error) {
      if (!isRefusal(error)) this.#queued.push(() => this.#append(entries));
      throw error;
    }
  }

  /** Queues other work on the journal that must be done before `settle` resolves, and done again when it fails. */
  run(work: () => Promise<void>): void {
    this.#queued.push(work);
    this.#schedule();
  }

  #schedule(): void {
    const wait = this.#retryAt - this.#clock();
    if (wait > 0) this.#scheduleRetry(wait);
    else if (!this.#scheduled) this.#scheduleDrain();
  }

  #scheduleDrain(): void {
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      // What fails stays queued: `settle` tells, and tries again.
      void Promise.allSettled([this.#drain()]);
    });
  }

  #scheduleRetry(wait: number): void {
    if (this.#retry !== null) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      if (this.#queued.length > 0) this.#schedule();
    }, wait).unref();
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
    if (failures.length === 0) {
      if (batch.length > 0) this.#retryAt = Number.NEGATIVE_INFINITY;
      return;
    }
    this.#retryAt = this.#clock() + RETRY_INTERVAL_MS;
    this.#queued = [...failures.map(({ work }) => work), ...this.#queued];
    throw failures[0]!.error;
  }

  async #append(entries: readonly NewEntry[]): Promise<void> {
    try {
      await (await this.#journal).append(entries);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      // What one of them is refused for is not the fault of the others.
      if (entries.length > 1) for (const entry of entries) this.run(() => this.#append([entry]));
      else this.#events.onRefused(entries[0]!.stream, error);
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

/** What fails for the journal's sake, whatever the entry says: it can pass. */
const OF_THE_JOURNAL: ReadonlySet<ErrorCode> = new Set([
  'ERR_JOURNAL_WRITE',
  'ERR_JOURNAL_DAMAGED',
  'ERR_JOURNAL_FOREIGN',
  'ERR_JOURNAL_TOO_NEW',
  'ERR_REPLICA',
  'ERR_CLOSED',
  'ERR_BOARD',
  'ERR_BOARD_FULL',
]);

/** True when the journal judged the entry itself: no further attempt can succeed. */
export function isRefusal(error: unknown): error is ConfigError {
  return isConfigError(error) && !OF_THE_JOURNAL.has(error.code);
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
