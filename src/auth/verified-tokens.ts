/**
 * The cache of tokens that were verified: who a text stood for, answered in a fraction of a microsecond, without
 * waiting and without making an object. Holds nothing that was refused, so that strangers can fill it with nothing.
 *
 * 1024 slots of at most 1 KB of text, in sets of four; a keyed hash of its end picks the set, the whole text decides. A
 * new token takes a free slot of its set, else one that is no longer good, else the one that was used longest ago.
 * @module
 */
import type { Principal } from './rights.ts';

const WAYS = 4;
const SETS_BITS = 8;
const SLOTS = WAYS << SETS_BITS;
const HASHED_WORDS = 8;
/** Longer texts are verified each time. */
const TEXT_MAX = 1024;
/** UTF-8 takes three bytes for a character at most; the last word is compared whole. */
const SCRATCH_BYTES = 3 * TEXT_MAX + 4;

/** Somebody who was let in. */
export interface Verified {
  readonly principal: Principal;
  /** The token's or sign-in's. */
  readonly id: string;
  readonly kind: 'token' | 'jwt';
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** Of the identities it was checked against; another one means: check again. */
  readonly version: number;
  /** When it was last asked for; the cache's own, as is `notedAt`. */
  usedAt: number;
  /** When a use was last handed to whoever keeps them. */
  notedAt: number;
}

interface Slot {
  readonly words: Int32Array;
  readonly length: number;
  readonly verified: Verified;
}

export interface VerifiedTokensOptions {
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** 32 random bits that nobody outside knows. */
  readonly seed: number;
}

export class VerifiedTokens {
  readonly #clock: () => number;
  readonly #seed: number;
  readonly #slots: (Slot | null)[] = Array.from({ length: SLOTS }, () => null);
  readonly #words = new Int32Array(SCRATCH_BYTES >> 2);
  readonly #scratch = Buffer.from(this.#words.buffer);

  constructor({ clock, seed }: VerifiedTokensOptions) {
    this.#clock = clock;
    this.#seed = seed;
  }

  /** Who the text stands for, while it has not expired and `version` is the one it was checked against; else null. */
  find(text: string, version: number): Verified | null {
    if (text.length > TEXT_MAX) return null;
    const length = this.#write(text);
    const first = this.#setOf(length);
    for (let way = 0; way < WAYS; way++) {
      const slot = this.#slots[first + way];
      if (slot === null || slot === undefined || slot.length !== length || !this.#isWritten(slot.words)) continue;
      const { verified } = slot;
      const now = this.#clock();
      if (verified.version !== version || verified.expiresAt <= now) return null;
      verified.usedAt = now;
      return verified;
    }
    return null;
  }

  /** Keeps what was verified just now. */
  keep(text: string, verified: Verified): void {
    if (text.length > TEXT_MAX) return;
    const length = this.#write(text);
    const first = this.#setOf(length);
    const words = this.#words.slice(0, (length + 3) >> 2);
    this.#slots[this.#place(first, length, verified.version)] = { words, length, verified };
  }

  /** Ends one at once; its version need not change. */
  drop(id: string): void {
    for (let at = 0; at < SLOTS; at++) if (this.#slots[at]?.verified.id === id) this.#slots[at] = null;
  }

  /**
   * By the last words of the scratch. There a token has nothing but random bits (its signature, its secret), so that no
   * more of it has to be hashed; and who could choose them without knowing the seed would push out tokens of his own.
   */
  #setOf(length: number): number {
    const words = this.#words;
    const end = (length + 3) >> 2;
    let hash = this.#seed | 0;
    for (let at = Math.max(0, end - HASHED_WORDS); at < end; at++) {
      hash = Math.imul(hash ^ words[at]!, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    return (Math.imul(hash, 0x85ebca6b) >>> (32 - SETS_BITS)) * WAYS;
  }

  /** The text's own slot, else the one that is missed least. */
  #place(first: number, length: number, version: number): number {
    const now = this.#clock();
    let best = first;
    let bestUse = Infinity;
    for (let at = first; at < first + WAYS; at++) {
      const slot = this.#slots[at];
      if (slot?.length === length && this.#isWritten(slot.words)) return at;
      const isGood = slot != null && slot.verified.version === version && slot.verified.expiresAt > now;
      const use = isGood ? slot.verified.usedAt : -1;
      if (use < bestUse) [best, bestUse] = [at, use];
    }
    return best;
  }

  /** Into the scratch, with zeros up to the end of its last word; returns the bytes. */
  #write(text: string): number {
    const length = this.#scratch.write(text);
    this.#scratch[length] = 0;
    this.#scratch[length + 1] = 0;
    this.#scratch[length + 2] = 0;
    return length;
  }

  /** As long for any two texts of a length. */
  #isWritten(words: Int32Array): boolean {
    const scratch = this.#words;
    let different = 0;
    for (let i = 0; i < words.length; i++) different |= words[i]! ^ scratch[i]!;
    return different === 0;
  }
}
