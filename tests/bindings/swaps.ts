/** Requests and states of slots for the suites, with nothing left to a clock. @module */
import type { Backend, Region, Ring, SwapRequest } from '../../bindings/backend.ts';
import { wordsOfConfig, WORDS_PER_SLOT } from '../../bindings/cell-words.ts';

export const AT = 1_700_000_000_123;

/** The cell of a slot, copied. */
export function cellOf(region: Region, slot = 0): Uint32Array {
  return region.words.slice(slot * WORDS_PER_SLOT, slot * WORDS_PER_SLOT + 4);
}

export function slotBytes(region: Region, slot = 0): Uint8Array {
  return region.bytes.slice(slot * 128, slot * 128 + 128);
}

/** From what the slot holds now to `config`. */
export function request(
  region: Region,
  slot: number,
  config: Uint8Array,
  more: Partial<SwapRequest> = {},
): SwapRequest {
  return {
    expected: cellOf(region, slot),
    desired: wordsOfConfig(config),
    rollouts: null,
    at: AT,
    kind: 1,
    readNs: null,
    timed: false,
    ...more,
  };
}

/** Swaps slot 0 of a region from what it holds now. */
export function swapTo(
  core: Backend,
  region: Region,
  config: Uint8Array,
  more: Partial<SwapRequest> = {},
  ring: Ring | null = null,
): number {
  return core.slotSwap(region, 0, request(region, 0, config, more), ring);
}

export function image(
  revision: number,
  config: Uint8Array,
  rollouts = new Uint16Array(32),
  rolloutsRevision = revision,
) {
  return { revision, config, modifiedAt: AT, rolloutsRevision, rollouts };
}

/** 13 bytes in which every byte is `mark`. */
export function marked(mark: number): Uint8Array {
  return new Uint8Array(13).fill(mark);
}
