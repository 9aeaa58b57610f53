/**
 * From a password, a link or a provider's word to a session: a signed token for eight hours. Guessing is slowed down:
 * an address may try so often a minute, and so may all addresses together that a user has never signed in from.
 * Whoever is attacked by name is therefore not locked out where he usually signs in, nor anywhere for longer than the
 * attack lasts; what was signed in before, and tokens, go on.
 * @module
 */
import { ConfigError, isConfigError } from '../errors/errors.ts';
import type { SideStore } from '../journal/side-store.ts';
import { RateLimiter } from '../rate-limiting/rate-limiter.ts';
import type { SignedIn } from '../auth/sign-in.ts';
import { NOTHING_SHOWN, type CodeChecks, type Shown } from './code-checks.ts';
import type { OpenedIdentity } from './open-identity.ts';

const ADDRESS_LIMIT = 30;
const NAME_LIMIT = 10;
const SPACE = 'signed-in-from';
const REMEMBERED_MS = 90 * 24 * 60 * 60 * 1000;

export interface Session {
  readonly user: string;
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export interface SignInsOptions extends Pick<OpenedIdentity, 'identities' | 'signIn' | 'setupLink' | 'jwts'> {
  readonly scratch: SideStore;
  readonly codes: Pick<CodeChecks, 'require'>;
  /** One line for the operator. */
  readonly log: (line: string) => void;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}

export class SignIns {
  readonly #options: SignInsOptions;
  readonly #clock: () => number;
  readonly #byAddress: RateLimiter;
  readonly #byName: RateLimiter;

  constructor(options: SignInsOptions) {
    const { clock = Date.now } = options;
    this.#options = options;
    this.#clock = clock;
    this.#byAddress = new RateLimiter({ policy: 'sign-in-address', limit: ADDRESS_LIMIT, clock });
    this.#byName = new RateLimiter({ policy: 'sign-in-name', limit: NAME_LIMIT, clock });
  }

  /**
   * `address`: what requests are counted by. Errors: ERR_UNAUTHENTICATED, ERR_OTP where the user has a second factor,
   * ERR_RATE_LIMITED, ERR_BUSY.
   */
  async withPassword(user: string, password: string, address: string, code: string | null = null): Promise<Session> {
    return await this.#session(await this.confirmed(user, password, address, { code, by: null }));
  }

  /**
   * That it is the user: that somebody knows his password, and has his second factor if there is one; slowed down as a
   * sign-in is. Errors: those of `withPassword`.
   */
  async confirmed(user: string, password: string, address: string, shown: Shown = NOTHING_SHOWN): Promise<SignedIn> {
    this.#slowDown(user, address);
    try {
      const signedIn = await this.#options.signIn.withPassword(user, password);
      await this.#options.codes.require(user, shown);
      this.#options.scratch.set(SPACE, `${user} ${address}`, '', this.#clock() + REMEMBERED_MS);
      return signedIn;
    } catch (error) {
      this.#log(user, address, error);
      throw error;
    }
  }

  /** Counts somebody who wants to register as one who tries to sign in. Throws ERR_RATE_LIMITED. */
  count(address: string): void {
    refuse(this.#byAddress, address);
  }

  /** The first administrator. Errors: those of `SetupLink.redeem`, ERR_RATE_LIMITED. */
  async withSetupLink(secret: string, user: string, password: string, address: string): Promise<Session> {
    refuse(this.#byAddress, address);
    await this.#options.setupLink.redeem(secret, user, password);
    return await this.vouchedFor(user);
  }

  /** A user whom a provider vouches for. Errors: ERR_UNAUTHENTICATED. */
  async vouchedFor(user: string): Promise<Session> {
    return await this.#session(await this.#options.signIn.vouchedFor(user));
  }

  async #session({ user, epoch }: SignedIn): Promise<Session> {
    const { token, expiresAt_ms: expiresAt } = await this.#options.jwts.issue(user, epoch);
    return { user, token, expiresAt };
  }

  #slowDown(user: string, address: string): void {
    refuse(this.#byAddress, address);
    const isKnown = this.#options.scratch.get(SPACE, `${user} ${address}`) !== null;
    if (!isKnown) refuse(this.#byName, user.slice(0, 64));
  }

  /** What is no user's name may be a password that was typed into the wrong field. */
  #log(user: string, address: string, error: unknown): void {
    // So does every sign-in begin that goes on to the second factor.
    if (isConfigError(error) && error.code === 'ERR_OTP' && error.details.why === 'missing') return;
    const name = this.#options.identities.state.users.has(user) ? user : 'nobody that is known';
    const why = error instanceof ConfigError ? error.code : 'a fault';
    this.#options.log(`sign-in of ${name} from ${address} failed: ${why}`);
  }
}

/** Throws ERR_RATE_LIMITED. */
function refuse(limiter: RateLimiter, key: string): void {
  const { allowed, retryAfter_s } = limiter.check(key);
  if (allowed) return;
  throw new ConfigError('ERR_RATE_LIMITED', {
    message: 'Too many sign-ins were tried',
    hint: `Try again in ${retryAfter_s} s.`,
    details: { policy: limiter.policy, retryAfter_s },
  });
}
