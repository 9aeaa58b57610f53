/**
 * What is held in memory within so many bytes: what was asked for longest ago goes first. Knows nothing of what it
 * holds.
 * @module
 */

interface Kept<V> {
  readonly value: V;
  size_bytes: number;
}

/**
 * @example
 * const held = new Held<Uint8Array>(1_000_000);
 * held.set('a', bytes, bytes.length);
 */
export class Held<V> {
  readonly #budget_bytes: number;
  /** What was asked for last is last. */
  readonly #kept = new Map<string, Kept<V>>();
  #size_bytes = 0;

  constructor(budget_bytes: number) {
    this.#budget_bytes = budget_bytes;
  }

  get size_bytes(): number {
    return this.#size_bytes;
  }

  get(key: string): V | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept.value;
  }

  /** What is larger than all of the room is not held. */
  set(key: string, value: V, size_bytes: number): void {
    this.delete(key);
    if (size_bytes > this.#budget_bytes) return;
    this.#kept.set(key, { value, size_bytes });
    this.#add(size_bytes);
  }

  /** It has become so much larger, if it is still what is held; what has outgrown all of the room goes alone. */
  grow(key: string, value: V, size_bytes: number): void {
    const kept = this.#kept.get(key);
    if (kept === undefined || kept.value !== value) return;
    if (kept.size_bytes + size_bytes > this.#budget_bytes) return this.delete(key);
    kept.size_bytes += size_bytes;
    this.#add(size_bytes);
  }

  delete(key: string): void {
    this.#size_bytes -= this.#kept.get(key)?.size_bytes ?? 0;
    this.#kept.delete(key);
  }

  clear(): void {
    this.#kept.clear();
    this.#size_bytes = 0;
  }

  #add(size_bytes: number): void {
    this.#size_bytes += size_bytes;
    for (const key of this.#kept.keys()) {
      if (this.#size_bytes <= this.#budget_bytes) return;
      this.delete(key);
    }
  }
}
