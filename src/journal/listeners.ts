/**
 * Those who want to hear of appended entries.
 * @module
 */

import type { Entry } from './journal.ts';

type Listener = (entries: readonly Entry[]) => void;

export class Listeners {
  readonly #listeners = new Set<Listener>();

  /** Returns the way to stop. */
  add(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  tell(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    for (const listener of this.#listeners) {
      // A listener's mistake is its own: it surfaces as an uncaught error, and the append stays what it is, durable.
      try {
        listener(entries);
      } catch (error) {
        reportError(error);
      }
    }
  }
}
