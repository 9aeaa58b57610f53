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
import type { Target } from './target.ts';
import { defineFeatures, type FeatureDeclaration, FIRST_USER_BIT } from '../config/features.ts';
import { asObject, unknownField, wrongType } from '../config/input.ts';
import { parseConfigName } from '../config/name.ts';
import { terminalModeName } from '../config/value.ts';
import { ConfigError } from '../errors/errors.ts';
import type { ConfigView } from '../live/operations.ts';
import { findJsonFault } from '../registry/json-fault.ts';

export const EXPORT_FORMAT = '13byte-config';
export const EXPORT_VERSION = 1;

export interface ExportedConfig {
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

/** What the configs are, with the names of their features. Services and configs are in the order of their names. */
export async function exportConfigs(
  target: Pick<Target, 'features'>,
  views: readonly ConfigView[],
): Promise<ExportDocument> {
  const features = new Map<string, FeatureDeclaration>();
  for (const { name } of views) {
    const { service } = parseConfigName(name);
    if (!features.has(service)) features.set(service, await declarationOf(target, name));
  }
  const declared = [...features].filter(([, declaration]) => Object.keys(declaration).length > 0);
  return {
    format: EXPORT_FORMAT,
    version: EXPORT_VERSION,
    features: Object.fromEntries(sorted(declared)),
    configs: Object.fromEntries(sorted(views.map((view) => [view.name, exported(view)] as const))),
  };
}

/** What a service has declared, in the order of its bits; `name` is one of its configs. */
export async function declarationOf(target: Pick<Target, 'features'>, name: string): Promise<FeatureDeclaration> {
  const features = await target.features(name);
  return Object.fromEntries(
    features.filter(({ bit }) => bit >= FIRST_USER_BIT).map(({ feature, bit }) => [feature, bit]),
  );
}

/**
 * A document from outside. What its configs hold is judged later, against what they are about to change. Errors:
 * ERR_BODY_JSON, ERR_DUPLICATE_KEY, ERR_WRONG_TYPE, ERR_UNKNOWN_FIELD, ERR_NAME, and those of `defineFeatures`.
 */
export function parseExport(text: string): ExportDocument {
  const document = asObject('document', parseJson(text));
  const known = ['format', 'version', 'features', 'configs'];
  for (const field of Object.keys(document)) if (!known.includes(field)) throw unknownField(field, known);
  const { format, version, features = {}, configs } = document;
  if (format !== EXPORT_FORMAT) throw wrongType('format', `"${EXPORT_FORMAT}"`, format);
  if (version !== EXPORT_VERSION) throw wrongType('version', `${EXPORT_VERSION}, the one this c13 reads`, version);
  const entries = Object.entries(asObject('configs', configs));
  for (const [name] of entries) parseConfigName(name);
  return {
    format: EXPORT_FORMAT,
    version: EXPORT_VERSION,
    features: parseDeclarations(asObject('features', features)),
    configs: Object.fromEntries(sorted(entries)),
  };
}

function parseDeclarations(services: Readonly<Record<string, unknown>>): Record<string, FeatureDeclaration> {
  return Object.fromEntries(
    Object.entries(services).map(([service, declaration]) => {
      if (parseConfigName(service).environment !== null) {
        throw wrongType(`features.${service}`, 'under the name of a service, without an environment', declaration);
      }
      const bits = asObject(`features.${service}`, declaration) as FeatureDeclaration;
      return [service, defineFeatures(bits).declaration];
    }),
  );
}

function parseJson(text: string): unknown {
  const fault = findJsonFault(text);
  if (fault === null) return JSON.parse(text);
  const line = text.slice(0, fault.position).split('\n').length;
  if (fault.kind === 'syntax') {
    throw new ConfigError('ERR_BODY_JSON', {
      message: `The document is not JSON: the fault is in line ${line}`,
      hint: 'Give what `c13 export` prints.',
      details: { position: fault.position },
    });
  }
  const key = fault.key.slice(0, 80);
  throw new ConfigError('ERR_DUPLICATE_KEY', {
    message: `The document has the key ${JSON.stringify(key)} twice in one object, again in line ${line}`,
    hint: 'Leave one of them: which value was meant cannot be known.',
    details: { key },
  });
}

function exported({
  version,
  registryHash,
  featureFlags,
  terminalMode,
  rows,
  cols,
  rollouts,
}: ConfigView): ExportedConfig {
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

function sorted<T>(entries: readonly (readonly [string, T])[]): (readonly [string, T])[] {
  return entries.toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)));
}
