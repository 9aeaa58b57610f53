/** The journal's view of configs, whatever order their entries come in. @module */
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configStream } from '../../src/config/name.ts';
import { DEFAULT_CONFIG, encodeConfig } from '../../src/config/value.ts';
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

function sameState(a: ConfigState, b: ConfigState): boolean {
  return a.config.toHex() === b.config.toHex() && a.rollouts[12] === b.rollouts[12];
}

function expectState(found: StoredState, revision: number, { config, rollouts }: ConfigState): void {
  expect([found.revision, found.config.toHex()]).toEqual([revision, config.toHex()]);
  expect([...new Uint16Array(found.rollouts.slice().buffer)]).toEqual([...rollouts]);
}
