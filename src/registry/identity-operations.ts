/**
 * What can be done to users, grants, tokens and keys, in the terms of their users: plain data in and out. The routes
 * and the command line call this and nothing below it, so both mean the same by every word. Who may is asked before.
 * @module
 */
import { found } from '../auth/identity-changes.ts';
import type { HeldGrant, User } from '../auth/identity-values.ts';
import type { Grant } from '../auth/rights.ts';
import { viewOf, type TokenChanges, type TokenFields, type TokenView as TokenFacts } from '../auth/tokens.ts';
import type { UserFields } from '../auth/users.ts';
import { ConfigError } from '../errors/errors.ts';
import type { Resource, ResourceWrite } from '../journal/resources.ts';
import { FactorOperations } from './factor-operations.ts';
import type { OpenedIdentity } from './open-identity.ts';
import { given } from './parse.ts';

interface Changed {
  /** Rises with every change; the ETag. */
  readonly revision: number;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
  readonly modifiedBy: string;
}

export interface UserView extends Omit<User, 'epoch'>, Changed {
  readonly name: string;
  /** Without one, only a provider can sign him in. */
  readonly hasPassword: boolean;
}

export interface GrantView extends HeldGrant, Changed {
  readonly id: string;
  readonly needsApproval: boolean;
}

export interface TokenView extends TokenFacts, Changed {
  /** Milliseconds since 1970, to the minute; null: never. */
  readonly lastUsedAt: number | null;
}

export interface MadeToken extends TokenView {
  /** What to send; never seen again. */
  readonly secret: string;
}

export interface KeyView {
  readonly kid: string;
  readonly isSigning: boolean;
}

export interface PageQuery {
  /** What comes after this name or id: the last of the page before. */
  readonly cursor?: string | undefined;
  /** Default 100. */
  readonly limit?: number | undefined;
}

export interface Listed<T> {
  readonly items: readonly T[];
  /** Of the next page; null when this is the last. */
  readonly cursor: string | null;
}

export interface HeldQuery extends PageQuery {
  /** Only this user's. */
  readonly user?: string | undefined;
}

/** What is left out stays as it is. */
type Said<T> = { readonly [K in keyof T]?: T[K] | undefined };

export interface NewUser extends Said<UserFields> {
  readonly name: string;
  /** Left out or null: only a provider can sign him in. */
  readonly password?: string | null | undefined;
}

const LIMIT_DEFAULT = 100;

export class IdentityOperations {
  readonly #identity: Omit<OpenedIdentity, 'close'>;

  constructor(identity: Omit<OpenedIdentity, 'close'>) {
    this.#identity = identity;
  }

  async users(query: PageQuery = {}): Promise<Listed<UserView>> {
    const { users } = await this.#identity.identities.fresh();
    return pageOf(users, query, (user) => this.#userView(user));
  }

  /** Throws ERR_NOT_FOUND, as all that names one. */
  async user(name: string): Promise<UserView> {
    const { users } = await this.#identity.identities.fresh();
    found('user', name, users);
    return this.#userView(users.get(name)!);
  }

  /** Errors: those of `Users.create`, ERR_FORBIDDEN for the first one. */
  async createUser({ name, password = null, ...fields }: NewUser, write: ResourceWrite): Promise<UserView> {
    const { users } = await this.#identity.identities.fresh();
    if (users.size === 0) throw firstUser();
    return this.#userView(await this.#identity.users.create(name, given(fields), password, write));
  }

  async updateUser(name: string, fields: Said<UserFields>, write: ResourceWrite): Promise<UserView> {
    return this.#userView(await this.#identity.users.update(name, given(fields), write));
  }

  /** With all his grants and tokens. */
  async deleteUser(name: string, write: ResourceWrite): Promise<void> {
    await this.#identity.users.delete(name, write);
  }

  /** Ends all sign-ins of the user; null takes the password away. Errors: ERR_PASSWORD, ERR_BUSY. */
  async setPassword(name: string, password: string | null, write: ResourceWrite): Promise<void> {
    if (password === null) await this.#identity.users.removePassword(name, write);
    else await this.#identity.users.setPassword(name, password, write);
  }

  /** Ends all sign-ins of the user, everywhere; his API tokens stay. */
  async signOut(name: string, write: ResourceWrite): Promise<void> {
    await this.#identity.users.signOutEverywhere(name, write);
  }

  /** For whoever has lost it; ends all his sign-ins. Errors: ERR_NOT_FOUND also where he has none. */
  async resetSecondFactor(name: string, write: ResourceWrite): Promise<void> {
    await new FactorOperations(this.#identity).reset(name, write);
  }

  async grants({ user, ...page }: HeldQuery = {}): Promise<Listed<GrantView>> {
    const { grants } = await this.#identity.identities.fresh();
    return pageOf(grants, page, grantView, ({ value }) => user === undefined || value.user === user);
  }

  async grant(id: string): Promise<GrantView> {
    const { grants } = await this.#identity.identities.fresh();
    found('grant', id, grants);
    return grantView(grants.get(id)!);
  }

  /** Errors: ERR_WRONG_TYPE, ERR_NOT_FOUND for no such user, ERR_FORBIDDEN for what `anonymous` may not hold. */
  async createGrant(grant: HeldGrant, write: ResourceWrite): Promise<GrantView> {
    return grantView(await this.#identity.grants.create(grant, write));
  }

  async updateGrant(id: string, fields: Said<Grant>, write: ResourceWrite): Promise<GrantView> {
    return grantView(await this.#identity.grants.update(id, given(fields), write));
  }

  async deleteGrant(id: string, write: ResourceWrite): Promise<void> {
    await this.#identity.grants.delete(id, write);
  }

  async tokens({ user, ...page }: HeldQuery = {}): Promise<Listed<TokenView>> {
    const { tokens } = await this.#identity.identities.fresh();
    const isWanted = ({ value }: { value: { user: string } }) => user === undefined || value.user === user;
    return pageOf(tokens, page, (token) => this.#tokenView(token), isWanted);
  }

  async token(id: string): Promise<TokenView> {
    const { tokens } = await this.#identity.identities.fresh();
    found('token', id, tokens);
    return this.#tokenView(tokens.get(id)!);
  }

  /** Errors: ERR_WRONG_TYPE, ERR_NOT_FOUND for no such user, ERR_OUT_OF_RANGE for an expiry. */
  async createToken(fields: TokenFields, write: ResourceWrite): Promise<MadeToken> {
    const { token, text } = await this.#identity.tokens.create(fields, write);
    return { ...(await this.token(token.id)), secret: text };
  }

  /** Errors: ERR_WRONG_TYPE. */
  async updateToken(id: string, fields: Said<TokenChanges>, write: ResourceWrite): Promise<TokenView> {
    await this.#identity.tokens.update(id, given(fields), write);
    return await this.token(id);
  }

  async deleteToken(id: string, write: ResourceWrite): Promise<void> {
    await this.#identity.tokens.revoke(id, write);
  }

  /** Those that still verify, the newest first. */
  async keys(): Promise<readonly KeyView[]> {
    const { keys } = await this.#identity.keys.jwks();
    const { kid: signing } = await this.#identity.keys.signingKey();
    return keys.map(({ kid }) => ({ kid, isSigning: kid === signing }));
  }

  /** Makes a new signing key; sign-ins that the old ones signed stay good until they expire. */
  async rotateKeys(): Promise<readonly KeyView[]> {
    await this.#identity.keys.rotate();
    return await this.keys();
  }

  #userView({ key: name, value, ...resource }: Resource<User>): UserView {
    const { epoch: _, ...user } = value;
    return { name, ...user, hasPassword: this.#identity.users.hasPassword(name), ...changed(resource) };
  }

  #tokenView(token: Parameters<typeof viewOf>[0]): TokenView {
    return { ...viewOf(token), lastUsedAt: this.#identity.lastUses.of(token.key), ...changed(token) };
  }
}

function grantView({ key: id, value, ...resource }: Resource<HeldGrant>): GrantView {
  const { needsApproval = false, ...grant } = value;
  return { id, ...grant, needsApproval, ...changed(resource) };
}

function changed({ revision, modifiedAt, modifiedBy }: Changed): Changed {
  return { revision, modifiedAt, modifiedBy };
}

/** By key, ascending. */
function pageOf<T, V>(
  all: ReadonlyMap<string, Resource<T>>,
  { cursor = '', limit = LIMIT_DEFAULT }: PageQuery,
  view: (resource: Resource<T>) => V,
  isWanted: (resource: Resource<T>) => boolean = () => true,
): Listed<V> {
  const rest = [...all.values()]
    .filter((resource) => resource.key > cursor && isWanted(resource))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const page = rest.slice(0, limit);
  return { items: page.map(view), cursor: rest.length > limit ? page.at(-1)!.key : null };
}

/** Nobody could come in any more, if it were no administrator. */
function firstUser(): ConfigError {
  return new ConfigError('ERR_FORBIDDEN', {
    message: 'The first user is an administrator, and is made by the setup link',
    hint: 'Get the link with: c13 setup-link --data <directory>.',
    details: { rule: 'first-user' },
  });
}
