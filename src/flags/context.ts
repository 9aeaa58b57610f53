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
/** Values in all. */
export const CONTEXT_VALUES_MAX = 2_000;
/** Items of one list: rules may walk lists within lists. */
export const CONTEXT_LIST_MAX = 200;
/** Attributes of the context, and properties of each object in it. */
export const CONTEXT_PROPERTIES_MAX = 100;
/** Characters of one text: looking for one within another takes as long as both together, squared. */
export const CONTEXT_TEXT_MAX = 1_024;
/** Characters of all values, made into one text. */
export const CONTEXT_CHARACTERS_MAX = 16_384;

/** `[object Object],`: what rules that make texts see of it. */
const NESTED_CHARACTERS = 16;

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
  walk(input, '', 1, { values: CONTEXT_VALUES_MAX, characters: CONTEXT_CHARACTERS_MAX });
  const key = (input as Record<string, unknown>)['targetingKey'];
  if (key === null) return withoutKey(input as EvaluationContext);
  if (typeof key === 'string' || key === undefined) return input as EvaluationContext;
  throw invalid('/targetingKey', 'it is not text', 'Send the targetingKey as text.');
}

function withoutKey(context: EvaluationContext): EvaluationContext {
  return Object.fromEntries(Object.entries(context).filter(([name]) => name !== 'targetingKey'));
}

interface Left {
  values: number;
  characters: number;
}

function walk(value: object, path: string, depth: number, left: Left): void {
  const at = path.slice(0, 200);
  if (depth > CONTEXT_DEPTH_MAX) {
    throw invalid(at, `it is nested deeper than ${CONTEXT_DEPTH_MAX}`, 'Send what rules ask for, flat.');
  }
  const entries = Object.entries(value);
  const [most, what] = Array.isArray(value) ? [CONTEXT_LIST_MAX, 'items'] : [CONTEXT_PROPERTIES_MAX, 'properties'];
  if (entries.length > most) throw invalid(at, `it has more than ${most} ${what}`, 'Send only what rules ask for.');
  for (const [key, inner] of entries) {
    if (isReservedKey(key)) throw invalid(`${at}/${key}`, `'${key}' is reserved`, 'Call the attribute otherwise.');
    if (--left.values < 0) throw tooLarge(`${CONTEXT_VALUES_MAX} values`);
    if (key === 'length' && isLong(inner)) {
      throw invalid(`${at}/length`, `'length' reads as that of a list of more than ${CONTEXT_TEXT_MAX}`, 'Rename it.');
    }
    const isNested = typeof inner === 'object' && inner !== null;
    left.characters -= isNested ? NESTED_CHARACTERS : lengthOf(inner, `${at}/${pointerPart(key)}`);
    if (left.characters < 0) throw tooLarge(`${CONTEXT_CHARACTERS_MAX} characters`);
    if (isNested) walk(inner, `${path}/${pointerPart(key)}`, depth + 1, left);
  }
}

/** Rules may walk what has a length as if it were a list, whoever said so. */
function isLong(length: unknown): boolean {
  return typeof length === 'object' ? Array.isArray(length) : Number(length) > CONTEXT_TEXT_MAX;
}

/** With the comma after it. */
function lengthOf(value: unknown, path: string): number {
  const { length } = String(value);
  if (length <= CONTEXT_TEXT_MAX) return length + 1;
  throw invalid(path, `it is longer than ${CONTEXT_TEXT_MAX} characters`, 'Send only what rules ask for.');
}

function tooLarge(what: string): ConfigError {
  return invalid('', `it holds more than ${what}`, 'Send only what rules ask for.');
}

function invalid(path: string, fault: string, hint: string): ConfigError<'ERR_CONTEXT'> {
  const where = path === '' ? 'the context' : `the context at ${path}`;
  return new ConfigError('ERR_CONTEXT', {
    message: `Invalid evaluation: ${where}: ${fault}`,
    hint,
    details: { path, fault },
  });
}
