/**
 * Small things beside the journal: what must be erasable, or is worth nothing later. One file of keys and values in
 * named spaces, for its owner alone; never part of the chain, and never the truth about anything the journal knows.
 *
 * A durable store keeps what it was told through a power loss, and what is erased or replaced leaves its files at once.
 * One that is not durable survives the end of its process, and may lose its last moments with the machine.
 * @module
 */
import { existsSync, lstatSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError, isConfigError } from '../errors/errors.ts';
import { placeWhole } from './copy.ts';
import { Connection } from './database.ts';
import { emptyLog } from './erase.ts';
import { identityOf } from './file-identity.ts';

/** "C13S". A file with another one is not ours. */
const APPLICATION_ID = 0x43313353;
const VERSION = 1;
const SMALLEST_PAGE_BYTES = 512;
const BUSY_TIMEOUT_MS = 2000;
const OTHERS = 0o077;
const SCHEMA = [
  `CREATE TABLE things (space TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, expires_at INTEGER,
    PRIMARY KEY (space, key)) STRICT, WITHOUT ROWID`,
  'CREATE INDEX things_expires_at ON things (expires_at) WHERE expires_at IS NOT NULL',
  `PRAGMA application_id = ${APPLICATION_ID}`,
  `PRAGMA user_version = ${VERSION}`,
];
const IS_THERE = '(expires_at IS NULL OR expires_at > ?)';

export interface SideStoreOptions {
  /** The file, made when missing; its directory must exist. */
  readonly path: string;
  readonly durable: boolean;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly clock?: () => number;
}

export interface SideEntry {
  readonly key: string;
  readonly value: Uint8Array;
  /** Milliseconds since 1970; null: it stays. */
  readonly expiresAt: number | null;
}

interface Row {
  readonly key: string;
  readonly value: Uint8Array;
  readonly expires_at: number | null;
}

/**
 * Blocks while it works: some microseconds a read, a wait for the disk each write of a durable one. Any number of
 * processes may have the same file open. Every method throws ERR_STORE when the file cannot be used.
 * @example
 * using keyring = openSideStore({ path: './keyring.db', durable: true });
 * keyring.set('webhook', 'pager', secret);
 * keyring.get('webhook', 'pager');
 */
export function openSideStore(options: SideStoreOptions): SideStore {
  const path = resolve(options.path);
  return guarded(path, () => {
    if (!existsSync(path)) createFile(path);
    checkFile(path);
    return new SideStore(path, options.durable, options.clock ?? Date.now);
  });
}

export class SideStore implements Disposable {
  readonly path: string;
  readonly #connection: Connection;
  readonly #durable: boolean;
  readonly #clock: () => number;
  readonly #file: string;
  #hasErased: boolean;
  #closed = false;

  constructor(path: string, durable: boolean, clock: () => number) {
    this.path = path;
    this.#durable = durable;
    this.#clock = clock;
    this.#file = identityOf(path);
    this.#connection = new Connection(path, 'write', BUSY_TIMEOUT_MS);
    this.#connection.exec(`PRAGMA synchronous = ${durable ? 'FULL' : 'NORMAL'}`);
    // Whoever erased something may have been killed before it left the log.
    this.#hasErased = durable;
    this.#emptyLog();
  }

  /** As text; null when it is not there, or has expired. */
  get(space: string, key: string): string | null {
    const value = this.getBytes(space, key);
    return value === null ? null : new TextDecoder().decode(value);
  }

  getBytes(space: string, key: string): Uint8Array | null {
    const text = `SELECT value FROM things WHERE space = ? AND key = ? AND ${IS_THERE}`;
    return this.#use(() => this.#connection.get<Row>(text, space, key, this.#clock())?.value ?? null);
  }

  /** `expiresAt` in ms since 1970; left out or null: it stays. */
  set(space: string, key: string, value: string | Uint8Array, expiresAt: number | null = null): void {
    const text = 'INSERT OR REPLACE INTO things VALUES (?, ?, ?, ?)';
    this.#write(() => this.#connection.run(text, space, key, bytesOf(value), expiresAt));
  }

  /** Sets it only where nothing is; false where something was. Of several that ask at once, one is told true. */
  add(space: string, key: string, value: string | Uint8Array, expiresAt: number | null = null): boolean {
    const text = `INSERT INTO things VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value,
      expires_at = excluded.expires_at WHERE NOT ${IS_THERE.replaceAll('expires_at', 'things.expires_at')}`;
    return this.#write(() => this.#connection.run(text, space, key, bytesOf(value), expiresAt, this.#clock()));
  }

  /** Whether something was there. With `value`: only while it is this. Of several at once, one is told true. */
  delete(space: string, key: string, value?: string | Uint8Array): boolean {
    const text = `DELETE FROM things WHERE space = ? AND key = ? AND ${IS_THERE}`;
    if (value === undefined) return this.#write(() => this.#connection.run(text, space, key, this.#clock()));
    return this.#write(() => this.#connection.run(`${text} AND value = ?`, space, key, this.#clock(), bytesOf(value)));
  }

  /** All of a space that have not expired, by key. */
  entries(space: string): SideEntry[] {
    const text = `SELECT key, value, expires_at FROM things WHERE space = ? AND ${IS_THERE} ORDER BY key`;
    const rows = this.#use(() => this.#connection.all<Row>(text, space, this.#clock()));
    return rows.map(({ key, value, expires_at: expiresAt }) => ({ key, value, expiresAt }));
  }

  /** Several writes as one: all or none of them, and one wait for the disk. */
  together<T>(writes: () => T): T {
    const value = this.#use(() => {
      this.#guardFile();
      return this.#connection.transaction('immediate', writes);
    });
    this.#emptyLog();
    return value;
  }

  /** Removes what has expired by `now`; how many they were. What has expired is not seen before that either. */
  sweep(now: number = this.#clock()): number {
    const text = 'DELETE FROM things WHERE expires_at <= ?';
    return this.#changes(() => this.#connection.run(text, now));
  }

  close(): void {
    if (this.#closed) return;
    this.#emptyLog();
    this.#closed = true;
    this.#connection.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #write(statement: () => { changes: number }): boolean {
    return this.#changes(statement) > 0;
  }

  #changes(statement: () => { changes: number }): number {
    const { changes } = this.#use(() => {
      this.#guardFile();
      return statement();
    });
    if (changes > 0) this.#hasErased = this.#durable;
    if (!this.#connection.inTransaction) this.#emptyLog();
    return changes;
  }

  // Others may be reading from the log: then it is emptied after the next write, or at closing.
  #emptyLog(): void {
    if (this.#hasErased && !this.#closed) this.#hasErased = !emptyLog(this.#connection);
  }

  /** SQLite goes on writing to a file that was removed: what is kept must be at the path. */
  #guardFile(): void {
    if (identityOf(this.path) !== this.#file) throw refused(this.path, 'removed or replaced', 'Open it again.');
  }

  #use<T>(action: () => T): T {
    if (this.#closed) throw refused(this.path, 'closed', 'Open it again.');
    return guarded(this.path, action);
  }
}

function createFile(path: string): void {
  const build = (draft: string): void => {
    using connection = new Connection(draft, 'create', BUSY_TIMEOUT_MS);
    for (const statement of SCHEMA) connection.exec(statement);
  };
  placeWhole(path, build, 'keep');
}

// Invariant: what is refused is not written to. A file that may be a live database is opened through SQLite only.
function checkFile(path: string): void {
  const stat = lstatSync(path);
  const { mode, uid, size } = stat;
  if (!stat.isFile()) throw foreign(path);
  if (size < SMALLEST_PAGE_BYTES) throw size === 0 ? damaged(path) : foreign(path);
  if (process.getuid !== undefined && (uid !== process.getuid() || (mode & OTHERS) !== 0)) {
    throw refused(path, 'open to other users', `Make it yours alone: chmod 600 '${path}'`);
  }
  using connection = new Connection(path, 'read', BUSY_TIMEOUT_MS);
  if (connection.pragma('application_id') !== APPLICATION_ID) throw foreign(path);
  if (Number(connection.pragma('user_version')) > VERSION) throw refused(path, 'too new', 'Update this program.');
  if (connection.pragma('quick_check(1)') !== 'ok') throw damaged(path);
}

function guarded<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw storeError(path, error);
  }
}

/** The words of the connection are the journal's; a file beside it has its own. */
function storeError(path: string, error: unknown): unknown {
  if (!isConfigError(error)) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === undefined
      ? error
      : refused(path, code, 'See that its directory is there and can be written.', error);
  }
  if (error.code === 'ERR_JOURNAL_WRITE') return refused(path, error.details.sqlite, error.hint, error);
  if (error.code !== 'ERR_JOURNAL_DAMAGED') return error;
  const isOther = (error.cause as { code?: unknown } | undefined)?.code === 'SQLITE_NOTADB';
  return isOther ? foreign(path, error) : damaged(path, error);
}

function damaged(path: string, cause?: unknown): ConfigError {
  return refused(path, 'damaged', 'Put it back from a backup, or move it away: a new one is made.', cause);
}

function foreign(path: string, cause?: unknown): ConfigError {
  return refused(path, 'not ours', 'Move the file away: a new one is made in its place.', cause);
}

function refused(path: string, fault: string, hint: string, cause?: unknown): ConfigError {
  const message = `The file ${path} cannot be used: ${fault}`;
  return new ConfigError('ERR_STORE', { message, hint, details: { path, fault }, cause });
}

function bytesOf(value: string | Uint8Array): Uint8Array {
  return typeof value === 'string' ? new TextEncoder().encode(value) : value;
}
