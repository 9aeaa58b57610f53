/**
 * What a limiter decided, as clients read it: the fields of the IETF draft "RateLimit header fields for HTTP"
 * (draft-ietf-httpapi-ratelimit-headers-11), which are structured fields, and `Retry-After`.
 * @module
 */
import type { RateLimitAnswer, RateLimiter } from './rate-limiter.ts';

/**
 * Sets `RateLimit-Policy` and `RateLimit`, and on a refusal `Retry-After`, which never ends before the window that
 * `RateLimit` tells of.
 * @example
 * RateLimit-Policy: "address";q=600;w=60
 * RateLimit: "address";r=599;t=60
 */
export function setRateLimitHeaders(
  headers: Headers,
  { policy, limit, window_s }: Pick<RateLimiter, 'policy' | 'limit' | 'window_s'>,
  { allowed, remaining, reset_s, retryAfter_s }: RateLimitAnswer,
): void {
  headers.set('ratelimit-policy', `"${policy}";q=${limit};w=${window_s}`);
  headers.set('ratelimit', `"${policy}";r=${remaining};t=${reset_s}`);
  if (!allowed) headers.set('retry-after', String(retryAfter_s));
}
