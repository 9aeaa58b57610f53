/**
 * Bytes that come in pieces of any size and are wanted as one: a buffer that grows, whose pieces cost nothing. @module
 */

const FIRST_BYTES = 16 * 1024;

export class Gathered {
  #buffer = new Uint8Array(FIRST_BYTES);
  #size = 0;

  get size_bytes(): number {
    return this.#size;
  }

  push(piece: Uint8Array): void {
    const size = this.#size + piece.length;
    if (size > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(size, this.#buffer.length * 2));
      larger.set(this.#buffer.subarray(0, this.#size));
      this.#buffer = larger;
    }
    this.#buffer.set(piece, this.#size);
    this.#size = size;
  }

  /** All of them; good until the next piece. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#size);
  }
}
