/**
 * The border for configs that arrive as objects: an HTTP body, a CLI's `set`, an imported file. A partial
 * object becomes a whole valid config or an error that says which field is wrong and how; nothing is dropped,
 * rounded or clamped on the way.
 * @module
 */
import { TERMINAL_MODE } from '../../bindings/abi.gen.ts';
import type { Backend } from '../../bindings/backend.ts';
import { type AnyConfigError, ConfigError, isConfigError } from '../errors/errors.ts';
import { nearest } from '../errors/nearest.ts';
import { BUILTIN_FEATURES, type FeatureSet } from './features.ts';
import { CONFIG_FIELDS, type ConfigField, type FieldShape, parseConfigBytes, type RegistryConfig } from './value.ts';

/** What a caller may write instead of the bare numbers. Left-out fields keep their current value. */
export interface ConfigInput {
  version?: number;
  /** A number, or `0x` and up to 8 hexadecimal digits. */
  registryHash?: number | string;
  /** A number, or `0x` and up to 8 hexadecimal digits. The whole word: bits not given are cleared. */
  featureFlags?: number | string;
  /** A number or a name: `raw`. */
  terminalMode?: number | string;
  rows?: number;
  cols?: number;
  /** By name, applied after `featureFlags`; features not named stay as they are. */
  features?: Readonly<Record<string, boolean>>;
}

/** Every field that could be read, and one error for each that could not. */
export interface ConfigReading {
  readonly config: RegistryConfig;
  readonly errors: readonly AnyConfigError[];
}

/** What a config input may hold. */
export const KNOWN_FIELDS: readonly string[] = [...CONFIG_FIELDS.map(({ name }) => name), 'features'];
/** Findings of one reading; the rest is counted. */
const MAX_ERRORS = 20;
/** Characters of an unknown word that its error repeats. */
const SHOWN = 80;
const HEX_WORD = /^0x[0-9a-f]{1,8}$/i;

/**
 * A whole config from a partial one, filled from `current`. Throws the first of ERR_WRONG_TYPE,
 * ERR_UNKNOWN_FIELD, ERR_OUT_OF_RANGE, ERR_UNKNOWN_FEATURE.
 * @example parseConfigInput({ terminalMode: 'raw', features: { debug: true } }, DEFAULT_CONFIG)
 */
export function parseConfigInput(
  input: unknown,
  current: RegistryConfig,
  features: FeatureSet = BUILTIN_FEATURES,
): RegistryConfig {
  const { config, errors } = readConfigInput(input, current, features);
  if (errors[0] !== undefined) throw errors[0];
  return config;
}

/** As `parseConfigInput`, but collects every error; a field that cannot be read keeps its current value. */
export function readConfigInput(
  input: unknown,
  current: RegistryConfig,
  features: FeatureSet = BUILTIN_FEATURES,
): ConfigReading {
  const errors: AnyConfigError[] = [];
  let more = 0;
  const attempt = <T>(read: () => T, otherwise: T): T => {
    try {
      return read();
    } catch (error) {
      if (!isConfigError(error)) throw error;
      if (errors.length < MAX_ERRORS) errors.push(error);
      else more += 1;
      return otherwise;
    }
  };
  const fields = attempt(() => asObject('config', input), {});
  for (const key of Object.keys(fields)) attempt(() => knownField(key), undefined);
  const config: Record<ConfigField, number> = { ...current };
  for (const shape of CONFIG_FIELDS) {
    if (fields[shape.name] === undefined) continue;
    config[shape.name] = attempt(() => parseField(shape, fields[shape.name]), current[shape.name]);
  }
  if (fields['features'] !== undefined) {
    for (const [name, on] of Object.entries(attempt(() => asObject('features', fields['features']), {}))) {
      config.featureFlags = attempt(() => withFeature(config.featureFlags, name, on, features), config.featureFlags);
    }
  }
  return { config, errors: more === 0 ? errors : [...errors, uncounted(more)] };
}

/**
 * A config that is given as its bytes, `{ hex }` (`0x` and 26 digits: the 13 bytes) or `{ record }` (64 digits: the 32
 * bytes of a record, which the core checks), as the fields they hold; any other input as it is. Errors: ERR_WRONG_TYPE
 * (also for bytes beside other fields), ERR_CONFIG_LENGTH, ERR_CONFIG_INVALID, and those of `recordOpen`.
 * @example fieldsOfInput({ hex: '0x019ad10e930000000001185000' }, backend) // { version: 1, ... }
 */
export function fieldsOfInput(input: unknown, backend: Pick<Backend, 'recordOpen'>): unknown {
  if (typeof input !== 'object' || input === null) return input;
  const form = BYTE_FORMS.find(({ field }) => Object.hasOwn(input, field));
  if (form === undefined) return input;
  const { field, pattern, expected } = form;
  if (Object.keys(input).length > 1) throw wrongType('config', `${field} alone, without other fields`, input);
  const text = (input as Record<string, unknown>)[field];
  if (typeof text !== 'string' || !pattern.test(text)) throw wrongType(field, expected, text);
  const bytes = Uint8Array.fromHex(text.replace(/^0x/, ''));
  return { ...parseConfigBytes(field === 'record' ? backend.recordOpen(bytes) : bytes) };
}

const BYTE_FORMS = [
  { field: 'hex', pattern: /^0x(?:[0-9a-f]{2})*$/i, expected: '0x and 26 hexadecimal digits' },
  { field: 'record', pattern: /^(?:[0-9a-f]{2})*$/i, expected: '64 hexadecimal digits' },
] as const;

/** One field's value from outside. Throws ERR_WRONG_TYPE, ERR_OUT_OF_RANGE. */
export function parseField({ name, size, min, max }: FieldShape, value: unknown): number {
  const number = name === 'terminalMode' ? modeNumber(value) : size === 4 ? wordNumber(value) : value;
  if (typeof number !== 'number') throw wrongType(name, expectedOf(name, size), value);
  // JSON has a -0; adding 0 makes it the 0 it means.
  if (Number.isInteger(number) && number >= min && number <= max) return number + 0;
  throw new ConfigError('ERR_OUT_OF_RANGE', {
    message: `Invalid ${name}: ${number} (must be ${min}-${max})`,
    hint: `Give ${name} a whole number from ${min} to ${max}.`,
    details: { field: name, value: number, min, max },
  });
}

/** A plain object from outside, or ERR_WRONG_TYPE naming `field`. */
export function asObject(field: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw wrongType(field, 'an object', value);
}

export function wrongType(field: string, expected: string, value: unknown): ConfigError<'ERR_WRONG_TYPE'> {
  const found = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  const shown = typeof value === 'string' ? ` ${JSON.stringify(value.slice(0, SHOWN))}` : '';
  return new ConfigError('ERR_WRONG_TYPE', {
    message: `Invalid ${field}: ${found}${shown} (must be ${expected})`,
    hint: `Give ${field} as ${expected}.`,
    details: { field, expected, found },
  });
}

export function unknownField(field: string, known: readonly string[]): ConfigError<'ERR_UNKNOWN_FIELD'> {
  const suggestion = nearest(field.slice(0, SHOWN), known);
  return new ConfigError('ERR_UNKNOWN_FIELD', {
    message: `Unknown field: ${field.slice(0, SHOWN)}. Available: ${known.join(', ')}`,
    hint: suggestion === null ? 'Leave it out.' : `Did you mean '${suggestion}'?`,
    details: { field: field.slice(0, SHOWN), known },
  });
}

/** Stands for the errors that were left out. */
function uncounted(more: number): AnyConfigError {
  const message = `and ${more} more`;
  return new ConfigError('ERR_CONFIG_INVALID', {
    message,
    hint: 'Correct the others first.',
    details: { issues: [] },
  }) as AnyConfigError;
}

function knownField(field: string): void {
  if (!KNOWN_FIELDS.includes(field)) throw unknownField(field, KNOWN_FIELDS);
}

function withFeature(flags: number, name: string, on: unknown, features: FeatureSet): number {
  // No name is so long: cut, it is still unknown.
  const mask = features.maskOf(name.slice(0, SHOWN));
  if (typeof on !== 'boolean') throw wrongType(`features.${name}`, 'true or false', on);
  return (on ? flags | mask : flags & ~mask) >>> 0;
}

function modeNumber(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  return Object.hasOwn(TERMINAL_MODE, value) ? TERMINAL_MODE[value as keyof typeof TERMINAL_MODE] : value;
}

function wordNumber(value: unknown): unknown {
  return typeof value === 'string' && HEX_WORD.test(value) ? Number(value) : value;
}

function expectedOf(name: ConfigField, size: number): string {
  if (name === 'terminalMode') return `a number or one of ${Object.keys(TERMINAL_MODE).join(', ')}`;
  return size === 4 ? 'a number or 0x and up to 8 hexadecimal digits' : 'a number';
}
