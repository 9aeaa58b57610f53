/** The cache: it knows what it was told and nothing else, however full it is. @module */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANONYMOUS } from '../../src/auth/rights.ts';
import { VerifiedTokens, type Verified } from '../../src/auth/verified-tokens.ts';

function verified(id: string, { expiresAt = 1000, version = 1, usedAt = 0 } = {}): Verified {
  return { principal: { ...ANONYMOUS, actor: id }, id, kind: 'jwt', expiresAt, version, usedAt, notedAt: 0 };
}

function cache(clock = (): number => 0, seed = 42): VerifiedTokens {
  return new VerifiedTokens({ clock, seed });
}

describe('the cache', () => {
  it('knows a text by the whole of it', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '\u0161', '\u{1f600}', '\0'), maxLength: 12 });
    fc.assert(
      fc.property(fc.array(text, { maxLength: 8 }), text, fc.nat(), (kept, asked, seed) => {
        const tokens = cache(undefined, seed);
        for (const each of kept) tokens.keep(each, verified(each));
        const found = tokens.find(asked, 1);
        // Few enough that none has lost its place, unless five of them fell into one set.
        if (found !== null) expect(found.id).toBe(asked);
        if (!kept.includes(asked)) expect(found).toBeNull();
      }),
      { numRuns: 3000, seed: 13 },
    );
  });

  it('tells apart texts that differ in one letter anywhere, in a letter that bytes would hide, or in length', () => {
    const tokens = cache();
    const text = `Bearer ${'Ax9_'.repeat(100)}`;
    tokens.keep(text, verified('it'));
    expect(tokens.find(text, 1)?.id).toBe('it');
    for (let at = 0; at < text.length; at++) {
      const letter = text[at] === 'Z' ? 'Y' : 'Z';
      expect(tokens.find(text.slice(0, at) + letter + text.slice(at + 1), 1)).toBeNull();
    }
    expect(tokens.find(text.replaceAll('A', '\u0141'), 1), 'U+0141 ends in the byte of A').toBeNull();
    for (const other of [`${text}\0`, text.slice(0, -1), `${text} `, '']) expect(tokens.find(other, 1)).toBeNull();
  });

  it('knows nothing that has expired, or was checked against another state', () => {
    let now = 0;
    const tokens = cache(() => now);
    tokens.keep('a', verified('a', { expiresAt: 10, version: 3 }));
    expect([tokens.find('a', 3)?.id, tokens.find('a', 2), tokens.find('a', 4)]).toEqual(['a', null, null]);
    now = 9;
    expect(tokens.find('a', 3)?.usedAt).toBe(9);
    now = 10;
    expect(tokens.find('a', 3)).toBeNull();
  });

  it('forgets one by its id, and takes another verification of the same text', () => {
    const tokens = cache();
    tokens.keep('a', verified('1'));
    tokens.keep('b', verified('2'));
    tokens.keep('a', verified('3', { version: 2 }));
    expect(tokens.find('a', 2)?.id).toBe('3');
    tokens.drop('3');
    expect([tokens.find('a', 2), tokens.find('b', 1)?.id]).toEqual([null, '2']);
  });

  it('keeps what is used, of many times more than it has room for', () => {
    let now = 0;
    const tokens = cache(() => now);
    const used = Array.from({ length: 3 }, (_, i) => `used ${i}`);
    for (const text of used) tokens.keep(text, verified(text, { expiresAt: 1e9 }));
    for (let i = 0; i < 20_000; i++) {
      now++;
      for (const text of used) expect(tokens.find(text, 1)?.id).toBe(text);
      tokens.keep(`flood ${i}`, verified(`${i}`, { expiresAt: 1e9, usedAt: now }));
      if (i % 100 === 0) expect(tokens.find(`flood ${i}`, 1)?.id).toBe(`${i}`);
    }
    const left = Array.from({ length: 20_000 }, (_, i) => tokens.find(`flood ${i}`, 1)).filter((each) => each !== null);
    expect(left.length).toBeLessThanOrEqual(1024 - used.length);
    expect(left.length).toBeGreaterThan(900);
  });

  it('gives up what is no longer good before what is, and then what was used longest ago', () => {
    let now = 0;
    const tokens = cache(() => now);
    // Texts that differ in their beginning only.
    const inOneSet = Array.from('abcdefgh', (letter) => letter.repeat(4) + 'x'.repeat(32));
    const [good, expired, later, outdated, ...more] = inOneSet as [string, string, string, string, ...string[]];
    tokens.keep(good, verified('good', { usedAt: 1 }));
    tokens.keep(expired, verified('expired', { usedAt: 4, expiresAt: 5 }));
    tokens.keep(later, verified('later', { usedAt: 2 }));
    tokens.keep(outdated, verified('outdated', { usedAt: 4, version: 0 }));
    now = 6;
    const known = (): (string | undefined)[] => inOneSet.map((text) => tokens.find(text, 1)?.id).filter(Boolean);
    tokens.keep(more[0]!, verified('new 1', { usedAt: 5 }));
    tokens.keep(more[1]!, verified('new 2', { usedAt: 5 }));
    expect(tokens.find(later, 1)?.usedAt).toBe(6);
    tokens.keep(more[2]!, verified('new 3', { usedAt: 6 }));
    expect(known()).toEqual(['later', 'new 1', 'new 2', 'new 3']);
  });

  it('does not keep a text that is too long for a slot', () => {
    const tokens = cache();
    for (const [text, isKept] of [
      ['x'.repeat(1024), true],
      ['\u{fffd}'.repeat(1024), true],
      ['x'.repeat(1025), false],
    ] as const) {
      tokens.keep(text, verified('a'));
      expect(tokens.find(text, 1) !== null).toBe(isKept);
    }
  });
});
