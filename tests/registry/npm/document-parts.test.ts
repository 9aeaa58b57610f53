/** Parts of documents, found in their bytes: what a parser would find. @module */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { partsOf } from '../../../src/registry/npm/document-parts.ts';

const read = (bytes: Uint8Array, [from, to]: readonly [number, number]): unknown =>
  JSON.parse(new TextDecoder().decode(bytes.subarray(from, to)));
const key = fc.oneof(fc.string(), fc.constantFrom('1.0.0', '__proto__', 'constructor', '"', '\\', '\\"', '}', 'é€😀'));
const objects = fc.dictionary(key, fc.jsonValue(), { noNullPrototype: true });

it('are the same as those of a parser, whatever is in and around them', () => {
  fc.assert(
    fc.property(objects, objects, objects, objects, (before, tags, versions, after) => {
      const document = { ...before, 'dist-tags': tags, versions, ...after };
      const text = JSON.stringify(document);
      const bytes = new TextEncoder().encode(text);
      const parsed = JSON.parse(text) as Record<string, Record<string, unknown>>;
      const parts = partsOf(bytes);
      expect(read(bytes, parts.tags!)).toEqual(parsed['dist-tags']);
      expect([...parts.versions.keys()]).toEqual(Object.keys(parsed['versions']!));
      for (const [version, place] of parts.versions) expect(read(bytes, place)).toEqual(parsed['versions']![version]);
    }),
    { seed: 1, numRuns: 500 },
  );
});

it('are none where there are none', () => {
  expect(partsOf(new TextEncoder().encode('{"name":"ui"}'))).toEqual({ tags: undefined, versions: new Map() });
  expect(partsOf(new TextEncoder().encode('{}')).versions.size).toBe(0);
});
