/**
 * Whatever is done to a config, it is what a plain list of states says, now and at every revision of its past.
 * @module
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyTemplate, findTemplate } from '../../src/config/templates.ts';
import { DEFAULT_CONFIG, type RegistryConfig } from '../../src/config/value.ts';
import { createProductionConfig, type ProductionConfig } from '../../src/live/production-config.ts';
import { placeOptions, type PlaceKind } from './fixtures.ts';

const FEATURES = { mine: 12, last: 31 } as const;
const NAMES = ['premium_types', 'debug', 'mine', 'last'] as const;
const BITS = { premium_types: 0, debug: 2, mine: 12, last: 31 } as const;
type Name = (typeof NAMES)[number];
type Config = ProductionConfig<Name>;

interface State {
  readonly config: RegistryConfig;
  /** Percent by name, those above 0. */
  readonly rollouts: Readonly<Record<string, number>>;
}

type Step =
  | { readonly do: 'enable' | 'disable' | 'toggle'; readonly name: Name }
  | { readonly do: 'rollout'; readonly name: Name; readonly percent: number }
  | { readonly do: 'terminal'; readonly mode: number; readonly rows: number; readonly cols: number }
  | { readonly do: 'template'; readonly template: string }
  | { readonly do: 'reset' | 'persist' }
  | { readonly do: 'rollback'; readonly back: number };

const name = fc.constantFrom(...NAMES);
const byte = fc.integer({ min: 1, max: 255 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('enable' as const, 'disable' as const, 'toggle' as const), name }),
  fc.record({ do: fc.constant('rollout' as const), name, percent: fc.constantFrom(0, 0.01, 12.5, 50, 100) }),
  fc.record({ do: fc.constant('terminal' as const), mode: fc.integer({ min: 0, max: 3 }), rows: byte, cols: byte }),
  fc.record({
    do: fc.constant('template' as const),
    template: fc.constantFrom('development', 'production', 'minimal'),
  }),
  fc.record({ do: fc.constantFrom('reset' as const, 'persist' as const) }),
  fc.record({ do: fc.constant('rollback' as const), back: fc.nat(30) }),
);

/** All states so far; index 0 is revision 1. */
class Model {
  readonly states: State[] = [{ config: DEFAULT_CONFIG, rollouts: {} }];

  get now(): State {
    return this.states.at(-1)!;
  }

  apply(step: Step): void {
    const next = this.#next(step);
    const isSame = JSON.stringify(next) === JSON.stringify(this.now);
    if (!isSame || step.do === 'persist') this.states.push(next);
  }

  #next(step: Step): State {
    const { config, rollouts } = this.now;
    const flags = (featureFlags: number): State => ({
      config: { ...config, featureFlags: featureFlags >>> 0 },
      rollouts,
    });
    switch (step.do) {
      case 'enable':
        return flags(config.featureFlags | (1 << BITS[step.name]));
      case 'disable':
        return flags(config.featureFlags & ~(1 << BITS[step.name]));
      case 'toggle':
        return flags(config.featureFlags ^ (1 << BITS[step.name]));
      case 'rollout': {
        const all = Object.entries({ ...rollouts, [step.name]: step.percent }).filter(([, percent]) => percent > 0);
        const order = (key: string): number => BITS[key as Name];
        return { config, rollouts: Object.fromEntries(all.sort(([a], [b]) => order(a) - order(b))) };
      }
      case 'terminal':
        return { config: { ...config, terminalMode: step.mode, rows: step.rows, cols: step.cols }, rollouts };
      case 'template':
        return { config: applyTemplate(config, findTemplate(step.template)), rollouts };
      case 'reset':
        return { config: DEFAULT_CONFIG, rollouts: {} };
      case 'persist':
        return this.now;
      case 'rollback':
        return this.states[this.states.length - 1 - (step.back % this.states.length)]!;
    }
  }
}

async function perform(config: Config, step: Step, model: Model, hasJournal: boolean): Promise<void> {
  switch (step.do) {
    case 'enable':
      return config.enableFeature(step.name);
    case 'disable':
      return config.disableFeature(step.name);
    case 'toggle':
      return void config.toggleFeature(step.name);
    case 'rollout':
      return config.setRollout(step.name, step.percent);
    case 'terminal':
      return config.setTerminalSettings(step.mode, step.rows, step.cols);
    case 'template':
      return config.applyTemplate(step.template);
    case 'reset':
      return config.reset();
    case 'persist':
      return hasJournal ? config.persist('step') : undefined;
    case 'rollback':
      return config.rollback(model.states.length - (step.back % model.states.length));
  }
}

function stateOf(config: Config): State {
  const rollouts = NAMES.map((one) => [one, config.getRollout(one)] as const).filter(([, percent]) => percent > 0);
  return { config: config.config, rollouts: Object.fromEntries(rollouts) };
}

async function expectPast(config: Config, { states }: Model): Promise<void> {
  const history = await config.getHistory({ limit: 1000 });
  for (const entry of history) {
    expect({ config: entry.config, rollouts: entry.rollouts }).toEqual(states[entry.revision - 1]);
    expect(entry.before).toEqual(states[entry.revision - 2]?.config ?? null);
  }
  expect(history.map(({ revision }) => revision)).toEqual(states.map((_, i) => states.length - i));
  for (const [i, { config: wanted }] of states.entries()) {
    expect(await config.stateAt({ revision: i + 1 })).toEqual({ revision: i + 1, config: wanted });
  }
}

/** Runs steps on as many configs as there are, one step after the other; all of them are one model. */
async function follow(kind: PlaceKind, count: number, steps: readonly (Step & { who: number })[]): Promise<void> {
  const hasJournal = kind.startsWith('journal');
  const options = { ...placeOptions(kind), features: FEATURES, name: `run-${crypto.randomUUID()}` };
  const configs: Config[] = Array.from({ length: count }, () => createProductionConfig(options));
  const model = new Model();
  for (const { who, ...one } of steps) {
    if (one.do === 'persist' && !hasJournal) continue;
    await perform(configs[who % count]!, one as Step, model, hasJournal);
    model.apply(one as Step);
    for (const config of configs) expect(stateOf(config), JSON.stringify(one)).toEqual(model.now);
  }
  for (const config of configs) expect(config.revision).toBe(model.states.length);
  if (hasJournal) for (const config of configs) await expectPast(config, model);
  await Promise.all(configs.map((config) => config.close()));
  if (!hasJournal) return;
  const reopened: Config = createProductionConfig(options);
  expect([reopened.revision, stateOf(reopened)]).toEqual([model.states.length, model.now]);
  await expectPast(reopened, model);
  await reopened.close();
}

const steps = fc.array(
  fc.tuple(step, fc.nat(7)).map(([one, who]) => ({ ...one, who })),
  { maxLength: 40 },
);

describe('any sequence of changes', () => {
  const cases: readonly [kind: PlaceKind, count: number, runs: number][] = [
    ['memory', 1, 150],
    ['journal', 1, 40],
    ['board', 1, 30],
    ['journal and board', 1, 30],
    ['journal and board', 2, 40],
  ];
  it.each(cases)('in %s, by %i at once, is the model', async (kind, count, numRuns) => {
    await fc.assert(
      fc.asyncProperty(steps, (list) => follow(kind, count, list)),
      { seed: 13, numRuns },
    );
  });
});
