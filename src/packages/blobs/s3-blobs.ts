/**
 * Blobs in a bucket, as `blobs/<hash>`. What comes in is taken whole into a file of this machine first and then put in
 * one piece, because a stream to S3 that breaks off may still complete; what was put is held against its hash.
 * @module
 */
import { S3Client } from 'bun';
import { blobError, type BlobHash, type Blobs, type Draft, requireHash, type StoredBlob } from './blobs.ts';
import { REAL_DISK } from './disk.ts';
import { type DraftDirectory, openDraftDirectory } from './draft-directory.ts';
import { codeOf, faultOf, isFinal } from './s3-faults.ts';
import { fileOf, spool, type Spooled, SpooledDraft } from './spool.ts';

export interface S3Place {
  readonly bucket: string;
  /** Of keys: '' or `team/registry/`. */
  readonly prefix: string;
  /** undefined: AWS. */
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
}

export interface S3BlobsOptions {
  /** A directory of this machine. */
  readonly drafts: string;
  /** Of one call without a body; the client itself waits for ever. */
  readonly timeout_ms?: number;
  /** Resolves after so many milliseconds, before something is tried again. */
  readonly wait?: (ms: number) => Promise<void>;
}

/** The store in a bucket that is there. Throws ERR_BLOB where `drafts` cannot be made. */
export function openS3Blobs(place: S3Place, { drafts, timeout_ms = 30_000, wait = Bun.sleep }: S3BlobsOptions): Blobs {
  const { prefix, ...rest } = place;
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  try {
    return new S3Blobs(new S3Client(given), `${prefix}blobs/`, openDraftDirectory(drafts), timeout_ms, wait);
  } catch (cause) {
    throw blobError(`store ${drafts}`, `cannot be opened: ${(cause as Error).message}`, cause);
  }
}

const ATTEMPTS = 3;
const FIRST_WAIT_MS = 200;
/** What a line carries at least. */
const BYTES_PER_MS = 100;
const GONE: ReadonlySet<string> = new Set(['NoSuchKey', 'NotFound', 'ENOENT']);
const PAGE = 1000;
const HASH_OF_NOTHING = new Bun.CryptoHasher('sha512').digest('hex');

class S3Blobs implements Blobs {
  readonly #client: S3Client;
  readonly #prefix: string;
  readonly #drafts: DraftDirectory;
  readonly #timeout_ms: number;
  readonly #wait: (ms: number) => Promise<void>;
  /** The last thing that is done with each blob: what keeps it and what deletes it take turns. */
  readonly #turns = new Map<BlobHash, Promise<unknown>>();

  constructor(
    client: S3Client,
    prefix: string,
    drafts: DraftDirectory,
    timeout_ms: number,
    wait: (ms: number) => Promise<void>,
  ) {
    this.#client = client;
    this.#prefix = prefix;
    this.#drafts = drafts;
    this.#timeout_ms = timeout_ms;
    this.#wait = wait;
  }

  async draft(source: AsyncIterable<Uint8Array>, limit_bytes: number): Promise<Draft> {
    const spooled = await spool(source, limit_bytes, this.#drafts.next(), REAL_DISK);
    return new SpooledDraft(spooled, async () => {
      await this.#inTurn(spooled.hash, () => this.#put(spooled));
      return null;
    });
  }

  async stat(hash: BlobHash): Promise<StoredBlob | null> {
    const stats = await this.#stats(hash);
    return stats === null ? null : { hash, size_bytes: stats.size };
  }

  /** Not the file itself: `Response` would send the client away to the bucket. */
  async body(hash: BlobHash, range?: { readonly start: number; readonly end: number }): Promise<ReadableStream> {
    if ((await this.#stats(hash)) === null) throw blobError(hash, 'is not there');
    const file = this.#client.file(this.#keyOf(hash));
    return (range === undefined ? file : file.slice(range.start, range.end)).stream();
  }

  async *list(after?: BlobHash): AsyncIterable<StoredBlob & { readonly modifiedAt: number }> {
    let startAfter = after === undefined ? undefined : this.#keyOf(after);
    do {
      const options = { prefix: this.#prefix, maxKeys: PAGE, ...(startAfter === undefined ? {} : { startAfter }) };
      const { contents = [], isTruncated } = await this.#tried('list', () => this.#client.list(options));
      // Not every storage keeps to the order within a page.
      for (const { key, size = 0, lastModified = '' } of contents.toSorted(byKey)) {
        const hash = key.slice(this.#prefix.length);
        if (/^[0-9a-f]{128}$/.test(hash))
          yield { hash, size_bytes: size, modifiedAt: Date.parse(String(lastModified)) };
      }
      startAfter = isTruncated === true ? contents.toSorted(byKey).at(-1)?.key : undefined;
    } while (startAfter !== undefined);
  }

  async delete(hash: BlobHash, unlessSince = Number.POSITIVE_INFINITY): Promise<boolean> {
    return await this.#inTurn(hash, async () => {
      const stats = await this.#stats(hash);
      if (stats === null || stats.lastModified.getTime() > unlessSince) return false;
      await this.#tried(hash, () => this.#client.delete(this.#keyOf(hash)));
      return true;
    });
  }

  async close(): Promise<void> {
    this.#drafts.close();
  }

  /** Also where it is there already: only so does it count as modified now. */
  async #put(spooled: Spooled): Promise<void> {
    const { hash, size_bytes } = spooled;
    const time_ms = this.#timeout_ms + size_bytes / BYTES_PER_MS;
    await this.#tried(hash, () => this.#client.write(this.#keyOf(hash), fileOf(spooled.held)), time_ms);
    const stats = await this.#stats(hash);
    if (stats?.size !== size_bytes) throw blobError(hash, 'was put, and is not there whole');
    // Where the storage says an MD5, that saves reading it back.
    if (stats.etag.replaceAll('"', '') === (await md5Of(fileOf(spooled.held)))) return;
    const found = await this.#tried(hash, () => sha512Of(this.#client.file(this.#keyOf(hash))), time_ms);
    if (found !== hash) throw blobError(hash, 'was put, and other bytes are there');
  }

  async #stats(hash: BlobHash) {
    const key = this.#keyOf(hash);
    return await this.#tried(hash, async () => {
      try {
        const stats = await this.#client.stat(key);
        // Seen once in a thousand answers that said more: the client then tells a size of 0.
        if (stats.size === 0 && hash !== HASH_OF_NOTHING) throw new Error('it is said to be empty');
        return stats;
      } catch (error) {
        if (GONE.has(codeOf(error))) return null;
        throw error;
      }
    });
  }

  async #inTurn<T>(hash: BlobHash, action: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(hash) ?? Promise.resolve()).then(action, action);
    this.#turns.set(hash, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(hash) === turn) this.#turns.delete(hash);
    }
  }

  /** The client neither ends what hangs nor tries again. */
  async #tried<T>(hash: string, action: () => Promise<T>, time_ms = this.#timeout_ms): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await inTime(action(), time_ms);
      } catch (cause) {
        if (attempt === ATTEMPTS || isFinal(cause))
          throw blobError(hash, `cannot be had, the storage failed: ${faultOf(cause)}`, cause);
        await this.#wait(FIRST_WAIT_MS * 4 ** (attempt - 1));
      }
    }
  }

  #keyOf(hash: BlobHash): string {
    return `${this.#prefix}${requireHash(hash)}`;
  }
}

function byKey(a: { readonly key: string }, b: { readonly key: string }): number {
  return a.key < b.key ? -1 : 1;
}

async function inTime<T>(action: Promise<T>, time_ms: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer after ${Math.round(time_ms / 1000)} s`)), time_ms);
  try {
    return await Promise.race([action, promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function md5Of(file: Blob): Promise<string> {
  return await digest(file, new Bun.CryptoHasher('md5'));
}

async function sha512Of(file: Blob): Promise<string> {
  return await digest(file, new Bun.CryptoHasher('sha512'));
}

async function digest(file: Blob, hasher: Bun.CryptoHasher): Promise<string> {
  for await (const chunk of file.stream()) hasher.update(chunk);
  return hasher.digest('hex');
}
