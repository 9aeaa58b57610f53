/**
 * What travels with a config besides its 13 bytes: when it changed, where it lives, and the checksum that shows
 * it arrived whole. Also the shape in which one change of the past is told.
 * @module
 */
import type { Backend } from '../../bindings/backend.ts';
import { ConfigError } from '../errors/errors.ts';
import { wrongType } from './input.ts';
import { encodeConfig, type RegistryConfig } from './value.ts';

/** Where a config lives. Empty text where it was not said. */
export interface ConfigPlace {
  readonly environment: string;
  readonly region: string;
  readonly clusterId: string;
}

export interface EnhancedConfig extends RegistryConfig, ConfigPlace {
  /** Milliseconds since 1970. */
  readonly lastModified: number;
  /** CRC-64/NVME of the config's record, 16 hexadecimal digits. */
  readonly checksum: string;
}

/** One change of the past. */
export interface ConfigHistory {
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** As it was after the change. */
  readonly config: RegistryConfig;
  readonly changeType: 'create' | 'update' | 'reset';
  /** Fields of the config, and `rollouts`. */
  readonly changedFields: string[];
  /** Nanoseconds; null where nobody measured. */
  readonly performance: {
    readonly readTime: number | null;
    readonly writeTime: number | null;
  };
}

const PLACE_LENGTH_MAX = 63;
const PLACE = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*)$/;
/** Where the checksum lies in the 32-byte record. Frozen. */
const CHECKSUM_OFFSET = 24;

/** The config with everything that travels with it. `lastModified` in milliseconds since 1970. */
export function enhanceConfig(
  config: RegistryConfig,
  place: Partial<ConfigPlace>,
  lastModified: number,
  backend: Pick<Backend, 'recordSeal'>,
): EnhancedConfig {
  const { environment = '', region = '', clusterId = '' } = place;
  return { ...config, lastModified, checksum: checksumOf(config, backend), environment, region, clusterId };
}

/** The checksum of the config's record: 16 hexadecimal digits, lower case. */
export function checksumOf(config: RegistryConfig, backend: Pick<Backend, 'recordSeal'>): string {
  const record = backend.recordSeal(encodeConfig(config));
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  return view.getBigUint64(CHECKSUM_OFFSET, true).toString(16).padStart(16, '0');
}

/** Throws ERR_RECORD_CHECKSUM when the config is not the one its checksum was made of. */
export function verifyChecksum(config: EnhancedConfig, backend: Pick<Backend, 'recordSeal'>): void {
  const computed = checksumOf(config, backend);
  if (computed === config.checksum) return;
  throw new ConfigError('ERR_RECORD_CHECKSUM', {
    message: `The config's checksum is ${config.checksum.slice(0, 80)}, but its bytes give ${computed}`,
    hint: 'The config was changed or damaged on its way: fetch it again.',
    details: { found: config.checksum, computed },
  });
}

/** Environment, region and cluster from outside, each a short word or left out. Throws ERR_WRONG_TYPE. */
export function parsePlace(place: Readonly<Partial<Record<keyof ConfigPlace, unknown>>>): ConfigPlace {
  return {
    environment: parseWord('environment', place.environment),
    region: parseWord('region', place.region),
    clusterId: parseWord('clusterId', place.clusterId),
  };
}

function parseWord(field: string, value: unknown): string {
  if (value === undefined || value === '') return '';
  if (typeof value === 'string' && value.length <= PLACE_LENGTH_MAX && PLACE.test(value)) return value;
  throw wrongType(field, `a word of at most ${PLACE_LENGTH_MAX} letters, digits, '.', '_' and '-'`, value);
}
