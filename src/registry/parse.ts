/**
 * The border of the routes: queries and bodies of our own interface, checked by zod and refused in our own words. A
 * parameter or field that nobody knows is refused too: `?naem=checkout` must not write to `default`.
 * @module
 */
import { z } from 'zod';
import { isCalendarDay } from '../config/calendar.ts';
import { asObject, unknownField, wrongType } from '../config/input.ts';
import { ConfigError } from '../errors/errors.ts';
import { nearest } from '../errors/nearest.ts';
import { parseConfigName } from '../config/name.ts';
import { MAX_REVISION, MAX_TIME_MS } from '../journal/journal.ts';
import { nameOrDefault } from '../live/config-store.ts';
import { readBody, type BodyPatience } from './body.ts';
import type { RegistryContext } from './context.ts';

type Shape = z.core.$ZodLooseShape;

const ISO_TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** `?name=`, `default` when left out. Throws ERR_NAME. */
export const NAME = z.string().optional().transform(nameOrDefault);

/** `:name` in a path. Throws ERR_NAME. */
export const NAME_PARAM = z
  .string()
  .transform((name) => parseConfigName(name).name)
  .meta({
    description: 'The name of a config, `service` or `service/environment`, URL-encoded: `checkout%2Fproduction`.',
    example: 'checkout/production',
    override: { pattern: '^[a-z0-9]([a-z0-9._-]*[a-z0-9])?(/[a-z0-9]([a-z0-9._-]*[a-z0-9])?)?$' },
  });

/** What people call a thing that they make. */
export const NAME_TEXT = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/)
  .meta({ expected: '1-64 lower-case letters, digits, `.`, `_` and `-`, a letter or digit first' });

/** A whole number, written in decimal digits. */
export const WHOLE = wholeUpTo(0, MAX_REVISION);

const PAGE_DEFAULT = 100;
const PAGE_MAX = 1000;

/** What every list takes; `limit` things at most, beginning where the page before ended. */
export const LIMIT = wholeUpTo(1, PAGE_MAX).default(PAGE_DEFAULT);
/** Where the cursor is a number; it is given back as the text it came as. */
export const NUMBER_CURSOR = z
  .string()
  .regex(/^(0|[1-9]\d{0,15})$/)
  .transform(Number)
  .refine((value) => value <= MAX_REVISION)
  .optional()
  .meta({ expected: 'the cursor of an answer', description: 'The `cursor` of the page before.' });

/** A whole number in a body. */
export const COUNT = z
  .int()
  .positive()
  .meta({ expected: `a whole number from 1 to ${MAX_REVISION}` });

const TIME_EXPECTED = 'milliseconds since 1970 or an ISO time with its zone, 2026-03-01T12:00:00Z';

/** Milliseconds since 1970, from digits or an ISO time with its zone. */
export const TIME = z
  .union([z.number(), z.string()])
  .transform((value) => millisecondsOf(value) ?? z.NEVER)
  .refine((value) => value !== z.NEVER)
  .meta({ expected: TIME_EXPECTED, example: '2026-03-01T12:00:00Z' });

/** What every write may say besides what it wants. */
export const WRITE = { reason: z.string().optional(), force: z.boolean().optional() };

/** The query of a request. Errors: ERR_BAD_REQUEST naming the parameter, ERR_NAME. */
export function parseQuery<S extends Shape>({ req }: RegistryContext, shape: S): z.infer<z.ZodObject<S>> {
  const known = Object.keys(shape);
  const values: Record<string, string> = {};
  for (const [parameter, [value, ...more]] of Object.entries(req.queries())) {
    if (!known.includes(parameter)) throw unknownParameter(parameter, known);
    if (more.length > 0) throw badRequest(parameter, `The parameter ${parameter} is there ${more.length + 1} times`);
    values[parameter] = value!;
  }
  return parse(z.object(shape), values, refusedText);
}

/** The parts of a path that are named in its pattern. Errors: ERR_BAD_REQUEST naming the part, ERR_NAME. */
export function parseParams<S extends Shape>({ req }: RegistryContext, shape: S): z.infer<z.ZodObject<S>> {
  return parse(z.object(shape), req.param() as Record<string, string>, refusedText);
}

/**
 * The body of a request, an object with these fields alone; none counts as an empty one. Errors: those of `readBody`,
 * ERR_WRONG_TYPE, ERR_UNKNOWN_FIELD.
 */
export async function parseBody<S extends Shape>(
  context: RegistryContext,
  shape: S,
  patience: BodyPatience = {},
): Promise<z.infer<z.ZodObject<S>>> {
  const body = await bodyOf(context, patience);
  const known = Object.keys(shape);
  for (const field of Object.keys(body)) if (!known.includes(field)) throw unknownField(field, known);
  return parse(z.object(shape), body, wrongType);
}

/** As `parseBody`, and the fields it does not know are handed on as `rest`, for others to judge. */
export async function parseOpenBody<S extends Shape>(
  context: RegistryContext,
  shape: S,
): Promise<{ known: z.infer<z.ZodObject<S>>; rest: Readonly<Record<string, unknown>> }> {
  const body = await bodyOf(context);
  const isKnown = ([field]: [string, unknown]): boolean => Object.hasOwn(shape, field);
  const known = parse(z.object(shape), Object.fromEntries(Object.entries(body).filter(isKnown)), wrongType);
  return { known, rest: Object.fromEntries(Object.entries(body).filter((field) => !isKnown(field))) };
}

/** None is an empty one; `null` is not none. */
async function bodyOf(
  context: RegistryContext,
  patience: BodyPatience = {},
): Promise<Readonly<Record<string, unknown>>> {
  const { req, env } = context;
  const body = await readBody(req.raw, { ...env, ...patience });
  // A body may take its time, and who sends it may have lost his rights meanwhile.
  if (body !== undefined) await context.get('admitAgain')?.();
  return body === undefined ? {} : asObject('body', body);
}

/** In a parameter, which is always text; `min` is said and checked, leading zeros are nobody's business. */
function wholeUpTo(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,16}$/)
    .transform(Number)
    .refine((value) => value >= min && value <= max)
    .meta({
      expected: min === 0 ? `a whole number up to ${max}` : `a whole number from ${min} to ${max}`,
      override: ({ jsonSchema }: { jsonSchema: object }) => {
        Object.assign(jsonSchema, { type: 'integer', pattern: undefined, minimum: min, maximum: max });
      },
    });
}

/** Without the fields that were left out. */
export function given<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

export function badRequest(parameter: string, message: string, hint = 'Correct it, or leave it out.'): ConfigError {
  return new ConfigError('ERR_BAD_REQUEST', { message, hint, details: { parameter } });
}

function refusedText(parameter: string, expected: string, value: unknown): ConfigError {
  const found = typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : 'it is missing';
  const hint = value === undefined ? `Add ${parameter} to the request.` : undefined;
  return badRequest(parameter, `Invalid ${parameter}: ${found} (must be ${expected})`, hint);
}

function parse<T extends z.ZodObject>(
  schema: T,
  values: Readonly<Record<string, unknown>>,
  refuse: (path: string, expected: string, value: unknown) => ConfigError,
): z.infer<T> {
  const { success, data, error } = schema.safeParse(values);
  if (success) return data;
  const [first] = error.issues;
  const path = String(first!.path[0] ?? 'body');
  throw refuse(path, expectedOf(schema.shape[path]!, first!), values[path]);
}

function expectedOf(field: z.core.$ZodType, issue: z.core.$ZodIssue): string {
  const said = wordsOf(field);
  if (typeof said === 'string') return said;
  if (issue.code === 'invalid_value') return `one of ${issue.values.join(', ')}`;
  if (issue.code !== 'invalid_type') return issue.message;
  return WORDS[issue.expected] ?? `a ${issue.expected}`;
}

function wordsOf(field: z.core.$ZodType): unknown {
  const said = z.globalRegistry.get(field as z.ZodType)?.['expected'];
  const hasInner = field instanceof z.ZodOptional || field instanceof z.ZodDefault;
  return said ?? (hasInner ? wordsOf(field.unwrap()) : undefined);
}

const WORDS: Readonly<Record<string, string>> = { string: 'text', boolean: 'true or false', record: 'an object' };

function millisecondsOf(value: number | string): number | null {
  const isNumber = typeof value === 'number' || /^\d{1,16}$/.test(value);
  const time = isNumber ? Number(value) : ISO_TIME.test(value) && isCalendarDay(value) ? Date.parse(value) : NaN;
  return Number.isInteger(time) && time >= 0 && time <= MAX_TIME_MS ? time : null;
}

function unknownParameter(parameter: string, known: readonly string[]): ConfigError {
  const shown = parameter.slice(0, 80);
  const suggestion = nearest(shown, known);
  const hint = suggestion === null ? 'Leave it out.' : `Did you mean '${suggestion}'?`;
  const available = known.length === 0 ? 'it takes none' : `available: ${known.join(', ')}`;
  return badRequest(shown, `Unknown parameter ${JSON.stringify(shown)}; ${available}`, hint);
}
