/**
 * Leaves an uplink alone that fails again and again, so that nobody waits for it: after some failures in a row it is
 * not asked for a while, then once, and by that it is judged anew. However often one package fails, it counts once: it
 * must take the uplink away from nobody else.
 * @module
 */

/** Packages that fail, and nothing else between them. */
export const FAILURES_MAX = 5;
/** For so long it is not asked then. */
export const OPEN_MS = 30_000;

export class Circuit {
  readonly #now: () => number;
  readonly #failed = new Set<string>();
  #openUntil = 0;
  #isTrying = false;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether it may be asked now. Who is told so tells how it went. */
  enter(): boolean {
    if (this.#failed.size < FAILURES_MAX) return true;
    if (this.#now() < this.#openUntil || this.#isTrying) return false;
    this.#isTrying = true;
    return true;
  }

  /** It answered, whatever it said. */
  succeeded(): void {
    this.#failed.clear();
    this.#isTrying = false;
  }

  failed(what: string): void {
    if (this.#failed.size < FAILURES_MAX) this.#failed.add(what);
    this.#isTrying = false;
    if (this.#failed.size >= FAILURES_MAX) this.#openUntil = this.#now() + OPEN_MS;
  }

  /** Seconds until it may be asked again; 0: it may. */
  get rest_s(): number {
    return this.#failed.size < FAILURES_MAX ? 0 : Math.max(0, Math.ceil((this.#openUntil - this.#now()) / 1000));
  }
}
