/**
 * So many may do something at once; the others wait, and take over in the order in which they came. Does not know what
 * it is that they do.
 * @module
 */

/**
 * @example
 * if (!(await places.take(signal))) throw tooMany();
 * try { await work(); } finally { places.release(); }
 */
export class Places {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** false: the signal was first, and there is nothing to be released. */
  async take(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    if (this.#free > 0) {
      this.#free--;
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const next = (): void => resolve(true);
    const leave = (): void => {
      if (this.#waiting.delete(next)) resolve(false);
    };
    this.#waiting.add(next);
    signal.addEventListener('abort', leave);
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  /** Once for each that was taken. */
  release(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
