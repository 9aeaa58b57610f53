/**
 * The past of a config as its users read it, made from what the journal keeps or, without one, from the ring in memory.
 * A change that somebody made and could not sign (he was killed between swap and entry) is in it, unattributed.
 * @module
 */
import { CHANGE_KIND } from '../../bindings/abi.gen.ts';
import type { RingEntry } from '../../bindings/backend.ts';
import type { FeatureSet } from '../config/features.ts';
import type { ConfigHistory } from '../config/metadata.ts';
import { rolloutsByName } from '../config/debug-view.ts';
import { asObject, unknownField, wrongType } from '../config/input.ts';
import { CHANGED_FIELDS, decodeConfig, fieldsOfMask, type ChangedField, type RegistryConfig } from '../config/value.ts';
import { ConfigError } from '../errors/errors.ts';
import type { ChangeKind } from './change.ts';
import { rolloutsOf, type StoredChange } from './projection.ts';

/** One change, newest first in every list. */
export interface HistoryEntry extends ConfigHistory {
  /** The revision the change took; of several unattributed ones in a row, the last. */
  readonly revision: number;
  /** The journal's sequence; null for a change without an entry. */
  readonly seq: number | null;
  /** Who; null when nobody signed. */
  readonly actor: string | null;
  readonly reason: string;
  readonly kind: ChangeKind | 'unattributed';
  /** null for the first. */
  readonly before: RegistryConfig | null;
  /** Percent by feature, as they were after the change; null where the ring alone remembers. */
  readonly rollouts: Readonly<Record<string, number>> | null;
}

export interface HistoryFilter {
  /** Only changes that touched this field. */
  readonly field?: ChangedField;
  /** Milliseconds since 1970, inclusive. */
  readonly since?: number;
  readonly until?: number;
  readonly actor?: string;
  /** At most so many changes that have an entry. Default 100, at most 1000. */
  readonly limit?: number;
  /** Only revisions below this one: the `cursor` of the page before. */
  readonly cursor?: number;
}

export interface HistoryPage {
  readonly entries: readonly HistoryEntry[];
  /** For the next page; null when this was the last. */
  readonly cursor: number | null;
}

export const HISTORY_LIMIT_DEFAULT = 100;
const HISTORY_LIMIT_MAX = 1000;

const FILTER_FIELDS = ['field', 'since', 'until', 'actor', 'limit', 'cursor'] as const;

/** Throws ERR_WRONG_TYPE, ERR_OUT_OF_RANGE, ERR_UNKNOWN_FIELD. */
export function checkHistoryFilter(filter: HistoryFilter): void {
  const fields = asObject('filter', filter);
  const unknown = Object.keys(fields).find((name) => !FILTER_FIELDS.includes(name as keyof HistoryFilter));
  if (unknown !== undefined) throw unknownField(unknown, FILTER_FIELDS);
  const { field, since = 0, until = 0, actor = '', limit = HISTORY_LIMIT_DEFAULT, cursor = 0 } = filter;
  if (field !== undefined && !CHANGED_FIELDS.includes(field)) throw unknownField(String(field), CHANGED_FIELDS);
  if (typeof actor !== 'string') throw wrongType('actor', 'text', actor);
  for (const [name, value] of Object.entries({ since, until, cursor })) checkWhole(name, value, 0);
  checkWhole('limit', limit, 1, HISTORY_LIMIT_MAX);
}

/** A whole number from `min` to `max`. Throws ERR_WRONG_TYPE, ERR_OUT_OF_RANGE. */
export function checkWhole(field: string, value: unknown, min: number, max: number = Number.MAX_SAFE_INTEGER): void {
  if (typeof value !== 'number') throw wrongType(field, 'a number', value);
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw new ConfigError('ERR_OUT_OF_RANGE', {
    message: `Invalid ${field}: ${value} (must be ${min}-${max})`,
    hint: `Give ${field} a whole number from ${min} to ${max}.`,
    details: { field, value, min, max },
  });
}

/** The user's page of stored changes. `timings` adds what this process measured. */
export function pageOf(
  changes: readonly StoredChange[],
  filter: HistoryFilter,
  features: FeatureSet,
  timings: ReadonlyMap<number, ConfigHistory['performance']> = new Map(),
): HistoryPage {
  const limit = filter.limit ?? HISTORY_LIMIT_DEFAULT;
  const shown = changes.slice(0, limit);
  const entries = shown.flatMap((change) => [
    ...(touches(change.changed, filter) ? [signed(change, features, timings)] : []),
    ...unsigned(change, filter, features),
  ]);
  return { entries, cursor: changes.length > limit ? shown.at(-1)!.revision : null };
}

/** A config without a journal: the last 100 changes, newest first. */
export function ringHistory(ring: readonly RingEntry[], filter: HistoryFilter): HistoryPage {
  const { since = 0, until = Number.MAX_SAFE_INTEGER, cursor = Number.MAX_SAFE_INTEGER } = filter;
  const entries = ring
    .map(ringEntry)
    .reverse()
    .filter(({ timestamp, revision }) => timestamp >= since && timestamp <= until && revision < cursor)
    .filter(({ changedFields }) => filter.field === undefined || changedFields.includes(filter.field))
    .filter(() => filter.actor === undefined);
  const limit = filter.limit ?? HISTORY_LIMIT_DEFAULT;
  const shown = entries.slice(0, limit);
  return { entries: shown, cursor: entries.length > limit ? shown.at(-1)!.revision : null };
}

const NOT_MEASURED = { readTime: null, writeTime: null };

function signed(
  change: StoredChange,
  features: FeatureSet,
  timings: ReadonlyMap<number, ConfigHistory['performance']>,
): HistoryEntry {
  return {
    revision: change.revision,
    seq: change.seq,
    timestamp: change.at,
    actor: change.actor,
    reason: change.reason,
    kind: change.kind,
    changeType: changeTypeOf(change.kind),
    changedFields: fieldsOfMask(change.changed),
    before: change.before === null ? null : decodeConfig(change.before),
    config: decodeConfig(change.after),
    rollouts: rolloutsByName(rolloutsOf(change.afterRollouts), features),
    performance: timings.get(change.revision) ?? NOT_MEASURED,
  };
}

/** What happened without an entry before a change: between its predecessor's after-image and its own before-image. */
function unsigned(change: StoredChange, filter: HistoryFilter, features: FeatureSet): HistoryEntry[] {
  const missing = change.before !== null && change.revision > change.previous + 1;
  if (!missing || filter.actor !== undefined || !touches(change.gapChanged, filter)) return [];
  const count = change.revision - change.previous - 1;
  return [
    {
      revision: change.revision - 1,
      seq: null,
      timestamp: change.at,
      actor: null,
      reason: count === 1 ? 'One change has no entry' : `${count} changes have no entries`,
      kind: 'unattributed',
      changeType: 'update',
      changedFields: fieldsOfMask(change.gapChanged),
      before: null,
      config: decodeConfig(change.before!),
      rollouts: rolloutsByName(rolloutsOf(change.beforeRollouts!), features),
      performance: NOT_MEASURED,
    },
  ];
}

function touches(mask: number, { field }: HistoryFilter): boolean {
  return field === undefined || fieldsOfMask(mask).includes(field);
}

function ringEntry(entry: RingEntry): HistoryEntry {
  const kind = kindOf(entry.kind);
  return {
    revision: entry.revision,
    seq: null,
    timestamp: entry.at,
    actor: null,
    reason: '',
    kind,
    changeType: changeTypeOf(kind),
    changedFields: fieldsOfMask(entry.changed),
    before: decodeConfig(entry.before),
    config: decodeConfig(entry.after),
    rollouts: null,
    performance: { readTime: entry.readNs, writeTime: entry.writeNs },
  };
}

function kindOf(number: number): ChangeKind {
  const found = Object.entries(CHANGE_KIND).find(([, value]) => value === number);
  return (found?.[0] ?? 'update') as ChangeKind;
}

function changeTypeOf(kind: ChangeKind): ConfigHistory['changeType'] {
  return kind === 'create' || kind === 'reset' ? kind : 'update';
}

/** What the ring measured, by revision. */
export function timingsOf(ring: readonly RingEntry[]): Map<number, ConfigHistory['performance']> {
  return new Map(
    ring.map(({ revision, readNs, writeNs }) => [revision, { readTime: readNs, writeTime: writeNs }] as const),
  );
}
