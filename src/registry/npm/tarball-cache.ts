/**
 * Small tarballs that are asked for again and again, as bytes in memory. They are found by their hash, so they are
 * never old; who may have them is not known here.
 * @module
 */
import type { BlobHash, Blobs } from '../../packages/blobs/blobs.ts';
import { Held } from '../../packages/held.ts';

const BUDGET_BYTES = 32 * 1024 * 1024;
/** What is larger comes from the disk as it is sent. */
const SMALL_MAX_BYTES = 512 * 1024;

export class TarballCache {
  readonly #blobs: Pick<Blobs, 'body'>;
  readonly #held: Held<Uint8Array<ArrayBuffer>>;
  readonly #reading = new Map<BlobHash, Promise<Uint8Array<ArrayBuffer>>>();

  constructor(blobs: Pick<Blobs, 'body'>, budget_bytes = BUDGET_BYTES) {
    this.#blobs = blobs;
    this.#held = new Held(budget_bytes);
  }

  held(hash: BlobHash): Uint8Array<ArrayBuffer> | undefined {
    return this.#held.get(hash);
  }

  /** A body that `Response` takes. Errors: ERR_BLOB. */
  async body(hash: BlobHash, size_bytes: number): Promise<BodyInit> {
    if (size_bytes > SMALL_MAX_BYTES) return await this.#blobs.body(hash);
    const known = this.held(hash) ?? this.#reading.get(hash);
    if (known !== undefined) return await known;
    const reading = this.#read(hash).finally(() => this.#reading.delete(hash));
    this.#reading.set(hash, reading);
    return await reading;
  }

  async #read(hash: BlobHash): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await new Response(await this.#blobs.body(hash)).bytes();
    this.#held.set(hash, bytes, bytes.length);
    return bytes;
  }
}
