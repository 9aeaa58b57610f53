/** Only definitions that can be evaluated for everybody get in; of the others it is said what is wrong. @module */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDefinition, parseFlagKey, parseFlagSet } from '../../src/flags/definition.ts';
import { SEEDED } from '../config/arbitraries.ts';
import { COLOURS, definitions, faultOf, ON_OFF, STAFF } from './fixtures.ts';

/** `depth` lists or operators within each other. */
function nested(depth: number): unknown {
  return Array.from({ length: depth }).reduce((inner) => ({ '!': [inner] }), { var: 'x' });
}

function json(text: string): unknown {
  return JSON.parse(text);
}

function parse(input: unknown, evaluators: Record<string, unknown> = {}): unknown {
  return parseDefinition('banner', input, evaluators);
}

function withRules(targeting: unknown): object {
  return { ...COLOURS, targeting };
}

describe('a key', () => {
  it.each(['a', 'A-b_c.d', '_x', '0', 'a'.repeat(100)])('may be %s', (key) => {
    expect(parseFlagKey(key)).toBe(key);
  });

  it.each(['', '-a', '.a', 'a/b', 'a b', 'ä', 'a\n', 'a'.repeat(101), '__proto__', 'constructor', 'prototype'])(
    'may not be %j',
    (key) => {
      expect(faultOf(() => parseFlagKey(key))).toMatchObject({ code: 'ERR_FLAG_INVALID', path: '' });
      expect(faultOf(() => parseDefinition(key, ON_OFF, {})).code).toBe('ERR_FLAG_INVALID');
    },
  );
});

describe('a definition', () => {
  it.each([
    ['booleans', ON_OFF],
    [
      'texts and rules',
      withRules({
        if: [
          STAFF,
          'blue',
          {
            fractional: [
              ['red', 50],
              ['blue', 50],
            ],
          },
        ],
      }),
    ],
    ['numbers', { state: 'DISABLED', variants: { low: 1, high: 1.5 }, defaultVariant: null }],
    ['objects', { state: 'ENABLED', variants: { a: { x: [1, { $ref: 'b' }] } }, metadata: { owner: 'shop', n: 1 } }],
    ['empty rules', withRules({})],
    ['rules that answer an attribute', withRules({ var: 'colour' })],
    ['a chain of loops', withRules({ if: [{ some: [{ map: [{ var: 'l' }, { var: '' }] }, { var: '' }] }, 'red'] })],
    ['a name in which a path has signs', { state: 'ENABLED', variants: { 'a/b~c': 1 }, defaultVariant: 'a/b~c' }],
  ])('of %s is taken as it is', (_, definition) => {
    expect(parse(definition)).toEqual(definition);
  });

  it('that is drawn at random from the good ones is taken as it is, and is a copy', () => {
    fc.assert(
      fc.property(definitions, (definition) => {
        const parsed = parse(definition);
        expect(parsed).toEqual(definition);
        expect(parsed).not.toBe(definition);
      }),
      { ...SEEDED, numRuns: 200 },
    );
  });

  it.each<[string, unknown, string | null, RegExp]>([
    ['no object', 'on', '', /not a JSON object/],
    ['a list', [ON_OFF], '', /not a JSON object/],
    ['null', null, '', /not a JSON object/],
    ['without a state', { variants: { on: true } }, '', /state/],
    ['of an unknown state', { ...ON_OFF, state: 'ON' }, '/state', /ENABLED/],
    ['without variants', { state: 'ENABLED' }, '/variants', /no variants/],
    ['with empty variants', { state: 'ENABLED', variants: {} }, '/variants', /no variants/],
    ['with a list as a variant', { state: 'ENABLED', variants: { a: [1] } }, '/variants/a', /lists/],
    ['with null as a variant', { state: 'ENABLED', variants: { a: null } }, '/variants/a', /null/],
    ['with variants of two types', { state: 'ENABLED', variants: { a: 1, b: 'x' } }, '/variants/b', /string/],
    ['with an empty name', { state: 'ENABLED', variants: { '': 1 } }, '/variants/', /1-100/],
    ['with an unknown field', { ...ON_OFF, owner: 'ann' }, '/owner', /no field/],
    ['with metadata of an object', { ...ON_OFF, metadata: { a: {} } }, '/metadata/a', /string,number,boolean/],
    ['whose default is no variant', { ...ON_OFF, defaultVariant: 'onn' }, '/defaultVariant', /no variant 'onn'/],
    ['whose default is empty', { ...ON_OFF, defaultVariant: '' }, '/defaultVariant', /no variant ''/],
    ['whose default is a number', { ...ON_OFF, defaultVariant: 1 }, '/defaultVariant', /string,null/],
    ['with a number too large', { state: 'ENABLED', variants: { a: 2 ** 53 } }, '/variants/a', /exactly/],
    ['with Infinity', { state: 'ENABLED', variants: { a: Infinity } }, '/variants/a', /exactly/],
    ['with what is no JSON', { state: 'ENABLED', variants: { a: () => 1 } }, '/variants/a', /not JSON/],
    ['with targeting null', withRules(null), '/targeting', /object/],
    ['with a list as targeting', withRules(['red']), '/targeting', /object/],
    ['with an unknown operator', withRules({ iff: [true, 'red'] }), '/targeting', /no operator 'iff'/],
    ['with one deep inside', withRules({ if: [{ '!': [{ equals: [] }] }, 'red'] }), '/targeting/if/0/!/0', /equals/],
    ['with two operators', withRules({ '==': [1, 1], '!=': [1, 1] }), '/targeting', /several operators/],
    ['with an empty rule', withRules({ if: [{}, 'red'] }), '/targeting/if/0', /empty object/],
    [
      'with an operator in a list',
      withRules({ if: [{ in: [1, [{ nope: 1 }]] }, 'red'] }),
      '/targeting/if/0/in/1/0',
      /nope/,
    ],
    ['with too few arguments', withRules({ if: [{ '==': [1] }, 'red'] }), '/targeting/if/0/==', /fewer than 2/],
    [
      'with an unknown version',
      withRules({ if: [{ sem_ver: [{ var: 'v' }, '>', '1.2'] }, 'red'] }),
      '/targeting/if/0/sem_ver/2',
      /pattern/,
    ],
    [
      'with a weight of a half',
      withRules({
        fractional: [
          ['red', 0.5],
          ['blue', 1],
        ],
      }),
      '/targeting/fractional/0/1',
      /integer/,
    ],
    ['with an unknown property of flagd', withRules({ var: '$flagd.user' }), '/targeting/var', /pattern/],
    [
      'whose rules name no variant',
      withRules({ if: [STAFF, 'green', 'red'] }),
      '/targeting/if/1',
      /no variant 'green'/,
    ],
    ['whose else names none', withRules({ if: [STAFF, 'red', 'bleu'] }), '/targeting/if/2', /no variant 'bleu'/],
    ['whose else-if names none', withRules({ if: [STAFF, 'red', STAFF, 'grue', 'blue'] }), '/targeting/if/3', /grue/],
    ['whose rules answer true', withRules({ if: [STAFF, true] }), '/targeting/if/1', /no variant 'true'/],
    [
      'whose share names none',
      withRules({
        fractional: [
          ['red', 1],
          ['x', 1],
        ],
      }),
      '/targeting/fractional/1/0',
      /'x'/,
    ],
    [
      'with three loops',
      withRules({ all: [[1], { all: [[1], { all: [[1], true] }] }] }),
      '/targeting/all/1/all/1/all',
      /loops/,
    ],
    [
      'with a reserved variant',
      { ...ON_OFF, variants: json('{"__proto__":true,"on":true}') },
      '/variants/__proto__',
      /reserved/,
    ],
    [
      'with one in a value',
      { state: 'ENABLED', variants: { a: json('{"x":{"constructor":1}}') } },
      '/variants/a/x/constructor',
      /reserved/,
    ],
    ['with one in rules', withRules(json('{"if":[{"__proto__":[]},"red"]}')), '/targeting/if/0/__proto__', /reserved/],
    ['with one in metadata', { ...ON_OFF, metadata: json('{"prototype":1}') }, '/metadata/prototype', /reserved/],
    ['nested 5000 deep', withRules(nested(5_000)), null, /nested deeper than 64/],
    [
      'with too many values',
      { state: 'ENABLED', variants: { a: { x: Array.from({ length: 10_001 }, () => 1) } } },
      null,
      /more than 10000 values/,
    ],
    ['larger than 64 KB', { state: 'ENABLED', variants: { a: 'ä'.repeat(33_000) } }, '', /64 KB/],
    [
      'with 101 variants',
      { state: 'ENABLED', variants: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`v${i}`, i])) },
      '/variants',
      /100 variants/,
    ],
  ])('%s is refused', (_, definition, path, fault) => {
    const refused = faultOf(() => parse(definition));
    expect(refused).toMatchObject({ code: 'ERR_FLAG_INVALID', flag: 'banner', fault: expect.stringMatching(fault) });
    if (path !== null) expect(refused.path).toBe(path);
  });

  it('is told the nearest word there is', () => {
    expect(faultOf(() => parse(withRules({ end_with: [1, 2] }))).hint).toBe("Did you mean 'ends_with'?");
    expect(faultOf(() => parse({ ...COLOURS, defaultVariant: 'bleu' })).hint).toBe("Did you mean 'blue'?");
    expect(faultOf(() => parse({ ...ON_OFF, targetting: {} })).hint).toBe("Did you mean 'targeting'?");
    expect(faultOf(() => parse(withRules({ if: [{ $ref: 'staf' }, 'red'] }), { staff: STAFF })).hint).toContain(
      'staff',
    );
  });
});

describe('a reference', () => {
  it('may be the whole of the rules, an argument, and lead to others in any order', () => {
    const evaluators = { inner: { $ref: 'staff' }, staff: STAFF, whole: { if: [{ $ref: 'inner' }, 'blue'] } };
    for (const targeting of [{ $ref: 'whole' }, { if: [{ $ref: 'inner' }, 'blue', 'red'] }]) {
      expect(parse(withRules(targeting), evaluators)).toEqual(withRules(targeting));
    }
  });

  it.each<[string, unknown, Record<string, unknown>, RegExp]>([
    ['to nothing', { $ref: 'a' }, {}, /no evaluator 'a'/],
    ['to what every object has', { $ref: 'constructor' }, {}, /no evaluator 'constructor'/],
    ['to itself', { $ref: 'a' }, { a: { '!': [{ $ref: 'a' }] } }, /in a circle: a -> a$/],
    [
      'in a circle',
      { $ref: 'x' },
      { x: { $ref: 'a' }, a: { $ref: 'b' }, b: { $ref: 'a' } },
      /in a circle: a -> b -> a$/,
    ],
    ['with something beside it', { $ref: 'a', if: [] }, { a: STAFF }, /nothing else/],
    ['that is no text', { $ref: 1 }, { a: STAFF }, /nothing else/],
    ['to rules that name no variant', { $ref: 'a' }, { a: { if: [true, 'green'] } }, /no variant 'green'/],
  ])('%s is refused', (_, targeting, evaluators, fault) => {
    expect(faultOf(() => parse(withRules(targeting), evaluators))).toMatchObject({
      code: 'ERR_FLAG_INVALID',
      fault: expect.stringMatching(fault),
    });
  });

  it('to few short rules that double thirty times ends at once', () => {
    const evaluators = Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [`e${i}`, { and: [{ $ref: `e${i + 1}` }, { $ref: `e${i + 1}` }] }]),
    );
    const refused = faultOf(() => parse(withRules({ $ref: 'e0' }), { ...evaluators, e30: STAFF }));
    expect(refused).toMatchObject({ fault: expect.stringMatching(/more than 10000 values|nested deeper/) });
  });

  it('keeps signs that mean something to text replacement', () => {
    const evaluators = { a: { '==': [{ var: 'x' }, '$$ $\' $& \\ "'] } };
    expect(parse(withRules({ if: [{ $ref: 'a' }, 'red'] }), evaluators)).toMatchObject({
      targeting: expect.anything(),
    });
  });
});

describe('what the flags of a config share', () => {
  it('is taken as it is; what is left out is empty', () => {
    const set = { evaluators: { staff: STAFF, more: { '!': [{ $ref: 'staff' }] } }, metadata: { version: '1' } };
    expect(parseFlagSet(set)).toEqual(set);
    expect(parseFlagSet({})).toEqual({ evaluators: {}, metadata: {} });
  });

  it.each<[string, unknown, string, RegExp]>([
    ['an unknown field', { $evaluators: {} }, '/$evaluators', /no field/],
    ['evaluators that are a list', { evaluators: [] }, '/evaluators', /object/],
    ['a circle', { evaluators: { a: { $ref: 'b' }, b: { $ref: 'a' } } }, '/evaluators/a', /a -> b -> a/],
    ['an unknown operator', { evaluators: { a: { nope: [] } } }, '/evaluators/a', /nope/],
    ['a rule of the wrong shape', { evaluators: { a: { '==': [1] } } }, '/evaluators/a/==', /fewer/],
    ['a reserved name', { evaluators: JSON.parse('{"__proto__":{"var":"a"}}') }, '/evaluators/__proto__', /reserved/],
    ['metadata of null', { metadata: { a: null } }, '/metadata/a', /string,number,boolean/],
    ['metadata that is a list', { metadata: [] }, '/metadata', /object/],
  ])('is refused with %s', (_, set, path, fault) => {
    expect(faultOf(() => parseFlagSet(set))).toMatchObject({ flag: '$set', path, fault: expect.stringMatching(fault) });
  });
});
