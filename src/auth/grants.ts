/**
 * Grants: who has which role over which streams. A grant is made, changed in place, or taken away; its holder stays.
 * @module
 */
import type { Resource, ResourceWrite } from '../journal/resources.ts';
import type { Identities, IdentityState } from './identities.ts';
import { found, type IdentityChanges, type Step } from './identity-changes.ts';
import { parseHeldGrant, type HeldGrant } from './identity-values.ts';
import { requireMeaning } from './meaning.ts';
import type { Grant } from './rights.ts';
import { randomId } from './token-text.ts';

/**
 * Errors of all: ERR_WRONG_TYPE, ERR_NOT_FOUND, and those of `IdentityChanges.make`.
 * @example
 * const grant = { user: 'ann', role: 'operator', pattern: 'config:checkout/*', sections: null } as const;
 * await grants.create(grant, { actor: 'bob' });
 */
export class Grants {
  readonly #identities: Identities;
  readonly #changes: IdentityChanges;

  constructor(identities: Identities, changes: IdentityChanges) {
    this.#identities = identities;
    this.#changes = changes;
  }

  async create(grant: HeldGrant, write: ResourceWrite): Promise<Resource<HeldGrant>> {
    return await this.#put(randomId(), newGrant(grant), { ...write, expected: 0 });
  }

  async update(id: string, fields: Partial<Grant>, write: ResourceWrite): Promise<Resource<HeldGrant>> {
    let value: HeldGrant | null = null;
    const entry = await this.#changes.make(write, ({ grants }) => {
      const { user, ...current } = found('grant', id, grants);
      value = newGrant({ ...current, ...fields, user });
      return [{ kind: 'grant', key: id, value }];
    });
    return this.#identities.grants.made(entry, value!);
  }

  async delete(id: string, write: ResourceWrite): Promise<void> {
    await this.#changes.make(write, ({ grants }) => {
      found('grant', id, grants);
      return [{ kind: 'grant', key: id, value: null }];
    });
  }

  /**
   * Sees to it that these users, and no others, have exactly this grant, all in one append; says whether anything had
   * to change. Errors: ERR_NOT_FOUND for no such user.
   * @example
   * await grants.give({ role: 'maintainer', pattern: 'package:ui', sections: null }, ['ann', 'bob'], { actor: 'ann' });
   */
  async give(grant: Grant, users: readonly string[], write: ResourceWrite): Promise<boolean> {
    const plan = (state: IdentityState): readonly Step[] => stepsTo(state, grant, users);
    if (plan(await this.#identities.newest()).length === 0) return false;
    await this.#changes.make(write, plan);
    return true;
  }

  async #put(id: string, value: HeldGrant, write: ResourceWrite): Promise<Resource<HeldGrant>> {
    const entry = await this.#changes.make(write, () => [{ kind: 'grant', key: id, value }]);
    return this.#identities.grants.made(entry, value);
  }
}

/** Users who have exactly this role over exactly this pattern, by the ids of their grants. */
export function holdersOf({ grants }: Pick<IdentityState, 'grants'>, { role, pattern }: Grant): Map<string, string> {
  const held = [...grants].filter(([, { value }]) => value.role === role && value.pattern === pattern);
  return new Map(held.map(([id, { value }]) => [id, value.user]));
}

function stepsTo(state: IdentityState, grant: Grant, users: readonly string[]): Step[] {
  const holders = holdersOf(state, grant);
  const gone = [...holders].filter(([, user]) => !users.includes(user));
  const held = new Set(holders.values());
  const come = [...new Set(users)].filter((user) => !held.has(user));
  return [
    ...come.map((user): Step => ({ kind: 'grant', key: randomId(), value: newGrant({ ...grant, user }) })),
    ...gone.map(([id]): Step => ({ kind: 'grant', key: id, value: null })),
  ];
}

/** Throws ERR_WRONG_TYPE, also for one that could allow nothing. */
function newGrant(input: HeldGrant): HeldGrant {
  const grant = parseHeldGrant(input);
  requireMeaning(grant);
  return grant;
}
