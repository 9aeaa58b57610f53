/**
 * Who may ask for a change, approve it, and make it: the rights of a change request, asked for each thing it touches.
 * @module
 */
import type { Identities, IdentityState } from '../auth/identities.ts';
import { principalOf, principalOfToken } from '../auth/identities.ts';
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

export function authorOf({ actor, user }: Principal): Author {
  return { actor, user };
}

/**
 * Somebody as he is now: with his user's rights, and for a token (of which several may have one name) what each of them
 * has. Throws ERR_FORBIDDEN for one who is gone or disabled, or whose token was revoked.
 */
export async function principalsNow(
  identities: Pick<Identities, 'fresh' | 'hasUsers'>,
  who: Author,
): Promise<readonly Principal[]> {
  const state = await identities.fresh();
  if (who.user === null) return [ownerNow(identities, who)];
  const principal = principalOf(state, who.user);
  if (principal === null) {
    throw forbidden(`The user ${who.user} is gone or disabled`, 'Somebody else must ask for the change again.');
  }
  return who.actor === who.user ? [principal] : tokensNow(state, who, who.user);
}

/** Whoever runs the registry is its administrator as long as it knows no users. */
function ownerNow({ hasUsers }: Pick<Identities, 'hasUsers'>, { actor }: Author): Principal {
  if (!hasUsers) return owner(actor);
  throw forbidden(
    `${actor} asked when the registry knew no users; now it does`,
    'A user must ask for the change again.',
  );
}

function tokensNow(state: IdentityState, { actor }: Author, user: string): readonly Principal[] {
  const tokens = [...state.tokens.values()].filter(({ value }) => `${value.user}/${value.name}` === actor);
  const principals = tokens.flatMap((token) => principalOfToken(state, token) ?? []);
  if (principals.length > 0) return principals;
  throw forbidden(`The token ${actor} was revoked`, `${user} must ask for the change again.`);
}

function forbidden(message: string, hint: string): ConfigError {
  return new ConfigError('ERR_FORBIDDEN', { message, hint, details: { rule: 'rights' } });
}
