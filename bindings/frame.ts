/**
 * Frames on this side of the border. One frame is judged here, in every core: fourteen bytes are read sooner than
 * asked about. Many at once are the core's work, and the suites hold both to the same answers.
 * @module
 */
import { FRAME_OUTCOME_OFFSET, FRAME_OUTCOME_SIZE, FRAME_TYPE, RESULT } from './abi.gen.ts';
import type { Frame, FrameOutcome } from './backend.ts';
import { frameError, frameFaultName } from './faults.ts';
import { readFrame } from './layout.ts';

const FRAME_LENGTH = 14;
/** What one call of a core decodes; its outcomes fit the scratch of the WebAssembly core. */
export const FRAMES_PER_CALL = 64;

/** Where two halves become one bigint: a view of the frame itself would have to be made each time. */
const value = new DataView(new ArrayBuffer(8));

/** Throws ERR_FRAME. */
export function frameDecode(bytes: Uint8Array): Frame {
  if (bytes.length !== FRAME_LENGTH) throw frameError(RESULT.bad_length);
  const type = bytes[0]!;
  // Signed, as the bits come: asking each for its sign costs more than the checksum.
  const offset = bytes[1]! | (bytes[2]! << 8) | (bytes[3]! << 16) | (bytes[4]! << 24);
  const low = bytes[5]! | (bytes[6]! << 8) | (bytes[7]! << 16) | (bytes[8]! << 24);
  const high = bytes[9]! | (bytes[10]! << 8) | (bytes[11]! << 16) | (bytes[12]! << 24);
  let xor = offset ^ low ^ high;
  xor ^= xor >>> 16;
  xor ^= xor >>> 8;
  if (((xor ^ type ^ bytes[13]!) & 0xff) !== 0) throw frameError(RESULT.bad_checksum);
  const fault = frameFault(type, offset, low, high);
  if (fault !== RESULT.ok) throw frameError(fault);
  value.setInt32(0, low, true);
  value.setInt32(4, high, true);
  return { type, offset, value: value.getBigUint64(0, true) };
}

/** RESULT of a frame whose value is `high` and `low`, 32 bits each; no offset of a whole frame has its sign bit set. */
export function frameFault(type: number, offset: number, low: number, high: number): number {
  if (type === FRAME_TYPE.config_update) return fieldFault(offset, low, high);
  if (type === FRAME_TYPE.feature_toggle) {
    if (offset !== 9) return RESULT.bad_frame_offset;
    return high >>> 1 === 0 ? RESULT.ok : RESULT.bad_frame_value;
  }
  if (type === FRAME_TYPE.terminal_resize) {
    if (offset !== 14) return RESULT.bad_frame_offset;
    const fits = high === 0 && low >>> 16 === 0 && low >>> 8 !== 0 && (low & 0xff) !== 0;
    return fits ? RESULT.ok : RESULT.bad_frame_value;
  }
  if (type < 1 || type > 7) return RESULT.bad_frame_type;
  return offset === 0 ? RESULT.ok : RESULT.bad_frame_offset;
}

/** By the offset of a field in the record. */
function fieldFault(offset: number, low: number, high: number): number {
  switch (offset) {
    case 4:
      return high === 0 && low >>> 1 === 0 ? RESULT.ok : RESULT.bad_frame_value;
    case 5:
    case 9:
      return high === 0 ? RESULT.ok : RESULT.bad_frame_value;
    case 13:
      return high === 0 && low >>> 2 === 0 ? RESULT.ok : RESULT.bad_frame_value;
    case 14:
    case 15:
      return high === 0 && low >>> 8 === 0 && low !== 0 ? RESULT.ok : RESULT.bad_frame_value;
    default:
      return RESULT.bad_frame_offset;
  }
}

/**
 * The outcomes of frames that lie one after another. `decode` asks a core about at most FRAMES_PER_CALL whole ones and
 * gives a view of what it wrote; what is left over at the end is a fault of its own.
 */
export function decodeFrames(bytes: Uint8Array, decode: (frames: Uint8Array) => DataView): FrameOutcome[] {
  const whole = Math.floor(bytes.length / FRAME_LENGTH);
  const outcomes: FrameOutcome[] = [];
  for (let first = 0; first < whole; first += FRAMES_PER_CALL) {
    const count = Math.min(FRAMES_PER_CALL, whole - first);
    const view = decode(bytes.subarray(first * FRAME_LENGTH, (first + count) * FRAME_LENGTH));
    for (let i = 0; i < count; i++) outcomes[first + i] = readOutcome(view, i * FRAME_OUTCOME_SIZE);
  }
  if (whole * FRAME_LENGTH < bytes.length) outcomes[whole] = { fault: frameFaultName(RESULT.bad_length) };
  return outcomes;
}

function readOutcome(view: DataView, at: number): FrameOutcome {
  const result = view.getInt32(at + FRAME_OUTCOME_OFFSET.result, true);
  if (result !== RESULT.ok) return { fault: frameFaultName(result) };
  return readFrame(view, at + FRAME_OUTCOME_OFFSET.frame);
}
