/**
 * Signing in as npm's clients do: a name and a password come in, an API token goes out. Nobody gets a user by it but
 * where registration is open; before the first user that is whoever runs the registry, on loopback. Whoever fails
 * learns no more than on the page for signing in.
 * @module
 */
import { parseUserName } from '../../auth/identity-values.ts';
import { checkPassword } from '../../auth/passwords.ts';
import type { SetupLink } from '../../auth/setup-link.ts';
import type { Users } from '../../auth/users.ts';
import type { Identities } from '../../auth/identities.ts';
import { ConfigError, isConfigError } from '../../errors/errors.ts';
import type { ResourceWrite } from '../../journal/resources.ts';
import type { Shown } from '../code-checks.ts';
import type { IdentityOperations } from '../identity-operations.ts';
import type { SignIns } from '../sign-ins.ts';

export interface AccountsOptions {
  readonly identity: {
    readonly identities: Identities;
    readonly users: Users;
    readonly operations: IdentityOperations;
    readonly signIns: SignIns;
    readonly setupLink: SetupLink;
  };
  /** Whether strangers may make themselves a user. */
  readonly isRegistrationOpen: boolean;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** Where somebody comes from, and what he shows besides. */
export interface From {
  /** What guesses are counted by. */
  readonly address: string;
  /** Of his second factor. */
  readonly shown: Shown;
  /** Whether he runs the registry, while there is no user. */
  readonly isOwner: boolean;
}

export interface Entered {
  readonly user: string;
  /** The text of an API token; seen here and never again. */
  readonly token: string;
  /** Whether the user was made just now. */
  readonly isNew: boolean;
}

const LOGIN_TOKEN = /^npm-\d{4}-\d\d-\d\d-(\d{1,6})$/;

/**
 * @example
 * const { token } = await accounts.signIn({ user: 'ann', password }, { address, shown, isOwner: false });
 */
export class Accounts {
  readonly #options: AccountsOptions;
  readonly #clock: () => number;

  constructor(options: AccountsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? Date.now;
  }

  get isRegistrationOpen(): boolean {
    return this.#options.isRegistrationOpen;
  }

  /** Errors: ERR_UNAUTHENTICATED, ERR_OTP, ERR_RATE_LIMITED, ERR_BUSY, ERR_OUT_OF_RANGE for one token too many. */
  async signIn({ user, password }: Credentials, { address, shown }: From): Promise<Entered> {
    await this.#options.identity.signIns.confirmed(user, password, address, shown);
    return { user, token: await this.tokenFor(user, 'npm login'), isNew: false };
  }

  /**
   * For whoever says that he wants to be a user, or is one. Errors: those of `signIn`; where registration is open
   * ERR_REVISION_CONFLICT for a name that somebody else has, ERR_NAME, ERR_PASSWORD; ERR_FORBIDDEN for a stranger
   * before the first user.
   */
  async register(who: Credentials, from: From): Promise<Entered> {
    const { users } = await this.#options.identity.identities.fresh();
    if (users.size === 0) return await this.#first(who, from.isOwner);
    const isOpen = this.#options.isRegistrationOpen;
    if (isOpen && !users.has(who.user)) return await this.#newcomer(who, from.address);
    try {
      return await this.signIn(who, from);
    } catch (error) {
      if (!isConfigError(error) || error.code !== 'ERR_UNAUTHENTICATED') throw error;
      throw isOpen ? taken(who.user, users.get(who.user)?.revision ?? 0) : closed(error);
    }
  }

  /** A new token of his, as a sign-in makes one; those of his that have expired since go. */
  async tokenFor(user: string, reason: string): Promise<string> {
    const { identities, operations } = this.#options.identity;
    const now = this.#clock();
    const { tokens } = await identities.fresh();
    const own = [...tokens].filter(([, { value }]) => value.user === user && LOGIN_TOKEN.test(value.name));
    for (const [id, { value }] of own) {
      if (value.expiresAt <= now) await endToken(operations, id, { actor: user, reason: 'it has expired' });
    }
    const today = `npm-${new Date(now).toISOString().slice(0, 10)}-`;
    const ofToday = own.filter(([, { value }]) => value.name.startsWith(today));
    const last = Math.max(0, ...ofToday.map(([, { value }]) => Number(LOGIN_TOKEN.exec(value.name)![1])));
    const fields = { user, name: `${today}${last + 1}`, isSignIn: true };
    return (await operations.createToken(fields, { actor: user, reason })).secret;
  }

  /** Of several at once, one becomes the administrator: the others' links have ended. */
  async #first({ user, password }: Credentials, isOwner: boolean): Promise<Entered> {
    const { setupLink } = this.#options.identity;
    if (!isOwner) throw notTheFirst();
    // What can be refused is, before the link that was printed ends.
    checkPassword(password, parseUserName(user));
    await setupLink.redeem(await setupLink.create(), user, password);
    return { user, token: await this.tokenFor(user, 'npm adduser'), isNew: true };
  }

  /** His address is not kept: nobody has shown that it is his, and a provider would let its owner in as him. */
  async #newcomer({ user, password }: Credentials, address: string): Promise<Entered> {
    const { users, signIns } = this.#options.identity;
    signIns.count(address);
    await users.create(user, {}, password, { actor: parseUserName(user), reason: 'registered' });
    return { user, token: await this.tokenFor(user, 'npm adduser'), isNew: true };
  }
}

/** Ends a token that somebody else may have ended just now. */
export async function endToken(operations: IdentityOperations, id: string, write: ResourceWrite): Promise<void> {
  try {
    await operations.deleteToken(id, write);
  } catch (error) {
    if (!isConfigError(error) || error.code !== 'ERR_NOT_FOUND') throw error;
  }
}

function taken(user: string, actual: number): ConfigError {
  return new ConfigError('ERR_REVISION_CONFLICT', {
    message: `There is a user ${user.slice(0, 64)} already, with another password`,
    hint: 'Choose another name, or sign in with the right password.',
    details: { stream: `user:${user.slice(0, 64)}`, expected: 0, actual },
  });
}

/** The same whether there is such a user or not. */
function closed(cause: unknown): ConfigError {
  return new ConfigError('ERR_UNAUTHENTICATED', {
    message: 'The name or the password is wrong, and nobody can register here',
    hint: 'An administrator makes users: c13 users create.',
    details: { why: 'password' },
    cause,
  });
}

function notTheFirst(): ConfigError {
  return new ConfigError('ERR_FORBIDDEN', {
    message: 'There is no user yet, and the first one is made by whoever runs the registry',
    hint: 'Open the setup link that it printed when it started, or make a new one: c13 setup-link.',
    details: { rule: 'first-user' },
  });
}
