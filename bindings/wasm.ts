/**
 * The core as WebAssembly: for browsers, edge workers and Node, and where the native library cannot load. Views of its
 * memory are taken anew for each call, because any allocation may move them; regions are told when that happens.
 * @module
 */
import { ConfigError } from '../src/errors/errors.ts';
import { assertAbi } from './abi-check.ts';
import {
  ABI_CORE_HASH,
  COLUMNS_CAPACITY_MAX,
  CONFIG_SIZE,
  FRAME_OUTCOME_SIZE,
  HEADER_SET_SIZE,
  HEADER_VALUE_OFFSET,
  HEADER_VALUE_SIZE,
  HEADERS_PARSED_SIZE,
  HISTORY_SIZE,
  IMAGE_SIZE,
  RECORD_SIZE,
  RESULT,
  SLOT_SIZE,
  SWAP_SIZE,
} from './abi.gen.ts';
import type { Backend, Columns, Region, Ring } from './backend.ts';
import { configCheck } from './config-check.ts';
import { closedError, DUMP_HEADER, expectConfigLength, expectIndex, expectIndexes, expectSlotCount } from './faults.ts';
import { expectSwap, frameError, headerError, headerNumber } from './faults.ts';
import { lengthError, memoryError, rangeError, recordError, slotError } from './faults.ts';
import { decodeFrames, frameDecode, FRAMES_PER_CALL } from './frame.ts';
import { headerSetOver, readHeaders, writeHeaderSet } from './header-set.ts';
import { frameBytes, imageBytes, readImage, readRing, readSwapRevision, ringLength } from './layout.ts';
import { viewOf, writeSwap } from './layout.ts';

/** i32 and i64 come back signed; this file makes them unsigned. */
type Exports = { readonly memory: WebAssembly.Memory } & Record<string, (...args: (number | bigint)[]) => never>;

/** Arguments of one call lie here: inputs from the start, outputs behind them. */
const SCRATCH_SIZE = 4096;

/**
 * Instantiates the module. Errors: ERR_CORE_MISSING when it is no module of ours, ERR_ABI_MISMATCH when it was
 * built from other sources.
 * @example const backend = await openWasm(await (await fetch('/c13.wasm')).arrayBuffer());
 */
export async function openWasm(
  source: ArrayBuffer | Uint8Array<ArrayBuffer> | WebAssembly.Module,
  name = 'c13.wasm',
): Promise<Backend> {
  try {
    const module = source instanceof WebAssembly.Module ? source : await WebAssembly.compile(source);
    return wrap(await WebAssembly.instantiate(module, {}), name);
  } catch (error) {
    throw refused(error, name);
  }
}

/**
 * The same at once, where the platform allows to compile on the main thread (servers do, browsers only small
 * modules).
 */
export function openWasmSync(source: ArrayBuffer | Uint8Array<ArrayBuffer>, name = 'c13.wasm'): Backend {
  try {
    return wrap(new WebAssembly.Instance(new WebAssembly.Module(source), {}), name);
  } catch (error) {
    throw refused(error, name);
  }
}

/** What the platform throws on bytes that are no module, or a module of somebody else. */
function refused(error: unknown, name: string): unknown {
  if (error instanceof ConfigError) return error;
  return new ConfigError('ERR_CORE_MISSING', {
    message: `${name} is not the WebAssembly core: ${error instanceof Error ? error.message : String(error)}`,
    hint: 'Build it with `bun run build:zig`.',
    details: { tried: [name] },
    cause: error,
  });
}

function wrap(instance: WebAssembly.Instance, name: string): Backend {
  const core = instance.exports as unknown as Exports;
  if (typeof core.c13_abi_core_hash !== 'function') throw new TypeError('it does not describe itself');
  assertAbi(name, core.c13_abi_core_hash(), ABI_CORE_HASH);
  return new WasmCore(core).backend();
}

/** Linear memory, its scratch, and the regions whose views must follow when it grows. */
class WasmCore {
  readonly scratch: number;
  readonly #moved = new Set<() => void>();
  #buffer: ArrayBuffer;

  constructor(readonly core: Exports) {
    this.scratch = core.c13_scratch!();
    this.#buffer = core.memory.buffer as ArrayBuffer;
  }

  call(name: string, ...args: (number | bigint)[]): number {
    return this.core[`c13_${name}`]!(...args);
  }

  callU64(name: string, ...args: number[]): bigint {
    return BigInt.asUintN(64, this.core[`c13_${name}`]!(...args) as unknown as bigint);
  }

  view(address: number, length: number): Uint8Array {
    return new Uint8Array(this.core.memory.buffer, address, length);
  }

  allocate(size_bytes: number): number {
    const address = this.call('memory_alloc', size_bytes) >>> 0;
    this.follow();
    if (address === 0) throw memoryError(size_bytes);
    return address;
  }

  free(address: number, size_bytes: number): void {
    this.call('memory_free', address, size_bytes);
  }

  /**
   * After anything that may have grown the memory: old views are empty then, and a read through one would say
   * "off".
   */
  follow(): void {
    if (this.#buffer === this.core.memory.buffer) return;
    this.#buffer = this.core.memory.buffer as ArrayBuffer;
    for (const moved of this.#moved) moved();
  }

  onMoved(listener: () => void): () => void {
    this.#moved.add(listener);
    return () => this.#moved.delete(listener);
  }

  /** Puts bytes into linear memory for the time of one call; those that lie there already stay where they are. */
  withBytes<T>(bytes: Uint8Array, work: (address: number) => T): T {
    if (bytes.buffer === this.core.memory.buffer) return work(bytes.byteOffset);
    if (bytes.length <= SCRATCH_SIZE / 2) {
      this.view(this.scratch, bytes.length).set(bytes);
      return work(this.scratch);
    }
    const address = this.allocate(bytes.length);
    try {
      this.view(address, bytes.length).set(bytes);
      return work(address);
    } finally {
      this.free(address, bytes.length);
    }
  }

  /** The second half of the scratch, for outputs and small structures beside the first argument. */
  get side(): number {
    return this.scratch + SCRATCH_SIZE / 2;
  }

  putSide(bytes: Uint8Array): number {
    this.view(this.side, bytes.length).set(bytes);
    return this.side;
  }

  backend(): Backend {
    return {
      ...hashes(this),
      ...values(this),
      ...slots(this),
      ...frames(this),
      ...headers(this),
      columnsCreate: (capacity) => createColumns(this, capacity),
    };
  }
}

function hashes(wasm: WasmCore) {
  const encoder = new TextEncoder();
  wasm.call('crc64_kernel', wasm.side);
  const kernel = wasm.view(wasm.side, 16).slice();
  return {
    kind: 'wasm' as const,
    crc64Kernel: new TextDecoder().decode(kernel.subarray(0, kernel.indexOf(0))),
    crc64: (bytes: Uint8Array) => wasm.withBytes(bytes, (at) => wasm.callU64('crc64_compute', at, bytes.length)),
    crc64ByteTable: (bytes: Uint8Array) =>
      wasm.withBytes(bytes, (at) => wasm.callU64('crc64_byte_table', at, bytes.length)),
    murmur3: (bytes: Uint8Array, seed: number) =>
      wasm.withBytes(bytes, (at) => wasm.call('murmur3_hash', at, bytes.length, seed) >>> 0),
    rolloutBucket(feature: string, key: string) {
      const bytes = encoder.encode(`${feature}:${key}`);
      return wasm.withBytes(bytes, (at) => wasm.call('rollout_bucket', at, bytes.length));
    },
  };
}

function values(wasm: WasmCore) {
  const crc64 = (bytes: Uint8Array) => wasm.withBytes(bytes, (at) => wasm.callU64('crc64_compute', at, bytes.length));
  return {
    configCheck,
    configsCheck(configs: Uint8Array) {
      const count = Math.ceil(configs.length / CONFIG_SIZE);
      const faultsOffset = Math.ceil(configs.length / 4) * 4;
      const both = new Uint8Array(faultsOffset + 4 * count);
      both.set(configs);
      return wasm.withBytes(both, (at) => {
        const result = wasm.call('configs_check', at, configs.length, at + faultsOffset);
        if (result !== RESULT.ok) throw manyConfigsError(configs);
        return new Uint32Array(wasm.core.memory.buffer, at + faultsOffset, count).slice();
      });
    },
    recordSeal(config: Uint8Array) {
      expectConfigLength(config);
      wasm.withBytes(config, (at) => wasm.call('record_seal', at, wasm.side));
      return wasm.view(wasm.side, RECORD_SIZE).slice();
    },
    recordOpen(record: Uint8Array) {
      const result = wasm.withBytes(record, (at) => wasm.call('record_open', at, record.length, wasm.side));
      if (result !== RESULT.ok) throw recordError(result, record, () => crc64(record.subarray(0, 24)));
      return wasm.view(wasm.side, CONFIG_SIZE).slice();
    },
    flagsApply(configs: Uint8Array, change: { set: number; clear: number; toggle: number }) {
      return wasm.withBytes(configs, (at) => {
        const side = wasm.putSide(bytesOf(change.set, change.clear, change.toggle));
        const result = wasm.call('flags_apply', at, configs.length, side, side + 16);
        if (result !== RESULT.ok) throw manyConfigsError(configs);
        configs.set(wasm.view(at, configs.length));
        return viewOf(wasm.view(side + 16, 4)).getUint32(0, true);
      });
    },
    flagsCount(configs: Uint8Array, query: { on: number; off: number }) {
      return wasm.withBytes(configs, (at) => {
        const side = wasm.putSide(bytesOf(query.on, query.off));
        const result = wasm.call('flags_count', at, configs.length, side, side + 16);
        if (result !== RESULT.ok) throw manyConfigsError(configs);
        return viewOf(wasm.view(side + 16, 4)).getUint32(0, true);
      });
    },
  };
}

interface WasmRegion extends Region {
  readonly address: number;
}

interface WasmRing extends Ring {
  readonly address: number;
}

function slots(wasm: WasmCore): Pick<Backend, 'ringCreate' | 'slotsCreate' | 'slotSwap' | 'slotRead' | 'slotSeed'> {
  const slotAddress = (region: Region, slot: number): number => {
    const { address } = region as WasmRegion;
    if (address === 0) throw closedError('region');
    expectIndex('slot', slot, region.slotCount);
    return address + slot * SLOT_SIZE;
  };
  return {
    ringCreate: () => createRing(wasm),
    slotsCreate: (count) => createSlots(wasm, count),
    slotSwap(region, slot, request, ring) {
      const address = slotAddress(region, slot);
      expectSwap(region, slot, request, ring);
      // There is no clock in the module.
      const dated = request.at ? request : { ...request, at: Date.now() };
      const words = new Uint32Array(wasm.core.memory.buffer, wasm.scratch, SWAP_SIZE / 4);
      writeSwap(words, dated);
      const history = ring === null ? 0 : (ring as WasmRing).address;
      const result = wasm.call('slot_swap', address, wasm.scratch, history);
      if (result === RESULT.bad_checksum) throw slotError();
      return result === RESULT.ok ? readSwapRevision(words) : 0;
    },
    slotRead(region, slot) {
      const result = wasm.call('slot_read', slotAddress(region, slot), wasm.side);
      if (result !== RESULT.ok) throw slotError();
      return readImage(wasm.view(wasm.side, IMAGE_SIZE));
    },
    slotSeed(region, slot, image) {
      return wasm.withBytes(
        imageBytes(image),
        (at) => wasm.call('slot_seed', slotAddress(region, slot), at) === RESULT.ok,
      );
    },
  };
}

function createSlots(wasm: WasmCore, count: number): WasmRegion {
  expectSlotCount(count);
  const size_bytes = count * SLOT_SIZE;
  const region = {
    address: wasm.allocate(size_bytes),
    bytes: new Uint8Array() as Uint8Array,
    words: new Uint32Array() as Uint32Array,
    slotCount: count,
  };
  const take = (): void => {
    region.bytes = wasm.view(region.address, size_bytes);
    region.words = new Uint32Array(wasm.core.memory.buffer, region.address, size_bytes / 4);
  };
  take();
  const forget = wasm.onMoved(take);
  return Object.assign(region, {
    close() {
      if (region.address === 0) return;
      forget();
      wasm.free(region.address, size_bytes);
      region.address = 0;
      region.bytes = new Uint8Array(size_bytes);
      region.words = new Uint32Array(region.bytes.buffer);
    },
  });
}

function createRing(wasm: WasmCore): WasmRing {
  let closed: Uint8Array | null = null;
  const ring = {
    address: wasm.allocate(HISTORY_SIZE),
    get length() {
      return ringLength(bytes());
    },
    entries: () => readRing(bytes()),
    close() {
      if (closed !== null) return;
      closed = bytes().slice();
      wasm.free(ring.address, HISTORY_SIZE);
      ring.address = 0;
    },
  };
  const bytes = (): Uint8Array => closed ?? wasm.view(ring.address, HISTORY_SIZE);
  return ring;
}

function createColumns(wasm: WasmCore, capacity: number): Columns {
  const size_bytes = capacity === capacity >>> 0 ? wasm.call('columns_size', capacity) >>> 0 : 0;
  if (size_bytes === 0) throw rangeError('capacity', capacity, 1, COLUMNS_CAPACITY_MAX);
  let address = wasm.allocate(size_bytes);
  wasm.call('columns_init', address, capacity);
  const open = (): number => {
    if (address === 0) throw closedError('columns');
    return address;
  };
  return {
    capacity,
    write(index, flags) {
      const columns = open();
      expectIndex('index', index, capacity);
      wasm.call('columns_write', columns, wasm.putSide(bytesOf(index, flags)), 1);
    },
    writeAll(first, flags) {
      const columns = open();
      expectIndexes(first, flags.length, capacity);
      const pairs = new Uint32Array(flags.length * 2);
      flags.forEach((value, i) => pairs.set([first + i, value], 2 * i));
      wasm.withBytes(new Uint8Array(pairs.buffer), (at) => wasm.call('columns_write', columns, at, flags.length));
    },
    remove(index) {
      const columns = open();
      expectIndex('index', index, capacity);
      wasm.call('columns_remove', columns, index);
    },
    count: (query) => wasm.call('columns_count', open(), wasm.putSide(bytesOf(query.on, query.off))) >>> 0,
    list(query, first, limit) {
      const columns = open();
      const out = new Uint32Array(Math.min(limit, capacity));
      return wasm.withBytes(new Uint8Array(out.buffer), (at) => {
        const request = wasm.putSide(bytesOf(query.on, query.off, first));
        const found = wasm.call('columns_list', columns, request, at, out.length) >>> 0;
        return new Uint32Array(wasm.core.memory.buffer, at, found).slice();
      });
    },
    close() {
      if (address !== 0) wasm.free(address, size_bytes);
      address = 0;
    },
  };
}

function frames(wasm: WasmCore): Pick<Backend, 'frameEncode' | 'frameDecode' | 'framesDecode'> {
  const decodeMany = (bytes: Uint8Array): DataView =>
    wasm.withBytes(bytes, (at) => {
      wasm.call('frames_decode', at, bytes.length, wasm.side);
      return viewOf(wasm.view(wasm.side, FRAMES_PER_CALL * FRAME_OUTCOME_SIZE));
    });
  return {
    frameEncode(frame) {
      const result = wasm.withBytes(frameBytes(frame), (at) => wasm.call('frame_encode', at, wasm.side));
      if (result !== RESULT.ok) throw frameError(result);
      return wasm.view(wasm.side, 14).slice();
    },
    frameDecode,
    framesDecode: (bytes) => decodeFrames(bytes, decodeMany),
  };
}

function headers(wasm: WasmCore): Pick<Backend, 'headerParse' | 'headersParse' | 'headerFormat'> {
  const encoder = new TextEncoder();
  return {
    headerParse(name, value) {
      const bytes = encoder.encode(value);
      const header = headerNumber(name);
      const result = wasm.withBytes(bytes, (at) => wasm.call('header_parse', at, bytes.length, header, wasm.side));
      if (result !== RESULT.ok) throw headerError(result, name, value);
      const out = wasm.view(wasm.side, HEADER_VALUE_SIZE);
      if (header !== DUMP_HEADER) return viewOf(out).getUint32(HEADER_VALUE_OFFSET.number, true);
      return out.slice(HEADER_VALUE_OFFSET.config, HEADER_VALUE_OFFSET.config + CONFIG_SIZE);
    },
    headersParse(values) {
      writeHeaderSet(headerSetOver(wasm.view(wasm.scratch, HEADER_SET_SIZE)), values);
      const result = wasm.call('headers_parse', wasm.scratch, wasm.side);
      return readHeaders(viewOf(wasm.view(wasm.side, HEADERS_PARSED_SIZE)), result, values);
    },
    headerFormat(name, config) {
      expectConfigLength(config);
      const header = headerNumber(name);
      wasm.withBytes(config, (at) => wasm.call('header_format', at, header, wasm.side, wasm.side + 64));
      const length = viewOf(wasm.view(wasm.side + 64, 4)).getUint32(0, true);
      return new TextDecoder().decode(wasm.view(wasm.side, length));
    },
  };
}

function bytesOf(...words: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(words).buffer);
}

function manyConfigsError(configs: Uint8Array) {
  return lengthError('list of configs', configs.length, Math.ceil(configs.length / CONFIG_SIZE) * CONFIG_SIZE);
}
