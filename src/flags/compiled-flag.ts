/**
 * A rich flag, ready to be asked: evaluated by flagd's own engine, made when it is first asked. Never throws; what was
 * stored and cannot be evaluated answers a failure.
 * @module
 */
import { createHash } from 'node:crypto';
import type { FeatureFlag } from '@openfeature/flagd-core';
import type { Audience } from '../config/audience.ts';
import { failure, keptAnswer, type Answer, type Evaluation, type Failure, type Reason } from './answers.ts';
import type { EvaluationContext } from './context.ts';
import { engineFlag, QUIET } from './engine.ts';
import type { Flag, FlagMetadata, FlagSet } from './flag.ts';
import { expandReferences, hasReferences } from './references.ts';
import { asksTime } from './rules.ts';

/** What is said of rules with references put in. */
interface Rules {
  readonly digest: string;
  /** They may ask what time it is. */
  readonly usesTime: boolean;
}

const NO_RULES: Rules = { digest: '', usesTime: false };

export class CompiledFlag {
  readonly flag: Flag;
  readonly #key: string;
  readonly #set: FlagSet;
  readonly #isDynamic: boolean;
  /** Made when they are first asked for. */
  readonly #answers: Partial<Record<Audience, Answers>> = {};
  readonly #meanings: Partial<Record<Audience, string>> = {};
  /** undefined: not made yet; null: it cannot be. */
  #engine: FeatureFlag | null | undefined;
  #rules: Rules | undefined;

  constructor(key: string, flag: Flag, set: FlagSet) {
    const { targeting } = flag.definition;
    this.#key = key;
    this.flag = flag;
    this.#set = set;
    this.#isDynamic = targeting !== undefined && Object.keys(targeting).length > 0;
  }

  /** Whether it was made of the same. */
  isOf(flag: Flag, set: FlagSet): boolean {
    return this.flag === flag && this.#set === set;
  }

  /** Makes what is made when it is first asked, which takes some 30 times as long as asking. */
  makeReady(): void {
    if (this.flag.archivedAt !== null) return;
    if (this.#engine === undefined) this.evaluate({}, 'all');
    this.#rules ??= this.#readRules();
  }

  /** Its rules may ask what time it is. */
  get usesTime(): boolean {
    return (this.#rules ??= this.#readRules()).usesTime;
  }

  /** All that its answers to `audience` depend on, and nothing else: the same text on every host. */
  meaning(audience: Audience): string {
    return (this.#meanings[audience] ??= this.#meaningFor(audience));
  }

  #meaningFor(audience: Audience): string {
    const { state, defaultVariant = null, variants } = this.flag.definition;
    const metadata = this.#metadataFor(audience);
    if (state !== 'ENABLED') return digest([metadata]);
    if (!this.#isDynamic) return digest([metadata, defaultVariant, variants[defaultVariant ?? '']]);
    const rules = (this.#rules ??= this.#readRules());
    return digest([metadata, defaultVariant, variants, rules.digest]);
  }

  #readRules(): Rules {
    const { state, targeting } = this.flag.definition;
    if (state !== 'ENABLED' || !this.#isDynamic) return NO_RULES;
    const expanded = this.#expanded(targeting);
    return { digest: digest(expanded), usesTime: asksTime(expanded) };
  }

  /** null: it cannot be, so that it cannot be evaluated either. */
  #expanded(targeting: unknown): unknown {
    if (!hasReferences(targeting)) return targeting;
    try {
      return expandReferences(this.#key, targeting, this.#set.evaluators);
    } catch {
      return null;
    }
  }

  evaluate(context: EvaluationContext, audience: Audience): Evaluation {
    const answers = (this.#answers[audience] ??= this.#answersFor(audience));
    if (this.flag.definition.state !== 'ENABLED') return answers.disabled;
    if (!this.#isDynamic) return answers.fixed;
    const engine = this.#engine === undefined ? (this.#engine = this.#made()) : this.#engine;
    if (engine === null) return answers.broken;
    return this.#asked(engine, context, answers);
  }

  #answersFor(audience: Audience): Answers {
    return new Answers(this.#key, this.flag, this.#metadataFor(audience));
  }

  /** What the whole set says of itself is not written for everybody. */
  #metadataFor(audience: Audience): FlagMetadata {
    const { metadata = {} } = this.flag.definition;
    return audience === 'browser' ? metadata : { ...this.#set.metadata, ...metadata };
  }

  #asked(engine: FeatureFlag, context: EvaluationContext, answers: Answers): Evaluation {
    let result: ReturnType<FeatureFlag['evaluate']>;
    try {
      result = engine.evaluate(context as Parameters<FeatureFlag['evaluate']>[0], QUIET);
    } catch {
      // The engine guards its rules, but not what a rule may answer: an attribute that cannot become text.
      return answers.failed;
    }
    if (result.reason === 'ERROR') return result.errorCode === 'PARSE_ERROR' ? answers.broken : answers.failed;
    return result.reason === 'DEFAULT' ? answers.default : answers.matched(result.variant!);
  }

  #made(): FeatureFlag | null {
    try {
      return engineFlag(this.#key, this.flag.definition, this.#set.evaluators);
    } catch {
      // Everything that is written is checked: only a newer version, or an evaluator taken away since, leads here.
      return null;
    }
  }
}

/** All that one flag can answer to one audience. */
class Answers {
  readonly #key: string;
  readonly #flag: Flag;
  readonly #metadata: { readonly metadata?: FlagMetadata };
  readonly #matched = new Map<string, Answer>();
  readonly disabled: Answer;
  readonly default: Evaluation;
  readonly fixed: Evaluation;
  readonly broken: Failure;
  readonly failed: Failure;

  constructor(key: string, flag: Flag, metadata: FlagMetadata) {
    this.#key = key;
    this.#flag = flag;
    this.#metadata = Object.keys(metadata).length === 0 ? {} : { metadata };
    const name = flag.definition.defaultVariant;
    this.disabled = keptAnswer({ key, reason: 'DISABLED', ...this.#metadata });
    this.broken = keptAnswer(failure(key, 'PARSE_ERROR', `The targeting of flag '${key}' cannot be evaluated`));
    this.failed = keptAnswer(failure(key, 'GENERAL', `The targeting of flag '${key}' leads to none of its variants`));
    if (typeof name === 'string' && name !== '') {
      this.default = this.#variant(name, 'DEFAULT');
      this.fixed = this.#variant(name, 'STATIC');
    } else {
      this.default = this.fixed = keptAnswer({ key, reason: 'DEFAULT', ...this.#metadata });
    }
  }

  matched(variant: string): Evaluation {
    const known = this.#matched.get(variant);
    if (known !== undefined) return known;
    const answer = this.#variant(variant, 'TARGETING_MATCH');
    if (!('errorCode' in answer)) this.#matched.set(variant, answer);
    return answer;
  }

  #variant(variant: string, reason: Reason): Evaluation {
    const { variants } = this.#flag.definition;
    if (!Object.hasOwn(variants, variant)) return this.failed;
    return keptAnswer({ key: this.#key, reason, variant, value: variants[variant], ...this.#metadata });
  }
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url');
}
