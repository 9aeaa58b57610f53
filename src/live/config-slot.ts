/**
 * One config in its slot: plain loads to read, compare-and-swap to change. Knows no names of features, no journal and
 * no history but the ring; what it gives back of a change is what the layers above record.
 * @module
 */
import { CHANGE_KIND } from '../../bindings/abi.gen.ts';
import type { Backend, Ring, SlotImage, SwapRequest } from '../../bindings/backend.ts';
import {
  configOfWords,
  copyCell,
  freshWord,
  fullRevision,
  NOTIFY_WORD,
  wordsOfConfig,
  WORDS_PER_CELL,
  WORDS_PER_SLOT,
} from '../../bindings/cell-words.ts';
import { ConfigError } from '../errors/errors.ts';
import { copyPlaceIds } from '../sync/place-ids.ts';
import type { Place } from '../sync/place.ts';
import type { ChangeKind, ConfigState } from './change.ts';

/** The word of the slot where the rollouts begin, two to a word. */
export const ROLLOUTS_WORD = 16;
const MODIFIED_AT_WORD = 6;
const ROLLOUTS_REVISION_WORD = 15;
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
  ring: Ring | null;
  readonly place: Place;
  readonly #backend: Backend;
  readonly #timed: boolean;
  readonly #seen = new Uint32Array(WORDS_PER_CELL);
  readonly #wanted = new Uint32Array(WORDS_PER_CELL);
  readonly #read = new Uint32Array(WORDS_PER_CELL);
  /** Nobody else writes where the place is this process's memory. */
  readonly #isPrivate: boolean;
  /** One request for all changes of a word. */
  readonly #request: { -readonly [Field in keyof SwapRequest]: SwapRequest[Field] };
  /** What `read` answers once the memory is no longer ours. */
  #last: SlotImage | null = null;

  constructor(backend: Backend, place: Place, { ring, timed }: { ring: boolean; timed: boolean }) {
    this.#backend = backend;
    this.place = place;
    this.#timed = timed;
    this.#isPrivate = place.kind === 'memory';
    this.#request = {
      expected: this.#seen,
      desired: this.#wanted,
      rollouts: null,
      at: null,
      kind: 0,
      readNs: null,
      timed,
      isPrivate: this.#isPrivate,
    };
    this.ring = ring ? backend.ringCreate() : null;
    this.words = this.#view();
    place.onMoved(() => {
      this.words = this.#view();
    });
    if (backend.kind === 'wasm') this.#followGrowth();
  }

  /**
   * Gives an empty slot its first state, and one that is behind `image` (somebody wrote to the journal past the board)
   * the newer one. Never goes back. True when the slot took it, which one of revision 1 does in an empty slot alone.
   * Throws ERR_BOARD.
   */
  raise(image: SlotImage): boolean {
    this.guard();
    const { place } = this;
    place.prepare();
    const isTaken = this.#backend.slotSeed(place.region, place.slot, image);
    place.remember();
    return isTaken;
  }

  get isEmpty(): boolean {
    return this.revision === 0;
  }

  get revision(): number {
    return fullRevision(this.words, 0, Atomics.load(this.words, 0));
  }

  /** Milliseconds since 1970. */
  get modifiedAt(): number {
    return this.words[MODIFIED_AT_WORD + 1]! * TWO_TO_32 + this.words[MODIFIED_AT_WORD]!;
  }

  /** Low 32 bits of the revision that wrote the rollouts. */
  get rolloutsWord(): number {
    return this.words[ROLLOUTS_REVISION_WORD]!;
  }

  /** Goes up with every change by anybody. */
  get notify(): number {
    return Atomics.load(this.words, NOTIFY_WORD);
  }

  /** The whole state, read consistently. Throws ERR_RECORD_CHECKSUM when the slot was damaged. */
  read(): SlotImage {
    return this.#last ?? this.#backend.slotRead(this.place.region, this.place.slot);
  }

  /** As `read`, with rollouts that are not newer than the revision says, for a change to be made of it. */
  look(): SlotImage {
    this.guard();
    this.place.prepare();
    return this.#readRollouts();
  }

  /** The 13 bytes, read consistently. */
  config(): Uint8Array {
    copyCell(this.words, 0, this.#read);
    return configOfWords(this.#read);
  }

  /**
   * Changes one of the four words of the cell and nothing else: to `(word & keep) ^ flip`. The hot way of a write: no
   * lock, and nothing allocated. `kind` is one of CHANGE_KIND. Returns the revision taken, 0 when nothing was
   * different.
   */
  swapWord(kind: number, index: number, keep: number, flip: number): number {
    this.guard();
    this.place.prepare();
    const { region, slot } = this.place;
    const seen = this.#seen;
    const wanted = this.#wanted;
    const request = this.#request;
    request.kind = kind;
    for (let attempt = 0; attempt < SWAP_ATTEMPTS_MAX; attempt++) {
      const began = this.#timed ? Bun.nanoseconds() : 0;
      const { words } = this;
      // Read once: what another writer tore is not what the cell holds, and the swap refuses it.
      wanted[0] = seen[0] = (this.#isPrivate ? words[0]! : freshWord(words, 0)) | 0;
      wanted[1] = seen[1] = words[1]! | 0;
      wanted[2] = seen[2] = words[2]! | 0;
      wanted[3] = seen[3] = words[3]! | 0;
      wanted[index] = (wanted[index]! & keep) ^ flip;
      if (wanted[index] === seen[index]) return 0;
      if (this.#timed) request.readNs = Bun.nanoseconds() - began;
      const revision = this.#backend.slotSwap(region, slot, request, this.ring);
      if (revision === 0) continue;
      if (!this.#isPrivate) this.place.remember();
      return revision;
    }
    throw contended();
  }

  /** What the last `swapWord` did, whole: for the journal. */
  describeLastSwap(revision: number, kind: ChangeKind, at: number): Swapped {
    const { rollouts, rolloutsRevision } = this.#readRollouts();
    const before = { config: configOfWords(this.#seen), rollouts, rolloutsRevision };
    return { revision, kind, at, before, after: { ...before, config: configOfWords(this.#wanted) } };
  }

  /** Another state in a slot that only this process uses: what it held is forgotten. */
  replace(image: SlotImage): void {
    this.guard();
    // What was measured belongs to revisions that are somebody else's now.
    this.ring?.close();
    this.ring = this.ring === null ? null : this.#backend.ringCreate();
    const ids = this.words.slice();
    this.words.fill(0);
    copyPlaceIds(ids, this.words);
    this.#backend.slotSeed(this.place.region, this.place.slot, image);
  }

  /** The words of the cell before and after the last `swapWord`, valid until the next. */
  get lastSwap(): { readonly before: Uint32Array; readonly after: Uint32Array } {
    return { before: this.#seen, after: this.#wanted };
  }

  /**
   * Changes the whole state. Rollouts are written over those that were seen here alone, under the board's lock, so that
   * two writers of rollouts cannot mix. Returns null when nothing was different and `always` was not asked for. Errors:
   * ERR_REVISION_CONFLICT, ERR_BOARD, ERR_RECORD_CHECKSUM.
   */
  swap(options: SwapOptions, change: (state: ConfigState) => ConfigState): Swapped | null {
    this.guard();
    this.place.prepare();
    for (let attempt = 0; attempt < SWAP_ATTEMPTS_MAX; attempt++) {
      const began = this.#timed ? Bun.nanoseconds() : 0;
      const image = this.#readRollouts();
      if (options.expected !== undefined && options.expected !== image.revision) {
        throw conflict(options.expected, image.revision);
      }
      const wanted = change(image);
      const rolloutsDiffer = image.rollouts.some((value, bit) => value !== wanted.rollouts[bit]);
      const configDiffers = image.config.some((byte, i) => byte !== wanted.config[i]);
      if (!rolloutsDiffer && !configDiffers && options.always !== true) return null;
      const readNs = this.#timed ? Bun.nanoseconds() - began : null;
      const swapped = this.#trySwap(options.kind, image, wanted, rolloutsDiffer, readNs);
      if (swapped !== null) return swapped;
    }
    throw contended();
  }

  #trySwap(
    kind: ChangeKind,
    image: SlotImage,
    wanted: ConfigState,
    withRollouts: boolean,
    readNs: number | null,
  ): Swapped | null {
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
        seenRollouts: image.rollouts,
        at: null,
        kind: CHANGE_KIND[kind],
        readNs,
        timed: this.#timed,
      },
      this.ring,
    );
    if (revision === 0) return null;
    this.place.remember();
    const rolloutsRevision = withRollouts ? revision : image.rolloutsRevision;
    const { config, rollouts } = wanted;
    return { revision, kind, at: this.modifiedAt, before: image, after: { config, rollouts, rolloutsRevision } };
  }

  /** Every use after `close` fails here, before it touches memory. */
  guard(): void {
    if (this.#last === null) return;
    throw new ConfigError('ERR_CLOSED', {
      message: 'This config is closed',
      hint: 'Open it again; a closed config cannot be changed.',
      details: { what: 'config' },
    });
  }

  /** Keeps the last state in private memory, so that reads by those who still hold the config stay harmless. */
  close(): void {
    if (this.#last !== null) return;
    const words = this.words.slice();
    this.#last = imageOfWords(words);
    Object.defineProperty(this, 'words', { value: words, writable: true, configurable: true, enumerable: true });
    this.ring?.close();
    this.place.close();
  }

  /**
   * A writer of rollouts says its revision first and writes the values then. Values read under a revision that is still
   * there afterwards are therefore not newer than it says.
   */
  #readRollouts(): SlotImage {
    for (;;) {
      const image = this.read();
      const low = Atomics.load(this.words, ROLLOUTS_REVISION_WORD);
      if (low === image.rolloutsRevision >>> 0 || image.rolloutsRevision === 0) return image;
    }
  }

  /** WebAssembly memory that grows leaves old views empty, and a read through one would say that everything is off. */
  #followGrowth(): void {
    let from = this.place.region.words;
    let words = this.words;
    const get = (): Uint32Array => {
      if (from !== this.place.region.words) [from, words] = [this.place.region.words, this.#view()];
      return words;
    };
    Object.defineProperty(this, 'words', { get, configurable: true, enumerable: true });
  }

  #view(): Uint32Array {
    const { region, slot } = this.place;
    return region.words.subarray(slot * WORDS_PER_SLOT, (slot + 1) * WORDS_PER_SLOT);
  }
}

/** For the copy of a slot that nobody writes any more. */
function imageOfWords(words: Uint32Array): SlotImage {
  const revision = fullRevision(words, 0, words[0]!);
  return {
    revision,
    config: configOfWords(words),
    modifiedAt: words[MODIFIED_AT_WORD + 1]! * TWO_TO_32 + words[MODIFIED_AT_WORD]!,
    rolloutsRevision: revision - ((revision - words[ROLLOUTS_REVISION_WORD]!) >>> 0),
    rollouts: new Uint16Array(words.slice(ROLLOUTS_WORD).buffer),
  };
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
