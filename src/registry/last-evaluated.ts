/**
 * When each flag of each config was last asked for: noted in memory while answers are made, and written to the scratch
 * file by the clock. Never journalled, and worth little: what is lost with the process is lost.
 * @module
 */
import type { SideStore } from '../journal/side-store.ts';
import { repeated } from './repeated.ts';

/** So exact is what is said. */
const FLUSH_INTERVAL_MS = 10_000;
const SPACE = 'last-evaluated';
/** The row that says since when evaluations are noted at all; no config is called so. */
const SINCE_KEY = '/since';

export interface LastEvaluatedOptions {
  readonly scratch: Pick<SideStore, 'get' | 'set' | 'together'>;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
}

/** Times by flag, of one config; milliseconds since 1970. */
type Times = Map<string, number>;

/**
 * @example
 * const lastEvaluated = new LastEvaluated({ scratch });
 * lastEvaluated.evaluated('checkout/production', 'banner');
 * lastEvaluated.of('checkout/production', 'banner'); // 1772366400000
 */
export class LastEvaluated {
  readonly #options: LastEvaluatedOptions;
  readonly #now: () => number;
  /** Since the last flush. */
  readonly #waiting = new Map<string, Set<string>>();
  readonly #known = new Map<string, Times>();
  readonly #since: number;
  #config = '';
  #keys = new Set<string>();

  /** Throws ERR_STORE. */
  constructor(options: LastEvaluatedOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#since = this.#beginning();
  }

  /** Since when evaluations are noted, in ms since 1970: what was asked for before is not known. */
  get since(): number {
    return this.#since;
  }

  /** Some nanoseconds. To be called for flags that are there, and for no others: every key is kept. */
  evaluated(config: string, key: string): void {
    if (config !== this.#config) this.#turnTo(config);
    this.#keys.add(key);
  }

  /** Milliseconds since 1970, later than it was by `FLUSH_INTERVAL_MS` at most; null: never. Throws ERR_STORE. */
  of(config: string, key: string): number | null {
    if (this.#waiting.get(config)?.has(key) === true) return this.#now();
    return this.#timesOf(config).get(key) ?? null;
  }

  /** Writes what waits. What could not be written waits on. Throws ERR_STORE. */
  flush(): void {
    const now = this.#now();
    const waiting = [...this.#waiting].filter(([, keys]) => keys.size > 0);
    if (waiting.length === 0) return;
    const written = waiting.map(([config, keys]) => [config, withTimes(this.#timesOf(config), keys, now)] as const);
    const { scratch } = this.#options;
    scratch.together(() => {
      for (const [config, times] of written) scratch.set(SPACE, config, JSON.stringify([...times]));
    });
    for (const [config, times] of written) this.#known.set(config, times);
    this.#waiting.clear();
    this.#config = '';
  }

  /** Flushes by the clock until the way back is taken, which flushes once more. `onFailure` hears of ERR_STORE. */
  start(onFailure: (failure: string) => void): () => Promise<void> {
    const stop = repeated({ interval_ms: FLUSH_INTERVAL_MS, work: () => this.flush(), onFailure });
    return async () => {
      await stop();
      this.flush();
    };
  }

  #turnTo(config: string): void {
    let keys = this.#waiting.get(config);
    if (keys === undefined) this.#waiting.set(config, (keys = new Set()));
    this.#config = config;
    this.#keys = keys;
  }

  #timesOf(config: string): Times {
    let times = this.#known.get(config);
    if (times === undefined) this.#known.set(config, (times = timesFrom(this.#options.scratch.get(SPACE, config))));
    return times;
  }

  #beginning(): number {
    const { scratch } = this.#options;
    const known = Number(scratch.get(SPACE, SINCE_KEY) ?? NaN);
    if (Number.isFinite(known)) return known;
    const now = this.#now();
    scratch.set(SPACE, SINCE_KEY, String(now));
    return now;
  }
}

function withTimes(times: Times, keys: ReadonlySet<string>, now: number): Times {
  const changed = new Map(times);
  for (const key of keys) changed.set(key, now);
  return changed;
}

/** The file is ours alone: what is there was written above. */
function timesFrom(text: string | null): Times {
  return new Map(text === null ? [] : (JSON.parse(text) as [string, number][]));
}
