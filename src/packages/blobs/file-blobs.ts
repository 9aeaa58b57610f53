/**
 * Blobs in a directory: `ab/ab12...` by hash, drafts beside them on the same file system. A blob's name appears only
 * once its bytes are on the disk, so what can be seen is whole, whenever the process or the machine dies.
 * @module
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, rmSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { blobError, type BlobHash, type Blobs, type Draft, requireHash, type StoredBlob } from './blobs.ts';
import { type Disk, REAL_DISK } from './disk.ts';
import { type DraftDirectory, openDraftDirectory } from './draft-directory.ts';
import { spool, type Spooled, SpooledDraft } from './spool.ts';

const DRAFTS = 'drafts';
const PREFIX = /^[0-9a-f]{2}$/;
const BLOB = /^[0-9a-f]{128}$/;

export interface FileBlobsOptions {
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly disk?: Disk;
}

/**
 * The store in `path`, made where it is missing; drafts of processes that died are swept. Throws ERR_BLOB where it
 * cannot be made or written to.
 * @example const blobs = openFileBlobs(join(dataDirectory, 'blobs'));
 */
export function openFileBlobs(path: string, { now = Date.now, disk = REAL_DISK }: FileBlobsOptions = {}): Blobs {
  try {
    makeDirectories(path);
    return new FileBlobs(path, openDraftDirectory(join(path, DRAFTS)), now, disk);
  } catch (cause) {
    throw blobError(`store ${path}`, `cannot be opened: ${(cause as Error).message}`, cause);
  }
}

class FileBlobs implements Blobs {
  readonly #path: string;
  readonly #drafts: DraftDirectory;
  readonly #now: () => number;
  readonly #disk: Disk;

  constructor(path: string, drafts: DraftDirectory, now: () => number, disk: Disk) {
    this.#path = path;
    this.#drafts = drafts;
    this.#now = now;
    this.#disk = disk;
  }

  async draft(source: AsyncIterable<Uint8Array>, limit_bytes: number): Promise<Draft> {
    const spooled = await spool(source, limit_bytes, this.#drafts.next(), this.#disk);
    return new SpooledDraft(spooled, () => this.#keep(spooled));
  }

  async stat(hash: BlobHash): Promise<StoredBlob | null> {
    const stats = this.#stats(hash);
    return stats === null ? null : { hash, size_bytes: stats.size };
  }

  async body(hash: BlobHash, range?: { readonly start: number; readonly end: number }): Promise<Blob> {
    if (this.#stats(hash) === null) throw blobError(hash, 'is not there');
    const file = Bun.file(this.#pathOf(hash));
    return range === undefined ? file : file.slice(range.start, range.end);
  }

  async *list(after = ''): AsyncIterable<StoredBlob & { readonly modifiedAt: number }> {
    const isLeft = (name: string): boolean => name >= after.slice(0, name.length) && name !== after;
    for (const prefix of namesIn(this.#path).filter((name) => PREFIX.test(name) && isLeft(name))) {
      for (const hash of namesIn(join(this.#path, prefix)).filter((name) => BLOB.test(name) && isLeft(name))) {
        const stats = this.#stats(hash);
        if (stats !== null) yield { hash, size_bytes: stats.size, modifiedAt: stats.mtimeMs };
      }
    }
  }

  /** Looks and removes without a pause: who keeps the same bytes renews it before, or finds nothing after. */
  async delete(hash: BlobHash, unlessSince = Number.POSITIVE_INFINITY): Promise<boolean> {
    const stats = this.#stats(hash);
    if (stats === null || stats.mtimeMs > unlessSince) return false;
    try {
      this.#disk.remove(this.#pathOf(hash));
    } catch (cause) {
      throw blobError(hash, `cannot be removed: ${(cause as Error).message}`, cause);
    }
    return true;
  }

  async close(): Promise<void> {
    this.#drafts.close();
  }

  /** Where the bytes then are. */
  async #keep({ hash, size_bytes, held }: Spooled): Promise<string> {
    const path = this.#pathOf(hash);
    const directory = join(this.#path, hash.slice(0, 2));
    try {
      if (this.#stats(hash)?.size !== size_bytes || !this.#disk.touch(path, this.#now())) {
        const draft = 'path' in held ? held.path : this.#drafts.next();
        await this.#secure(held, draft);
        this.#disk.rename(draft, path);
      }
      await this.#disk.syncDirectory(directory);
    } catch (cause) {
      throw blobError(hash, `cannot be kept: ${(cause as Error).message}`, cause);
    }
    return path;
  }

  /** All of it on the disk, under a name that nobody looks for. */
  async #secure(held: Spooled['held'], draft: string): Promise<void> {
    const file = 'path' in held ? this.#disk.reopen(draft) : this.#disk.create(draft);
    try {
      if ('bytes' in held) this.#disk.write(file, held.bytes);
      await this.#disk.sync(file);
    } catch (error) {
      if ('bytes' in held) rmSync(draft, { force: true });
      throw error;
    } finally {
      this.#disk.close(file);
    }
  }

  #stats(hash: BlobHash): Stats | null {
    try {
      return statSync(this.#pathOf(hash), { throwIfNoEntry: false }) ?? null;
    } catch (cause) {
      throw blobError(hash, `cannot be looked at: ${(cause as Error).message}`, cause);
    }
  }

  #pathOf(hash: BlobHash): string {
    return join(this.#path, requireHash(hash).slice(0, 2), hash);
  }
}

/** All that there can be, durable before there is anything in one: no blob waits for its directory. */
function makeDirectories(path: string): void {
  const prefixes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
  const made = prefixes.filter(
    (prefix) => mkdirSync(join(path, prefix), { recursive: true, mode: 0o700 }) !== undefined,
  );
  if (made.length === 0) return;
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** In order; nothing where there is no such directory. */
function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).toSorted();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw blobError(`store ${directory}`, `cannot be listed: ${(error as Error).message}`, error);
  }
}
