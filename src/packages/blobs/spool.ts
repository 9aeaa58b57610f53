/**
 * Bytes on their way in: hashed as they come, held in memory while they are few and in a file of their own beyond. What
 * becomes of them is for the store to say.
 * @module
 */
import { rmSync } from 'node:fs';
import { ConfigError } from '../../errors/errors.ts';
import { blobError, type BlobHash, type Draft, type StoredBlob } from './blobs.ts';
import type { Disk } from './disk.ts';

/** Most packages are smaller; nothing of a refused one was ever on disk then. */
const IN_MEMORY_BYTES = 256 * 1024;

/** What came in, whole. */
export interface Spooled {
  readonly hash: string;
  readonly shasum: string;
  readonly size_bytes: number;
  /** Where the bytes are: a file at `path`, not yet synced, or `bytes`. */
  readonly held: { readonly path: string } | { readonly bytes: Uint8Array<ArrayBuffer> };
}

/**
 * Takes all of the source. Errors: what the source throws, ERR_BODY_TOO_LARGE, ERR_BLOB; nothing stays after any.
 */
export async function spool(
  source: AsyncIterable<Uint8Array>,
  limit_bytes: number,
  path: string,
  disk: Disk,
): Promise<Spooled> {
  const intake = new Intake(path, limit_bytes, disk);
  try {
    for await (const chunk of source) intake.take(chunk);
    return intake.end();
  } catch (error) {
    intake.drop();
    throw error;
  }
}

/** To be read as often as it is wanted. */
export function fileOf(held: Spooled['held']): Blob {
  return 'path' in held ? Bun.file(held.path) : new Blob([held.bytes]);
}

/** A draft whose bytes are on this machine; `keep` is the store's, and says where they went if they moved. */
export class SpooledDraft implements Draft {
  readonly hash: BlobHash;
  readonly shasum: string;
  readonly size_bytes: number;
  readonly #keep: () => Promise<string | null>;
  #held: Spooled['held'];
  #isMoved = false;

  constructor({ hash, shasum, size_bytes, held }: Spooled, keep: () => Promise<string | null>) {
    this.hash = hash;
    this.shasum = shasum;
    this.size_bytes = size_bytes;
    this.#held = held;
    this.#keep = keep;
  }

  read(start = 0): ReadableStream<Uint8Array> {
    const bytes = fileOf(this.#held);
    return (start === 0 ? bytes : bytes.slice(start)).stream();
  }

  async keep(): Promise<StoredBlob> {
    const { hash, size_bytes } = this;
    const path = this.#isMoved ? null : await this.#keep();
    if (path !== null) {
      this.#held = { path };
      this.#isMoved = true;
    }
    return { hash, size_bytes };
  }

  async drop(): Promise<void> {
    if ('path' in this.#held && !this.#isMoved) rmSync(this.#held.path, { force: true });
  }
}

class Intake {
  readonly #path: string;
  readonly #limit_bytes: number;
  readonly #disk: Disk;
  readonly #sha512 = new Bun.CryptoHasher('sha512');
  readonly #sha1 = new Bun.CryptoHasher('sha1');
  #chunks: Uint8Array[] = [];
  #file: number | null = null;
  #size = 0;

  constructor(path: string, limit_bytes: number, disk: Disk) {
    this.#path = path;
    this.#limit_bytes = limit_bytes;
    this.#disk = disk;
  }

  take(chunk: Uint8Array): void {
    this.#size += chunk.length;
    if (this.#size > this.#limit_bytes) throw tooLarge(this.#limit_bytes);
    this.#sha512.update(chunk);
    this.#sha1.update(chunk);
    if (this.#size <= IN_MEMORY_BYTES) this.#chunks.push(chunk);
    else this.#write(chunk);
  }

  end(): Spooled {
    const { hash, shasum } = { hash: this.#sha512.digest('hex'), shasum: this.#sha1.digest('hex') };
    const isInFile = this.#file !== null;
    this.#close();
    const held = isInFile ? { path: this.#path } : { bytes: Buffer.concat(this.#chunks) };
    return { hash, shasum, size_bytes: this.#size, held };
  }

  drop(): void {
    this.#chunks = [];
    this.#close();
    rmSync(this.#path, { force: true });
  }

  #write(chunk: Uint8Array): void {
    try {
      this.#file ??= this.#disk.create(this.#path);
      for (const earlier of this.#chunks) this.#disk.write(this.#file, earlier);
      this.#chunks = [];
      this.#disk.write(this.#file, chunk);
    } catch (cause) {
      throw blobError('that comes in', `cannot be written: ${(cause as Error).message}`, cause);
    }
  }

  #close(): void {
    if (this.#file === null) return;
    this.#disk.close(this.#file);
    this.#file = null;
  }
}

function tooLarge(limit_bytes: number): ConfigError<'ERR_BODY_TOO_LARGE'> {
  return new ConfigError('ERR_BODY_TOO_LARGE', {
    message: `The upload is larger than ${limit_bytes} bytes`,
    hint: 'Send less, or let whoever runs the registry raise its limit; nothing was kept.',
    details: { limit_bytes },
  });
}
