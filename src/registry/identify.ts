/**
 * Who makes a request. While there is no user, whoever runs the registry, by the loopback rule; from the first user on,
 * whoever shows a token (or, in a browser, the cookie of a sign-in), and for whoever shows nothing what everybody may.
 * Decides nothing about what he may do.
 * @module
 */
import type { Authenticator } from '../auth/authenticator.ts';
import type { Identities } from '../auth/identities.ts';
import { tellable, unauthenticated } from '../auth/refusal.ts';
import { isWithin } from '../auth/networks.ts';
import { ANONYMOUS, outsideNetworks, type Principal } from '../auth/rights.ts';
import { ConfigError, isConfigError } from '../errors/errors.ts';
import { authorizationOf, plainAuthorizationOf, type Credentials } from './credentials.ts';
import type { Peer } from './peer.ts';
import type { SessionCookies } from './session-cookie.ts';

export interface IdentifierOptions {
  readonly authenticator: Pick<Authenticator, 'authenticate' | 'authenticateNow'>;
  readonly identities: Pick<Identities, 'fresh' | 'isFresh' | 'hasUsers'>;
  readonly cookies: SessionCookies;
  /** The owner, while there is no user. Throws ERR_FORBIDDEN for everybody else. */
  readonly loopback: (request: Request, peer: Peer | null) => Promise<Principal>;
  /** Whether what was granted to everybody counts for signed-in users alone. */
  readonly isPrivate: () => boolean;
  /** The client's; null without a connection. */
  readonly clientOf: (request: Request, peer: Peer | null) => string | null;
  /** Why somebody was turned away, for the log: he hears less. */
  readonly onRefusal: (why: string) => void;
}

/**
 * @example
 * const known = identifier.identifyNow(credentialsOf(request.headers));
 * const principal = known ?? (await identifier.identify(request, peer));
 */
export class Identifier {
  readonly #options: IdentifierOptions;

  constructor(options: IdentifierOptions) {
    this.#options = options;
  }

  /**
   * Who shows a token that is known already; null: ask `identify`, also for one of some networks alone. Waits for
   * nothing.
   */
  identifyNow(credentials: Credentials): Principal | null {
    const { authenticator, identities } = this.#options;
    const authorization = plainAuthorizationOf(credentials);
    if (authorization === null || !identities.isFresh || !identities.hasUsers) return null;
    const principal = authenticator.authenticateNow(authorization);
    return principal?.cidrs === undefined ? principal : null;
  }

  /** Errors: ERR_UNAUTHENTICATED, ERR_FORBIDDEN, those of the journal. */
  async identify(request: Request, peer: Peer | null): Promise<Principal> {
    const { identities, cookies, loopback, isPrivate, clientOf } = this.#options;
    const state = await identities.fresh();
    if (state.users.size === 0) return await loopback(request, peer);
    const authorization = authorizationOf(request.headers);
    if (authorization !== null) {
      const principal = await this.#authenticated(authorization);
      return principal.cidrs === undefined ? principal : within(principal, clientOf(request, peer));
    }
    const session = cookies.sessionOf(request);
    if (session !== null) return await this.#signedIn(session);
    return isPrivate() ? ANONYMOUS : state.anonymous;
  }

  /** API tokens are for programs: in a cookie, somebody else may have put one there. */
  async #signedIn(session: string): Promise<Principal> {
    const principal = await this.#authenticated(`Bearer ${session}`);
    if (principal.kind === 'user') return principal;
    throw told(unauthenticated('unknown'));
  }

  async #authenticated(authorization: string): Promise<Principal> {
    const { authenticator, onRefusal } = this.#options;
    if (/^basic\b/i.test(authorization)) throw basic();
    try {
      return await authenticator.authenticate(authorization);
    } catch (error) {
      if (!isConfigError(error)) throw error;
      if (error.code === 'ERR_UNAUTHENTICATED') onRefusal(error.details.why);
      throw told(error);
    }
  }
}

/** Throws ERR_FORBIDDEN for a token of other networks. */
function within(principal: Principal, address: string | null): Principal {
  if (isWithin(principal.cidrs ?? [], address)) return principal;
  throw outsideNetworks(principal, address);
}

/** As the caller may hear it; the reason stays with it, as a cause, for the log. */
function told(error: ConfigError): ConfigError {
  const tell = tellable(error);
  if (tell !== error) tell.cause = error;
  return tell;
}

function basic(): ConfigError {
  return new ConfigError('ERR_UNAUTHENTICATED', {
    message: 'A name and a password in every request are not taken',
    hint: "Sign in once (`c13 login`, POST /api/v1/login), then send the header 'Authorization: Bearer ...'.",
    details: { why: 'scheme' },
  });
}
