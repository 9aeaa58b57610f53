/**
 * A config for people: the debug view is data to print or send, the inspector view is the few lines that
 * `console.log(config)` shows. Neither is read back by a program.
 * @module
 */
import { TERMINAL_MODE } from '../../bindings/abi.gen.ts';
import { BUILTIN_FEATURES, type FeatureSet } from './features.ts';
import { percentOf } from './rollout.ts';
import type { Issue, Validation } from './validation.ts';
import { configHex, terminalModeName, type RegistryConfig } from './value.ts';

export interface DebugView {
  readonly name: string | null;
  /** Decimal; null for a config that has none yet. */
  readonly revision: string | null;
  readonly version: number;
  readonly features: { readonly enabled: readonly string[]; readonly disabled: readonly string[] };
  readonly terminal: {
    /** Rows x columns. */
    readonly dimensions: string;
    readonly mode: number;
    /** `unknown` for a byte that names no mode. */
    readonly modeName: string;
    readonly rows: number;
    readonly cols: number;
  };
  /** Percent by feature; only those above 0. */
  readonly rollouts: Readonly<Record<string, number>>;
  readonly raw: {
    /** `0x` and 26 digits: the 13 bytes. */
    readonly hex: string;
    readonly registryHash: string;
    readonly featureFlags: string;
  };
  readonly issues: readonly (Issue & { readonly severity: 'error' | 'warning' })[];
}

export interface DebugSource {
  readonly config: RegistryConfig;
  readonly features?: FeatureSet;
  readonly name?: string | undefined;
  readonly revision?: bigint | number | undefined;
  /** 32 rollouts in basis points. */
  readonly rollouts?: Uint16Array | undefined;
  readonly validation?: Validation | undefined;
}

/** @example debugView({ config }).terminal.dimensions // '24x80' */
export function debugView(source: DebugSource): DebugView {
  const { config, features = BUILTIN_FEATURES } = source;
  const { version, featureFlags, terminalMode, rows, cols } = config;
  return {
    name: source.name ?? null,
    revision: source.revision?.toString() ?? null,
    version,
    features: { enabled: features.enabledIn(featureFlags), disabled: features.disabledIn(featureFlags) },
    terminal: { dimensions: `${rows}x${cols}`, mode: terminalMode, modeName: modeText(terminalMode), rows, cols },
    rollouts: rolloutsByName(source.rollouts, features),
    raw: { hex: configHex(config), registryHash: word(config.registryHash), featureFlags: word(featureFlags) },
    issues: issuesOf(source.validation),
  };
}

/**
 * The same for `console.log`, at most a line per topic.
 * @example
 * Config checkout/production, revision 41, version 1
 *   features  debug, metrics; new_checkout for 10 %
 *   terminal  50x120 raw
 *   bytes     0x019ad10e934400000002327800
 */
export function inspectorView(source: DebugSource): string {
  const view = debugView(source);
  const rollouts = Object.entries(view.rollouts).map(([name, percent]) => `${name} for ${percent} %`);
  const title = [`Config${view.name === null ? '' : ` ${view.name}`}`];
  if (view.revision !== null) title.push(`revision ${view.revision}`);
  title.push(`version ${view.version}`);
  const lines = [
    title.join(', '),
    `  features  ${[view.features.enabled.join(', ') || 'none', ...rollouts].join('; ')}`,
    `  terminal  ${view.terminal.dimensions} ${view.terminal.modeName}`,
    `  bytes     ${view.raw.hex}`,
  ];
  for (const { severity, message } of view.issues) lines.push(`  ${severity.padEnd(9)} ${message}`);
  return lines.join('\n');
}

/** Percent by feature name, without the features that are not being rolled out. */
export function rolloutsByName(rollouts: Uint16Array | undefined, features: FeatureSet): Record<string, number> {
  const named: Record<string, number> = {};
  rollouts?.forEach((basisPoints, bit) => {
    if (basisPoints > 0) named[features.nameOf(bit)] = percentOf(basisPoints);
  });
  return named;
}

function issuesOf(validation: Validation | undefined): DebugView['issues'] {
  if (validation === undefined) return [];
  return [
    ...validation.errors.map((issue) => ({ severity: 'error' as const, ...issue })),
    ...validation.warnings.map((issue) => ({ severity: 'warning' as const, ...issue })),
  ];
}

/** Asked for once: finding a name takes a quarter of what the rest of a view does. */
const MODE_NAMES = Array.from({ length: Math.max(...Object.values(TERMINAL_MODE)) + 1 }, (_, mode) =>
  terminalModeName(mode),
);

function modeText(mode: number): string {
  return MODE_NAMES[mode] ?? 'unknown';
}

function word(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
