/**
 * Where codes of the second factor are asked for, and how often somebody may guess: ten wrong ones in ten minutes,
 * then the user waits, whoever it was. One check of a user at a time, so that nobody guesses faster side by side.
 * @module
 */
import type { FactorMode, SecondFactor } from '../auth/second-factor.ts';
import { hashOfSecret } from '../auth/token-text.ts';
import type { Principal } from '../auth/rights.ts';
import { ConfigError } from '../errors/errors.ts';
import { RateLimiter } from '../rate-limiting/rate-limiter.ts';
import type { RegistryContext } from './context.ts';
import { credentialOf } from './routes/session-routes.ts';
import type { SessionCookies } from './session-cookie.ts';

/** What npm's clients send a code in. */
const HEADER = 'npm-otp';
const WRONG_MAX = 10;
const WINDOW_s = 600;

export interface CodeChecksOptions {
  readonly factor: SecondFactor;
  readonly cookies: SessionCookies;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}

/** What somebody shows besides who he is. */
export interface Shown {
  /** null: none. */
  readonly code: string | null;
  /** The credential that shows it, as an id; null: there is none yet. */
  readonly by: string | null;
}

export const NOTHING_SHOWN: Shown = { code: null, by: null };

export class CodeChecks {
  readonly #factor: SecondFactor;
  readonly #cookies: SessionCookies;
  readonly #clock: () => number;
  readonly #wrong: RateLimiter;
  /** Until when a user waits, in milliseconds since 1970. */
  readonly #waiting = new Map<string, number>();
  readonly #turns = new Map<string, Promise<void>>();

  constructor({ factor, cookies, clock = Date.now }: CodeChecksOptions) {
    this.#factor = factor;
    this.#cookies = cookies;
    this.#clock = clock;
    this.#wrong = new RateLimiter({ policy: 'wrong-codes', limit: WRONG_MAX, window_s: WINDOW_s, clock });
  }

  /** The code of a request, and whose it is by what it shows otherwise. */
  shown(c: RegistryContext): Shown {
    const credential = credentialOf(c, this.#cookies);
    const code = c.req.header(HEADER) ?? null;
    return { code: code === '' ? null : code, by: credential === null ? null : hashOfSecret(credential) };
  }

  /** That a code of the user is shown, if he has a second factor. Errors: ERR_OTP, ERR_RATE_LIMITED. */
  async require(user: string, shown: Shown): Promise<void> {
    const has = await this.#factor.of(user);
    if (has !== null && !has.isPending) await this.#check(user, shown);
  }

  /**
   * The same of a request that changes something, of a user who wants to be asked then; `always`: of every user who has
   * a second factor. Tokens that were made for programs are not asked: nobody is there to read a code. Errors: ERR_OTP,
   * ERR_RATE_LIMITED.
   */
  async requireForWrite(c: RegistryContext, asked: true | 'always' = true, shown = this.shown(c)): Promise<void> {
    const principal = c.get('principal');
    const { user } = principal;
    if (user === null || !isPerson(principal)) return;
    const has = await this.#factor.of(user);
    const mode: FactorMode | null = has === null || has.isPending ? null : has.mode;
    if (mode === 'auth-and-writes' || (mode !== null && asked === 'always')) await this.#check(user, shown);
  }

  /**
   * What `attempt` finds for a code of the user; null: it was a wrong one, and is counted with all others. Errors:
   * ERR_RATE_LIMITED.
   */
  async guessed<T>(user: string, attempt: () => Promise<T | null>): Promise<T | null> {
    const turn = (this.#turns.get(user) ?? Promise.resolve()).then(() => this.#guessedNow(user, attempt));
    const done = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#turns.set(user, done);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(user) === done) this.#turns.delete(user);
    }
  }

  async #check(user: string, { code, by }: Shown): Promise<void> {
    if (code === null) throw missing();
    const isIts = await this.guessed(user, async () => (await this.#factor.accepts(user, code, by)) || null);
    if (isIts === null) throw wrong();
  }

  async #guessedNow<T>(user: string, attempt: () => Promise<T | null>): Promise<T | null> {
    const now = this.#clock();
    const until = this.#waiting.get(user) ?? 0;
    if (until > now) throw tooMany(this.#wrong.policy, Math.ceil((until - now) / 1000));
    this.#waiting.delete(user);
    const found = await attempt();
    if (found !== null) return found;
    const { remaining, reset_s } = this.#wrong.check(user);
    if (remaining === 0) this.#waiting.set(user, now + reset_s * 1000);
    return null;
  }
}

/** Whether somebody sits there, as far as can be told: signed in here, or by a client that signed him in. */
export function isPerson({ kind, isSignIn = false }: Principal): boolean {
  return kind === 'user' || isSignIn;
}

/** In the words that clients look for. */
function missing(): ConfigError {
  return new ConfigError('ERR_OTP', {
    message: 'You must provide a one-time pass',
    hint: 'Upgrade your client to npm@latest in order to use 2FA.',
    details: { why: 'missing' },
  });
}

function wrong(): ConfigError {
  return new ConfigError('ERR_OTP', {
    message: 'This one-time pass does not count: it is not one of now, or was used before',
    hint: 'Wait for the next code of your app, or use a recovery code.',
    details: { why: 'wrong' },
  });
}

function tooMany(policy: string, retryAfter_s: number): ConfigError {
  return new ConfigError('ERR_RATE_LIMITED', {
    message: 'Too many wrong one-time passes were tried',
    hint: `Try again in ${retryAfter_s} s.`,
    details: { policy, retryAfter_s },
  });
}
