/**
 * Signing in with a name and a password. Whoever fails learns nothing: not whether there is such a user, nor whether he
 * is disabled, has no password, or has another one; the answer is the same, and takes as long.
 * @module
 */
import type { SideStore } from '../journal/side-store.ts';
import type { Identities } from './identities.ts';
import { KEYRING } from './keyring.ts';
import type { Passwords } from './passwords.ts';
import { unauthenticated } from './refusal.ts';

/** Who has signed in, as a token for him must say. */
export interface SignedIn {
  readonly user: string;
  readonly epoch: number;
}

export class SignIn {
  readonly #identities: Identities;
  readonly #keyring: SideStore;
  readonly #passwords: Passwords;

  constructor(identities: Identities, keyring: SideStore, passwords: Passwords) {
    this.#identities = identities;
    this.#keyring = keyring;
    this.#passwords = passwords;
  }

  /** Errors: ERR_UNAUTHENTICATED, ERR_BUSY, those of the journal and the keyring. */
  async withPassword(name: string, password: string): Promise<SignedIn> {
    // Invariant: the epoch is read before the hash. If the password changes meanwhile, what is signed is of the epoch
    // that ends with the old one.
    const user = (await this.#identities.fresh()).users.get(name)?.value;
    const hash = user === undefined ? null : this.#keyring.get(KEYRING.password, name);
    const isPassword = await this.#passwords.verify(password, hash);
    if (!isPassword || user === undefined || user.isDisabled) throw unauthenticated('password');
    return { user: name, epoch: user.epoch };
  }

  /** For a user whom a provider vouches for. Throws ERR_UNAUTHENTICATED for one who is gone or disabled. */
  async vouchedFor(name: string): Promise<SignedIn> {
    const user = (await this.#identities.fresh()).users.get(name)?.value;
    if (user === undefined) throw unauthenticated('unknown');
    if (user.isDisabled) throw unauthenticated('disabled');
    return { user: name, epoch: user.epoch };
  }
}
