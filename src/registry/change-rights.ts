/**
 * Who may ask for a change, approve it, and make it: the rights of a change request, asked for each thing it touches.
 * @module
 */
import type { Identities, IdentityState } from '../auth/identities.ts';
import { principalOf, principalOfTokenId, tokenFault } from '../auth/identities.ts';
import {
  approvalRequired,
  forbiddenSections,
  may,
  mayPropose,
  owner,
  requireRight,
  type Principal,
} from '../auth/rights.ts';
import type { Author } from '../changes/change-request.ts';
import { ConfigError } from '../errors/errors.ts';
import type { Permit } from '../live/config-store.ts';

/** Lets through what he may propose, which is also what he may approve. Throws ERR_FORBIDDEN. */
export function proposing(principal: Principal): Permit {
  return (stream, touched) => {
    if (mayPropose(principal, stream, touched)) return;
    if (!mayPropose(principal, stream, [])) requireRight(principal, 'write', stream);
    throw forbidden(
      `${principal.actor} may not change ${touched.join(', ')} of ${stream}, nor ask for it`,
      'Ask an administrator for a grant on these sections.',
    );
  };
}

/** Whether he may do it without asking anybody. */
export function isDirect(principal: Principal, stream: string, touched: readonly string[]): boolean {
  return may(principal, 'write', stream) && forbiddenSections(principal, stream, touched).length === 0;
}

/** Lets through what he may do himself, or may propose where it has been approved. */
export function making(principal: Principal, isApproved: boolean): Permit {
  const propose = proposing(principal);
  return (stream, touched) => {
    propose(stream, touched);
    if (!isApproved && !isDirect(principal, stream, touched)) throw approvalRequired(principal, stream);
  };
}

/** All of them must let it through. */
export function every(permits: readonly Permit[]): Permit {
  return (stream, touched) => permits.forEach((permit) => permit(stream, touched));
}

/** Who he is, and with what he shows it. */
export function authorOf({ actor, user, tokenId }: Principal, { users }: Pick<IdentityState, 'users'>): Author {
  const epoch = user === null || tokenId !== undefined ? null : (users.get(user)?.value.epoch ?? null);
  return { actor, user, tokenId: tokenId ?? null, epoch };
}

/**
 * Somebody as he is now, with what he has asked with: his user's rights, or those of his token. `now` in milliseconds
 * since 1970. Throws ERR_FORBIDDEN for one who is gone or disabled, or whose token or sign-ins were ended.
 */
export async function principalNow(
  identities: Pick<Identities, 'fresh' | 'hasUsers'>,
  who: Author,
  now: number,
): Promise<Principal> {
  const state = await identities.fresh();
  if (who.user === null) return ownerNow(identities, who);
  const principal = principalOf(state, who.user);
  if (principal === null) {
    throw forbidden(`The user ${who.user} is gone or disabled`, 'Somebody else must ask for the change again.');
  }
  if (who.tokenId !== null) return tokenNow(state, who.tokenId, who, now);
  if (state.users.get(who.user)!.value.epoch === who.epoch) return principal;
  throw forbidden(
    `All sign-ins of ${who.user} were ended since, with what was asked for in them`,
    'Who it is now must ask for the change again.',
  );
}

/** Whoever runs the registry is its administrator as long as it knows no users. */
function ownerNow({ hasUsers }: Pick<Identities, 'hasUsers'>, { actor }: Author): Principal {
  if (!hasUsers) return owner(actor);
  throw forbidden(
    `${actor} asked when the registry knew no users; now it does`,
    'A user must ask for the change again.',
  );
}

function tokenNow(state: IdentityState, id: string, { actor }: Author, now: number): Principal {
  const principal = principalOfTokenId(state, id, now);
  if (principal !== null) return principal;
  const token = state.tokens.get(id);
  const isExpired = token !== undefined && tokenFault(state, token, now) === 'expired';
  throw forbidden(
    `The token ${actor} ${isExpired ? 'has expired' : 'was revoked'}`,
    'Ask for the change again, with a token that lasts until then.',
  );
}

function forbidden(message: string, hint: string): ConfigError {
  return new ConfigError('ERR_FORBIDDEN', { message, hint, details: { rule: 'rights' } });
}
