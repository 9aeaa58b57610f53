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
export function setRateLimitHeaders(headers: Headers, limiter: Told, answer: RateLimitAnswer): void {
  headers.set('ratelimit-policy', rateLimitPolicyOf(limiter));
  headers.set('ratelimit', rateLimitOf(limiter, answer));
  if (!answer.allowed) headers.set('retry-after', String(answer.retryAfter_s));
}

type Told = Pick<RateLimiter, 'policy' | 'limit' | 'window_s'>;

/** The value of `RateLimit-Policy`, which every answer has in common. */
export function rateLimitPolicyOf({ policy, limit, window_s }: Told): string {
  return `"${policy}";q=${limit};w=${window_s}`;
}

/** The value of `RateLimit`. */
export function rateLimitOf(
  { policy }: Pick<Told, 'policy'>,
  { remaining, reset_s }: Pick<RateLimitAnswer, 'remaining' | 'reset_s'>,
): string {
  return `"${policy}";r=${remaining};t=${reset_s}`;
}
