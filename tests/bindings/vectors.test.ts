/** The shared vectors under Bun, on the three cores. The Zig tests and Node read the same file. @module */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { makeVectors, type Vectors } from '../fixtures/make-vectors.ts';
import { CORES, REFERENCE } from './cores.ts';
import { checkVectors } from './vector-checks.ts';

const text = readFileSync(new URL('../fixtures/vectors.json', import.meta.url), 'utf8');
const vectors: Vectors = JSON.parse(text);

describe.each(CORES)('$kind', (core) => {
  test('agrees with every vector', () => {
    const { checks, wrong } = checkVectors(core, vectors);
    expect(wrong).toEqual([]);
    expect(checks).toBeGreaterThan(600);
  });
});

test('there are a hundred buckets, good and bad of everything, and published facts', () => {
  expect(vectors.rollouts).toHaveLength(100);
  expect(vectors.crc64.filter(({ from }) => from !== 'reference')).toHaveLength(5);
  expect(new Set(vectors.badRecords.map(({ code }) => code))).toEqual(
    new Set(['ERR_CONFIG_LENGTH', 'ERR_RECORD_MAGIC', 'ERR_RECORD_CHECKSUM', 'ERR_RECORD_RESERVED']),
  );
  expect(new Set(vectors.badFrames.map(({ fault }) => fault))).toEqual(
    new Set(['length', 'checksum', 'type', 'offset', 'value']),
  );
});

test('a check that fails is reported', () => {
  const changed = { ...vectors, murmur3: [{ hex: '', seed: 0, hash: 1, from: 'nobody' }] };
  expect(checkVectors(REFERENCE, changed).wrong).toEqual(['murmur3 of : found 0, expected 1']);
});

test('the file is what make-vectors.ts makes', () => {
  expect(text).toBe(`${JSON.stringify(makeVectors(REFERENCE), null, 1)}\n`);
});
