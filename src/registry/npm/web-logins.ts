/**
 * Sign-ins that began in a terminal and are allowed in a browser. The terminal waits with a secret of its own; the
 * page's address has another one, and gets nobody a token. In memory alone, for ten minutes, and only so many at once.
 * @module
 */
import { ConfigError } from '../../errors/errors.ts';
import { hashOfSecret, randomSecret } from '../../auth/token-text.ts';

const LIFETIME_MS = 10 * 60 * 1000;
const WAITING_MAX = 1000;
const WAITING_OF_ADDRESS_MAX = 10;
const HOSTNAME_MAX = 80;

/** Who asks to be let in, as far as it is known. */
export interface Asking {
  /** The client's; null without a connection. */
  readonly address: string | null;
  /** What requests are counted by. */
  readonly countedBy: string;
  /** What the terminal says its machine is called: anybody can say so. */
  readonly hostname: string | null;
}

export interface WebLogin extends Asking {
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Who has allowed it, and the epoch of his sign-ins then. */
export interface Allowed {
  readonly user: string;
  readonly epoch: number;
}

interface Waiting extends WebLogin {
  readonly doneHash: string;
  allowed: Allowed | null;
}

/** What a terminal is told. */
export interface Begun {
  /** For the page. */
  readonly ticket: string;
  /** For the terminal alone. */
  readonly secret: string;
}

/**
 * @example
 * const { ticket, secret } = logins.begin({ address: '192.0.2.7', countedBy: '192.0.2.7', hostname: null });
 * logins.poll(secret); // 'waiting'
 * logins.allow(ticket, { user: 'ann', epoch: 1 });
 * logins.poll(secret); // { user: 'ann', epoch: 1 }, once
 */
export class WebLogins {
  readonly #clock: () => number;
  /** By the hash of the page's secret, the oldest first. */
  readonly #waiting = new Map<string, Waiting>();
  /** By the hash of the terminal's. */
  readonly #pages = new Map<string, string>();

  constructor(clock: () => number = Date.now) {
    this.#clock = clock;
  }

  /** Throws ERR_RATE_LIMITED when too many wait, of the address or of all. */
  begin(asking: Asking): Begun {
    this.#sweep();
    const ofAddress = [...this.#waiting.values()].filter(({ countedBy }) => countedBy === asking.countedBy);
    if (ofAddress.length >= WAITING_OF_ADDRESS_MAX || this.#waiting.size >= WAITING_MAX) throw this.#tooMany(ofAddress);
    const begun = { ticket: randomSecret(), secret: randomSecret() };
    const doneHash = hashOfSecret(begun.secret);
    const hostname = asking.hostname?.replace(/[^\x20-\x7e]/g, '?').slice(0, HOSTNAME_MAX) || null;
    const expiresAt = this.#clock() + LIFETIME_MS;
    this.#waiting.set(hashOfSecret(begun.ticket), { ...asking, hostname, expiresAt, doneHash, allowed: null });
    this.#pages.set(doneHash, hashOfSecret(begun.ticket));
    return begun;
  }

  /** What the page shows; null when it is over, or was allowed. */
  find(ticket: string): WebLogin | null {
    const found = this.#waiting.get(hashOfSecret(ticket));
    return found === undefined || found.allowed !== null || found.expiresAt <= this.#clock() ? null : found;
  }

  /** False when it is over, or somebody has allowed it. */
  allow(ticket: string, allowed: Allowed): boolean {
    if (this.find(ticket) === null) return false;
    this.#waiting.get(hashOfSecret(ticket))!.allowed = allowed;
    return true;
  }

  /** Who allowed it, once; null when there is none of this secret, or it is over. */
  poll(secret: string): Allowed | 'waiting' | null {
    const page = this.#pages.get(hashOfSecret(secret)) ?? '';
    const found = this.#waiting.get(page);
    if (found === undefined || found.expiresAt <= this.#clock()) return null;
    if (found.allowed === null) return 'waiting';
    this.#drop(page, found);
    return found.allowed;
  }

  #sweep(): void {
    const now = this.#clock();
    for (const [page, waiting] of this.#waiting) if (waiting.expiresAt <= now) this.#drop(page, waiting);
  }

  #drop(page: string, { doneHash }: Waiting): void {
    this.#waiting.delete(page);
    this.#pages.delete(doneHash);
  }

  #tooMany(ofAddress: readonly Waiting[]): ConfigError {
    const [first] = ofAddress.length > 0 ? ofAddress : this.#waiting.values();
    const retryAfter_s = Math.max(1, Math.ceil((first!.expiresAt - this.#clock()) / 1000));
    return new ConfigError('ERR_RATE_LIMITED', {
      message: 'Too many sign-ins wait for somebody to allow them',
      hint: 'Sign in with a name and a password (npm login --auth-type=legacy), or wait some minutes.',
      details: { policy: 'web-login', retryAfter_s },
    });
  }
}
