/** What is typed, as values. @module */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  parseAnchor,
  parseBits,
  parseDue,
  parseDuration,
  parseMoment,
  parsePairs,
  parseTime,
  parseWhole,
} from '../../src/cli/values.ts';

test('pairs become what set takes', () => {
  expect(
    parsePairs(['rows=50', 'terminalMode=raw', 'features.debug=true', 'features.own=false', 'rollouts.own=12.5']),
  ).toEqual({
    rows: 50,
    terminalMode: 'raw',
    features: { debug: true, own: false },
    rollouts: { own: 12.5 },
  });
  expect(parsePairs(['registryHash=0x930ed19a', 'a.b=1', 'x=a=b', 'y='])).toEqual({
    registryHash: '0x930ed19a',
    'a.b': 1,
    x: 'a=b',
    y: '',
  });
});

test('no field gets lost, whatever it is called', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('__proto__', 'constructor', 'rows', 'toString'), fc.integer()),
      (fields) => {
        const pairs = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
        expect(Object.entries(parsePairs(pairs))).toEqual(Object.entries(fields));
      },
    ),
    { seed: 13 },
  );
});

test('every whole number comes back, and nothing else is taken for one', () => {
  fc.assert(
    fc.property(fc.nat(), (number) => {
      expect(parsePairs([`a=${number}`])).toEqual({ a: number });
      expect(parseWhole(String(number), 'x', 0)).toBe(number);
    }),
    { seed: 13 },
  );
  for (const text of ['', '-1', '1.5', '0x10', '1e3', ' 1', '9'.repeat(16)])
    expect(() => parseWhole(text, 'x', 0)).toThrow('x:');
  expect(() => parseWhole('0', '--limit', 1)).toThrow('from 1');
});

test('times', () => {
  expect(parseTime('1700000000000', 'x')).toBe(1_700_000_000_000);
  expect(parseTime('2026-03-01', 'x')).toBe(Date.UTC(2026, 2, 1));
  expect(parseTime('2026-03-01T12:00:00+01:00', 'x')).toBe(Date.UTC(2026, 2, 1, 11));
  for (const text of ['yesterday', '-1', '2026-13-01', '2026-02-30', '2025-02-29T12:00:00Z', '01.03.2026', ''])
    expect(() => parseTime(text, 'x')).toThrow('is not a time');
});

test('a time of day says of which zone', () => {
  for (const text of ['2026-03-01T12:00', '2026-03-01T12:00:00', '2026-03-01T12:00:00.5'])
    expect(() => parseTime(text, '--since')).toThrow('of no zone');
  expect(parseTime('2026-03-01T12:00Z', 'x')).toBe(Date.UTC(2026, 2, 1, 12));
});

test('moments are times, or lie so far ahead', () => {
  const now = Date.UTC(2026, 2, 1);
  for (const [text, ahead_s] of [
    ['0s', 0],
    ['5s', 5],
    ['15m', 900],
    ['6h', 21_600],
    ['2d', 172_800],
  ] as const) {
    expect(parseMoment(text, '--at', now)).toBe(now + ahead_s * 1000);
    expect(parseDuration(text, '--pause')).toBe(ahead_s);
  }
  expect(parseMoment('2026-03-01T12:00:00Z', '--at', now)).toBe(Date.UTC(2026, 2, 1, 12));
  for (const text of ['5', '5 s', '-5s', '1w', '5S', ''])
    expect(() => parseDuration(text, '--pause')).toThrow('--pause');
  for (const text of ['5 s', '-5s', '1w', '5S', '', '2026-03-01T12:00'])
    expect(() => parseMoment(text, '--at', now)).toThrow('--at');
  expect(parseMoment('2026-03-02', '--expires', now)).toBe(now + 86_400_000);
  expect(parseDue('2h', '--at', now)).toBe(now + 7_200_000);
  expect(() => parseDue('2026-03-02', '--at', now)).toThrow('no time of the day');
});

test('anchors and bits', () => {
  const hash = 'a1'.repeat(32);
  expect(parseAnchor(`41:${hash}`)).toEqual({ seq: 41, hash });
  for (const text of ['41', `41:${hash}0`, `x:${hash}`]) expect(() => parseAnchor(text)).toThrow('not an anchor');
  expect(parseBits(['own=12'])).toEqual({ own: 12 });
  expect(() => parseBits(['own=many'])).toThrow("'many'");
});
