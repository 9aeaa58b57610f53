/**
 * Deletes the blobs that nothing names any more. A blob is there before the entry that names it, so what is young is
 * left alone, and what was renewed between the look and the deletion stays.
 * @module
 */
import { blobError, type BlobHash, type Blobs } from './blobs.ts';

/** Everybody else has a turn after so many. */
const AT_A_TIME = 100;

export interface CollectOptions {
  /** Since it was kept last: longer than any upload takes, and than a backup's entries may have to be brought back. */
  readonly olderThan_ms: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** The blobs behind this one; default: all. */
  readonly after?: BlobHash;
  /** Whether this part has been long enough, asked after each blob. */
  readonly isEnough?: (report: CollectReport) => boolean;
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
  /** The last one that was looked at, if there may be more behind it; null: that was all. */
  readonly cursor: BlobHash | null;
}

/**
 * `isNamed` is asked in the order of the hashes, and says whether anything needs the blob: a version, or an entry that
 * is not old enough. Errors: ERR_BLOB, those of `isNamed`, the signal's reason.
 */
export async function collect(
  blobs: Blobs,
  isNamed: (hash: BlobHash) => boolean | Promise<boolean>,
  { olderThan_ms, now = Date.now, after, isEnough = () => false, signal, isTrial = false }: CollectOptions,
): Promise<CollectReport> {
  const before = now() - olderThan_ms;
  let last = after ?? '';
  let report: CollectReport = { seen: 0, deleted: 0, size_bytes: 0, cursor: null };
  for await (const { hash, size_bytes, modifiedAt } of blobs.list(after)) {
    signal?.throwIfAborted();
    // Whoever says what is named goes along in that order: what comes out of it could be deleted by mistake.
    if (hash <= last) throw blobError(hash, 'is listed out of order');
    last = hash;
    const isWanted = modifiedAt > before || (await isNamed(hash));
    const isDeleted = !isWanted && (isTrial || (await blobs.delete(hash, before)));
    report = {
      seen: report.seen + 1,
      deleted: report.deleted + (isDeleted ? 1 : 0),
      size_bytes: report.size_bytes + (isDeleted ? size_bytes : 0),
      cursor: null,
    };
    if (isEnough(report)) return { ...report, cursor: hash };
    if (report.seen % AT_A_TIME === 0) await nextTurn();
  }
  return report;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
