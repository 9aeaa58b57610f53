/**
 * A limit of time on what somebody else does: it ends what takes too long, and can be set back whenever something
 * comes. When the registry stops, it is over at once.
 * @module
 */
import type { Passing } from './answers.ts';

export const STOPPING = 'this registry is stopping';

export class Silence {
  readonly limit_ms: number;
  readonly #wait: Passing['wait'];
  readonly #closing: AbortSignal;
  readonly #over = new AbortController();
  #waiting = new AbortController();

  /** Begins at once. `closing`: the registry stops. */
  constructor(limit_ms: number, wait: Passing['wait'], closing: AbortSignal) {
    this.limit_ms = limit_ms;
    this.#wait = wait;
    this.#closing = closing;
    closing.addEventListener('abort', this.#onClosing);
    if (closing.aborted) this.#onClosing();
    this.#begin();
  }

  /** Aborted when the time is over. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** What is to be said of what failed: that the registry stops, that it was too `late`, or what it was otherwise. */
  fault(late: string, otherwise: string): string {
    if (this.#closing.aborted) return STOPPING;
    return this.#over.signal.aborted ? late : otherwise;
  }

  /** What is awaited, or an error as soon as the time is over: also where nobody heeds the signal. */
  async within<T>(awaited: Promise<T>): Promise<T> {
    const { signal } = this.#over;
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    try {
      return await Promise.race([awaited, promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Something came: all of the time again. */
  heard(): void {
    this.#waiting.abort();
    this.#waiting = new AbortController();
    this.#begin();
  }

  /** It is done, or not wanted any more. */
  end(): void {
    this.#closing.removeEventListener('abort', this.#onClosing);
    this.#waiting.abort();
  }

  #onClosing = (): void => this.#over.abort(new DOMException('The registry is stopping', 'AbortError'));

  #begin(): void {
    const { signal } = this.#waiting;
    const rung = async (): Promise<void> => {
      await this.#wait(this.limit_ms, signal);
      if (!signal.aborted) this.#over.abort(new DOMException('It took too long', 'TimeoutError'));
    };
    void rung();
  }
}
