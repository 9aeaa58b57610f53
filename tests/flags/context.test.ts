/** A context is any JSON object within limits, and nothing else. @module */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CONTEXT_DEPTH_MAX, CONTEXT_VALUES_MAX, parseContext } from '../../src/flags/context.ts';
import { SEEDED } from '../config/arbitraries.ts';
import { contexts, faultOf } from './fixtures.ts';

function nested(depth: number): object {
  return Array.from({ length: depth - 1 }).reduce<object>((inner) => ({ a: inner }), {});
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
    expect(parseContext({ l: Array.from({ length: CONTEXT_VALUES_MAX - 1 }, () => 1) })).toBeDefined();
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
    ['too many values', { l: Array.from({ length: CONTEXT_VALUES_MAX }, () => 1) }, ''],
  ])('is refused as or with %s', (_, input, path) => {
    expect(faultOf(() => parseContext(input))).toMatchObject({ code: 'ERR_CONTEXT', path });
  });
});
