/**
 * The way of one open config's changes into the journal.
 *
 * On a board every process swaps the same cell, so each revision has one owner: its entry claims it, and entries may
 * arrive in any order. In memory of this process another one can take the same revision: there each entry expects the
 * one before it, and after the first that lost the race (`diverged`) nothing is written until the newer state was taken
 * over, for it would put a state over one that nobody here has seen.
 * @module
 */
import type { ConfigError } from '../errors/errors.ts';
import type { Entry, NewEntry } from '../journal/journal.ts';
import type { Place } from '../sync/place.ts';
import type { Database, DatabaseUser } from './database.ts';
import { entryOf, isRevisionConflict, type Recorded, type Signature } from './recorder.ts';

/** Entries of one append; all of them are written or none. */
const GROUP_MAX = 100;

export class ChangeLog implements DatabaseUser {
  readonly name: string;
  readonly database: Database;
  readonly #place: Place;
  /** In order, not yet on disk. */
  #waiting: NewEntry[] = [];
  #writing: Promise<void> | null = null;
  #diverged: ConfigError | null = null;

  constructor(database: Database, name: string, place: Place) {
    this.database = database;
    this.name = name;
    this.#place = place;
    database.attach(this);
  }

  /** Somebody else's entry has the revision of one of ours. */
  get diverged(): ConfigError | null {
    return this.#diverged;
  }

  /** Queues the entry of a change that has happened. */
  record(change: Recorded, signature: Signature): void {
    const { recorder } = this.database;
    if (this.#place.kind === 'board') return recorder.record(this.name, change, signature);
    if (this.#diverged !== null) return;
    const { revision, ...entry } = entryOf(this.name, change, signature);
    this.#waiting.push({ ...entry, expected: revision - 1 });
    recorder.run(() => this.#write());
  }

  /** The journal's newest state was taken over: what comes now builds on it. */
  caughtUp(): void {
    this.#diverged = null;
  }

  onDurable({ seq }: Entry): void {
    this.#place.announce(seq);
  }

  onConflict(error: ConfigError): void {
    this.#diverged = error;
    this.#waiting = [];
  }

  detach(): Promise<void> {
    return this.database.detach(this);
  }

  #write(): Promise<void> {
    if (this.#writing === null && this.#waiting.length === 0) return Promise.resolve();
    this.#writing ??= this.#writeAll();
    return this.#writing;
  }

  async #writeAll(): Promise<void> {
    try {
      const journal = await this.database.journal;
      while (this.#waiting.length > 0) {
        const group = this.#waiting.slice(0, GROUP_MAX);
        await journal.append(group);
        this.#waiting.splice(0, group.length);
      }
    } catch (error) {
      if (!isRevisionConflict(error)) throw error;
      this.onConflict(error);
    } finally {
      this.#writing = null;
    }
  }
}
