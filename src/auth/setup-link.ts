/**
 * How the first administrator comes in: a secret that whoever runs the registry reads on its terminal, good for one
 * day, one use, and only while there is no user. The keyring has its hash.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import type { ResourceWrite } from '../journal/resources.ts';
import type { SideStore } from '../journal/side-store.ts';
import type { Identities } from './identities.ts';
import type { IdentityChanges } from './identity-changes.ts';
import { parseUserName } from './identity-values.ts';
import { KEYRING } from './keyring.ts';
import { checkPassword, type Passwords } from './passwords.ts';
import { unauthenticated } from './refusal.ts';
import { forgetSecondFactor } from './second-factor.ts';
import { hashOfSecret, randomId, randomSecret } from './token-text.ts';
import type { Users } from './users.ts';

export const SETUP_LIFETIME_MS = 24 * 60 * 60 * 1000;
const KEY = 'administrator';

export interface SetupLinkOptions {
  readonly identities: Identities;
  readonly changes: IdentityChanges;
  readonly users: Users;
  readonly keyring: SideStore;
  readonly passwords: Passwords;
  readonly clock: () => number;
}

export class SetupLink {
  readonly #options: SetupLinkOptions;

  constructor(options: SetupLinkOptions) {
    this.#options = options;
  }

  /** A new secret; one made before ends. Throws ERR_FORBIDDEN when there is a user. */
  async create(): Promise<string> {
    const { identities, keyring, clock } = this.#options;
    if ((await identities.fresh()).users.size > 0) throw notNeeded();
    const secret = randomSecret();
    keyring.set(KEYRING.setup, KEY, hashOfSecret(secret), clock() + SETUP_LIFETIME_MS);
    return secret;
  }

  /**
   * Makes the user and gives him the role admin over everything, in one append. Of several at once, one succeeds.
   * Errors: ERR_UNAUTHENTICATED for a secret that is not (or no longer) good, ERR_FORBIDDEN when there is a user;
   * ERR_NAME, ERR_PASSWORD, ERR_BUSY and those of the journal leave the link as good as it was.
   */
  async redeem(secret: string, name: string, password: string): Promise<void> {
    const { keyring, passwords } = this.#options;
    // Cheap things first: a stranger must not make us hash.
    const link = keyring.entries(KEYRING.setup).find(({ key }) => key === KEY);
    const hash = hashOfSecret(secret);
    if (link === undefined || keyring.get(KEYRING.setup, KEY) !== hash) throw unauthenticated('link');
    parseUserName(name);
    const passwordHash = await passwords.hash(checkPassword(password, name));
    // Of several, also in several processes, one deletes it.
    if (!keyring.delete(KEYRING.setup, KEY, hash)) throw unauthenticated('link');
    // Before the user, so that nobody can end up with an administrator who has no password.
    keyring.set(KEYRING.password, name, passwordHash);
    try {
      await this.#append(name);
    } catch (error) {
      keyring.delete(KEYRING.password, name, passwordHash);
      if (!isNotNeeded(error)) keyring.add(KEYRING.setup, KEY, hash, link.expiresAt);
      throw error;
    }
    // Of somebody who was called so before.
    forgetSecondFactor(keyring, name);
  }

  async #append(name: string): Promise<void> {
    const { changes, users } = this.#options;
    const write: ResourceWrite = { actor: name, reason: 'the first administrator, by the link', expected: 0 };
    let epoch = 0;
    await changes.make(write, async (state) => {
      if (state.users.size > 0) throw notNeeded();
      const user = await users.newcomer(name, {});
      epoch = user.epoch;
      users.letIn(name);
      const grant = { user: name, role: 'admin', pattern: '*', sections: null } as const;
      return [
        { kind: 'user', key: name, value: user },
        { kind: 'grant', key: randomId(), value: grant },
      ];
    });
    users.keepEpoch(name, epoch);
  }
}

function notNeeded(): ConfigError {
  return new ConfigError('ERR_FORBIDDEN', {
    message: 'There is a user already, so the link for the first administrator is no longer good',
    hint: 'Ask an administrator to make you a user.',
    details: { rule: 'setup' },
  });
}

function isNotNeeded(error: unknown): boolean {
  return error instanceof ConfigError && error.code === 'ERR_FORBIDDEN';
}
