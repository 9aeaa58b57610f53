/**
 * A config as the four 32-bit words of its cell: word 0 the low 24 bits of the revision and the version, word 1 the
 * registry hash, word 2 the features, word 3 terminal mode, rows, cols and the reserved byte. Reads test bits in
 * these words where they lie; changes compute new ones.
 * @module
 */
import { CONFIG_SIZE, SLOT_SIZE } from './abi.gen.ts';

export const WORDS_PER_CELL = 4;
export const WORDS_PER_SLOT = SLOT_SIZE / 4;
/** The word of the features within a cell. */
export const FLAGS_WORD = 2;
/** The word of the slot that goes up with every change. */
export const NOTIFY_WORD = 4;
/** Sleepers on the notify word. */
export const WAITERS_WORD = 5;
export const REVISION_LOW_MASK = 0xff_ffff;
const SEAL_WORD = 8;
const TWO_TO_32 = 0x1_0000_0000;

/** The words of 13 bytes, with revision bits 0. */
export function wordsOfConfig(config: Uint8Array, words: Uint32Array = new Uint32Array(WORDS_PER_CELL)): Uint32Array {
  words[0] = config[0]! << 24;
  words[1] = config[1]! | (config[2]! << 8) | (config[3]! << 16) | (config[4]! << 24);
  words[2] = config[5]! | (config[6]! << 8) | (config[7]! << 16) | (config[8]! << 24);
  words[3] = config[9]! | (config[10]! << 8) | (config[11]! << 16) | (config[12]! << 24);
  return words;
}

/** The 13 bytes of a cell's words. */
export function configOfWords(words: Uint32Array): Uint8Array {
  const config = new Uint8Array(CONFIG_SIZE);
  config[0] = words[0]! >>> 24;
  writeWord(config, 1, words[1]!);
  writeWord(config, 5, words[2]!);
  writeWord(config, 9, words[3]!);
  return config;
}

/** Private, so that ordering loads never takes the shared line away from writers. */
const ORDER = new Uint32Array(1);

/**
 * The word as it is in memory now, not as a compiled loop remembers it. The engine compiles `Atomics.load` to a locked
 * instruction, which faults on memory that is mapped for reading only: so the atomic operation is on a word of our
 * own, and the loads before and after it are plain and stay on their sides.
 */
export function freshWord(words: Uint32Array, index: number): number {
  Atomics.load(ORDER, 0);
  return words[index]!;
}

/**
 * Copies the cell of a slot. Two word reads can fall on either side of a write, so the revision word is read again;
 * a writer in another process changes it with every write.
 */
export function copyCell(region: Uint32Array, slot: number, to: Uint32Array): void {
  const at = slot * WORDS_PER_SLOT;
  do {
    to[0] = freshWord(region, at);
    to[1] = region[at + 1]!;
    to[2] = region[at + 2]!;
    to[3] = region[at + 3]!;
  } while (freshWord(region, at) !== to[0]);
}

/**
 * The full revision of a cell's word 0 in its slot. The sealed revision can lag behind the cell, or be ahead of
 * one that was loaded before it, never by 2^23 changes, so the cell's low bits say how far.
 */
export function fullRevision(region: Uint32Array, slot: number, cellWord0: number): number {
  const at = slot * WORDS_PER_SLOT + SEAL_WORD;
  const sealedLow = region[at]!;
  const sealed = region[at + 1]! * TWO_TO_32 + sealedLow;
  // The low 24 bits of the difference, as a signed number.
  return sealed + (((cellWord0 - sealedLow) << 8) >> 8);
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word;
  bytes[at + 1] = word >>> 8;
  bytes[at + 2] = word >>> 16;
  bytes[at + 3] = word >>> 24;
}
