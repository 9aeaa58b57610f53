/**
 * Addresses of upstream hosts, kept as long as their records say. A hit is answered at once; what has just run out is
 * answered once more while it is asked for anew, and never longer than the bound; that a name is unknown is remembered
 * too. How names are resolved is handed in.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';

export interface Resolved {
  /** At least one, in the order in which they are to be tried. */
  readonly addresses: readonly string[];
  /** Seconds; null where the resolver does not tell. */
  readonly ttl_s: number | null;
}

/** Throws whatever it likes where a name has no address. */
export type Resolver = (host: string) => Promise<Resolved>;

export interface DnsCacheOptions {
  /** Default: the resolver of this machine. */
  readonly resolve?: Resolver;
  /** Milliseconds that never go back. Default: the process's own. */
  readonly clock?: () => number;
  /** Names that are kept. Default: 1024. */
  readonly capacity?: number;
}

/** A record may be wrong for ever, or ask not to be kept at all: within a burst of requests it is kept all the same. */
const TTL_MIN_S = 1;
const TTL_MAX_S = 3600;
const TTL_UNKNOWN_S = 30;
/** How long an answer that ran out may still be given while it is asked for anew. */
const STALE_MS = 30_000;
/** How long a name that has no address, or a resolver that fails, is not asked again. */
const NEGATIVE_MS = 5000;

interface Entry {
  readonly addresses: readonly string[] | null;
  /** Why there are none. */
  readonly cause: unknown;
  freshUntil: number;
  readonly usableUntil: number;
}

/**
 * @example
 * const cache = new DnsCache();
 * const addresses = cache.find('upstream.example') ?? (await cache.addresses('upstream.example'));
 */
export class DnsCache {
  readonly #resolve: Resolver;
  readonly #clock: () => number;
  readonly #capacity: number;
  readonly #entries = new Map<string, Entry>();
  readonly #counts = { hits: 0, misses: 0 };
  readonly #pending = new Map<string, Promise<Entry>>();

  constructor({ resolve = resolveHere, clock = now, capacity = 1024 }: DnsCacheOptions = {}) {
    this.#resolve = resolve;
    this.#clock = clock;
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Answers that were at hand, and those that were asked for; for metrics. */
  get counts(): { readonly hits: number; readonly misses: number } {
    return this.#counts;
  }

  /** The addresses that are at hand; null where they have to be asked for. */
  find(host: string): readonly string[] | null {
    const entry = this.#entries.get(host);
    if (entry === undefined) return null;
    const at = this.#clock();
    if (at >= entry.usableUntil || entry.addresses === null) return null;
    this.#counts.hits++;
    if (at >= entry.freshUntil) void this.#ask(host);
    return entry.addresses;
  }

  /** The addresses, at hand or asked for: once, however many wait. Throws ERR_UPSTREAM. */
  async addresses(host: string): Promise<readonly string[]> {
    const found = this.find(host);
    if (found !== null) return found;
    const known = this.#entries.get(host);
    const isRefused = known?.addresses === null && this.#clock() < known.freshUntil;
    const { addresses, cause } = isRefused ? known : await this.#ask(host);
    if (addresses !== null) return addresses;
    throw new ConfigError('ERR_UPSTREAM', {
      message: `There is no address for ${host}`,
      hint: 'Check the name, and that this machine can resolve it.',
      details: { url: host, fault: 'dns' },
      cause,
    });
  }

  /** Forgets a host whose addresses turned out to be of no use. */
  forget(host: string): void {
    this.#entries.delete(host);
  }

  #ask(host: string): Promise<Entry> {
    const underWay = this.#pending.get(host);
    if (underWay !== undefined) return underWay;
    const asked = this.#answer(host).finally(() => this.#pending.delete(host));
    this.#pending.set(host, asked);
    return asked;
  }

  /** Never throws: a failure is an entry too. One that is usable still is not replaced by it. */
  async #answer(host: string): Promise<Entry> {
    this.#counts.misses++;
    try {
      const { addresses, ttl_s } = await this.#resolve(host);
      if (addresses.length === 0) throw new Error('the answer holds no address');
      const ttl_ms = Math.min(Math.max(ttl_s ?? TTL_UNKNOWN_S, TTL_MIN_S), TTL_MAX_S) * 1000;
      const freshUntil = this.#clock() + ttl_ms;
      return this.#keep(host, { addresses, cause: null, freshUntil, usableUntil: freshUntil + STALE_MS });
    } catch (cause) {
      const at = this.#clock();
      const known = this.#entries.get(host);
      if (known === undefined || known.addresses === null || at >= known.usableUntil) {
        return this.#keep(host, { addresses: null, cause, freshUntil: at + NEGATIVE_MS, usableUntil: at });
      }
      known.freshUntil = at + NEGATIVE_MS;
      return known;
    }
  }

  #keep(host: string, entry: Entry): Entry {
    this.#entries.delete(host);
    const oldest = this.#entries.size >= this.#capacity ? this.#entries.keys().next().value : undefined;
    if (oldest !== undefined) this.#entries.delete(oldest);
    this.#entries.set(host, entry);
    return entry;
  }
}

/**
 * By the name servers, which tell how long an answer holds; what they do not know, the system may, from sources of its
 * own.
 */
async function resolveHere(host: string): Promise<Resolved> {
  try {
    const found = await Bun.dns.lookup(host, { backend: 'c-ares', socketType: 'tcp' });
    return { addresses: found.map(({ address }) => address), ttl_s: Math.min(...found.map(({ ttl }) => ttl)) };
  } catch {
    const found = await Bun.dns.lookup(host, { backend: 'system', socketType: 'tcp' });
    return { addresses: found.map(({ address }) => address), ttl_s: null };
  }
}

function now(): number {
  return performance.now();
}
