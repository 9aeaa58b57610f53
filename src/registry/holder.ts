/**
 * Somebody to be looked up again later, as he is then: what is kept of him where his credentials are not.
 * @module
 */
import { principalOf, principalOfTokenId, type IdentityState } from '../auth/identities.ts';
import { ANONYMOUS, owner, type Principal } from '../auth/rights.ts';

export interface Holder extends Pick<Principal, 'kind'> {
  /** Of a token its id, for several may have one name; else who it is. */
  readonly id: string;
  readonly isBrowser: boolean;
}

export function holderOf({ kind, actor, tokenId, isBrowser = false }: Principal): Holder {
  return { kind, id: tokenId ?? actor, isBrowser };
}

/**
 * As he is now; null when he is gone, disabled or expired. `now` in milliseconds since 1970; `isPrivate`: nothing is
 * granted to everybody.
 * @example holderNow(holder, await identities.fresh(), { now: Date.now(), isPrivate: false })
 */
export function holderNow(
  { kind, id }: Holder,
  state: IdentityState,
  { now, isPrivate }: { readonly now: number; readonly isPrivate: boolean },
): Principal | null {
  if (kind === 'owner') return state.users.size === 0 ? owner(id) : null;
  if (kind === 'anonymous') return isPrivate ? ANONYMOUS : state.anonymous;
  if (kind === 'user') return principalOf(state, id);
  return principalOfTokenId(state, id, now);
}
