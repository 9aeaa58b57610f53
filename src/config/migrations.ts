/**
 * From one config version to another, step by step, with a log of what each step changed. A migration keeps what
 * the config means: where that cannot be, it is refused and nothing changes.
 *
 * Version 0 (legacy) knows the features of bits 0-7 only, and a 0 in registryHash, rows or cols stands for the
 * default. Version 1 (modern) knows all 32 features and says every value. So 0 to 1 writes the defaults out, and
 * 1 to 0 is allowed only where nothing is lost: no bit of 8-31 set, and no registryHash of 0.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import { BUILTIN_FEATURES, type FeatureSet } from './features.ts';
import {
  CONFIG_FIELDS,
  DEFAULT_CONFIG,
  changedFields,
  terminalModeName,
  type ConfigField,
  type RegistryConfig,
} from './value.ts';

/** One step between two versions. Steps are found by their ends, so each pair has at most one. */
export interface Migration {
  readonly from: number;
  readonly to: number;
  /** One sentence for the log. */
  readonly description: string;
  /** Why this config cannot take the step, or null. */
  obstacle(config: RegistryConfig, features: FeatureSet): string | null;
  /** Sets everything but the version, which `migrate` sets. */
  apply(config: RegistryConfig): RegistryConfig;
}

export interface MigrationChange {
  readonly field: ConfigField;
  readonly before: number;
  readonly after: number;
}

export interface MigrationLogEntry {
  readonly from: number;
  readonly to: number;
  readonly description: string;
  readonly changes: readonly MigrationChange[];
}

export interface MigrationResult {
  readonly config: RegistryConfig;
  /** Empty when the config was of that version already. */
  readonly log: readonly MigrationLogEntry[];
}

export interface Compatibility {
  readonly compatible: boolean;
  /** Versions passed through, both ends included; empty when no steps lead there. */
  readonly path: readonly number[];
  /** Why not. */
  readonly obstacle: string | null;
}

/** What version 0 knows: bits 0-7. */
const LEGACY_MASK = 0xff;

const MIGRATIONS: readonly Migration[] = [
  {
    from: 0,
    to: 1,
    description: 'Legacy to modern: the defaults that a 0 stood for are written out',
    obstacle: ({ terminalMode }) =>
      terminalModeName(terminalMode) === null ? `terminal mode ${terminalMode} is not known` : null,
    apply: (config) => ({
      ...config,
      registryHash: config.registryHash || DEFAULT_CONFIG.registryHash,
      rows: config.rows || DEFAULT_CONFIG.rows,
      cols: config.cols || DEFAULT_CONFIG.cols,
    }),
  },
  {
    from: 1,
    to: 0,
    description: 'Modern to legacy: nothing is on that legacy does not know',
    obstacle: ({ featureFlags, registryHash }, features) => {
      const unknown = features.enabledIn(featureFlags & ~LEGACY_MASK);
      if (unknown.length > 0) return `version 0 does not know ${unknown.join(', ')}`;
      return registryHash === 0 ? 'in version 0 a registryHash of 0 means the default one' : null;
    },
    apply: (config) => config,
  },
];

/**
 * The config in another version. Throws ERR_MIGRATION when no steps lead there or a step would lose something.
 * @example migrate({ ...DEFAULT_CONFIG, version: 0 }, 1).config.version // 1
 */
export function migrate(
  config: RegistryConfig,
  to: number,
  features: FeatureSet = BUILTIN_FEATURES,
  migrations: readonly Migration[] = MIGRATIONS,
): MigrationResult {
  const log: MigrationLogEntry[] = [];
  let current = config;
  for (const step of stepsBetween(config.version, to, migrations)) {
    const obstacle = step.obstacle(current, features);
    if (obstacle !== null) throw refused(config.version, to, obstacle);
    const next = { ...step.apply(current), version: step.to };
    log.push({ from: step.from, to: step.to, description: step.description, changes: changesBetween(current, next) });
    current = next;
  }
  return { config: current, log };
}

/** Whether and how a config can be migrated, without doing it. */
export function checkMigration(
  config: RegistryConfig,
  to: number,
  features: FeatureSet = BUILTIN_FEATURES,
  migrations: readonly Migration[] = MIGRATIONS,
): Compatibility {
  try {
    const { log } = migrate(config, to, features, migrations);
    return { compatible: true, path: [config.version, ...log.map((entry) => entry.to)], obstacle: null };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { compatible: false, path: [], obstacle: error.message };
  }
}

/** The fewest steps that lead from one version to the other, breadth first. */
function stepsBetween(from: number, to: number, migrations: readonly Migration[]): readonly Migration[] {
  const reached = new Map<number, readonly Migration[]>([[from, []]]);
  for (const [version, steps] of reached) {
    if (version === to) return steps;
    for (const step of migrations) {
      if (step.from === version && !reached.has(step.to)) reached.set(step.to, [...steps, step]);
    }
  }
  throw refused(from, to, 'no steps lead there');
}

function changesBetween(before: RegistryConfig, after: RegistryConfig): MigrationChange[] {
  return changedFields(before, after).map((field) => ({ field, before: before[field], after: after[field] }));
}

function refused(from: number, to: number, obstacle: string): ConfigError<'ERR_MIGRATION'> {
  const { min, max } = CONFIG_FIELDS[0]!;
  return new ConfigError('ERR_MIGRATION', {
    message: `Cannot migrate a config from version ${from} to ${to}: ${obstacle}`,
    hint: `Versions are ${min}-${max}; turn off or set what stands in the way, then migrate again.`,
    details: { from, to },
  });
}
