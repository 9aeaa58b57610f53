/**
 * Whom a flag is asked for, as it comes from outside: any JSON object, within limits, so that no rule runs for long
 * over what a stranger sent, and nothing in it can pass for a part of the language.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import { pointerPart } from './fault.ts';
import { isReservedKey } from './reserved.ts';

/** Checked. A property that is null counts as one that is not there. */
export interface EvaluationContext {
  readonly targetingKey?: string;
  readonly [attribute: string]: unknown;
}

/** Objects and arrays within each other. */
export const CONTEXT_DEPTH_MAX = 32;
/** Values in all: rules may walk lists within lists. */
export const CONTEXT_VALUES_MAX = 2_000;

const NO_CONTEXT: EvaluationContext = Object.freeze({});

/**
 * A context from parsed JSON; left out it is empty. It may be the value itself, which must not change afterwards.
 * Throws ERR_CONTEXT whose `path` is a JSON pointer.
 * @example parseContext({ targetingKey: 'user-1', plan: 'pro' })
 */
export function parseContext(input: unknown): EvaluationContext {
  if (input === undefined) return NO_CONTEXT;
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw invalid('', 'it is not an object', 'Send the context as a JSON object.');
  }
  walk(input, '', 1, { left: CONTEXT_VALUES_MAX });
  const key = (input as Record<string, unknown>)['targetingKey'];
  if (key === null) return withoutKey(input as EvaluationContext);
  if (typeof key === 'string' || key === undefined) return input as EvaluationContext;
  throw invalid('/targetingKey', 'it is not text', 'Send the targetingKey as text.');
}

function withoutKey(context: EvaluationContext): EvaluationContext {
  return Object.fromEntries(Object.entries(context).filter(([name]) => name !== 'targetingKey'));
}

function walk(value: object, path: string, depth: number, budget: { left: number }): void {
  if (depth > CONTEXT_DEPTH_MAX) {
    throw invalid(
      path.slice(0, 200),
      `it is nested deeper than ${CONTEXT_DEPTH_MAX}`,
      'Send what rules ask for, flat.',
    );
  }
  for (const [key, inner] of Object.entries(value)) {
    if (isReservedKey(key)) throw invalid(`${path}/${key}`, `'${key}' is reserved`, 'Call the attribute otherwise.');
    if (--budget.left < 0) {
      throw invalid('', `it holds more than ${CONTEXT_VALUES_MAX} values`, 'Send only what rules ask for.');
    }
    if (typeof inner === 'object' && inner !== null) walk(inner, `${path}/${pointerPart(key)}`, depth + 1, budget);
  }
}

function invalid(path: string, fault: string, hint: string): ConfigError<'ERR_CONTEXT'> {
  const where = path === '' ? 'the context' : `the context at ${path}`;
  return new ConfigError('ERR_CONTEXT', {
    message: `Invalid evaluation: ${where}: ${fault}`,
    hint,
    details: { path, fault },
  });
}
