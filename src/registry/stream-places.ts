/**
 * Places for streams, which stay open: so many from one address, for one holder of credentials, and in all. One count
 * for WebSockets, events of configs and events of evaluations, for what they use up is the same. Must let nobody take
 * so many that none are left for others.
 * @module
 */
import { ConfigError, isConfigError } from '../errors/errors.ts';
import { addressKey } from '../http/client-address.ts';
import { ConnectionLimit } from '../http/connection-limit.ts';
import type { Holder } from './holder.ts';

export interface StreamPlaceLimits {
  /** A data centre may be behind one address. */
  readonly perAddress: number;
  /** Of one token, of one user, or of all who say nothing of themselves. */
  readonly perHolder: number;
  /** From one address, with a token that anybody can find in a page, or with none. */
  readonly perVisitor: number;
  /** What one process serves. */
  readonly total: number;
}

const LIMITS: StreamPlaceLimits = { perAddress: 4096, perHolder: 8192, perVisitor: 256, total: 16_384 };

/** One count of places, by key. */
interface Count {
  readonly limit: ConnectionLimit;
  readonly key: string;
  readonly where: string;
}

/**
 * @example
 * const leave = places.take('192.0.2.1', holderOf(principal));
 * stream.onClose = leave;
 */
export class StreamPlaces {
  readonly #limits: StreamPlaceLimits;
  readonly #refused: { value: number };
  readonly #open: ConnectionLimit;
  readonly #held: ConnectionLimit;
  readonly #visiting: ConnectionLimit;

  /** `refused` counts those who were not let in. */
  constructor(refused: { value: number }, limits: Partial<StreamPlaceLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
    const { perAddress, perHolder, perVisitor, total } = this.#limits;
    this.#refused = refused;
    this.#open = new ConnectionLimit({ perAddress, total });
    this.#held = new ConnectionLimit({ perAddress: perHolder, total: Infinity });
    this.#visiting = new ConnectionLimit({ perAddress: perVisitor, total: Infinity });
  }

  /** Takes a place, which the result gives back, once. `address` null: without a connection. Throws ERR_BUSY. */
  take(address: string | null, holder: Holder): () => void {
    const taken: Count[] = [];
    for (const count of this.#countsOf(addressKey(address ?? ''), holder)) {
      try {
        count.limit.acquire(count.key);
        taken.push(count);
      } catch (error) {
        giveBack(taken);
        throw this.#asRefusal(error, count.where);
      }
    }
    return () => giveBack(taken);
  }

  #countsOf(place: string, { kind, id, isBrowser }: Holder): readonly Count[] {
    const key = `${kind} ${id}`;
    const held = { limit: this.#held, key, where: 'with these credentials' };
    const open = { limit: this.#open, key: place, where: 'from this address' };
    if (kind !== 'anonymous' && !isBrowser) return [held, open];
    return [{ limit: this.#visiting, key: `${key} ${place}`, where: 'from this address' }, held, open];
  }

  #asRefusal(error: unknown, where: string): unknown {
    if (!isConfigError(error) || error.code !== 'ERR_BUSY') return error;
    this.#refused.value++;
    const { limit } = error.details;
    return new ConfigError('ERR_BUSY', {
      message: `${limit} streams are open already, ${limit === this.#limits.total ? 'in all' : where}`,
      hint: 'Close streams that nobody needs, or follow several configs with fewer processes.',
      details: { limit },
    });
  }
}

/** A second time there is nothing to give back. */
function giveBack(taken: Count[]): void {
  for (const { limit, key } of taken.splice(0)) limit.release(key);
}
