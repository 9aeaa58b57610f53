/**
 * The library's config: read by plain loads (`ConfigReader`), changed by one swap (`ConfigWriter`), and, here,
 * remembered by the journal. Joins the parts of this folder and holds none of their rules.
 * @module
 */
import type { BuiltinFeature, FeatureDeclaration } from '../config/features.ts';
import type { EnhancedConfig } from '../config/metadata.ts';
import { migrate, type MigrationLogEntry } from '../config/migrations.ts';
import type { Validation } from '../config/validation.ts';
import { decodeConfig, type RegistryConfig } from '../config/value.ts';
import { readSetting } from '../env/env.ts';
import { ConfigError } from '../errors/errors.ts';
import { checkReason } from '../journal/border.ts';
import type { Backup } from '../journal/journal.ts';
import { backupPath } from './backups.ts';
import type { ChangeLog } from './change-log.ts';
import { ConfigWriter } from './config-writer.ts';
import { databaseIn, openDataDirectory } from './data-directory.ts';
import type { HistoryEntry, HistoryFilter, HistoryPage } from './history.ts';
import { openConfig } from './opened.ts';
import { parseOptions, type ProductionConfigOptions } from './options.ts';
import { newestIn, parseMoment, type Moment } from './past.ts';

/**
 * Opens a config. Errors: those of the options (ERR_UNKNOWN_FIELD, ERR_WRONG_TYPE, ERR_NAME, ERR_FEATURE_CONFLICT,
 * ...), of the database (ERR_JOURNAL_FOREIGN, ERR_JOURNAL_DAMAGED, ERR_JOURNAL_WRITE) and of the board (ERR_BOARD,
 * ERR_UNSUPPORTED).
 * @example
 * const config = createProductionConfig({ persistPath: './config.db', features: { new_checkout: 12 } });
 * if (config.flags.new_checkout) renderNewCheckout();
 */
export function createProductionConfig<const D extends FeatureDeclaration = Record<never, number>>(
  options: ProductionConfigOptions<D> = {},
): ProductionConfig<BuiltinFeature | (keyof D & string)> {
  return new ProductionConfig(options);
}

/**
 * The config `default` of the data directory (`C13_DATA`), shared with the registry and every other process there.
 * @example const { version } = await getConfig();
 */
export async function getConfig(): Promise<ProductionConfig<BuiltinFeature>> {
  const persistPath = databaseIn(openDataDirectory(readSetting('dataDirectory')));
  return createProductionConfig({ persistPath, enableClusterSync: true });
}

export class ProductionConfig<Name extends string = BuiltinFeature> extends ConfigWriter<Name> {
  #closing: Promise<void> | null = null;

  /** Use `createProductionConfig`, which infers the names. */
  constructor(input: ProductionConfigOptions) {
    const options = parseOptions(input);
    super(options, openConfig(options));
  }

  /**
   * Waits until all changes of this process are on disk, and puts the reason into the history as an entry of its own.
   * Errors: ERR_NOT_PERSISTENT without `persistPath`, ERR_JOURNAL_WRITE (changes stay visible and queued),
   * ERR_REVISION_CONFLICT (another process changed the same config past this one's memory or board; what lost is not on
   * disk. On a board the other's state is the visible one already, and the error comes once; in memory `load()` takes
   * it), ERR_BOARD (this config is in memory of its own, and others have made a board since: nothing more of it is
   * written), ERR_FEATURE_CONFLICT (another process declared a feature of this config's otherwise; changes are on
   * disk).
   */
  async persist(reason: string): Promise<void> {
    checkReason('reason', reason);
    const log = this.#needLog('persist');
    const swapped = this.slot.swap({ kind: 'persist', always: true }, (state) => state);
    log.record(swapped!, { actor: this.actor, reason });
    await log.database.recorder.settle();
    log.tellRefusal();
  }

  /**
   * The state in the journal, after all changes of this process reached it; null without `persistPath`, or while the
   * journal has none: there is no entry yet, or the config was deleted (this one reads the defaults then). Where
   * another process has written a newer state past this one's memory, it is taken over; what lost the race for a
   * revision is then gone. Errors: ERR_CLOSED, ERR_JOURNAL_WRITE.
   */
  async load(): Promise<EnhancedConfig | null> {
    this.slot.guard();
    if (this.log === null) return null;
    await this.log.database.recorder.settle();
    const newest = await newestIn(this.log.database, this.name);
    if (newest === null) return null;
    if (this.slot.place.kind === 'board') this.slot.raise(newest);
    else if (this.log.diverged || newest.revision > this.slot.revision) this.slot.replace(newest);
    this.log.caughtUp();
    this.tell('remote');
    return newest.isDeleted ? null : this.enhanced(newest.config, newest.modifiedAt);
  }

  /**
   * Newest first. What is not on disk yet (`pendingWrites`) is in it after the next `persist`. Errors:
   * ERR_OUT_OF_RANGE, ERR_WRONG_TYPE, ERR_UNKNOWN_FIELD for a bad filter.
   * @example await config.getHistory({ field: 'featureFlags' })
   */
  async getHistory(filter: HistoryFilter = {}): Promise<readonly HistoryEntry[]> {
    return (await this.getHistoryPage(filter)).entries;
  }

  /** As `getHistory`, with the cursor of the next page. */
  async getHistoryPage(filter: HistoryFilter = {}): Promise<HistoryPage> {
    await this.#writeWhatCanBe();
    return this.past.history(filter);
  }

  /** The state at a revision, a journal sequence or a time (ms). Throws ERR_ENTRY_NOT_FOUND. */
  async stateAt(moment: Moment): Promise<{ revision: number; config: RegistryConfig }> {
    const wanted = parseMoment(moment);
    await this.#writeWhatCanBe();
    const { revision, state } = await this.past.stateAt(wanted);
    return { revision, config: decodeConfig(state.config) };
  }

  /**
   * Puts a past state back, rollouts included, as a change of its own. A number is a revision.
   * Errors: ERR_ENTRY_NOT_FOUND; without a journal only the last 100 changes of this process are known.
   * @example await config.rollback(41)
   */
  async rollback(target: number | Moment): Promise<void> {
    const moment = parseMoment(typeof target === 'number' ? { revision: target } : target);
    await this.#writeWhatCanBe();
    const { revision, state } = await this.past.stateAt(moment);
    const { config, rollouts } = state;
    this.changeState('rollback', (current) => ({ ...current, config, rollouts }), `rollback to revision ${revision}`);
  }

  /**
   * Brings the config to another version, after a backup of the database where there is one. Throws ERR_MIGRATION, with
   * nothing changed, when something would be lost.
   */
  async migrate(to: number): Promise<{ log: readonly MigrationLogEntry[]; backup: Backup | null }> {
    this.slot.guard();
    const { log } = migrate(this.config, to, this.features);
    if (log.length === 0) return { log, backup: null };
    const backup = this.log === null ? null : await this.backup();
    this.changeConfig('migrate', (config) => migrate(config, to, this.features).config);
    return { log, backup };
  }

  /** As the reader's, and an error where the service's features could not be declared as this config has them. */
  override validate(partial?: unknown): Validation {
    const found = super.validate(partial);
    const refused = this.log?.refusedDeclaration ?? null;
    if (refused === null) return found;
    const { code, message, hint } = refused;
    return { ...found, isValid: false, errors: [...found.errors, { code, path: 'features', message, hint }] };
  }

  /** A verified copy of the database, beside it unless a path is given. Errors: ERR_NOT_PERSISTENT, ERR_BACKUP. */
  async backup(path?: string): Promise<Backup> {
    const { database } = this.#needLog('backup');
    await database.recorder.settle();
    return (await database.journal).backup(path ?? backupPath(database.path));
  }

  /** Changes of this database that are not on disk yet. */
  get pendingWrites(): number {
    return this.log?.database.recorder.pending ?? 0;
  }

  /**
   * Stops at once: no change is taken any more, reads keep the last state. The promise tells when what was queued is on
   * disk, and rejects with what keeps it from being.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.stopWatching();
    this.slot.close();
    await this.log?.detach();
  }

  /** A read answers with what is on disk, also while nothing more can be written; `persist` tells why. */
  async #writeWhatCanBe(): Promise<void> {
    if (this.log !== null) await Promise.allSettled([this.log.database.recorder.settle()]);
  }

  #needLog(what: string): ChangeLog {
    this.slot.guard();
    if (this.log !== null) return this.log;
    throw new ConfigError('ERR_NOT_PERSISTENT', {
      message: `${what}() needs a database: this config lives in memory`,
      hint: 'Open it with persistPath.',
      details: { what },
    });
  }
}
