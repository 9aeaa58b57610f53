/**
 * One of the 32 features, ready to be asked as a flag: true or false, with variants `on` and `off`.
 * @module
 */
import { rolloutBucketFrom, rolloutPrefix, type RolloutPrefix } from '../../bindings/murmur3.ts';
import { FULL_ROLLOUT } from '../config/rollout.ts';
import { failure, keptAnswer, type Answer, type Evaluation, type Failure } from './answers.ts';
import type { EvaluationContext } from './context.ts';

export class CompiledFeature {
  readonly #on: Answer;
  readonly #off: Answer;
  readonly #keyMissing: Failure;
  readonly #prefix: RolloutPrefix;
  /** 0: nobody; FULL_ROLLOUT: everybody; between: by targeting key. */
  readonly #basisPoints: number;

  constructor(name: string, isOn: boolean, rollout: number) {
    this.#basisPoints = isOn ? FULL_ROLLOUT : Math.min(rollout, FULL_ROLLOUT);
    const reason = this.#basisPoints === 0 || this.#basisPoints === FULL_ROLLOUT ? 'STATIC' : 'SPLIT';
    this.#on = keptAnswer({ key: name, reason, variant: 'on', value: true });
    this.#off = keptAnswer({ key: name, reason, variant: 'off', value: false });
    const why = `Feature '${name}' is on for a part of the users: send a targetingKey`;
    this.#keyMissing = keptAnswer(failure(name, 'TARGETING_KEY_MISSING', why));
    this.#prefix = rolloutPrefix(name);
  }

  /** All that its answers depend on. */
  get meaning(): number {
    return this.#basisPoints;
  }

  evaluate({ targetingKey }: EvaluationContext): Evaluation {
    if (this.#basisPoints === FULL_ROLLOUT) return this.#on;
    if (this.#basisPoints === 0) return this.#off;
    if (targetingKey === undefined || targetingKey === '') return this.#keyMissing;
    return rolloutBucketFrom(this.#prefix, targetingKey) < this.#basisPoints ? this.#on : this.#off;
  }
}
