/** What the tests of the board and the processes they start have in common. @module */
import { writeSync } from 'node:fs';
import { REVISION_LOW_MASK, wordsOfConfig, WORDS_PER_SLOT } from '../../bindings/cell-words.ts';
import type { BoardOptions, NativeBoard } from '../../bindings/native-board.ts';
import { openNative } from '../../bindings/native.ts';
import { AT, cellOf, marked, request } from './swaps.ts';

export const NATIVE = openNative();
export const BOARD: BoardOptions = { journalId: '0123456789abcdef0123456789abcdef', capacity: 512, readOnly: false };
/** A word of the slot that no core writes: where a writer counts what it swapped. */
export const ACK_WORD = 14;

export function openBoard(path: string, options: Partial<BoardOptions> = {}): NativeBoard {
  return NATIVE.openBoard(path, { ...BOARD, ...options });
}

/**
 * One swap to the config whose 13 bytes all are the low byte of the revision it takes: a reader can tell a torn
 * config, and one that stands under the revision of another. Returns the revision, or 0 when another writer was faster.
 */
export function step(board: NativeBoard, slot: number, withRollouts: boolean): number {
  const expected = cellOf(board, slot);
  const mark = ((expected[0]! & REVISION_LOW_MASK) + 1) & 0xff;
  const rollouts = withRollouts ? new Uint16Array(32).fill(mark) : null;
  const desired = wordsOfConfig(marked(mark));
  return NATIVE.slotSwap(
    board,
    slot,
    request(board, slot, marked(mark), { expected, desired, rollouts, at: AT }),
    null,
  );
}

export function revisionLow(board: NativeBoard, slot: number): number {
  return board.words[slot * WORDS_PER_SLOT]! & REVISION_LOW_MASK;
}

/** Looks again and again; a process that died must not leave the test looking for ever. */
export function lookUntil(what: string, isSo: () => boolean): void {
  const limit = Date.now() + 30_000;
  while (!isSo()) if (Date.now() > limit) throw new Error(`${what}: it did not come to that`);
}

/** At once, also from a process that is about to block or to be killed. */
export function say(line: string): void {
  writeSync(1, `${line}\n`);
}
