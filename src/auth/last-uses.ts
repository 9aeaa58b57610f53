/**
 * When each API token was last used, to the minute: noted in memory when it is used, written to the scratch store when
 * the event loop has nothing better to do. Worth little: a use that is lost with the process is lost.
 * @module
 */
import type { SideStore } from '../journal/side-store.ts';

/** A token's uses within it are one. */
export const USE_INTERVAL_MS = 60_000;
const SPACE = 'last-used';

export class LastUses {
  readonly #scratch: SideStore;
  readonly #onError: (error: unknown) => void;
  readonly #waiting = new Map<string, { at: number; expiresAt: number }>();
  #timer: ReturnType<typeof setImmediate> | null = null;

  /** `onError` hears of writes that failed; the uses are then written with the next. */
  constructor(scratch: SideStore, onError: (error: unknown) => void) {
    this.#scratch = scratch;
    this.#onError = onError;
  }

  /** `at` in ms since 1970; forgotten when the token expires. */
  note(id: string, at: number, expiresAt: number): void {
    this.#waiting.set(id, { at, expiresAt });
    this.#timer ??= setImmediate(() => this.flush());
  }

  /** Milliseconds since 1970; null: never. */
  of(id: string): number | null {
    const waiting = this.#waiting.get(id)?.at;
    const written = this.#scratch.get(SPACE, id);
    return waiting ?? (written === null ? null : Number(written));
  }

  /** Writes what waits. */
  flush(): void {
    if (this.#timer !== null) clearImmediate(this.#timer);
    this.#timer = null;
    try {
      if (this.#waiting.size > 0) this.#scratch.together(() => this.#writeWaiting());
      this.#waiting.clear();
    } catch (error) {
      this.#onError(error);
    }
  }

  #writeWaiting(): void {
    for (const [id, { at, expiresAt }] of this.#waiting) {
      // Noted sooner than needed where a token had to be verified again, here or in another process.
      const written = Number(this.#scratch.get(SPACE, id) ?? -Infinity);
      if (at - written >= USE_INTERVAL_MS) this.#scratch.set(SPACE, id, String(at), expiresAt);
    }
  }
}
