/**
 * All configs of one database, for a server or a command: reads say what the journal says, and a change is answered
 * when its entry is on disk.
 * @module
 */
import { defineFeatures, FeatureSet, mergeFeatures, type FeatureDeclaration } from '../config/features.ts';
import { configNameOf, DEFAULT_NAME, featuresStream, parseConfigName } from '../config/name.ts';
import { AnalyticsCounter, type Analytics } from '../config/analytics.ts';
import { FEATURES_SECTION } from '../config/sections.ts';
import type { FlagQuery } from '../../bindings/backend.ts';
import type { Journal, NewEntry } from '../journal/journal.ts';
import { snapshotOf, notFound } from './commit.ts';
import type { Commit, Committed, ConfigSnapshot, NamedCommit } from './commit.ts';
import { checkSignature, Commits } from './commits.ts';
import { conflict } from './config-slot.ts';
import { boardCore, core } from './core.ts';
import { openDatabase, type Database, type DatabaseUser } from './database.ts';
import { FlagIndex } from './flag-index.ts';
import { checkHistoryFilter, HISTORY_LIMIT_DEFAULT, pageOf, type HistoryFilter, type HistoryPage } from './history.ts';
import { OpenSlots } from './open-slots.ts';
import { isStateAt, momentNotFound, parseMoment, type Moment } from './past.ts';
import { expectUnshared } from './place-rules.ts';
import type { BoardFigures } from '../sync/board.ts';
import { configsProjection } from './projection.ts';
import type { Signature } from './recorder.ts';
import { Unattributed } from './unattributed.ts';

/** Where other processes see the configs. */
export type Sharing = 'board' | 'memory';

/** Asked before anything changes, with the stream and the sections of it that would; throws to refuse. */
export type Permit = (stream: string, touched: readonly string[]) => void;

/**
 * Opens the database, making it when missing. Errors: those of `openDatabase`, and ERR_BOARD where others share it and
 * this process has no boards.
 */
export async function openConfigStore(path: string): Promise<ConfigStore> {
  const database = openDatabase(path);
  // Others may close their last config of this database while we wait: it stays open for us.
  const placeholder: DatabaseUser = { name: null, isShared: false, onRefused() {} };
  database.attach(placeholder);
  try {
    if (boardCore() === null) expectUnshared(database.path);
    return new ConfigStore(database, await database.journal);
  } finally {
    database.abandon(placeholder);
  }
}

export class ConfigStore {
  readonly path: string;
  readonly journal: Journal;
  /** `board` where this process has boards; elsewhere configs are its own, and changed only while nobody has one. */
  readonly sharing: Sharing;
  readonly #database: Database;
  readonly #slots: OpenSlots;
  readonly #commits: Commits;
  readonly #unattributed: Unattributed;
  readonly #user: DatabaseUser;
  #index: FlagIndex | null = null;

  constructor(database: Database, journal: Journal) {
    this.path = database.path;
    this.journal = journal;
    this.#database = database;
    this.sharing = boardCore() === null ? 'memory' : 'board';
    this.#slots = new OpenSlots(database);
    this.#commits = new Commits(database, journal, this.#slots);
    this.#unattributed = new Unattributed(database, journal, this.#slots, this.#commits);
    this.#user = {
      name: null,
      isShared: this.sharing === 'board',
      onRefused: (stream) => this.#commits.diverged(stream),
    };
    database.attach(this.#user);
  }

  /**
   * How far the journal is: the highest sequence that any process on the board has announced, in one load of shared
   * memory. What was read while it was the same is still so. Without a board: what this process has appended or seen.
   */
  head(): number {
    return this.#database.head;
  }

  /** Whether other processes see what this one changes: always, where it has no boards and nobody else may. */
  get isShown(): boolean {
    return this.sharing === 'memory' || this.#database.isOnBoard;
  }

  /** How the board does that they see it on; null without one. Looks at every slot. */
  board(): BoardFigures | null {
    return this.#database.boardFigures();
  }

  /** Throws ERR_NOT_FOUND. */
  async get(name: string): Promise<ConfigSnapshot> {
    const found = await this.find(name);
    if (found === null) throw notFound(name);
    return found;
  }

  async find(name: string): Promise<ConfigSnapshot | null> {
    const stored = await this.journal.query(configsProjection, 'state', parseConfigName(name).name);
    return stored === null || stored.isDeleted ? null : snapshotOf(stored);
  }

  /** By name, ascending, from after `after`. */
  async list({ after = '', limit = 100 }: { after?: string; limit?: number } = {}): Promise<ConfigSnapshot[]> {
    return (await this.journal.query(configsProjection, 'states', { after, limit })).map(snapshotOf);
  }

  /** Those of the names that are there, in their order. */
  async findAll(names: readonly string[]): Promise<ConfigSnapshot[]> {
    return (await this.journal.query(configsProjection, 'statesOf', names)).map(snapshotOf);
  }

  /** Of all configs, ascending. */
  async names(): Promise<string[]> {
    return await this.journal.query(configsProjection, 'names', null);
  }

  /** Names of the configs that have every feature of `on` and none of `off`, ascending. */
  async namesWhere(query: FlagQuery): Promise<string[]> {
    this.#index ??= new FlagIndex(core().backend, this.journal);
    return await this.#index.names(query);
  }

  /** How many configs there are. */
  async count(): Promise<number> {
    return await this.journal.query(configsProjection, 'count', null);
  }

  /** What the config's service calls its bits. */
  async features(name: string): Promise<FeatureSet> {
    return new FeatureSet((await this.#database.stored(name)).features.declaration);
  }

  /**
   * Names bits for a service. Errors: those of `defineFeatures`, ERR_FEATURE_CONFLICT for a bit still in use under
   * another name, ERR_REVISION_CONFLICT when somebody else declares at the same moment, and what `permit` throws.
   */
  async declare(
    name: string,
    declaration: FeatureDeclaration,
    { actor, permit }: Pick<Signature, 'actor'> & { readonly permit?: Permit | undefined },
  ): Promise<FeatureSet> {
    const own = defineFeatures(declaration).declaration;
    const { features, uses } = await this.#database.stored(name);
    const merged = mergeFeatures(features.declaration, own, uses);
    const isSame = JSON.stringify(merged.declaration) === JSON.stringify(features.declaration);
    permit?.(featuresStream(name), isSame ? [] : [FEATURES_SECTION]);
    if (isSame) return merged;
    if (await this.#database.declare(name, merged.declaration, features.revision, actor)) return merged;
    throw conflict(features.revision, features.revision + 1, featuresStream(name));
  }

  /**
   * Changes one config; resolves when the change is on disk. Errors: ERR_NOT_FOUND, ERR_REVISION_CONFLICT,
   * ERR_JOURNAL_WRITE, ERR_BOARD, those of a signature that no entry can hold (ERR_WRONG_TYPE, ERR_NAME,
   * ERR_OUT_OF_RANGE), and what `change` throws. After an error nothing has changed.
   */
  async commit(name: string, commit: Commit): Promise<Committed> {
    return (await this.commitAll([{ ...commit, name }]))[0]!;
  }

  /**
   * As `commit`, of several configs: all of them in one transaction of the journal, or none, and with them the entries
   * of other streams in `also`. No config twice, one at least.
   */
  commitAll(commits: readonly NamedCommit[], also: readonly NewEntry[] = []): Promise<Committed[]> {
    return this.#commits.commit(commits, also);
  }

  /** Newest first. Throws ERR_OUT_OF_RANGE, ERR_UNKNOWN_FIELD, ERR_NOT_FOUND. */
  async history(name: string, filter: HistoryFilter = {}): Promise<HistoryPage> {
    checkHistoryFilter(filter);
    // What was deleted keeps its past.
    if ((await this.journal.query(configsProjection, 'state', parseConfigName(name).name)) === null)
      throw notFound(name);
    const { cursor, limit = HISTORY_LIMIT_DEFAULT, ...bounds } = filter;
    const page = { ...bounds, name, limit: limit + 1, ...(cursor === undefined ? {} : { beforeRevision: cursor }) };
    const changes = await this.journal.query(configsProjection, 'history', page);
    return pageOf(changes, filter, await this.features(name));
  }

  /** Throws ERR_ENTRY_NOT_FOUND. */
  async stateAt(name: string, input: Moment): Promise<ConfigSnapshot> {
    const moment = parseMoment(input);
    const found = await this.journal.query(configsProjection, 'stateAt', { ...moment, name });
    if (isStateAt(found, moment)) return snapshotOf(found);
    throw momentNotFound(name, moment);
  }

  async analytics(name: string): Promise<Analytics> {
    await this.get(name);
    const bytes = await this.journal.query(configsProjection, 'analytics', name);
    return new AnalyticsCounter(bytes).snapshot(await this.features(name));
  }

  /**
   * Signs what processes did and were killed before they could enter, and announces what they could not. To be called
   * about once a second.
   */
  async signUnattributed(signature: Signature): Promise<void> {
    checkSignature(signature);
    await this.#unattributed.sign(signature);
  }

  async close(): Promise<void> {
    this.#slots.close();
    this.#index?.close();
    this.#index = null;
    await this.#database.detach(this.#user);
  }
}

/** The name in a query or an option, `default` when left out. Throws ERR_NAME. */
export function nameOrDefault(name: string | undefined): string {
  return name === undefined
    ? DEFAULT_NAME
    : configNameOf(parseConfigName(name).service, parseConfigName(name).environment);
}
