/**
 * Bytes by their hash: tarballs and what comes with them. What is in the store is whole, durable and never changes; who
 * needs it is known to the journal alone. Two implementations pass one contract suite: a directory, and S3.
 * @module
 */

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
  /** The bytes, as often as they are asked for. */
  read(): ReadableStream<Uint8Array>;
  /** Makes it a blob: durable when it resolves; bytes that are there already are not written again. */
  keep(): Promise<StoredBlob>;
  /** Lets go of it. Safe after `keep`, and twice. */
  drop(): Promise<void>;
}

/** Errors of all: ERR_BLOB where the storage fails. */
export interface Blobs {
  /** Takes bytes in; memory stays flat. Errors also: whatever the source throws (nothing stays then), ERR_BODY_TOO_LARGE. */
  draft(source: AsyncIterable<Uint8Array>, limit_bytes: number): Promise<Draft>;
  /** null: it is not there. */
  stat(hash: BlobHash): Promise<StoredBlob | null>;
  /**
   * The bytes, or some of them (`start` to before `end`), as a body that `Response` takes. ERR_BLOB for one that is not there.
   */
  body(
    hash: BlobHash,
    range?: { readonly start: number; readonly end: number },
  ): Promise<Blob | ReadableStream<Uint8Array>>;
  /** All there are, in no order. */
  list(): AsyncIterable<StoredBlob & { readonly modifiedAt: number }>;
  /** Nothing happens where there is none. */
  delete(hash: BlobHash): Promise<void>;
}
