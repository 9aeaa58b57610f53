/**
 * The library's config: read by plain loads, changed by one swap, remembered by the journal, shared by a board. Joins the
 * parts of this folder and holds none of their rules.
 * @module
 */
import type { Backend } from '../../bindings/backend.ts';
import { FLAGS_WORD } from '../../bindings/cell-words.ts';
import { AnalyticsCounter, type Analytics } from '../config/analytics.ts';
import { debugView, inspectorView, type DebugSource, type DebugView } from '../config/debug-view.ts';
import type { BuiltinFeature, FeatureDeclaration, FeatureSet } from '../config/features.ts';
import { parseField } from '../config/input.ts';
import { enhanceConfig, type ConfigPlace, type EnhancedConfig } from '../config/metadata.ts';
import { migrate, type MigrationLogEntry } from '../config/migrations.ts';
import { noRollouts, parsePercent, percentOf, withRollout } from '../config/rollout.ts';
import { applyTemplate, findTemplate, type Template } from '../config/templates.ts';
import { validate, validateInput, type Rule, type Validation } from '../config/validation.ts';
import { CONFIG_FIELDS, DEFAULT_CONFIG, decodeConfig, encodeConfig, type RegistryConfig } from '../config/value.ts';
import { readSetting } from '../env/env.ts';
import { ConfigError } from '../errors/errors.ts';
import type { Backup } from '../journal/journal.ts';
import { backupPath } from './backups.ts';
import type { ChangeKind, ConfigState } from './change.ts';
import type { ConfigSlot, Swapped } from './config-slot.ts';
import { databaseIn, openDataDirectory } from './data-directory.ts';
import type { Database, DatabaseUser } from './database.ts';
import { featurePlaces, flagsOver, isOnFor, rolloutAt, type FeaturePlace, type Flags } from './feature-reader.ts';
import type { HistoryEntry, HistoryFilter, HistoryPage } from './history.ts';
import { openConfig } from './opened.ts';
import { parseOptions, type ProductionConfigOptions } from './options.ts';
import { JournalPast, RingPast, type Moment, type Past } from './past.ts';
import { changedBetween, changedMaskOf, fieldsChangedInSlot } from './words-diff.ts';
import { Watch, type ChangeEvent, type Subscriber } from './watch.ts';

const TERMINAL_SHAPES = CONFIG_FIELDS.filter(({ name }) => /^(terminalMode|rows|cols)$/.test(name));

/**
 * Opens a config. Errors: those of the options (ERR_UNKNOWN_FIELD, ERR_WRONG_TYPE, ERR_NAME, ERR_FEATURE_CONFLICT, ...), of the
 * database (ERR_JOURNAL_FOREIGN, ERR_JOURNAL_DAMAGED, ERR_JOURNAL_WRITE) and of the board (ERR_BOARD, ERR_UNSUPPORTED).
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

export class ProductionConfig<Name extends string = BuiltinFeature> implements RegistryConfig {
  /** One getter per feature, each a load and a bit test. In a loop without any call use `fresh()`. */
  readonly flags: Flags<Name>;
  /** `checkout/production` */
  readonly name: string;
  readonly features: FeatureSet;
  readonly templates: readonly Template[];
  readonly #backend: Backend;
  readonly #slot: ConfigSlot;
  readonly #database: Database | null;
  readonly #past: Past;
  readonly #place: ConfigPlace;
  readonly #rules: readonly Rule[];
  readonly #actor: string;
  readonly #places: Map<string, FeaturePlace>;
  readonly #counter: AnalyticsCounter;
  readonly #isCounting: boolean;
  readonly #watch: Watch;
  readonly #user: DatabaseUser;
  #told: { revision: number; words: Uint32Array };
  #diverged: ConfigError | null = null;
  #closing: Promise<void> | null = null;

  /** Use `createProductionConfig`, which infers the names. */
  constructor(input: ProductionConfigOptions) {
    const options = parseOptions(input);
    const { backend, slot, features, database } = openConfig(options);
    this.name = options.name;
    this.features = features;
    this.templates = options.templates;
    this.#backend = backend;
    this.#slot = slot;
    this.#database = database;
    this.#place = options.place;
    this.#rules = options.rules;
    this.#actor = options.actor;
    this.#isCounting = options.debugMode;
    this.#past = database === null ? new RingPast(slot) : new JournalPast(database, options.name, slot, features);
    this.#counter = this.#past.counter();
    this.#places = featurePlaces(features);
    this.flags = flagsOver(slot, features, options.debugMode ? this.#counter : null);
    this.#told = { revision: slot.revision, words: slot.words.slice() };
    this.#watch = new Watch(slot.place.kind === 'board', () => this.#look());
    this.#user = {
      name: options.name,
      onDurable: ({ seq }) => slot.place.announce(seq),
      onConflict: (error) => {
        this.#diverged = error;
      },
    };
    database?.attach(this.#user);
  }

  // ---- reading: plain loads ----

  /** On for everyone? A load and a bit test. Throws ERR_UNKNOWN_FEATURE. */
  isFeatureEnabled(feature: Name): boolean {
    const place = this.#places.get(feature);
    if (place === undefined) return this.features.bitOf(feature) < 0;
    if (this.#isCounting) this.#counter.recordEvaluation(place.bit);
    return (this.#slot.words[FLAGS_WORD]! & place.mask) !== 0;
  }

  /**
   * On for this key: the feature is on for everyone, or its rollout covers the key. Sticky (the same key gets the same
   * answer) and monotone (a higher percentage keeps everybody). Throws ERR_UNKNOWN_FEATURE.
   * @example if (config.isEnabledFor('new_checkout', user.id)) ...
   */
  isEnabledFor(feature: Name, key: string): boolean {
    const place = this.#places.get(feature);
    if (place === undefined) return this.features.bitOf(feature) < 0;
    if (this.#isCounting) this.#counter.recordEvaluation(place.bit);
    return isOnFor(this.#slot.words, place, key);
  }

  /** Percent, 0-100. Throws ERR_UNKNOWN_FEATURE. */
  getRollout(feature: Name): number {
    return percentOf(rolloutAt(this.#slot.words, this.features.bitOf(feature)));
  }

  /**
   * Makes the next reads see the latest write even in a loop without calls, where an engine may keep a plain load in a
   * register. Costs an atomic load; returns this config.
   */
  fresh(): this {
    Atomics.load(this.#slot.words, FLAGS_WORD);
    return this;
  }

  /** All six fields of one moment. */
  get config(): RegistryConfig {
    return decodeConfig(this.#slot.config());
  }

  /** Goes up by one with every change, by anybody. */
  get revision(): number {
    return this.#slot.revision;
  }

  get version(): number {
    return this.#slot.words[0]! >>> 24;
  }

  get registryHash(): number {
    return this.#slot.words[1]!;
  }

  get featureFlags(): number {
    return this.#slot.words[FLAGS_WORD]!;
  }

  get terminalMode(): number {
    return this.#slot.words[3]! & 0xff;
  }

  get rows(): number {
    return (this.#slot.words[3]! >>> 8) & 0xff;
  }

  get cols(): number {
    return (this.#slot.words[3]! >>> 16) & 0xff;
  }

  /** The config with when it changed (ms since 1970), its checksum and where it lives. */
  getEnhancedConfig(): EnhancedConfig {
    const { config, modifiedAt } = this.#slot.read();
    return enhanceConfig(decodeConfig(config), this.#place, modifiedAt, this.#backend);
  }

  // ---- changing: one swap, visible at once; the journal follows ----

  /** Turns a feature on for everyone. Errors of every change: ERR_CLOSED, ERR_BOARD; here also ERR_UNKNOWN_FEATURE. */
  enableFeature(feature: Name): void {
    const mask = this.features.maskOf(feature);
    this.#changeWords('update', (words) => {
      words[FLAGS_WORD] = words[FLAGS_WORD]! | mask;
    });
  }

  /** Turns a feature off for everyone; keys within its rollout keep it. */
  disableFeature(feature: Name): void {
    const mask = this.features.maskOf(feature);
    this.#changeWords('update', (words) => {
      words[FLAGS_WORD] = words[FLAGS_WORD]! & ~mask;
    });
  }

  /** Returns whether the feature is on now. */
  toggleFeature(feature: Name): boolean {
    const mask = this.features.maskOf(feature);
    let isOn = false;
    this.#changeWords('update', (words) => {
      words[FLAGS_WORD] = words[FLAGS_WORD]! ^ mask;
      isOn = (words[FLAGS_WORD] & mask) !== 0;
    });
    return isOn;
  }

  /** Several features in one change. @example config.setFeatures({ debug: false, metrics: true }) */
  setFeatures(features: Partial<Record<Name, boolean>>): void {
    const named = Object.entries(features) as [Name, boolean][];
    const on = this.features.masksOf(named.filter(([, isOn]) => isOn).map(([name]) => name));
    const off = this.features.masksOf(named.filter(([, isOn]) => !isOn).map(([name]) => name));
    this.#changeWords('update', (words) => {
      words[FLAGS_WORD] = (words[FLAGS_WORD]! | on) & ~off;
    });
  }

  /**
   * Gives a feature to a share of keys, in percent (0-100, two decimals). A partial rollout leaves the feature off for
   * everyone else. Errors: ERR_UNKNOWN_FEATURE, ERR_OUT_OF_RANGE, ERR_WRONG_TYPE.
   * @example config.setRollout('new_checkout', 10)
   */
  setRollout(feature: Name, percent: number): void {
    const bit = this.features.bitOf(feature);
    const basisPoints = parsePercent(percent);
    this.#changeState('update', (state) => ({ ...state, rollouts: withRollout(state.rollouts, bit, basisPoints) }));
  }

  /** Mode 0 disabled, 1 cooked, 2 raw, 3 pipe; rows and columns 1-255. Errors: ERR_OUT_OF_RANGE, ERR_WRONG_TYPE. */
  setTerminalSettings(mode: number, rows: number, cols: number): void {
    const [m, r, c] = [mode, rows, cols].map((value, i) => parseField(TERMINAL_SHAPES[i]!, value));
    this.#changeWords('update', (words) => {
      words[3] = m! | (r! << 8) | (c! << 16);
    });
  }

  /** Sets bits 0-11 and the terminal as the template says; the service's own features stay. Throws ERR_UNKNOWN_TEMPLATE. */
  applyTemplate(template: string): void {
    const found = findTemplate(template, this.templates);
    this.#changeConfig('template', (config) => applyTemplate(config, found));
  }

  /** Back to the defaults: version 1, no feature on, no rollout, a cooked terminal of 24 x 80. */
  reset(): void {
    const config = encodeConfig(DEFAULT_CONFIG);
    this.#changeState('reset', (state) => ({ ...state, config, rollouts: noRollouts() }));
  }

  // ---- judging ----

  /** Errors and warnings, of this config or of a partial one filled from it. Never throws, never changes anything. */
  validate(partial?: unknown): Validation {
    const { config, rollouts } = this.#slot.read();
    const context = { features: this.features, environment: this.#place.environment, name: this.name, rollouts };
    if (partial === undefined) return validate(decodeConfig(config), context, this.#rules);
    return validateInput(partial, decodeConfig(config), context, this.#rules);
  }

  // ---- remembering ----

  /**
   * Waits until all changes of this process are on disk, and puts the reason into the history as an entry of its own.
   * Errors: ERR_NOT_PERSISTENT without `persistPath`, ERR_JOURNAL_WRITE (changes stay visible and queued),
   * ERR_REVISION_CONFLICT (another process, without a shared board, changed the same config: `load()` takes its state).
   */
  async persist(reason: string): Promise<void> {
    const database = this.#needDatabase('persist');
    const swapped = this.#slot.swap({ kind: 'persist', always: true }, (state) => state);
    database.recorder.record(this.name, swapped!, { actor: this.#actor, reason });
    await database.recorder.settle();
    if (this.#diverged !== null) throw this.#diverged;
  }

  /**
   * The state in the journal, after all changes of this process reached it; null without `persistPath`. Where another
   * process has written a newer state and no board is shared, this config takes it over.
   */
  async load(): Promise<EnhancedConfig | null> {
    if (this.#database === null) return null;
    await this.#database.recorder.settle();
    const image = await this.#past.adoptNewer(this.#diverged !== null);
    this.#diverged = null;
    return enhanceConfig(decodeConfig(image.config), this.#place, image.modifiedAt, this.#backend);
  }

  /** Newest first. Errors: ERR_OUT_OF_RANGE for a bad limit. @example await config.getHistory({ field: 'featureFlags' }) */
  async getHistory(filter: HistoryFilter = {}): Promise<readonly HistoryEntry[]> {
    return (await this.getHistoryPage(filter)).entries;
  }

  /** As `getHistory`, with the cursor of the next page. */
  async getHistoryPage(filter: HistoryFilter = {}): Promise<HistoryPage> {
    await this.#database?.recorder.settle();
    return this.#past.history(filter);
  }

  /** The state at a revision, a journal sequence or a time (ms). Throws ERR_ENTRY_NOT_FOUND. */
  async stateAt(moment: Moment): Promise<{ revision: number; config: RegistryConfig }> {
    await this.#database?.recorder.settle();
    const { revision, state } = await this.#past.stateAt(moment);
    return { revision, config: decodeConfig(state.config) };
  }

  /**
   * Puts a past state back, rollouts included, as a change of its own. A number is a revision.
   * Errors: ERR_ENTRY_NOT_FOUND; without a journal only the last 100 changes are known.
   * @example await config.rollback(41)
   */
  async rollback(target: number | Moment): Promise<void> {
    await this.#database?.recorder.settle();
    const { revision, state } = await this.#past.stateAt(typeof target === 'number' ? { revision: target } : target);
    const { config, rollouts } = state;
    this.#changeState('rollback', (current) => ({ ...current, config, rollouts }), `rollback to revision ${revision}`);
  }

  /**
   * Brings the config to another version, after a backup of the database where there is one. Throws ERR_MIGRATION, with
   * nothing changed, when something would be lost.
   */
  async migrate(to: number): Promise<{ log: readonly MigrationLogEntry[]; backup: Backup | null }> {
    const { log } = migrate(this.config, to, this.features);
    if (log.length === 0) return { log, backup: null };
    const backup = this.#database === null ? null : await this.backup();
    this.#changeConfig('migrate', (config) => migrate(config, to, this.features).config);
    return { log, backup };
  }

  /** A verified copy of the database, beside it unless a path is given. Errors: ERR_NOT_PERSISTENT, ERR_BACKUP. */
  async backup(path?: string): Promise<Backup> {
    const database = this.#needDatabase('backup');
    await database.recorder.settle();
    return (await database.journal).backup(path ?? backupPath(database.path));
  }

  // ---- looking ----

  /** Human-readable, as data. */
  getDebugView(): DebugView {
    return debugView(this.#debugSource());
  }

  /** Counts since the journal began (in memory: since the config opened), plus evaluations while `debugMode` is on. */
  getAnalytics(): Analytics {
    return this.#counter.snapshot(this.features);
  }

  /** Called after every change: of this process at once, of others within some milliseconds. Returns the way to stop. */
  subscribe(subscriber: Subscriber): () => void {
    this.#slot.guard();
    return this.#watch.subscribe(subscriber);
  }

  /** Changes of this database that are not on disk yet. */
  get pendingWrites(): number {
    return this.#database?.recorder.pending ?? 0;
  }

  /** What `console.log(config)` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return inspectorView(this.#debugSource());
  }

  /** What `JSON.stringify(config)` writes. */
  toJSON(): EnhancedConfig {
    return this.getEnhancedConfig();
  }

  /**
   * Stops at once: no change is taken any more, reads keep the last state. The promise tells when what was queued is on disk.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#watch.close();
    this.#slot.close();
    await this.#database?.detach(this.#user);
  }

  #changeWords(kind: ChangeKind, change: (words: Uint32Array) => void): void {
    const revision = this.#slot.swapWords(kind, change);
    if (revision === 0) return;
    const { before, after } = this.#slot.lastSwap;
    const at = this.#slot.modifiedAt;
    this.#counter.recordMasks(at, changedMaskOf(before, after), before[FLAGS_WORD]!, after[FLAGS_WORD]!, 0);
    if (this.#database !== null) {
      const swapped = this.#slot.describeLastSwap(revision, kind, at);
      this.#database.recorder.record(this.name, swapped, { actor: this.#actor, reason: '' });
    }
    if (this.#watch.isWatched) this.#tell('local');
  }

  #changeConfig(kind: ChangeKind, change: (config: RegistryConfig) => RegistryConfig): void {
    this.#changeState(kind, (state) => ({ ...state, config: encodeConfig(change(decodeConfig(state.config))) }));
  }

  #changeState(kind: ChangeKind, change: (state: ConfigState) => ConfigState, reason = ''): void {
    const swapped = this.#slot.swap({ kind }, change);
    if (swapped === null) return;
    this.#count(swapped);
    this.#past.remember(swapped);
    this.#database?.recorder.record(this.name, swapped, { actor: this.#actor, reason });
    if (this.#watch.isWatched) this.#tell('local');
  }

  #count({ at, before, after }: Swapped): void {
    const fields = changedBetween(before, after);
    const flags = [before, after].map(({ config }) => decodeConfig(config).featureFlags);
    this.#counter.recordMasks(at, fields.mask, flags[0]!, flags[1]!, fields.rollouts);
  }

  #look(): ChangeEvent | null {
    return this.#slot.revision === this.#told.revision ? null : this.#event('remote');
  }

  #tell(origin: ChangeEvent['origin']): void {
    this.#watch.tell(this.#event(origin));
  }

  #event(origin: ChangeEvent['origin']): ChangeEvent {
    const revision = this.#slot.revision;
    const words = this.#slot.words.slice();
    const changedFields = fieldsChangedInSlot(this.#told.words, words);
    this.#told = { revision, words };
    return { revision, config: this.config, changedFields, origin };
  }

  #debugSource(): DebugSource {
    const { config, revision, rollouts } = this.#slot.read();
    const { features, name } = this;
    return { config: decodeConfig(config), features, name, revision, rollouts, validation: this.validate() };
  }

  #needDatabase(what: string): Database {
    this.#slot.guard();
    if (this.#database !== null) return this.#database;
    throw new ConfigError('ERR_NOT_PERSISTENT', {
      message: `${what}() needs a database: this config lives in memory`,
      hint: 'Open it with persistPath.',
      details: { what },
    });
  }
}
