/**
 * `X-Bun-*` headers from outside: each in its one form and within its bounds, the dump with its checksum, and all of
 * them telling of the same config. The core judges each; here they are put together. Nothing is repaired or guessed.
 * @module
 */
import { CONFIG_OFFSET } from '../../bindings/abi.gen.ts';
import type { Backend } from '../../bindings/backend.ts';
import { CONFIG_FIELDS, type ConfigField, type RegistryConfig } from '../config/value.ts';
import { type AnyConfigError, ConfigError, isConfigError } from '../errors/errors.ts';
import { nearest } from '../errors/nearest.ts';
import { DUMP_HEADER, HEADER_NAMES, HEADER_PREFIX } from './headers.ts';

/** What a set of headers comes to. */
export interface HeaderCheck {
  /** True as well where there is no header of ours at all. */
  readonly isValid: boolean;
  /** Each an ERR_HEADER that names its header. */
  readonly errors: readonly AnyConfigError[];
  /** What the valid ones say; the dump says every field. */
  readonly fields: Partial<RegistryConfig>;
}

/** The field that each single header carries, by the core's number of the header; the dump comes after them. */
const FIELDS: readonly ConfigField[] = CONFIG_FIELDS.map(({ name }) => name);
const DUMP = FIELDS.length;
const NUMBERS: ReadonlyMap<string, number> = new Map(HEADER_NAMES.map((name, i) => [name, i]));

/**
 * Judges the headers of ours among those given; others are passed over. A name that begins like ours and is none is an
 * error that suggests the nearest, and so is one that is given twice.
 * @example
 * const { isValid, errors } = validateHeaders(request.headers, core);
 */
export function validateHeaders(
  headers: Iterable<readonly [name: string, value: string]>,
  core: Pick<Backend, 'headerParse'>,
): HeaderCheck {
  const found = new Found();
  // Taken apart by index: destructuring in the head of the loop costs 30 ns a header.
  for (const pair of headers) {
    const value = pair[1];
    // Names in small letters, as `Headers` has them, are known as they are.
    const number = NUMBERS.get(pair[0]) ?? NUMBERS.get(pair[0].toLowerCase());
    if (number !== undefined) judge(found, number, value, core);
    else if (pair[0].toLowerCase().startsWith(HEADER_PREFIX)) found.errors.push(unknownHeader(pair[0], value));
  }
  const dump = found.dump === null ? null : configOf(found.dump);
  if (dump !== null) checkAgreement(dump, found);
  return { isValid: found.errors.length === 0, errors: found.errors, fields: dump ?? fieldsOf(found) };
}

class Found {
  readonly errors: AnyConfigError[] = [];
  /** Bit i: header i was there. */
  seen = 0;
  /** Bit i: field i is in `values`. */
  valid = 0;
  readonly values = [0, 0, 0, 0, 0, 0];
  /** The 13 bytes. */
  dump: Uint8Array | null = null;
}

function judge(found: Found, number: number, value: string, core: Pick<Backend, 'headerParse'>): void {
  const name = HEADER_NAMES[number]!;
  const bit = 1 << number;
  if ((found.seen & bit) !== 0) {
    found.errors.push(headerError(name, value, `${name} is given twice`, 'Send each header once.'));
  }
  found.seen |= bit;
  try {
    const parsed = core.headerParse(name, value);
    if (number === DUMP) {
      found.dump = parsed as Uint8Array;
    } else {
      found.values[number] = parsed as number;
      found.valid |= bit;
    }
  } catch (error) {
    if (!isConfigError(error)) throw error;
    found.errors.push(error);
  }
}

/** As `decodeConfig`, without the view that costs more than the checksum of the dump. */
function configOf(bytes: Uint8Array): RegistryConfig {
  return {
    version: bytes[CONFIG_OFFSET.version]!,
    registryHash: wordAt(bytes, CONFIG_OFFSET.registry_hash),
    featureFlags: wordAt(bytes, CONFIG_OFFSET.feature_flags),
    terminalMode: bytes[CONFIG_OFFSET.terminal_mode]!,
    rows: bytes[CONFIG_OFFSET.rows]!,
    cols: bytes[CONFIG_OFFSET.cols]!,
  };
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

function checkAgreement(dump: RegistryConfig, { errors, valid, values }: Found): void {
  for (let i = 0; i < DUMP; i++) {
    const field = FIELDS[i]!;
    if ((valid & (1 << i)) === 0 || values[i] === dump[field]) continue;
    const message = `${HEADER_NAMES[i]} says ${values[i]}, but ${DUMP_HEADER} says ${dump[field]}`;
    const hint = 'Send all headers of one config, or the dump alone.';
    errors.push(headerError(HEADER_NAMES[i]!, String(values[i]), message, hint));
  }
}

function fieldsOf({ valid, values }: Found): Partial<RegistryConfig> {
  const said = FIELDS.flatMap((field, i) => ((valid & (1 << i)) === 0 ? [] : [[field, values[i]] as const]));
  return Object.fromEntries(said);
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
