/** How much of the registry anybody gets, from its settings. @module */
import type { Settings } from '../env/env.ts';
import { TrustedProxies } from '../http/client-address.ts';
import { ConnectionLimit } from '../http/connection-limit.ts';
import { RateLimiter } from '../rate-limiting/rate-limiter.ts';
import type { Limits } from './pipeline.ts';

/** Requests under way: far above what a fleet of services needs, far below what would exhaust memory. */
const UNDER_WAY = { perAddress: 1024, total: 8192 };

export type LimitSettings = Pick<Settings, 'trustedProxies' | 'rateLimit' | 'anonymousRateLimit'>;

export function limitsFor({ trustedProxies, rateLimit, anonymousRateLimit }: LimitSettings): Limits {
  return {
    proxies: new TrustedProxies(trustedProxies),
    underWay: new ConnectionLimit(UNDER_WAY),
    token: rateLimit === 0 ? null : new RateLimiter({ policy: 'token', limit: rateLimit }),
    address: anonymousRateLimit === 0 ? null : new RateLimiter({ policy: 'address', limit: anonymousRateLimit }),
  };
}
