/**
 * Flags ready to be asked, and the version of what each audience sees of them: moved by what it is answered, and by
 * nothing else, or it would tell of what is hidden.
 * @module
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FlagSource } from '../../src/flags/evaluation.ts';
import type { Flag, FlagSet } from '../../src/flags/flag.ts';
import { Evaluations } from '../../src/registry/evaluations.ts';
import { COLOURS, contexts, definitions, flag, ON_OFF, source } from '../flags/fixtures.ts';

const SEEN = { clientVisible: true };
const LATE = { '>': [{ var: '$flagd.timestamp' }, 5] };
const SECRET_RULE = { '==': [{ var: 'plan' }, 'secret'] };
const STAFF = { ends_with: [{ var: 'email' }, '@example.com'] };
const SHARED = flag({ ...COLOURS, targeting: { if: [{ $ref: 'team' }, 'blue'] } }, SEEN);
const HIDDEN = flag(ON_OFF);
const SET: FlagSet = { evaluators: { team: { $ref: 'staff' }, staff: STAFF }, metadata: {} };
const START = { shared: SHARED, open: flag(ON_OFF, SEEN), hidden: HIDDEN };

type Parts = Partial<FlagSource>;
type Flags = Readonly<Record<string, Flag>>;

async function seen(flags: Flags, parts: Parts = { set: SET }) {
  const hash = (text: string): string => new Bun.CryptoHasher('sha256', 'key').update(text).digest('base64url');
  const evaluations = new Evaluations({ source: async () => source(flags, parts), isCurrent: () => true, hash });
  const ready = await evaluations.read('shop');
  return { all: ready.version('all'), browser: ready.version('browser'), compiled: ready.compiled };
}

function rollout(basisPoints: number): Uint16Array {
  const rollouts = new Uint16Array(32);
  rollouts[12] = basisPoints;
  return rollouts;
}

const FEATURE_SEEN = new Map([['new_checkout', { ...flag(ON_OFF), ...SEEN }]]);

describe('the version of what is seen', () => {
  const withSet = (more: Partial<FlagSet>): Parts => ({ set: { ...SET, ...more } });
  const evaluator = (more: Readonly<Record<string, unknown>>): Parts =>
    withSet({ evaluators: { ...SET.evaluators, ...more } });
  it.each<[string, Flags, Parts, boolean, boolean]>([
    ['an evaluator that nobody uses', START, evaluator({ other: SECRET_RULE }), false, false],
    ['one that asks what time it is', START, evaluator({ other: LATE }), false, false],
    ['an evaluator in use, by another', START, evaluator({ staff: SECRET_RULE }), true, true],
    ['an evaluator in use that is gone', START, withSet({ evaluators: { staff: STAFF } }), true, true],
    ['an evaluator of a hidden flag', { ...START, hidden: SHARED_HIDDEN() }, { set: SET }, true, false],
    ['what the set says of itself', START, withSet({ metadata: { team: 'shop' } }), true, false],
    ['another value of a hidden flag', { ...START, hidden: flag({ ...ON_OFF, state: 'DISABLED' }) }, {}, true, false],
    ['another value', { ...START, open: flag({ ...ON_OFF, defaultVariant: 'off' }, SEEN) }, {}, true, true],
    ['its metadata', { ...START, open: flag({ ...ON_OFF, metadata: { a: 1 } }, SEEN) }, {}, true, true],
    ['what nobody is answered', { ...START, open: flag({ ...ON_OFF, variants: MORE }, SEEN) }, {}, false, false],
    ['a description', { ...START, open: flag(ON_OFF, { ...SEEN, description: 'x', tags: ['t'] }) }, {}, false, false],
    [
      'an owner and an expiry',
      { ...START, open: flag(ON_OFF, { ...SEEN, owner: 'a', expiresAt: 1 }) },
      {},
      false,
      false,
    ],
    ['its visibility', { ...START, open: flag(ON_OFF) }, {}, false, true],
    ['that it is archived', { ...START, open: flag(ON_OFF, { ...SEEN, archivedAt: 1 }) }, {}, true, true],
    ['one that is archived', { ...START, old: flag(ON_OFF, { ...SEEN, archivedAt: 1 }) }, {}, false, false],
    ['a rollout of a hidden feature', START, { rollouts: rollout(500) }, true, false],
    ['a rollout', START, { rollouts: rollout(500), facts: FEATURE_SEEN }, true, true],
  ])('%s', async (_, flags, parts, all, browser) => {
    const facts = parts.facts === undefined ? {} : { facts: parts.facts };
    const before = await seen(START, { set: SET, ...facts });
    const after = await seen(flags, { set: SET, ...parts });
    expect([after.all !== before.all, after.browser !== before.browser]).toEqual([all, browser]);
  });

  it('is the same only for the same answers', async () => {
    const states = fc.record({ definition: definitions, isReferred: fc.boolean(), team: fc.constantFrom(STAFF, LATE) });
    const versionOf = async ({
      definition,
      isReferred,
      team,
    }: typeof states extends fc.Arbitrary<infer T> ? T : never) => {
      const targeting = isReferred ? { if: [{ $ref: 'team' }, 'blue', 'red'] } : definition.targeting;
      const flags = { it: flag({ ...definition, targeting: targeting as Record<string, unknown> }, SEEN) };
      return await seen(flags, { set: { evaluators: { team }, metadata: {} } });
    };
    await fc.assert(
      fc.asyncProperty(states, states, contexts, async (a, b, context) => {
        const [first, second] = [await versionOf(a), await versionOf(b)];
        const answers = [first, second].map(({ compiled }) => compiled.evaluate('it', context, 'browser'));
        if (first.browser === second.browser) expect(answers[0]).toEqual(answers[1]);
        expect((await versionOf(a)).browser).toBe(first.browser);
      }),
      { seed: 4, numRuns: 200 },
    );
  });
});

describe('what time it is', () => {
  const late = (targeting: object): Flag['definition'] => ({ ...COLOURS, targeting: targeting as Flags });
  it.each<[string, Flag, Readonly<Record<string, unknown>>, boolean, boolean]>([
    ['asked by a flag that all see', flag(late({ if: [LATE, 'blue'] }), SEEN), {}, true, true],
    ['asked by a hidden one', flag(late({ if: [LATE, 'blue'] })), {}, true, false],
    ['asked by an evaluator', SHARED, { team: LATE }, true, true],
    ['asked by an evaluator of nobody', SHARED, { other: LATE }, false, false],
    ['not asked while it is off', flag({ ...late({ if: [LATE, 'blue'] }), state: 'DISABLED' }, SEEN), {}, false, false],
  ])('%s', async (_, it, evaluators, all, browser) => {
    const { compiled } = await seen(
      { it },
      { set: { evaluators: { ...SET.evaluators, ...evaluators }, metadata: {} } },
    );
    expect([compiled.usesTime('all'), compiled.usesTime('browser')]).toEqual([all, browser]);
  });
});

const MORE = { ...ON_OFF.variants, never: true };

function SHARED_HIDDEN(): Flag {
  return { ...SHARED, clientVisible: false };
}

it('what is held is not handed out any more once it is to be forgotten, also what was read before that', async () => {
  const gate = Promise.withResolvers<void>();
  const asked = async (name: string): Promise<FlagSource> => {
    if (name === 'slow') await gate.promise;
    return source(START);
  };
  const evaluations = new Evaluations({ source: asked, isCurrent: () => true, hash: (text) => text });
  await evaluations.read('shop');
  const reading = evaluations.read('slow');
  expect(evaluations.held('shop')).toBeDefined();
  evaluations.forget();
  gate.resolve();
  await reading;
  expect([evaluations.held('shop'), evaluations.held('slow')]).toEqual([undefined, undefined]);
});
