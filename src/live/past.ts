/**
 * The past of a config: from its journal, whole, or from the ring in memory, the last 100 changes.
 * @module
 */
import type { Ring, SlotImage } from '../../bindings/backend.ts';
import { AnalyticsCounter } from '../config/analytics.ts';
import type { FeatureSet } from '../config/features.ts';
import { ConfigError } from '../errors/errors.ts';
import type { ConfigState } from './change.ts';
import type { ConfigSlot, Swapped } from './config-slot.ts';
import type { Database } from './database.ts';
import { checkHistoryFilter, HISTORY_LIMIT_DEFAULT, pageOf, ringHistory, timingsOf } from './history.ts';
import type { HistoryFilter, HistoryPage } from './history.ts';
import { imageOf } from './opened.ts';
import { configsProjection, rolloutsOf } from './projection.ts';

/** One of the three. */
export interface Moment {
  readonly revision?: number;
  /** The journal's sequence: the state after that entry. */
  readonly seq?: number;
  /** Milliseconds since 1970. */
  readonly at?: number;
}

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
  /** What the ring alone would forget. */
  remember(swapped: Swapped): void;
  /** The newest stored state; taken into the slot when it is newer (or `always`) and the slot is private. */
  adoptNewer(always: boolean): Promise<SlotImage>;
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
    const isExact = moment.revision === undefined || found?.revision === moment.revision;
    if (found === null || !isExact) throw notFound(this.#name, moment);
    const { revision, config, rollouts, rolloutsRevision } = found;
    return { revision, state: { config, rollouts: rolloutsOf(rollouts), rolloutsRevision } };
  }

  remember(): void {}

  async adoptNewer(always: boolean): Promise<SlotImage> {
    const journal = await this.#database.journal;
    const stored = await journal.query(configsProjection, 'state', this.#name);
    if (stored === null) throw notFound(this.#name, {});
    const image = imageOf(stored);
    const isNewer = image.revision > this.#slot.revision;
    if (this.#slot.place.kind === 'memory' && (isNewer || always)) this.#slot.replace(image);
    return image;
  }
}

export class RingPast implements Past {
  readonly #slot: ConfigSlot;
  readonly #ring: Ring;
  /** Rollouts by the revision that wrote them: the ring keeps only which ones changed. */
  readonly #rollouts = new Map<number, Uint16Array>();

  constructor(slot: ConfigSlot) {
    this.#slot = slot;
    this.#ring = slot.ring!;
    const { rolloutsRevision, rollouts } = slot.read();
    this.#rollouts.set(rolloutsRevision, rollouts);
  }

  counter(): AnalyticsCounter {
    return new AnalyticsCounter();
  }

  async history(filter: HistoryFilter): Promise<HistoryPage> {
    checkHistoryFilter(filter);
    return ringHistory(this.#ring.entries(), filter);
  }

  async stateAt(moment: Moment): Promise<PastState> {
    const entries = this.#ring.entries();
    const found = entries.findLast(
      ({ revision, at }) =>
        (moment.revision === undefined || revision === moment.revision) && at <= (moment.at ?? Number.MAX_SAFE_INTEGER),
    );
    const first = entries[0];
    if (moment.seq !== undefined) throw notFound('in memory', moment);
    if (found !== undefined) return { revision: found.revision, state: this.#stateOf(found.revision, found.after) };
    // The state before the oldest change is known too.
    if (first === undefined || moment.revision !== first.revision - 1) throw notFound('in memory', moment);
    return { revision: moment.revision, state: this.#stateOf(moment.revision, first.before) };
  }

  remember({ revision, after }: Swapped): void {
    if (after.rolloutsRevision !== revision) return;
    this.#rollouts.set(revision, after.rollouts.slice());
    const oldest = this.#ring.entries()[0]?.revision ?? 0;
    const outdated = [...this.#rollouts.keys()].filter((known) => known < oldest).slice(0, -1);
    for (const known of outdated) this.#rollouts.delete(known);
  }

  adoptNewer(): Promise<SlotImage> {
    return Promise.resolve(this.#slot.read());
  }

  #stateOf(revision: number, config: Uint8Array): ConfigState {
    const [rolloutsRevision, rollouts] = [...this.#rollouts].findLast(([known]) => known <= revision) ?? [
      0,
      new Uint16Array(32),
    ];
    return { config, rollouts, rolloutsRevision };
  }
}

function notFound(name: string, moment: Moment): ConfigError {
  const [[what, value] = ['state', 'any']] = Object.entries(moment);
  return new ConfigError('ERR_ENTRY_NOT_FOUND', {
    message: `Config '${name}' has no ${what} ${value}`,
    hint: 'See its history for the revisions there are.',
    details: { what: `${what} ${value}` },
  });
}
