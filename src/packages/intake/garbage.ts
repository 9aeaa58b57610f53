/**
 * Memory that large packages leave behind while they pass: pieces that nobody holds any more. The collector goes by how
 * many objects there are, and these are few and large, so it is told. Small packages never reach that.
 * @module
 */

const UNSEEN_MAX_BYTES = 6 * 1024 * 1024;

/**
 * @example
 * const garbage = new Garbage();
 * for await (const piece of body) garbage.left(take(piece).length);
 */
export class Garbage {
  #unseen_bytes = 0;

  /** So much was looked at and let go. */
  left(size_bytes: number): void {
    this.#unseen_bytes += size_bytes;
    if (this.#unseen_bytes < UNSEEN_MAX_BYTES) return;
    this.#unseen_bytes = 0;
    Bun.gc(true);
  }
}
