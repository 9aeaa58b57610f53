/** The hashed bytes: published vectors, layout, no two meanings for one sequence of bytes. @module */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GENESIS_HASH, contentHash, encodeLink, entryHash, toHex, utf8 } from '../../src/journal/chain.ts';
import type { HeaderFields } from '../../src/journal/chain.ts';
import vectors from '../fixtures/chain-vectors.json' with { type: 'json' };

const texts = { stream: utf8('s'), type: utf8('t'), actor: utf8('a'), reason: utf8('r') };
const fields: HeaderFields = { seq: 1, revision: 2, at: 3, ...texts };

describe('chain', () => {
  it('gives the published hashes', () => {
    let previous = GENESIS_HASH;
    for (const vector of vectors.entries) {
      const { seq, revision, at, stream, type, actor, reason } = vector;
      const content = contentHash(Uint8Array.fromHex(vector.salt), Uint8Array.fromHex(vector.body));
      const header = {
        seq,
        revision,
        at,
        stream: utf8(stream),
        type: utf8(type),
        actor: utf8(actor),
        reason: utf8(reason),
      };
      expect(toHex(content)).toBe(vector.content);
      expect(toHex(previous)).toBe(vector.prev_hash);
      previous = entryHash(previous, header, content);
      expect(toHex(previous)).toBe(vector.hash);
    }
  });

  it('lays the bytes out as described', () => {
    const content = new Uint8Array(32).fill(0xcc);
    const link = encodeLink(new Uint8Array(32).fill(0xaa), fields, content);
    expect(toHex(link)).toBe(
      [
        'aa'.repeat(32),
        '4d000000',
        '01',
        '0100000000000000',
        '0200000000000000',
        '0300000000000000',
        'cc'.repeat(32),
        '0100000073',
        '0100000074',
        '0100000061',
        '0100000072',
      ].join(''),
    );
    expect(toHex(entryHash(new Uint8Array(32).fill(0xaa), fields, content))).toBe(
      createHash('sha256').update(link).digest('hex'),
    );
  });

  it('gives different bytes to different fields, however texts are cut', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '\u0000', 'é'), maxLength: 4 });
    const header = fc.record({
      seq: fc.nat(3),
      revision: fc.nat(3),
      at: fc.nat(3),
      stream: text,
      type: text,
      actor: text,
      reason: text,
    });
    const encode = (value: {
      seq: number;
      revision: number;
      at: number;
      stream: string;
      type: string;
      actor: string;
      reason: string;
    }): string => {
      const { stream, type, actor, reason } = value;
      const bytes = { stream: utf8(stream), type: utf8(type), actor: utf8(actor), reason: utf8(reason) };
      return toHex(encodeLink(GENESIS_HASH, { ...value, ...bytes }, GENESIS_HASH));
    };
    fc.assert(
      fc.property(header, header, (a, b) => (encode(a) === encode(b)) === (JSON.stringify(a) === JSON.stringify(b))),
      { seed: 42, numRuns: 2000 },
    );
  });
});
