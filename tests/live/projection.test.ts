/** The journal's view of configs, whatever order their entries come in. @module */
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configStream } from '../../src/config/name.ts';
import { DEFAULT_CONFIG, encodeConfig } from '../../src/config/value.ts';
import { ConfigError } from '../../src/errors/errors.ts';
import { openEngine, type Engine } from '../../src/journal/engine.ts';
import type { ConfigState } from '../../src/live/change.ts';
import { configsProjection, type StoredChange, type StoredState } from '../../src/live/projection.ts';
import { entryOf, type Recorded } from '../../src/live/recorder.ts';
import { codeOf, tempDirectory } from '../journal/fixtures.ts';

const SIGNATURE = { actor: 'ann', reason: '' };

function openHere(): Engine {
  return openEngine({ path: join(tempDirectory(), 'config.db'), projections: [configsProjection] });
}

function stateWith(rows: number, rollout: number, rolloutsRevision: number): ConfigState {
  const rollouts = new Uint16Array(32);
  rollouts[12] = rollout;
  return { config: encodeConfig({ ...DEFAULT_CONFIG, rows }), rollouts, rolloutsRevision };
}

/** A whole past: revision i + 1 made `states[i]`. */
function changesOf(states: readonly ConfigState[]): Recorded[] {
  return states.map((after, i) => ({
    revision: i + 1,
    kind: i === 0 ? 'create' : 'update',
    at: 1000 + i,
    before: states[i - 1] ?? null,
    after,
  }));
}

const past = fc
  .array(fc.record({ rows: fc.integer({ min: 1, max: 3 }), rollout: fc.option(fc.nat(3)) }), {
    minLength: 1,
    maxLength: 14,
  })
  .map((steps) => {
    let [rollout, wrote] = [0, 1];
    return steps.map((step, i) => {
      if (step.rollout !== null && step.rollout !== rollout) [rollout, wrote] = [step.rollout, i + 1];
      return stateWith(step.rows, rollout, wrote);
    });
  });

describe('the projection of configs', () => {
  it('says the same of entries in any order, and knows what left no entry', () => {
    fc.assert(
      fc.property(past, fc.infiniteStream(fc.nat()), fc.infiniteStream(fc.boolean()), (states, order, keep) => {
        const all = changesOf(states);
        const kept = all.filter(({ revision }) => revision === all.length || keep.next().value);
        const shuffled = kept.map((change) => ({ change, at: order.next().value })).sort((a, b) => a.at! - b.at!);
        using engine = openHere();
        for (const { change } of shuffled) engine.append([entryOf('shop', change, SIGNATURE)]);
        const ask = (name: string, params: unknown): unknown => engine.query('configs', name, params);
        expectState(ask('state', 'shop') as StoredState, states.length, states.at(-1)!);
        const known = new Set(kept.flatMap(({ revision }) => [revision, revision - 1]));
        for (const [i, state] of states.entries()) {
          if (known.has(i + 1))
            expectState(ask('stateAt', { name: 'shop', revision: i + 1 }) as StoredState, i + 1, state);
        }
        const history = ask('history', { name: 'shop', limit: 100 }) as StoredChange[];
        expect(history.map(({ revision }) => revision)).toEqual(kept.map(({ revision }) => revision).reverse());
        history.forEach(({ revision, previous, gapChanged }, i) => {
          expect(previous).toBe(history[i + 1]?.revision ?? 0);
          const [left, found] = [states[previous - 1], states[revision - 2]];
          if (left === undefined || found === undefined) return;
          expect(gapChanged !== 0).toBe(!sameState(left, found));
        });
        engine.drop('configs');
        expect(ask('history', { name: 'shop', limit: 100 })).toEqual(history);
      }),
      { seed: 5, numRuns: 60 },
    );
  });

  it('keeps rollouts that an entry saw before their own revision out of the state of that entry', () => {
    using engine = openHere();
    const [first, second, third] = [stateWith(1, 0, 1), stateWith(2, 7, 3), stateWith(2, 7, 3)];
    const [create, early, rollout] = changesOf([first, second, third]);
    for (const change of [create!, { ...early!, before: first }, { ...rollout!, before: stateWith(2, 0, 1) }]) {
      engine.append([entryOf('shop', change, SIGNATURE)]);
    }
    const at = engine.query('configs', 'stateAt', { name: 'shop', revision: 2 }) as StoredState;
    expect([at.rolloutsRevision, at.rollouts[24]]).toEqual([1, 0]);
    const now = engine.query('configs', 'state', 'shop') as StoredState;
    expect([now.rolloutsRevision, now.rollouts[24]]).toEqual([3, 7]);
  });

  it('says in any order of the entries which config was deleted, and since which revision', () => {
    const kind = fc.constantFrom('update', 'persist', 'persist', 'delete' as const);
    const steps = fc.array(fc.record({ kind, rows: fc.integer({ min: 24, max: 26 }) }), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(steps, fc.infiniteStream(fc.nat()), (some, order) => {
        // A deletion leaves 24 rows; so may an update, after which the config is there.
        const rows = some.reduce<number[]>(
          (all, step) => [...all, step.kind === 'delete' ? 24 : step.kind === 'persist' ? all.at(-1)! : step.rows],
          [30],
        );
        const states = rows.map((value) => stateWith(value, 0, 1));
        const all = changesOf(states).map((change, i) => ({ ...change, kind: some[i - 1]?.kind ?? change.kind }));
        const isDeleted = some.reduce<boolean[]>(
          (gone, step) => [...gone, step.kind === 'delete' || (step.kind === 'persist' && gone.at(-1)!)],
          [false],
        );
        using engine = openHere();
        const shuffled = all.map((change) => ({ change, at: order.next().value! })).sort((a, b) => a.at - b.at);
        for (const { change } of shuffled) engine.append([entryOf('shop', change, SIGNATURE)]);
        const ask = (): unknown => [
          isDeleted.map((_, i) => {
            const at = engine.query('configs', 'stateAt', { name: 'shop', revision: i + 1 }) as StoredState;
            return at.isDeleted;
          }),
          engine.query('configs', 'names', null),
          engine.query('configs', 'count', null),
          (engine.query('configs', 'flagsSince', 0) as { configs: { flags: number | null }[] }).configs[0]!.flags,
        ];
        const isGone = isDeleted.at(-1)!;
        const said = [isDeleted, isGone ? [] : ['shop'], isGone ? 0 : 1, isGone ? null : 0];
        expect(ask()).toEqual(said);
        engine.drop('configs');
        expect(ask()).toEqual(said);
      }),
      { seed: 6, numRuns: 80 },
    );
  });

  it('does not let a deletion be erased that holds, also behind a reason that left it so', async () => {
    using engine = openHere();
    const states = [stateWith(30, 0, 1), stateWith(24, 0, 1), stateWith(24, 0, 1)];
    const kinds = ['create', 'delete', 'persist'] as const;
    changesOf(states).forEach((change, i) =>
      engine.append([entryOf('shop', { ...change, kind: kinds[i]! }, SIGNATURE)]),
    );
    const by = { actor: 'dpo', reason: 'asked for' };
    expect(await codeOf(() => engine.redact(2, by))).toBe('ERR_REDACT');
    engine.redact(1, by);
    expect(engine.query('configs', 'names', null)).toEqual([]);
  });

  it('refuses an entry of somebody who never saw its neighbours, and is the same when it is made again', () => {
    const one = fc.record({ revision: fc.integer({ min: 1, max: 5 }), before: fc.nat(2), after: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 12 }), (claims) => {
        using engine = openHere();
        const known = new Map<number, { before: number; after: number }>();
        for (const { revision, before, after } of claims) {
          const fits = known.get(revision - 1)?.after ?? before;
          const isSeen = fits === before && (known.get(revision + 1)?.before ?? after) === after;
          const states = [stateWith(before + 1, 0, 0), stateWith(after + 1, 0, 0)] as const;
          const change: Recorded = { revision, kind: 'update', at: 1, before: states[0], after: states[1] };
          const outcome = known.has(revision) || !isSeen ? 'ERR_REVISION_CONFLICT' : 'none';
          expect(codeNow(() => engine.append([entryOf('shop', change, SIGNATURE)]))).toBe(outcome);
          if (outcome === 'none') known.set(revision, { before, after });
        }
        const history = (): unknown => engine.query('configs', 'history', { name: 'shop', limit: 100 });
        const grown = history();
        engine.drop('configs');
        expect(history()).toEqual(grown);
        expect(engine.head().seq).toBe(known.size);
      }),
      { seed: 9, numRuns: 150 },
    );
  });

  const STATE = { config: '00'.repeat(13), rollouts: {}, rolloutsRevision: 1 };
  it.each([
    ['features:shop', 'features.declare', 'null', 'ERR_WRONG_TYPE'],
    ['features:shop', 'features.declare', '["a"]', 'ERR_WRONG_TYPE'],
    ['features:shop', 'features.declare', 'no json', 'ERR_WRONG_TYPE'],
    ['features:shop', 'features.declare', '['.repeat(1_000_000), 'ERR_WRONG_TYPE'],
    ['features:shop', 'features.declare', '{"x":{"y":1}}', 'ERR_OUT_OF_RANGE'],
    ['features:shop', 'features.declare', '{"x":12,"y":12}', 'ERR_FEATURE_CONFLICT'],
    ['features:shop', 'features.declare', '{"X":12}', 'ERR_FEATURE_NAME'],
    ['features:../x', 'features.declare', '{"x":12}', 'ERR_NAME'],
    ['features:shop/production', 'features.declare', '{"x":12}', 'ERR_JOURNAL_ENTRY_TYPE'],
    ['features:shop', 'features.other', '{"x":12}', 'ERR_JOURNAL_ENTRY_TYPE'],
    ['config:../x', 'config.update', JSON.stringify({ format: 1, before: null, after: STATE }), 'ERR_NAME'],
    ['config:shop', 'config.update', '['.repeat(1_000_000), 'ERR_JOURNAL_ENTRY_TYPE'],
    [
      'config:shop',
      'config.update',
      JSON.stringify({ format: 1, before: null, after: { ...STATE, rolloutsRevision: -5 } }),
      'ERR_JOURNAL_ENTRY_TYPE',
    ],
  ])('refuses in %s a %s it cannot read, and skips one that is there already', (stream, type, body, code) => {
    const path = join(tempDirectory(), 'config.db');
    const entry = { stream, type, actor: 'evil', reason: '', body: new TextEncoder().encode(body), revision: 1 };
    {
      using engine = openEngine({ path, projections: [configsProjection] });
      expect(codeNow(() => engine.append([entry]))).toBe(code);
      expect(engine.head().seq).toBe(0);
    }
    {
      using foreign = openEngine({ path });
      foreign.append([entry]);
    }
    using engine = openEngine({ path, projections: [configsProjection] });
    expect(engine.query('configs', 'names', null)).toEqual([]);
    expect(engine.query('configs', 'features', 'shop')).toBeNull();
  });

  it('does not let the entry be erased that is what a config is now', async () => {
    using engine = openHere();
    for (const change of changesOf([stateWith(1, 0, 1), stateWith(2, 0, 1)])) {
      engine.append([entryOf('shop', change, SIGNATURE)]);
    }
    const by = { actor: 'dpo', reason: 'asked for' };
    expect(await codeOf(() => engine.redact(2, by))).toBe('ERR_REDACT');
    expect(engine.head().seq).toBe(2);
    expect(engine.latest(configStream('shop'))!.body).not.toBeNull();
    engine.redact(1, by);
    expectState(engine.query('configs', 'state', 'shop') as StoredState, 2, stateWith(2, 0, 1));
    expect((engine.query('configs', 'history', { name: 'shop', limit: 10 }) as StoredChange[]).length).toBe(1);
  });
});

function codeNow(action: () => unknown): string {
  try {
    action();
    return 'none';
  } catch (error) {
    if (error instanceof ConfigError) return error.code;
    throw error;
  }
}

function sameState(a: ConfigState, b: ConfigState): boolean {
  return a.config.toHex() === b.config.toHex() && a.rollouts[12] === b.rollouts[12];
}

function expectState(found: StoredState, revision: number, { config, rollouts }: ConfigState): void {
  expect([found.revision, found.config.toHex()]).toEqual([revision, config.toHex()]);
  expect([...new Uint16Array(found.rollouts.slice().buffer)]).toEqual([...rollouts]);
}
