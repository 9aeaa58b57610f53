/**
 * All configs of one database, for a server or a command: reads say what the journal says, and a change is answered
 * when its entry is on disk.
 *
 * The way of a change: swap the cell (with the expected revision, if one was given), append the entry, answer.
 * 1. If the append fails the cell is swapped back and the error answered; the failed entry and the one that took it
 *    back stay queued, for both were visible.
 * 2. While entries are queued no change is begun: the next one first brings them to disk, or is refused before its
 *    swap.
 * @module
 */
import { defineFeatures, FeatureSet, mergeFeatures, type FeatureDeclaration } from '../config/features.ts';
import { configNameOf, configOfStream, DEFAULT_NAME, parseConfigName } from '../config/name.ts';
import { AnalyticsCounter, type Analytics } from '../config/analytics.ts';
import { decodeConfig, encodeConfig, type RegistryConfig } from '../config/value.ts';
import { ConfigError } from '../errors/errors.ts';
import type { FlagQuery, SlotImage } from '../../bindings/backend.ts';
import { checkName, checkReason } from '../journal/border.ts';
import type { Backup, Journal } from '../journal/journal.ts';
import { openBoardPlace } from '../sync/board.ts';
import { openMemoryPlace, type Place } from '../sync/place.ts';
import { backupPath } from './backups.ts';
import type { ChangeKind, ConfigState } from './change.ts';
import { conflict, ConfigSlot, type Swapped } from './config-slot.ts';
import { boardCore, core } from './core.ts';
import { openDatabase, type Database, type DatabaseUser } from './database.ts';
import { FlagIndex } from './flag-index.ts';
import { checkHistoryFilter, HISTORY_LIMIT_DEFAULT, pageOf, type HistoryFilter, type HistoryPage } from './history.ts';
import { firstImage, imageOf } from './images.ts';
import { momentNotFound, parseMoment, type Moment } from './past.ts';
import { expectUnshared } from './place-rules.ts';
import { configsProjection, rolloutsOf, type StoredState } from './projection.ts';
import { isRefusal, isRevisionConflict, type Recorded, type Signature } from './recorder.ts';
import { takeOver } from './take-over.ts';

const TAKEN_OVER = 'the journal has another state';

/** A config as the journal has it. */
export interface ConfigSnapshot {
  readonly name: string;
  readonly revision: number;
  readonly config: RegistryConfig;
  /** 32 basis points. */
  readonly rollouts: Uint16Array;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
}

export interface Draft {
  readonly config: RegistryConfig;
  readonly rollouts: Uint16Array;
}

export interface Commit {
  readonly kind: ChangeKind;
  readonly signature: Signature;
  /** Only at this revision; 0: only if there is no such config yet. Left out: whatever it is at. */
  readonly expected?: number | undefined;
  /** Make the config when there is none. */
  readonly create?: boolean;
  /** Take a revision even when nothing is different. */
  readonly always?: boolean;
  /** What is wanted, from what is. Throws to refuse; may be called again when another writer was faster. */
  change(current: Draft): Draft;
}

export interface Committed extends ConfigSnapshot {
  /** Whether anything was different; without, no entry was made. */
  readonly changed: boolean;
}

/** Where other processes see the configs. */
export type Sharing = 'board' | 'memory';

/**
 * Opens the database, making it when missing. Errors: those of `openDatabase`, and ERR_BOARD where others share it and
 * this process has no boards.
 */
export async function openConfigStore(path: string): Promise<ConfigStore> {
  const database = openDatabase(path);
  // Others may close their last config of this database while we wait: it stays open for us.
  const placeholder: DatabaseUser = { name: null, onDurable() {}, onRefused() {} };
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
  readonly #slots = new Map<string, ConfigSlot>();
  readonly #ahead = new Map<string, number>();
  /** Revisions that are known to be on disk, and the journal's sequence when all its configs were open. */
  readonly #stored = new Map<string, number>();
  #lookedAt = 0;
  readonly #user: DatabaseUser;
  #index: FlagIndex | null = null;
  #hasFailed = false;
  /** Configs whose slot shows what the journal has refused. */
  readonly #diverged = new Set<string>();

  constructor(database: Database, journal: Journal) {
    this.path = database.path;
    this.journal = journal;
    this.#database = database;
    this.sharing = boardCore() === null ? 'memory' : 'board';
    this.#user = {
      name: null,
      onDurable: ({ seq }) => this.#anySlot()?.place.announce(seq),
      onRefused: (stream) => void this.#diverged.add(configOfStream(stream)!),
    };
    database.attach(this.#user);
  }

  /** Throws ERR_NOT_FOUND. */
  async get(name: string): Promise<ConfigSnapshot> {
    const found = await this.find(name);
    if (found === null) throw notFound(name);
    return found;
  }

  async find(name: string): Promise<ConfigSnapshot | null> {
    const stored = await this.journal.query(configsProjection, 'state', parseConfigName(name).name);
    return stored === null ? null : snapshotOf(stored);
  }

  /** By name, ascending, from after `after`. */
  async list({ after = '', limit = 100 }: { after?: string; limit?: number } = {}): Promise<ConfigSnapshot[]> {
    return (await this.journal.query(configsProjection, 'states', { after, limit })).map(snapshotOf);
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
   * another name, ERR_REVISION_CONFLICT when somebody else declares at the same moment.
   */
  async declare(
    name: string,
    declaration: FeatureDeclaration,
    { actor }: Pick<Signature, 'actor'>,
  ): Promise<FeatureSet> {
    const own = defineFeatures(declaration).declaration;
    const { features, uses } = await this.#database.stored(name);
    const merged = mergeFeatures(features.declaration, own, uses);
    if (JSON.stringify(merged.declaration) === JSON.stringify(features.declaration)) return merged;
    if (await this.#database.declare(name, merged.declaration, features.revision, actor)) return merged;
    throw conflict(features.revision, features.revision + 1, `features:${parseConfigName(name).service}`);
  }

  /**
   * Changes one config; resolves when the change is on disk. Errors: ERR_NOT_FOUND, ERR_REVISION_CONFLICT,
   * ERR_JOURNAL_WRITE, ERR_BOARD, those of a signature that no entry can hold (ERR_WRONG_TYPE, ERR_NAME,
   * ERR_OUT_OF_RANGE), and what `change` throws. After an error nothing has changed.
   */
  async commit(name: string, commit: Commit): Promise<Committed> {
    checkSignature(commit.signature);
    await this.#bringQueuedToDisk(commit.signature);
    const { slot, created } = await this.#open(name, commit);
    if (created !== null) return { ...created, changed: true };
    const swapped = slot.swap(commit, (state) => applied(state, commit));
    if (swapped === null) return await this.#unchanged(name, slot, commit);
    await this.#append(name, slot, swapped, swapped.before, commit.signature);
    return { ...snapshotOfSwap(name, swapped), changed: true };
  }

  /** Newest first. Throws ERR_OUT_OF_RANGE, ERR_UNKNOWN_FIELD, ERR_NOT_FOUND. */
  async history(name: string, filter: HistoryFilter = {}): Promise<HistoryPage> {
    checkHistoryFilter(filter);
    await this.get(name);
    const { cursor, limit = HISTORY_LIMIT_DEFAULT, ...bounds } = filter;
    const page = { ...bounds, name, limit: limit + 1, ...(cursor === undefined ? {} : { beforeRevision: cursor }) };
    const changes = await this.journal.query(configsProjection, 'history', page);
    return pageOf(changes, filter, await this.features(name));
  }

  /** Throws ERR_ENTRY_NOT_FOUND. */
  async stateAt(name: string, input: Moment): Promise<ConfigSnapshot> {
    const moment = parseMoment(input);
    const found = await this.journal.query(configsProjection, 'stateAt', { ...moment, name });
    const isExact = moment.revision === undefined || found?.revision === moment.revision;
    if (found !== null && isExact) return snapshotOf(found);
    throw momentNotFound(name, moment);
  }

  async analytics(name: string): Promise<Analytics> {
    await this.get(name);
    const bytes = await this.journal.query(configsProjection, 'analytics', name);
    return new AnalyticsCounter(bytes).snapshot(await this.features(name));
  }

  /** A verified copy of the database, beside it unless a path is given. Throws ERR_BACKUP. */
  backup(path = backupPath(this.path)): Promise<Backup> {
    return this.journal.backup(path);
  }

  /**
   * Signs what processes did and were killed before they could enter: a board that is ahead of the journal, at the same
   * revision as at the last look, gets an entry that shows the difference. To be called about once a second.
   */
  async signUnattributed(signature: Signature): Promise<void> {
    checkSignature(signature);
    // What waits to be written is not unsigned: it is ours.
    if (this.#hasFailed || this.#database.recorder.pending > 0) return;
    await this.#openAll();
    await this.#takeOverDiverged(signature);
    for (const [name, slot] of this.#slots) {
      if (slot.revision === this.#stored.get(name)) continue;
      const stored = await this.journal.query(configsProjection, 'state', name);
      const { revision } = slot;
      if (stored !== null) this.#stored.set(name, stored.revision);
      const isAhead = stored !== null && revision > stored.revision;
      const wasAhead = this.#ahead.get(name) === revision;
      if (isAhead && !wasAhead) this.#ahead.set(name, revision);
      else this.#ahead.delete(name);
      if (!isAhead || !wasAhead) continue;
      await this.#signGap(name, slot, signature);
    }
  }

  /** Also what others have made: nobody else signs for a process that dies while it changes that. */
  async #openAll(): Promise<void> {
    const { seq } = await this.journal.head();
    if (seq === this.#lookedAt) return;
    this.#makeBoard();
    for (const name of await this.journal.query(configsProjection, 'names', null)) {
      if (this.#slots.has(name)) continue;
      const stored = await this.journal.query(configsProjection, 'state', name);
      if (stored === null || this.#slots.has(name)) continue;
      this.#openSlot(name, imageOf(stored));
    }
    this.#lookedAt = seq;
  }

  /** A conflict means that somebody else is at work: what he enters shows the gap too, or replaces it. */
  async #signGap(name: string, slot: ConfigSlot, signature: Signature): Promise<void> {
    try {
      const { revision: expected } = slot;
      const swapped = slot.swap({ kind: 'persist', always: true, expected }, (state) => state)!;
      await this.#append(name, slot, swapped, swapped.before, signature);
    } catch (error) {
      if (!isRevisionConflict(error)) throw error;
    }
  }

  async close(): Promise<void> {
    for (const slot of this.#slots.values()) slot.close();
    this.#slots.clear();
    this.#index?.close();
    this.#index = null;
    await this.#database.detach(this.#user);
  }

  async #bringQueuedToDisk(signature: Signature): Promise<void> {
    if (this.#hasFailed) await this.#database.recorder.settle();
    this.#hasFailed = false;
    await this.#takeOverDiverged(signature);
  }

  async #takeOverDiverged({ actor }: Signature): Promise<void> {
    for (const name of this.#diverged) {
      const slot = this.#slots.get(name);
      if (slot !== undefined) await takeOver(this.#database, name, slot, { actor, reason: TAKEN_OVER });
      this.#diverged.delete(name);
    }
  }

  /** The entry of a change that is visible already; `before` is what is shown again when it cannot be stored. */
  async #append(
    name: string,
    slot: ConfigSlot,
    change: Recorded,
    before: ConfigState,
    signature: Signature,
  ): Promise<void> {
    try {
      await this.#database.recorder.recordNow(name, change, signature);
    } catch (error) {
      if (isRefusal(error)) {
        // Somebody writes to this journal past our board. His state is the truth, and the caller decides on it anew.
        this.#diverged.add(name);
        await this.#takeOverDiverged(signature);
      } else {
        this.#hasFailed = true;
        this.#takeBack(name, slot, change.revision, before, signature);
      }
      throw error;
    }
    // Who made a board meanwhile may not have seen it.
    if (this.sharing === 'memory') expectUnshared(this.path);
  }

  /** Unless somebody has changed the config since: then his state, which builds on ours, stands. */
  #takeBack(name: string, slot: ConfigSlot, revision: number, before: ConfigState, signature: Signature): void {
    const reason = `revision ${revision} could not be stored`;
    try {
      const back = slot.swap({ kind: 'revert', expected: revision }, () => before);
      if (back !== null) this.#database.recorder.record(name, back, { ...signature, reason });
    } catch (error) {
      if (!isRevisionConflict(error)) throw error;
    }
  }

  /**
   * What was wanted is visible already, perhaps by a change that is still on its way to disk: then it is waited for, or
   * (another process's) gets an entry from us, so that this answer too speaks of what cannot be lost.
   */
  async #unchanged(name: string, slot: ConfigSlot, commit: Commit): Promise<Committed> {
    const { revision } = slot;
    await this.journal.flush();
    const stored = await this.find(name);
    if (stored !== null && stored.revision >= revision) return { ...stored, changed: false };
    const swapped = slot.swap({ ...commit, always: true }, (state) => applied(state, commit))!;
    await this.#append(name, slot, swapped, swapped.before, commit.signature);
    return { ...snapshotOfSwap(name, swapped), changed: false };
  }

  /** The slot of a config, with a state in it. What had to be made was made as the commit wants it. */
  async #open(name: string, commit: Commit): Promise<{ slot: ConfigSlot; created: ConfigSnapshot | null }> {
    const known = this.#slots.get(name);
    if (known !== undefined) {
      if (commit.expected === 0) throw conflict(0, known.revision, `config:${name}`);
      return { slot: known, created: null };
    }
    this.#makeBoard();
    const stored = await this.journal.query(configsProjection, 'state', parseConfigName(name).name);
    if (stored === null && commit.create !== true) throw notFound(name);
    // A wish that is refused must leave nothing behind: it is worked out before there is a slot.
    const first = stored === null ? firstOf(name, commit) : null;
    // Another commit may have opened it while we asked.
    const { slot, isTaken } = this.#openSlot(name, first === null ? imageOf(stored!) : first.wanted);
    const created = first === null || !isTaken ? null : await this.#create(name, slot, first, commit);
    if (created === null && commit.expected === 0) throw conflict(0, slot.revision, `config:${name}`);
    return { slot, created };
  }

  /** The entry of a first state that is visible already. */
  async #create(
    name: string,
    slot: ConfigSlot,
    { blank, wanted }: First,
    { signature }: Commit,
  ): Promise<ConfigSnapshot> {
    const { revision, modifiedAt: at } = wanted;
    const created = { revision, kind: 'create' as const, at, before: null, after: wanted };
    await this.#append(name, slot, created, blank, signature);
    return snapshotOfSwap(name, created);
  }

  /**
   * Before the journal is read for the first slot: from when there is a board nobody writes past it, so what is read
   * then is all there is. Throws ERR_JOURNAL_WRITE when another file is at the path.
   */
  #makeBoard(): void {
    const native = boardCore();
    if (native === null || this.#slots.size > 0) return;
    this.#database.guard();
    const { path, journalId, capacity } = this.#database.board;
    native.openBoard(path, { journalId, capacity, readOnly: false }).close();
  }

  /** With a state in it, or not at all. `isTaken`: that state is this one. */
  #openSlot(name: string, image: SlotImage): { slot: ConfigSlot; isTaken: boolean } {
    const known = this.#slots.get(name);
    const slot = known ?? new ConfigSlot(core().backend, this.#placeOf(name), { ring: false, timed: false });
    try {
      const isTaken = slot.raise(image);
      this.#slots.set(name, slot);
      return { slot, isTaken };
    } catch (error) {
      if (known === undefined) slot.close();
      throw error;
    }
  }

  #placeOf(name: string): Place {
    const native = boardCore();
    if (native !== null) return openBoardPlace(native, this.#database.board, name);
    return { ...openMemoryPlace(core().backend), prepare: () => expectUnshared(this.path) };
  }

  #anySlot(): ConfigSlot | undefined {
    return this.#slots.values().next().value;
  }
}

/** The name in a query or an option, `default` when left out. Throws ERR_NAME. */
export function nameOrDefault(name: string | undefined): string {
  return name === undefined
    ? DEFAULT_NAME
    : configNameOf(parseConfigName(name).service, parseConfigName(name).environment);
}

/** Revision 1 of a config that is not there: as it would be made, and as the commit wants it. */
interface First {
  readonly blank: SlotImage;
  readonly wanted: SlotImage;
}

function firstOf(name: string, commit: Commit): First {
  const blank = firstImage();
  if (commit.expected !== undefined && commit.expected !== 0) throw conflict(commit.expected, 0, `config:${name}`);
  return { blank, wanted: { ...blank, ...applied(blank, commit) } };
}

/** What no entry could hold is refused before anything is visible. */
function checkSignature({ actor, reason }: Signature): void {
  checkName('actor', actor);
  checkReason('reason', reason);
}

function applied(state: ConfigState, commit: Commit): ConfigState {
  const { config, rollouts } = commit.change({ config: decodeConfig(state.config), rollouts: state.rollouts });
  return { ...state, config: encodeConfig(config), rollouts };
}

function snapshotOf({ name, revision, config, rollouts, modifiedAt }: StoredState): ConfigSnapshot {
  return { name, revision, config: decodeConfig(config), rollouts: rolloutsOf(rollouts), modifiedAt };
}

function snapshotOfSwap(
  name: string,
  { revision, at, after }: Pick<Swapped, 'revision' | 'at' | 'after'>,
): ConfigSnapshot {
  return { name, revision, config: decodeConfig(after.config), rollouts: after.rollouts, modifiedAt: at };
}

function notFound(name: string): ConfigError<'ERR_NOT_FOUND'> {
  return new ConfigError('ERR_NOT_FOUND', {
    message: `There is no config '${name}'`,
    hint: 'List the configs to see their names, or change it to make it.',
    details: { what: `config ${name}` },
  });
}
