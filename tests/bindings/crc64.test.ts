/** CRC-64/NVME against its definition, bit by bit, and what it is there for: errors in a record are found. @module */
import { expect, test } from 'vitest';
import type { Backend } from '../../bindings/backend.ts';
import { NATIVE, REFERENCE, WASM } from './cores.ts';
import { codeOf, unhex } from './outcomes.ts';

const POLYNOMIAL_LOW = 0xac4bc9b5;
const POLYNOMIAL_HIGH = 0x9a6c9329;
const LENGTH_MAX = 4096;
const ALIGNMENTS = 64;

/** Bytes without a pattern; a fixed linear congruence, so that a failure can be repeated. */
function noise(length: number): Uint8Array {
  let state = 42;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

/** The checksum of every beginning of the bytes, one bit a step: the definition, in two halves of 32 bits. */
function defined(bytes: Uint8Array): bigint[] {
  let low = 0xffff_ffff;
  let high = 0xffff_ffff;
  const sums = [0n];
  for (const byte of bytes) {
    low ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      const out = low & 1;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (out === 0) continue;
      low ^= POLYNOMIAL_LOW;
      high ^= POLYNOMIAL_HIGH;
    }
    sums.push((BigInt(~high >>> 0) << 32n) | BigInt(~low >>> 0));
  }
  return sums;
}

test('the definition gives the published check value', () => {
  expect(defined(new TextEncoder().encode('123456789')).at(-1)).toBe(0xae8b14860a799888n);
});

/** Bytes that lie at an address divisible by 64 in the core's own memory, so that each alignment is a real one. */
function everyLengthAndAlignment(core: Backend): void {
  const region = core.slotsCreate((LENGTH_MAX + 2 * ALIGNMENTS) / 128 + 1);
  const bytes = noise(LENGTH_MAX);
  const sums = defined(bytes);
  const wrong: string[] = [];
  for (let alignment = 0; alignment < ALIGNMENTS; alignment++) {
    region.bytes.set(bytes, alignment);
    for (let length = 0; length <= LENGTH_MAX; length++) {
      const sum = core.crc64(region.bytes.subarray(alignment, alignment + length));
      if (sum !== sums[length]) wrong.push(`${length} bytes at ${alignment}`);
    }
  }
  region.close();
  expect(wrong).toEqual([]);
}

test(`native (${NATIVE.crc64Kernel}): every length to 4096 at every alignment`, () => everyLengthAndAlignment(NATIVE));

test(`wasm (${WASM.crc64Kernel}): every length to 4096 at every alignment`, () => everyLengthAndAlignment(WASM));

test('reference and byte tables: every length to 1100 (no alignment matters to one byte a step)', () => {
  const bytes = noise(1100);
  const sums = defined(bytes);
  for (let length = 0; length <= bytes.length; length++) {
    const part = bytes.subarray(0, length);
    expect(REFERENCE.crc64(part)).toBe(sums[length]!);
    expect(NATIVE.crc64ByteTable(part)).toBe(sums[length]!);
    expect(WASM.crc64ByteTable(part)).toBe(sums[length]!);
  }
});

test('long inputs agree across the three, with every remainder', () => {
  const bytes = noise(200_100);
  for (let length = 200_000; length < 200_064; length += 7) {
    const part = bytes.subarray(length % 64, length);
    const sum = NATIVE.crc64ByteTable(part);
    expect(NATIVE.crc64(part)).toBe(sum);
    expect(WASM.crc64(part)).toBe(sum);
    expect(REFERENCE.crc64(part)).toBe(sum);
  }
});

const FOUND = /^ERR_RECORD_(MAGIC|CHECKSUM|RESERVED)$/;
const RECORD = REFERENCE.recordSeal(unhex('019ad10e93ff0b000001185000'));

function flipped(record: Uint8Array, ...bits: number[]): Uint8Array {
  const changed = record.slice();
  for (const bit of bits) changed[bit >> 3]! ^= 1 << (bit & 7);
  return changed;
}

test.each([NATIVE, WASM])('$kind: every error of one bit or two in a record is found', (core) => {
  const missed: number[][] = [];
  for (let i = 0; i < 256; i++) {
    if (!FOUND.test(codeOf(() => core.recordOpen(flipped(RECORD, i))) ?? '')) missed.push([i]);
    for (let j = i + 1; j < 256; j++) {
      if (!FOUND.test(codeOf(() => core.recordOpen(flipped(RECORD, i, j))) ?? '')) missed.push([i, j]);
    }
  }
  expect(missed).toEqual([]);
});

test('reference: every error of one bit or two in a record is found', () => {
  for (let i = 0; i < 256; i++) {
    for (let j = i; j < 256; j++) {
      const record = i === j ? flipped(RECORD, i) : flipped(RECORD, i, j);
      if (!FOUND.test(codeOf(() => REFERENCE.recordOpen(record)) ?? '')) expect.fail(`bits ${i} and ${j}`);
    }
  }
});
