/**
 * The way of one open config's changes into the journal, in their order.
 *
 * On a board every process swaps the same cell, so each revision has one owner: its entry claims it, and entries of
 * several processes may arrive in any order. In memory of this process another one can take the same revision: there
 * each entry expects the one before it, and none is written, nor counts as written, once others have a board.
 *
 * After an entry that the journal refused nothing is written until its newest state was taken over, for it would put a
 * state over one that nobody here has seen: on a board at once and by itself, in memory when `load` asks for it.
 * @module
 */
import type { ConfigError } from '../errors/errors.ts';
import type { NewEntry } from '../journal/journal.ts';
import { openBoardPlace } from '../sync/board.ts';
import type { Place } from '../sync/place.ts';
import { ConfigSlot } from './config-slot.ts';
import { boardCore, core } from './core.ts';
import type { Database, DatabaseUser } from './database.ts';
import { sharedElsewhere } from './place-rules.ts';
import { entryOf, isRefusal, type Recorded, type Signature } from './recorder.ts';
import { takeOver } from './take-over.ts';

/** Entries of one append; all of them are written or none. */
const GROUP_MAX = 100;

export class ChangeLog implements DatabaseUser {
  readonly name: string;
  readonly isShared: boolean;
  readonly database: Database;
  /** Why the journal will never have what the code declares; null while it has or may. */
  refusedDeclaration: ConfigError | null = null;
  readonly #place: Place;
  /** In order, not yet on disk. */
  #waiting: NewEntry[] = [];
  #writing: Promise<void> | null = null;
  #diverged = false;
  #refused: ConfigError | null = null;
  #actor = '';

  constructor(database: Database, name: string, place: Place) {
    this.database = database;
    this.name = name;
    this.isShared = place.kind === 'board';
    this.#place = place;
    database.attach(this);
  }

  /** Whether what is shown here is not what the journal has, and cannot get there. */
  get diverged(): boolean {
    return this.#diverged;
  }

  /** Queues the entry of a change that has happened. */
  record(change: Recorded, signature: Signature): void {
    if (this.#diverged) return;
    this.#actor = signature.actor;
    const entry = entryOf(this.name, change, signature);
    const { revision, ...unclaimed } = entry;
    this.#waiting.push(this.#place.kind === 'board' ? entry : { ...unclaimed, expected: revision - 1 });
    this.database.recorder.run(() => this.#write());
  }

  /** The journal's newest state was taken over: what comes now builds on it. */
  caughtUp(): void {
    this.#diverged = false;
    this.#refused = null;
  }

  /** Throws what the journal refused: on a board once, in memory until the newest state was taken over. */
  tellRefusal(): void {
    const refused = this.#refused ?? this.refusedDeclaration;
    if (this.#place.kind === 'board') this.#refused = null;
    if (refused !== null) throw refused;
  }

  /** Of the entry that a take-over made: what was shown then is outdated. A lone config has no part in it. */
  onRefused(_stream: string, error: ConfigError): void {
    if (this.#place.kind === 'memory') return;
    this.#diverge(error);
    this.database.recorder.run(() => this.#write());
  }

  /** Throws what keeps changes from being on disk; of a lost race only `persist` tells. */
  async detach(): Promise<void> {
    await this.database.detach(this);
    if (this.#refused?.code === 'ERR_BOARD') throw this.#refused;
  }

  #write(): Promise<void> {
    if (this.#writing === null && this.#waiting.length === 0 && !this.#mustTakeOver) return Promise.resolve();
    this.#writing ??= this.#writeAll();
    return this.#writing;
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#waiting.length > 0 || this.#mustTakeOver) {
        if (this.#mustTakeOver) await this.#takeOver();
        await this.#writeWaiting();
      }
    } finally {
      this.#writing = null;
    }
  }

  async #writeWaiting(): Promise<void> {
    const journal = await this.database.journal;
    let size = GROUP_MAX;
    for (;;) {
      // Also after the last: who makes a board reads the journal then, and finds what was written before.
      const refused = this.#place.kind === 'memory' ? sharedElsewhere(this.database.path) : null;
      if (refused !== null) return this.#diverge(refused);
      if (this.#waiting.length === 0) return;
      const group = this.#waiting.slice(0, size);
      try {
        await journal.append(group);
        this.#written(group);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        if (group.length === 1) return this.#diverge(error);
        // Those before the refused one are part of the past.
        size = 1;
      }
    }
  }

  #written(group: readonly NewEntry[]): void {
    const written = new Set(group);
    this.#waiting = this.#waiting.filter((entry) => !written.has(entry));
  }

  #diverge(error: ConfigError): void {
    this.#waiting = [];
    this.#refused = error;
    this.#diverged = true;
  }

  get #mustTakeOver(): boolean {
    return this.#diverged && this.#place.kind === 'board';
  }

  /** Through a slot of its own: also a config that was closed meanwhile leaves nothing on the board that is refused. */
  async #takeOver(): Promise<void> {
    this.database.guard();
    const place = openBoardPlace(boardCore()!, this.database.board, this.name);
    const slot = new ConfigSlot(core().backend, place, { ring: false, timed: false });
    const signature = { actor: this.#actor, reason: 'the journal has another state' };
    try {
      await takeOver(this.database, this.name, slot, signature, () => {
        this.#diverged = false;
      });
    } finally {
      slot.close();
    }
  }
}
