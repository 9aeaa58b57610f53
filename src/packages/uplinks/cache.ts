/**
 * What came from uplinks, kept on disk for the next who asks: files with a hash, the least recently used go first when
 * it grows too large. Everything here can be had again, so a file that is damaged or missing is simply not there;
 * nothing is synced, and what is known of the files stands in a side store that may lose its last moments.
 * @module
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { open, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { isConfigError } from '../../errors/errors.ts';
import { openSideStore, type SideStore } from '../../journal/side-store.ts';

const SPACE = 'file';
const INDEX = 'index.db';
const FILES = 'files';
const DRAFTS = 'drafts';
/** Last uses are written down no oftener. */
const USE_NOTED_MS = 60_000;
/** What somebody has just been given is about to be read. */
const IN_HAND_MS = 10_000;

/** What is known of one file. */
export interface Cached {
  readonly size_bytes: number;
  /** SHA-512 of the bytes, in hexadecimal. */
  readonly hash: string;
  /** Milliseconds since 1970: when whoever it is from last said that this is how it is. */
  readonly checkedAt: number;
  /** Validators of the answer that it came with. */
  readonly etag: string | null;
  readonly lastModified: string | null;
}

interface Known extends Cached {
  readonly usedAt: number;
}

export interface CacheOptions {
  /** Made when missing; everything in it is ours. */
  readonly directory: string;
  readonly limit_bytes: number;
  readonly now: () => number;
}

export class Cache implements Disposable {
  readonly #options: CacheOptions;
  readonly #index: SideStore;
  /** By key; the least recently used first. */
  readonly #known = new Map<string, Known>();
  /** Keys whose bytes were read and were right, since this process began. */
  readonly #verified = new Set<string>();
  /** When the use that stands in the index was. */
  readonly #noted = new Map<string, number>();
  #size_bytes = 0;
  /** Of what is on its way: it takes room too. */
  #drafts_bytes = 0;

  /** Forgets what it cannot read: all of it, when the index is damaged. Errors: those of the file system, ERR_STORE. */
  constructor(options: CacheOptions) {
    this.#options = options;
    const { directory } = options;
    rmSync(join(directory, DRAFTS), { recursive: true, force: true });
    for (const folder of [FILES, DRAFTS]) mkdirSync(join(directory, folder), { recursive: true, mode: 0o700 });
    this.#index = openedIndex(directory);
    this.#load();
  }

  /** Without what is on its way. */
  get size_bytes(): number {
    return this.#size_bytes;
  }

  /** null: it is not there. */
  find(key: string): Cached | null {
    return this.#known.get(key) ?? null;
  }

  /** The bytes, if they are there and right; what is not is dropped. */
  async read(key: string): Promise<Uint8Array | null> {
    const known = this.#used(key);
    if (known === null) return null;
    const bytes = await readFile(this.#path(key)).catch(absent);
    if (bytes !== null && hashOf(bytes) === known.hash) return bytes;
    this.drop(key);
    return null;
  }

  /** The file, for whom it is too large to hold. Its bytes are read once by each process before they are given away. */
  async file(key: string): Promise<Blob | null> {
    const known = this.#used(key);
    if (known === null) return null;
    const path = this.#path(key);
    const isThere = this.#verified.has(key)
      ? statSync(path, { throwIfNoEntry: false })?.size === known.size_bytes
      : await this.#isRight(path, known);
    if (!isThere) {
      this.drop(key);
      return null;
    }
    this.#verified.add(key);
    return Bun.file(path);
  }

  /** Keeps bytes that are in memory. What is larger than the whole cache is not kept. */
  async write(key: string, bytes: Uint8Array, facts: Omit<Cached, 'size_bytes' | 'hash'>): Promise<void> {
    if (bytes.length > this.#options.limit_bytes) return;
    await using draft = await this.draft();
    await draft.write(bytes);
    await draft.keep(key, { ...facts, hash: hashOf(bytes) });
  }

  /** A file that is not among the others until it is kept. */
  async draft(): Promise<CacheDraft> {
    const path = join(this.#options.directory, DRAFTS, crypto.randomUUID());
    const file = await open(path, 'wx+', 0o600);
    return new CacheDraft(path, file, {
      keep: (key, facts) => this.#keep(key, path, facts),
      grown: (size_bytes) => this.#grow(size_bytes),
    });
  }

  /** It was said again that this is how it is. */
  check(key: string, checkedAt: number): void {
    const known = this.#known.get(key);
    if (known !== undefined) this.#note(key, { ...known, checkedAt });
  }

  drop(key: string): void {
    const known = this.#known.get(key);
    if (known === undefined) return;
    this.#forget(key);
    rmSync(this.#path(key), { force: true });
  }

  close(): void {
    this.#index.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #keep(key: string, path: string, facts: Cached): Promise<void> {
    if (facts.size_bytes > this.#options.limit_bytes) return;
    await rename(path, this.#path(key));
    this.#forget(key);
    this.#verified.add(key);
    this.#size_bytes += facts.size_bytes;
    this.#note(key, { ...facts, usedAt: this.#options.now() });
    this.#evict();
  }

  #grow(size_bytes: number): void {
    this.#drafts_bytes += size_bytes;
    this.#evict();
  }

  #evict(): void {
    const { limit_bytes, now } = this.#options;
    for (const [key, { usedAt }] of this.#known) {
      if (this.#size_bytes + this.#drafts_bytes <= limit_bytes || now() - usedAt < IN_HAND_MS) return;
      this.drop(key);
    }
  }

  #used(key: string): Known | null {
    const known = this.#known.get(key);
    if (known === undefined) return null;
    const usedAt = this.#options.now();
    const used = { ...known, usedAt };
    this.#known.delete(key);
    this.#known.set(key, used);
    if (usedAt - (this.#noted.get(key) ?? 0) >= USE_NOTED_MS) this.#note(key, used);
    return used;
  }

  #note(key: string, known: Known): void {
    this.#known.set(key, known);
    this.#noted.set(key, known.usedAt);
    this.#index.set(SPACE, key, JSON.stringify(known));
  }

  #forget(key: string): void {
    this.#size_bytes -= this.#known.get(key)?.size_bytes ?? 0;
    this.#known.delete(key);
    this.#verified.delete(key);
    this.#noted.delete(key);
    this.#index.delete(SPACE, key);
  }

  async #isRight(path: string, { size_bytes, hash }: Known): Promise<boolean> {
    if (statSync(path, { throwIfNoEntry: false })?.size !== size_bytes) return false;
    const sum = createHash('sha512');
    for await (const chunk of Bun.file(path).stream()) sum.update(chunk);
    return sum.digest('hex') === hash;
  }

  #load(): void {
    const entries = this.#index
      .entries(SPACE)
      .map(({ key, value }) => ({ key, known: JSON.parse(new TextDecoder().decode(value)) as Known }));
    for (const { key, known } of entries.toSorted((a, b) => a.known.usedAt - b.known.usedAt)) {
      this.#known.set(key, known);
      this.#noted.set(key, known.usedAt);
      this.#size_bytes += known.size_bytes;
    }
    const named = new Set(entries.map(({ key }) => fileOf(key)));
    const folder = join(this.#options.directory, FILES);
    for (const file of readdirSync(folder)) if (!named.has(file)) rmSync(join(folder, file), { recursive: true });
    this.#evict();
  }

  #path(key: string): string {
    return join(this.#options.directory, FILES, fileOf(key));
  }
}

interface DraftOwner {
  readonly keep: (key: string, facts: Cached) => Promise<void>;
  /** Told of what a draft has come to take, or to take no more. */
  readonly grown: (size_bytes: number) => void;
}

/** Bytes on their way into the cache. Disposed of without `keep`, it leaves nothing. */
export class CacheDraft implements AsyncDisposable {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #cache: DraftOwner;
  #size_bytes = 0;
  /** What of it counts as on its way. */
  #counted_bytes = 0;

  constructor(path: string, file: FileHandle, cache: DraftOwner) {
    this.path = path;
    this.#file = file;
    this.#cache = cache;
  }

  get size_bytes(): number {
    return this.#size_bytes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length;) {
      const { bytesWritten } = await this.#file.write(bytes, from, bytes.length - from, this.#size_bytes + from);
      from += bytesWritten;
    }
    this.#size_bytes += bytes.length;
    this.#count(this.#size_bytes);
  }

  async keep(key: string, facts: Omit<Cached, 'size_bytes'>): Promise<void> {
    this.#count(0);
    await this.#cache.keep(key, { ...facts, size_bytes: this.#size_bytes });
  }

  #count(size_bytes: number): void {
    const grown_bytes = size_bytes - this.#counted_bytes;
    this.#counted_bytes = size_bytes;
    this.#cache.grown(grown_bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#count(0);
    await this.#file.close();
    await rm(this.path, { force: true });
  }
}

function openedIndex(directory: string): SideStore {
  const path = join(directory, INDEX);
  try {
    return openSideStore({ path, durable: false });
  } catch (error) {
    if (!isConfigError(error) || error.code !== 'ERR_STORE') throw error;
    for (const end of ['-wal', '-shm']) rmSync(path + end, { force: true });
    renameSync(path, `${path}.damaged`);
    return openSideStore({ path, durable: false });
  }
}

/** One name for the file system, whatever the key says. */
function fileOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha512').update(bytes).digest('hex');
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
