/**
 * The read that services repeat: one config, asked for with a token that is known already. Answered where the server
 * hands the request over, without a router, a promise or a query; whatever is unusual about a request makes it go the
 * ordinary way, which answers the same. Must decide nothing that the ordinary way would decide otherwise.
 * @module
 */
import { may, type Principal } from '../auth/rights.ts';
import { configStream } from '../config/name.ts';
import { requestIdOf } from '../logging/request-log.ts';
import { setRateLimitHeaders } from '../rate-limiting/rate-limit-headers.ts';
import type { RateLimitAnswer, RateLimiter } from '../rate-limiting/rate-limiter.ts';
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
  const readers = new WeakMap<RenderedConfig, WeakSet<Principal>>();
  return (request, name) => {
    const began = performance.now();
    if (!isUsual() || isUnusual(request)) return null;
    const config = cache.held(name);
    if (config === undefined || config.size_bytes >= PLAIN_MAX_BYTES) return null;
    const { headers } = request;
    const principal = identifyNow(headers);
    if (principal === null || !mayRead(readers, principal, config)) return null;
    const limit = limiter?.check(principal.actor, began) ?? null;
    if (limit?.allowed === false) return null;
    const id = requestIdOf(headers);
    const isKnown = headers.has('if-none-match') && isKnownToReader(headers, config);
    const status = isKnown ? 304 : 200;
    const response = new Response(isKnown ? null : config.json, {
      status,
      headers: headersOf(isKnown ? NOT_READ : READ, config, limiter, limit, id),
    });
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

/** Grants are looked through once for each principal and revision: a known token brings the same principal again. */
function mayRead(
  readers: WeakMap<RenderedConfig, WeakSet<Principal>>,
  principal: Principal,
  config: RenderedConfig,
): boolean {
  const known = readers.get(config);
  if (known?.has(principal) === true) return true;
  if (!may(principal, 'read', configStream(config.name))) return false;
  if (known === undefined) readers.set(config, new WeakSet([principal]));
  else known.add(principal);
  return true;
}

const NOT_READ = new Headers({ ...SAFE_HEADERS, 'cache-control': 'no-cache', vary: 'Accept-Encoding' });
const READ = new Headers([...NOT_READ, ['content-type', 'application/json']]);

/** The same, by the same names, as the ordinary way sends. A copy of headers costs less than making them anew. */
function headersOf(
  always: Headers,
  { etag }: RenderedConfig,
  limiter: RateLimiter | null,
  limit: RateLimitAnswer | null,
  id: string,
): Headers {
  const headers = new Headers(always);
  headers.set('etag', etag);
  headers.set('x-request-id', id);
  if (limiter !== null && limit !== null) setRateLimitHeaders(headers, limiter, limit);
  return headers;
}
