/**
 * Flags that are likely to have done their work, each with why. A report and no more: nothing is changed by it. Reads
 * of a bit from shared memory are not counted, so that of features and bound flags nobody says they are not asked for.
 * @module
 */
import type { Principal } from '../auth/rights.ts';
import { BUILTIN_FEATURES } from '../config/features.ts';
import { featuresStream } from '../config/name.ts';
import { flagStream } from '../config/streams.ts';
import { listFlags, type FlagItem, type FlagServices } from './flag-list.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

export type StaleReason = 'expired' | 'not-evaluated' | 'constant' | 'rolled-out' | 'archived-long';

export interface StaleFlag extends FlagItem {
  readonly config: string;
  readonly reasons: readonly StaleReason[];
}

/** When it is, since when evaluations are noted, and what is long ago; in milliseconds since 1970. */
export interface StaleMoment {
  readonly now: number;
  readonly countedSince: number;
  readonly longAgo: number;
}

/** @example momentOf(Date.now(), lastEvaluated.since, 30) */
export function momentOf(now: number, countedSince: number, days: number): StaleMoment {
  return { now, countedSince, longAgo: now - days * DAY_MS };
}

/** Those of a config that `principal` may read, by key. Errors: those of `listFlags`. */
export async function staleFlags(
  services: FlagServices,
  config: string,
  principal: Principal,
  moment: StaleMoment,
): Promise<StaleFlag[]> {
  const items = await listFlags(services, config, principal);
  const untouchedSince = await featuresSince(services, config);
  const stale: StaleFlag[] = [];
  for (const item of items) {
    const lastChangedAt = item.lastChangedAt ?? untouchedSince;
    const reasons = reasonsOf({ ...item, lastChangedAt }, moment);
    const isSeen = reasons.includes('not-evaluated') && (await madeAt(services, config, item)) > moment.longAgo;
    const kept = isSeen ? reasons.filter((reason) => reason !== 'not-evaluated') : reasons;
    if (kept.length > 0) stale.push({ config, ...item, reasons: kept });
  }
  return stale;
}

/** Why a flag is stale, as far as its last state tells; empty: it is not. Pure. */
export function reasonsOf(item: FlagItem, { now, countedSince, longAgo }: StaleMoment): StaleReason[] {
  if (item.archivedAt !== null) return item.archivedAt <= longAgo ? ['archived-long'] : [];
  const { kind, key, isBound, isConstant, rollout, expiresAt, lastChangedAt, lastEvaluatedAt } = item;
  const isUnseen = countedSince <= longAgo && (lastEvaluatedAt ?? 0) <= longAgo;
  const isUnchanged = lastChangedAt !== null && lastChangedAt <= longAgo;
  // The built-in features are switches of the service, and stay.
  const isForGood = kind === 'feature' && BUILTIN_FEATURES.has(key);
  const holds: Record<Exclude<StaleReason, 'archived-long'>, boolean> = {
    expired: expiresAt !== null && expiresAt <= now,
    'not-evaluated': kind === 'rich' && !isBound && isUnseen,
    constant: isConstant && isUnchanged && !isForGood,
    'rolled-out': rollout === 100 && !isConstant,
  };
  return (Object.keys(holds) as (keyof typeof holds)[]).filter((reason) => holds[reason]);
}

/** When features that nobody ever touched became what they are: with the config, or when they were named. */
async function featuresSince({ operations }: FlagServices, config: string): Promise<number | null> {
  const { firstChange } = await operations.analytics(config);
  const query = { stream: featuresStream(config), limit: 1, order: 'desc' } as const;
  const [declared] = (await operations.store.journal.read(query)).entries;
  return firstChange === null ? null : Math.max(firstChange, declared?.at ?? 0);
}

/** When a rich flag was made; one that was deleted and made again is as young as that. */
async function madeAt({ operations }: FlagServices, config: string, { key }: FlagItem): Promise<number> {
  const { journal } = operations.store;
  const stream = flagStream(config, key);
  const [deleted] = (await journal.read({ stream, type: 'flag.delete', limit: 1, order: 'desc' })).entries;
  const query = { stream, after: deleted?.seq ?? 0, limit: 1, order: 'asc' } as const;
  return (await journal.read(query)).entries[0]!.at;
}
