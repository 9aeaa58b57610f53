/**
 * The tokens that workflows get for the identity tokens that they show: for minutes, to publish one package, and for
 * nothing else. They look like API tokens, so that clients and scanners for leaked secrets take them as such, but
 * belong to no user: the journal knows only what was done with them. The keyring has a hash until they expire.
 * @module
 */
import { timingSafeEqual } from 'node:crypto';
import type { SideStore } from '../journal/side-store.ts';
import { KEYRING } from './keyring.ts';
import type { Principal } from './rights.ts';
import { hashOfSecret, randomId, randomSecret, tokenText, type TokenText } from './token-text.ts';

const LIFETIME_ms = 15 * 60 * 1000;

/** What the keyring says of one. */
interface Stored {
  readonly hash: string;
  readonly package: string;
  readonly actor: string;
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
 * @example makeTrustedToken(keyring, { package: '@acme/ui', actor: 'trusted:acme/ui@refs/heads/main' }, Date.now())
 */
export function makeTrustedToken(
  keyring: SideStore,
  who: { readonly package: string; readonly actor: string },
  now: number,
): TrustedToken {
  const parts = { id: randomId(), secret: randomSecret() };
  const expiresAt = now + LIFETIME_ms;
  const stored = { ...who, hash: hashOfSecret(parts.secret), expiresAt } satisfies Stored;
  keyring.set(KEYRING.trusted, parts.id, JSON.stringify(stored), expiresAt);
  return { text: tokenText(parts), createdAt: now, expiresAt };
}

/** Who shows such a token; null: it is none of them, or has expired. */
export function findTrustedToken(
  keyring: SideStore,
  { id, secret }: TokenText,
): { readonly principal: Principal; readonly expiresAt: number } | null {
  const text = keyring.get(KEYRING.trusted, id);
  if (text === null) return null;
  const stored = JSON.parse(text) as Stored;
  const isIts = timingSafeEqual(Buffer.from(hashOfSecret(secret), 'hex'), Buffer.from(stored.hash, 'hex'));
  return isIts ? { principal: principalOfWorkflow(id, stored), expiresAt: stored.expiresAt } : null;
}

/** A name of a package has no `*`, so that neither pattern is of anything else. */
function principalOfWorkflow(tokenId: string, { package: name, actor }: Stored): Principal {
  const grants = [`package:${name}`, `premium:${name}`].map((pattern) => {
    return { role: 'publisher', pattern, sections: null } as const;
  });
  return { kind: 'token', actor, user: null, grants, scope: null, readOnly: false, tokenId };
}
