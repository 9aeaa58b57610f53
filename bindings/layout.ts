/**
 * Reads and writes the structures that cross the border, by the generated offsets. Shared by the three
 * implementations, so that an image or a ring entry has one decoder.
 * @module
 */
import type { Frame, RingEntry, SlotImage, SwapRequest } from './backend.ts';
import { expectFrameWidths } from './faults.ts';
import {
  CONFIG_SIZE,
  FRAME_OFFSET,
  FRAME_SIZE,
  HISTORY_ENTRY_OFFSET,
  HISTORY_ENTRY_SIZE,
  HISTORY_LENGTH,
  HISTORY_OFFSET,
  IMAGE_OFFSET,
  IMAGE_SIZE,
  SWAP_OFFSET,
} from './abi.gen.ts';

export const FEATURE_COUNT = 32;
const TWO_TO_32 = 0x1_0000_0000;

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Revisions and milliseconds stay far below 2^53. */
export function readU64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * TWO_TO_32 + view.getUint32(offset, true);
}

export function writeU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value >>> 0, true);
  view.setUint32(offset + 4, Math.floor(value / TWO_TO_32), true);
}

/**
 * Writes a swap request: the hot way of a write, so what is rare stands in a function of its own. `| 0` spares the
 * engine the question whether a word is above 2^31, which makes it give up its compiled code.
 */
export function writeSwap(words: Uint32Array, request: SwapRequest): void {
  const { expected, desired } = request;
  words[0] = expected[0]! | 0;
  words[1] = expected[1]! | 0;
  words[2] = expected[2]! | 0;
  words[3] = expected[3]! | 0;
  words[4] = desired[0]! | 0;
  words[5] = desired[1]! | 0;
  words[6] = desired[2]! | 0;
  words[7] = desired[3]! | 0;
  words[SWAP_OFFSET.kind / 4] =
    request.kind |
    (request.rollouts === null ? 0 : 1 << 8) |
    (request.timed ? 1 << 16 : 0) |
    (request.isPrivate === true ? 1 << 24 : 0);
  words[SWAP_OFFSET.read_ns / 4] = request.readNs === null ? 0 : request.readNs;
  words[SWAP_OFFSET.at_ms / 4] = 0;
  words[SWAP_OFFSET.at_ms / 4 + 1] = 0;
  if (request.at !== null) writeSwapTime(words, request.at);
  if (request.rollouts !== null) writeSwapRollouts(words, request.rollouts);
}

function writeSwapTime(words: Uint32Array, at: number): void {
  words[SWAP_OFFSET.at_ms / 4] = at;
  words[SWAP_OFFSET.at_ms / 4 + 1] = Math.floor(at / TWO_TO_32);
}

function writeSwapRollouts(words: Uint32Array, rollouts: Uint16Array): void {
  for (let i = 0; i < FEATURE_COUNT / 2; i++) {
    words[SWAP_OFFSET.rollouts / 4 + i] = rollouts[2 * i]! | (rollouts[2 * i + 1]! << 16);
  }
}

/** The revision that a successful swap took. */
export function readSwapRevision(words: Uint32Array): number {
  return words[SWAP_OFFSET.revision / 4 + 1]! * TWO_TO_32 + words[SWAP_OFFSET.revision / 4]!;
}

export function readImage(bytes: Uint8Array): SlotImage {
  const view = viewOf(bytes);
  const rollouts = new Uint16Array(FEATURE_COUNT);
  for (let i = 0; i < FEATURE_COUNT; i++) rollouts[i] = view.getUint16(IMAGE_OFFSET.rollouts + 2 * i, true);
  return {
    revision: readU64(view, IMAGE_OFFSET.revision),
    config: bytes.slice(IMAGE_OFFSET.config, IMAGE_OFFSET.config + CONFIG_SIZE),
    modifiedAt: readU64(view, IMAGE_OFFSET.modified_at_ms),
    rolloutsRevision: readU64(view, IMAGE_OFFSET.rollouts_revision),
    rollouts,
  };
}

export function imageBytes(image: SlotImage): Uint8Array {
  const bytes = new Uint8Array(IMAGE_SIZE);
  const view = viewOf(bytes);
  writeU64(view, IMAGE_OFFSET.revision, image.revision);
  writeU64(view, IMAGE_OFFSET.modified_at_ms, image.modifiedAt);
  writeU64(view, IMAGE_OFFSET.rollouts_revision, image.rolloutsRevision);
  for (let i = 0; i < FEATURE_COUNT; i++) view.setUint16(IMAGE_OFFSET.rollouts + 2 * i, image.rollouts[i]!, true);
  bytes.set(image.config, IMAGE_OFFSET.config);
  return bytes;
}

export function ringLength(history: Uint8Array): number {
  return Math.min(readU64(viewOf(history), HISTORY_OFFSET.pushed), HISTORY_LENGTH);
}

/** Oldest first. */
export function readRing(history: Uint8Array): RingEntry[] {
  const pushed = readU64(viewOf(history), HISTORY_OFFSET.pushed);
  const length = Math.min(pushed, HISTORY_LENGTH);
  return Array.from({ length }, (_, i) => {
    const at = HISTORY_OFFSET.entries + ((pushed - length + i) % HISTORY_LENGTH) * HISTORY_ENTRY_SIZE;
    return readRingEntry(history.slice(at, at + HISTORY_ENTRY_SIZE));
  });
}

function readRingEntry(bytes: Uint8Array): RingEntry {
  const view = viewOf(bytes);
  const { before, after } = HISTORY_ENTRY_OFFSET;
  return {
    revision: readU64(view, HISTORY_ENTRY_OFFSET.revision),
    at: readU64(view, HISTORY_ENTRY_OFFSET.at_ms),
    before: bytes.slice(before, before + CONFIG_SIZE),
    after: bytes.slice(after, after + CONFIG_SIZE),
    kind: bytes[HISTORY_ENTRY_OFFSET.kind]!,
    changed: bytes[HISTORY_ENTRY_OFFSET.changed]!,
    rolloutsChanged: view.getUint32(HISTORY_ENTRY_OFFSET.rollouts_changed, true),
    readNs: view.getUint32(HISTORY_ENTRY_OFFSET.read_ns, true) || null,
    writeNs: view.getUint32(HISTORY_ENTRY_OFFSET.write_ns, true) || null,
  };
}

/** Throws ERR_FRAME when a number does not fit its bytes. */
export function frameBytes(frame: Frame): Uint8Array {
  expectFrameWidths(frame);
  const bytes = new Uint8Array(FRAME_SIZE);
  const view = viewOf(bytes);
  view.setBigUint64(FRAME_OFFSET.value, frame.value, true);
  view.setUint32(FRAME_OFFSET.offset, frame.offset, true);
  bytes[FRAME_OFFSET.frame_type] = frame.type;
  return bytes;
}

export function readFrame(view: DataView, at: number): Frame {
  return {
    type: view.getUint8(at + FRAME_OFFSET.frame_type),
    offset: view.getUint32(at + FRAME_OFFSET.offset, true),
    value: view.getBigUint64(at + FRAME_OFFSET.value, true),
  };
}
