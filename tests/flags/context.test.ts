/** A context is any JSON object within limits, and nothing else. @module */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CONTEXT_CHARACTERS_MAX,
  CONTEXT_DEPTH_MAX,
  CONTEXT_LIST_MAX,
  CONTEXT_PROPERTIES_MAX,
  CONTEXT_TEXT_MAX,
  CONTEXT_VALUES_MAX,
  parseContext,
} from '../../src/flags/context.ts';
import { SEEDED } from '../config/arbitraries.ts';
import { contexts, faultOf } from './fixtures.ts';

function nested(depth: number): object {
  return Array.from({ length: depth - 1 }).reduce<object>((inner) => ({ a: inner }), {});
}

/** So many values in all, the lists among them. */
function lists(values: number): object {
  const count = Math.ceil(values / CONTEXT_LIST_MAX);
  const left = values - count;
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`l${i}`, many(Math.floor((left + i) / count), 1)]),
  );
}

function many<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value);
}

function properties(count: number): object {
  return Object.fromEntries(many(count, 1).map((one, i) => [`a${i}`, one]));
}

/** Texts that have so many characters with the commas after them. */
function texts(characters: number): object {
  const count = Math.ceil(characters / CONTEXT_TEXT_MAX);
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`t${i}`, 'x'.repeat(Math.floor((characters + i) / count) - 1)]),
  );
}

describe('a context', () => {
  it('is taken as it is', () => {
    fc.assert(
      fc.property(contexts, (context) => {
        expect(parseContext(context)).toEqual(context);
      }),
      SEEDED,
    );
  });

  it('is empty when it is left out, and without a key when that is null', () => {
    expect(parseContext(undefined)).toEqual({});
    expect(parseContext({ targetingKey: null, plan: null })).toEqual({ plan: null });
  });

  it('may be as deep and as large as the limits', () => {
    expect(parseContext(nested(CONTEXT_DEPTH_MAX))).toBeDefined();
    const largest = [
      lists(CONTEXT_VALUES_MAX),
      { l: many(CONTEXT_LIST_MAX, 1) },
      properties(CONTEXT_PROPERTIES_MAX),
      { t: 'x'.repeat(CONTEXT_TEXT_MAX) },
      texts(CONTEXT_CHARACTERS_MAX),
      { parcel: { length: CONTEXT_TEXT_MAX }, text: { length: 'long' }, other: { length: { cm: 5_000 } } },
    ];
    for (const context of largest) expect(parseContext(context)).toEqual(context);
  });

  it.each<[string, unknown, string]>([
    ['null', null, ''],
    ['a list', [], ''],
    ['a text', 'user-1', ''],
    ['a number as its key', { targetingKey: 5 }, '/targetingKey'],
    ['an object as its key', { targetingKey: {} }, '/targetingKey'],
    ['__proto__', JSON.parse('{"__proto__":{"admin":true}}'), '/__proto__'],
    ['a reserved name inside', { a: { 'b/c': [{ constructor: 1 }] } }, '/a/b~1c/0/constructor'],
    ['too many levels', nested(CONTEXT_DEPTH_MAX + 1), '/a'.repeat(CONTEXT_DEPTH_MAX)],
    ['very many levels', nested(20_000), '/a'.repeat(CONTEXT_DEPTH_MAX)],
    ['too many values', lists(CONTEXT_VALUES_MAX + 1), ''],
    ['a list that is too long', { a: { l: many(CONTEXT_LIST_MAX + 1, 1) } }, '/a/l'],
    ['too many attributes', properties(CONTEXT_PROPERTIES_MAX + 1), ''],
    ['a text that is too long', { a: ['x'.repeat(CONTEXT_TEXT_MAX + 1)] }, '/a/0'],
    ['too many characters', texts(CONTEXT_CHARACTERS_MAX + 1), ''],
    [
      'too many objects that become text',
      { a: many(200, {}), ...Object.fromEntries(['b', 'c', 'd', 'e', 'f'].map((k) => [k, many(200, {})])) },
      '',
    ],
    ['what says that it is a long list', { o: { length: 1e9 } }, '/o/length'],
    ['what says so in words', { length: '0x3b9aca00' }, '/length'],
    ['what says so in a list', { o: { length: [1e9] } }, '/o/length'],
  ])('is refused as or with %s', (_, input, path) => {
    expect(faultOf(() => parseContext(input))).toMatchObject({ code: 'ERR_CONTEXT', path });
  });
});
