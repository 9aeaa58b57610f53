/** Time that passes when a test says so: rests are over at once, limits of time when they are reached. @module */
import type { Passing } from '../../../src/packages/uplinks/answers.ts';

interface Waiting {
  readonly at: number;
  readonly resolve: () => void;
}

export class Clock implements Passing {
  /** Of what was waited for between two attempts, in ms. */
  readonly rests: number[] = [];
  readonly #waiting = new Set<Waiting>();
  readonly #limit_ms: number;
  #now: number;

  /** From `limit_ms` on a wait is a limit of time: it ends when the clock gets there. */
  constructor(limit_ms = 3000, now = Date.UTC(2026, 0, 1)) {
    this.#limit_ms = limit_ms;
    this.#now = now;
  }

  /** Limits of time that are running. */
  get running(): number {
    return this.#waiting.size;
  }

  now = (): number => this.#now;

  random = (): number => 0.5;

  wait = (duration_ms: number, signal: AbortSignal): Promise<void> => {
    if (duration_ms < this.#limit_ms) {
      this.rests.push(duration_ms);
      return Promise.resolve();
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = { at: this.#now + duration_ms, resolve };
    this.#waiting.add(waiting);
    signal.addEventListener('abort', () => {
      this.#waiting.delete(waiting);
      resolve();
    });
    return promise;
  };

  advance(duration_ms: number): void {
    this.#now += duration_ms;
    for (const waiting of this.#waiting) {
      if (waiting.at > this.#now) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }
}
