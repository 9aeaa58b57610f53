/**
 * Answers of flags and their text. A flag has few answers, so each is made once with its text, and asking only picks
 * one.
 * @module
 */
import type { Answer, Evaluation, Failure, FailureCode } from './evaluation.ts';

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
