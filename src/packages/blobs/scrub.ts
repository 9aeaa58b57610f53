/** Reads every blob again and holds it against its name: a disk that forgets tells nobody by itself. @module */
import { isConfigError } from '../../errors/errors.ts';
import type { BlobHash, Blobs } from './blobs.ts';

export interface ScrubProgress {
  readonly checked: number;
  readonly size_bytes: number;
}

export interface ScrubReport extends ScrubProgress {
  /** Named, and not there. */
  readonly missing: readonly BlobHash[];
  /** There, with other bytes than its name says. */
  readonly damaged: readonly BlobHash[];
}

/**
 * Goes through all of the hashes, one after the other, each once. Errors: ERR_BLOB where the storage itself fails, and
 * the signal's reason.
 * @example const { missing, damaged } = await scrub(blobs, hashes, ({ checked }) => console.log(checked));
 */
export async function scrub(
  blobs: Blobs,
  hashes: AsyncIterable<BlobHash> | Iterable<BlobHash>,
  onProgress: (progress: ScrubProgress) => void = () => undefined,
  signal?: AbortSignal,
): Promise<ScrubReport> {
  const [missing, damaged]: [BlobHash[], BlobHash[]] = [[], []];
  const seen = new Set<BlobHash>();
  let size_bytes = 0;
  for await (const hash of hashes) {
    signal?.throwIfAborted();
    if (seen.has(hash)) continue;
    seen.add(hash);
    const found = await readBack(blobs, hash, signal);
    size_bytes += found?.size_bytes ?? 0;
    if (found === null) missing.push(hash);
    else if (found.hash !== hash) damaged.push(hash);
    onProgress({ checked: seen.size, size_bytes });
  }
  return { checked: seen.size, size_bytes, missing, damaged };
}

/** null: it is not there. */
async function readBack(
  blobs: Blobs,
  hash: BlobHash,
  signal: AbortSignal | undefined,
): Promise<{ readonly hash: BlobHash; readonly size_bytes: number } | null> {
  const body = await bodyOf(blobs, hash);
  if (body === null) return null;
  const hasher = new Bun.CryptoHasher('sha512');
  let size_bytes = 0;
  for await (const chunk of body instanceof Blob ? body.stream() : body) {
    signal?.throwIfAborted();
    hasher.update(chunk);
    size_bytes += chunk.length;
  }
  return { hash: hasher.digest('hex'), size_bytes };
}

async function bodyOf(blobs: Blobs, hash: BlobHash): Promise<Blob | ReadableStream<Uint8Array> | null> {
  try {
    return await blobs.body(hash);
  } catch (error) {
    if (isConfigError(error) && error.code === 'ERR_BLOB' && (await blobs.stat(hash)) === null) return null;
    throw error;
  }
}
