/**
 * Turns the core's result codes into errors that say what is wrong and what to do. The map names every code: a new one
 * in Zig does not compile here until somebody gives it a meaning.
 * @module
 */
import { ConfigError, type ErrorCode } from '../src/errors/errors.ts';
import type { Frame, FrameFault, HeaderName, Region, Ring, SwapRequest } from './backend.ts';
import { CONFIG_SIZE, HEADER, RECORD_SIZE, RESULT, SLOT_SIZE } from './abi.gen.ts';

/** null: not a failure, or one that its caller answers itself. */
const ERROR_OF_RESULT = {
  ok: null,
  bad_length: 'ERR_CONFIG_LENGTH',
  bad_magic: 'ERR_RECORD_MAGIC',
  bad_reserved: 'ERR_RECORD_RESERVED',
  bad_checksum: 'ERR_RECORD_CHECKSUM',
  bad_format: 'ERR_HEADER',
  bad_frame_type: 'ERR_FRAME',
  bad_frame_offset: 'ERR_FRAME',
  bad_frame_value: 'ERR_FRAME',
  unknown_header: 'ERR_HEADER',
  out_of_bounds: 'ERR_OUT_OF_RANGE',
  lost_race: null,
  not_newer: null,
  closed: 'ERR_CLOSED',
  not_found: null,
  full: 'ERR_BOARD_FULL',
  foreign: 'ERR_BOARD',
  permission: 'ERR_BOARD',
  no_space: 'ERR_BOARD',
  busy: 'ERR_BOARD',
  timeout: null,
  unsupported: 'ERR_UNSUPPORTED',
  os: 'ERR_BOARD',
  bad_handle: 'ERR_PTY',
  would_block: null,
  end: null,
  bad_argument: 'ERR_PTY',
  bad_command: 'ERR_PTY',
  too_large: 'ERR_PTY',
  no_program: 'ERR_PTY',
  no_directory: 'ERR_PTY',
  no_pty: 'ERR_PTY',
  contradiction: 'ERR_HEADER',
} as const satisfies Record<keyof typeof RESULT, ErrorCode | null>;

const RESULT_NAMES = new Map(
  (Object.keys(ERROR_OF_RESULT) as (keyof typeof RESULT)[]).map((name) => [RESULT[name] as number, name]),
);

export function resultName(result: number): keyof typeof RESULT {
  return RESULT_NAMES.get(result) ?? 'os';
}

export function expectConfigLength(config: Uint8Array): void {
  if (config.length !== CONFIG_SIZE) throw lengthError('config', config.length, CONFIG_SIZE);
}

/** The core sees 32 bits of a number: one that is no index would become another slot or config there. */
export function expectIndex(field: string, index: number, count: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= count) throw rangeError(field, index, 0, count - 1);
}

/** For configs `first`, `first + 1`, ...: all of them lie in range, or none is written. */
export function expectIndexes(first: number, length: number, capacity: number): void {
  if (length === 0) return;
  expectIndex('index', first, capacity);
  expectIndex('index', first + length - 1, capacity);
}

/** Sizes in bytes are 32-bit numbers in the core. */
const SLOT_COUNT_MAX = Math.floor(0xffff_ffff / SLOT_SIZE);

export function expectSlotCount(count: number): void {
  const fits = Number.isInteger(count) && count >= 1 && count <= SLOT_COUNT_MAX;
  if (!fits) throw rangeError('slot count', count, 1, SLOT_COUNT_MAX);
}

/** What a swap may not be asked, whatever the core: a slot that is none, or a ring that was closed. */
export function expectSwap(region: Region, slot: number, request: SwapRequest, ring: Ring | null): void {
  expectIndex('slot', slot, region.slotCount);
  expectIndex('kind', request.kind, 0x100);
  if (ring !== null && (ring as Ring & { address: number }).address === 0) throw closedError('ring');
}

/** A frame whose numbers do not fit their bytes would be sent as another frame. */
export function expectFrameWidths(frame: Frame): void {
  if (frame.type !== (frame.type & 0xff)) throw frameError(RESULT.bad_frame_type);
  if (frame.offset !== frame.offset >>> 0) throw frameError(RESULT.bad_frame_offset);
  if (frame.value !== BigInt.asUintN(64, frame.value)) throw frameError(RESULT.bad_frame_value);
}

export function lengthError(what: string, length: number, expected: number): ConfigError {
  return new ConfigError('ERR_CONFIG_LENGTH', {
    message: `A ${what} is ${expected} bytes, not ${length}`,
    hint: `Pass exactly ${expected} bytes.`,
    details: { length, expected },
  });
}

export function recordError(result: number, record: Uint8Array, computed: () => bigint): ConfigError {
  switch (resultName(result)) {
    case 'bad_length':
      return lengthError('record', record.length, RECORD_SIZE);
    case 'bad_magic':
      return new ConfigError('ERR_RECORD_MAGIC', {
        message: 'The record does not begin with C13 and format 1',
        hint: 'Check that this is a record of a config and was written by a version that this one knows.',
        details: { found: Array.from(record.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join('') },
      });
    case 'bad_reserved':
      return new ConfigError('ERR_RECORD_RESERVED', {
        message: 'Bytes 17-23 of the record must be zero',
        hint: 'The record was written by a newer version, or changed on its way: get it again.',
        details: { offset: 17 },
      });
    default:
      return checksumError(record, computed());
  }
}

function checksumError(record: Uint8Array, computed: bigint): ConfigError {
  const stored = new DataView(record.buffer, record.byteOffset, record.byteLength).getBigUint64(24, true);
  const found = hex64(stored);
  return new ConfigError('ERR_RECORD_CHECKSUM', {
    message: `The record's checksum is ${found}, its bytes give ${hex64(computed)}`,
    hint: 'The record was damaged: get it again from where it came.',
    details: { found, computed: hex64(computed) },
  });
}

export function slotError(): ConfigError {
  return new ConfigError('ERR_RECORD_CHECKSUM', {
    message: 'A shared config does not fit the checksum it was written with',
    hint: 'Something else wrote into the shared memory: remove the board file and restart, the journal rebuilds it.',
    details: { found: '', computed: '' },
  });
}

export function frameFaultName(result: number): FrameFault {
  switch (resultName(result)) {
    case 'bad_length':
      return 'length';
    case 'bad_checksum':
      return 'checksum';
    case 'bad_frame_type':
      return 'type';
    case 'bad_frame_offset':
      return 'offset';
    default:
      return 'value';
  }
}

export function frameError(result: number): ConfigError {
  const fault = frameFaultName(result);
  return new ConfigError('ERR_FRAME', {
    message: `Bad frame: its ${fault} is wrong`,
    hint: 'A frame is 14 bytes: type 1-7, offset u32, value u64, and the XOR of those 13 bytes.',
    details: { fault },
  });
}

const HEADER_FORM: Record<HeaderName, string> = {
  'x-bun-config-version': '0 or 1',
  'x-bun-registry-hash': '0x and eight lower-case hex digits',
  'x-bun-feature-flags': '0x and eight lower-case hex digits',
  'x-bun-terminal-mode': '0 to 3',
  'x-bun-terminal-rows': '1 to 255',
  'x-bun-terminal-cols': '1 to 255',
  'x-bun-config-dump': 'the 64 lower-case hex digits of a valid record',
};

/** In the order of the core's numbers. */
export const HEADER_NAMES = Object.keys(HEADER_FORM) as readonly HeaderName[];

/** The core's number of a header; throws ERR_HEADER for a name that is none. */
export function headerNumber(name: string): number {
  const known = (HEADER_NAMES as readonly string[]).indexOf(name);
  if (known >= 0) return known;
  throw new ConfigError('ERR_HEADER', {
    message: `Unknown header: ${name}`,
    hint: `Known headers: ${HEADER_NAMES.join(', ')}.`,
    details: { header: name, value: '' },
  });
}

export function headerError(result: number, name: HeaderName, value: string): ConfigError<'ERR_HEADER'> {
  const fault = resultName(result) === 'bad_checksum' ? 'has a wrong checksum' : 'is malformed or out of range';
  return new ConfigError('ERR_HEADER', {
    message: `${name} ${fault}: ${JSON.stringify(value.slice(0, 80))}`,
    hint: `It must be ${HEADER_FORM[name]}.`,
    details: { header: name, value: value.slice(0, 80) },
  });
}

/** A valid header that says another thing than the dump beside it, which means `meant`. */
export function contradictionError(name: HeaderName, value: string, meant: number): ConfigError<'ERR_HEADER'> {
  return new ConfigError('ERR_HEADER', {
    message: `${name} says ${Number(value)}, but ${HEADER_NAMES[DUMP_HEADER]} says ${meant}`,
    hint: 'Send all headers of one config, or the dump alone.',
    details: { header: name, value },
  });
}

export const DUMP_HEADER = HEADER.config_dump;

export function rangeError(field: string, value: unknown, min: number, max: number): ConfigError {
  return new ConfigError('ERR_OUT_OF_RANGE', {
    message: `Invalid ${field}: ${String(value)} (must be ${min}-${max})`,
    hint: `Use a whole number from ${min} to ${max}.`,
    details: { field, value, min, max },
  });
}

export function memoryError(size_bytes: number): ConfigError {
  return new ConfigError('ERR_OUT_OF_MEMORY', {
    message: `No memory for ${size_bytes} bytes`,
    hint: 'Close configs that are no longer used, or give the process more memory.',
    details: { size_bytes },
  });
}

export function closedError(what: string): ConfigError {
  return new ConfigError('ERR_CLOSED', {
    message: `This ${what} is closed`,
    hint: `Open it again; a closed ${what} cannot be used.`,
    details: { what },
  });
}

function hex64(value: bigint): string {
  return value.toString(16).padStart(16, '0');
}
