/** The border for what people say about flags and features. Nothing here changes what a flag answers. @module */
import { ConfigError } from '../errors/errors.ts';
import { asObject, unknownField, wrongType } from '../config/input.ts';
import type { FlagFacts } from './flag.ts';

export const DESCRIPTION_LENGTH_MAX = 2_000;
export const OWNER_LENGTH_MAX = 100;
export const TAGS_MAX = 20;
export const TAG_LENGTH_MAX = 50;
/** The last instant a `Date` can hold. */
const TIME_MAX_MS = 8_640_000_000_000_000;
const PRINTABLE = /^\P{C}*$/u;

export const FACT_FIELDS: readonly string[] = ['clientVisible', 'description', 'owner', 'tags', 'expiresAt'];

/**
 * Facts from outside; what is left out stays as in `current`. Throws ERR_WRONG_TYPE, ERR_UNKNOWN_FIELD,
 * ERR_OUT_OF_RANGE.
 * @example parseFacts({ owner: 'team-shop', tags: ['checkout'] }, NO_FACTS)
 */
export function parseFacts(input: unknown, current: FlagFacts): FlagFacts {
  const fields = asObject('facts', input);
  for (const field of Object.keys(fields)) if (!FACT_FIELDS.includes(field)) throw unknownField(field, FACT_FIELDS);
  const given = <T>(field: keyof FlagFacts, parse: (value: unknown) => T): T =>
    fields[field] === undefined ? (current[field] as T) : parse(fields[field]);
  return {
    clientVisible: given('clientVisible', parseVisible),
    description: given('description', (value) => parseText('description', value, DESCRIPTION_LENGTH_MAX, /^/)),
    owner: given('owner', (value) => parseText('owner', value, OWNER_LENGTH_MAX, PRINTABLE)),
    tags: given('tags', parseTags),
    expiresAt: given('expiresAt', parseTime),
  };
}

function parseVisible(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw wrongType('clientVisible', 'true or false', value);
}

/** null and '' both say that there is none. */
function parseText(field: string, value: unknown, max: number, pattern: RegExp): string | null {
  if (value === null || value === '') return null;
  if (typeof value !== 'string' || !pattern.test(value)) throw wrongType(field, 'printable text or null', value);
  return withinLength(field, value, max);
}

/** Each once, in their order. */
function parseTags(value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw wrongType('tags', 'a list of texts', value);
  const tags = [...new Set(value.map(parseTag))];
  if (tags.length <= TAGS_MAX) return tags;
  throw outOfRange('tags', `${tags.length} tags`, tags.length, 0, TAGS_MAX);
}

function parseTag(value: unknown, index: number): string {
  const field = `tags[${index}]`;
  if (typeof value !== 'string' || value === '' || !PRINTABLE.test(value)) {
    throw wrongType(field, 'printable text', value);
  }
  return withinLength(field, value, TAG_LENGTH_MAX);
}

function parseTime(value: unknown): number | null {
  if (value === null) return null;
  if (typeof value !== 'number') throw wrongType('expiresAt', 'milliseconds since 1970 or null', value);
  if (Number.isInteger(value) && value >= 0 && value <= TIME_MAX_MS) return value;
  throw outOfRange('expiresAt', String(value), value, 0, TIME_MAX_MS);
}

function withinLength(field: string, value: string, max: number): string {
  if (value.length <= max) return value;
  throw outOfRange(field, `${value.length} characters`, value.length, 1, max);
}

function outOfRange(field: string, shown: string, value: number, min: number, max: number): ConfigError {
  return new ConfigError('ERR_OUT_OF_RANGE', {
    message: `Invalid ${field}: ${shown} (must be ${min}-${max})`,
    hint: `Keep ${field} within ${min}-${max}.`,
    details: { field, value, min, max },
  });
}
