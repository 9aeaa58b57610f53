/**
 * Calls made from the description: right ones from its schemas, and wrong ones by spoiling a part of a right one.
 * @module
 */
import fc from 'fast-check';
import type { Described, Description } from './description.ts';

export interface MadeCall {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

type Schema = Readonly<Record<string, any>>;

/** Texts that have broken somebody's parser before. */
const ODD_TEXTS = [
  '',
  ' ',
  '\u0000',
  '\ud800',
  '💥',
  '../../etc/passwd',
  '__proto__',
  '*',
  'a'.repeat(300),
  '%',
  '\r\nX: 1',
];
const ODD_VALUES = [null, true, -1, 1e308, 0.5, [], {}, [[]], '', 'x'.repeat(5000), { __proto__x: 1 }, ...ODD_TEXTS];
const ODD_BODIES = [
  '',
  '{',
  'null',
  '[]',
  '"x"',
  '{"a":1,"a":2}',
  '{"__proto__":{"rows":3}}',
  `${'['.repeat(5000)}`,
  '\ufeff{}',
];
const ODD_TYPES = [
  'text/plain',
  'application/x-www-form-urlencoded',
  'application/jsonp',
  'application/json; charset=latin1',
];
const ODD_TAGS = [
  '"1"',
  '"0"',
  '"x"',
  'W/"1"',
  '*',
  '',
  '"1", "2"',
  '"99999999999999999999"',
  'ü'.normalize('NFD').slice(0, 1),
];

/** A value of a schema. */
export function valueOf(schema: Schema, description: Description, depth = 0): fc.Arbitrary<unknown> {
  const of = (inner: Schema) => valueOf(inner, description, depth + 1);
  if (schema['$ref'] !== undefined) return of(resolved(description, schema['$ref']));
  if (schema['const'] !== undefined) return fc.constant(schema['const']);
  if (schema['enum'] !== undefined) return fc.constantFrom(...schema['enum']);
  const choices = schema['anyOf'] ?? schema['oneOf'];
  if (choices !== undefined) return fc.oneof(...choices.map(of));
  if (Array.isArray(schema['type'])) return fc.oneof(...schema['type'].map((type: string) => of({ ...schema, type })));
  const examples = schema['example'] === undefined ? [] : [{ weight: 3, arbitrary: fc.constant(schema['example']) }];
  return fc.oneof(...examples, { weight: 1, arbitrary: plainValue(schema, of, depth) });
}

function plainValue(
  schema: Schema,
  of: (inner: Schema) => fc.Arbitrary<unknown>,
  depth: number,
): fc.Arbitrary<unknown> {
  const { minimum, maximum } = schema;
  switch (schema['type']) {
    case 'string':
      return schema['pattern'] === undefined
        ? fc.string({ minLength: schema['minLength'] ?? 0, maxLength: Math.min(schema['maxLength'] ?? 20, 20) })
        : fc.stringMatching(new RegExp(schema['pattern']));
    case 'integer':
      return fc.integer({ min: Math.max(minimum ?? -1000, -(2 ** 31)), max: Math.min(maximum ?? 1000, 2 ** 31 - 1) });
    case 'number':
      return fc.double({ min: minimum ?? -1000, max: maximum ?? 1000, noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(of(schema['items'] ?? {}), { maxLength: depth > 3 ? 0 : 3 });
    case 'object':
      return objectOf(schema, of);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function objectOf(schema: Schema, of: (inner: Schema) => fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties } = schema;
  const named = Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, of(one as Schema)]));
  if (Object.keys(named).length > 0) return fc.record(named, { requiredKeys: required });
  const key = fc.constantFrom('metrics', 'debug', 'beta_feature', 'nope', '__proto__', 'A b');
  return fc.dictionary(key, of(typeof additionalProperties === 'object' ? additionalProperties : {}), { maxKeys: 3 });
}

function resolved(description: Description, ref: string): Schema {
  return ref
    .slice('#/'.length)
    .split('/')
    .reduce<any>((at, part) => at[part], description.document);
}

/** A call of one operation; about half of them are as the description wants them. */
export function arbitraryCall(
  { method, template, operation }: Described,
  description: Description,
): fc.Arbitrary<MadeCall> {
  const parameters = ((operation.parameters ?? []) as Schema[]).map((one) =>
    one['$ref'] === undefined ? one : resolved(description, one['$ref']),
  );
  const named = (where: string) => parameters.filter((one) => one['in'] === where);
  const texts = (where: string): Record<string, fc.Arbitrary<unknown>> =>
    Object.fromEntries(named(where).map((one) => [String(one['name']), textOf(one, description)]));
  const pathParts = fc.record(texts('path'));
  const required = named('query').filter((one) => one['required'] === true);
  const query = fc.record(texts('query'), { requiredKeys: required.map((one) => String(one['name'])) });
  const odd = seldom(fc.tuple(fc.constantFrom('naem', 'limit', '__proto__'), fc.constantFrom(...ODD_TEXTS)));
  return fc
    .tuple(pathParts, query, odd, headersOf(named('header')), bodyOf(operation, description))
    .map(([parts, known, extra, headers, { body, type }]) => {
      const path = template.replace(/\{([^}]+)\}/g, (_, name: string) => encoded(String(parts[name])));
      const pairs = [
        ...Object.entries(known).map(([name, value]) => [name, String(value)] as const),
        ...(extra === null ? [] : [extra]),
      ];
      const search = pairs.map(([name, value]) => `${name}=${encoded(value)}`).join('&');
      return {
        method,
        path: search === '' ? path : `${path}?${search}`,
        headers: { ...headers, ...(body === undefined || type === null ? {} : { 'content-type': type }) },
        body: method === 'GET' ? undefined : body,
      };
    });
}

function textOf(parameter: Schema, description: Description): fc.Arbitrary<unknown> {
  const example = parameter['example'] ?? parameter['schema']?.['example'];
  const known = example === undefined ? [] : [{ weight: 6, arbitrary: fc.constant(example) }];
  return fc.oneof(
    ...known,
    { weight: 3, arbitrary: valueOf(parameter['schema'] ?? {}, description) },
    { weight: 1, arbitrary: fc.constantFrom(...ODD_TEXTS) },
  );
}

function headersOf(parameters: readonly Schema[]): fc.Arbitrary<Record<string, string>> {
  const values = parameters.map(({ name }): fc.Arbitrary<[string, string][]> => {
    const odd =
      name === 'Idempotency-Key'
        ? fc.constantFrom('k-1', 'k-2', ' ', 'ü', 'x'.repeat(300))
        : fc.constantFrom(...ODD_TAGS);
    return seldom(odd).map((value) => (value === null ? [] : [[String(name), latin(value)]]));
  });
  return fc.tuple(...values).map((all) => Object.fromEntries(all.flat()));
}

function bodyOf(
  operation: any,
  description: Description,
): fc.Arbitrary<{ body: string | undefined; type: string | null }> {
  const media = operation.requestBody?.content['application/json'];
  const type = fc.oneof(
    { weight: 12, arbitrary: fc.constant('application/json') },
    { weight: 1, arbitrary: fc.constantFrom(null, ...ODD_TYPES) },
  );
  if (media === undefined)
    return fc.constantFrom({ body: undefined, type: null }, { body: '{}', type: 'application/json' });
  const right = valueOf(media.schema, description);
  const example = media.example === undefined ? [] : [{ weight: 3, arbitrary: fc.constant(media.example) }];
  const value = fc.oneof(...example, { weight: 3, arbitrary: right }, { weight: 3, arbitrary: spoiled(right) });
  const text = fc.oneof(
    { weight: 8, arbitrary: value.map((one) => JSON.stringify(one)) },
    { weight: 1, arbitrary: fc.constantFrom(...ODD_BODIES) },
  );
  return fc.record({ body: text, type });
}

/** An object of which one field is what nobody expects, or one is too many. */
function spoiled(right: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.tuple(right, fc.nat(), fc.constantFrom(...ODD_VALUES)).map(([value, index, odd]) => {
    if (typeof value !== 'object' || value === null) return odd;
    const fields = [...Object.keys(value), 'unknown_field'];
    return { ...value, [fields[index % fields.length]!]: odd };
  });
}

/** Once in twelve; else null. */
function seldom<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: 11, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });
}

/** Half a surrogate pair has no encoding; a URL with one in it cannot be sent. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll('.', '%2E');
}

/** What a header can carry at all. */
function latin(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}
