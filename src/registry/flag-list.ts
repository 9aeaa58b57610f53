/**
 * All flags of a config in one list: its features and its rich flags, with what is said about them and what is known of
 * their use. A feature that a rich flag is bound to is in it once, as that flag. Changes nothing.
 * @module
 */
import { may, requireRight, type Principal } from '../auth/rights.ts';
import type { FeatureSet } from '../config/features.ts';
import { configStream, parseConfigName } from '../config/name.ts';
import { flagStream } from '../config/streams.ts';
import { NO_FACTS, type Flag, type FlagDefinition, type FlagFacts } from '../flags/flag.ts';
import type { Flags } from '../flags/flags.ts';
import type { Resource } from '../journal/resources.ts';
import type { FeatureView } from '../live/operations.ts';
import { isBound } from './bound-features.ts';
import type { Services } from './context.ts';
import type { LastEvaluated } from './last-evaluated.ts';

export interface FlagServices extends Services {
  readonly flags: Flags;
  readonly lastEvaluated: LastEvaluated;
}

/** One flag as lists have it; times in milliseconds since 1970. */
export interface FlagItem extends FlagFacts {
  readonly key: string;
  readonly kind: 'feature' | 'rich';
  readonly type: 'boolean' | 'string' | 'number' | 'object';
  readonly state: FlagDefinition['state'];
  readonly isBound: boolean;
  /** Everybody gets the same answer. */
  readonly isConstant: boolean;
  /** Of a feature, in percent. */
  readonly rollout: number | null;
  readonly archivedAt: number | null;
  readonly lastEvaluatedAt: number | null;
  readonly lastChangedAt: number | null;
  /** Of a rich flag. */
  readonly lastChangedBy?: string;
}

export interface FlagFilter {
  readonly kind?: FlagItem['kind'] | undefined;
  readonly tag?: string | undefined;
  readonly owner?: string | undefined;
  /** In the key or the description, whatever its case. */
  readonly q?: string | undefined;
  /** Only archived ones, or only those in use; left out: both. */
  readonly isArchived?: boolean | undefined;
}

/**
 * By key, only those that `principal` may read. Errors: ERR_FORBIDDEN for who may read none whatever there is,
 * ERR_NOT_FOUND where there is no such config.
 */
export async function listFlags(
  services: FlagServices,
  config: string,
  principal: Principal,
  filter: FlagFilter = {},
): Promise<FlagItem[]> {
  const showsFeatures = may(principal, 'read', configStream(config));
  if (!showsFeatures) requireRight(principal, 'read', flagStream(config, '*'));
  const [rich, known] = [await services.flags.all(config), await services.operations.store.features(config)];
  const items = rich
    .filter(({ key }) => may(principal, 'read', flagStream(config, key)))
    .map((flag) => richItem(services, config, flag, known));
  const taken = new Set(rich.map(({ key }) => key));
  const features = (await services.operations.features(config)).filter(({ feature }) => !taken.has(feature));
  if (showsFeatures && filter.kind !== 'rich') items.push(...(await featureItems(services, config, features)));
  return items.filter((item) => isWanted(item, filter)).toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

function richItem(
  { lastEvaluated }: FlagServices,
  config: string,
  flag: Resource<Flag>,
  features: FeatureSet,
): FlagItem {
  const { key, value, modifiedAt, modifiedBy } = flag;
  const { definition, archivedAt, clientVisible, description, owner, tags, expiresAt } = value;
  const { state, targeting = {} } = definition;
  return {
    key,
    kind: 'rich',
    type: typeOf(definition),
    state,
    isBound: isBound(config, key, value, features),
    isConstant: state === 'DISABLED' || Object.keys(targeting).length === 0,
    rollout: null,
    clientVisible,
    description,
    owner,
    tags,
    expiresAt,
    archivedAt,
    lastEvaluatedAt: lastEvaluated.of(config, key),
    lastChangedAt: modifiedAt,
    lastChangedBy: modifiedBy,
  };
}

async function featureItems(
  { operations, flags, lastEvaluated }: FlagServices,
  config: string,
  features: readonly FeatureView[],
): Promise<FlagItem[]> {
  const facts = await flags.facts(parseConfigName(config).service);
  const { features: counted } = await operations.analytics(config);
  return features.map(({ feature, enabled, rollout }) => ({
    key: feature,
    kind: 'feature',
    type: 'boolean',
    state: 'ENABLED',
    isBound: false,
    isConstant: enabled || rollout === 0,
    rollout,
    ...(facts.get(feature) ?? NO_FACTS),
    archivedAt: null,
    lastEvaluatedAt: lastEvaluated.of(config, feature),
    lastChangedAt: counted[feature]?.lastChange ?? null,
  }));
}

/** All variants of a flag have one type. */
function typeOf({ variants }: FlagDefinition): FlagItem['type'] {
  return typeof Object.values(variants)[0] as FlagItem['type'];
}

function isWanted(item: FlagItem, { kind, tag, owner, q, isArchived }: FlagFilter): boolean {
  if (kind !== undefined && item.kind !== kind) return false;
  if (tag !== undefined && !item.tags.includes(tag)) return false;
  if (owner !== undefined && item.owner !== owner) return false;
  if (isArchived !== undefined && (item.archivedAt !== null) !== isArchived) return false;
  const text = `${item.key}\n${item.description ?? ''}`.toLowerCase();
  return q === undefined || text.includes(q.toLowerCase());
}
