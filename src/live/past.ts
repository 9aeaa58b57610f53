/**
 * The past of a config: from its journal, whole, or from the ring in memory, the last 100 changes of this process.
 * @module
 */
import type { Ring, SlotImage } from '../../bindings/backend.ts';
import { AnalyticsCounter } from '../config/analytics.ts';
import type { FeatureSet } from '../config/features.ts';
import { asObject, unknownField, wrongType } from '../config/input.ts';
import { configStream } from '../config/name.ts';
import { ConfigError } from '../errors/errors.ts';
import type { ConfigState } from './change.ts';
import type { ConfigSlot } from './config-slot.ts';
import type { Database } from './database.ts';
import { checkHistoryFilter, checkWhole, HISTORY_LIMIT_DEFAULT, pageOf, ringHistory, timingsOf } from './history.ts';
import type { HistoryFilter, HistoryPage } from './history.ts';
import { imageOf } from './images.ts';
import { configsProjection, rolloutsOf, type StoredState } from './projection.ts';

/** One of the three. */
export interface Moment {
  readonly revision?: number;
  /** The journal's sequence: the state after that entry. */
  readonly seq?: number;
  /** Milliseconds since 1970. */
  readonly at?: number;
}

const MOMENT_FIELDS = ['revision', 'seq', 'at'] as const;

export interface PastState {
  readonly revision: number;
  readonly state: ConfigState;
}

export interface Past {
  /** Counts of everything known when the config opened. */
  counter(): AnalyticsCounter;
  history(filter: HistoryFilter): Promise<HistoryPage>;
  /** Throws ERR_ENTRY_NOT_FOUND. */
  stateAt(moment: Moment): Promise<PastState>;
  /** Called after each change of this process, for what the ring alone would forget. */
  remember(): void;
}

/** Throws ERR_WRONG_TYPE, ERR_UNKNOWN_FIELD, ERR_OUT_OF_RANGE for what is not exactly one of the three. */
export function parseMoment(input: unknown): Moment {
  return parseOneOf(input, MOMENT_FIELDS);
}

/** As `parseMoment`, where the three are called otherwise. */
export function parseOneOf<F extends string>(input: unknown, names: readonly F[]): { readonly [K in F]?: number } {
  const fields = Object.entries(asObject('moment', input)).filter(([, value]) => value !== undefined);
  const unknown = fields.find(([field]) => !names.includes(field as F));
  if (unknown !== undefined) throw unknownField(unknown[0], names);
  if (fields.length !== 1) throw wrongType('moment', `one of ${names.join(', ')}`, input);
  const [field, value] = fields[0]!;
  checkWhole(field, value, 0);
  return { [field]: value } as { [K in F]?: number };
}

export class JournalPast implements Past {
  readonly #database: Database;
  readonly #name: string;
  readonly #slot: ConfigSlot;
  readonly #features: FeatureSet;

  constructor(database: Database, name: string, slot: ConfigSlot, features: FeatureSet) {
    this.#database = database;
    this.#name = name;
    this.#slot = slot;
    this.#features = features;
  }

  counter(): AnalyticsCounter {
    return new AnalyticsCounter(this.#database.readAnalytics(this.#name));
  }

  async history(filter: HistoryFilter): Promise<HistoryPage> {
    checkHistoryFilter(filter);
    const { cursor, limit = HISTORY_LIMIT_DEFAULT, ...bounds } = filter;
    const journal = await this.#database.journal;
    const changes = await journal.query(configsProjection, 'history', {
      ...bounds,
      name: this.#name,
      limit: limit + 1,
      ...(cursor === undefined ? {} : { beforeRevision: cursor }),
    });
    return pageOf(changes, filter, this.#features, timingsOf(this.#slot.ring?.entries() ?? []));
  }

  async stateAt(moment: Moment): Promise<PastState> {
    const journal = await this.#database.journal;
    const found = await journal.query(configsProjection, 'stateAt', { ...moment, name: this.#name });
    if (!isStateAt(found, moment)) throw momentNotFound(this.#name, moment);
    const { revision, config, rollouts, rolloutsRevision } = found;
    return { revision, state: { config, rollouts: rolloutsOf(rollouts), rolloutsRevision } };
  }

  remember(): void {}
}

/** A state, or what processes read of a config that was deleted. */
export interface NewestState extends SlotImage {
  readonly isDeleted: boolean;
}

/**
 * The newest state in the journal, at a revision that an entry can follow; null when it has none. Behind an entry that
 * tells no state (one that another program appended) the state is that of the last one that does.
 */
export async function newestIn(database: Database, name: string): Promise<NewestState | null> {
  const journal = await database.journal;
  const stored = await journal.query(configsProjection, 'state', name);
  if (stored === null) return null;
  const revision = Math.max(stored.revision, await journal.streamHead(configStream(name)));
  return { ...imageOf(stored), revision, isDeleted: stored.isDeleted };
}

/** Well above the ring's 100 entries, so that looking for outdated ones is rare. */
const ROLLOUTS_KEPT_MAX = 400;

interface KnownState {
  readonly revision: number;
  readonly config: Uint8Array;
  /** When it began; null for the state that another process left before a change of ours. */
  readonly at: number | null;
}

export class RingPast implements Past {
  readonly #slot: ConfigSlot;
  readonly #ring: Ring;
  readonly #first: KnownState;
  /** By the revision that wrote them, ascending: the ring keeps only which ones changed. */
  readonly #rollouts = new Map<number, Uint16Array>();
  #newestRollouts = -1;

  constructor(slot: ConfigSlot) {
    this.#slot = slot;
    this.#ring = slot.ring!;
    const { revision, config, modifiedAt } = slot.read();
    this.#first = { revision, config, at: modifiedAt };
    this.remember();
  }

  counter(): AnalyticsCounter {
    return new AnalyticsCounter();
  }

  async history(filter: HistoryFilter): Promise<HistoryPage> {
    checkHistoryFilter(filter);
    return ringHistory(this.#ring.entries(), filter);
  }

  async stateAt(moment: Moment): Promise<PastState> {
    const found = this.#known().findLast(
      ({ revision, at }) =>
        moment.seq === undefined &&
        (moment.revision === undefined || revision === moment.revision) &&
        (moment.at === undefined || (at !== null && at <= moment.at)),
    );
    if (found === undefined) throw momentNotFound('in memory', moment);
    return { revision: found.revision, state: this.#stateOf(found) };
  }

  remember(): void {
    const written = this.#slot.rolloutsWord;
    if (written === this.#newestRollouts) return;
    this.#newestRollouts = written;
    const { rolloutsRevision, rollouts } = this.#slot.read();
    this.#rollouts.set(rolloutsRevision, rollouts);
    if (this.#rollouts.size > ROLLOUTS_KEPT_MAX) this.#forgetOldRollouts();
  }

  #forgetOldRollouts(): void {
    const oldest = this.#ring.entries()[0]?.revision ?? 0;
    const outdated = [...this.#rollouts.keys()].filter((known) => known < oldest - 1).slice(0, -1);
    for (const known of outdated) this.#rollouts.delete(known);
  }

  /** Oldest first. The state before a change is known as well as the one after it, whoever made it. */
  #known(): KnownState[] {
    const entries = this.#ring.entries();
    const hasHole = entries[0] !== undefined && entries[0].revision > this.#first.revision + 1;
    const states = entries.flatMap(({ revision, before, after, at }) => [
      { revision: revision - 1, config: before, at: null },
      { revision, config: after, at },
    ]);
    return hasHole ? states : [this.#first, ...states.filter(({ revision }) => revision > this.#first.revision)];
  }

  #stateOf({ revision, config }: KnownState): ConfigState {
    const known = [...this.#rollouts].findLast(([written]) => written <= revision);
    const [rolloutsRevision, rollouts] = known ?? [0, new Uint16Array(32)];
    return { config, rollouts, rolloutsRevision };
  }
}

/** Whether what was found is a state that the config had then: not of another revision, nor of a deleted config. */
export function isStateAt(found: StoredState | null, { revision }: Moment): found is StoredState {
  return found !== null && !found.isDeleted && (revision === undefined || found.revision === revision);
}

export function momentNotFound(name: string, moment: Moment): ConfigError {
  const [[what, value] = ['state', 'any']] = Object.entries(moment);
  return new ConfigError('ERR_ENTRY_NOT_FOUND', {
    message: `Config '${name}' has no ${what} ${value}`,
    hint: 'See its history for the revisions there are; after a deletion there is nothing to go back to.',
    details: { what: `${what} ${value}` },
  });
}
