/**
 * What the core offers to TypeScript: one interface, implemented by the native library (`native.ts`), by
 * WebAssembly (`wasm.ts`) and by plain TypeScript (`reference.ts`). One contract suite holds the three
 * together. Bytes, numbers and bigints cross it; pointers never leave this folder.
 * @module
 */
import type { ConfigError } from '../src/errors/errors.ts';

export type BackendKind = 'native' | 'wasm' | 'reference';

/** Set, clear and toggle, in this order, in the 32 features of a config. Unsigned 32-bit masks. */
export interface FlagChange {
  readonly set: number;
  readonly clear: number;
  readonly toggle: number;
}

/** A question over many configs: every bit of `on` is set and every bit of `off` is not. */
export interface FlagQuery {
  readonly on: number;
  readonly off: number;
}

/** One 14-byte frame of the WebSocket subprotocol, without its checksum. */
export interface Frame {
  /** 1 config update, 2 feature toggle, 3 package published, 4 resize, 5 heartbeat, 6 broadcast, 7 error. */
  readonly type: number;
  /** Byte offset in the 32-byte record, u32. */
  readonly offset: number;
  /** u64. */
  readonly value: bigint;
}

/** What stands where a frame was expected: the frame, or what keeps it from being one. */
export type FrameOutcome = Frame | { readonly fault: FrameFault };
export type FrameFault = 'length' | 'type' | 'offset' | 'value' | 'checksum';

/** The headers that carry a config, in the order of `HEADER` in abi.gen.ts. */
export type HeaderName =
  | 'x-bun-config-version'
  | 'x-bun-registry-hash'
  | 'x-bun-feature-flags'
  | 'x-bun-terminal-mode'
  | 'x-bun-terminal-rows'
  | 'x-bun-terminal-cols'
  | 'x-bun-config-dump';

/** The values of headers that came together, in the order of `HEADER` in abi.gen.ts; undefined: it did not come. */
export type HeaderValues = readonly (string | undefined)[];

/** What headers that came together say. */
export interface ParsedHeaders {
  /** Bit i: field number i of CONFIG_FIELD is said by a valid header; a valid dump says all. */
  readonly said: number;
  /** The six fields in the order of CONFIG_FIELD, by the dump where it is valid; 0 where nothing is said. */
  readonly fields: readonly number[];
  /** Each an ERR_HEADER naming its header, in the order of the headers. */
  readonly errors: readonly ConfigError<'ERR_HEADER'>[];
}

/**
 * Memory of fixed place in which slots of 128 bytes lie one after another. `words` may be replaced by another
 * view of the same bytes (when WebAssembly memory grows, or on close): read it through the region each time.
 * After `close` the views are private zeros, never freed memory.
 */
export interface Region {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  readonly slotCount: number;
  close(): void;
}

/**
 * What a writer saw and what it wants. Cells are four 32-bit words: the low 24 bits of the first are the revision, the
 * other 13 bytes the config. Everything is copied; nothing is kept.
 */
export interface SwapRequest {
  /** The cell as the writer saw it. */
  readonly expected: Uint32Array;
  /** The cell as it is to be; its revision bits are ignored. */
  readonly desired: Uint32Array;
  /** 32 rollouts in basis points, when the change touches rollouts: on a board they are written under its lock. */
  readonly rollouts: Uint16Array | null;
  /** The rollouts as the writer saw them: on a board others lose the race. Left out: whatever they are. */
  readonly seenRollouts?: Uint16Array;
  /** Milliseconds since 1970; null or 0: the core's coarse clock. */
  readonly at: number | null;
  /** CHANGE_KIND of abi.gen.ts, kept in the ring: 0-255. */
  readonly kind: number;
  /** Nanoseconds the reading before this write took, where measured. */
  readonly readNs: number | null;
  /** Measure the write too, for the ring. */
  readonly timed: boolean;
  /**
   * Only this thread can reach the slot: spares the locked instructions, a third of the cost, and the look at its
   * seal. Left out: others may.
   */
  readonly isPrivate?: boolean;
}

/** A slot read whole: the config, its full revision, when it changed, and its rollouts. */
export interface SlotImage {
  readonly revision: number;
  /** 13 bytes. */
  readonly config: Uint8Array;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
  /** The revision that wrote the rollouts. */
  readonly rolloutsRevision: number;
  /** 32 basis points. */
  readonly rollouts: Uint16Array;
}

/** One remembered change. */
export interface RingEntry {
  readonly revision: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** 13 bytes each. */
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  /** CHANGE_KIND of abi.gen.ts. */
  readonly kind: number;
  /** Bit i: the field with number i in CONFIG_FIELD changed. */
  readonly changed: number;
  /** Bit i: the rollout of feature i changed. */
  readonly rolloutsChanged: number;
  /** Nanoseconds, null where not measured. */
  readonly readNs: number | null;
  readonly writeNs: number | null;
}

/** The last 100 changes of one config, in 8 KB of fixed memory. */
export interface Ring {
  readonly length: number;
  /** Oldest first; still there when the ring is closed. */
  entries(): RingEntry[];
  /** A swap that is handed a closed ring throws ERR_CLOSED and changes nothing. */
  close(): void;
}

/** 32 bitmaps over many configs, kept up to date by `write`: counting reads bits, not configs. */
export interface Columns {
  readonly capacity: number;
  /** Tells the columns what config number `index` has on now. Throws ERR_OUT_OF_RANGE. */
  write(index: number, flags: number): void;
  /** The same for configs `first`, `first + 1`, ...: one crossing of the border for all; all are written or none. */
  writeAll(first: number, flags: Uint32Array): void;
  /** Config number `index` no longer exists. */
  remove(index: number): void;
  count(query: FlagQuery): number;
  /** At most `limit` config numbers from `first`, ascending. */
  list(query: FlagQuery, first: number, limit: number): Uint32Array;
  close(): void;
}

export interface Backend {
  readonly kind: BackendKind;

  /** What computes CRC-64 here: `pclmul`, `vpclmul`, `pmull`, `tables`. */
  readonly crc64Kernel: string;
  /** CRC-64/NVME. `crc64(utf8('123456789'))` is `0xae8b14860a799888n`. */
  crc64(bytes: Uint8Array): bigint;
  /** The same, one byte a step through one table: what `crc64` is measured against. */
  crc64ByteTable(bytes: Uint8Array): bigint;
  /** MurmurHash3 x86_32, unsigned. */
  murmur3(bytes: Uint8Array, seed: number): number;

  /** CONFIG_FAULT bits of the 13 bytes; 0 means valid. Throws ERR_CONFIG_LENGTH for another length. */
  configCheck(config: Uint8Array): number;
  /** The same of n configs lying one after another, in one crossing of the border. Throws ERR_CONFIG_LENGTH. */
  configsCheck(configs: Uint8Array): Uint32Array;
  /** The 32-byte record of 13 bytes. */
  recordSeal(config: Uint8Array): Uint8Array;
  /** The 13 bytes of a record. Throws ERR_CONFIG_LENGTH, ERR_RECORD_MAGIC, ERR_RECORD_RESERVED, ERR_RECORD_CHECKSUM. */
  recordOpen(record: Uint8Array): Uint8Array;

  /** Applies one change to n configs lying one after another, in place; returns how many became different. */
  flagsApply(configs: Uint8Array, change: FlagChange): number;
  /** How many of n configs lying one after another match: the row scan that columns are measured against. */
  flagsCount(configs: Uint8Array, query: FlagQuery): number;

  /** 0-9999, from feature name and key. Raising a rollout never removes anybody. */
  rolloutBucket(feature: string, key: string): number;

  ringCreate(): Ring;
  columnsCreate(capacity: number): Columns;

  /** Private slots, all with revision 0 and zero bytes. Throws ERR_OUT_OF_RANGE, ERR_OUT_OF_MEMORY. */
  slotsCreate(count: number): Region;
  /**
   * Compares the cell with what the writer saw and, if equal, writes config and next revision at once, then the
   * rest of the slot, then the ring. Returns the revision taken, or 0 when another writer was faster (nothing changed).
   * Throws ERR_CLOSED, ERR_OUT_OF_RANGE, ERR_RECORD_CHECKSUM when the slot was damaged (nothing changed), and ERR_BOARD
   * on a board that was mapped for reading only, or whose lock another process keeps from a writer of rollouts.
   */
  slotSwap(region: Region, slot: number, request: SwapRequest, ring: Ring | null): number;
  /** Throws ERR_RECORD_CHECKSUM when the slot was damaged. */
  slotRead(region: Region, slot: number): SlotImage;
  /**
   * Gives a slot a state that the journal has and it lacks: an empty slot its first, one that was left behind the
   * newest. False, and nothing written, when the slot is as new (or the state 2^23 changes newer). On a board it takes
   * the lock: throws ERR_BOARD when another process keeps it.
   */
  slotSeed(region: Region, slot: number, image: SlotImage): boolean;

  /** 14 bytes. Throws ERR_FRAME naming the fault: type, offset or value. */
  frameEncode(frame: Frame): Uint8Array;
  /** Throws ERR_FRAME naming the fault: length, type, offset, value or checksum. */
  frameDecode(bytes: Uint8Array): Frame;
  /**
   * Frames lying one after another, each judged by itself: a bad one costs its neighbours nothing. Bytes left over at
   * the end are one more outcome, of fault `length`.
   */
  framesDecode(bytes: Uint8Array): FrameOutcome[];

  /** The value of one header; the dump yields 13 bytes. Throws ERR_HEADER naming the fault. */
  headerParse(name: HeaderName, value: string): number | Uint8Array;
  /**
   * All headers that came together in one crossing of the border: each judged as by `headerParse`, and those that say
   * anything else than the dump. Throws nothing.
   */
  headersParse(values: HeaderValues): ParsedHeaders;
  headerFormat(name: HeaderName, config: Uint8Array): string;
}
