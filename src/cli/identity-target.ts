/**
 * Where a command works on users, grants, tokens and keys: a running registry, or a data directory. Both answer in the
 * terms of `IdentityOperations`, so no command knows which of the two it has.
 * @module
 */
import type { IdentityOperations, Listed } from '../registry/identity-operations.ts';

export interface IdentityTarget extends Pick<
  IdentityOperations,
  | 'users'
  | 'user'
  | 'createUser'
  | 'updateUser'
  | 'deleteUser'
  | 'signOut'
  | 'resetSecondFactor'
  | 'grants'
  | 'createGrant'
  | 'updateGrant'
  | 'deleteGrant'
  | 'tokens'
  | 'createToken'
  | 'updateToken'
  | 'deleteToken'
  | 'keys'
  | 'rotateKeys'
> {
  readonly kind: 'registry' | 'database';
  /** The user who asks; null where that is no user. */
  self(): Promise<string | null>;
  /** `current`: the password until now, where a registry asks for it. Errors: those of `setPassword`. */
  setPassword(
    name: string,
    password: string | null,
    write: { actor: string; reason?: string | undefined },
    current?: string,
  ): Promise<void>;
  /** Finishes what is queued and lets go of files and connections. */
  close(): Promise<void>;
}

/** All pages of a list. */
export async function allItems<T>(page: (cursor: string | undefined) => Promise<Listed<T>>): Promise<readonly T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (;;) {
    const listed = await page(cursor);
    items.push(...listed.items);
    if (listed.cursor === null) return items;
    cursor = listed.cursor;
  }
}
