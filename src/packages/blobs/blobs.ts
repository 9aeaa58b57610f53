/**
 * Bytes by their hash: tarballs and what comes with them. What is in the store is whole, durable and never changes; who
 * needs it is known to the journal alone. Two implementations pass one contract suite: a directory, and S3.
 * @module
 */
import { ConfigError } from '../../errors/errors.ts';

/** SHA-512 of the bytes, 128 lower-case hex digits. */
export type BlobHash = string;

export interface StoredBlob {
  readonly hash: BlobHash;
  readonly size_bytes: number;
}

/** Bytes that came and wait for a decision: of the store, but not in it yet. */
export interface Draft {
  readonly hash: BlobHash;
  /** SHA-1, 40 hex digits: what old clients compare. */
  readonly shasum: string;
  readonly size_bytes: number;
  /** The bytes, all or from `start` on, as often as they are asked for. */
  read(start?: number): ReadableStream<Uint8Array>;
  /**
   * Makes it a blob: durable when it resolves. Bytes that are there already need not be written again, but count as
   * modified now, so that what collects leaves them alone.
   */
  keep(): Promise<StoredBlob>;
  /** Lets go of it. Safe after `keep`, and twice. */
  drop(): Promise<void>;
}

/** Errors of all: ERR_BLOB where the storage fails. */
export interface Blobs {
  /**
   * Takes bytes in; memory stays flat. Errors also: whatever the source throws (nothing stays then),
   * ERR_BODY_TOO_LARGE.
   */
  draft(source: AsyncIterable<Uint8Array>, limit_bytes: number): Promise<Draft>;
  /** null: it is not there. */
  stat(hash: BlobHash): Promise<StoredBlob | null>;
  /**
   * The bytes, or some of them (`start` to before `end`), as a body that `Response` takes. ERR_BLOB for one that is
   * not there.
   */
  body(
    hash: BlobHash,
    range?: { readonly start: number; readonly end: number },
  ): Promise<Blob | ReadableStream<Uint8Array>>;
  /** All there are behind `after`, in the order of their hashes. */
  list(after?: BlobHash): AsyncIterable<StoredBlob & { readonly modifiedAt: number }>;
  /** Says whether it did; a blob that is not there, or was modified later than `unlessSince` (ms), stays as it is. */
  delete(hash: BlobHash, unlessSince?: number): Promise<boolean>;
  /** Lets go of drafts that were not kept. */
  close(): Promise<void>;
}

const HASH = /^[0-9a-f]{128}$/;

/** A hash is part of a path: one that is none never gets there. Throws ERR_BLOB. */
export function requireHash(hash: string): BlobHash {
  if (HASH.test(hash)) return hash;
  throw blobError(hash.slice(0, 160), 'is no SHA-512 in hexadecimal');
}

/** ERR_BLOB about one blob, or about what keeps them. */
export function blobError(hash: string, fault: string, cause?: unknown): ConfigError<'ERR_BLOB'> {
  return new ConfigError('ERR_BLOB', {
    message: `The blob ${hash.slice(0, 16)} ${fault}`,
    hint: 'See that the storage is there and has room; `c13 packages scrub` says which blobs are damaged or missing.',
    details: { hash, fault },
    cause,
  });
}
