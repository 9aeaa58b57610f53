/**
 * The read that services repeat: one config, asked for with a token that is known already. Answered where the server
 * hands the request over, without a router, a promise or a query; whatever is unusual about a request makes it go the
 * ordinary way, which answers the same. Must decide nothing that the ordinary way would decide otherwise.
 * @module
 */
import { may, type Principal } from '../auth/rights.ts';
import { configStream } from '../config/name.ts';
import { requestIdOf } from '../logging/request-log.ts';
import type { RateLimitAnswer, RateLimiter } from '../rate-limiting/rate-limiter.ts';
import { HEADER_NAMES } from '../proxy/headers.ts';
import type { ConfigCache, RenderedConfig } from './config-cache.ts';
import { SAFE_HEADERS } from './safe-headers.ts';

/** Bodies from here on may be compressed: the ordinary way does that. */
const PLAIN_MAX_BYTES = 1024;

export interface HotReadFacts {
  readonly principal: Principal;
  readonly status: 200 | 304;
  readonly duration_ms: number;
}

export interface HotReadOptions {
  readonly cache: ConfigCache;
  /** Who shows this credential, if that is known without asking anybody. */
  readonly identifyNow: (headers: Headers) => Principal | null;
  /** null: any number. */
  readonly limiter: RateLimiter | null;
  /** False while something is asked of all requests that only the ordinary way does. */
  readonly isUsual: () => boolean;
  /** Counts and logs; must not throw. */
  readonly answered: (request: Request, id: string, facts: HotReadFacts) => void;
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
    if (config === undefined || config.json.length >= PLAIN_MAX_BYTES) return null;
    const { headers } = request;
    const principal = identifyNow(headers);
    if (principal === null || !mayRead(readers, principal, config)) return null;
    const limit = limiter?.check(principal.actor) ?? null;
    if (limit?.allowed === false) return null;
    const id = requestIdOf(headers);
    const isKnown = headers.get('if-none-match') === config.etag;
    const init = { status: isKnown ? 304 : 200, headers: headersOf(config, limiter, limit, id) };
    const response = new Response(isKnown ? null : config.json, init);
    answered(request, id, { principal, status: isKnown ? 304 : 200, duration_ms: performance.now() - began });
    return response;
  };
}

function isUnusual({ headers }: Request): boolean {
  for (const name of HEADER_NAMES) if (headers.has(name)) return true;
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

/** The same, by the same names, as the ordinary way sends. */
function headersOf(
  { etag }: RenderedConfig,
  limiter: RateLimiter | null,
  limit: RateLimitAnswer | null,
  id: string,
): Record<string, string> {
  const headers = { ...READ_HEADERS, etag, 'x-request-id': id };
  if (limiter === null || limit === null) return headers;
  const { policy, limit: quota, window_s } = limiter;
  return {
    ...headers,
    'ratelimit-policy': `"${policy}";q=${quota};w=${window_s}`,
    ratelimit: `"${policy}";r=${limit.remaining};t=${limit.reset_s}`,
  };
}

const READ_HEADERS = {
  ...SAFE_HEADERS,
  'content-type': 'application/json',
  'cache-control': 'no-cache',
  vary: 'Accept-Encoding',
};
