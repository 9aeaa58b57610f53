/**
 * API tokens: for programs, made by a user, limited as he likes, shown once. The journal has the hash of the secret;
 * the secret itself is kept nowhere. A token can never do more than its user, and goes with him.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import type { Resource, ResourceWrite } from '../journal/resources.ts';
import type { SideStore } from '../journal/side-store.ts';
import type { Identities } from './identities.ts';
import { found, type IdentityChanges } from './identity-changes.ts';
import { parseToken, type Token } from './identity-values.ts';
import { KEYRING } from './keyring.ts';
import { requireHarmless, requireMeaning } from './meaning.ts';
import type { Grant } from './rights.ts';
import { hashOfSecret, randomId, randomSecret, tokenText } from './token-text.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
export const TOKEN_LIFETIME_MS = 90 * DAY_MS;
export const TOKEN_LIFETIME_MAX_MS = 3653 * DAY_MS;

export interface TokenFields {
  readonly user: string;
  /** Which one it is, for people and in the journal (`ann/ci`). */
  readonly name: string;
  /** Left out or null: all that the user may do. */
  readonly scope?: readonly Grant[] | null | undefined;
  readonly readOnly?: boolean | undefined;
  /** For web pages and apps: anybody may find it there. It only reads, and names in its scope which configs. */
  readonly isBrowser?: boolean | undefined;
  /** Whether a client got it by signing a person in, who may have to show codes with it. */
  readonly isSignIn?: boolean | undefined;
  /** The networks that it is taken from; left out or null: any. It stays so. */
  readonly cidrs?: readonly string[] | null | undefined;
  /** Milliseconds since 1970; left out: in 90 days. At most ten years from now. */
  readonly expiresAt?: number | undefined;
}

export type TokenChanges = Partial<Pick<Token, 'name' | 'scope' | 'readOnly'>>;

/** What may be told of a token. */
export type TokenView = Omit<Token, 'hash' | 'isSignIn'> & {
  readonly id: string;
  readonly isBrowser: boolean;
  readonly cidrs: readonly string[] | null;
};

export interface MadeToken {
  readonly token: TokenView;
  /** The only time that it is seen. */
  readonly text: string;
  readonly revision: number;
}

export interface TokensOptions {
  readonly identities: Identities;
  readonly changes: IdentityChanges;
  readonly keyring: SideStore;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/**
 * Errors of all: those of `IdentityChanges.make`.
 * @example
 * const { text } = await tokens.create({ user: 'ann', name: 'ci', readOnly: true }, { actor: 'ann' });
 */
export class Tokens {
  readonly #identities: Identities;
  readonly #changes: IdentityChanges;
  readonly #keyring: SideStore;
  readonly #clock: () => number;

  constructor({ identities, changes, keyring, clock }: TokensOptions) {
    this.#identities = identities;
    this.#changes = changes;
    this.#keyring = keyring;
    this.#clock = clock;
  }

  /** Errors: ERR_WRONG_TYPE, ERR_NOT_FOUND for no such user, ERR_OUT_OF_RANGE for an expiry. */
  async create(fields: TokenFields, write: ResourceWrite): Promise<MadeToken> {
    const createdAt = this.#clock();
    const { user, name, scope = null, isBrowser = false, readOnly = isBrowser, cidrs = null } = fields;
    const { isSignIn = false, expiresAt = createdAt + TOKEN_LIFETIME_MS } = fields;
    const parts = { id: randomId(), secret: randomSecret() };
    const hash = hashOfSecret(parts.secret);
    const value = newToken({ user, name, hash, scope, readOnly, isBrowser, isSignIn, cidrs, expiresAt, createdAt });
    if (value.expiresAt <= createdAt || value.expiresAt > createdAt + TOKEN_LIFETIME_MAX_MS) {
      throw badExpiry(value.expiresAt, createdAt);
    }
    const plan = () => [{ kind: 'token', key: parts.id, value } as const];
    const { revision } = await this.#changes.make({ ...write, expected: 0 }, plan);
    return { token: tokenView(parts.id, value), text: tokenText(parts), revision };
  }

  /**
   * What it is called and what it may do; its secret, user, expiry, networks and whether pages hold it stay. Errors:
   * ERR_NOT_FOUND, ERR_WRONG_TYPE.
   */
  async update(id: string, fields: TokenChanges, write: ResourceWrite): Promise<TokenView> {
    let value: Token | null = null;
    await this.#changes.make(write, ({ tokens }) => {
      const {
        user,
        hash,
        isBrowser = false,
        cidrs = null,
        expiresAt,
        createdAt,
        ...current
      } = found('token', id, tokens);
      value = newToken({ ...current, ...fields, user, hash, isBrowser, cidrs, expiresAt, createdAt });
      return [{ kind: 'token', key: id, value }];
    });
    return tokenView(id, value!);
  }

  /** Ends the token, on this host from the next request on, and also if the database is put back from a backup. */
  async revoke(id: string, write: ResourceWrite): Promise<void> {
    let revoked: Token | null = null;
    await this.#changes.make(write, (state) => {
      revoked = found('token', id, state.tokens);
      return [{ kind: 'token', key: id, value: null }];
    });
    noteRevoked(this.#keyring, id, revoked!);
  }

  /** Of one user, by id. */
  async ofUser(user: string): Promise<TokenView[]> {
    const { tokens } = await this.#identities.fresh();
    return [...tokens.values()].filter(({ value }) => value.user === user).map(viewOf);
  }
}

/** Keeps it from coming back to life with an older database. */
export function noteRevoked(keyring: SideStore, id: string, { expiresAt }: Token): void {
  keyring.set(KEYRING.revoked, id, '', expiresAt);
}

/** Without what proves that somebody has it. */
export function viewOf({ key, value }: Resource<Token>): TokenView {
  return tokenView(key, value);
}

function tokenView(
  id: string,
  { user, name, scope, readOnly, isBrowser = false, cidrs = null, expiresAt, createdAt }: Token,
): TokenView {
  return { id, user, name, scope, readOnly, isBrowser, cidrs, expiresAt, createdAt };
}

/** Throws ERR_WRONG_TYPE, also for what could allow nothing, or in a page too much. */
function newToken(input: Token): Token {
  const token = parseToken(input);
  token.scope?.forEach(requireMeaning);
  requireHarmless(token);
  return token;
}

function badExpiry(value: number, now: number): ConfigError {
  return new ConfigError('ERR_OUT_OF_RANGE', {
    message: 'A token expires after now, and within ten years',
    hint: 'Give a later or an earlier time, in milliseconds since 1970, or none for 90 days.',
    details: { field: 'expiresAt', value, min: now + 1, max: now + TOKEN_LIFETIME_MAX_MS },
  });
}
