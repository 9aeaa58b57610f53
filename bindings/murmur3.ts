/**
 * MurmurHash3 x86_32 in plain JavaScript: the reference's kernel, and the one that decides rollouts on every
 * read in TypeScript, so it works on strings as they are and allocates nothing. It must stay byte for byte
 * what the Zig kernel computes: a difference would move users in and out of a rollout.
 * @module
 */

/** The one seed of the project: registry hashes and rollouts. Frozen. */
export const MURMUR_SEED = 0x9747b28c;

// Written as signed 32-bit values: left unsigned they are doubles to the engine and cost a third of the time.
const C1 = 0xcc9e2d51 | 0;
const C2 = 0x1b873593 | 0;
const BLOCK_ADD = 0xe6546b64 | 0;
const FINISH_1 = 0x85ebca6b | 0;
const FINISH_2 = 0xc2b2ae35 | 0;
/** Exact: h * 10000 stays under 2^53, and the division is by a power of two. */
const BUCKETS_PER_HASH = 10000 / 0x100000000;
const COLON = 0x3a;
const REPLACEMENT = 0xfffd;

/** MurmurHash3 x86_32 of bytes, unsigned. */
export function murmur3(bytes: Uint8Array, seed: number): number {
  const length = bytes.length;
  const blocksEnd = length & ~3;
  let h = seed | 0;
  for (let i = 0; i < blocksEnd; i += 4) {
    h = mixBlock(h, bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
  }
  let tail = 0;
  for (let i = length - 1; i >= blocksEnd; i--) tail = (tail << 8) | bytes[i]!;
  return finish(h, tail, length);
}

/** What a hash knows after `feature:`; made once for a feature, it halves the work of each decision. */
export interface RolloutPrefix {
  readonly feature: string;
  readonly hash: number;
  /** The bytes since the last full block, lowest first: `byteCount & 3` of them. */
  readonly carry: number;
  readonly byteCount: number;
}

/** The prefix of a feature, to be kept by whoever asks often. */
export function rolloutPrefix(feature: string): RolloutPrefix {
  hash = MURMUR_SEED | 0;
  carry = 0;
  byteCount = 0;
  absorb(feature);
  absorbByte(COLON);
  return { feature, hash, carry, byteCount };
}

/**
 * The bucket 0-9999 of a key in the rollout of a feature: murmur3 of `feature:key` in UTF-8, scaled as a
 * float. A lone surrogate counts as U+FFFD, as in TextEncoder.
 * @example murmur3Rollout('new_checkout', 'user-1') < 1000 // within the first 10 %
 */
export function murmur3Rollout(feature: string, key: string): number {
  if (feature !== latest.feature) latest = rolloutPrefix(feature);
  return rolloutBucketFrom(latest, key);
}

/** As `murmur3Rollout`, from a kept prefix. */
export function rolloutBucketFrom(prefix: RolloutPrefix, key: string): number {
  const length = key.length;
  const shift = (prefix.byteCount & 3) << 3;
  const back = 31 - shift;
  let h = prefix.hash | 0;
  let pending = prefix.carry | 0;
  let i = 0;
  for (const last = length - 4; i <= last; i += 4) {
    const a = key.charCodeAt(i);
    const b = key.charCodeAt(i + 1);
    const c = key.charCodeAt(i + 2);
    const d = key.charCodeAt(i + 3);
    if ((a | b | c | d) > 0x7f) return bucketOfAnyText(prefix, key);
    const block = a | (b << 8) | (c << 16) | (d << 24);
    h = mixBlock(h, pending | (block << shift));
    // Two steps, because JavaScript takes a shift by 32 as a shift by 0.
    pending = (block >>> back) >>> 1;
  }
  let count = prefix.byteCount + i;
  for (; i < length; i++) {
    const unit = key.charCodeAt(i);
    if (unit > 0x7f) return bucketOfAnyText(prefix, key);
    pending |= unit << ((count & 3) << 3);
    if ((++count & 3) !== 0) continue;
    h = mixBlock(h, pending);
    pending = 0;
  }
  return Math.floor(finish(h, pending, count) * BUCKETS_PER_HASH);
}

// One text at a time: this state lives here, not in an object, so that a decision allocates nothing.
let hash = MURMUR_SEED | 0;
let carry = 0;
let byteCount = 0;
let latest = rolloutPrefix('');

/** Any text, byte by byte: for keys that are not plain ASCII, and for prefixes. */
function bucketOfAnyText(prefix: RolloutPrefix, key: string): number {
  hash = prefix.hash;
  carry = prefix.carry;
  byteCount = prefix.byteCount;
  absorb(key);
  return Math.floor(finish(hash, carry, byteCount) * BUCKETS_PER_HASH);
}

function absorb(text: string): void {
  for (let i = 0; i < text.length; i++) {
    const point = text.codePointAt(i)!;
    if (point > 0xffff) i++;
    absorbCodePoint(point >= 0xd800 && point <= 0xdfff ? REPLACEMENT : point);
  }
}

function absorbCodePoint(point: number): void {
  if (point < 0x80) return absorbByte(point);
  if (point < 0x800) {
    absorbByte(0xc0 | (point >> 6));
  } else if (point < 0x10000) {
    absorbByte(0xe0 | (point >> 12));
    absorbByte(0x80 | ((point >> 6) & 0x3f));
  } else {
    absorbByte(0xf0 | (point >> 18));
    absorbByte(0x80 | ((point >> 12) & 0x3f));
    absorbByte(0x80 | ((point >> 6) & 0x3f));
  }
  absorbByte(0x80 | (point & 0x3f));
}

function absorbByte(byte: number): void {
  carry |= byte << ((byteCount & 3) << 3);
  byteCount++;
  if ((byteCount & 3) !== 0) return;
  hash = mixBlock(hash, carry);
  carry = 0;
}

// `mixBlock` and `finish` each spell the scrambling of a block out: as a function of its own it is one call too
// deep for the engine to inline into the loop, and a decision costs a third more.

function mixBlock(h: number, block: number): number {
  const k = Math.imul(block, C1);
  const mixed = h ^ Math.imul((k << 15) | (k >>> 17), C2);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + BLOCK_ADD) | 0;
}

/** An empty tail is 0 and scrambles to 0, so it needs no case of its own. */
function finish(h: number, tail: number, length: number): number {
  const k = Math.imul(tail, C1);
  let f = h ^ Math.imul((k << 15) | (k >>> 17), C2) ^ length;
  f = Math.imul(f ^ (f >>> 16), FINISH_1);
  f = Math.imul(f ^ (f >>> 13), FINISH_2);
  return (f ^ (f >>> 16)) >>> 0;
}
