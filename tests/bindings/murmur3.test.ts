/** MurmurHash3 against the published vectors, and the string kernel against the byte kernel. @module */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { murmur3, murmur3Rollout, MURMUR_SEED, rolloutBucketFrom, rolloutPrefix } from '../../bindings/murmur3.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Widely published with implementations of x86_32: bytes, seed, hash. */
const VECTORS: readonly [string | number[], number, number][] = [
  ['', 0, 0],
  ['', 1, 0x514e28b7],
  ['', 0xffffffff, 0x81f16f39],
  [[0xff, 0xff, 0xff, 0xff], 0, 0x76293b50],
  [[0x21, 0x43, 0x65, 0x87], 0, 0xf55b516b],
  [[0x21, 0x43, 0x65, 0x87], 0x5082edee, 0x2362f9de],
  [[0x21, 0x43, 0x65], 0, 0x7e4a8634],
  [[0x21, 0x43], 0, 0xa0f7b07a],
  [[0x21], 0, 0x72661cf4],
  [[0, 0, 0, 0], 0, 0x2362f9de],
  [[0, 0, 0], 0, 0x85f0b427],
  [[0, 0], 0, 0x30f4c306],
  [[0], 0, 0x514e28b7],
  ['a', MURMUR_SEED, 0x7fa09ea6],
  ['aa', MURMUR_SEED, 0x5d211726],
  ['aaa', MURMUR_SEED, 0x283e0130],
  ['aaaa', MURMUR_SEED, 0x5a97808a],
  ['ab', MURMUR_SEED, 0x74875592],
  ['abc', MURMUR_SEED, 0xc84a62dd],
  ['abcd', MURMUR_SEED, 0xf0478627],
  ['Hello, world!', MURMUR_SEED, 0x24884cba],
  ['ππππππππ', MURMUR_SEED, 0xd58063c1],
  ['a'.repeat(256), MURMUR_SEED, 0x37405bdc],
  ['The quick brown fox jumps over the lazy dog', MURMUR_SEED, 0x2fa826cd],
  ['abc', 0, 0xb3dd93fa],
  ['abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', 0, 0xee925b90],
];

describe('murmur3', () => {
  test.each(VECTORS)('%j with seed %i', (input, seed, hash) => {
    expect(murmur3(typeof input === 'string' ? utf8(input) : Uint8Array.from(input), seed)).toBe(hash);
  });

  test("gives SMHasher's verification value", () => {
    const hashes = new DataView(new ArrayBuffer(1024));
    for (let i = 0; i < 256; i++) {
      const key = Uint8Array.from({ length: i }, (_, at) => at);
      hashes.setUint32(i * 4, murmur3(key, 256 - i), true);
    }
    expect(murmur3(new Uint8Array(hashes.buffer), 0)).toBe(0xb0f57ee3);
  });
});

describe('murmur3Rollout', () => {
  const defined = (feature: string, key: string): number =>
    Math.floor((murmur3(utf8(`${feature}:${key}`), MURMUR_SEED) * 10_000) / 2 ** 32);
  /** Any UTF-16, lone surrogates included, and runs of ASCII long enough for the fast path. */
  const text = fc.oneof(
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
    fc.string({ maxLength: 40 }),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.tuple(fc.string(), fc.constantFrom('é', '€', '𝄞', '\ud800')).map((parts) => parts.join('')),
  );

  test('is the scaled hash of feature:key in UTF-8', () => {
    fc.assert(
      fc.property(text, text, (feature, key) => {
        expect(murmur3Rollout(feature, key)).toBe(defined(feature, key));
      }),
      { seed: 13, numRuns: 3000 },
    );
  });

  test('does not depend on what was asked before', () => {
    const kept = rolloutPrefix('new_checkout');
    fc.assert(
      fc.property(text, text, text, (feature, key, other) => {
        murmur3Rollout(feature, other);
        expect(rolloutBucketFrom(kept, key)).toBe(defined('new_checkout', key));
        expect(murmur3Rollout(feature, key)).toBe(defined(feature, key));
      }),
      { seed: 13, numRuns: 1000 },
    );
  });

  test('spreads keys evenly: each tenth gets a tenth', () => {
    const tenths = new Uint32Array(10);
    for (let user = 0; user < 100_000; user++) {
      const tenth = Math.floor(murmur3Rollout('new_checkout', `user-${user}`) / 1000);
      tenths[tenth] = tenths[tenth]! + 1;
    }
    for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });
});
