/**
 * One database file as this process uses it: read at once when a config opens, written through a worker from then on.
 * Configs of one process on the same file share it.
 * @module
 */
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseDeclaration, type FeatureDeclaration } from '../config/features.ts';
import { configStream, featuresStream, parseConfigName } from '../config/name.ts';
import { readSetting } from '../env/env.ts';
import { ConfigError, isConfigError } from '../errors/errors.ts';
import { openEngine, type Engine } from '../journal/engine.ts';
import { identityOf } from '../journal/file-identity.ts';
import type { Journal } from '../journal/journal.ts';
import { writeFailed } from '../journal/sqlite-error.ts';
import { openSqliteJournal } from '../journal/sqlite.ts';
import { boardPathOf, openBoardHead, type BoardFigures, type BoardHead, type BoardSettings } from '../sync/board.ts';
import { boardCore } from './core.ts';
import { configsProjection, FEATURES_TYPE, rolloutsOf, type StoredState } from './projection.ts';
import { PROJECTIONS } from './projections.ts';
import { isRevisionConflict, Recorder } from './recorder.ts';

/** What a config needs to know before its first read. */
export interface StoredConfig {
  readonly state: StoredState | null;
  /** What the service has declared so far; revision 0: nothing. */
  readonly features: { readonly revision: number; readonly declaration: FeatureDeclaration };
  /** Flags and rollouts of the service's configs: where a bit may still be in use. */
  readonly uses: readonly { readonly featureFlags: number; readonly rollouts: Uint16Array }[];
}

/** Somebody who has a config of this database open. */
export interface DatabaseUser {
  /** The config; null: all of them. */
  readonly name: string | null;
  /** Whether its configs are on the board. */
  readonly isShared: boolean;
  /** An entry of its config will never be written. */
  onRefused(stream: string, error: ConfigError): void;
}

const databases = new Map<string, Database>();

/**
 * Opens the file, making it when missing. Blocks for a few milliseconds. Errors: ERR_JOURNAL_FOREIGN,
 * ERR_JOURNAL_DAMAGED, ERR_JOURNAL_TOO_NEW, ERR_JOURNAL_WRITE, ERR_REPLICA; the file is then as it was.
 */
export function openDatabase(path: string): Database {
  const file = fileAt(path);
  const known = databases.get(file);
  if (known?.isUsable === true) return known;
  const database = new Database(file);
  databases.set(file, database);
  return database;
}

export class Database {
  readonly path: string;
  /** 32 hex digits. */
  readonly journalId: string;
  readonly journal: Promise<Journal>;
  readonly recorder: Recorder;
  readonly #users = new Set<DatabaseUser>();
  readonly #file: string;
  #isDead = false;
  #boardHead: BoardHead | null = null;
  /** The highest sequence this process knows of. */
  #known = 0;

  constructor(path: string) {
    this.path = path;
    using engine = openOnThisThread(path);
    this.journalId = engine.id.replaceAll('-', '');
    this.#file = identityOf(path);
    this.journal = openSqliteJournal({
      path,
      // What was read here and what is written there is one journal, whatever lies at the path by then.
      expectedId: engine.id,
      worker: () => new Worker(new URL('./journal-worker.ts', import.meta.url).href),
      onDeath: () => this.#die(),
    }).then((journal) => {
      // Whoever appends in this process: others hear of it before the append is answered.
      journal.onAppend((entries) => this.announce(entries.at(-1)!.seq));
      return journal;
    });
    // Told by the first append or query; a rejection that nobody asked for yet must not end the process.
    this.journal.catch(() => this.#die());
    this.recorder = new Recorder(this.journal, {
      onRefused: (stream, error) => this.#usersOf(stream, (user) => user.onRefused(stream, error)),
    });
  }

  /** The board that shows this database to other processes. */
  get board(): BoardSettings {
    const { path, journalId } = this;
    return {
      path: boardPathOf(path),
      journalId,
      capacity: readSetting('boardCapacity'),
      journalHead: () => headOf(path),
      isCurrent: () => this.isCurrent,
    };
  }

  /**
   * How far the journal is: the highest sequence that a process on the board, or this one, has announced. A load of
   * shared memory where there is a board.
   */
  get head(): number {
    this.#known = Math.max(this.#known, this.#shared()?.seq ?? 0);
    return this.#known;
  }

  /** Whether the board that shows this database is there, and ours. */
  get isOnBoard(): boolean {
    return this.#shared() !== null;
  }

  /** null where `isOnBoard` is false. */
  boardFigures(): BoardFigures | null {
    return this.#shared()?.figures() ?? null;
  }

  /** Tells every process on the board that the journal holds at least this sequence. */
  announce(seq: number): void {
    this.#known = Math.max(this.#known, seq);
    this.#shared()?.announce(seq);
  }

  /** Whether it still answers, on the file that is at the path now. */
  get isUsable(): boolean {
    return !this.#isDead && this.isCurrent;
  }

  /** Whether the file at the path is still the one that was opened. */
  get isCurrent(): boolean {
    return identityOf(this.path) === this.#file;
  }

  /** Throws ERR_JOURNAL_WRITE when another file is at the path: its board is not ours to touch. */
  guard(): void {
    if (this.isCurrent) return;
    throw writeFailed(this.path, 'removed or replaced', 'Close the config and open it again.');
  }

  attach(user: DatabaseUser): void {
    this.#users.add(user);
    this.#shared();
  }

  /** For an opening that failed, or its placeholder: closes the file again if nobody else uses it. */
  abandon(user?: DatabaseUser): void {
    if (user !== undefined) this.#users.delete(user);
    if (this.#users.size === 0) void Promise.allSettled([this.#close()]);
  }

  /** The last one closes the file. */
  async detach(user: DatabaseUser): Promise<void> {
    this.#users.delete(user);
    if (this.#users.size > 0) {
      if (!this.#isShared) this.#leaveBoard();
      await this.recorder.settle();
      return;
    }
    await this.#close();
  }

  get #isShared(): boolean {
    return [...this.#users].some(({ isShared }) => isShared);
  }

  /** The board, if a user of ours is on it; looked for until there is one. */
  #shared(): BoardHead | null {
    if (this.#boardHead?.isLost === false) return this.#boardHead;
    const native = boardCore();
    // Of a database that was replaced, the board is another journal's: opening it would empty theirs.
    if (native === null || !this.#isShared || !existsSync(boardPathOf(this.path)) || !this.isCurrent) return null;
    try {
      return (this.#boardHead = openBoardHead(native, this.board));
    } catch (error) {
      // Changes meet it too, and tell; what is announced late is announced again within a second.
      if (!isConfigError(error)) throw error;
      return null;
    }
  }

  #leaveBoard(): void {
    this.#boardHead?.close();
    this.#boardHead = null;
  }

  async #close(): Promise<void> {
    if (databases.get(this.path) === this) databases.delete(this.path);
    try {
      await this.recorder.settle();
    } finally {
      try {
        await (await this.journal).close();
      } finally {
        this.#leaveBoard();
      }
    }
  }

  /**
   * What is stored of a config, read at once on the calling thread: for opening, before there is an event to wait
   * for.
   */
  read(name: string): StoredConfig {
    using engine = openOnThisThread(this.path);
    return storedOf(name, (query, params) => engine.query(configsProjection.name, query, params));
  }

  /** The counters of a config's whole history, 2 KB; read as `read` does. */
  readAnalytics(name: string): Uint8Array {
    using engine = openOnThisThread(this.path);
    return engine.query(configsProjection.name, 'analytics', name) as Uint8Array;
  }

  /** As `read`, through the worker. */
  async stored(name: string): Promise<StoredConfig> {
    const journal = await this.journal;
    const service = parseConfigName(name).service;
    const answers = {
      state: await journal.query(configsProjection, 'state', name),
      features: await journal.query(configsProjection, 'features', service),
      uses: await journal.query(configsProjection, 'uses', service),
    };
    return storedOf(name, (query) => answers[query]);
  }

  /** Stores a service's declaration; false when somebody else has stored another one meanwhile. */
  async declare(name: string, declaration: FeatureDeclaration, expected: number, actor: string): Promise<boolean> {
    const journal = await this.journal;
    const body = new TextEncoder().encode(JSON.stringify(declaration));
    try {
      await journal.append([{ stream: featuresStream(name), type: FEATURES_TYPE, actor, reason: '', body, expected }]);
      return true;
    } catch (error) {
      if (isRevisionConflict(error)) return false;
      throw error;
    }
  }

  /** Those who have it open hear why from their next call; whoever opens the file from now on gets another one. */
  #die(): void {
    this.#isDead = true;
    if (databases.get(this.path) === this) databases.delete(this.path);
  }

  #usersOf(stream: string, tell: (user: DatabaseUser) => void): void {
    for (const user of this.#users) if (user.name === null || configStream(user.name) === stream) tell(user);
  }
}

/** One spelling for each file, whatever links lead to it: the board lies beside the file itself. */
function fileAt(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unreachable(path, error);
  }
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch (error) {
    throw unreachable(path, error);
  }
}

function unreachable(path: string, cause: unknown): ConfigError {
  return new ConfigError('ERR_JOURNAL_WRITE', {
    message: `The database ${path} cannot be opened: ${(cause as Error).message}`,
    hint: 'Name a file in a directory that exists and that this user can write.',
    details: { path, sqlite: (cause as NodeJS.ErrnoException).code ?? '' },
    cause,
  });
}

function openOnThisThread(path: string): Engine {
  return openEngine({ path, projections: PROJECTIONS });
}

function headOf(path: string): number {
  using engine = openOnThisThread(path);
  return engine.head().seq;
}

type Ask = (query: 'state' | 'features' | 'uses', params: string) => unknown;

function storedOf(name: string, ask: Ask): StoredConfig {
  const { service } = parseConfigName(name);
  const features = ask('features', service) as { revision: number; declaration: string } | null;
  const uses = ask('uses', service) as { featureFlags: number; rollouts: Uint8Array }[];
  return {
    state: ask('state', name) as StoredState | null,
    features: {
      revision: features?.revision ?? 0,
      declaration: features === null ? {} : parseDeclaration(features.declaration),
    },
    uses: uses.map(({ featureFlags, rollouts }) => ({ featureFlags, rollouts: rolloutsOf(rollouts) })),
  };
}
