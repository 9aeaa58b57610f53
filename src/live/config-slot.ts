/**
 * One config in its slot: plain loads to read, compare-and-swap to change. Knows no names of features, no journal and no
 * history but the ring; what it gives back of a change is what the layers above record.
 * @module
 */
import { CHANGE_KIND } from '../../bindings/abi.gen.ts';
import type { Backend, Ring, SlotImage } from '../../bindings/backend.ts';
import {
  configOfWords,
  copyCell,
  fullRevision,
  NOTIFY_WORD,
  wordsOfConfig,
  WORDS_PER_CELL,
  WORDS_PER_SLOT,
} from '../../bindings/cell-words.ts';
import { ConfigError } from '../errors/errors.ts';
import type { Place } from '../sync/place.ts';
import type { ChangeKind, ConfigState } from './change.ts';

/** The word of the slot where the rollouts begin, two to a word. */
export const ROLLOUTS_WORD = 16;
const MODIFIED_AT_WORD = 6;
const TWO_TO_32 = 0x1_0000_0000;
/** Far more than any contention we have seen; a swap that loses this often means something else is wrong. */
const SWAP_ATTEMPTS_MAX = 10_000;

/** A change that happened. */
export interface Swapped {
  readonly revision: number;
  readonly kind: ChangeKind;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly before: ConfigState;
  readonly after: ConfigState;
}

export interface SwapOptions {
  readonly kind: ChangeKind;
  /** Only if the config is at this revision: otherwise ERR_REVISION_CONFLICT and nothing changed. */
  readonly expected?: number | undefined;
  /** Take a revision even when nothing is different. */
  readonly always?: boolean;
}

export class ConfigSlot {
  /** The 32 words of the slot; replaced when the place moves, so never keep it across a turn of the event loop. */
  words: Uint32Array;
  /** null where nobody asks this process for timings. */
  readonly ring: Ring | null;
  readonly place: Place;
  readonly #backend: Backend;
  readonly #timed: boolean;
  readonly #seen = new Uint32Array(WORDS_PER_CELL);
  readonly #wanted = new Uint32Array(WORDS_PER_CELL);
  #closed = false;

  constructor(backend: Backend, place: Place, { ring, timed }: { ring: boolean; timed: boolean }) {
    this.#backend = backend;
    this.place = place;
    this.#timed = timed;
    this.ring = ring ? backend.ringCreate() : null;
    this.words = this.#view();
    place.onMoved(() => {
      this.words = this.#view();
    });
  }

  /** Gives an empty slot its first state. False, and nothing done, when it has one. */
  seed(image: SlotImage): boolean {
    const { region, slot } = this.place;
    return this.place.locked(() => this.#backend.slotSeed(region, slot, image));
  }

  get isEmpty(): boolean {
    return this.revision === 0;
  }

  get revision(): number {
    const { region, slot } = this.place;
    return fullRevision(region.words, slot, Atomics.load(this.words, 0));
  }

  /** Milliseconds since 1970. */
  get modifiedAt(): number {
    return this.words[MODIFIED_AT_WORD + 1]! * TWO_TO_32 + this.words[MODIFIED_AT_WORD]!;
  }

  /** Goes up with every change by anybody. */
  get notify(): number {
    return Atomics.load(this.words, NOTIFY_WORD);
  }

  /** The whole state, read consistently. Throws ERR_RECORD_CHECKSUM when the slot was damaged. */
  read(): SlotImage {
    const { region, slot } = this.place;
    return this.#backend.slotRead(region, slot);
  }

  /** The 13 bytes, read consistently. */
  config(): Uint8Array {
    copyCell(this.words, 0, this.#seen);
    return configOfWords(this.#seen);
  }

  /**
   * Changes the four words of the cell and nothing else. The hot way of a write: no lock, and no object but the request.
   * Returns the revision taken, 0 when nothing was different.
   */
  swapWords(kind: ChangeKind, change: (words: Uint32Array) => void): number {
    this.guard();
    const { region, slot } = this.place;
    const seen = this.#seen;
    const wanted = this.#wanted;
    for (let attempt = 0; attempt < SWAP_ATTEMPTS_MAX; attempt++) {
      const began = this.#timed ? Bun.nanoseconds() : 0;
      copyCell(this.words, 0, seen);
      wanted[0] = seen[0]!;
      wanted[1] = seen[1]!;
      wanted[2] = seen[2]!;
      wanted[3] = seen[3]!;
      change(wanted);
      if (!differs(seen, wanted)) return 0;
      const revision = this.#backend.slotSwap(
        region,
        slot,
        {
          expected: seen,
          desired: wanted,
          rollouts: null,
          at: null,
          kind: CHANGE_KIND[kind],
          readNs: this.#timed ? Bun.nanoseconds() - began : null,
          timed: this.#timed,
        },
        this.ring,
      );
      if (revision !== 0) return revision;
    }
    throw contended();
  }

  /** What the last `swapWords` did, whole: for the journal. */
  describeLastSwap(revision: number, kind: ChangeKind, at: number): Swapped {
    const { rollouts, rolloutsRevision } = this.read();
    const before = { config: configOfWords(this.#seen), rollouts, rolloutsRevision };
    return { revision, kind, at, before, after: { ...before, config: configOfWords(this.#wanted) } };
  }

  /** Another state in a slot that only this process uses: what it held is forgotten. */
  replace(image: SlotImage): void {
    this.guard();
    this.words.fill(0);
    this.seed(image);
  }

  /** The words of the cell before and after the last `swapWords`, valid until the next. */
  get lastSwap(): { readonly before: Uint32Array; readonly after: Uint32Array } {
    return { before: this.#seen, after: this.#wanted };
  }

  /**
   * Changes the whole state. Rollouts are written under the place's lock, so that two writers of rollouts cannot mix.
   * Returns null when nothing was different and `always` was not asked for. Throws ERR_REVISION_CONFLICT, ERR_BOARD.
   */
  swap(options: SwapOptions, change: (state: ConfigState) => ConfigState): Swapped | null {
    this.guard();
    return this.place.locked(() => {
      for (let attempt = 0; attempt < SWAP_ATTEMPTS_MAX; attempt++) {
        const image = this.read();
        if (options.expected !== undefined && options.expected !== image.revision) {
          throw conflict(options.expected, image.revision);
        }
        const wanted = change(image);
        const rolloutsDiffer = image.rollouts.some((value, bit) => value !== wanted.rollouts[bit]);
        const configDiffers = image.config.some((byte, i) => byte !== wanted.config[i]);
        if (!rolloutsDiffer && !configDiffers && options.always !== true) return null;
        const swapped = this.#trySwap(options.kind, image, wanted, rolloutsDiffer);
        if (swapped !== null) return swapped;
      }
      throw contended();
    });
  }

  #trySwap(kind: ChangeKind, image: SlotImage, wanted: ConfigState, withRollouts: boolean): Swapped | null {
    const { region, slot } = this.place;
    wordsOfConfig(image.config, this.#seen);
    this.#seen[0] = this.#seen[0]! | (image.revision & 0xff_ffff);
    wordsOfConfig(wanted.config, this.#wanted);
    const revision = this.#backend.slotSwap(
      region,
      slot,
      {
        expected: this.#seen,
        desired: this.#wanted,
        rollouts: withRollouts ? wanted.rollouts : null,
        at: null,
        kind: CHANGE_KIND[kind],
        readNs: null,
        timed: this.#timed,
      },
      this.ring,
    );
    if (revision === 0) return null;
    const rolloutsRevision = withRollouts ? revision : image.rolloutsRevision;
    const { config, rollouts } = wanted;
    return { revision, kind, at: this.modifiedAt, before: image, after: { config, rollouts, rolloutsRevision } };
  }

  /** Every use after `close` fails here, before it touches memory. */
  guard(): void {
    if (!this.#closed) return;
    throw new ConfigError('ERR_CLOSED', {
      message: 'This config is closed',
      hint: 'Open it again; a closed config cannot be changed.',
      details: { what: 'config' },
    });
  }

  /** Keeps the last state in private memory, so that plain reads by those who still hold the config stay harmless. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.words = this.words.slice();
    this.ring?.close();
    this.place.close();
  }

  #view(): Uint32Array {
    const { region, slot } = this.place;
    return region.words.subarray(slot * WORDS_PER_SLOT, (slot + 1) * WORDS_PER_SLOT);
  }
}

function differs(a: Uint32Array, b: Uint32Array): boolean {
  return a[2] !== b[2] || a[3] !== b[3] || a[0] !== b[0] || a[1] !== b[1];
}

export function conflict(expected: number, actual: number, stream = ''): ConfigError<'ERR_REVISION_CONFLICT'> {
  return new ConfigError('ERR_REVISION_CONFLICT', {
    message: `Expected revision ${expected}, but the config is at revision ${actual}`,
    hint: 'Somebody else changed it: look at the current state, then try again with its revision.',
    details: { stream, expected, actual },
  });
}

function contended(): ConfigError {
  return new ConfigError('ERR_BOARD', {
    message: `The config could not be changed: ${SWAP_ATTEMPTS_MAX} attempts were overtaken by other writers`,
    hint: 'See which process writes in a loop.',
    details: { path: '', fault: 'contended' },
  });
}
