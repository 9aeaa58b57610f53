/** What `createProductionConfig` takes, and its parsing. @module */
import { hostname } from 'node:os';
import { defineFeatures, type FeatureDeclaration } from '../config/features.ts';
import { asObject, unknownField, wrongType } from '../config/input.ts';
import { parsePlace, type ConfigPlace } from '../config/metadata.ts';
import { configNameOf, DEFAULT_NAME, parseConfigName } from '../config/name.ts';
import { defineTemplates, type Template, type TemplateInput } from '../config/templates.ts';
import { withRules } from '../config/validation.ts';
import type { Rule } from '../config/validation.ts';
import { checkName } from '../journal/border.ts';
import { userName } from './user.ts';

export interface ProductionConfigOptions<D extends FeatureDeclaration = FeatureDeclaration> {
  /**
   * The database file, made when missing. Left out: the config has no journal, and lives in memory unless
   * `enableClusterSync` is true.
   */
  readonly persistPath?: string;
  /**
   * Whether the config is shared, on a board, with every process that opens it: each sees a change in its next plain
   * read. Left out: with `persistPath`, where this process has boards (native core, Linux). `true`: shared or
   * ERR_UNSUPPORTED. `false`: in memory of this process alone, and ERR_BOARD where others share the database.
   */
  readonly enableClusterSync?: boolean;
  /** Measure reads and writes (nanoseconds, in the history), and count evaluations. Costs some nanoseconds each. */
  readonly debugMode?: boolean;
  /** The service: `checkout`, or with its environment `checkout/production`. Default `default`. */
  readonly name?: string;
  /** `production`, `staging`, ...: part of the config's name, and what production rules look at. */
  readonly environment?: string;
  readonly region?: string;
  readonly clusterId?: string;
  /** The service's own features, each on a bit from 12 to 31. */
  readonly features?: D;
  /** The service's own templates, besides the built-in ones. */
  readonly templates?: readonly TemplateInput[];
  /** The team's own rules, besides the built-in ones. */
  readonly rules?: readonly Rule[];
  /** Who signs changes in the history. Default: user, host and process. */
  readonly actor?: string;
}

export interface ParsedOptions {
  readonly persistPath: string | null;
  /** null: as it fits, see there. */
  readonly enableClusterSync: boolean | null;
  readonly debugMode: boolean;
  /** `checkout/production` */
  readonly name: string;
  readonly place: ConfigPlace;
  readonly features: FeatureDeclaration;
  readonly templates: readonly Template[];
  readonly rules: readonly Rule[];
  readonly actor: string;
}

const KNOWN: readonly (keyof ProductionConfigOptions)[] = [
  'persistPath',
  'enableClusterSync',
  'debugMode',
  'name',
  'environment',
  'region',
  'clusterId',
  'features',
  'templates',
  'rules',
  'actor',
];

/**
 * Errors: ERR_UNKNOWN_FIELD, ERR_WRONG_TYPE, ERR_NAME, and those of `defineFeatures`, `defineTemplates`, `withRules`.
 */
export function parseOptions(options: ProductionConfigOptions): ParsedOptions {
  const fields = asObject('options', options);
  for (const field of Object.keys(fields)) {
    if (!KNOWN.includes(field as keyof ProductionConfigOptions)) throw unknownField(field, KNOWN);
  }
  const name = nameOf(options);
  const features = defineFeatures(asObject('features', options.features ?? {}) as FeatureDeclaration);
  return {
    persistPath: text('persistPath', options.persistPath) ?? null,
    enableClusterSync: flag('enableClusterSync', options.enableClusterSync) ?? null,
    debugMode: flag('debugMode', options.debugMode) ?? false,
    name,
    place: parsePlace({
      environment: parseConfigName(name).environment ?? '',
      region: options.region,
      clusterId: options.clusterId,
    }),
    features: features.declaration,
    templates: defineTemplates(list('templates', options.templates), features),
    rules: withRules(...list('rules', options.rules)),
    actor: actorOf(options.actor),
  };
}

/** `ann@web-1:4711`: user, host and process. */
function defaultActor(): string {
  return `${userName()}@${hostname()}:${process.pid}`;
}

function nameOf({ name = DEFAULT_NAME, environment }: ProductionConfigOptions): string {
  if (environment !== undefined && typeof environment !== 'string') throw wrongType('environment', 'text', environment);
  const parsed = parseConfigName(name);
  if (environment === undefined || environment === parsed.environment) return parsed.name;
  if (parsed.environment !== null)
    throw wrongType('environment', `'${parsed.environment}', as the name says`, environment);
  return configNameOf(parsed.service, environment);
}

/** Signs every entry, so it must be what the journal takes. */
function actorOf(actor: unknown): string {
  const given = text('actor', actor) ?? defaultActor();
  checkName('actor', given);
  return given;
}

function list<T extends object>(field: string, value: readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrongType(field, 'a list', value);
  value.forEach((item: unknown, i) => asObject(`${field}[${i}]`, item));
  return value;
}

function text(field: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return value;
  throw wrongType(field, 'text that is not empty', value);
}

function flag(field: string, value: unknown): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  throw wrongType(field, 'true or false', value);
}
