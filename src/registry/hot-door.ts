/**
 * What lets a repeated request in where the server hands it over, before any router: a token that is known already, a
 * limit that is not reached, and nothing about the request that has to be looked at. Whatever is not so goes the
 * ordinary way; must let in nobody whom that would refuse.
 * @module
 */
import { may, type Principal } from '../auth/rights.ts';
import { requestIdOf, type RequestFacts } from '../logging/request-log.ts';
import { HEADER_PREFIX } from '../proxy/headers.ts';
import { rateLimitOf, rateLimitPolicyOf } from '../rate-limiting/rate-limit-headers.ts';
import type { RateLimiter } from '../rate-limiting/rate-limiter.ts';
import type { Credentials } from './credentials.ts';
import { SAFE_HEADERS } from './safe-headers.ts';

/**
 * Of a request, by names in lower case: taken out at once, as each look into `Headers` costs as much as several here.
 */
export type PlainHeaders = Readonly<Record<string, string | undefined>>;

export interface HotDoorOptions {
  /** Who shows this credential, if that is known without asking anybody. */
  readonly identifyNow: (credentials: Credentials) => Principal | null;
  /** Changes whenever anybody may have become another, or may do something else; null: it cannot be told. */
  readonly moment: () => number | null;
  /** null: any number. */
  readonly limiter: RateLimiter | null;
  /** False while something is asked of all requests that only the ordinary way does. */
  readonly isUsual: () => boolean;
}

/** A request that was counted; `ratelimit` is null where nothing is limited. */
export interface Counted {
  readonly id: string;
  readonly ratelimit: string | null;
}

/**
 * @example
 * const headers = plainHeadersOf(request);
 * const principal = door.identify(headers);
 * const counted = principal === null ? null : door.count(principal, headers, performance.now());
 */
export class HotDoor {
  readonly #options: HotDoorOptions;

  constructor(options: HotDoorOptions) {
    this.#options = options;
  }

  /** Who asks; null: the ordinary way must look at it. */
  identify(headers: PlainHeaders): Principal | null {
    const { isUsual, identifyNow } = this.#options;
    if (!isUsual()) return null;
    for (const name in headers) if (name.startsWith(HEADER_PREFIX)) return null;
    const { authorization = null, 'x-api-key': key = null } = headers;
    const principal = identifyNow({ authorization, key });
    // Pages see another answer, and are counted by their address, which is not known here.
    return principal?.isBrowser === true ? null : principal;
  }

  /** To be asked before a wait, and handed to `isStill` after it. */
  get moment(): number | null {
    return this.#options.moment();
  }

  /** Whether it is still `principal` who asks, and all that he might do is as it was at `moment`. */
  isStill(principal: Principal, headers: PlainHeaders, moment: number | null): boolean {
    return (moment !== null && moment === this.moment) || this.identify(headers) === principal;
  }

  /** Counts the request, at a moment of the limiter's clock; null: it is one too many. */
  count({ actor }: Principal, headers: PlainHeaders, now_ms: number): Counted | null {
    const { limiter } = this.#options;
    const limit = limiter?.check(actor, now_ms) ?? null;
    if (limit?.allowed === false) return null;
    return {
      id: requestIdOf(headers['x-request-id'] ?? null),
      ratelimit: limit === null ? null : rateLimitOf(limiter!, limit),
    };
  }

  /** Headers that many answers share, with those that every answer has. A response copies them. */
  prepare(headers: Readonly<Record<string, string>>): Headers {
    const { limiter } = this.#options;
    const prepared = new Headers({ ...SAFE_HEADERS, ...headers });
    if (limiter !== null) prepared.set('ratelimit-policy', rateLimitPolicyOf(limiter));
    return prepared;
  }
}

export function plainHeadersOf({ headers }: Request): PlainHeaders {
  return headers.toJSON();
}

/** What is told of a request that was answered so. Made here so that nothing has to be copied on the way to the log. */
export function factsOf(
  { method, url }: Request,
  { actor }: Principal,
  { id }: Counted,
  status: number,
  began_ms: number,
): RequestFacts {
  const duration_ms = performance.now() - began_ms;
  // Asking for the peer's address would cost as much as all the rest; whose token it is stands there.
  return { id, method, url, status, duration_ms, user: actor, address: null };
}

/** Puts on shared headers what is of one answer alone. */
export function setCounted(headers: Headers, { id, ratelimit }: Counted): void {
  headers.set('x-request-id', id);
  if (ratelimit !== null) headers.set('ratelimit', ratelimit);
}

/** Who may read one stream. Kept with what is held of it: grants are looked through once for each principal. */
export class Readers {
  readonly #stream: string;
  readonly #known = new WeakSet<Principal>();

  constructor(stream: string) {
    this.#stream = stream;
  }

  /** A known token brings the same principal again. */
  has(principal: Principal): boolean {
    if (this.#known.has(principal)) return true;
    if (!may(principal, 'read', this.#stream)) return false;
    this.#known.add(principal);
    return true;
  }
}
