/**
 * Tickets for streams of events: a browser opens such a stream by its URL alone, which it also keeps, so what stands
 * in the URL must not be a token. A ticket says for whom and for which config it is, can be read by us alone, opens
 * nothing but the stream, and is the same for half a day, so that an answer with it stays the same too.
 * @module
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { fromBase64url, toBase64url } from '../auth/base64url.ts';
import type { Holder } from './holder.ts';

/** So long a new ticket is handed out at most; it is good until the end of the next such time. */
const EPOCH_MS = 12 * 60 * 60 * 1000;
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What a ticket says: for whom it is, which is looked up again at every use. */
export interface Ticket {
  readonly holder: Holder;
  readonly config: string;
}

/**
 * @example
 * const tickets = new StreamTickets(await seal.secretFor('stream tickets'), Date.now);
 * const text = tickets.issue({ holder: holderOf(principal), config: 'checkout/production' });
 * tickets.read(text)?.config; // 'checkout/production'
 */
export class StreamTickets {
  readonly #secret: Uint8Array;
  readonly #nonceSecret: Uint8Array;
  readonly #clock: () => number;

  /** `secret`: 32 bytes. `clock`: milliseconds since 1970. */
  constructor(secret: Uint8Array, clock: () => number) {
    this.#secret = secret;
    this.#nonceSecret = createHmac('sha256', secret).update('nonce').digest();
    this.#clock = clock;
  }

  /** Rises when tickets become others. */
  get epoch(): number {
    return Math.floor(this.#clock() / EPOCH_MS);
  }

  issue({ holder: { kind, id, isBrowser }, config }: Ticket): string {
    const text = JSON.stringify([this.epoch, config, kind, id, isBrowser]);
    // The nonce follows from all that is encrypted: the same only for the same.
    const nonce = createHmac('sha256', this.#nonceSecret).update(text).digest().subarray(0, NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#secret, nonce);
    const bytes = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
    return toBase64url(Buffer.concat(bytes));
  }

  /** null for what is none of ours, and for one that is too old. */
  read(ticket: string): Ticket | null {
    const text = this.#opened(ticket);
    if (text === null) return null;
    const [epoch, config, kind, id, isBrowser] = JSON.parse(text) as Written;
    const isGood = epoch === this.epoch || epoch === this.epoch - 1;
    return isGood ? { holder: { kind, id, isBrowser }, config } : null;
  }

  #opened(ticket: string): string | null {
    const bytes = fromBase64url(ticket);
    if (bytes === null || bytes.length < NONCE_BYTES + TAG_BYTES) return null;
    const decipher = createDecipheriv(CIPHER, this.#secret, bytes.subarray(0, NONCE_BYTES));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
    try {
      return Buffer.concat([text, decipher.final()]).toString('utf8');
    } catch {
      // What `final` throws for is a tag that is not ours.
      return null;
    }
  }
}

/** What is encrypted; nobody but us has written it. */
type Written = [epoch: number, config: string, kind: Holder['kind'], id: string, isBrowser: boolean];
