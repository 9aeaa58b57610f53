/**
 * `X-Bun-*` headers from outside: each in its one form and within its bounds, the dump with its checksum, and all of
 * them telling of the same config. The core judges each; here they are put together. Nothing is repaired or guessed.
 * @module
 */
import type { Backend, ParsedHeaders } from '../../bindings/backend.ts';
import { CONFIG_FIELDS, type RegistryConfig } from '../config/value.ts';
import { type AnyConfigError, ConfigError } from '../errors/errors.ts';
import { nearest } from '../errors/nearest.ts';
import { HEADER_NAMES, HEADER_PREFIX } from './headers.ts';

type HeaderCore = Pick<Backend, 'headersParse'>;

/** What a set of headers comes to. */
export interface HeaderCheck {
  /** True as well where there is no header of ours at all. */
  readonly isValid: boolean;
  /** Each an ERR_HEADER that names its header: what the core found, then unknown and repeated names. */
  readonly errors: readonly AnyConfigError[];
  /** What the valid ones say; the dump says every field. */
  readonly fields: Partial<RegistryConfig>;
}

/** No map, in which looking takes three times as long; without a prototype, so that it knows no other name. */
const NUMBERS: Readonly<Record<string, number>> = Object.assign(
  Object.create(null),
  Object.fromEntries(HEADER_NAMES.map((name, i) => [name, i])),
);
const NOTHING: HeaderCheck = Object.freeze({ isValid: true, errors: Object.freeze([]), fields: Object.freeze({}) });
/** Bit i: field i. */
const ALL_FIELDS = (1 << CONFIG_FIELDS.length) - 1;

/**
 * Judges the headers of ours among those given; others are passed over. A name that begins like ours and is none is an
 * error that suggests the nearest, and so is one that is given twice.
 * @example
 * const { isValid, errors } = validateHeaders(request.headers, core);
 */
export function validateHeaders(
  headers: Iterable<readonly [name: string, value: string]>,
  core: HeaderCore,
): HeaderCheck {
  const values: (string | undefined)[] = [undefined, undefined, undefined, undefined, undefined, undefined, undefined];
  const errors: AnyConfigError[] = [];
  let isGiven = false;
  // Taken apart by index: destructuring in the head of the loop costs 30 ns a header.
  for (const pair of headers) {
    const value = pair[1];
    // Names in small letters, as `Headers` has them, are known as they are.
    const number = NUMBERS[pair[0]] ?? NUMBERS[pair[0].toLowerCase()];
    if (number !== undefined) {
      if (values[number] !== undefined) errors.push(givenTwice(number, value));
      values[number] = value;
      isGiven = true;
    } else if (pair[0].toLowerCase().startsWith(HEADER_PREFIX)) {
      errors.push(unknownHeader(pair[0], value));
    }
  }
  if (!isGiven) return errors.length === 0 ? NOTHING : { isValid: false, errors, fields: {} };
  const parsed = core.headersParse(values);
  if (parsed.errors.length > 0) errors.unshift(...parsed.errors);
  return { isValid: errors.length === 0, errors, fields: configOf(parsed) };
}

function configOf({ said, fields }: ParsedHeaders): Partial<RegistryConfig> {
  if (said !== ALL_FIELDS) {
    return Object.fromEntries(
      CONFIG_FIELDS.flatMap(({ name }, i) => ((said & (1 << i)) === 0 ? [] : [[name, fields[i]]])),
    );
  }
  return {
    version: fields[0]!,
    registryHash: fields[1]!,
    featureFlags: fields[2]!,
    terminalMode: fields[3]!,
    rows: fields[4]!,
    cols: fields[5]!,
  };
}

function givenTwice(number: number, value: string): AnyConfigError {
  const name = HEADER_NAMES[number]!;
  return headerError(name, value, `${name} is given twice`, 'Send each header once.');
}

function unknownHeader(given: string, value: string): AnyConfigError {
  const name = given.toLowerCase();
  const suggestion = nearest(name.slice(0, 80), HEADER_NAMES);
  const hint = suggestion === null ? `Known headers: ${HEADER_NAMES.join(', ')}.` : `Did you mean ${suggestion}?`;
  return headerError(name, value, `Unknown header: ${name.slice(0, 80)}`, hint);
}

function headerError(header: string, value: string, message: string, hint: string): AnyConfigError {
  const details = { header: header.slice(0, 80), value: value.slice(0, 80) };
  return new ConfigError('ERR_HEADER', { message, hint, details }) as AnyConfigError;
}
