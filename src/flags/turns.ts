/**
 * Long work over many flags, in slices: whatever else waits has its turn between two of them. How long one takes goes
 * by the clock, for a flag may be small or large.
 * @module
 */
import { nextTurn } from '../journal/steps.ts';

/** Of one slice, and then what is under way is finished. */
export const SLICE_MS = 5;

export interface TurnsOptions {
  /** Milliseconds, from any moment on. */
  readonly clock: () => number;
  /** Lets others go first. */
  readonly pause: () => Promise<void>;
}

const REAL: TurnsOptions = { clock: () => performance.now(), pause: nextTurn };

/**
 * @example
 * const turns = new Turns();
 * for (const flag of flags) {
 *   check(flag);
 *   if (turns.isOver) await turns.next();
 * }
 */
export class Turns {
  readonly #options: TurnsOptions;
  #began: number;

  constructor(options: TurnsOptions = REAL) {
    this.#options = options;
    this.#began = options.clock();
  }

  /** The slice has taken its time. */
  get isOver(): boolean {
    return this.#options.clock() - this.#began >= SLICE_MS;
  }

  async next(): Promise<void> {
    const { clock, pause } = this.#options;
    await pause();
    this.#began = clock();
  }
}
