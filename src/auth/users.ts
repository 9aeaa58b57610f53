/**
 * Users: made, changed, deleted, and their passwords, whose hashes are in the keyring and nowhere else.
 *
 * A user's epoch is carried by each of his sign-ins, and rises when all of them must end. It is never one that the name
 * has had before, also when the user is deleted and made again, or the database is put back from a backup: the keyring
 * keeps the highest. API tokens do not carry it; they are revoked, or rest while their user is disabled. The keyring
 * keeps who that is too: whom a backup brings back is disabled until somebody lets him in again.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import type { Journal } from '../journal/journal.ts';
import type { Resource, ResourceWrite } from '../journal/resources.ts';
import type { SideStore } from '../journal/side-store.ts';
import type { Identities, IdentityState } from './identities.ts';
import { found, type IdentityChanges, type Plan, type Step } from './identity-changes.ts';
import { parseUser, parseUserName, type User } from './identity-values.ts';
import { KEYRING } from './keyring.ts';
import { checkPassword, type Passwords } from './passwords.ts';
import { forgetSecondFactor } from './second-factor.ts';
import { noteRevoked } from './tokens.ts';

/** What somebody may say of a user. */
export type UserFields = Partial<Pick<User, 'email' | 'displayName' | 'isDisabled' | 'oidcSubject'>>;

export interface UsersOptions {
  readonly journal: Journal;
  readonly identities: Identities;
  readonly changes: IdentityChanges;
  readonly keyring: SideStore;
  readonly passwords: Passwords;
}

/**
 * Errors of all: those of `IdentityChanges.make`, ERR_STORE, and ERR_NOT_FOUND for a user who is not there.
 * @example
 * await users.create('ann', { email: 'ann@example.com' }, 'four random words here', { actor: 'root@loopback' });
 */
export class Users {
  readonly #journal: Journal;
  readonly #identities: Identities;
  readonly #changes: IdentityChanges;
  readonly #keyring: SideStore;
  readonly #passwords: Passwords;

  constructor({ journal, identities, changes, keyring, passwords }: UsersOptions) {
    this.#journal = journal;
    this.#identities = identities;
    this.#changes = changes;
    this.#keyring = keyring;
    this.#passwords = passwords;
  }

  /**
   * Makes a user; without a password only a provider can sign him in. Errors: ERR_NAME, ERR_WRONG_TYPE, ERR_PASSWORD,
   * ERR_BUSY, ERR_REVISION_CONFLICT when there is one.
   */
  async create(name: string, fields: UserFields, password: string | null, write: ResourceWrite) {
    parseUserName(name);
    const hash = password === null ? null : await this.#passwords.hash(checkPassword(password, name));
    const made = await this.#put(name, { ...write, expected: 0 }, async () => await this.newcomer(name, fields));
    // Only now it is certain whose password it is; what an earlier user has left behind goes here too.
    this.#setHash(name, hash);
    forgetSecondFactor(this.#keyring, name);
    return made;
  }

  /** Changes what is given. Disabling ends all sign-ins. Errors: ERR_WRONG_TYPE. */
  async update(name: string, fields: UserFields, write: ResourceWrite): Promise<Resource<User>> {
    return await this.#put(name, write, async (state) => {
      const current = found('user', name, state.users);
      const next = parseUser({ ...current, ...defined(fields) });
      return next.isDisabled && !current.isDisabled ? { ...next, epoch: await this.#nextEpoch(name) } : next;
    });
  }

  /** Sets another password, which ends all sign-ins. Errors: ERR_PASSWORD, ERR_BUSY. */
  async setPassword(name: string, password: string, write: ResourceWrite): Promise<Resource<User>> {
    found('user', name, (await this.#identities.fresh()).users);
    const hash = await this.#passwords.hash(checkPassword(password, name));
    const before = this.#keyring.get(KEYRING.password, name);
    // Before the epoch, so that nobody signs in to the new one with the old password.
    this.#setHash(name, hash);
    try {
      return await this.signOutEverywhere(name, write);
    } catch (error) {
      if (this.#keyring.delete(KEYRING.password, name, hash) && before !== null) this.#setHash(name, before);
      throw error;
    }
  }

  /** Takes the password away, which ends all sign-ins: from now on only a provider can sign him in. */
  async removePassword(name: string, write: ResourceWrite): Promise<Resource<User>> {
    found('user', name, (await this.#identities.fresh()).users);
    this.#setHash(name, null);
    return await this.signOutEverywhere(name, write);
  }

  hasPassword(name: string): boolean {
    return this.#keyring.get(KEYRING.password, name) !== null;
  }

  /** Ends all sign-ins of the user, everywhere. */
  async signOutEverywhere(name: string, write: ResourceWrite): Promise<Resource<User>> {
    return await this.#put(name, write, async (state) => {
      return { ...found('user', name, state.users), epoch: await this.#nextEpoch(name) };
    });
  }

  /** Deletes the user with all his grants and tokens, and erases his password. */
  async delete(name: string, write: ResourceWrite): Promise<void> {
    const hash = this.#keyring.get(KEYRING.password, name);
    let gone: IdentityState | null = null;
    await this.#changes.make(write, (state) => {
      found('user', name, state.users);
      gone = state;
      return stepsOfDeletion(state, name);
    });
    const { users, tokens } = gone!;
    this.#keyring.together(() => {
      this.keepEpoch(name, users.get(name)!.value.epoch + 1);
      this.#keyring.set(KEYRING.disabled, name, '');
      for (const [id, { value }] of tokens) if (value.user === name) noteRevoked(this.#keyring, id, value);
      forgetSecondFactor(this.#keyring, name);
      // Not one of somebody who has got the name since.
      if (hash !== null) this.#keyring.delete(KEYRING.password, name, hash);
    });
  }

  /** A user as he begins, at an epoch that the name has never had. For an append with more in it than the user. */
  async newcomer(name: string, fields: UserFields): Promise<User> {
    const nobody = { email: null, displayName: null, isDisabled: false, oidcSubject: null };
    return parseUser({ ...nobody, ...defined(fields), epoch: await this.#nextEpoch(name) });
  }

  async #put(name: string, write: ResourceWrite, next: (state: IdentityState) => Promise<User>) {
    let value: User | null = null;
    const plan: Plan = async (state) => {
      if (write.expected === 0 && state.users.has(name)) throw exists(name, state.users.get(name)!.revision);
      value = await next(state);
      if (!value.isDisabled) this.letIn(name);
      return [{ kind: 'user', key: name, value }];
    };
    const wasOut = this.#keyring.get(KEYRING.disabled, name) !== null;
    const entry = await this.#changes.make(write, plan).catch((error: unknown) => {
      if (wasOut) this.#keyring.set(KEYRING.disabled, name, '');
      throw error;
    });
    this.keepEpoch(name, value!.epoch);
    if (value!.isDisabled) this.#keyring.set(KEYRING.disabled, name, '');
    return this.#identities.users.made(entry, value!);
  }

  /** Forgets that the name was kept out. Before the entry that says so: with it, every process reads this again. */
  letIn(name: string): void {
    this.#keyring.delete(KEYRING.disabled, name);
  }

  /** Remembers, outside the journal, that the name has been at this epoch. For who appends a `newcomer`. */
  keepEpoch(name: string, epoch: number): void {
    if (epoch > this.#keptEpoch(name)) this.#keyring.set(KEYRING.epoch, name, String(epoch));
  }

  /** The stream's next revision, or more: both only rise. */
  async #nextEpoch(name: string): Promise<number> {
    return Math.max(await this.#journal.streamHead(`user:${name}`), this.#keptEpoch(name)) + 1;
  }

  #keptEpoch(name: string): number {
    return Number(this.#keyring.get(KEYRING.epoch, name) ?? 0);
  }

  #setHash(name: string, hash: string | null): void {
    if (hash === null) this.#keyring.delete(KEYRING.password, name);
    else this.#keyring.set(KEYRING.password, name, hash);
  }
}

/** The user first: `expected` speaks of him. */
function stepsOfDeletion({ grants, tokens }: IdentityState, name: string): Step[] {
  const held = (['grant', 'token'] as const).flatMap((kind) =>
    [...(kind === 'grant' ? grants : tokens).values()]
      .filter(({ value }) => value.user === name)
      .map(({ key }): Step => ({ kind, key, value: null })),
  );
  return [{ kind: 'user', key: name, value: null }, ...held];
}

/** What is left out stays as it is. */
function defined(fields: UserFields): UserFields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function exists(name: string, actual: number): ConfigError {
  return new ConfigError('ERR_REVISION_CONFLICT', {
    message: `There is a user ${name} already`,
    hint: 'Choose another name, or change that user.',
    details: { stream: `user:${name}`, expected: 0, actual },
  });
}
