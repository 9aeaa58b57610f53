/**
 * Change requests over a real database with real users, at a time that the test says: `ann` administers, `olaf` and
 * `otto` operate, `paul` operates and needs an approval, `vera` looks. For tests and for the processes they kill.
 * @module
 */
import { principalOf } from '../../src/auth/identities.ts';
import type { Principal } from '../../src/auth/rights.ts';
import { BUILTIN_FEATURES, type BuiltinFeature } from '../../src/config/features.ts';
import { Flags } from '../../src/flags/flags.ts';
import { bootstrap } from '../../src/registry/bootstrap.ts';
import type { ChangeApplication } from '../../src/registry/change-application.ts';
import { openChanges, type Changes } from '../../src/registry/open-changes.ts';
import { openIdentityIn, type OpenedIdentity } from '../../src/registry/open-identity.ts';
import type { ConfigOperations } from '../../src/live/operations.ts';

export const START = Date.UTC(2030, 0, 1);
export const HOUR_MS = 3_600_000;
export const SHOP = 'shop/production';

const WRITE = { actor: 'ann' };
const GRANTS = { ann: 'admin', olaf: 'operator', otto: 'operator', paul: 'operator', vera: 'viewer' } as const;

export type Name = keyof typeof GRANTS;

export interface World extends Omit<Changes, 'close'> {
  readonly operations: ConfigOperations;
  readonly identity: OpenedIdentity;
  readonly flags: Flags;
  readonly own: { readonly flags: Record<BuiltinFeature, boolean> };
  readonly clock: { now: number };
  readonly who: (name: Name) => Principal;
  /** What came of it: the state and what `SHOP` is now. */
  readonly look: (id: string) => Promise<{ state: string; on: readonly string[]; rollouts: object }>;
  readonly head: () => Promise<number>;
  readonly close: () => Promise<void>;
  readonly propose: (name: Name, asked: Parameters<ChangeApplication['propose']>[0]) => Promise<string>;
}

export async function openChangeWorld(data: string): Promise<World> {
  const { operations, directory } = await bootstrap(data);
  const { journal } = operations.store;
  const head = (): number => operations.store.head();
  const identity = await openIdentityIn({ directory, journal, publicUrl: null, head, onError() {} });
  if (!identity.identities.hasUsers) await people(identity);
  if ((await operations.store.find(SHOP)) === null) {
    await operations.declare(SHOP, { fast: 12, slow: 13 }, WRITE);
    await operations.set(SHOP, { features: { metrics: true, logging: true } }, WRITE);
  }
  const flags = new Flags(journal, head);
  const clock = { now: START };
  const off = Object.fromEntries(BUILTIN_FEATURES.names.map((name) => [name, false]));
  const own = { flags: off as Record<BuiltinFeature, boolean> };
  let ids = 0;
  const changes = openChanges({
    operations,
    flags,
    own,
    identities: identity.identities,
    now: () => clock.now,
    random: () => ++ids / 1_000_000,
  });
  const who = (name: Name): Principal => principalOf(identity.identities.state, name)!;
  const close = async (): Promise<void> => {
    changes.close();
    identity.close();
    await operations.store.close();
  };
  return {
    ...changes,
    close,
    operations,
    identity,
    flags,
    own,
    clock,
    who,
    look: async (id) => {
      const { features, rollouts } = await operations.get(SHOP);
      return { state: (await changes.requests.get(id)).value.state, on: features.enabled, rollouts };
    },
    head: async () => (await journal.head()).seq,
    propose: async (name, asked) => await changes.application.propose(asked, who(name)),
  };
}

async function people({ users, grants, identities }: OpenedIdentity): Promise<void> {
  for (const [user, role] of Object.entries(GRANTS)) {
    await users.create(user, {}, null, WRITE);
    const needsApproval = user === 'paul';
    await grants.create(
      { user, role, pattern: '*', sections: null, ...(needsApproval ? { needsApproval } : {}) },
      WRITE,
    );
  }
  await identities.fresh();
}
