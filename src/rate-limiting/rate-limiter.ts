/**
 * How many requests each key may make in a window that slides with the time. Two counters stand for a log of every
 * request: what the previous window counted is taken as spread evenly over it, so of P requests there and C in the
 * current window, of which the part f has passed,
 *
 *     estimate = P * (1 - f) + C          and a request is allowed while estimate + 1 <= limit.
 *
 * An exact log of the last window differs from the estimate by at most P * f upwards (all of P came late) and
 * P * (1 - f) downwards (all came early). So no window ever lets 2 * limit through, no two aligned windows after each
 * other more than 2 * limit together, and in the long run it is limit a window. Refused requests are not counted.
 * @module
 */

export interface RateLimiterOptions {
  /** The policy's name in `RateLimit` headers: lower-case words with hyphens. */
  readonly policy: string;
  /** Requests a window, from 1. */
  readonly limit: number;
  /** Whole seconds. Default: 60. */
  readonly window_s?: number;
  /** Keys that are counted apart, about 150 bytes each. Default: 65536. */
  readonly capacity?: number;
  /** Milliseconds that never go back, from any start. Default: the process's own. */
  readonly clock?: () => number;
}

export interface RateLimitAnswer {
  readonly allowed: boolean;
  readonly limit: number;
  /** Requests that would be allowed right after this one. */
  readonly remaining: number;
  /** Seconds for which `remaining` is all there is: to the end of the window, or until one is allowed again. */
  readonly reset_s: number;
  /** Seconds until a request is allowed again; 0 when this one was. */
  readonly retryAfter_s: number;
}

/** Far below one request, far above what rounding does to the estimate. */
const ROUNDING = 1e-6;
const NONE = -1;

/**
 * A key keeps its slot while either of its counters holds something, so a flood of new keys takes nobody's count away.
 * When no slot is idle, keys without one are counted together, as one key: what is not known is let in sparingly.
 * @example
 * const limiter = new RateLimiter({ policy: 'address', limit: 600 });
 * const { allowed, retryAfter_s } = limiter.check('192.0.2.1');
 */
export class RateLimiter {
  readonly policy: string;
  readonly limit: number;
  readonly window_s: number;
  readonly #window_ms: number;
  readonly #capacity: number;
  readonly #clock: () => number;
  readonly #slots = new Map<string, number>();
  readonly #keys: string[] = [];
  /** The number of the window that `#current` counts; the last slot is the one that keys without a slot share. */
  readonly #windows: Int32Array;
  readonly #current: Int32Array;
  readonly #previous: Int32Array;
  /** Slots in the order in which they entered their window: idle ones are at the front. */
  readonly #after: Int32Array;
  readonly #before: Int32Array;
  /** The number of the window that is now, and when it began. */
  #window = 0;
  #start_ms = 0;
  /** Whole seconds that are left of the window, and when there will be one less. */
  #left_s = 0;
  #tick_ms = -Infinity;
  #first = NONE;
  #last = NONE;
  /** One for all, so that a check allocates nothing. */
  readonly #answer: { -readonly [K in keyof RateLimitAnswer]: RateLimitAnswer[K] };

  /** Throws RangeError for a policy, limit, window or capacity that makes no sense. */
  constructor({ policy, limit, window_s = 60, capacity = 65_536, clock = now }: RateLimiterOptions) {
    if (!/^[a-z]+(-[a-z]+)*$/.test(policy)) throw new RangeError(`not a name of a policy: ${policy}`);
    for (const number of [limit, window_s, capacity]) {
      if ((number | 0) !== number || number < 1) throw new RangeError(`not a whole number from 1: ${number}`);
    }
    this.policy = policy;
    this.limit = limit;
    this.window_s = window_s;
    this.#window_ms = window_s * 1000;
    this.#capacity = capacity;
    this.#clock = clock;
    this.#windows = new Int32Array(capacity + 1);
    this.#current = new Int32Array(capacity + 1);
    this.#previous = new Int32Array(capacity + 1);
    this.#after = new Int32Array(capacity).fill(NONE);
    this.#before = new Int32Array(capacity).fill(NONE);
    this.#answer = { allowed: true, limit, remaining: limit, reset_s: 0, retryAfter_s: 0 };
  }

  /** Keys that have a slot of their own. */
  get size(): number {
    return this.#slots.size;
  }

  /**
   * Counts one request of a key, at a moment of the limiter's clock; left out: now. The answer is good until the next
   * check: it is always the same object.
   */
  check(key: string, now_ms = this.#clock()): RateLimitAnswer {
    if (now_ms >= this.#tick_ms) this.#tick(now_ms);
    const window = this.#window;
    const slot = this.#slots.get(key) ?? this.#admit(key, window);
    if (this.#windows[slot] !== window) this.#enter(slot, window);
    return this.#count(slot, now_ms - this.#start_ms);
  }

  /** What is the same for all checks of a second, which are most. */
  #tick(now_ms: number): void {
    this.#window = Math.floor(now_ms / this.#window_ms);
    this.#start_ms = this.#window * this.#window_ms;
    const end_ms = this.#start_ms + this.#window_ms;
    this.#left_s = Math.ceil((end_ms - now_ms) / 1000);
    this.#tick_ms = end_ms - (this.#left_s - 1) * 1000;
  }

  #count(slot: number, passed_ms: number): RateLimitAnswer {
    const answer = this.#answer;
    const current = this.#current[slot]!;
    const previous = this.#previous[slot]!;
    const expected = previous === 0 ? 0 : previous * (1 - passed_ms / this.#window_ms);
    const room = this.limit - expected - current + ROUNDING;
    answer.allowed = room >= 1;
    if (answer.allowed) {
      this.#current[slot] = current + 1;
      answer.remaining = Math.trunc(room - 1);
      answer.reset_s = this.#left_s;
      answer.retryAfter_s = 0;
    } else {
      answer.remaining = 0;
      answer.retryAfter_s = Math.ceil(this.#wait(previous, current, passed_ms) / 1000);
      answer.reset_s = answer.retryAfter_s;
    }
    return answer;
  }

  /** Milliseconds until one more fits, if none comes meanwhile: in this window, or in the next. */
  #wait(previous: number, current: number, passed_ms: number): number {
    const window_ms = this.#window_ms;
    const free = this.limit - 1 - current;
    if (free >= 0) return (1 - free / previous) * window_ms - passed_ms;
    return window_ms - passed_ms + (1 - (this.limit - 1) / current) * window_ms;
  }

  /** A slot for a key that has none: an unused one, the one that is idle longest, or the shared one. */
  #admit(key: string, window: number): number {
    const unused = this.#slots.size;
    if (unused < this.#capacity) return this.#give(unused, key, window);
    const oldest = this.#first;
    if (this.#windows[oldest]! >= window - 1) return this.#capacity;
    this.#slots.delete(this.#keys[oldest]!);
    this.#unlink(oldest);
    return this.#give(oldest, key, window);
  }

  #give(slot: number, key: string, window: number): number {
    this.#keys[slot] = key;
    this.#slots.set(key, slot);
    this.#windows[slot] = window;
    this.#current[slot] = 0;
    this.#previous[slot] = 0;
    this.#append(slot);
    return slot;
  }

  /** Turns the counters to a new window. */
  #enter(slot: number, window: number): void {
    this.#previous[slot] = this.#windows[slot] === window - 1 ? this.#current[slot]! : 0;
    this.#current[slot] = 0;
    this.#windows[slot] = window;
    if (slot === this.#capacity) return;
    this.#unlink(slot);
    this.#append(slot);
  }

  #append(slot: number): void {
    this.#before[slot] = this.#last;
    this.#after[slot] = NONE;
    if (this.#last === NONE) this.#first = slot;
    else this.#after[this.#last] = slot;
    this.#last = slot;
  }

  #unlink(slot: number): void {
    const [before, after] = [this.#before[slot]!, this.#after[slot]!];
    if (before === NONE) this.#first = after;
    else this.#after[before] = after;
    if (after === NONE) this.#last = before;
    else this.#before[after] = before;
  }
}

function now(): number {
  return performance.now();
}
