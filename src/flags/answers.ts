/**
 * Answers of flags and their text. A flag has few answers, so each is made once with its text, and asking only picks
 * one.
 * @module
 */
import type { FlagMetadata } from './flag.ts';

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

const texts = new WeakMap<Evaluation, string>();

/** An answer that is kept: its text is made once, when it is first asked for. */
export function keptAnswer<E extends Evaluation>(evaluation: E): E {
  texts.set(evaluation, '');
  return Object.freeze(evaluation);
}

export function failure(key: string, errorCode: FailureCode, errorDetails: string): Failure {
  return { key, errorCode, errorDetails };
}

/** The same for what is not there and for what one may not know of. */
export function notFound(key: string): Failure {
  return failure(key, 'FLAG_NOT_FOUND', `Flag '${key.slice(0, 100)}' was not found`);
}

/** The item of an OFREP answer, properties always in the same order. */
export function answerText(evaluation: Evaluation): string {
  const known = texts.get(evaluation);
  if (known) return known;
  const text = JSON.stringify('errorCode' in evaluation ? ordered(evaluation) : orderedAnswer(evaluation));
  if (known === '') texts.set(evaluation, text);
  return text;
}

function ordered({ key, errorCode, errorDetails }: Failure): Failure {
  return { key, errorCode, errorDetails };
}

function orderedAnswer({ key, reason, variant, value, metadata }: Answer): object {
  return { key, reason, variant, value, metadata };
}
