/**
 * The journal on the thread that calls it: group commit and turns over the engine. For a worker, a command or a test;
 * where an event loop must not wait for a disk, use `sqlite.ts`, which speaks to this one in a worker.
 * @module
 */

import { ConfigError } from '../errors/errors.ts';
import { openEngine } from './engine.ts';
import type { Engine, EngineOptions } from './engine.ts';
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
import { drainInTurns, nextTurn } from './steps.ts';

/** Appends that share one transaction at most; the rest waits for the next. */
const MAX_BATCH_APPENDS = 256;

interface Waiting {
  readonly entries: readonly NewEntry[];
  readonly resolve: (entries: readonly Entry[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Opens a journal whose work is done on this thread, between its other events. Errors: those of `openEngine`. */
export function openLocalJournal(options: EngineOptions): LocalJournal {
  return new LocalJournal(openEngine(options));
}

export class LocalJournal implements Journal {
  readonly id: string;
  readonly path: string;
  readonly #engine: Engine;
  readonly #appended = new Listeners<[entries: readonly Entry[]]>();
  readonly #answered = new Listeners<[duration_ms: number, error: unknown]>();
  readonly #running = new Set<Promise<unknown>>();
  #waiting: Waiting[] = [];
  #committing = false;
  #closing: Promise<void> | null = null;

  constructor(engine: Engine) {
    this.id = engine.id;
    this.path = engine.path;
    this.#engine = engine;
  }

  append(entries: readonly NewEntry[]): Promise<readonly Entry[]> {
    const append = (): Promise<readonly Entry[]> =>
      new Promise((resolve, reject) => {
        this.#waiting.push({ entries: copyBodies(entries), resolve, reject });
        if (!this.#committing) void this.#commitWaiting();
      });
    return timed(this.#answered, () => this.#run(append));
  }

  read(query: ReadQuery): Promise<Page> {
    return this.#run(async () => this.#engine.read(query));
  }

  head(): Promise<Head> {
    return this.#run(async () => this.#engine.head());
  }

  streamHead(stream: string): Promise<number> {
    return this.#run(async () => this.#engine.streamHead(stream));
  }

  latest(stream: string, moment?: Moment): Promise<Entry | null> {
    return this.#run(async () => this.#engine.latest(stream, moment));
  }

  query(projection: Projection, name: string, params: unknown): Promise<any> {
    return this.queryByName(projection.name, name, params);
  }

  /** `query` for a caller that has the projection's name only. */
  queryByName(projection: string, name: string, params: unknown): Promise<unknown> {
    return this.#run(async () => {
      await this.#catchUp();
      return this.#engine.query(projection, name, params);
    });
  }

  rebuild(projection: Pick<Projection, 'name'>): Promise<void> {
    return this.#run(async () => {
      this.#engine.drop(projection.name);
      await this.#catchUp();
    });
  }

  verify({ anchor, onProgress, signal }: VerifyOptions = {}): Promise<VerifyReport> {
    return this.#run(async () => {
      signal?.throwIfAborted();
      return await drainInTurns(this.#engine.verify(anchor), ({ done, total }) => {
        onProgress?.(done, total);
        signal?.throwIfAborted();
      });
    });
  }

  redact(seq: number, by: { readonly actor: string; readonly reason: string }): Promise<Entry> {
    return this.#run(async () => {
      await this.#catchUp();
      const entry = this.#engine.redact(seq, by);
      this.#appended.tell([entry]);
      await this.#catchUp();
      return entry;
    });
  }

  backup(path: string): Promise<Backup> {
    return this.#run(async () => this.#engine.backup(path));
  }

  onAppend(listener: (entries: readonly Entry[]) => void): () => void {
    return this.#appended.add(listener);
  }

  onAnswered(listener: (duration_ms: number, error: unknown) => void): () => void {
    return this.#answered.add(listener);
  }

  async flush(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  close(): Promise<void> {
    this.#closing ??= this.flush().then(() => this.#engine.close());
    return this.#closing;
  }

  // Everything that is waiting when a turn comes shares one transaction, and so one wait for the disk.
  async #commitWaiting(): Promise<void> {
    this.#committing = true;
    await nextTurn();
    try {
      while (this.#waiting.length > 0) {
        await this.#catchUpFor(this.#waiting);
        const batch = this.#waiting.splice(0, MAX_BATCH_APPENDS);
        this.#settle(batch, this.#engine.appendBatch(batch.map(({ entries }) => entries)));
        await nextTurn();
      }
    } finally {
      this.#committing = false;
    }
  }

  /** Catches up in turns before an append would do it in one go; a failure is the failure of those who wait. */
  async #catchUpFor(waiting: Waiting[]): Promise<void> {
    try {
      await this.#catchUp();
    } catch (error) {
      for (const { reject } of waiting.splice(0)) reject(error);
    }
  }

  #settle(batch: readonly Waiting[], outcomes: ReturnType<Engine['appendBatch']>): void {
    const entries = outcomes.flatMap((outcome) => (outcome.ok ? outcome.entries : []));
    if (entries.length > 0) this.#appended.tell(entries);
    outcomes.forEach((outcome, index) => {
      if (outcome.ok) batch[index]!.resolve(outcome.entries);
      else batch[index]!.reject(outcome.error);
    });
  }

  #catchUp(): Promise<void> {
    return drainInTurns(this.#engine.catchUp(), () => {});
  }

  #run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing !== null) return Promise.reject(closed(this.path));
    const running = work();
    this.#running.add(running);
    const done = (): void => void this.#running.delete(running);
    running.then(done, done);
    return running;
  }
}

export function closed(path: string): ConfigError {
  return new ConfigError('ERR_CLOSED', {
    message: `The journal ${path} is closed.`,
    hint: 'Open it again.',
    details: { what: path },
  });
}

/** The bytes as they are now, whatever the caller does with its buffer while the append waits. */
function copyBodies(entries: readonly NewEntry[]): readonly NewEntry[] {
  if (!Array.isArray(entries)) return entries;
  return entries.map((entry: NewEntry) =>
    entry?.body instanceof Uint8Array ? { ...entry, body: entry.body.slice() } : entry,
  );
}
