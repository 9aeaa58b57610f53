/**
 * Who a provider says somebody is, and which of our users that is. Makes no user: an open provider would let in
 * anybody.
 * @module
 */
import { oidcFault } from './oidc-border.ts';

/** OpenID Connect Core 2: not longer, and ASCII. */
const SUBJECT = /^[\x20-\x7e]{1,255}$/;
const TEXT_LENGTH_MAX = 320;

export interface OidcIdentity {
  readonly issuer: string;
  /** Never given to anybody else by this issuer. */
  readonly subject: string;
  readonly email: string | null;
  /** Whether the provider says that the address is his. */
  readonly emailVerified: boolean;
  readonly name: string | null;
  readonly preferredUsername: string | null;
}

/** What of a user decides whether he is meant. */
export interface OidcUser {
  readonly email: string | null;
  /** `oidcSubject` of the identity that he is linked with. */
  readonly oidcSubject: string | null;
  readonly isDisabled: boolean;
}

/** How an identity is written into a user. An issuer has no space in it. */
export function oidcSubject({ issuer, subject }: OidcIdentity): string {
  return `${issuer} ${subject}`;
}

/**
 * The user that the identity is linked with; else the one with its verified email address who is linked with none:
 * the caller links them (`mustLink`), and from then on the address decides nothing. Throws ERR_OIDC when it is nobody.
 * @example
 * const { user, mustLink } = userForIdentity(identity, users);
 */
export function userForIdentity<U extends OidcUser>(
  identity: OidcIdentity,
  users: readonly U[],
): { readonly user: U; readonly mustLink: boolean } {
  const linked = users.find((user) => user.oidcSubject === oidcSubject(identity));
  const user = linked ?? userByEmail(identity, users);
  if (user.isDisabled) throw oidcFault('disabled');
  return { user, mustLink: linked === undefined };
}

function userByEmail<U extends OidcUser>({ email, emailVerified }: OidcIdentity, users: readonly U[]): U {
  const wanted = email === null || !emailVerified ? null : folded(email);
  const [user, another] = wanted === null ? [] : users.filter((user) => isFree(user) && folded(user.email) === wanted);
  if (another !== undefined) throw oidcFault('ambiguous');
  if (user === undefined) throw oidcFault('no-user');
  return user;
}

function isFree(user: OidcUser): user is OidcUser & { email: string } {
  return user.oidcSubject === null && user.email !== null;
}

/** ASCII letters alone: in Unicode, letters of other alphabets fold to these, and another address would fit. */
function folded(email: string): string {
  return email.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/**
 * The identity in the claims of an ID token or of the user info. Throws ERR_OIDC for a subject that no provider may
 * use.
 */
export function identityOf(issuer: string, subject: string, claims: Readonly<Record<string, unknown>>): OidcIdentity {
  if (!SUBJECT.test(subject)) throw oidcFault('subject');
  return {
    issuer,
    subject,
    email: textOf(claims['email']),
    emailVerified: claims['email_verified'] === true,
    name: textOf(claims['name']),
    preferredUsername: textOf(claims['preferred_username']),
  };
}

function textOf(claim: unknown): string | null {
  return typeof claim === 'string' && claim.length <= TEXT_LENGTH_MAX && /^\P{C}+$/u.test(claim) ? claim : null;
}
