/**
 * Boards through the native library: memory that processes share. Opening and naming go through the library; reading is
 * a load from the views.
 * @module
 */
import { ptr, toArrayBuffer, type Pointer } from 'bun:ffi';
import { ConfigError } from '../src/errors/errors.ts';
import { BOARD_CAPACITY_MAX, BOARD_NAME_MAX, BOARD_OFFSET, BOARD_SIZE, RESULT, SLOT_SIZE } from './abi.gen.ts';
import type { Region } from './backend.ts';
import { closedError, expectIndex, rangeError, resultName, slotError } from './faults.ts';
import { readU64, viewOf } from './layout.ts';
import type { Symbols } from './native.ts';

export interface BoardOptions {
  /** The journal whose state the board shows: 32 hex digits; all zeros for a board without a journal. */
  readonly journalId: string;
  /** Slots, when the file is made. */
  readonly capacity: number;
  /** Map for reading only: nothing is created, nothing can be written. */
  readonly readOnly: boolean;
}

/**
 * `ok`: this is the board that others at the path see. `replaced`: the file is another one. `emptied`: slots were
 * reset.
 */
export type BoardHealth = 'ok' | 'replaced' | 'emptied';

export interface NativeBoard extends Region {
  readonly path: string;
  readonly readOnly: boolean;
  /** Whether this call made or emptied the board. */
  readonly fresh: boolean;
  /** The slot of a name; null when it has none and `create` is false. Throws ERR_BOARD_FULL, ERR_OUT_OF_RANGE. */
  find(name: string, create: boolean): number | null;
  /** The names on the board, with their slots. */
  names(): { name: string; slot: number }[];
  check(): BoardHealth;
  /** Tells every process that the journal's head is at least `seq`. */
  announce(seq: number): void;
  head(): number;
  /**
   * For a board that was just opened, with the head of its journal read after `head()`: empties it when it shows a
   * later one, so of a journal that was put back to an older state. Answers whether it did. Throws ERR_BOARD.
   */
  rewind(seq: number): boolean;
  /** Blocks the calling thread until the slot changes from `seen` (its notify word); false when the time was over. */
  wait(slot: number, seen: number, timeoutMs: number): boolean;
}

export function openNativeBoard(symbols: Symbols, path: string, options: BoardOptions): NativeBoard {
  const { capacity } = options;
  if (!Number.isInteger(capacity) || capacity < 1 || capacity > BOARD_CAPACITY_MAX) {
    throw rangeError('capacity', capacity, 1, BOARD_CAPACITY_MAX);
  }
  if (!/^[0-9a-f]{32}$/i.test(options.journalId)) throw journalIdError(options.journalId);
  if (path.includes('\0')) throw boardError(path, RESULT.not_found);
  const board = new Uint8Array(BOARD_SIZE);
  const view = viewOf(board);
  board.set(Buffer.from(options.journalId, 'hex'), BOARD_OFFSET.journal_id);
  view.setUint32(BOARD_OFFSET.capacity, capacity, true);
  board[BOARD_OFFSET.mode] = options.readOnly ? 1 : 0;
  const pathBytes = new TextEncoder().encode(`${path}\0`);
  const result = symbols.c13_board_open(ptr(board), ptr(pathBytes));
  if (result !== RESULT.ok) throw boardError(path, result);
  return boardOf(symbols, path, pathBytes, board);
}

function boardOf(symbols: Symbols, path: string, pathBytes: Uint8Array, board: Uint8Array): NativeBoard {
  const view = viewOf(board);
  const slotCount = view.getUint32(BOARD_OFFSET.capacity, true);
  const base = readU64(view, BOARD_OFFSET.base);
  const slotsOffset = view.getUint32(BOARD_OFFSET.slots_offset, true);
  const slots = toArrayBuffer(base as Pointer, slotsOffset, slotCount * SLOT_SIZE);
  const encoder = new TextEncoder();
  const found = new Uint32Array(1);
  const handle = (): Pointer => {
    if (region.address === 0) throw closedError('board');
    return ptr(board);
  };
  const region = {
    path,
    readOnly: board[BOARD_OFFSET.mode] === 1,
    fresh: board[BOARD_OFFSET.fresh] === 1,
    address: base + slotsOffset,
    bytes: new Uint8Array(slots),
    words: new Uint32Array(slots),
    slotCount,
    find(name: string, create: boolean): number | null {
      const bytes = encoder.encode(name);
      if (bytes.length === 0) throw rangeError('length of name', 0, 1, BOARD_NAME_MAX);
      const result = symbols.c13_board_find(handle(), ptr(bytes), bytes.length, create ? 1 : 0, ptr(found));
      if (result === RESULT.not_found) return null;
      if (result === RESULT.out_of_bounds) throw rangeError('length of name', bytes.length, 1, BOARD_NAME_MAX);
      if (result === RESULT.full) throw fullError(path, slotCount);
      if (result !== RESULT.ok) throw boardError(path, result);
      return found[0]!;
    },
    names: () => namesOn(symbols, handle, slotCount),
    handle,
    check: () =>
      (['ok', 'replaced', 'emptied'] as const)[symbols.c13_board_check(handle(), ptr(pathBytes))] ?? 'replaced',
    announce: (seq: number) => symbols.c13_board_announce(handle(), BigInt(seq)),
    head: () => Number(symbols.c13_board_head(handle())),
    rewind(seq: number): boolean {
      const result = symbols.c13_board_rewind(handle(), BigInt(seq));
      if (result !== RESULT.ok && result !== RESULT.not_newer) throw boardError(path, result);
      return result === RESULT.ok;
    },
    wait(slot: number, seen: number, timeoutMs: number): boolean {
      expectIndex('slot', slot, slotCount);
      const result = symbols.c13_board_wait(handle(), ptr(Uint32Array.of(slot, seen, timeoutMs)));
      if (result === RESULT.unsupported) throw boardError(path, result);
      return result === RESULT.ok;
    },
    close() {
      if (region.address === 0) return;
      // The views go first: nobody may hold one of memory that is no longer mapped.
      region.bytes = new Uint8Array(slotCount * SLOT_SIZE);
      region.words = new Uint32Array(region.bytes.buffer);
      symbols.c13_board_close(ptr(board));
      region.address = 0;
    },
  };
  return region;
}

function namesOn(symbols: Symbols, handle: () => Pointer, slotCount: number): { name: string; slot: number }[] {
  const text = new Uint8Array(BOARD_NAME_MAX);
  const length = new Uint32Array(1);
  const decoder = new TextDecoder();
  const names = [];
  for (let slot = 0; slot < slotCount; slot++) {
    symbols.c13_board_name(handle(), slot, ptr(text), ptr(length));
    if (length[0]! > 0) names.push({ name: decoder.decode(text.subarray(0, length[0])), slot });
  }
  return names;
}

/** What the calls that take the board's lock are handed. */
interface LockableBoard extends NativeBoard {
  /** Throws ERR_CLOSED. */
  handle(): Pointer;
}

export function isBoard(region: Region): region is LockableBoard {
  return 'handle' in region;
}

/** Why a swap or a seed was refused; nothing was written. */
export function writeError(region: Region, result: number): ConfigError {
  if (result === RESULT.bad_checksum) return slotError();
  return boardError((region as NativeBoard).path, result);
}

/** A write into memory that is mapped for reading only would end the process. Throws ERR_BOARD. */
export function expectWritable(region: Region): void {
  const { readOnly, path } = region as Partial<NativeBoard>;
  if (readOnly !== true) return;
  throw new ConfigError('ERR_BOARD', {
    message: `The board ${path} was opened for reading only`,
    hint: 'Open it for writing, or leave the change to the process that does.',
    details: { path: path ?? '', fault: 'permission' },
  });
}

function journalIdError(found: string): ConfigError {
  return new ConfigError('ERR_WRONG_TYPE', {
    message: `The journal id of a board is 32 hex digits, not ${JSON.stringify(found.slice(0, 80))}`,
    hint: 'Pass the id of the open journal, or 32 zeros for a board without one.',
    details: { field: 'journalId', expected: '32 hex digits', found: found.slice(0, 80) },
  });
}

const WHAT_TO_DO: Record<string, readonly [fault: string, hint: string]> = {
  foreign: ['is not a board of this version', 'Stop the processes that use it, then remove the file: it is made anew.'],
  permission: [
    'belongs to somebody else or is open to others',
    'Use a path that only this user can write (mode 0600).',
  ],
  not_found: ['does not exist, or nobody has opened it for writing since the machine started', 'Start a writer first.'],
  no_space: ['does not fit on the disk', 'Free some space or choose another directory.'],
  busy: [
    'is locked by another process',
    'Nothing was changed: try again in a moment; if it goes on, see which stopped process holds the file.',
  ],
  unsupported: ['cannot be shared on this platform', 'Boards need Linux; leave out enableClusterSync elsewhere.'],
  closed: ['is closed', 'Open it again.'],
};

function boardError(path: string, result: number): ConfigError {
  const fault = resultName(result);
  if (fault === 'unsupported') {
    const [what, hint] = WHAT_TO_DO.unsupported!;
    const platform = `${process.platform}-${process.arch}`;
    return new ConfigError('ERR_UNSUPPORTED', {
      message: `The board ${what}`,
      hint,
      details: { what: 'board', platform },
    });
  }
  const [what, hint] = WHAT_TO_DO[fault] ?? ['could not be opened', 'Check the directory and its permissions.'];
  return new ConfigError('ERR_BOARD', { message: `The board ${path} ${what}`, hint, details: { path, fault } });
}

function fullError(path: string, capacity: number): ConfigError {
  return new ConfigError('ERR_BOARD_FULL', {
    message: `The board ${path} has no free slot (${capacity} are taken)`,
    hint: 'Stop its processes, set C13_BOARD_CAPACITY higher and remove the file: it is made anew.',
    details: { path, capacity },
  });
}
