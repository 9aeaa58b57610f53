/**
 * What can be done to the configs of a database, in the terms of its users: names and percentages in, plain data out.
 * The registry's routes and the command line call this and nothing below it, so both mean the same by every word.
 *
 * A write is refused when it would add an error of validation (ERR_CONFIG_INVALID) unless it is forced; errors that
 * were there before do not stand in the way of mending something else.
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
import { parseConfigName } from '../config/name.ts';
import { parsePercent, withRollout } from '../config/rollout.ts';
import {
  applyTemplate,
  BUILTIN_TEMPLATES,
  describeTemplate,
  findTemplate,
  type TemplateInput,
} from '../config/templates.ts';
import { requireValid, validate, validateInput, type Validation } from '../config/validation.ts';
import { CHANGED_FIELDS, configHex, DEFAULT_CONFIG, type ChangedField } from '../config/value.ts';
import { checkName, checkReason } from '../journal/border.ts';
import type { Backup, Head, VerifyOptions, VerifyReport } from '../journal/journal.ts';
import { listBackups, openBackup, type BackupFile } from './backups.ts';
import type { ChangeKind } from './change.ts';
import { conflict } from './config-slot.ts';
import type { Committed, ConfigSnapshot, ConfigStore, Draft, Sharing } from './config-store.ts';
import { core } from './core.ts';
import type { HistoryFilter, HistoryPage } from './history.ts';
import type { Moment } from './past.ts';

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
  readonly permit?: (stream: string, touched: readonly string[]) => void;
  /** Write although validation finds errors. */
  readonly force?: boolean;
}

/** The answer to a write; `changed` is false where everything was so already. */
export interface WrittenConfig {
  readonly config: ConfigView;
  readonly changed: boolean;
  readonly warnings: Validation['warnings'];
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

/** What `set` takes besides the fields of `ConfigInput`: percentages by feature. */
const ROLLOUTS = 'rollouts';

export class ConfigOperations {
  readonly store: ConfigStore;

  constructor(store: ConfigStore) {
    this.store = store;
  }

  /** Throws ERR_NOT_FOUND, ERR_NAME. */
  async get(name: string): Promise<ConfigView> {
    return viewOf(await this.store.get(name), await this.store.features(name));
  }

  /**
   * By name, from after `after`; only those that have every feature of `on` for everyone and none of `off`, and only
   * those of `service`. Features of a service's own need its name. Throws ERR_UNKNOWN_FEATURE, ERR_NAME.
   */
  async list({ after = '', limit = LIST_LIMIT_DEFAULT, ...wanted }: ListQuery = {}): Promise<ConfigView[]> {
    const names = await this.#namesOf(wanted);
    const found =
      names === null
        ? await this.store.list({ after, limit })
        : await Promise.all(
            names
              .filter((name) => name > after)
              .slice(0, limit)
              .map((name) => this.store.get(name)),
          );
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
    const { [ROLLOUTS]: percentages, ...fields } = asObject('config', input);
    return await this.#write(name, 'update', write, true, ({ config, rollouts }, features) => ({
      config: parseConfigInput(fields, config, features),
      rollouts: percentages === undefined ? rollouts : withRollouts(rollouts, percentages, features),
    }));
  }

  /** Errors: ERR_UNKNOWN_TEMPLATE, ERR_CONFIG_INVALID, and those of every write. */
  async applyTemplate(name: string, template: string, write: Write): Promise<WrittenConfig> {
    const found = findTemplate(template);
    const reason = write.reason ?? `template ${found.name}`;
    return await this.#write(name, 'template', { ...write, reason }, true, ({ config, rollouts }) => ({
      config: applyTemplate(config, found),
      rollouts,
    }));
  }

  /** Back to the defaults. */
  async reset(name: string, write: Write): Promise<WrittenConfig> {
    return await this.#write(name, 'reset', write, false, () => ({
      config: DEFAULT_CONFIG,
      rollouts: new Uint16Array(32),
    }));
  }

  /** Puts the state of a revision, a journal sequence or a time back. Throws ERR_ENTRY_NOT_FOUND. */
  async rollback(name: string, moment: Moment, write: Write): Promise<WrittenConfig> {
    const { config, rollouts, revision } = await this.store.stateAt(name, moment);
    const reason = write.reason ?? `rollback to revision ${revision}`;
    return await this.#write(name, 'rollback', { ...write, reason, force: true }, false, () => ({ config, rollouts }));
  }

  /** To another config version, after a backup. Throws ERR_MIGRATION, with nothing changed and no backup made. */
  async migrate(
    name: string,
    to: number,
    write: Write,
  ): Promise<WrittenConfig & { log: readonly MigrationLogEntry[]; backup: Backup | null }> {
    const features = await this.store.features(name);
    const current = await this.store.get(name);
    const { log } = migrate(current.config, to, features);
    const expected = write.expected ?? current.revision;
    if (expected !== current.revision) throw conflict(expected, current.revision, `config:${name}`);
    const backup = log.length === 0 ? null : await this.store.backup();
    const reason = write.reason ?? `migration to version ${to}`;
    const written = await this.#write(name, 'migrate', { ...write, reason }, false, ({ config, rollouts }) => ({
      config: migrate(config, to, features).config,
      rollouts,
    }));
    return { ...written, log, backup };
  }

  /**
   * The state this config had in a backup (a file's name in the list, or its path). Throws ERR_BACKUP, ERR_NOT_FOUND.
   */
  async restore(name: string, backup: string, write: Write): Promise<WrittenConfig> {
    const { config, rollouts } = await openBackup(this.store.path, backup, name);
    const reason = write.reason ?? `restored from ${backup}`;
    return await this.#write(name, 'restore', { ...write, reason, force: true }, true, () => ({ config, rollouts }));
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

  async templates(name: string): Promise<TemplateInput[]> {
    const features = await this.store.features(name);
    return BUILTIN_TEMPLATES.map((template) => describeTemplate(template, features));
  }

  /** Judges the config, or a partial one filled from it. Changes nothing. */
  async validate(name: string, partial?: unknown): Promise<Validation> {
    const { config, rollouts } = await this.store.get(name);
    const context = contextOf(name, await this.store.features(name), rollouts);
    return partial === undefined ? validate(config, context) : validateInput(partial, config, context);
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
    write: Pick<Write, 'actor'>,
  ): Promise<FeatureDeclaration> {
    return (await this.store.declare(name, declaration, write)).declaration;
  }

  /** The config as BUN_* variables. */
  async environment(name: string, format: EnvironmentFormat): Promise<string> {
    return formatVariables((await this.store.get(name)).config, format);
  }

  backup(): Promise<Backup> {
    return this.store.backup();
  }

  /** Newest first. */
  backups(): Promise<BackupFile[]> {
    return listBackups(this.store.path);
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
  async #namesOf({ on = [], off = [], service }: Omit<ListQuery, 'after' | 'limit'>): Promise<string[] | null> {
    if (on.length === 0 && off.length === 0 && service === undefined) return null;
    const features = service === undefined ? BUILTIN_FEATURES : await this.store.features(service);
    const names = await this.store.namesWhere({ on: features.masksOf(on), off: features.masksOf(off) });
    return service === undefined ? names : names.filter((name) => parseConfigName(name).service === service);
  }

  async #write(
    name: string,
    kind: ChangeKind,
    write: Write,
    create: boolean,
    change: (current: Draft, features: FeatureSet) => Draft,
  ): Promise<WrittenConfig> {
    // The journal would refuse them too, but only after the change was visible.
    checkName('actor', write.actor);
    checkReason('reason', write.reason ?? '');
    const features = await this.store.features(parseConfigName(name).name);
    let warnings: Validation['warnings'] = [];
    const committed = await this.store.commit(name, {
      kind,
      create,
      expected: write.expected,
      signature: { actor: write.actor, reason: write.reason ?? '' },
      change: (current) => {
        const wanted = change(current, features);
        warnings = judged(name, features, current, wanted, write.force ?? false);
        return wanted;
      },
    });
    return { config: viewOf(committed, features), changed: committed.changed, warnings };
  }
}

/** Throws ERR_CONFIG_INVALID for errors that the change would add. Returns the warnings of what is wanted. */
function judged(
  name: string,
  features: FeatureSet,
  current: Draft,
  wanted: Draft,
  force: boolean,
): Validation['warnings'] {
  const before = validate(current.config, contextOf(name, features, current.rollouts));
  const after = validate(wanted.config, contextOf(name, features, wanted.rollouts));
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
function viewOf(
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
