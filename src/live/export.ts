/**
 * Configs as a document that another database takes: exact, and equal for equal states. Two exports are the same text
 * when every config and every declared feature is the same, whatever way they became so.
 *
 *     { "format": "13byte-config", "version": 1,
 *       "features": { "checkout": { "new_checkout": 12 } },
 *       "configs": { "checkout/production": { "version": 1, "registryHash": "0x930ed19a", "featureFlags": "0x00001004",
 *         "terminalMode": "raw", "rows": 24, "cols": 80, "rollouts": { "new_checkout": 10 } } } }
 * @module
 */
import { FIRST_USER_BIT, type FeatureDeclaration } from '../config/features.ts';
import { parseConfigName } from '../config/name.ts';
import { terminalModeName } from '../config/value.ts';
import type { ConfigOperations, ConfigView } from './operations.ts';

export const EXPORT_FORMAT = '13byte-config';
export const EXPORT_VERSION = 1;

interface ExportedConfig {
  readonly version: number;
  readonly registryHash: string;
  readonly featureFlags: string;
  readonly terminalMode: string | number;
  readonly rows: number;
  readonly cols: number;
  /** Percent by feature, those above 0. */
  readonly rollouts: Readonly<Record<string, number>>;
}

export interface ExportDocument {
  readonly format: typeof EXPORT_FORMAT;
  readonly version: typeof EXPORT_VERSION;
  /** By service: what it calls its bits. */
  readonly features: Readonly<Record<string, FeatureDeclaration>>;
  readonly configs: Readonly<Record<string, unknown>>;
}

/** Whatever knows the features of configs. */
type Source = Pick<ConfigOperations, 'features'>;

/** What the configs are, with the names of their features. Services and configs are in the order of their names. */
export async function exportConfigs(source: Source, views: readonly ConfigView[]): Promise<ExportDocument> {
  const features = new Map<string, FeatureDeclaration>();
  for (const { name } of views) {
    const { service } = parseConfigName(name);
    if (!features.has(service)) features.set(service, await declarationOf(source, name));
  }
  const declared = [...features].filter(([, declaration]) => Object.keys(declaration).length > 0);
  return {
    format: EXPORT_FORMAT,
    version: EXPORT_VERSION,
    features: Object.fromEntries(sorted(declared)),
    configs: Object.fromEntries(sorted(views.map((view) => [view.name, exported(view)] as const))),
  };
}

/** The document as a file holds it. */
export function exportText(document: ExportDocument): string {
  return JSON.stringify(document, null, 2);
}

/** What a service has declared, in the order of its bits; `name` is one of its configs. */
export async function declarationOf(source: Source, name: string): Promise<FeatureDeclaration> {
  const features = await source.features(name);
  return Object.fromEntries(
    features.filter(({ bit }) => bit >= FIRST_USER_BIT).map(({ feature, bit }) => [feature, bit]),
  );
}

export function sorted<T>(entries: readonly (readonly [string, T])[]): (readonly [string, T])[] {
  return entries.toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)));
}

function exported(view: ConfigView): ExportedConfig {
  const { version, registryHash, featureFlags, terminalMode, rows, cols, rollouts } = view;
  return {
    version,
    registryHash: word(registryHash),
    featureFlags: word(featureFlags),
    terminalMode: terminalModeName(terminalMode) ?? terminalMode,
    rows,
    cols,
    rollouts,
  };
}

function word(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
