/**
 * Boards as configs use them: one mapping for all configs of this process on the same file. Whether the file is still
 * the one that others see is looked at before each change and once a second. A board that was removed is made anew and
 * its configs move over with their last state; one that now shows another journal is left, and its configs only read
 * on.
 * @module
 */
import type { Region } from '../../bindings/backend.ts';
import { freshWord, WAITERS_WORD, WORDS_PER_SLOT } from '../../bindings/cell-words.ts';
import type { NativeBackend } from '../../bindings/native.ts';
import type { NativeBoard } from '../../bindings/native-board.ts';
import { ConfigError, isConfigError } from '../errors/errors.ts';
import { copyPlaceIds } from './place-ids.ts';
import type { Place } from './place.ts';

/** The journal id of a board that shows no journal. */
export const NO_JOURNAL = '0'.repeat(32);
const CHECK_INTERVAL_MS = 1000;

export interface BoardSettings {
  readonly path: string;
  /** 32 hex digits, or NO_JOURNAL. */
  readonly journalId: string;
  /** Slots, when the file is made: 272 bytes each. */
  readonly capacity: number;
  /** The head of that journal as it is now. Left out: there is none. */
  readonly journalHead?: () => number;
  /** Whether the journal at its path is still that one. Left out: there is none that could be replaced. */
  readonly isCurrent?: () => boolean;
}

/** The file of the board that shows the journal in `database`. */
export function boardPathOf(database: string): string {
  return `${database}-board`;
}

/**
 * A slot on the board at `settings.path`, made if the name has none. Errors: ERR_BOARD, ERR_BOARD_FULL,
 * ERR_UNSUPPORTED.
 */
export function openBoardPlace(native: NativeBackend, settings: BoardSettings, name: string): Place {
  return sharedBoard(native, settings).place(name);
}

/** How a board does. */
export interface BoardFigures {
  /** Configs on it. */
  readonly slots: number;
  /** Configs it has room for. */
  readonly capacity: number;
  /** The journal's head, as the processes on it have been told. */
  readonly announced: number;
}

/** How far the journal is, as the processes on a board tell each other. */
export interface BoardHead {
  /** The highest sequence that anybody has announced: one load. Once the board is lost, what it was then. */
  readonly seq: number;
  /** Whether this board no longer shows the journal. */
  readonly isLost: boolean;
  /** Looks at every slot. */
  figures(): BoardFigures;
  announce(seq: number): void;
  close(): void;
}

/** That of the board at `settings.path`. Errors: ERR_BOARD, ERR_UNSUPPORTED. */
export function openBoardHead(native: NativeBackend, settings: BoardSettings): BoardHead {
  return sharedBoard(native, settings).head();
}

function sharedBoard(native: NativeBackend, settings: BoardSettings): SharedBoard {
  const key = `${settings.path}\0${settings.journalId}`;
  // One that must be left is left before it could be taken for the new one.
  boards.get(key)?.checkJournal();
  const board = boards.get(key) ?? new SharedBoard(native, settings, () => boards.delete(key));
  boards.set(key, board);
  return board;
}

/** Looks now at every board of this process, as happens each second by itself. */
export function checkBoards(): void {
  for (const board of boards.values()) board.look();
}

const boards = new Map<string, SharedBoard>();

class SharedBoard {
  readonly #native: NativeBackend;
  readonly #settings: BoardSettings;
  readonly #onUnused: () => void;
  readonly #places = new Set<BoardPlace>();
  readonly #heads = new Set<SharedHead>();
  readonly #timer: ReturnType<typeof setInterval>;
  board: NativeBoard;

  constructor(native: NativeBackend, settings: BoardSettings, onUnused: () => void) {
    this.#native = native;
    this.#settings = settings;
    this.#onUnused = onUnused;
    this.board = this.#open();
    this.#timer = setInterval(() => this.look(), CHECK_INTERVAL_MS);
    this.#timer.unref();
  }

  get path(): string {
    return this.#settings.path;
  }

  place(name: string): BoardPlace {
    try {
      const place = new BoardPlace(this, this.#native, name);
      this.#places.add(place);
      return place;
    } finally {
      this.#endIfUnused();
    }
  }

  head(): SharedHead {
    const head = new SharedHead(this);
    this.#heads.add(head);
    return head;
  }

  forget(user: BoardPlace | SharedHead): void {
    if (user instanceof SharedHead) this.#heads.delete(user);
    else this.#places.delete(user);
    this.#endIfUnused();
  }

  /**
   * Makes sure that this is the board others see, moving there if need be. Throws ERR_BOARD when it cannot be opened;
   * everything is then as before.
   */
  check(): void {
    const health = this.board.check();
    if (health === 'ok') return;
    // A board that shows another journal belongs to its processes: taking it back would empty theirs.
    const isOurs = health === 'replaced' && (this.#settings.isCurrent?.() ?? true);
    if (isOurs) return this.#move();
    // What was emptied holds nothing of ours any more; a file that was only removed still does.
    if (health === 'replaced') this.#remember();
    this.#leave();
  }

  /** The same, and that the journal is the one at its path: a database can be replaced while its board stays. */
  checkJournal(): void {
    this.check();
    if (this.#settings.isCurrent?.() !== false) return;
    this.#remember();
    this.#leave();
  }

  /** The same, from a timer: a board that cannot be opened now is tried again at the next look, and by each change. */
  look(): void {
    try {
      this.checkJournal();
      this.#remember();
    } catch (error) {
      if (!isConfigError(error)) throw error;
    }
  }

  /** First everything that can fail, then the views, so that a failure leaves all configs where they were. */
  #move(): void {
    const old = this.board;
    const next = this.#open(old.slotCount);
    const moves: (readonly [place: BoardPlace, slot: number])[] = [];
    try {
      for (const place of this.#places) moves.push([place, place.copyTo(next)]);
    } catch (error) {
      next.close();
      throw error;
    }
    next.announce(old.head());
    this.board = next;
    for (const [place, slot] of moves) place.move(next, slot);
    old.close();
  }

  #remember(): void {
    for (const place of this.#places) place.rememberWhole();
  }

  #leave(): void {
    for (const user of [...this.#places, ...this.#heads]) user.leave();
    this.#places.clear();
    this.#heads.clear();
    this.#end();
  }

  #endIfUnused(): void {
    if (this.#places.size + this.#heads.size === 0) this.#end();
  }

  #end(): void {
    clearInterval(this.#timer);
    this.#onUnused();
    this.board.close();
  }

  /** A board that is made anew has at least the room of the one before. */
  #open(slotsBefore = 0): NativeBoard {
    const { path, journalId } = this.#settings;
    const capacity = Math.max(this.#settings.capacity, slotsBefore);
    const board = this.#native.openBoard(path, { journalId, capacity, readOnly: false });
    try {
      this.#rewind(board);
      return board;
    } catch (error) {
      board.close();
      throw error;
    }
  }

  /**
   * A board must not show what its journal no longer holds: an older state of the database was put back. What the board
   * announces was on disk by then, so a journal that is asked afterwards and is behind has gone back.
   */
  #rewind(board: NativeBoard): void {
    const announced = board.head();
    if (announced === 0 || this.#settings.journalHead === undefined) return;
    const head = this.#settings.journalHead();
    if (head < announced) board.rewind(head);
  }
}

class SharedHead implements BoardHead {
  readonly #shared: SharedBoard;
  /** What it was when the board was lost. */
  #last: number | null = null;

  constructor(shared: SharedBoard) {
    this.#shared = shared;
  }

  get seq(): number {
    return this.#last ?? this.#shared.board.head();
  }

  get isLost(): boolean {
    return this.#last !== null;
  }

  figures(): BoardFigures {
    const { board } = this.#shared;
    return { slots: board.names().length, capacity: board.slotCount, announced: this.seq };
  }

  announce(seq: number): void {
    if (this.#last === null) this.#shared.board.announce(seq);
  }

  leave(): void {
    this.#last = this.seq;
  }

  close(): void {
    if (this.#last !== null) return;
    this.leave();
    this.#shared.forget(this);
  }
}

class BoardPlace implements Place {
  readonly kind = 'board';
  readonly #shared: SharedBoard;
  readonly #native: NativeBackend;
  readonly #name: string;
  #moved: () => void = () => {};
  /** The words of the slot as they were last seen whole; zeros: never. */
  #remembered = new Uint32Array(WORDS_PER_SLOT);
  #copy = new Uint32Array(WORDS_PER_SLOT);
  #words: Uint32Array;
  #isLost = false;
  region: Region;
  slot: number;

  constructor(shared: SharedBoard, native: NativeBackend, name: string) {
    this.#shared = shared;
    this.#native = native;
    this.#name = name;
    this.region = shared.board;
    this.slot = shared.board.find(name, true)!;
    this.#words = wordsOf(this.region, this.slot);
  }

  prepare(): void {
    if (!this.#isLost) this.#shared.check();
    if (this.#isLost) throw this.#lostError();
  }

  /** After each change, so no more than a copy. A slot that is being emptied loses its cell first. */
  remember(): void {
    if (this.#isLost) return;
    const copy = this.#copy;
    do copy.set(this.#words);
    while (copy[0] !== freshWord(this.#words, 0));
    if ((copy[0]! | copy[1]! | copy[2]! | copy[3]!) === 0) return;
    this.#copy = this.#remembered;
    this.#remembered = copy;
  }

  /** Also what others changed; not what was damaged. */
  rememberWhole(): void {
    if (this.#isLost) return;
    try {
      this.#native.slotRead(this.region, this.slot);
      this.remember();
    } catch (error) {
      if (!isConfigError(error) || error.code !== 'ERR_RECORD_CHECKSUM') throw error;
    }
  }

  onMoved(listener: () => void): void {
    this.#moved = listener;
  }

  close(): void {
    if (this.#isLost) this.region.close();
    else this.#shared.forget(this);
  }

  /** Brings what the slot holds to another board, or held before it was damaged; answers the slot there. */
  copyTo(board: NativeBoard): number {
    this.rememberWhole();
    const kept = this.#rememberedRegion();
    const image = this.#native.slotRead(kept, 0);
    kept.close();
    const slot = board.find(this.#name, true)!;
    if (image.revision > 0) this.#native.slotSeed(board, slot, image);
    copyPlaceIds(this.#words, wordsOf(board, slot));
    return slot;
  }

  move(board: NativeBoard, slot: number): void {
    this.region = board;
    this.slot = slot;
    this.#words = wordsOf(board, slot);
    this.#moved();
  }

  /** Into private memory, where reads keep the state of the last look. */
  leave(): void {
    this.#isLost = true;
    this.region = this.#rememberedRegion();
    this.slot = 0;
    this.#moved();
  }

  #rememberedRegion(): Region {
    const region = this.#native.slotsCreate(1);
    region.words.set(this.#remembered);
    // They sleep on the board.
    region.words[WAITERS_WORD] = 0;
    return region;
  }

  #lostError(): ConfigError {
    const { path } = this.#shared;
    return new ConfigError('ERR_BOARD', {
      message: `The board ${path} no longer shows this journal: '${this.#name}' is cut off from it`,
      hint: 'The database was replaced while this process ran: close the config and open it again.',
      details: { path, fault: 'emptied' },
    });
  }
}

function wordsOf(region: Region, slot: number): Uint32Array {
  return region.words.subarray(slot * WORDS_PER_SLOT, (slot + 1) * WORDS_PER_SLOT);
}
