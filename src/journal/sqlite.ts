/**
 * The journal for a program with an event loop: every touch of the disk happens in a worker, so nothing here waits for
 * one. Must not import anything that loads `bun:sqlite`.
 * @module
 */

import { ConfigError } from '../errors/errors.ts';
import type {
  Backup,
  Entry,
  Head,
  Journal,
  Moment,
  NewEntry,
  Page,
  ReadQuery,
  VerifyOptions,
  VerifyReport,
} from './journal.ts';
import { Listeners, timed } from './listeners.ts';
import type { Projection } from './projection.ts';
import { Remote } from './remote.ts';
import type { WireOptions } from './wire.ts';

export interface SqliteJournalOptions extends WireOptions {
  /** Starts a worker whose module calls `serveJournal` with the domain's projections. */
  readonly worker: () => Worker;
  /** Called when the worker dies though nobody closed the journal, which answers nothing any more. */
  readonly onDeath?: () => void;
}

/**
 * Opens a journal in a worker. Errors: those of `openEngine`, and `ERR_CLOSED` when the worker cannot start.
 *
 * An idle journal does not keep the process alive; one with calls under way does, until they are decided. So a program
 * may simply end: what it awaited is on disk. `process.exit` waits for nothing: `await journal.close()` before it.
 *
 * @example
 * const journal = await openSqliteJournal({
 *   path: './config.db',
 *   worker: () => new Worker(new URL('./journal-worker.ts', import.meta.url).href),
 * });
 */
export async function openSqliteJournal({ worker, onDeath, ...options }: SqliteJournalOptions): Promise<Journal> {
  const remote = new Remote(worker(), options.path, onDeath);
  try {
    const { id, path } = await remote.call('open', [options]);
    return new SqliteJournal(remote, { ...options, path, worker }, id);
  } catch (error) {
    remote.end();
    throw error;
  }
}

class SqliteJournal implements Journal {
  readonly id: string;
  readonly path: string;
  readonly #remote: Remote;
  readonly #options: SqliteJournalOptions;
  readonly #appended = new Listeners<[entries: readonly Entry[]]>();
  readonly #answered = new Listeners<[duration_ms: number, error: unknown]>();
  readonly #backups = new Set<Promise<Backup>>();
  #closing: Promise<void> | null = null;

  constructor(remote: Remote, options: SqliteJournalOptions, id: string) {
    this.id = id;
    this.path = options.path;
    this.#remote = remote;
    this.#options = options;
  }

  async append(entries: readonly NewEntry[]): Promise<readonly Entry[]> {
    const appended = await timed(this.#answered, () => this.#remote.call('append', [entries]));
    if (appended.length > 0) this.#appended.tell(appended);
    return appended;
  }

  read(query: ReadQuery): Promise<Page> {
    return this.#remote.call('read', [query]);
  }

  head(): Promise<Head> {
    return this.#remote.call('head', []);
  }

  streamHead(stream: string): Promise<number> {
    return this.#remote.call('streamHead', [stream]);
  }

  latest(stream: string, moment?: Moment): Promise<Entry | null> {
    return this.#remote.call('latest', [stream, moment]);
  }

  query(projection: Projection, name: string, params: unknown): Promise<any> {
    return this.#remote.call('query', [projection.name, name, params]);
  }

  rebuild(projection: Projection): Promise<void> {
    return this.#remote.call('rebuild', [projection.name]);
  }

  async verify({ anchor, onProgress, signal }: VerifyOptions = {}): Promise<VerifyReport> {
    signal?.throwIfAborted();
    return await this.#remote.call('verify', [anchor], { onProgress, signal });
  }

  async redact(seq: number, by: { readonly actor: string; readonly reason: string }): Promise<Entry> {
    const entry = await this.#remote.call('redact', [seq, by]);
    this.#appended.tell([entry]);
    return entry;
  }

  // A copy is one long statement. It is made in a worker of its own, over a connection of its own: appends go on.
  // A journal in memory has no second connection.
  async backup(path: string): Promise<Backup> {
    this.#remote.guard();
    if (this.path === ':memory:') return await this.#remote.call('backup', [path]);
    const copying = this.#copy(path);
    this.#backups.add(copying);
    try {
      return await copying;
    } finally {
      this.#backups.delete(copying);
    }
  }

  onAppend(listener: (entries: readonly Entry[]) => void): () => void {
    return this.#appended.add(listener);
  }

  onAnswered(listener: (duration_ms: number, error: unknown) => void): () => void {
    return this.#answered.add(listener);
  }

  async flush(): Promise<void> {
    await this.#remote.settled();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      // The worker finishes what it was sent before it answers this; nothing can be sent after it.
      if (this.#remote.alive) await this.#remote.last('close', []);
      await Promise.allSettled(this.#backups);
    } finally {
      this.#remote.end();
    }
  }

  async #copy(path: string): Promise<Backup> {
    const { worker, ...options } = this.#options;
    const remote = new Remote(worker(), this.path);
    try {
      await remote.call('open', [{ ...options, readonly: true }]);
      const backup = await remote.call('backup', [path]);
      await remote.last('close', []);
      return backup;
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      throw new ConfigError('ERR_BACKUP', {
        message: `No backup was written to ${path}: ${(error as Error).message}`,
        hint: 'Verify the journal, then try again.',
        details: { path },
        cause: error,
      });
    } finally {
      remote.end();
    }
  }
}
