/**
 * Deletes the blobs that nothing names any more. A blob is there before the entry that names it, so what is young is
 * left alone, and what was renewed between the look and the deletion stays.
 * @module
 */
import type { BlobHash, Blobs } from './blobs.ts';

export interface CollectOptions {
  /** Since it was kept last: longer than any upload takes, and than a backup's entries may have to be brought back. */
  readonly olderThan_ms: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly onProgress?: (report: CollectReport) => void;
  readonly signal?: AbortSignal;
  /** Only says what it would delete. */
  readonly isTrial?: boolean;
}

export interface CollectReport {
  /** Blobs that were looked at. */
  readonly seen: number;
  readonly deleted: number;
  /** Of what was deleted. */
  readonly size_bytes: number;
}

/**
 * `isNamed` says whether anything needs the blob: a version, or an entry that is not old enough. Errors: ERR_BLOB,
 * those of `isNamed`, the signal's reason.
 */
export async function collect(
  blobs: Blobs,
  isNamed: (hash: BlobHash) => boolean | Promise<boolean>,
  { olderThan_ms, now = Date.now, onProgress, signal, isTrial = false }: CollectOptions,
): Promise<CollectReport> {
  const before = now() - olderThan_ms;
  let report: CollectReport = { seen: 0, deleted: 0, size_bytes: 0 };
  for await (const { hash, size_bytes, modifiedAt } of blobs.list()) {
    signal?.throwIfAborted();
    const isWanted = modifiedAt > before || (await isNamed(hash));
    const isDeleted = !isWanted && (isTrial || (await blobs.delete(hash, before)));
    report = {
      seen: report.seen + 1,
      deleted: report.deleted + (isDeleted ? 1 : 0),
      size_bytes: report.size_bytes + (isDeleted ? size_bytes : 0),
    };
    onProgress?.(report);
  }
  return report;
}
