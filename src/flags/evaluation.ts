/**
 * What the flags of one config answer at one moment: its features with their rollouts, and its rich flags. Made once
 * for each state of the config; asking is what has to be fast. Knows no journal: its parts are handed in.
 * @module
 */
import type { Audience } from '../config/audience.ts';
import type { FeatureSet } from '../config/features.ts';
import type { RegistryConfig } from '../config/value.ts';
import { answerText, notFound, type Evaluation } from './answers.ts';
import { CompiledFeature } from './compiled-feature.ts';
import { CompiledFlag } from './compiled-flag.ts';
import type { EvaluationContext } from './context.ts';
import type { Flag, FlagFacts, FlagSet } from './flag.ts';
import { Turns } from './turns.ts';
import { visibleMask } from './visibility.ts';

/** All that the answers of one config depend on, as of one moment. Nothing in it may change afterwards. */
export interface FlagSource {
  readonly features: FeatureSet;
  readonly config: RegistryConfig;
  /** Basis points by bit. */
  readonly rollouts: Uint16Array;
  /** By key. One that did not change is the same object as before: it is not compiled again. */
  readonly flags: ReadonlyMap<string, Flag>;
  readonly set: FlagSet;
  /** By name of feature. */
  readonly facts: ReadonlyMap<string, FlagFacts>;
}

/**
 * The flags of a config, ready to be asked. With what they were compiled from before, only what has changed is
 * compiled again.
 * @example
 * const flags = compileFlags(source);
 * flags.evaluate('banner', { targetingKey: 'user-1' }, 'all'); // { key: 'banner', reason: 'STATIC', ... }
 */
export function compileFlags(source: FlagSource, previous?: CompiledFlags): CompiledFlags {
  return new CompiledFlags(source, previous);
}

type Compiled = CompiledFlag | CompiledFeature;

/** Made by `compileFlags`. */
export class CompiledFlags {
  /** Bits of features that browsers see, unsigned. */
  readonly visibleMask: number;
  readonly #flags: ReadonlyMap<string, CompiledFlag>;
  readonly #compiled: Readonly<Record<Audience, ReadonlyMap<string, Compiled>>>;
  readonly #keys: Partial<Record<Audience, readonly string[]>> = {};
  readonly #usesTime: Partial<Record<Audience, boolean>> = {};
  #isReady = false;

  constructor(source: FlagSource, previous?: CompiledFlags) {
    const before = previous === undefined ? undefined : previous.#flags;
    const flags = new Map<string, CompiledFlag>();
    for (const [key, flag] of source.flags) {
      const known = before?.get(key);
      flags.set(key, known?.isOf(flag, source.set) ? known : new CompiledFlag(key, flag, source.set));
    }
    this.#flags = flags;
    this.visibleMask = visibleMask(source);
    this.#compiled = byAudience(source, flags, this.visibleMask);
  }

  /** False: who asks for all of them waits until what their rules need is made, and everybody else with him. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Makes what rules need, letting others go first now and then: a second where there are thousands of flags. */
  async makeReady(turns: Turns = new Turns()): Promise<void> {
    if (this.#isReady) return;
    for (const flag of this.#flags.values()) {
      flag.makeReady();
      if (turns.isOver) await turns.next();
    }
    this.#isReady = true;
  }

  /** What the flag answers for `context`; it never throws. A key that is not there is FLAG_NOT_FOUND. */
  evaluate(key: string, context: EvaluationContext, audience: Audience): Evaluation {
    const compiled = this.#compiled[audience].get(key);
    return compiled === undefined ? notFound(key) : compiled.evaluate(context, audience);
  }

  /** All that can be asked for, ascending. */
  keys(audience: Audience): readonly string[] {
    return (this.#keys[audience] ??= [...this.#compiled[audience].keys()].sort());
  }

  /** Some rule that is asked asks what time it is: an answer may change without anything being written. */
  usesTime(audience: Audience): boolean {
    const compiled = this.#compiled[audience].values();
    return (this.#usesTime[audience] ??= compiled.some((flag) => flag instanceof CompiledFlag && flag.usesTime));
  }

  /** All that answers to `audience` depend on, as text; moved by nothing that it is not told. */
  meaning(audience: Audience): string {
    const compiled = this.#compiled[audience];
    return JSON.stringify(this.keys(audience).map((key) => [key, meaningOf(compiled.get(key)!, audience)]));
  }

  /** The evaluation as OFREP writes it. */
  json(evaluation: Evaluation): string {
    return answerText(evaluation);
  }
}

function meaningOf(compiled: Compiled, audience: Audience): string | number {
  return compiled instanceof CompiledFlag ? compiled.meaning(audience) : compiled.meaning;
}

/** A rich flag wins over the feature of its name, also an archived one: then there is neither. */
function byAudience(
  { features, config, rollouts, flags }: FlagSource,
  compiled: ReadonlyMap<string, CompiledFlag>,
  mask: number,
): Record<Audience, ReadonlyMap<string, Compiled>> {
  const all = new Map<string, Compiled>();
  const browser = new Map<string, Compiled>();
  for (const name of features.names) {
    if (flags.has(name)) continue;
    const bit = features.bitOf(name);
    const isOn = ((config.featureFlags >>> bit) & 1) === 1;
    const feature = new CompiledFeature(name, isOn, rollouts[bit]!);
    all.set(name, feature);
    if ((mask >>> bit) & 1) browser.set(name, feature);
  }
  for (const [key, flag] of compiled) {
    if (flag.flag.archivedAt !== null) continue;
    all.set(key, flag);
    if (flag.flag.clientVisible) browser.set(key, flag);
  }
  return { all, browser };
}
