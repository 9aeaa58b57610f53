/**
 * The 13 bytes as a value: what the fields are, where they lie, and what changed between two of them. Bytes
 * that this machine wrote decode whatever they hold; whether they make sense is `rules.ts`, and what arrives
 * from outside passes `input.ts` first.
 * @module
 */
import { CONFIG_OFFSET, CONFIG_SIZE, DEFAULT_REGISTRY_HASH, TERMINAL_MODE } from '../../bindings/abi.gen.ts';
import type { Backend } from '../../bindings/backend.ts';
import { MURMUR_SEED } from '../../bindings/murmur3.ts';
import { ConfigError } from '../errors/errors.ts';

/** One config. Immutable: a change makes a new one. All fields are unsigned integers. */
export interface RegistryConfig {
  /** 0 legacy, 1 modern. */
  readonly version: number;
  /** MurmurHash3 of the registry's URL, u32. */
  readonly registryHash: number;
  /** Bit i is feature i, u32; a set bit means on for everyone. */
  readonly featureFlags: number;
  /** 0 disabled, 1 cooked, 2 raw, 3 pipe. */
  readonly terminalMode: number;
  /** Character cells, 1-255. */
  readonly rows: number;
  /** Character cells, 1-255. */
  readonly cols: number;
}

export type ConfigField = keyof RegistryConfig;
/** What a change can touch: a field of the config, or the 32 rollouts beside it. */
export type ChangedField = ConfigField | 'rollouts';
export type TerminalModeName = keyof typeof TERMINAL_MODE;

export interface FieldShape {
  readonly name: ConfigField;
  readonly offset: number;
  readonly size: 1 | 4;
  /** What a valid config holds, inclusive; bytes may hold more. */
  readonly min: number;
  readonly max: number;
}

/** The fields in the order of their bytes; a field's index is its bit in a mask of changed fields. */
export const CONFIG_FIELDS: readonly FieldShape[] = [
  { name: 'version', offset: CONFIG_OFFSET.version, size: 1, min: 0, max: 1 },
  { name: 'registryHash', offset: CONFIG_OFFSET.registry_hash, size: 4, min: 0, max: 0xffffffff },
  { name: 'featureFlags', offset: CONFIG_OFFSET.feature_flags, size: 4, min: 0, max: 0xffffffff },
  { name: 'terminalMode', offset: CONFIG_OFFSET.terminal_mode, size: 1, min: 0, max: 3 },
  { name: 'rows', offset: CONFIG_OFFSET.rows, size: 1, min: 1, max: 255 },
  { name: 'cols', offset: CONFIG_OFFSET.cols, size: 1, min: 1, max: 255 },
];

/** In the order of the bits in a mask of changes. */
export const CHANGED_FIELDS: readonly ChangedField[] = [...CONFIG_FIELDS.map(({ name }) => name), 'rollouts'];

/** Modern, the public npm registry's hash, no feature on, a cooked terminal of 24 x 80. */
export const DEFAULT_CONFIG: RegistryConfig = Object.freeze({
  version: 1,
  registryHash: DEFAULT_REGISTRY_HASH,
  featureFlags: 0,
  terminalMode: TERMINAL_MODE.cooked,
  rows: 24,
  cols: 80,
});

/**
 * 13 bytes, little-endian. A field that does not fit its bytes is a programmer's mistake: RangeError.
 * @example encodeConfig(DEFAULT_CONFIG)[0] // 1
 */
export function encodeConfig(config: RegistryConfig): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(CONFIG_SIZE);
  writeConfig(config, bytes, 0);
  return bytes;
}

/** As `encodeConfig`, into 13 bytes of somebody's own from `at`; the reserved byte becomes 0. */
export function writeConfig(config: RegistryConfig, bytes: Uint8Array, at: number): void {
  bytes[at + CONFIG_OFFSET.version] = byte('version', config.version);
  writeWord(bytes, at + CONFIG_OFFSET.registry_hash, 'registryHash', config.registryHash);
  writeWord(bytes, at + CONFIG_OFFSET.feature_flags, 'featureFlags', config.featureFlags);
  bytes[at + CONFIG_OFFSET.terminal_mode] = byte('terminalMode', config.terminalMode);
  bytes[at + CONFIG_OFFSET.rows] = byte('rows', config.rows);
  bytes[at + CONFIG_OFFSET.cols] = byte('cols', config.cols);
  bytes[at + CONFIG_OFFSET.reserved] = 0;
}

/** The config in the 13 bytes from `at`; any values decode. Throws ERR_CONFIG_LENGTH when fewer bytes are left. */
export function decodeConfig(bytes: Uint8Array, at = 0): RegistryConfig {
  if (bytes.length - at < CONFIG_SIZE) throw wrongLength(Math.max(0, bytes.length - at));
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, CONFIG_SIZE);
  return {
    version: view.getUint8(CONFIG_OFFSET.version),
    registryHash: view.getUint32(CONFIG_OFFSET.registry_hash, true),
    featureFlags: view.getUint32(CONFIG_OFFSET.feature_flags, true),
    terminalMode: view.getUint8(CONFIG_OFFSET.terminal_mode),
    rows: view.getUint8(CONFIG_OFFSET.rows),
    cols: view.getUint8(CONFIG_OFFSET.cols),
  };
}

/**
 * Bytes from outside: exactly 13, and a reserved byte that is 0, since writing the config back would lose it.
 * Field values are left to validation. Throws ERR_CONFIG_LENGTH, ERR_CONFIG_INVALID.
 */
export function parseConfigBytes(bytes: Uint8Array): RegistryConfig {
  if (bytes.length !== CONFIG_SIZE) throw wrongLength(bytes.length);
  const reserved = bytes[CONFIG_OFFSET.reserved]!;
  if (reserved === 0) return decodeConfig(bytes);
  const message = `Invalid reserved byte: ${reserved} (must be 0)`;
  throw new ConfigError('ERR_CONFIG_INVALID', {
    message,
    hint: 'The bytes come from another format or a newer version: read them with what wrote them.',
    details: { issues: [{ code: 'CONFIG_RESERVED', path: 'reserved', message }] },
  });
}

export function equalConfigs(a: RegistryConfig, b: RegistryConfig): boolean {
  return CONFIG_FIELDS.every(({ name }) => a[name] === b[name]);
}

/**
 * Names of the fields that differ, in the order of their bytes.
 * @example changedFields(config, { ...config, rows: 50 }) // ['rows']
 */
export function changedFields(before: RegistryConfig, after: RegistryConfig): ConfigField[] {
  return CONFIG_FIELDS.filter(({ name }) => before[name] !== after[name]).map(({ name }) => name);
}

/** The names behind a mask of changed fields, as the change ring keeps it: bit i is CHANGED_FIELDS[i]. */
export function fieldsOfMask(mask: number): ChangedField[] {
  return CHANGED_FIELDS.filter((_, index) => ((mask >>> index) & 1) === 1);
}

/** The mask of names, the inverse of `fieldsOfMask`. */
export function maskOfFields(fields: readonly ChangedField[]): number {
  return fields.reduce((mask, field) => mask | (1 << CHANGED_FIELDS.indexOf(field)), 0);
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, '0'));

/** `0x` and 26 digits: the 13 bytes in the order of their addresses. */
export function configHex(config: RegistryConfig): string {
  let hex = '0x';
  for (const value of encodeConfig(config)) hex += HEX[value];
  return hex;
}

/** The name of a terminal mode, or null for a byte that names none. */
export function terminalModeName(mode: number): TerminalModeName | null {
  const found = Object.entries(TERMINAL_MODE).find(([, value]) => value === mode);
  return found === undefined ? null : (found[0] as TerminalModeName);
}

/**
 * The hash that `registryHash` holds: of the URL's text as given, without trailing slashes.
 * Throws ERR_WRONG_TYPE when it is not an http or https URL.
 */
export function registryHashOf(url: string, backend: Pick<Backend, 'murmur3'>): number {
  if (!/^https?:\/\/[^\s/]/.test(url) || !URL.canParse(url)) {
    throw new ConfigError('ERR_WRONG_TYPE', {
      message: `Invalid registry: ${JSON.stringify(url.slice(0, 200))} (must be an http or https URL)`,
      hint: 'Give the registry as its full URL, scheme included.',
      details: { field: 'registry', expected: 'an http or https URL', found: 'string' },
    });
  }
  return backend.murmur3(new TextEncoder().encode(url.replace(/\/+$/, '')), MURMUR_SEED);
}

function byte(field: ConfigField, value: number): number {
  if ((value & 0xff) === value) return value;
  throw new RangeError(`${field} does not fit in a byte: ${value}`);
}

/** Byte by byte, because the offsets of both words are odd. */
function writeWord(bytes: Uint8Array, at: number, field: ConfigField, value: number): void {
  if (value >>> 0 !== value) throw new RangeError(`${field} does not fit in 32 unsigned bits: ${value}`);
  bytes[at] = value & 0xff;
  bytes[at + 1] = (value >>> 8) & 0xff;
  bytes[at + 2] = (value >>> 16) & 0xff;
  bytes[at + 3] = value >>> 24;
}

function wrongLength(length: number): ConfigError<'ERR_CONFIG_LENGTH'> {
  return new ConfigError('ERR_CONFIG_LENGTH', {
    message: `A config is ${CONFIG_SIZE} bytes, not ${length}`,
    hint: 'Send the 13 bytes alone: a record (32 bytes) has to be opened first.',
    details: { length, expected: CONFIG_SIZE },
  });
}
