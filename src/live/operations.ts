/**
 * What can be done to the configs of a database, in the terms of its users: names and percentages in, plain data out.
 * The registry's routes and the command line call this and nothing below it, so both mean the same by every word.
 *
 * A write is refused when it would add an error of validation (ERR_CONFIG_INVALID), by the built-in rules or the team's
 * own, unless it is forced; errors that were there before do not stand in the way of mending something else. Who may
 * touch what is asked of `permit` before that, with the state the change is made of.
 * @module
 */
import { statSync } from 'node:fs';
import type { BackendKind } from '../../bindings/backend.ts';
import type { Analytics, FieldAnalytics } from '../config/analytics.ts';
import { rolloutsByName } from '../config/debug-view.ts';
import { formatVariables, type EnvironmentFormat } from '../config/environment.ts';
import { BUILTIN_FEATURES, type FeatureDeclaration, type FeatureSet } from '../config/features.ts';
import { asObject, parseConfigInput, unknownField } from '../config/input.ts';
import { enhanceConfig, type EnhancedConfig } from '../config/metadata.ts';
import { migrate, type MigrationLogEntry } from '../config/migrations.ts';
import { configStream, DEFAULT_NAME, parseConfigName } from '../config/name.ts';
import { noRollouts, parsePercent, withRollout } from '../config/rollout.ts';
import { CREATION_SECTION, DELETION_SECTION, touchedSections } from '../config/sections.ts';
import { applyTemplate, describeTemplate, type TemplateInput } from '../config/templates.ts';
import { requireValid, validate, validateInput, type Rule, type Validation } from '../config/validation.ts';
import { CHANGED_FIELDS, configHex, DEFAULT_CONFIG, type ChangedField } from '../config/value.ts';
import { ConfigError } from '../errors/errors.ts';
import { checkName, checkReason } from '../journal/border.ts';
import type { Backup, Head, NewEntry, VerifyOptions, VerifyReport } from '../journal/journal.ts';
import { backUp, listBackups, openBackup, type BackupFile } from './backups.ts';
import { momentOf, parseBulk, type BulkChange } from './bulk.ts';
import type { ChangeKind } from './change.ts';
import { notFound } from './commit.ts';
import type { Committed, ConfigSnapshot, Draft, NamedCommit } from './commit.ts';
import { conflict } from './config-slot.ts';
import type { ConfigStore, Permit, Sharing } from './config-store.ts';
import { core } from './core.ts';
import { Declarations } from './declarations.ts';
import { exportConfigs, exportText } from './export.ts';
import type { HistoryFilter, HistoryPage } from './history.ts';
import type { Moment } from './past.ts';
import type { Sealer } from './sealed.ts';

/** A config as users read it. */
export interface ConfigView extends EnhancedConfig {
  readonly name: string;
  readonly revision: number;
  readonly hex: string;
  readonly features: { readonly enabled: readonly string[]; readonly disabled: readonly string[] };
  /** Percent by feature, those above 0. */
  readonly rollouts: Readonly<Record<string, number>>;
}

/** Which configs `list` answers. */
export interface ListQuery {
  /** Names above this one: the last of the page before. */
  readonly after?: string;
  readonly limit?: number;
  /** Features that must be on for everyone. */
  readonly on?: readonly string[];
  /** Features that must not be. */
  readonly off?: readonly string[];
  /** Only this service's configs, in all its environments. */
  readonly service?: string | undefined;
  /** Only these; left out: all. */
  readonly visible?: ((name: string) => boolean) | undefined;
}

/** One feature of one config. */
export interface FeatureView {
  readonly feature: string;
  readonly bit: number;
  /** On for everyone. */
  readonly enabled: boolean;
  /** Percent of keys, 0-100. */
  readonly rollout: number;
}

/** Who writes, why, and under which conditions. */
export interface Write {
  readonly actor: string;
  readonly reason?: string;
  /** Only at this revision; 0: only if there is no such config. Otherwise ERR_REVISION_CONFLICT. */
  readonly expected?: number | undefined;
  /** Asked before anything changes, with what of the config would; throws to refuse. */
  readonly permit?: Permit | undefined;
  /** Write although validation finds errors. */
  readonly force?: boolean;
}

/** Who makes many changes, and which entries of other streams are to be in the same append: all or none. */
export interface BulkWrite extends Omit<Write, 'expected'> {
  readonly also?: readonly NewEntry[];
}

/** The answer to a write; `changed` is false where everything was so already. */
export interface WrittenConfig {
  readonly config: ConfigView;
  readonly changed: boolean;
  readonly warnings: Validation['warnings'];
}

/** What became of one of many changes. */
export interface BulkOutcome {
  readonly name: string;
  readonly revision: number;
  readonly changed: boolean;
  /** null: it was deleted. */
  readonly config: ConfigView | null;
  readonly warnings: Validation['warnings'];
}

/** What would become of a config. */
export interface Foreseen {
  readonly name: string;
  readonly features: FeatureSet;
  /** null: it is not there. A snapshot, where it was looked up. */
  readonly before: Draft | ConfigSnapshot | null;
  /** Of one that would be deleted: the defaults, which its readers see then. */
  readonly after: Draft;
  readonly isDeleted: boolean;
}

/** What the operations of a server need besides the store. */
export interface OperationsOptions {
  /** Whoever opens sealed backups; left out: they stay closed (ERR_BACKUP). */
  readonly sealer?: Sealer | undefined;
  /** Asked at each backup, whether it is to be sealed. Left out: as soon as there is a sealer. */
  readonly seals?: () => boolean;
}

/** How a database and the core that serves it do. */
export interface StoreStatus {
  readonly core: { readonly kind: BackendKind; readonly reason: string; readonly crc64Kernel: string };
  readonly journal: { readonly path: string; readonly id: string; readonly head: Head; readonly size_bytes: number };
  readonly sharing: Sharing;
  /** How many configs there are. */
  readonly configs: number;
}

const LIST_LIMIT_DEFAULT = 100;

/** `getConfig()` opens the one, the registry itself obeys the other. */
const KEPT_NAMES: readonly string[] = [DEFAULT_NAME, 'registry'];

/** What `set` takes besides the fields of `ConfigInput`: percentages by feature. */
const ROLLOUTS = 'rollouts';

/** They set what they do not name, or nobody names what they set. */
const WHOLE_KINDS: readonly ChangeKind[] = ['template', 'reset', 'rollback', 'restore'];

/** A change that may be asked for, and how its answer is made. */
interface Prepared {
  readonly commit: NamedCommit;
  readonly answer: (committed: Committed) => WrittenConfig;
}

/** What is wanted, from what is. */
type Change = (current: Draft, features: FeatureSet) => Draft;

interface Wish {
  readonly kind: ChangeKind;
  readonly write: Write;
  /** Make the config when there is none. */
  readonly create: boolean;
  readonly change: Change;
}

export class ConfigOperations {
  readonly store: ConfigStore;
  /** The team's own templates and rules. */
  readonly declarations: Declarations;
  readonly #sealer: Sealer | undefined;
  readonly #seals: () => boolean;
  #guard: Permit | null = null;
  #binds: (config: string, feature: string) => boolean = () => false;

  constructor(store: ConfigStore, { sealer, seals = () => true }: OperationsOptions = {}) {
    this.store = store;
    this.declarations = new Declarations(store.journal, () => store.head());
    this.#sealer = sealer;
    this.#seals = seals;
  }

  /**
   * From now on `check` is asked too, after `permit`, of every change that comes with one: what nobody may change by
   * hand, whatever he has been granted. What changes a whole config (a template, a reset, a past state) leaves features
   * and rollouts as they are that something else `binds`.
   */
  guardWith(check: Permit, binds: (config: string, feature: string) => boolean = () => false): void {
    this.#guard = check;
    this.#binds = binds;
  }

  /** Throws ERR_NOT_FOUND, ERR_NAME. */
  async get(name: string): Promise<ConfigView> {
    return viewOf(await this.store.get(name), await this.store.features(name));
  }

  /**
   * By name, from after `after`; only those that have every feature of `on` for everyone and none of `off`, only those
   * of `service`, and only `visible` ones: a page is full as long as there are more. Features of a service's own need
   * its name. Throws ERR_UNKNOWN_FEATURE, ERR_NAME.
   */
  async list({ after = '', limit = LIST_LIMIT_DEFAULT, ...wanted }: ListQuery = {}): Promise<ConfigView[]> {
    const names = await this.#namesOf(wanted);
    const found = names === null ? await this.store.list({ after, limit }) : await this.#page(names, after, limit);
    return await Promise.all(found.map(async (config) => viewOf(config, await this.store.features(config.name))));
  }

  /** How many configs `list` would find in all. */
  async count(wanted: Omit<ListQuery, 'after' | 'limit'> = {}): Promise<number> {
    return (await this.#namesOf(wanted))?.length ?? (await this.store.count());
  }

  /**
   * Sets the given fields, features (`{ debug: true }`) and rollouts (`{ new_checkout: 10 }`, percent); makes the
   * config when there is none. Errors: those of `parseConfigInput`, ERR_CONFIG_INVALID, and those of every write.
   */
  async set(name: string, input: unknown, write: Write): Promise<WrittenConfig> {
    return await this.#write(name, settingOf(input, write));
  }

  /** Errors: ERR_UNKNOWN_TEMPLATE, ERR_CONFIG_INVALID, and those of every write. */
  async applyTemplate(name: string, template: string, write: Write): Promise<WrittenConfig> {
    return await this.#write(name, await this.#templateOf(name, template, write));
  }

  /** Back to the defaults. */
  async reset(name: string, write: Write): Promise<WrittenConfig> {
    return await this.#write(name, resetOf(write));
  }

  /**
   * Puts the state of a revision, a journal sequence or a time back, also of a config that was deleted since. Throws
   * ERR_ENTRY_NOT_FOUND.
   */
  async rollback(name: string, moment: Moment, write: Write): Promise<WrittenConfig> {
    return await this.#write(name, await this.#rollbackOf(name, moment, write));
  }

  /**
   * Takes a config away: it is no longer found, its history is, and the next write makes it again. Processes that still
   * have it read the defaults. Errors: ERR_FORBIDDEN for `default` and `registry`, and those of every write.
   */
  async delete(name: string, write: Write): Promise<Pick<BulkOutcome, 'name' | 'revision'>> {
    const { commit } = await this.#prepare(name, deletionOf(name, write));
    const { revision } = (await this.store.commitAll([commit]))[0]!;
    return { name, revision };
  }

  /**
   * Many changes, all or none, in one transaction of the journal; the answers are in their order. What the changes say
   * is parsed here (`parseBulk`). Errors: those of `parseBulk` and of each change; `write` says who, why and `force`
   * for all.
   */
  async bulk(changes: unknown, { also = [], ...write }: BulkWrite): Promise<BulkOutcome[]> {
    const parsed = parseBulk(changes);
    const prepared: Prepared[] = [];
    for (const change of parsed) prepared.push(await this.#prepare(change.name, await this.#wishOf(change, write)));
    const committed = await this.store.commitAll(
      prepared.map(({ commit }) => commit),
      also,
    );
    return committed.map((one, i) => {
      const { name, revision, changed } = one;
      const { config, warnings } = prepared[i]!.answer(one);
      const isGone = parsed[i]!.delete === true;
      return { name, revision, changed, config: isGone ? null : config, warnings: isGone ? [] : warnings };
    });
  }

  /**
   * What `bulk` would make of each config, without making it: from the state in `known` where that has the name (null:
   * it is not there), else from the journal's. Errors: those of `bulk`.
   */
  async foresee(
    changes: unknown,
    write: Omit<Write, 'expected'>,
    known: ReadonlyMap<string, Draft | null> = new Map(),
  ): Promise<Foreseen[]> {
    const foreseen: Foreseen[] = [];
    for (const change of parseBulk(changes)) {
      const { commit } = await this.#prepare(change.name, await this.#wishOf(change, write));
      const found = known.has(change.name) ? known.get(change.name)! : await this.store.find(change.name);
      const features = await this.store.features(change.name);
      foreseen.push({ name: change.name, features, before: found, ...outcomeOf(commit, found) });
    }
    return foreseen;
  }

  /** To another config version, after a backup. Throws ERR_MIGRATION, with nothing changed and no backup made. */
  async migrate(
    name: string,
    to: number,
    write: Write,
  ): Promise<WrittenConfig & { log: readonly MigrationLogEntry[]; backup: Backup | null }> {
    const features = await this.store.features(name);
    const current = await this.store.get(name);
    const change: Change = ({ config, rollouts }) => ({ config: migrate(config, to, features).config, rollouts });
    const { log } = migrate(current.config, to, features);
    const expected = write.expected ?? current.revision;
    if (expected !== current.revision) throw conflict(expected, current.revision, configStream(name));
    // Who may not migrate it makes no backup either.
    askPermission(name, features, current, change(current, features), this.#guarded(write), []);
    const backup = log.length === 0 ? null : await this.backup();
    const reason = write.reason ?? `migration to version ${to}`;
    const written = await this.#write(name, { kind: 'migrate', write: { ...write, reason }, create: false, change });
    return { ...written, log, backup };
  }

  /**
   * The state this config had in a backup (a file's name in the list, or its path). Throws ERR_BACKUP, ERR_NOT_FOUND.
   */
  async restore(name: string, backup: string, write: Write): Promise<WrittenConfig> {
    const { config, rollouts } = await openBackup(this.store.path, backup, name, this.#sealer);
    const reason = write.reason ?? `restored from ${backup}`;
    const forced = { ...write, reason, force: true };
    return await this.#write(name, {
      kind: 'restore',
      write: forced,
      create: true,
      change: () => ({ config, rollouts }),
    });
  }

  history(name: string, filter: HistoryFilter = {}): Promise<HistoryPage> {
    return this.store.history(name, filter);
  }

  analytics(name: string): Promise<Analytics> {
    return this.store.analytics(name);
  }

  /** One field, or all. Throws ERR_UNKNOWN_FIELD. */
  async fieldAnalytics(name: string, field?: string): Promise<Readonly<Record<string, FieldAnalytics>>> {
    const { fields } = await this.store.analytics(name);
    if (field === undefined) return fields;
    if (!CHANGED_FIELDS.includes(field as ChangedField)) throw unknownField(field, CHANGED_FIELDS);
    return { [field]: fields[field as ChangedField] };
  }

  /** The built-in ones, and the team's own that name only features this config's service knows. */
  async templates(name: string): Promise<TemplateInput[]> {
    const features = await this.store.features(name);
    return (await this.declarations.templatesFor(features)).map((template) => describeTemplate(template, features));
  }

  /** Judges the config, or a partial one filled from it. Changes nothing. */
  async validate(name: string, partial?: unknown): Promise<Validation> {
    const { config, rollouts } = await this.store.get(name);
    const features = await this.store.features(name);
    const context = contextOf(name, features, rollouts);
    const rules = await this.declarations.rulesFor(features);
    return partial === undefined ? validate(config, context, rules) : validateInput(partial, config, context, rules);
  }

  async features(name: string): Promise<FeatureView[]> {
    const features = await this.store.features(name);
    const { config, rollouts } = await this.store.get(name);
    return features.names.map((feature) => {
      const bit = features.bitOf(feature);
      return { feature, bit, enabled: ((config.featureFlags >>> bit) & 1) === 1, rollout: rollouts[bit]! / 100 };
    });
  }

  /** Names bits 12-31 for the config's service. Throws ERR_FEATURE_CONFLICT and what `defineFeatures` throws. */
  async declare(
    name: string,
    declaration: FeatureDeclaration,
    write: Pick<Write, 'actor' | 'permit'>,
  ): Promise<FeatureDeclaration> {
    return (await this.store.declare(name, declaration, write)).declaration;
  }

  /** The config as BUN_* variables. */
  async environment(name: string, format: EnvironmentFormat): Promise<string> {
    return formatVariables((await this.store.get(name)).config, format);
  }

  /** A verified copy of the database beside it, sealed where that is asked for. Throws ERR_BACKUP. */
  backup(): Promise<Backup> {
    return backUp(this.store, this.#seals() ? this.#sealer : undefined);
  }

  /** Newest first. */
  backups(): Promise<BackupFile[]> {
    return listBackups(this.store.path);
  }

  /** All configs as the document that `c13 export` prints and `c13 import` takes: UTF-8. */
  async exportAll(): Promise<Uint8Array> {
    const views = await this.list({ limit: Number.MAX_SAFE_INTEGER });
    return new TextEncoder().encode(exportText(await exportConfigs(this, views)));
  }

  /** What runs here, and how far the journal is. */
  async status(): Promise<StoreStatus> {
    const { backend, reason } = core();
    const { journal, path, sharing } = this.store;
    return {
      core: { kind: backend.kind, reason, crc64Kernel: backend.crc64Kernel },
      journal: { path, id: journal.id, head: await journal.head(), size_bytes: statSync(path).size },
      sharing,
      configs: await this.store.count(),
    };
  }

  verify(options?: VerifyOptions): Promise<VerifyReport> {
    return this.store.journal.verify(options);
  }

  /** Names that a query asks for, ascending; null where it asks for all. */
  async #namesOf({
    on = [],
    off = [],
    service,
    visible,
  }: Omit<ListQuery, 'after' | 'limit'>): Promise<string[] | null> {
    if (visible === undefined) return await this.#namesWhere(on, off, service);
    const seen = (await this.store.names()).filter(visible);
    // Who sees none of a service's configs does not learn either what its features are called.
    if (service !== undefined && !seen.some((name) => parseConfigName(name).service === service)) return [];
    const names = await this.#namesWhere(on, off, service);
    return (names ?? seen).filter(visible);
  }

  async #namesWhere(on: readonly string[], off: readonly string[], service?: string): Promise<string[] | null> {
    if (on.length === 0 && off.length === 0 && service === undefined) return null;
    const features = service === undefined ? BUILTIN_FEATURES : await this.store.features(service);
    const names = await this.store.namesWhere({ on: features.masksOf(on), off: features.masksOf(off) });
    return service === undefined ? names : names.filter((name) => parseConfigName(name).service === service);
  }

  /** What is deleted meanwhile makes no page shorter. */
  async #page(names: readonly string[], after: string, limit: number): Promise<ConfigSnapshot[]> {
    const wanted = names.filter((name) => name > after);
    const found: ConfigSnapshot[] = [];
    while (found.length < limit && wanted.length > 0) {
      found.push(...(await this.store.findAll(wanted.splice(0, limit - found.length))));
    }
    return found;
  }

  async #write(name: string, wish: Wish): Promise<WrittenConfig> {
    const { commit, answer } = await this.#prepare(name, wish);
    return answer((await this.store.commitAll([commit]))[0]!);
  }

  #guarded({ permit }: Pick<Write, 'permit'>): Pick<Write, 'permit'> {
    const guard = this.#guard;
    if (permit === undefined || guard === null) return { permit };
    return {
      permit: (stream, touched) => {
        permit(stream, touched);
        guard(stream, touched);
      },
    };
  }

  async #prepare(name: string, { kind, write, create, change }: Wish): Promise<Prepared> {
    // The journal would refuse them too, but only after the change was visible.
    checkName('actor', write.actor);
    checkReason('reason', write.reason ?? '');
    const features = await this.store.features(parseConfigName(name).name);
    const rules = await this.declarations.rulesFor(features);
    let warnings: Validation['warnings'] = [];
    const commit: NamedCommit = {
      name,
      kind,
      create,
      always: kind === 'delete',
      expected: write.expected,
      signature: { actor: write.actor, reason: write.reason ?? '' },
      change: (current, isThere) => {
        const asked = change(current, features);
        const isWhole = isThere && WHOLE_KINDS.includes(kind);
        const wanted = isWhole ? this.#withBound(name, features, current, asked) : asked;
        const whole = kind === 'delete' ? [DELETION_SECTION] : isThere ? [] : [CREATION_SECTION];
        askPermission(name, features, current, wanted, this.#guarded(write), whole);
        warnings = judged(name, features, rules, current, wanted, write.force ?? false);
        return wanted;
      },
    };
    const answer = (committed: Committed) => ({
      config: viewOf(committed, features),
      changed: committed.changed,
      warnings,
    });
    return { commit, answer };
  }

  #withBound(name: string, features: FeatureSet, current: Draft, asked: Draft): Draft {
    const bound = features.masksOf(features.names.filter((feature) => this.#binds(name, feature)));
    const featureFlags = ((asked.config.featureFlags & ~bound) | (current.config.featureFlags & bound)) >>> 0;
    const isBound = (bit: number): boolean => ((bound >>> bit) & 1) === 1;
    const rollouts = asked.rollouts.map((value, bit) => (isBound(bit) ? current.rollouts[bit]! : value));
    return { config: { ...asked.config, featureFlags }, rollouts };
  }

  async #wishOf({ name, expected, ...change }: BulkChange, said: Omit<Write, 'expected'>): Promise<Wish> {
    const write = { ...said, expected };
    if (change.template !== undefined) return await this.#templateOf(name, change.template, write);
    if (change.rollback !== undefined) return await this.#rollbackOf(name, momentOf(change.rollback), write);
    if (change.reset === true) return resetOf(write);
    return change.delete === true ? deletionOf(name, write) : settingOf(change.set, write);
  }

  async #templateOf(name: string, template: string, write: Write): Promise<Wish> {
    const features = await this.store.features(parseConfigName(name).name);
    const found = await this.declarations.templateFor(template, features);
    const reason = write.reason ?? `template ${found.name}`;
    const change: Change = ({ config, rollouts }) => ({ config: applyTemplate(config, found), rollouts });
    return { kind: 'template', write: { ...write, reason }, create: true, change };
  }

  async #rollbackOf(name: string, moment: Moment, write: Write): Promise<Wish> {
    const { config, rollouts, revision } = await this.store.stateAt(name, moment);
    const reason = write.reason ?? `rollback to revision ${revision}`;
    const forced = { ...write, reason, force: true };
    return { kind: 'rollback', write: forced, create: true, change: () => ({ config, rollouts }) };
  }
}

function settingOf(input: unknown, write: Write): Wish {
  const { [ROLLOUTS]: percentages, ...fields } = asObject('config', input);
  const change: Change = ({ config, rollouts }, features) => ({
    config: parseConfigInput(fields, config, features),
    rollouts: percentages === undefined ? rollouts : withRollouts(rollouts, percentages, features),
  });
  return { kind: 'update', write, create: true, change };
}

function resetOf(write: Write): Wish {
  return { kind: 'reset', write, create: false, change: defaults };
}

/** Throws ERR_FORBIDDEN. */
function deletionOf(name: string, write: Write): Wish {
  if (!KEPT_NAMES.includes(name))
    return { kind: 'delete', write: { ...write, force: true }, create: false, change: defaults };
  throw new ConfigError('ERR_FORBIDDEN', {
    message: `The config '${name}' cannot be deleted`,
    hint: 'Reset it, if it is to be as it was first.',
    details: { rule: 'kept configs' },
  });
}

/** Throws ERR_NOT_FOUND and what the change throws. */
function outcomeOf(commit: NamedCommit, found: Draft | null): Pick<Foreseen, 'after' | 'isDeleted'> {
  if (found === null && commit.create !== true) throw notFound(commit.name);
  return { after: commit.change(found ?? defaults(), found !== null), isDeleted: commit.kind === 'delete' };
}

function defaults(): Draft {
  return { config: DEFAULT_CONFIG, rollouts: noRollouts() };
}

/** Throws what `permit` throws. */
function askPermission(
  name: string,
  features: FeatureSet,
  current: Draft,
  wanted: Draft,
  { permit }: Pick<Write, 'permit'>,
  whole: readonly string[],
): void {
  if (permit === undefined) return;
  const touched = touchedSections(current.config, wanted.config, current.rollouts, wanted.rollouts, features);
  permit(configStream(name), [...touched, ...whole]);
}

/** Throws ERR_CONFIG_INVALID for errors that the change would add. Returns the warnings of what is wanted. */
function judged(
  name: string,
  features: FeatureSet,
  rules: readonly Rule[],
  current: Draft,
  wanted: Draft,
  force: boolean,
): Validation['warnings'] {
  const before = validate(current.config, contextOf(name, features, current.rollouts), rules);
  const after = validate(wanted.config, contextOf(name, features, wanted.rollouts), rules);
  const added = after.errors.filter(({ code }) => !before.errors.some((known) => known.code === code));
  if (!force) requireValid({ isValid: added.length === 0, errors: added, warnings: [] });
  return after.warnings;
}

function contextOf(name: string, features: FeatureSet, rollouts: Uint16Array) {
  return { features, name, rollouts, environment: parseConfigName(name).environment ?? undefined };
}

function withRollouts(rollouts: Uint16Array, percentages: unknown, features: FeatureSet): Uint16Array {
  return Object.entries(asObject(ROLLOUTS, percentages)).reduce(
    (changed, [feature, percent]) =>
      withRollout(changed, features.bitOf(feature), parsePercent(percent, `${ROLLOUTS}.${feature}`)),
    rollouts,
  );
}

/** What a snapshot looks like to users. */
export function viewOf(
  { name, revision, config, rollouts, modifiedAt }: ConfigSnapshot | Committed,
  features: FeatureSet,
): ConfigView {
  const environment = parseConfigName(name).environment ?? '';
  return {
    name,
    revision,
    ...enhanceConfig(config, { environment }, modifiedAt, core().backend),
    hex: configHex(config),
    features: { enabled: features.enabledIn(config.featureFlags), disabled: features.disabledIn(config.featureFlags) },
    rollouts: rolloutsByName(rollouts, features),
  };
}
