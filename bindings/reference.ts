/**
 * The core in plain TypeScript: what the specification says, written a second time, so that the other two have
 * something to be compared with. It is correct everywhere and fast nowhere that matters; no program falls back to
 * it by itself.
 * @module
 */
import {
  COLUMNS_CAPACITY_MAX,
  CONFIG_FIELD,
  CONFIG_OFFSET,
  CONFIG_SIZE,
  HISTORY_ENTRY_OFFSET,
  HISTORY_ENTRY_SIZE,
  HISTORY_LENGTH,
  HISTORY_OFFSET,
  HISTORY_SIZE,
  RECORD_OFFSET,
  RECORD_SIZE,
  RESULT,
  SLOT_OFFSET,
  SLOT_SIZE,
} from './abi.gen.ts';
import { isConfigError } from '../src/errors/errors.ts';
import type {
  Backend,
  Columns,
  FlagChange,
  FlagQuery,
  Frame,
  FrameFault,
  FrameOutcome,
  HeaderName,
} from './backend.ts';
import type { Region, Ring, SlotImage, SwapRequest } from './backend.ts';
import { configCheck } from './config-check.ts';
import {
  configOfWords,
  copyCell,
  fullRevision,
  REVISION_LOW_MASK,
  wordsOfConfig,
  WORDS_PER_SLOT,
} from './cell-words.ts';
import {
  closedError,
  DUMP_HEADER,
  expectConfigLength,
  expectFrameWidths,
  expectIndex,
  expectIndexes,
} from './faults.ts';
import { expectSlotCount, expectSwap, frameError, headerError, headerNumber } from './faults.ts';
import { lengthError, rangeError, recordError, slotError } from './faults.ts';
import { frameDecode, frameFault } from './frame.ts';
import { parseEach } from './header-set.ts';
import { FEATURE_COUNT, readRing, readU64, ringLength, viewOf, writeU64 } from './layout.ts';
import { murmur3, murmur3Rollout } from './murmur3.ts';

const MAGIC = [0x43, 0x31, 0x33, 0x01];
const ALL_ONES = 0xffff_ffff_ffff_ffffn;
/** CRC-64/NVME, reflected. */
const POLYNOMIAL = 0x9a6c_9329_ac4b_c9b5n;

export function openReference(): Backend {
  return {
    kind: 'reference',
    crc64Kernel: 'tables',
    crc64,
    crc64ByteTable: crc64,
    murmur3,
    configCheck,
    configsCheck,
    recordSeal,
    recordOpen,
    flagsApply,
    flagsCount,
    rolloutBucket: murmur3Rollout,
    ringCreate: createRing,
    columnsCreate: createColumns,
    slotsCreate: createSlots,
    slotSwap,
    slotRead,
    slotSeed,
    frameEncode,
    frameDecode,
    framesDecode,
    headerParse,
    headersParse: (values) => parseEach(headerParse, values),
    headerFormat,
  };
}

// Two 32-bit halves a table entry: bigints in the loop would be a hundred times slower.
const TABLE_LOW = new Uint32Array(256);
const TABLE_HIGH = new Uint32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let crc = BigInt(byte);
  for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ POLYNOMIAL : crc >> 1n;
  TABLE_LOW[byte] = Number(crc & 0xffff_ffffn);
  TABLE_HIGH[byte] = Number(crc >> 32n);
}

function crc64(bytes: Uint8Array): bigint {
  let low = 0xffff_ffff;
  let high = 0xffff_ffff;
  for (const byte of bytes) {
    const index = (low ^ byte) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ TABLE_LOW[index]!;
    high = (high >>> 8) ^ TABLE_HIGH[index]!;
  }
  return ((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)) ^ ALL_ONES;
}

function configsCheck(configs: Uint8Array): Uint32Array {
  expectManyConfigs(configs);
  return Uint32Array.from({ length: configs.length / CONFIG_SIZE }, (_, i) =>
    configCheck(configs.subarray(i * CONFIG_SIZE, (i + 1) * CONFIG_SIZE)),
  );
}

function recordSeal(config: Uint8Array): Uint8Array {
  expectConfigLength(config);
  const record = new Uint8Array(RECORD_SIZE);
  record.set(MAGIC);
  record.set(config, RECORD_OFFSET.config);
  const checksum = crc64(record.subarray(0, RECORD_OFFSET.checksum));
  viewOf(record).setBigUint64(RECORD_OFFSET.checksum, checksum, true);
  return record;
}

function recordOpen(record: Uint8Array): Uint8Array {
  const computed = (): bigint => crc64(record.subarray(0, RECORD_OFFSET.checksum));
  const fault = recordFault(record, computed);
  if (fault !== RESULT.ok) throw recordError(fault, record, computed);
  return record.slice(RECORD_OFFSET.config, RECORD_OFFSET.config + CONFIG_SIZE);
}

function recordFault(record: Uint8Array, computed: () => bigint): number {
  if (record.length !== RECORD_SIZE) return RESULT.bad_length;
  if (MAGIC.some((byte, i) => record[i] !== byte)) return RESULT.bad_magic;
  if (viewOf(record).getBigUint64(RECORD_OFFSET.checksum, true) !== computed()) return RESULT.bad_checksum;
  const zeros = record.subarray(RECORD_OFFSET.zeros, RECORD_OFFSET.checksum);
  return zeros.some((byte) => byte !== 0) ? RESULT.bad_reserved : RESULT.ok;
}

function flagsApply(configs: Uint8Array, change: FlagChange): number {
  let changed = 0;
  forEachFlags(configs, (flags, view, offset) => {
    const after = (((flags | change.set) & ~change.clear) ^ change.toggle) >>> 0;
    view.setUint32(offset, after, true);
    if (after !== flags) changed++;
  });
  return changed;
}

function flagsCount(configs: Uint8Array, query: FlagQuery): number {
  let count = 0;
  forEachFlags(configs, (flags) => {
    if (matches(flags, query)) count++;
  });
  return count;
}

function forEachFlags(configs: Uint8Array, visit: (flags: number, view: DataView, offset: number) => void): void {
  expectManyConfigs(configs);
  const view = viewOf(configs);
  for (let at = 0; at < configs.length; at += CONFIG_SIZE) {
    const offset = at + CONFIG_OFFSET.feature_flags;
    visit(view.getUint32(offset, true), view, offset);
  }
}

function expectManyConfigs(configs: Uint8Array): void {
  if (configs.length % CONFIG_SIZE === 0) return;
  throw lengthError('list of configs', configs.length, Math.ceil(configs.length / CONFIG_SIZE) * CONFIG_SIZE);
}

function matches(flags: number, query: FlagQuery): boolean {
  return (flags & query.on) >>> 0 === query.on >>> 0 && (flags & query.off) === 0;
}

interface ReferenceRing extends Ring {
  /** 0 once closed, as in the cores whose rings have one. */
  address: number;
  push(entry: Uint8Array): void;
}

function createRing(): ReferenceRing {
  const bytes = new Uint8Array(HISTORY_SIZE);
  const view = viewOf(bytes);
  const ring = {
    address: 1,
    get length() {
      return ringLength(bytes);
    },
    entries: () => readRing(bytes),
    push(entry: Uint8Array) {
      const pushed = readU64(view, HISTORY_OFFSET.pushed);
      bytes.set(entry, HISTORY_OFFSET.entries + (pushed % HISTORY_LENGTH) * HISTORY_ENTRY_SIZE);
      writeU64(view, HISTORY_OFFSET.pushed, pushed + 1);
    },
    close() {
      ring.address = 0;
    },
  };
  return ring;
}

function createColumns(capacity: number): Columns {
  if (!Number.isInteger(capacity) || capacity < 1 || capacity > COLUMNS_CAPACITY_MAX) {
    throw rangeError('capacity', capacity, 1, COLUMNS_CAPACITY_MAX);
  }
  let rows: (number | undefined)[] | null = Array.from({ length: capacity });
  const open = (): (number | undefined)[] => {
    if (rows === null) throw closedError('columns');
    return rows;
  };
  const put = (index: number, flags: number | undefined): void => {
    const all = open();
    expectIndex('index', index, capacity);
    all[index] = flags;
  };
  const matching = (query: FlagQuery): number[] =>
    open().flatMap((flags, i) => (flags !== undefined && matches(flags, query) ? [i] : []));
  return {
    capacity,
    write: (index, flags) => put(index, flags >>> 0),
    writeAll(first, flags) {
      open();
      expectIndexes(first, flags.length, capacity);
      flags.forEach((value, i) => put(first + i, value));
    },
    remove: (index) => put(index, undefined),
    count: (query) => matching(query).length,
    list: (query, first, limit) =>
      Uint32Array.from(
        matching(query)
          .filter((i) => i >= first)
          .slice(0, limit),
      ),
    close() {
      rows = null;
    },
  };
}

function createSlots(count: number): Region {
  expectSlotCount(count);
  const bytes = new Uint8Array(count * SLOT_SIZE);
  const region = {
    bytes,
    words: new Uint32Array(bytes.buffer),
    slotCount: count,
    open: true,
    close() {
      if (!region.open) return;
      region.open = false;
      region.bytes = new Uint8Array(count * SLOT_SIZE);
      region.words = new Uint32Array(region.bytes.buffer);
    },
  };
  return region;
}

function expectOpen(region: Region): void {
  if (!(region as Region & { open: boolean }).open) throw closedError('region');
}

function slotSwap(region: Region, slot: number, request: SwapRequest, ring: Ring | null): number {
  expectOpen(region);
  expectSwap(region, slot, request, ring);
  const { words } = region;
  const at = slot * WORDS_PER_SLOT;
  const { expected, desired } = request;
  for (let i = 0; i < 4; i++) if (words[at + i] !== expected[i]) return 0;
  const before = configOfWords(expected);
  if (request.isPrivate !== true) expectSealed(region, slot, before);
  const after = configOfWords(desired);
  const revision = fullRevision(words, slot, expected[0]!) + 1;
  putCell(words, at, after, revision);
  const slotBytes = region.bytes.subarray(slot * SLOT_SIZE, (slot + 1) * SLOT_SIZE);
  const rolloutsChanged = request.rollouts === null ? 0 : storeRollouts(slotBytes, request.rollouts, revision);
  const date = request.at || Date.now();
  writeU64(viewOf(slotBytes), SLOT_OFFSET.modified_at_ms, date);
  storeSeal(slotBytes, revision, after);
  words[at + SLOT_OFFSET.notify / 4]!++;
  if (ring !== null) {
    const changed = changedBits(before, after) | (rolloutsChanged === 0 ? 0 : 1 << CONFIG_FIELD.rollouts);
    (ring as ReferenceRing).push(
      ringEntry({
        revision,
        at: date,
        before,
        after,
        kind: request.kind,
        changed,
        rolloutsChanged,
        readNs: request.readNs,
      }),
    );
  }
  return revision;
}

function slotRead(region: Region, slot: number): SlotImage {
  expectOpen(region);
  expectIndex('slot', slot, region.slotCount);
  const cell = new Uint32Array(4);
  copyCell(region.words, slot, cell);
  const slotBytes = region.bytes.slice(slot * SLOT_SIZE, (slot + 1) * SLOT_SIZE);
  const view = viewOf(slotBytes);
  const isEmpty = cell.every((word) => word === 0);
  const revision = isEmpty ? 0 : fullRevision(region.words, slot, cell[0]!);
  const config = configOfWords(cell);
  expectSealed(region, slot, config);
  const behind = ((revision >>> 0) - view.getUint32(SLOT_OFFSET.rollouts_revision, true)) >>> 0;
  const rollouts = Uint16Array.from({ length: FEATURE_COUNT }, (_, i) =>
    view.getUint16(SLOT_OFFSET.rollouts + 2 * i, true),
  );
  const rolloutsRevision = behind > 0x7fff_ffff ? revision + (0x1_0000_0000 - behind) : Math.max(0, revision - behind);
  return { revision, config, modifiedAt: readU64(view, SLOT_OFFSET.modified_at_ms), rolloutsRevision, rollouts };
}

/** Throws when the seal was made for the revision in the cell and another config. */
function expectSealed(region: Region, slot: number, config: Uint8Array): void {
  const at = slot * WORDS_PER_SLOT;
  if (region.words.subarray(at, at + 4).every((word) => word === 0)) return;
  const view = viewOf(region.bytes.subarray(slot * SLOT_SIZE, (slot + 1) * SLOT_SIZE));
  const sealed = readU64(view, SLOT_OFFSET.seal);
  if (sealed === 0 || sealed !== fullRevision(region.words, slot, region.words[at]!)) return;
  if (view.getBigUint64(SLOT_OFFSET.seal + 8, true) !== crc64(config)) throw slotError();
}

function slotSeed(region: Region, slot: number, image: SlotImage): boolean {
  expectOpen(region);
  expectIndex('slot', slot, region.slotCount);
  if (image.revision === 0) return false;
  const at = slot * WORDS_PER_SLOT;
  const isEmpty = region.words.subarray(at, at + 4).every((word) => word === 0);
  const behind = image.revision - fullRevision(region.words, slot, region.words[at]!);
  if (!isEmpty && (behind <= 0 || behind > REVISION_LOW_MASK >> 1)) return false;
  const slotBytes = region.bytes.subarray(slot * SLOT_SIZE, (slot + 1) * SLOT_SIZE);
  storeRollouts(slotBytes, image.rollouts, image.rolloutsRevision);
  writeU64(viewOf(slotBytes), SLOT_OFFSET.modified_at_ms, image.modifiedAt);
  if (isEmpty) writeU64(viewOf(slotBytes), SLOT_OFFSET.seal, 0);
  storeSeal(slotBytes, image.revision, image.config);
  putCell(region.words, at, image.config, image.revision);
  region.words[at + SLOT_OFFSET.notify / 4]!++;
  return true;
}

function putCell(words: Uint32Array, at: number, config: Uint8Array, revision: number): void {
  const cell = wordsOfConfig(config);
  cell[0] = cell[0]! | (revision % (REVISION_LOW_MASK + 1));
  words.set(cell, at);
}

function storeRollouts(slotBytes: Uint8Array, rollouts: Uint16Array, revision: number): number {
  const view = viewOf(slotBytes);
  let changed = 0;
  view.setUint32(SLOT_OFFSET.rollouts_revision, revision >>> 0, true);
  rollouts.forEach((value, i) => {
    if (view.getUint16(SLOT_OFFSET.rollouts + 2 * i, true) !== value) changed |= 1 << i;
    view.setUint16(SLOT_OFFSET.rollouts + 2 * i, value, true);
  });
  return changed >>> 0;
}

function storeSeal(slotBytes: Uint8Array, revision: number, config: Uint8Array): void {
  const view = viewOf(slotBytes);
  if (readU64(view, SLOT_OFFSET.seal) >= revision) return;
  writeU64(view, SLOT_OFFSET.seal, revision);
  view.setBigUint64(SLOT_OFFSET.seal + 8, crc64(config), true);
}

const FIELD_RANGES = {
  version: [0, 1],
  registry_hash: [1, 5],
  feature_flags: [5, 9],
  terminal_mode: [9, 10],
  rows: [10, 11],
  cols: [11, 12],
} as const;

function changedBits(before: Uint8Array, after: Uint8Array): number {
  let bits = 0;
  for (const [field, [from, to]] of Object.entries(FIELD_RANGES)) {
    const differs = before.subarray(from, to).some((byte, i) => byte !== after[from + i]);
    if (differs) bits |= 1 << CONFIG_FIELD[field as keyof typeof CONFIG_FIELD];
  }
  return bits;
}

function ringEntry(entry: {
  revision: number;
  at: number;
  before: Uint8Array;
  after: Uint8Array;
  kind: number;
  changed: number;
  rolloutsChanged: number;
  readNs: number | null;
}): Uint8Array {
  const bytes = new Uint8Array(HISTORY_ENTRY_SIZE);
  const view = viewOf(bytes);
  writeU64(view, HISTORY_ENTRY_OFFSET.revision, entry.revision);
  writeU64(view, HISTORY_ENTRY_OFFSET.at_ms, entry.at);
  bytes.set(entry.before, HISTORY_ENTRY_OFFSET.before);
  bytes.set(entry.after, HISTORY_ENTRY_OFFSET.after);
  bytes[HISTORY_ENTRY_OFFSET.kind] = entry.kind;
  bytes[HISTORY_ENTRY_OFFSET.changed] = entry.changed;
  view.setUint32(HISTORY_ENTRY_OFFSET.read_ns, entry.readNs ?? 0, true);
  view.setUint32(HISTORY_ENTRY_OFFSET.rollouts_changed, entry.rolloutsChanged, true);
  return bytes;
}

function frameEncode(frame: Frame): Uint8Array {
  expectFrameWidths(frame);
  const low = Number(frame.value & 0xffff_ffffn);
  const fault = frameFault(frame.type, frame.offset, low, Number(frame.value >> 32n));
  if (fault !== RESULT.ok) throw frameError(fault);
  const bytes = new Uint8Array(14);
  const view = viewOf(bytes);
  bytes[0] = frame.type;
  view.setUint32(1, frame.offset, true);
  view.setBigUint64(5, frame.value, true);
  bytes[13] = bytes.subarray(0, 13).reduce((xor, byte) => xor ^ byte, 0);
  return bytes;
}

function framesDecode(bytes: Uint8Array): FrameOutcome[] {
  return Array.from({ length: Math.ceil(bytes.length / 14) }, (_, i) => {
    try {
      return frameDecode(bytes.subarray(14 * i, 14 * (i + 1)));
    } catch (error) {
      if (!isConfigError(error) || error.code !== 'ERR_FRAME') throw error;
      return { fault: error.details.fault as FrameFault };
    }
  });
}

const HEADER_FIELDS: Record<number, { pattern: RegExp; min: number; max: number; read(config: DataView): number }> = {
  0: { pattern: /^(0|[1-9]\d{0,2})$/, min: 0, max: 1, read: (config) => config.getUint8(0) },
  1: { pattern: /^0x[0-9a-f]{8}$/, min: 0, max: 0xffff_ffff, read: (config) => config.getUint32(1, true) },
  2: { pattern: /^0x[0-9a-f]{8}$/, min: 0, max: 0xffff_ffff, read: (config) => config.getUint32(5, true) },
  3: { pattern: /^(0|[1-9]\d{0,2})$/, min: 0, max: 3, read: (config) => config.getUint8(9) },
  4: { pattern: /^(0|[1-9]\d{0,2})$/, min: 1, max: 255, read: (config) => config.getUint8(10) },
  5: { pattern: /^(0|[1-9]\d{0,2})$/, min: 1, max: 255, read: (config) => config.getUint8(11) },
};

function headerParse(name: HeaderName, value: string): number | Uint8Array {
  const header = headerNumber(name);
  if (header === DUMP_HEADER) return parseDump(name, value);
  const { pattern, min, max } = HEADER_FIELDS[header]!;
  if (!pattern.test(value)) throw headerError(RESULT.bad_format, name, value);
  const number = Number(value);
  if (number < min || number > max) throw headerError(RESULT.out_of_bounds, name, value);
  return number;
}

function parseDump(name: HeaderName, value: string): Uint8Array {
  if (!/^[0-9a-f]{64}$/.test(value) || value.length !== 64) throw headerError(RESULT.bad_format, name, value);
  const record = Uint8Array.from(value.match(/../g)!, (digits) => Number.parseInt(digits, 16));
  const fault = recordFault(record, () => crc64(record.subarray(0, RECORD_OFFSET.checksum)));
  if (fault !== RESULT.ok) throw headerError(fault, name, value);
  const config = record.slice(RECORD_OFFSET.config, RECORD_OFFSET.config + CONFIG_SIZE);
  if (configCheck(config) !== 0) throw headerError(RESULT.out_of_bounds, name, value);
  return config;
}

function headerFormat(name: HeaderName, config: Uint8Array): string {
  expectConfigLength(config);
  const header = headerNumber(name);
  if (header === DUMP_HEADER) return hex(recordSeal(config));
  const field = HEADER_FIELDS[header]!;
  const number = field.read(viewOf(config));
  return field.pattern.source.includes('0x') ? `0x${number.toString(16).padStart(8, '0')}` : String(number);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
