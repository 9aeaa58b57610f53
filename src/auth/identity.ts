/**
 * Everything that has to do with who somebody is, put together over one journal and two side stores. The one door for
 * whoever serves requests; owns nothing that was handed in.
 * @module
 */
import type { Journal } from '../journal/journal.ts';
import type { SideStore } from '../journal/side-store.ts';
import { Authenticator, type AuthenticatorOptions } from './authenticator.ts';
import { Grants } from './grants.ts';
import { openIdentities, type Identities } from './identities.ts';
import { IdentityChanges } from './identity-changes.ts';
import { LastUses } from './last-uses.ts';
import { Passwords } from './passwords.ts';
import { SetupLink } from './setup-link.ts';
import { SignIn } from './sign-in.ts';
import { Tokens } from './tokens.ts';
import { Users } from './users.ts';

export interface IdentityOptions {
  /** With `resourcesProjection` among its projections. */
  readonly journal: Journal;
  /** Durable: password hashes, epochs, what was revoked or signed out, the link for the first administrator. */
  readonly keyring: SideStore;
  /** When tokens were last used. */
  readonly scratch: SideStore;
  /** See `IdentitiesOptions.head`. */
  readonly head: () => number;
  readonly verifyJwt: AuthenticatorOptions['verifyJwt'];
  /** See `AuthenticatorOptions.isTrusted`. Default: nobody is. */
  readonly isTrusted?: AuthenticatorOptions['isTrusted'];
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly clock?: () => number;
  /** Hears of what failed while nobody waited: last uses that could not be written. */
  readonly onError: (error: unknown) => void;
}

export interface Identity {
  readonly identities: Identities;
  readonly users: Users;
  readonly grants: Grants;
  readonly tokens: Tokens;
  readonly signIn: SignIn;
  readonly setupLink: SetupLink;
  readonly authenticator: Authenticator;
  readonly lastUses: LastUses;
  /** Writes the last uses and lets go of the journal, which stays open, as the stores do. */
  close(): void;
}

/** Errors: those of the journal and the stores. */
export async function openIdentity(options: IdentityOptions): Promise<Identity> {
  const { journal, keyring, scratch, head, verifyJwt, clock = Date.now, onError } = options;
  const { isTrusted = async () => false } = options;
  keyring.sweep();
  scratch.sweep();
  const identities = await openIdentities({ journal, keyring, head });
  const changes = new IdentityChanges(journal, identities);
  const passwords = new Passwords();
  const users = new Users({ journal, identities, changes, keyring, passwords });
  const lastUses = new LastUses(scratch, onError);
  return {
    identities,
    users,
    grants: new Grants(identities, changes),
    tokens: new Tokens({ identities, changes, keyring, clock }),
    signIn: new SignIn(identities, keyring, passwords),
    setupLink: new SetupLink({ identities, changes, users, keyring, passwords, clock }),
    authenticator: new Authenticator({ identities, keyring, lastUses, verifyJwt, isTrusted, clock }),
    lastUses,
    close: () => {
      identities.close();
      lastUses.flush();
    },
  };
}
