/**
 * How many requests may be under way at once, from each address and in all: a slow client holds places, and only so
 * many. Counts requests, not sockets, which the server does not show.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';

export interface ConnectionLimitOptions {
  readonly perAddress: number;
  readonly total: number;
}

/**
 * @example
 * limit.acquire(key);
 * try { return await answer(); } finally { limit.release(key); }
 */
export class ConnectionLimit {
  readonly #perAddress: number;
  readonly #total: number;
  readonly #underWay = new Map<string, number>();
  #all = 0;

  constructor({ perAddress, total }: ConnectionLimitOptions) {
    this.#perAddress = perAddress;
    this.#total = total;
  }

  /** Requests under way. */
  get size(): number {
    return this.#all;
  }

  /** Takes a place. Throws ERR_BUSY, and then nothing is to be released. */
  acquire(key: string): void {
    const own = this.#underWay.get(key) ?? 0;
    if (own >= this.#perAddress) throw busy('from this address', this.#perAddress);
    if (this.#all >= this.#total) throw busy('in all', this.#total);
    this.#underWay.set(key, own + 1);
    this.#all++;
  }

  /** Gives a place back: once for each that was taken. */
  release(key: string): void {
    const own = this.#underWay.get(key);
    if (own === undefined) throw new RangeError(`nothing is under way for ${key}`);
    if (own === 1) this.#underWay.delete(key);
    else this.#underWay.set(key, own - 1);
    this.#all--;
  }
}

function busy(where: string, limit: number): ConfigError<'ERR_BUSY'> {
  return new ConfigError('ERR_BUSY', {
    message: `${limit} requests are under way ${where}, and more are not taken`,
    hint: 'Wait for answers that are under way, then try again.',
    details: { limit },
  });
}
