/**
 * The journal over SQLite, synchronous: every invariant of an append is kept here, inside one transaction. Runs in a
 * worker, a command or a test; a server's event loop reaches it through `sqlite.ts` only.
 * @module
 */

import { resolve } from 'node:path';
import { ConfigError } from '../errors/errors.ts';
import { appendEntry } from './append.ts';
import { writeBackup } from './backup.ts';
import type { Connection } from './database.ts';
import { appendErasure, emptyLog } from './erase.ts';
import { MAX_REVISION, MAX_TIME_MS } from './journal.ts';
import type { Anchor, Backup, Entry, Head, Moment, NewEntry, Page, ReadQuery, VerifyReport } from './journal.ts';
import { checkName, checkNewEntries, checkRange, checkReason } from './border.ts';
import { identityOf } from './file-identity.ts';
import { openJournalFile } from './open.ts';
import type { Projection } from './projection.ts';
import { Projector } from './projector.ts';
import { readPage } from './read.ts';
import { latestOf, readHead, seqAt, storeHead, streamHead } from './rows.ts';
import { losesTransaction, writeFailed } from './sqlite-error.ts';
import { drain } from './steps.ts';
import type { Progress } from './steps.ts';
import { verifyChain } from './verify.ts';

/** The longest wait SQLite can hold. */
const MAX_BUSY_TIMEOUT_MS = 0x7fffffff;

export interface EngineOptions {
  /** The file, made when missing (its directory must exist), or `:memory:`. */
  readonly path: string;
  readonly projections?: readonly Projection[];
  /** Open only the journal that has this id: a missing file is not made. `ERR_JOURNAL_WRITE` when it is gone. */
  readonly expectedId?: string;
  /** Open for reading: works on replicas and in read-only directories; projections answer as they were left. */
  readonly readonly?: boolean;
  /** How long to wait for another process's transaction. Default 5000. */
  readonly busyTimeoutMs?: number;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly clock?: () => number;
}

export type Outcome =
  | { readonly ok: true; readonly entries: readonly Entry[] }
  | { readonly ok: false; readonly error: unknown };

/**
 * Opens a journal: quick (the header, the head and the newest entry are checked; `verify` checks the rest), and without
 * writing, unless the file is new or has an older version.
 *
 * @example
 * using engine = openEngine({ path: './config.db', projections: [configs] });
 * const entry = engine.latest('config:default');
 */
export function openEngine(options: EngineOptions): Engine {
  const { path, readonly = false, busyTimeoutMs = 5000, clock = Date.now } = options;
  checkRange('busyTimeoutMs', busyTimeoutMs, 0, MAX_BUSY_TIMEOUT_MS);
  const { expectedId } = options;
  const connection = openJournalFile(path, { readonly, busyTimeoutMs, mustExist: expectedId !== undefined });
  try {
    const engine = new Engine(connection, options.projections ?? [], readonly, clock);
    if (expectedId === undefined || engine.id === expectedId) return engine;
    throw writeFailed(path, 'replaced', 'Close it and open it again: another journal is at its path now.');
  } catch (error) {
    connection.close();
    throw error;
  }
}

export class Engine implements Disposable {
  readonly id: string;
  readonly path: string;
  readonly #connection: Connection;
  readonly #projector: Projector;
  readonly #readonly: boolean;
  readonly #clock: () => number;
  readonly #location: string;
  readonly #file: string;
  #eraseLog = false;
  #closed = false;

  constructor(connection: Connection, projections: readonly Projection[], readonly: boolean, clock: () => number) {
    this.path = connection.path;
    // The process may change its directory later.
    this.#location = connection.path === ':memory:' ? connection.path : resolve(connection.path);
    this.#file = identityOf(this.#location);
    this.id = connection.get<{ journal_id: string }>('SELECT journal_id FROM meta')!.journal_id;
    this.#connection = connection;
    this.#projector = new Projector(connection, projections);
    this.#readonly = readonly;
    this.#clock = clock;
  }

  /** One append; throws what `Journal.append` rejects with. */
  append(entries: readonly NewEntry[]): readonly Entry[] {
    const outcome = this.appendBatch([entries])[0]!;
    if (outcome.ok) return outcome.entries;
    throw outcome.error;
  }

  /**
   * Several callers' appends in one transaction, a savepoint each: one is refused without touching the others. When the
   * transaction itself fails, all are refused, and nothing of any of them was kept.
   */
  appendBatch(batch: readonly (readonly NewEntry[])[]): Outcome[] {
    try {
      return this.#write((head) => {
        let newest = head;
        const outcomes = batch.map((entries): Outcome => {
          try {
            const appended = this.#connection.savepoint(() => this.#appendGroup(newest, entries));
            newest = appended.at(-1)!;
            return { ok: true, entries: appended };
          } catch (error) {
            if (losesTransaction(error) || !this.#connection.inTransaction) throw error;
            return { ok: false, error };
          }
        });
        return { value: outcomes, newest };
      });
    } catch (error) {
      return batch.map(() => ({ ok: false, error }));
    }
  }

  /** See `Journal.redact`. */
  redact(seq: number, { actor, reason }: { readonly actor: string; readonly reason: string }): Entry {
    checkRange('seq', seq, 1, MAX_REVISION);
    checkName('actor', actor);
    checkReason('reason', reason);
    const entry = this.#write((head) => {
      const newest = appendErasure(this.#connection, head, this.#clock(), seq, { actor, reason });
      // As with every entry, a projection may refuse it; it still knows what it is asked to forget.
      this.#projector.apply(newest);
      // Projections may hold what the body said. Each is made again from the entries as they are now.
      this.#projector.dropAll();
      return { value: newest, newest };
    });
    this.#eraseLog = true;
    this.#emptyLog();
    return entry;
  }

  read(query: ReadQuery): Page {
    return this.#open().transaction('deferred', () => readPage(this.#connection, query));
  }

  head(): Head {
    return readHead(this.#open());
  }

  streamHead(stream: string): number {
    return streamHead(this.#open(), stream);
  }

  latest(stream: string, { seq = MAX_REVISION, at }: Moment = {}): Entry | null {
    checkRange('seq', seq, 0, MAX_REVISION);
    if (at !== undefined) checkRange('at', at, 0, MAX_TIME_MS);
    return this.#open().transaction('deferred', () => {
      const bound = at === undefined ? seq : Math.min(seq, seqAt(this.#connection, at, readHead(this.#connection).seq));
      return latestOf(this.#connection, stream, bound);
    });
  }

  /** Runs a named query in one read transaction, after catching up. Writing inside it fails. */
  query(projection: string, name: string, params: unknown): unknown {
    this.#open();
    this.#projector.find(projection);
    if (this.#readonly) this.#projector.requireMade(projection);
    else drain(this.catchUp());
    this.#connection.exec('PRAGMA query_only = ON');
    try {
      return this.#connection.transaction('deferred', () => this.#projector.query(projection, name, params));
    } finally {
      this.#connection.exec('PRAGMA query_only = OFF');
    }
  }

  /** Entries our projections still lack. */
  lag(): number {
    return this.#readonly ? 0 : this.#projector.lag(readHead(this.#open()).seq);
  }

  /** Brings our projections to the head, a transaction a step. */
  *catchUp(): Generator<Progress, void> {
    const total = this.lag();
    for (let left = total; left > 0; left = this.lag()) {
      this.#open().transaction('immediate', () => this.#projector.step(readHead(this.#connection).seq));
      yield { done: Math.max(0, total - left), total };
    }
  }

  /** Drops a projection; the next `catchUp`, append or query makes it again. */
  drop(projection: string): void {
    this.#writable().transaction('immediate', () => this.#projector.drop(projection));
  }

  /** The chain, a slice a step. */
  verify(anchor?: Anchor): Generator<Progress, VerifyReport> {
    return verifyChain(this.#open(), anchor);
  }

  backup(path: string): Backup {
    return writeBackup(this.#open(), path);
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

  // Invariant: the head is read, the expectation checked, the entry inserted, the projections applied and the head
  // stored inside one BEGIN IMMEDIATE. A head read outside lets two processes extend the same entry.
  #write<T>(inside: (head: Head) => { value: T; newest: Head }): T {
    this.#writable();
    drain(this.catchUp());
    const value = this.#connection.transaction('immediate', () => {
      const head = readHead(this.#connection);
      while (this.#projector.step(head.seq));
      const { value, newest } = inside(head);
      if (newest.seq > head.seq) {
        storeHead(this.#connection, newest.seq, newest.hash);
        this.#projector.storeApplied(newest.seq);
      }
      return value;
    });
    this.#emptyLog();
    return value;
  }

  #appendGroup(head: Head, entries: readonly NewEntry[]): Entry[] {
    checkNewEntries(entries);
    const appended: Entry[] = [];
    for (const entry of entries) {
      const inserted = appendEntry(this.#connection, appended.at(-1) ?? head, this.#clock(), entry);
      this.#projector.apply(inserted);
      appended.push(inserted);
    }
    return appended;
  }

  // The log may still hold erased bytes. It can be emptied only while no other connection reads from it, so an attempt
  // that finds one is made again after every write and at close, without waiting.
  #emptyLog(): void {
    if (this.#eraseLog && !this.#closed) this.#eraseLog = !emptyLog(this.#connection);
  }

  #open(): Connection {
    if (!this.#closed) return this.#connection;
    throw new ConfigError('ERR_CLOSED', {
      message: `The journal ${this.path} is closed.`,
      hint: 'Open it again.',
      details: { what: this.path },
    });
  }

  // Invariant: what was acknowledged can be found at the path. SQLite goes on writing to a file that was removed.
  #writable(): Connection {
    if (this.#readonly) {
      throw writeFailed(this.path, 'opened read-only', 'Open it without readonly to write; reads go on.');
    }
    const connection = this.#open();
    if (identityOf(this.#location) === this.#file) return connection;
    throw writeFailed(this.path, 'removed or replaced', 'Close it and open it again: another file is at its path now.');
  }
}
