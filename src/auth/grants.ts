/**
 * Grants: who has which role over which streams. A grant is made, changed in place, or taken away; its holder stays.
 * @module
 */
import type { Resource, ResourceWrite } from '../journal/resources.ts';
import type { Identities } from './identities.ts';
import { found, type IdentityChanges } from './identity-changes.ts';
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

  async #put(id: string, value: HeldGrant, write: ResourceWrite): Promise<Resource<HeldGrant>> {
    const entry = await this.#changes.make(write, () => [{ kind: 'grant', key: id, value }]);
    return this.#identities.grants.made(entry, value);
  }
}

/** Throws ERR_WRONG_TYPE, also for one that could allow nothing. */
function newGrant(input: HeldGrant): HeldGrant {
  const grant = parseHeldGrant(input);
  requireMeaning(grant);
  return grant;
}
