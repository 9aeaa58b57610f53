/**
 * The core as a shared library under Bun: the only file that uses `bun:ffi`. Addresses stay in here; what leaves are
 * bytes, numbers, and views of memory that regions replace before they give it back.
 * @module
 */
import { dlopen, ptr, suffix, toArrayBuffer, type Pointer } from 'bun:ffi';
import { fileURLToPath } from 'node:url';
import { existsSync } from 'node:fs';
import { ConfigError } from '../src/errors/errors.ts';
import { assertAbi } from './abi-check.ts';
import {
  ABI_CORE_HASH,
  ABI_NATIVE_HASH,
  COLUMN_LIST_SIZE,
  COLUMNS_CAPACITY_MAX,
  CONFIG_SIZE,
  CORE_SYMBOLS,
  FLAG_CHANGE_SIZE,
  FRAME_OUTCOME_SIZE,
  HEADER_SET_SIZE,
  HEADER_VALUE_OFFSET,
  HEADER_VALUE_SIZE,
  HEADERS_PARSED_SIZE,
  HISTORY_SIZE,
  IMAGE_SIZE,
  NATIVE_SYMBOLS,
  RECORD_SIZE,
  RESULT,
  SLOT_SIZE,
  SWAP_SIZE,
} from './abi.gen.ts';
import type { Backend, Columns, FlagQuery, Frame, HeaderName, Region, Ring, SwapRequest } from './backend.ts';
import { configCheck } from './config-check.ts';
import { closedError, DUMP_HEADER, expectConfigLength, expectIndex, expectIndexes, expectSlotCount } from './faults.ts';
import { expectSwap, frameError, headerError, headerNumber } from './faults.ts';
import { lengthError, memoryError, rangeError, recordError, slotError } from './faults.ts';
import { decodeFrames, frameDecode, FRAMES_PER_CALL } from './frame.ts';
import { headerSetOver, readHeaders, writeHeaderSet } from './header-set.ts';
import { frameBytes, imageBytes, readImage, readRing, readSwapRevision, ringLength } from './layout.ts';
import { viewOf, writeSwap } from './layout.ts';
import { expectWritable, isBoard, openNativeBoard, writeError } from './native-board.ts';
import type { BoardOptions, NativeBoard } from './native-board.ts';
import { openNativeTerminal, type NativeTerminal, type TerminalSize } from './native-terminal.ts';

/** Three bytes for each of 100 units of text; no header's value is longer than 64. */
const HEADER_TEXT_SIZE = 300;

export type Symbols = ReturnType<typeof dlopen<typeof CORE_SYMBOLS & typeof NATIVE_SYMBOLS>>['symbols'];

/** The native core can do what needs an operating system besides what every core can. */
export interface NativeBackend extends Backend {
  readonly kind: 'native';
  readonly file: string;
  /** Opens, makes or empties a shared board. Errors: ERR_BOARD, ERR_UNSUPPORTED, ERR_OUT_OF_RANGE. */
  openBoard(path: string, options: BoardOptions): NativeBoard;
  /** Opens a pseudo-terminal in cooked mode. Errors: ERR_PTY, ERR_UNSUPPORTED. */
  openTerminal(size: TerminalSize): NativeTerminal;
  /** The raw functions, for the other native bindings in this folder. */
  readonly symbols: Symbols;
}

/** Where `zig build` puts the library, seen from here. */
export function defaultLibraryFile(): string {
  const name = process.platform === 'win32' ? `bin/c13.${suffix}` : `lib/libc13.${suffix}`;
  return fileURLToPath(new URL(`../zig-out/${name}`, import.meta.url));
}

/**
 * Loads the library, compares its description with the bindings', and wraps it.
 * Errors: ERR_CORE_MISSING (no such file, or not loadable), ERR_ABI_MISMATCH (built from other sources).
 */
export function openNative(file = defaultLibraryFile()): NativeBackend {
  if (!existsSync(file)) throw missing(file, 'there is no such file');
  checkAbi(file);
  const { symbols } = dlopen(file, { ...CORE_SYMBOLS, ...NATIVE_SYMBOLS });
  return wrap(file, symbols as Symbols);
}

/** Only the hashes are opened first: calling anything else in a library of another layout could corrupt memory. */
function checkAbi(file: string): void {
  let probe;
  try {
    probe = dlopen(file, {
      c13_abi_core_hash: { args: [], returns: 'u64' },
      c13_abi_native_hash: { args: [], returns: 'u64' },
    });
  } catch (cause) {
    throw missing(file, cause instanceof Error ? cause.message : String(cause), cause);
  }
  try {
    assertAbi(file, BigInt(probe.symbols.c13_abi_core_hash()), ABI_CORE_HASH);
    assertAbi(file, BigInt(probe.symbols.c13_abi_native_hash()), ABI_NATIVE_HASH);
  } finally {
    probe.close();
  }
}

function missing(file: string, why: string, cause?: unknown): ConfigError {
  return new ConfigError('ERR_CORE_MISSING', {
    message: `The native core could not be loaded from ${file}: ${why}`,
    hint: 'Build it with `bun run build:zig`.',
    details: { tried: [file] },
    cause,
  });
}

interface NativeRegion extends Region {
  readonly address: number;
}

interface NativeRing extends Ring {
  readonly address: number;
}

function wrap(file: string, symbols: Symbols): NativeBackend {
  return {
    kind: 'native',
    file,
    symbols,
    ...hashes(symbols),
    ...values(symbols),
    ...slots(symbols),
    ...frames(symbols),
    ...headers(symbols),
    columnsCreate: (capacity) => createColumns(symbols, capacity),
    openBoard: (path, options) => openNativeBoard(symbols, path, options),
    openTerminal: (size) => openNativeTerminal(symbols, size),
  };
}

type Hashes = Pick<Backend, 'crc64Kernel' | 'crc64' | 'crc64ByteTable' | 'murmur3' | 'rolloutBucket'>;
type Values = Pick<Backend, 'configCheck' | 'configsCheck' | 'recordSeal' | 'recordOpen' | 'flagsApply' | 'flagsCount'>;
type Slots = Pick<Backend, 'ringCreate' | 'slotsCreate' | 'slotSwap' | 'slotRead' | 'slotSeed'>;
type Frames = Pick<Backend, 'frameEncode' | 'frameDecode' | 'framesDecode'>;
type HeaderForms = Pick<Backend, 'headerParse' | 'headersParse' | 'headerFormat'>;

function hashes(symbols: Symbols): Hashes {
  const encoder = new TextEncoder();
  return {
    crc64Kernel: kernelName(symbols),
    crc64: (bytes) => BigInt(symbols.c13_crc64_compute(at(bytes), bytes.length)),
    crc64ByteTable: (bytes) => BigInt(symbols.c13_crc64_byte_table(at(bytes), bytes.length)),
    murmur3: (bytes, seed) => symbols.c13_murmur3_hash(at(bytes), bytes.length, seed),
    rolloutBucket(feature, key) {
      const bytes = encoder.encode(`${feature}:${key}`);
      return symbols.c13_rollout_bucket(ptr(bytes), bytes.length);
    },
  };
}

function values(symbols: Symbols): Values {
  const crc64 = (bytes: Uint8Array): bigint => BigInt(symbols.c13_crc64_compute(at(bytes), bytes.length));
  return {
    configCheck,
    configsCheck(configs) {
      const faults = new Uint32Array(Math.ceil(configs.length / CONFIG_SIZE));
      if (faults.length === 0) return faults;
      const result = symbols.c13_configs_check(ptr(configs), configs.length, ptr(faults));
      if (result !== RESULT.ok) throw manyConfigsError(configs);
      return faults;
    },
    recordSeal(config) {
      expectConfigLength(config);
      const record = new Uint8Array(RECORD_SIZE);
      symbols.c13_record_seal(at(config), ptr(record));
      return record;
    },
    recordOpen(record) {
      const config = new Uint8Array(CONFIG_SIZE);
      const result = symbols.c13_record_open(at(record), record.length, ptr(config));
      if (result !== RESULT.ok) throw recordError(result, record, () => crc64(record.subarray(0, 24)));
      return config;
    },
    flagsApply(configs, change) {
      const words = Uint32Array.of(change.set, change.clear, change.toggle, 0);
      const changed = addressOf(words) + FLAG_CHANGE_SIZE;
      const result = symbols.c13_flags_apply(at(configs), configs.length, ptr(words), changed as Pointer);
      if (result !== RESULT.ok) throw manyConfigsError(configs);
      return words[3]!;
    },
    flagsCount(configs, query) {
      const words = Uint32Array.of(query.on, query.off, 0);
      const result = symbols.c13_flags_count(at(configs), configs.length, ptr(words), ptr(words, 8));
      if (result !== RESULT.ok) throw manyConfigsError(configs);
      return words[2]!;
    },
  };
}

function slots(symbols: Symbols): Slots {
  // Each over a buffer of its own: asking a small array for its buffer moves its bytes away from a kept address.
  const swapWords = new Uint32Array(new ArrayBuffer(SWAP_SIZE));
  const swapAddress = addressOf(swapWords);
  const image = new Uint8Array(new ArrayBuffer(IMAGE_SIZE));
  const imageAddress = addressOf(image);
  return {
    ringCreate: () => createRing(symbols),
    slotsCreate: (count) => createSlots(symbols, count),
    slotSwap(region, slot, request: SwapRequest, ring) {
      const address = slotAddress(region, slot);
      expectSwap(region, slot, request, ring);
      expectWritable(region);
      writeSwap(swapWords, request);
      const history = ring === null ? null : ((ring as NativeRing).address as Pointer);
      const result =
        request.rollouts === null || !isBoard(region)
          ? symbols.c13_slot_swap(address, swapAddress as Pointer, history)
          : symbols.c13_board_swap(region.handle(), slot, swapAddress as Pointer, seenRollouts(request), history);
      if (result === RESULT.ok) return readSwapRevision(swapWords);
      if (result !== RESULT.lost_race) throw writeError(region, result);
      return 0;
    },
    slotRead(region, slot) {
      const result = symbols.c13_slot_read(slotAddress(region, slot), imageAddress as Pointer);
      if (result !== RESULT.ok) throw slotError();
      return readImage(image);
    },
    slotSeed(region, slot, seed) {
      expectWritable(region);
      const address = slotAddress(region, slot);
      const image = ptr(imageBytes(seed));
      const result = isBoard(region)
        ? symbols.c13_board_seed(region.handle(), slot, image)
        : symbols.c13_slot_seed(address, image);
      if (result === RESULT.busy) throw writeError(region, result);
      return result === RESULT.ok;
    },
  };
}

function seenRollouts({ seenRollouts: seen }: SwapRequest): Pointer | null {
  return seen === undefined ? null : ptr(seen);
}

function frames(symbols: Symbols): Frames {
  const outcomes = new DataView(new ArrayBuffer(FRAMES_PER_CALL * FRAME_OUTCOME_SIZE));
  const outcomesAddress = ptr(outcomes);
  const decodeMany = (bytes: Uint8Array): DataView => {
    symbols.c13_frames_decode(ptr(bytes), bytes.length, outcomesAddress);
    return outcomes;
  };
  return {
    frameEncode(frame: Frame) {
      const out = new Uint8Array(14);
      const result = symbols.c13_frame_encode(ptr(frameBytes(frame)), ptr(out));
      if (result !== RESULT.ok) throw frameError(result);
      return out;
    },
    frameDecode,
    framesDecode: (bytes) => decodeFrames(bytes, decodeMany),
  };
}

function headers(symbols: Symbols): HeaderForms {
  const encoder = new TextEncoder();
  const set = headerSetOver(new Uint8Array(new ArrayBuffer(HEADER_SET_SIZE)));
  const setAddress = ptr(set.bytes);
  const parsed = new DataView(new ArrayBuffer(HEADERS_PARSED_SIZE));
  const parsedAddress = ptr(parsed);
  const headerText = new Uint8Array(new ArrayBuffer(HEADER_TEXT_SIZE));
  const headerTextAddress = ptr(headerText);
  const headerValue = new Uint8Array(new ArrayBuffer(HEADER_VALUE_SIZE));
  const headerValueAddress = ptr(headerValue);
  const headerNumberView = viewOf(headerValue);
  return {
    headerParse(name: HeaderName, value) {
      const header = headerNumber(name);
      // Any longer value is malformed, and one unit of text is at most three bytes.
      if (value.length > HEADER_TEXT_SIZE / 3) throw headerError(RESULT.bad_format, name, value);
      const { written } = encoder.encodeInto(value, headerText);
      const result = symbols.c13_header_parse(headerTextAddress, written, header, headerValueAddress);
      if (result !== RESULT.ok) throw headerError(result, name, value);
      if (header !== DUMP_HEADER) return headerNumberView.getUint32(HEADER_VALUE_OFFSET.number, true);
      return headerValue.slice(HEADER_VALUE_OFFSET.config, HEADER_VALUE_OFFSET.config + CONFIG_SIZE);
    },
    headersParse(values) {
      writeHeaderSet(set, values);
      const result = symbols.c13_headers_parse(setAddress, parsedAddress);
      return readHeaders(parsed, result, values);
    },
    headerFormat(name, config) {
      expectConfigLength(config);
      const out = new Uint8Array(64);
      const length = new Uint32Array(1);
      symbols.c13_header_format(at(config), headerNumber(name), ptr(out), ptr(length));
      return new TextDecoder().decode(out.subarray(0, length[0]));
    },
  };
}

function kernelName(symbols: Symbols): string {
  const out = new Uint8Array(16);
  symbols.c13_crc64_kernel(ptr(out));
  return new TextDecoder().decode(out.subarray(0, out.indexOf(0)));
}

function createSlots(symbols: Symbols, count: number): NativeRegion {
  expectSlotCount(count);
  const memory = allocate(symbols, count * SLOT_SIZE);
  const region = {
    address: memory.address,
    bytes: memory.bytes,
    words: new Uint32Array(memory.bytes.buffer),
    slotCount: count,
    close() {
      if (region.address === 0) return;
      const { address } = region;
      region.address = 0;
      region.bytes = new Uint8Array(count * SLOT_SIZE);
      region.words = new Uint32Array(region.bytes.buffer);
      symbols.c13_memory_free(address as Pointer, count * SLOT_SIZE);
    },
  };
  return region;
}

function createRing(symbols: Symbols): NativeRing {
  const memory = allocate(symbols, HISTORY_SIZE);
  let bytes = memory.bytes;
  const ring = {
    address: memory.address,
    get length() {
      return ringLength(bytes);
    },
    entries: () => readRing(bytes),
    close() {
      if (ring.address === 0) return;
      const { address } = ring;
      ring.address = 0;
      bytes = bytes.slice();
      symbols.c13_memory_free(address as Pointer, HISTORY_SIZE);
    },
  };
  return ring;
}

function createColumns(symbols: Symbols, capacity: number): Columns {
  const size_bytes = capacity === capacity >>> 0 ? symbols.c13_columns_size(capacity) : 0;
  if (size_bytes === 0) throw rangeError('capacity', capacity, 1, COLUMNS_CAPACITY_MAX);
  let address = allocate(symbols, size_bytes).address;
  symbols.c13_columns_init(address as Pointer, capacity);
  const open = (): Pointer => {
    if (address === 0) throw closedError('columns');
    return address as Pointer;
  };
  return {
    capacity,
    write(index, flags) {
      const columns = open();
      expectIndex('index', index, capacity);
      symbols.c13_columns_write(columns, ptr(Uint32Array.of(index, flags)), 1);
    },
    writeAll(first, flags) {
      const columns = open();
      expectIndexes(first, flags.length, capacity);
      const pairs = new Uint32Array(flags.length * 2);
      for (let i = 0; i < flags.length; i++) {
        pairs[2 * i] = first + i;
        pairs[2 * i + 1] = flags[i]!;
      }
      if (pairs.length > 0) symbols.c13_columns_write(columns, ptr(pairs), flags.length);
    },
    remove(index) {
      const columns = open();
      expectIndex('index', index, capacity);
      symbols.c13_columns_remove(columns, index);
    },
    count: (query) => symbols.c13_columns_count(open(), ptr(queryWords(query))),
    list(query, first, limit) {
      const columns = open();
      const request = new Uint32Array(COLUMN_LIST_SIZE / 4);
      request.set([query.on, query.off, first]);
      const out = new Uint32Array(Math.min(limit, capacity));
      if (out.length === 0) return out;
      return out.slice(0, symbols.c13_columns_list(columns, ptr(request), ptr(out), out.length));
    },
    close() {
      if (address === 0) return;
      symbols.c13_memory_free(address as Pointer, size_bytes);
      address = 0;
    },
  };
}

function allocate(symbols: Symbols, size_bytes: number): { address: number; bytes: Uint8Array } {
  const address = symbols.c13_memory_alloc(size_bytes);
  if (address === null) throw memoryError(size_bytes);
  return { address: address as number, bytes: new Uint8Array(toArrayBuffer(address, 0, size_bytes)) };
}

function slotAddress(region: Region, slot: number): Pointer {
  const { address } = region as NativeRegion;
  if (address === 0) throw closedError('region');
  expectIndex('slot', slot, region.slotCount);
  return (address + slot * SLOT_SIZE) as Pointer;
}

const NOTHING = new Uint8Array(1);

/** An empty array has no address; the library is told its length 0 beside this one. */
function at(bytes: Uint8Array): Pointer {
  return ptr(bytes.length === 0 ? NOTHING : bytes);
}

function addressOf(array: NodeJS.TypedArray): number {
  return ptr(array) as number;
}

function queryWords(query: FlagQuery): Uint32Array {
  return Uint32Array.of(query.on, query.off);
}

function manyConfigsError(configs: Uint8Array): ConfigError {
  return lengthError('list of configs', configs.length, Math.ceil(configs.length / CONFIG_SIZE) * CONFIG_SIZE);
}
