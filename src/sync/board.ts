/**
 * Boards as configs use them: one mapping for all configs of this process on the same file, and a look once a second
 * whether the file is still the one others see. A board that was removed is made anew and its configs move over.
 * @module
 */
import type { Region, SlotImage } from '../../bindings/backend.ts';
import type { NativeBackend } from '../../bindings/native.ts';
import type { NativeBoard } from '../../bindings/native-board.ts';
import { ConfigError } from '../errors/errors.ts';
import type { Place } from './place.ts';

/** Slots of a new board: 16 MB of file. */
export const BOARD_CAPACITY = 65_536;
/** The journal id of a board that shows no journal. */
export const NO_JOURNAL = '0'.repeat(32);
const CHECK_INTERVAL_MS = 1000;

export interface BoardSettings {
  readonly path: string;
  /** 32 hex digits, or NO_JOURNAL. */
  readonly journalId: string;
}

/** The file of the board that shows the journal in `database`. */
export function boardPathOf(database: string): string {
  return `${database}-board`;
}

/** A slot on the board at `settings.path`, made if the name has none. Errors: ERR_BOARD, ERR_BOARD_FULL, ERR_UNSUPPORTED. */
export function openBoardPlace(native: NativeBackend, settings: BoardSettings, name: string): Place {
  return shared(native, settings).place(name);
}

const boards = new Map<string, SharedBoard>();

function shared(native: NativeBackend, settings: BoardSettings): SharedBoard {
  const key = `${settings.path}\0${settings.journalId}`;
  const known = boards.get(key);
  if (known !== undefined) return known;
  const board = new SharedBoard(native, settings, () => boards.delete(key));
  boards.set(key, board);
  return board;
}

class SharedBoard {
  readonly #native: NativeBackend;
  readonly #settings: BoardSettings;
  readonly #onUnused: () => void;
  readonly #places = new Set<BoardPlace>();
  readonly #timer: ReturnType<typeof setInterval>;
  board: NativeBoard;

  constructor(native: NativeBackend, settings: BoardSettings, onUnused: () => void) {
    this.#native = native;
    this.#settings = settings;
    this.#onUnused = onUnused;
    this.board = this.#open();
    this.#timer = setInterval(() => this.check(), CHECK_INTERVAL_MS);
    this.#timer.unref();
  }

  place(name: string): BoardPlace {
    const place = new BoardPlace(this, this.#native, name);
    this.#places.add(place);
    return place;
  }

  forget(place: BoardPlace): void {
    this.#places.delete(place);
    if (this.#places.size > 0) return;
    clearInterval(this.#timer);
    this.#onUnused();
    this.board.close();
  }

  /** Moves every config to the board that now is at the path, each with the last state it had here. */
  check(): void {
    const health = this.board.check();
    if (health === 'ok') return;
    const old = this.board;
    const images = [...this.#places].map((place) => ({ place, image: place.image(old) }));
    // A board that was emptied belongs to another journal now: taking it back would empty theirs.
    const next = health === 'replaced' ? this.#open() : null;
    if (next !== null) this.board = next;
    for (const { place, image } of images) place.move(next, image);
    old.close();
  }

  #open(): NativeBoard {
    const { path, journalId } = this.#settings;
    return this.#native.openBoard(path, { journalId, capacity: BOARD_CAPACITY, readOnly: false });
  }
}

class BoardPlace implements Place {
  readonly kind = 'board';
  readonly #shared: SharedBoard;
  readonly #native: NativeBackend;
  readonly #name: string;
  #moved: () => void = () => {};
  #lost = false;
  region: Region;
  slot: number;

  constructor(shared: SharedBoard, native: NativeBackend, name: string) {
    this.#shared = shared;
    this.#native = native;
    this.#name = name;
    this.region = shared.board;
    this.slot = shared.board.find(name, true)!;
  }

  locked<T>(work: () => T): T {
    if (this.#lost) throw this.#lostError();
    return this.#shared.board.locked(work);
  }

  announce(seq: number): void {
    if (!this.#lost) this.#shared.board.announce(seq);
  }

  onMoved(listener: () => void): void {
    this.#moved = listener;
  }

  close(): void {
    if (this.#lost) this.region.close();
    this.#shared.forget(this);
  }

  image(board: NativeBoard): SlotImage {
    return this.#native.slotRead(board, this.slot);
  }

  /** To the new board, or, when there is none for us, into private memory where reads keep the last state. */
  move(board: NativeBoard | null, image: SlotImage): void {
    if (board === null) {
      this.#lost = true;
      this.region = this.#native.slotsCreate(1);
      this.slot = 0;
      this.#native.slotSeed(this.region, 0, image);
    } else {
      const slot = board.find(this.#name, true)!;
      board.locked(() => this.#native.slotSeed(board, slot, image));
      this.region = board;
      this.slot = slot;
    }
    this.#moved();
  }

  #lostError(): ConfigError {
    const { path } = this.#shared.board;
    return new ConfigError('ERR_BOARD', {
      message: `The board ${path} now shows another journal: '${this.#name}' is cut off from it`,
      hint: 'The database was replaced while this process ran: close the config and open it again.',
      details: { path, fault: 'emptied' },
    });
  }
}
