/**
 * Audits, one after the other of everybody who asks for some: each is large while it lasts, and nobody is in a hurry.
 * So many wait, and no more.
 * @module
 */
import { addressKey } from '../../http/client-address.ts';
import { ConnectionLimit } from '../../http/connection-limit.ts';
import type { Holder } from '../holder.ts';

/** Under way or waiting, of one who asks. Every install of a build asks. */
const OWN_MAX = 32;
const ALL_MAX = 512;

export class AuditTurns {
  readonly #limit = new ConnectionLimit({ perAddress: OWN_MAX, total: ALL_MAX });
  readonly #last = new Map<string, Promise<unknown>>();

  /**
   * Runs `audit` when those before it, of the same who asks, are over. `address`: the client's; null: without a
   * connection. Errors: ERR_BUSY, those of `audit`.
   */
  async run<T>(holder: Holder, address: string | null, audit: () => Promise<T>): Promise<T> {
    const key = keyOf(holder, address);
    this.#limit.acquire(key);
    const turn = (this.#last.get(key) ?? Promise.resolve()).then(audit);
    const over = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(key, over);
    try {
      return await turn;
    } finally {
      this.#limit.release(key);
      if (this.#last.get(key) === over) this.#last.delete(key);
    }
  }
}

/** Strangers are told apart by where they are. */
function keyOf({ kind, id }: Holder, address: string | null): string {
  return kind === 'anonymous' ? `from ${addressKey(address ?? '')}` : `${kind} ${id}`;
}
