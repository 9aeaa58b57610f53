/**
 * What the flags of one config answer at one moment: its features with their rollouts, and its rich flags. Made once
 * for each state of the config; asking is what has to be fast. Knows no journal: its parts are handed in.
 * @module
 */
import type { FeatureSet } from '../config/features.ts';
import type { RegistryConfig } from '../config/value.ts';
import { answerText, notFound } from './answers.ts';
import { CompiledFeature } from './compiled-feature.ts';
import { CompiledFlag } from './compiled-flag.ts';
import type { EvaluationContext } from './context.ts';
import type { Flag, FlagFacts, FlagMetadata, FlagSet } from './flag.ts';
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

/** Who asks: browsers are told of nothing that is not visible to clients. */
export type Audience = 'all' | 'browser';

/** OpenFeature's reasons. */
export type Reason = 'STATIC' | 'TARGETING_MATCH' | 'SPLIT' | 'DEFAULT' | 'DISABLED';

/** Without `value` the caller's own default counts. */
export interface Answer {
  readonly key: string;
  readonly reason: Reason;
  readonly variant?: string;
  readonly value?: unknown;
  readonly metadata?: FlagMetadata;
}

/** OpenFeature's codes. */
export type FailureCode = 'FLAG_NOT_FOUND' | 'TARGETING_KEY_MISSING' | 'PARSE_ERROR' | 'GENERAL';

export interface Failure {
  readonly key: string;
  readonly errorCode: FailureCode;
  readonly errorDetails: string;
}

export type Evaluation = Answer | Failure;

export function isFailure(evaluation: Evaluation): evaluation is Failure {
  return 'errorCode' in evaluation;
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
  /** Some rule asks what time it is: an answer may change without anything being written. */
  readonly usesTime: boolean;
  /** Bits of features that browsers see, unsigned. */
  readonly visibleMask: number;
  readonly #flags: ReadonlyMap<string, CompiledFlag>;
  readonly #compiled: Readonly<Record<Audience, ReadonlyMap<string, Compiled>>>;
  readonly #keys: Partial<Record<Audience, readonly string[]>> = {};
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
    this.usesTime = flags.values().some(({ flag, usesTime }) => usesTime && flag.archivedAt === null);
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

  /** The evaluation as OFREP writes it. */
  json(evaluation: Evaluation): string {
    return answerText(evaluation);
  }
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
