/** The scanner against the engine's own parser: it must find a fault exactly where that one throws. @module */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEPTH_MAX, findJsonFault } from '../../src/config/json-fault.ts';

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Texts that are nearly JSON. */
const damaged = fc
  .tuple(fc.json(), fc.nat(), fc.constantFrom('', ',', '"', '}', ']', '\\', ' ', '0', '{', ':', '\n', '\u0001', 'null'))
  .map(([text, at, inserted]) => {
    const i = at % (text.length + 1);
    return text.slice(0, i) + inserted + text.slice(i + (at % 2));
  });
const soup = fc.string({
  unit: fc.constantFrom(...Array.from('{}[],:"\\u0e+-.1 \nab'), 'true', 'null', '"a"', '{"a":'),
});

describe('findJsonFault', () => {
  it('finds none in what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(4), (value, indent) => {
        expect(findJsonFault(JSON.stringify(value, null, indent))).toBeNull();
      }),
      { seed: 1 },
    );
  });

  it('agrees with the parser about every text', () => {
    fc.assert(
      fc.property(fc.oneof(damaged, soup), (text) => {
        const fault = findJsonFault(text);
        // What follows a key that is there twice is not looked at.
        if (fault?.kind !== 'duplicate') expect(fault === null, text).toBe(parses(text));
      }),
      { seed: 2, numRuns: 5000 },
    );
  });

  it('names the position: what is before it can be the beginning of JSON', () => {
    const cases: [string, number][] = [
      ['', 0],
      ['{', 1],
      ['{"a" 1}', 5],
      ['{"a": 1,}', 8],
      ['[1, 2', 5],
      ['[01]', 2],
      ['{a: 1}', 1],
      ['[1] 2', 4],
      ['"a\nb"', 0],
      ['  nul', 2],
      [']', 0],
      ['[}', 1],
    ];
    for (const [text, position] of cases) expect(findJsonFault(text), text).toEqual({ kind: 'syntax', position });
  });

  it('names a key that an object has twice, however it is written, and at any depth', () => {
    expect(findJsonFault('{"a": 1, "a": 1}')).toEqual({ kind: 'duplicate', position: 9, key: 'a' });
    expect(findJsonFault('{"a": 1, "\\u0061": 1}')).toMatchObject({ key: 'a' });
    expect(findJsonFault('[{"b": {"a": 1, "c": 2, "a": 3}}]')).toMatchObject({ key: 'a' });
    expect(findJsonFault('{"__proto__": 1, "__proto__": 2}')).toMatchObject({ key: '__proto__' });
    expect(findJsonFault('[{"a": 1}, {"a": 2}, {"b": {"a": 1}, "a": 2}]')).toBeNull();
  });

  it('takes no more depth than anybody has reason to send, and looks no further', () => {
    expect(findJsonFault('['.repeat(DEPTH_MAX) + ']'.repeat(DEPTH_MAX))).toBeNull();
    expect(findJsonFault('['.repeat(DEPTH_MAX))).toEqual({ kind: 'syntax', position: DEPTH_MAX });
    expect(findJsonFault('['.repeat(500_000))).toEqual({ kind: 'deep', position: DEPTH_MAX });
    expect(findJsonFault('{"a":'.repeat(500_000))).toEqual({ kind: 'deep', position: 5 * DEPTH_MAX });
    const wide = `[${'[],'.repeat(10_000)}{"a":{}}]`;
    expect(findJsonFault(wide), 'what is closed counts no more').toBeNull();
  });
});
