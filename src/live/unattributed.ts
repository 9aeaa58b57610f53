/**
 * What processes did and were killed before they could enter it: found by looking at the board again and again, and
 * signed for them. A board that is ahead of the journal, at the same revision as at the last look, gets an entry that
 * shows the difference.
 * @module
 */
import type { Journal } from '../journal/journal.ts';
import type { Commits } from './commits.ts';
import type { ConfigSlot } from './config-slot.ts';
import type { Database } from './database.ts';
import { imageOf } from './images.ts';
import type { OpenSlots } from './open-slots.ts';
import { configsProjection } from './projection.ts';
import { isRevisionConflict, type Signature } from './recorder.ts';

export class Unattributed {
  readonly #database: Database;
  readonly #journal: Journal;
  readonly #slots: OpenSlots;
  readonly #commits: Commits;
  readonly #ahead = new Map<string, number>();
  /** Revisions that are known to be on disk, and the journal's sequence when all its configs were open. */
  readonly #stored = new Map<string, number>();
  #openedAt = 0;

  constructor(database: Database, journal: Journal, slots: OpenSlots, commits: Commits) {
    this.#database = database;
    this.#journal = journal;
    this.#slots = slots;
    this.#commits = commits;
  }

  async sign(signature: Signature): Promise<void> {
    const { seq } = await this.#journal.head();
    // Who was killed between his append and its announcement has told nobody.
    this.#database.announce(seq);
    // What waits to be written is not unsigned: it is ours.
    if (this.#commits.isBehind) return;
    await this.#openAll(seq);
    await this.#commits.takeOverDiverged(signature);
    for (const [name, slot] of this.#slots) {
      if (slot.revision === this.#stored.get(name)) continue;
      const stored = await this.#journal.query(configsProjection, 'state', name);
      const { revision } = slot;
      if (stored !== null) this.#stored.set(name, stored.revision);
      const isAhead = stored !== null && revision > stored.revision;
      const wasAhead = this.#ahead.get(name) === revision;
      if (isAhead && !wasAhead) this.#ahead.set(name, revision);
      else this.#ahead.delete(name);
      if (isAhead && wasAhead) await this.#signGap(name, slot, signature);
    }
  }

  /** Also what others have made: nobody else signs for a process that dies while it changes that. */
  async #openAll(seq: number): Promise<void> {
    if (seq === this.#openedAt) return;
    this.#slots.makeBoard();
    for (const name of await this.#journal.query(configsProjection, 'namesEver', null)) {
      if (this.#slots.get(name) !== undefined) continue;
      const stored = await this.#journal.query(configsProjection, 'state', name);
      if (stored === null || this.#slots.get(name) !== undefined) continue;
      this.#slots.open(name, imageOf(stored));
    }
    this.#openedAt = seq;
  }

  /** A conflict means that somebody else is at work: what he enters shows the gap too, or replaces it. */
  async #signGap(name: string, slot: ConfigSlot, signature: Signature): Promise<void> {
    try {
      const { revision: expected } = slot;
      const change = slot.swap({ kind: 'persist', always: true, expected }, (state) => state)!;
      await this.#commits.append([{ name, slot, change, signature, wasThere: true }]);
    } catch (error) {
      if (!isRevisionConflict(error)) throw error;
    }
  }
}
