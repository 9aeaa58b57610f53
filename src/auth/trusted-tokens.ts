/**
 * The tokens that workflows get for the identity tokens that they show: for minutes, to publish one package, and for
 * nothing else. They look like API tokens, so that clients and scanners for leaked secrets take them as such, but
 * belong to no user: the journal knows only what was done with them. The keyring has a hash until they expire.
 * @module
 */
import { timingSafeEqual } from 'node:crypto';
import type { SideStore } from '../journal/side-store.ts';
import { KEYRING } from './keyring.ts';
import type { Principal, TrustedWorkflow } from './rights.ts';
import { hashOfSecret, randomId, randomSecret, tokenText, type TokenText } from './token-text.ts';

const LIFETIME_ms = 15 * 60 * 1000;

/** What the keyring says of one. */
interface Stored {
  readonly hash: string;
  readonly package: string;
  readonly actor: string;
  readonly trusted: TrustedWorkflow;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export interface TrustedToken {
  /** The only time that it is seen. */
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly expiresAt: number;
}

/**
 * A token for `actor` (`trusted:acme/ui@refs/heads/main`) and one package. Errors: ERR_STORE.
 * @example makeTrustedToken(keyring, { package: '@acme/ui', actor: 'trusted:acme/ui@main', trusted }, Date.now())
 */
export function makeTrustedToken(
  keyring: SideStore,
  who: Pick<Stored, 'package' | 'actor' | 'trusted'>,
  now: number,
): TrustedToken {
  const parts = { id: randomId(), secret: randomSecret() };
  const expiresAt = now + LIFETIME_ms;
  const stored = { ...who, hash: hashOfSecret(parts.secret), expiresAt } satisfies Stored;
  keyring.set(KEYRING.trusted, parts.id, JSON.stringify(stored), expiresAt);
  return { text: tokenText(parts), createdAt: now, expiresAt };
}

/** Who shows such a token, for which package; null: it is none of them, or has expired. */
export function findTrustedToken(
  keyring: SideStore,
  { id, secret }: TokenText,
): { readonly principal: Principal; readonly package: string; readonly trusted: TrustedWorkflow } | null {
  const text = keyring.get(KEYRING.trusted, id);
  if (text === null) return null;
  const stored = JSON.parse(text) as Stored;
  const isIts = timingSafeEqual(Buffer.from(hashOfSecret(secret), 'hex'), Buffer.from(stored.hash, 'hex'));
  const { package: name, trusted } = stored;
  return isIts ? { principal: principalOfWorkflow(id, stored), package: name, trusted } : null;
}

/** A name of a package has no `*`, so that neither pattern is of anything else. */
function principalOfWorkflow(tokenId: string, { package: name, actor, trusted }: Stored): Principal {
  const grants = [`package:${name}`, `premium:${name}`].map((pattern) => {
    return { role: 'publisher', pattern, sections: null } as const;
  });
  return { kind: 'token', actor, user: null, grants, scope: null, readOnly: false, trusted, tokenId };
}
