/**
 * Who sends a request: from the value of its Authorization header to a principal. At once where the token was verified
 * before and nothing has changed; else by verifying it, against identities that are fresh.
 *
 * Nothing that was refused is remembered, and nothing is decided on a state older than the request.
 * @module
 */
import { timingSafeEqual } from 'node:crypto';
import { ConfigError } from '../errors/errors.ts';
import type { SideStore } from '../journal/side-store.ts';
import { principalOf, principalOfToken, tokenFault, type Identities, type IdentityState } from './identities.ts';
import type { VerifiedJwt } from './jwt.ts';
import { KEYRING } from './keyring.ts';
import { USE_INTERVAL_MS, type LastUses } from './last-uses.ts';
import { unauthenticated } from './refusal.ts';
import type { Principal } from './rights.ts';
import { findTrustedToken } from './trusted-tokens.ts';
import { hashOfSecret, parseTokenText, type TokenText } from './token-text.ts';
import { VerifiedTokens, type Verified } from './verified-tokens.ts';

export interface AuthenticatorOptions {
  readonly identities: Identities;
  /** Durable. */
  readonly keyring: SideStore;
  readonly lastUses: LastUses;
  /** Throws ERR_UNAUTHENTICATED for all that is not genuine and in its time. */
  readonly verifyJwt: (token: string) => Promise<VerifiedJwt>;
  /** Whether a package still trusts a publisher of its own. */
  readonly isTrusted: (name: string, publisherId: string) => Promise<boolean>;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** 32 bits; for tests. Default: random. */
  readonly seed?: number;
}

const HEADER_LENGTH_MAX = 8192;
const BEARER = /^bearer +(\S+)$/i;

type Claim = { readonly jwt: VerifiedJwt } | { readonly token: TokenText };

/**
 * @example
 * const header = request.headers.get('authorization');
 * if (header === null) return authenticator.anonymousNow() ?? (await authenticator.anonymous());
 * return authenticator.authenticateNow(header) ?? (await authenticator.authenticate(header));
 */
export class Authenticator {
  readonly #identities: Identities;
  readonly #keyring: SideStore;
  readonly #lastUses: LastUses;
  readonly #verifyJwt: AuthenticatorOptions['verifyJwt'];
  readonly #isTrusted: AuthenticatorOptions['isTrusted'];
  readonly #clock: () => number;
  readonly #verified: VerifiedTokens;

  constructor({ identities, keyring, lastUses, verifyJwt, isTrusted, clock, seed }: AuthenticatorOptions) {
    this.#identities = identities;
    this.#keyring = keyring;
    this.#lastUses = lastUses;
    this.#verifyJwt = verifyJwt;
    this.#isTrusted = isTrusted;
    this.#clock = clock;
    const random = seed ?? crypto.getRandomValues(new Uint32Array(1))[0]!;
    this.#verified = new VerifiedTokens({ clock, seed: random });
  }

  /** Who sends the header, if that can be told without waiting; null says nothing: ask `authenticate`. */
  authenticateNow(header: string): Principal | null {
    if (!this.#identities.isFresh) return null;
    const verified = this.#verified.find(header, this.#identities.version);
    if (verified === null) return null;
    if (verified.usedAt - verified.notedAt >= USE_INTERVAL_MS) this.#noteUse(verified);
    return verified.principal;
  }

  /**
   * Errors: ERR_UNAUTHENTICATED, whose `details.why` is for the log only (see `tellable`); those of the journal and the
   * keyring, with which nobody is let in.
   */
  async authenticate(header: string): Promise<Principal> {
    // Where only something else has changed, it is still known.
    await this.#identities.fresh();
    const known = this.authenticateNow(header);
    if (known !== null) return known;
    const claim = await this.#claimOf(header);
    const workflow = 'token' in claim ? await this.#workflowOf(claim.token) : null;
    // Never remembered: what it depends on is no part of the identities.
    if (workflow !== null) return workflow;
    const state = await this.#identities.fresh();
    // Invariant: nothing is awaited from here on, so the state is still the one to decide on.
    const verified = 'jwt' in claim ? this.#ofJwt(state, claim.jwt) : this.#ofToken(state, claim.token);
    this.#verified.keep(header, verified);
    this.#noteUse(verified);
    return verified.principal;
  }

  /** Who says nothing of himself, if that can be told without waiting. */
  anonymousNow(): Principal | null {
    return this.#identities.isFresh ? this.#identities.state.anonymous : null;
  }

  /** Who says nothing of himself: what everybody may do. */
  async anonymous(): Promise<Principal> {
    return (await this.#identities.fresh()).anonymous;
  }

  /**
   * Ends the one sign-in that the header carries, also over a restart, or the token of a workflow. Errors: those of
   * `authenticate`, and ERR_BAD_REQUEST for an API token, which is revoked instead.
   */
  async signOut(header: string): Promise<void> {
    await this.authenticate(header);
    const claim = await this.#claimOf(header);
    if ('token' in claim) {
      if (this.#keyring.delete(KEYRING.trusted, claim.token.id)) return;
      throw notASignIn();
    }
    const { id, expiresAt_ms } = claim.jwt;
    this.#keyring.set(KEYRING.ended, id, '', expiresAt_ms);
    this.#verified.drop(id);
  }

  async #claimOf(header: string): Promise<Claim> {
    const [, text] = (header.length <= HEADER_LENGTH_MAX && BEARER.exec(header)) || [];
    if (text === undefined) throw unauthenticated('malformed');
    if (!text.startsWith('c13_')) return { jwt: await this.#verifyJwt(text) };
    const token = parseTokenText(text);
    if (token === null) throw unauthenticated('malformed');
    return { token };
  }

  #ofJwt(state: IdentityState, { user: name, id, epoch, expiresAt_ms: expiresAt }: VerifiedJwt): Verified {
    const user = state.users.get(name)?.value;
    if (user === undefined) throw unauthenticated('unknown');
    if (user.isDisabled) throw unauthenticated('disabled');
    if (user.epoch !== epoch || this.#keyring.get(KEYRING.ended, id) !== null) throw unauthenticated('revoked');
    if (expiresAt <= this.#clock()) throw unauthenticated('expired');
    return this.#letIn(principalOf(state, name)!, id, 'jwt', expiresAt);
  }

  #ofToken(state: IdentityState, { id, secret }: TokenText): Verified {
    const found = state.tokens.get(id);
    if (found === undefined)
      throw unauthenticated(this.#keyring.get(KEYRING.revoked, id) === null ? 'unknown' : 'revoked');
    const { value: token } = found;
    const isIts = timingSafeEqual(Buffer.from(hashOfSecret(secret), 'hex'), Buffer.from(token.hash, 'hex'));
    if (!isIts) throw unauthenticated('tampered');
    const fault = tokenFault(state, found, this.#clock());
    if (fault !== null) throw unauthenticated(fault);
    const principal = principalOfToken(state, found);
    if (principal === null) throw unauthenticated(state.users.has(token.user) ? 'disabled' : 'unknown');
    return this.#letIn(principal, id, 'token', token.expiresAt);
  }

  /** Of a token that no user has made, while the package trusts whom it was made for; null: it is none of those. */
  async #workflowOf(token: TokenText): Promise<Principal | null> {
    const found = findTrustedToken(this.#keyring, token);
    if (found === null) return null;
    if (await this.#isTrusted(found.package, found.trusted.id)) return found.principal;
    throw unauthenticated('revoked');
  }

  #letIn(principal: Principal, id: string, kind: Verified['kind'], expiresAt: number): Verified {
    const now = this.#clock();
    return { principal, id, kind, expiresAt, version: this.#identities.version, usedAt: now, notedAt: now };
  }

  /** Sign-ins have no last use: they are short, and nobody lists them. */
  #noteUse(verified: Verified): void {
    verified.notedAt = verified.usedAt;
    if (verified.kind === 'token') this.#lastUses.note(verified.id, verified.usedAt, verified.expiresAt);
  }
}

function notASignIn(): ConfigError {
  return new ConfigError('ERR_BAD_REQUEST', {
    message: 'This is an API token: it was never signed in',
    hint: 'Revoke the token instead.',
    details: { parameter: 'authorization' },
  });
}
