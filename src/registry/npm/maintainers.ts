/**
 * Who maintains a package, as npm's clients speak of its owners: users with the grant `maintainer` over exactly this
 * package. There is no second list beside the grants.
 * @module
 */
import { holdersOf, type Grants } from '../../auth/grants.ts';
import type { Identities } from '../../auth/identities.ts';
import { parseUserName } from '../../auth/identity-values.ts';
import { requireRight, type Grant, type Principal } from '../../auth/rights.ts';
import { packageStream } from '../../packages/package.ts';
import type { Maintainer } from '../../packages/packument.ts';
import { badRequest } from '../parse.ts';

const MAINTAINERS_MAX = 100;

export interface MaintainersOptions {
  readonly identities: Pick<Identities, 'fresh'>;
  readonly grants: Pick<Grants, 'give'>;
}

/** By name. Nobody's address is told: whoever reads a package reads this. */
export async function maintainersOf(
  identities: Pick<Identities, 'fresh'>,
  name: string,
): Promise<readonly Maintainer[]> {
  const users = new Set(holdersOf(await identities.fresh(), grantOf(name)).values());
  return [...users].toSorted().map((user) => ({ name: user, email: '' }));
}

/**
 * Makes these users the maintainers of a package, and nobody else. Errors: ERR_FORBIDDEN, ERR_NAME, ERR_BAD_REQUEST for
 * nobody at all, ERR_NOT_FOUND for no such user.
 * @example
 * await changeMaintainers(services, '@acme/ui', usersOf(document['maintainers']), principal);
 */
export async function changeMaintainers(
  { grants }: Pick<MaintainersOptions, 'grants'>,
  name: string,
  users: readonly string[],
  principal: Principal,
): Promise<void> {
  requireRight(principal, 'administer', packageStream(name));
  if (users.length === 0) {
    throw badRequest('maintainers', `${name} would be maintained by nobody`, 'Leave somebody: npm owner add, then rm.');
  }
  const write = { actor: principal.actor, reason: `maintainers of ${name}` };
  await grants.give(grantOf(name), users.map(parseUserName), write);
}

/** Of a document: `[{ name, email }]`; addresses are not looked at. Throws ERR_BAD_REQUEST. */
export function usersOf(maintainers: unknown): readonly string[] {
  const list =
    Array.isArray(maintainers) && maintainers.length <= MAINTAINERS_MAX ? (maintainers as unknown[]) : [null];
  return list.map((each) => {
    const { name } = (each ?? {}) as { name?: unknown };
    if (typeof name === 'string') return name;
    throw badRequest('maintainers', `Maintainers are a list of at most ${MAINTAINERS_MAX} users, each with a name`);
  });
}

function grantOf(name: string): Grant {
  return { role: 'maintainer', pattern: packageStream(name), sections: null };
}
