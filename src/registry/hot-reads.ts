/**
 * The read that services repeat: one config, asked for with a token that is known already. Answered where the server
 * hands the request over, without a router, a promise or a query; whatever is unusual about a request makes it go the
 * ordinary way, which answers the same. Must decide nothing that the ordinary way would decide otherwise.
 * @module
 */
import { may, type Principal } from '../auth/rights.ts';
import { configStream } from '../config/name.ts';
import { requestIdOf } from '../logging/request-log.ts';
import { rateLimitOf, rateLimitPolicyOf } from '../rate-limiting/rate-limit-headers.ts';
import type { RateLimiter } from '../rate-limiting/rate-limiter.ts';
import { HEADER_PREFIX } from '../proxy/headers.ts';
import { isKnownToReader } from './conditions.ts';
import type { ConfigCache, RenderedConfig } from './config-cache.ts';
import { SAFE_HEADERS } from './safe-headers.ts';

/** The one path that is answered so, as the server writes it. */
export const HOT_READ_PATH = '/api/v1/configs/:name';
/** Bodies from here on may be compressed: the ordinary way does that. */
const PLAIN_MAX_BYTES = 1024;

export interface HotReadFacts {
  readonly url: string;
  readonly id: string;
  readonly principal: Principal;
  readonly status: 200 | 304;
  readonly duration_ms: number;
}

export interface HotReadOptions {
  readonly cache: Pick<ConfigCache, 'held'>;
  /** Who shows this credential, if that is known without asking anybody. */
  readonly identifyNow: (headers: Headers) => Principal | null;
  /** null: any number. */
  readonly limiter: RateLimiter | null;
  /** False while something is asked of all requests that only the ordinary way does. */
  readonly isUsual: () => boolean;
  /** Counts and logs; must not throw. */
  readonly answered: (facts: HotReadFacts) => void;
}

/** null: the ordinary way must look at it. */
export type HotRead = (request: Request, name: string) => Response | null;

/**
 * @example
 * const read = hotReads({ cache, identifyNow, limiter, isUsual, answered });
 * const answer = read(request, 'checkout/production') ?? (await app.fetch(request));
 */
export function hotReads({ cache, identifyNow, limiter, isUsual, answered }: HotReadOptions): HotRead {
  const prepared = new WeakMap<RenderedConfig, Prepared>();
  return (request, name) => {
    const began = performance.now();
    if (!isUsual() || isUnusual(request)) return null;
    const config = cache.held(name);
    if (config === undefined || config.size_bytes >= PLAIN_MAX_BYTES) return null;
    const { headers } = request;
    const principal = identifyNow(headers);
    if (principal === null) return null;
    const { readers, read, notRead } = prepared.get(config) ?? prepare(prepared, config, limiter);
    if (!mayRead(readers, principal, config)) return null;
    const limit = limiter?.check(principal.actor, began) ?? null;
    if (limit?.allowed === false) return null;
    const id = requestIdOf(headers);
    const isKnown = headers.has('if-none-match') && isKnownToReader(headers, config);
    const status = isKnown ? 304 : 200;
    const sent = isKnown ? notRead : read;
    sent.set('x-request-id', id);
    if (limit !== null) sent.set('ratelimit', rateLimitOf(limiter!, limit));
    const response = new Response(isKnown ? null : config.json, { status, headers: sent });
    answered({ url: request.url, id, principal, status, duration_ms: performance.now() - began });
    return response;
  };
}

/** A parameter or a header that has to be looked at; the server hands over HEAD as if it were GET. */
function isUnusual({ method, url, headers }: Request): boolean {
  if (method !== 'GET' || url.includes('?')) return true;
  for (const name of headers.keys()) if (name.startsWith(HEADER_PREFIX)) return true;
  return false;
}

/** What answers of one revision have in common. */
interface Prepared {
  /** Who may read it. */
  readonly readers: WeakSet<Principal>;
  /** Headers, by the same names as the ordinary way sends. A response copies them, so that one of each is enough. */
  readonly read: Headers;
  readonly notRead: Headers;
}

function prepare(
  prepared: WeakMap<RenderedConfig, Prepared>,
  config: RenderedConfig,
  limiter: RateLimiter | null,
): Prepared {
  const notRead = new Headers({
    ...SAFE_HEADERS,
    'cache-control': 'no-cache',
    vary: 'Accept-Encoding',
    etag: config.etag,
  });
  if (limiter !== null) notRead.set('ratelimit-policy', rateLimitPolicyOf(limiter));
  const read = new Headers([...notRead, ['content-type', 'application/json']]);
  const made = { readers: new WeakSet<Principal>(), read, notRead };
  prepared.set(config, made);
  return made;
}

/** Grants are looked through once for each principal and revision: a known token brings the same principal again. */
function mayRead(readers: WeakSet<Principal>, principal: Principal, config: RenderedConfig): boolean {
  if (readers.has(principal)) return true;
  if (!may(principal, 'read', configStream(config.name))) return false;
  readers.add(principal);
  return true;
}
