/**
 * What flags answer: features by their bits and rollouts, rich flags as flagd itself answers, and browsers only what is
 * visible to them.
 * @module
 */
import { FlagdCore, MemoryStorage } from '@openfeature/flagd-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isInRollout, withRollout, noRollouts } from '../../src/config/rollout.ts';
import { DEFAULT_CONFIG } from '../../src/config/value.ts';
import { parseContext } from '../../src/flags/context.ts';
import { parseDefinition } from '../../src/flags/definition.ts';
import { type Answer, type Failure, isFailure } from '../../src/flags/answers.ts';
import { compileFlags, type CompiledFlags } from '../../src/flags/evaluation.ts';
import { type FlagDefinition, NO_FACTS } from '../../src/flags/flag.ts';
import { SLICE_MS, Turns } from '../../src/flags/turns.ts';
import { SEEDED } from '../config/arbitraries.ts';
import { COLOURS, compiled, contexts, definitions, FEATURES, flag, ON_OFF, source, STAFF } from './fixtures.ts';

const ANYBODY = { targetingKey: 'user-1' };
const VISIBLE = { ...NO_FACTS, clientVisible: true };
const quiet = (): void => undefined;
const QUIET = { error: quiet, warn: quiet, info: quiet, debug: quiet };

function targeted(targeting: unknown, more: Partial<FlagDefinition> = {}): FlagDefinition {
  return parseDefinition('f', { ...COLOURS, ...more, targeting }, {});
}

function answer(definition: FlagDefinition, context: unknown = ANYBODY): unknown {
  return compiled({ f: flag(definition) }).evaluate('f', parseContext(context), 'all');
}

/**
 * The same asked of flagd's own client, which reads its own file format. It walks rules, as we do, or compiles them:
 * then it answers otherwise where types are mixed (a text compared with a list).
 */
function flagdAnswer(definition: FlagDefinition, context: object, disableDynamicCodeGeneration = true): unknown {
  const options = { disableDynamicCodeGeneration };
  const core = new FlagdCore(new MemoryStorage(QUIET, options), QUIET, options);
  core.setConfigurations(JSON.stringify({ flags: { f: definition } }));
  const found = resolved(core, context);
  if (found === null) return { key: 'f', errorCode: 'GENERAL' };
  const { errorCode, reason, variant, value } = found;
  if (errorCode !== undefined) return { key: 'f', errorCode };
  return variant === undefined ? { key: 'f', reason } : { key: 'f', reason, variant, value };
}

/** null: it throws, as it does over an attribute with a `toString` of its own. */
function resolved(core: FlagdCore, context: object): ReturnType<FlagdCore['resolve']> | null {
  try {
    return core.resolve('string', 'f', 'of the caller', context as never);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

describe('a feature', () => {
  const bit = FEATURES.bitOf('new_checkout');
  function asked(isOn: boolean, rollout: number, context: unknown): unknown {
    const config = { ...DEFAULT_CONFIG, featureFlags: isOn ? FEATURES.maskOf('new_checkout') : 0 };
    const flags = compiled({}, { config, rollouts: withRollout(noRollouts(), bit, rollout) });
    return flags.evaluate('new_checkout', parseContext(context), 'all');
  }

  it.each([
    [true, 0, {}, 'STATIC', 'on'],
    [true, 5_000, {}, 'STATIC', 'on'],
    [false, 0, {}, 'STATIC', 'off'],
    [false, 10_000, {}, 'STATIC', 'on'],
  ])('that is on %s, for %i in 10000, is the same for everybody', (isOn, rollout, context, reason, variant) => {
    const answered = { key: 'new_checkout', reason, variant, value: variant === 'on' };
    expect(asked(isOn, rollout, context)).toEqual(answered);
  });

  it('that is on for a part is on for those whom its rollout names', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.integer({ min: 1, max: 9_999 }), (targetingKey, rollout) => {
        const value = isInRollout('new_checkout', targetingKey, rollout);
        const answered = { key: 'new_checkout', reason: 'SPLIT', variant: value ? 'on' : 'off', value };
        expect(asked(false, rollout, { targetingKey })).toEqual(answered);
      }),
      SEEDED,
    );
  });

  it.each([{}, { targetingKey: '' }, { targetingKey: null }])('for a part needs a key, which %j lacks', (context) => {
    expect(asked(false, 5_000, context)).toMatchObject({ key: 'new_checkout', errorCode: 'TARGETING_KEY_MISSING' });
  });

  it('is written as OFREP has it', () => {
    const flags = compiled({});
    const text = '{"key":"debug","reason":"STATIC","variant":"off","value":false}';
    expect(flags.json(flags.evaluate('debug', {}, 'all'))).toBe(text);
    expect(flags.json(flags.evaluate('debug', {}, 'all'))).toBe(text);
  });
});

interface Found extends Partial<Answer>, Partial<Failure> {}

describe('a rich flag', () => {
  it('answers what flagd answers, whatever its rules and whoever asks', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(definitions, fc.array(contexts, { minLength: 1, maxLength: 4 }), (definition, all) => {
        const flags = compiled({ f: flag(parseDefinition('f', definition, {})) });
        for (const context of all) {
          const { metadata = {}, errorDetails, ...found } = flags.evaluate('f', parseContext(context), 'all') as Found;
          expect(found).toEqual(flagdAnswer(definition, context));
          expect(metadata).toEqual(errorDetails === undefined ? definition.metadata : {});
          seen.add(found.reason ?? found.errorCode!);
        }
      }),
      { ...SEEDED, numRuns: 400 },
    );
    expect([...seen].sort()).toEqual(['DEFAULT', 'DISABLED', 'GENERAL', 'STATIC', 'TARGETING_MATCH']);
  });

  it.each<[string, unknown, object, string]>([
    [
      'shares by its own key and the targeting key',
      {
        fractional: [
          ['a', 25],
          ['b', 25],
          ['c', 25],
          ['d', 25],
        ],
      },
      { targetingKey: 'u1' },
      'b',
    ],
    [
      'shares another',
      {
        fractional: [
          ['a', 25],
          ['b', 25],
          ['c', 25],
          ['d', 25],
        ],
      },
      { targetingKey: 'u2' },
      'd',
    ],
    [
      'shares a third',
      {
        fractional: [
          ['a', 25],
          ['b', 25],
          ['c', 25],
          ['d', 25],
        ],
      },
      { targetingKey: 'u3' },
      'c',
    ],
    ['compares versions', { if: [{ sem_ver: [{ var: 'v' }, '>=', '1.10.0'] }, 'b', 'c'] }, { v: '1.9.9' }, 'c'],
    ['compares shortened versions', { if: [{ sem_ver: [{ var: 'v' }, '>=', '1.10.0'] }, 'b', 'c'] }, { v: 'v2' }, 'b'],
    ['compares majors', { if: [{ sem_ver: [{ var: 'v' }, '^', '2.9.0'] }, 'b', 'c'] }, { v: '2.0.0' }, 'b'],
    ['compares beginnings', { if: [{ starts_with: [{ var: 'e' }, 'ann@'] }, 'b', 'c'] }, { e: 'ann@x' }, 'b'],
    ['compares ends', { if: [{ ends_with: [{ var: 'e' }, '@x'] }, 'b', 'c'] }, { e: 'ann@y' }, 'c'],
    ['compares no numbers with texts', { if: [{ starts_with: [{ var: 'e' }, '1'] }, 'b', 'c'] }, { e: 12 }, 'c'],
    [
      'knows its own key',
      { if: [{ '===': [{ var: '$flagd.flagKey' }, 'f'] }, 'b', 'c'] },
      { $flagd: { flagKey: 'x' } },
      'b',
    ],
    [
      'knows the time',
      { if: [{ '>': [{ var: '$flagd.timestamp' }, 1.6e9] }, 'b', 'c'] },
      { $flagd: { timestamp: 0 } },
      'b',
    ],
  ])('%s', (_, targeting, context, variant) => {
    const definition = targeted(targeting, { variants: { a: 'A', b: 'B', c: 'C', d: 'D' }, defaultVariant: 'a' });
    const answered = answer(definition, context);
    expect(answered).toMatchObject({ reason: 'TARGETING_MATCH', variant });
    expect(flagdAnswer(definition, context, false), 'compiled').toEqual(answered);
  });

  it('without a key for its shares answers its default', () => {
    const definition = targeted({
      fractional: [
        ['red', 1],
        ['blue', 1],
      ],
    });
    expect(answer(definition, {})).toEqual({ key: 'f', reason: 'DEFAULT', variant: 'red', value: 'r' });
  });

  it('that is off or has no default answers without a value', () => {
    const texts = { off: { ...ON_OFF, state: 'DISABLED' }, none: { ...ON_OFF, defaultVariant: null } } as const;
    const flags = compiled({ off: flag({ ...texts.off, metadata: { a: 1 } }), none: flag(texts.none) });
    const jsonOf = (key: string): string => flags.json(flags.evaluate(key, ANYBODY, 'all'));
    expect(jsonOf('off')).toBe('{"key":"off","reason":"DISABLED","metadata":{"a":1}}');
    expect(jsonOf('none')).toBe('{"key":"none","reason":"DEFAULT"}');
  });

  it('says nothing of the context when its rules fail over it', () => {
    const definition = targeted({ var: 'secret' });
    for (const secret of ['hunter2', { toString: 1 }, [{ toString: 'x' }], { a: 1 }]) {
      const failed = {
        key: 'f',
        errorCode: 'GENERAL',
        errorDetails: "The targeting of flag 'f' leads to none of its variants",
      };
      expect(answer(definition, { secret })).toEqual(failed);
    }
    for (const name of ['constructor', 'toString', '__proto__']) {
      expect(answer(targeted({ var: 'v' }), { v: name })).toMatchObject({ errorCode: 'GENERAL' });
    }
  });

  it('that was stored and cannot be evaluated answers a failure', () => {
    const flags = compiled({
      lost: flag({ ...COLOURS, targeting: { $ref: 'gone' } }),
      odd: flag({ ...COLOURS, targeting: { nope: [] } }),
      state: flag({ ...ON_OFF, state: 'PAUSED' as 'DISABLED' }),
      default: flag({ ...ON_OFF, defaultVariant: 'gone' }),
    });
    expect(flags.evaluate('lost', ANYBODY, 'all')).toMatchObject({ errorCode: 'PARSE_ERROR' });
    expect(flags.evaluate('odd', ANYBODY, 'all')).toMatchObject({ errorCode: 'PARSE_ERROR' });
    expect(flags.evaluate('state', ANYBODY, 'all')).toMatchObject({ reason: 'DISABLED' });
    expect(flags.evaluate('default', ANYBODY, 'all')).toMatchObject({ errorCode: 'GENERAL' });
  });

  it('uses what its config shares, and its own metadata wins', () => {
    const set = { evaluators: { staff: STAFF }, metadata: { version: '1', team: 'shop' } };
    const definition = { ...COLOURS, targeting: { if: [{ $ref: 'staff' }, 'blue'] }, metadata: { team: 'mail' } };
    const flags = compiled({ f: flag(definition, { clientVisible: true, owner: 'ann', tags: ['t'] }) }, { set });
    const asked = (audience: 'all' | 'browser'): string =>
      flags.json(flags.evaluate('f', { email: 'ann@example.com' }, audience));
    const text = '{"key":"f","reason":"TARGETING_MATCH","variant":"blue","value":"b","metadata":';
    expect(asked('all')).toBe(`${text}{"version":"1","team":"mail"}}`);
    expect(asked('browser')).toBe(`${text}{"team":"mail"}}`);
  });

  it('wins over the feature of its name, also from the archive', () => {
    const on = { ...DEFAULT_CONFIG, featureFlags: 0xffffffff };
    const flags = compiled({ debug: flag({ ...ON_OFF, defaultVariant: 'off' }) }, { config: on });
    expect(flags.evaluate('debug', {}, 'all')).toMatchObject({ value: false });
    const archived = compiled({ debug: flag(ON_OFF, { archivedAt: 1 }) }, { config: on });
    expect(archived.evaluate('debug', {}, 'all')).toEqual(archivedAnswer('debug'));
    expect(archived.keys('all')).not.toContain('debug');
  });
});

function archivedAnswer(key: string): unknown {
  return { key, errorCode: 'FLAG_NOT_FOUND', errorDetails: `Flag '${key}' was not found` };
}

describe('who asks', () => {
  const flags = compiled(
    {
      shown: flag(ON_OFF, { clientVisible: true }),
      hidden: flag(ON_OFF),
      gone: flag(ON_OFF, { clientVisible: true, archivedAt: 5 }),
      metrics: flag(ON_OFF),
    },
    {
      facts: new Map([
        ['debug', VISIBLE],
        ['logging', NO_FACTS],
        ['metrics', VISIBLE],
      ]),
    },
  );

  it('is told of all keys, or from a browser of those that are visible, ascending', () => {
    expect(flags.keys('browser')).toEqual(['debug', 'shown']);
    const all = [...FEATURES.names, 'shown', 'hidden'].sort();
    expect(flags.keys('all')).toEqual(all);
    for (const key of all) expect(isFailure(flags.evaluate(key, ANYBODY, 'all')), key).toBe(false);
  });

  it('from a browser hears of what it may not see what it hears of what is not there', () => {
    for (const key of ['hidden', 'gone', 'logging', 'metrics', 'nowhere', '__proto__', 'constructor', '']) {
      expect(flags.evaluate(key, ANYBODY, 'browser')).toEqual(archivedAnswer(key));
    }
    expect(flags.evaluate('shown', ANYBODY, 'browser')).toEqual(flags.evaluate('shown', ANYBODY, 'all'));
  });
});

describe('compiling again', () => {
  it('takes over what has not changed, and nothing else', () => {
    const set = { evaluators: { staff: STAFF }, metadata: {} };
    const [same, before] = [flag(targeted({ if: [STAFF, 'blue'] })), flag(ON_OFF)];
    const first = compileFlags(source({ same, changed: before, gone: before }, { set }));
    const after = source({ same, changed: flag({ ...ON_OFF, defaultVariant: 'off' }), added: before }, { set });
    const second = compileFlags(after, first);
    const asked = (flags: CompiledFlags, key: string): unknown => flags.evaluate(key, ANYBODY, 'all');
    expect(asked(second, 'same')).toBe(asked(first, 'same'));
    expect(asked(second, 'changed')).toMatchObject({ value: false });
    expect(asked(second, 'gone')).toMatchObject({ errorCode: 'FLAG_NOT_FOUND' });
    expect(asked(second, 'added')).toMatchObject({ value: true });
    const third = compileFlags({ ...after, set: { ...set, metadata: { v: 2 } } }, second);
    expect(asked(third, 'same')).toMatchObject({ metadata: { v: 2 } });
  });
});

describe('thousands of flags', () => {
  it('are made ready in short slices, and asked without making anything', async () => {
    const clock = { now: 0, began: 0 };
    const slices: number[] = [];
    const pause = async (): Promise<void> => {
      slices.push(clock.now - clock.began);
      await Promise.resolve();
      clock.began = clock.now;
    };
    // Whoever makes something of a flag looks at this, and a millisecond is gone.
    const slow = (definition: FlagDefinition): FlagDefinition =>
      Object.defineProperty({ ...definition }, 'metadata', { enumerable: true, get: () => void clock.now++ });
    const keys = Array.from({ length: 5000 }, (_, i) => `flag-${i}`);
    const definition = targeted({ if: [STAFF, 'blue'] });
    const flags = compiled(Object.fromEntries(keys.map((key) => [key, flag(slow(definition))])));
    expect([clock.now, flags.isReady]).toEqual([0, false]);
    await flags.makeReady(new Turns({ clock: () => clock.now, pause }));
    expect(Math.max(...slices)).toBeLessThan(2 * SLICE_MS);
    expect(slices.length).toBeGreaterThan(5000 / SLICE_MS / 2);
    const made = clock.now;
    expect(made).toBeGreaterThanOrEqual(5000);
    expect(flags.isReady).toBe(true);
    for (const key of keys) flags.evaluate(key, ANYBODY, 'all');
    expect(clock.now).toBe(made);
  });

  it('take over what was ready before, and only that', async () => {
    const first = compiled({ a: flag(targeted({ if: [STAFF, 'blue'] })), b: flag(ON_OFF, { archivedAt: 1 }) });
    await first.makeReady();
    const second = compileFlags(source({ a: flag(ON_OFF) }), first);
    expect([first.isReady, second.isReady]).toEqual([true, false]);
  });
});

describe('rules that ask what time it is', () => {
  const late = (path: unknown): object => ({ if: [{ '>': [{ var: path }, 5] }, 'blue'] });

  it.each<[unknown, boolean]>([
    [{}, false],
    [late('age'), false],
    [late('$flagd.flagKey'), false],
    [late('$flagd.timestamp'), true],
    [late(['$flagd.timestamp', 0]), true],
    [{ if: [{ some: [{ var: 'l' }, late('$flagd.timestamp')] }, 'blue'] }, true],
    [{ if: [{ in: ['1', { var: '' }] }, 'blue'] }, true],
    [late({ cat: ['$flagd.', 'timestamp'] }), true],
    [{ $ref: 'dusk' }, true],
  ])('%j: %s', (targeting, usesTime) => {
    const definition = { ...COLOURS, targeting: targeting as Record<string, unknown> };
    const set = { evaluators: { dusk: late('$flagd.timestamp') as Record<string, unknown> }, metadata: {} };
    expect(compiled({ f: flag(definition) }, { set }).usesTime('all')).toBe(usesTime);
    expect(compiled({ f: flag(definition, { archivedAt: 1 }) }, { set }).usesTime('all')).toBe(false);
  });
});
