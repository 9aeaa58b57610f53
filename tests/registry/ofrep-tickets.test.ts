/** Whom a ticket for a stream of events is good for by now: a token or a user, not another of that name. @module */
import { expect, it } from 'vitest';
import { owner, type Principal } from '../../src/auth/rights.ts';
import { holderNow, holderOf } from '../../src/registry/holder.ts';
import { StreamTickets } from '../../src/registry/ofrep-tickets.ts';
import { house } from '../auth/fixtures.ts';
import { bearer, OWNER, type House } from '../auth/house.ts';

const ADMIN = { actor: 'ann' };
const tickets = new StreamTickets(new Uint8Array(32).fill(7), Date.now);

/** Who the holder of a ticket is by the time it comes back. */
async function nowOf({ identities }: House, principal: Principal, now = Date.now()): Promise<Principal | null> {
  const { holder } = tickets.read(tickets.issue({ holder: holderOf(principal), config: 'default' }))!;
  return holderNow(holder, await identities.fresh(), { now, isPrivate: false });
}

async function withTokens(names: readonly string[]) {
  const home = await house();
  const { users, tokens, authenticator } = home;
  await users.create('ann', {}, null, OWNER);
  const made = await Promise.all(names.map(async (name) => await tokens.create({ user: 'ann', name }, ADMIN)));
  const principals = await Promise.all(made.map(async ({ text }) => await authenticator.authenticate(bearer(text))));
  return { home, ids: made.map(({ token: { id } }) => id), principals };
}

it('ends with its token, also where another has the same name', async () => {
  const { home, ids, principals } = await withTokens(['ci', 'ci']);
  const [first, second] = principals as [Principal, Principal];
  expect(first.actor).toBe(second.actor);
  expect(await nowOf(home, first)).toEqual(first);
  await home.tokens.revoke(ids[0]!, ADMIN);
  expect(await nowOf(home, first)).toBeNull();
  expect(await nowOf(home, second)).toEqual(second);
});

it('stays with its token when that is called otherwise, and ends when it expires', async () => {
  const { home, ids, principals } = await withTokens(['ci']);
  const token = principals[0]!;
  await home.tokens.update(ids[0]!, { name: 'deploy' }, ADMIN);
  expect(await nowOf(home, token)).toMatchObject({ actor: 'ann/deploy' });
  const { value } = (await home.identities.fresh()).tokens.get(ids[0]!)!;
  expect(await nowOf(home, token, value.expiresAt)).toBeNull();
});

it('of a user, or of whoever runs the registry, ends when he is gone or a user is there', async () => {
  const { home, principals } = await withTokens(['ci']);
  const { tokenId: _, ...principal } = principals[0]!;
  const ann: Principal = { ...principal, kind: 'user', actor: 'ann' };
  expect(await nowOf(home, ann)).toMatchObject({ kind: 'user', actor: 'ann' });
  expect(await nowOf(home, owner('root@loopback'))).toBeNull();
  await home.users.delete('ann', ADMIN);
  expect(await nowOf(home, ann)).toBeNull();
  expect(await nowOf(home, principals[0]!)).toBeNull();
  expect(await nowOf(home, owner('root@loopback'))).toMatchObject({ kind: 'owner' });
});
