/** The limiter against an exact log of what it let through, and against those who would rather not be counted. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { setRateLimitHeaders } from '../../src/rate-limiting/rate-limit-headers.ts';
import { type RateLimitAnswer, RateLimiter } from '../../src/rate-limiting/rate-limiter.ts';

const SEED = 42;

class Clock {
  now_ms = 0;
  readonly read = (): number => this.now_ms;
}

function limiterOf(clock: Clock, limit: number, capacity = 8, window_s = 10): RateLimiter {
  return new RateLimiter({ policy: 'test', limit, window_s, capacity, clock: clock.read });
}

function allowedOf(limiter: RateLimiter, key: string, times: number): number {
  let allowed = 0;
  for (let i = 0; i < times; i++) if (limiter.check(key).allowed) allowed++;
  return allowed;
}

describe('against an exact log', () => {
  const steps = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30_000 })), { maxLength: 300 });

  test('decisions lie within the documented bound', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), steps, (limit, waits) => {
        const clock = new Clock();
        const limiter = limiterOf(clock, limit);
        const window_ms = limiter.window_s * 1000;
        const log: number[] = [];
        for (const wait of waits) {
          clock.now_ms += wait;
          const window = Math.floor(clock.now_ms / window_ms);
          const part = clock.now_ms / window_ms - window;
          const previous = log.filter((at) => Math.floor(at / window_ms) === window - 1).length;
          const exact = log.filter((at) => at > clock.now_ms - window_ms).length;
          const { allowed } = limiter.check('key');
          if (exact + previous * (1 - part) + 1 <= limit) expect(allowed).toBe(true);
          if (exact - previous * part + 1 > limit + 1e-5) expect(allowed).toBe(false);
          if (allowed) log.push(clock.now_ms);
          const inLastWindow = log.filter((at) => at > clock.now_ms - window_ms).length;
          expect(inLastWindow).toBeLessThan(2 * limit);
          expect(log.filter((at) => Math.floor(at / window_ms) === window).length).toBeLessThanOrEqual(limit);
        }
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  test('what an answer promises holds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), steps, (limit, waits) => {
        const clock = new Clock();
        const limiter = limiterOf(clock, limit);
        for (const wait of waits) {
          clock.now_ms += wait;
          const answer: RateLimitAnswer = { ...limiter.check('key') };
          expect(answer.limit).toBe(limit);
          expect(answer.remaining).toBeGreaterThanOrEqual(0);
          expect(answer.remaining).toBeLessThan(limit);
          expect(answer.retryAfter_s).toBeGreaterThanOrEqual(answer.allowed ? 0 : 1);
          expect(answer.retryAfter_s).toBeLessThanOrEqual(2 * limiter.window_s);
          if (answer.allowed) expect(answer.reset_s).toBeGreaterThan(0);
          else expect(answer).toMatchObject({ remaining: 0, reset_s: answer.retryAfter_s });
          if (!answer.allowed) {
            const early_ms = Math.max(0, answer.retryAfter_s - 1) * 1000 - 1;
            clock.now_ms += Math.max(0, early_ms);
            if (early_ms > 0) expect(limiter.check('key').allowed).toBe(false);
            clock.now_ms += answer.retryAfter_s * 1000 - Math.max(0, early_ms);
            expect(limiter.check('key').allowed).toBe(true);
          } else if (wait % 7 === 0) {
            expect(allowedOf(limiter, 'key', limit + 1)).toBe(answer.remaining);
          }
        }
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  test('waiting less than a second too little is refused', () => {
    const clock = new Clock();
    const limiter = limiterOf(clock, 5);
    allowedOf(limiter, 'key', 5);
    const { retryAfter_s } = limiter.check('key');
    expect(retryAfter_s).toBe(12);
    clock.now_ms = retryAfter_s * 1000 - 1;
    expect(limiter.check('key').allowed).toBe(false);
    clock.now_ms += 1;
    expect(limiter.check('key').allowed).toBe(true);
  });
});

describe('keys', () => {
  test('are counted apart, and refused requests are not counted', () => {
    const clock = new Clock();
    const limiter = limiterOf(clock, 3);
    expect([allowedOf(limiter, 'a', 100), allowedOf(limiter, 'b', 2)]).toEqual([3, 2]);
    clock.now_ms = 19_999;
    expect(allowedOf(limiter, 'a', 100)).toBe(2);
  });

  test('a flood of new keys does not give an active one its quota back', () => {
    const clock = new Clock();
    const limiter = limiterOf(clock, 5, 16);
    expect(allowedOf(limiter, 'attacker', 100)).toBe(5);
    for (let i = 0; i < 1000; i++) limiter.check(`flood ${i}`);
    expect(limiter.size).toBe(16);
    expect(allowedOf(limiter, 'attacker', 100)).toBe(0);
    clock.now_ms = 10_500;
    limiter.check('one more');
    expect(allowedOf(limiter, 'attacker', 100)).toBe(0);
  });

  test('keys without a slot are counted together', () => {
    const clock = new Clock();
    const limiter = limiterOf(clock, 5, 16);
    let allowed = 0;
    for (let i = 0; i < 1000; i++) allowed += allowedOf(limiter, `flood ${i}`, 1);
    expect(allowed).toBe(16 + 5);
  });

  test('the one that is idle longest makes room', () => {
    const clock = new Clock();
    const limiter = limiterOf(clock, 5, 2);
    limiter.check('idle');
    clock.now_ms = 10_000;
    allowedOf(limiter, 'active', 5);
    clock.now_ms = 20_000;
    limiter.check('new');
    expect(limiter.size).toBe(2);
    expect(allowedOf(limiter, 'active', 100)).toBe(0);
    expect(allowedOf(limiter, 'new', 100)).toBe(4);
  });

  test('any order of keys and times leaves the limiter whole', () => {
    const visits = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9000 })), {
      maxLength: 400,
    });
    fc.assert(
      fc.property(visits, (walk) => {
        const clock = new Clock();
        const [small, roomy] = [limiterOf(clock, 4, 3), limiterOf(clock, 4, 100)];
        for (const [key, wait] of walk) {
          clock.now_ms += wait;
          const wouldBe = roomy.check(`key ${key}`).allowed;
          const had = small.size;
          const is = small.check(`key ${key}`).allowed;
          expect(small.size).toBeLessThanOrEqual(3);
          expect(small.size).toBeGreaterThanOrEqual(had);
          if (small.size < 3) expect(is).toBe(wouldBe);
        }
      }),
      { seed: SEED, numRuns: 200 },
    );
  });
});

test('nonsense is refused when the limiter is made', () => {
  for (const wrong of [{ limit: 0 }, { limit: 1.5 }, { window_s: 0 }, { capacity: 0 }, { policy: 'a"b' }]) {
    expect(() => new RateLimiter({ policy: 'test', limit: 1, ...wrong })).toThrow(RangeError);
  }
});

test('headers are those of the draft', () => {
  const clock = new Clock();
  const limiter = limiterOf(clock, 2);
  const fields = () => {
    const headers = new Headers();
    setRateLimitHeaders(headers, limiter, limiter.check('key'));
    return Object.fromEntries(headers);
  };
  const policy = '"test";q=2;w=10';
  expect(fields()).toEqual({ 'ratelimit-policy': policy, ratelimit: '"test";r=1;t=10' });
  expect(fields()).toEqual({ 'ratelimit-policy': policy, ratelimit: '"test";r=0;t=10' });
  expect(fields()).toEqual({ 'ratelimit-policy': policy, ratelimit: '"test";r=0;t=15', 'retry-after': '15' });
});
