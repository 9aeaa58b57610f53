/**
 * Those who want to hear of something: entries that were appended, appends that were answered.
 * @module
 */

export class Listeners<T extends readonly unknown[]> {
  readonly #listeners = new Set<(...told: T) => void>();

  /** Returns the way to stop. */
  add(listener: (...told: T) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  tell(...told: T): void {
    for (const listener of this.#listeners) {
      // A listener's mistake is its own: it surfaces as an uncaught error, and the append stays what it is, durable.
      try {
        listener(...told);
      } catch (error) {
        reportError(error);
      }
    }
  }
}

/** Runs an append, and tells how it went once it is answered. */
export async function timed<R>(
  answered: Listeners<[duration_ms: number, error: unknown]>,
  append: () => Promise<R>,
): Promise<R> {
  const began = performance.now();
  try {
    const appended = await append();
    answered.tell(performance.now() - began, null);
    return appended;
  } catch (error) {
    answered.tell(performance.now() - began, error);
    throw error;
  }
}
