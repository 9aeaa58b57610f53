/**
 * The slots that a store has open, one a config, each with a state in it. On the board where this process has boards;
 * elsewhere in memory of its own, and changed only while nobody has a board.
 * @module
 */
import type { SlotImage } from '../../bindings/backend.ts';
import { openBoardPlace } from '../sync/board.ts';
import { openMemoryPlace, type Place } from '../sync/place.ts';
import { ConfigSlot } from './config-slot.ts';
import { boardCore, core } from './core.ts';
import type { Database } from './database.ts';
import { expectUnshared } from './place-rules.ts';

export class OpenSlots implements Iterable<[name: string, slot: ConfigSlot]> {
  readonly #database: Database;
  readonly #slots = new Map<string, ConfigSlot>();

  constructor(database: Database) {
    this.#database = database;
  }

  get(name: string): ConfigSlot | undefined {
    return this.#slots.get(name);
  }

  [Symbol.iterator](): Iterator<[name: string, slot: ConfigSlot]> {
    return this.#slots[Symbol.iterator]();
  }

  /**
   * Before the journal is read for the first slot: from when there is a board nobody writes past it, so what is read
   * then is all there is. Throws ERR_JOURNAL_WRITE when another file is at the path.
   */
  makeBoard(): void {
    const native = boardCore();
    if (native === null || this.#slots.size > 0) return;
    this.#database.guard();
    const { path, journalId, capacity } = this.#database.board;
    native.openBoard(path, { journalId, capacity, readOnly: false }).close();
  }

  /** With a state in it, or not at all. `isTaken`: that state is this one. Errors: ERR_BOARD, ERR_BOARD_FULL. */
  open(name: string, image: SlotImage): { slot: ConfigSlot; isTaken: boolean } {
    const known = this.#slots.get(name);
    const slot = known ?? new ConfigSlot(core().backend, this.#placeOf(name), { ring: false, timed: false });
    try {
      const isTaken = slot.raise(image);
      this.#slots.set(name, slot);
      return { slot, isTaken };
    } catch (error) {
      if (known === undefined) slot.close();
      throw error;
    }
  }

  close(): void {
    for (const slot of this.#slots.values()) slot.close();
    this.#slots.clear();
  }

  #placeOf(name: string): Place {
    const native = boardCore();
    if (native !== null) return openBoardPlace(native, this.#database.board, name);
    return { ...openMemoryPlace(core().backend), prepare: () => expectUnshared(this.#database.path) };
  }
}
