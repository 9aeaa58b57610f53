/** What is made is what was asked for and approved, by who may still ask; and how much one person may ask for. */
import { describe, expect, it } from 'vitest';
import { principalOfToken } from '../../src/auth/identities.ts';
import type { Principal } from '../../src/auth/rights.ts';
import type { Proposing } from '../../src/registry/change-application.ts';
import { codeOf, openWorld, switching } from './change-fixtures.ts';
import { HOUR_MS, SHOP, START, type World } from './change-world.ts';

const ANN = { actor: 'ann' };
const ON = switching({ fast: true });
const AT = START + HOUR_MS;
const FLAG = `${SHOP}/banner`;
const DEFINITION = { state: 'ENABLED', variants: { a: 'one', b: 'two' }, defaultVariant: 'a' };

async function makeDue(world: World, id: string) {
  world.clock.now = AT;
  await world.application.look();
  const { state, failure } = (await world.requests.get(id)).value;
  return [state, failure?.code];
}

async function tokenOf(world: World, user: string, expiresAt: number): Promise<{ id: string; principal: Principal }> {
  const { tokens, identities } = world.identity;
  const { token } = await tokens.create({ user, name: 'ci', expiresAt }, { actor: user });
  const state = await identities.fresh();
  return { id: token.id, principal: principalOfToken(state, state.tokens.get(token.id)!)! };
}

describe('what was approved', () => {
  it('is not made of a template that was changed since', async () => {
    const world = await openWorld();
    const { declarations } = world.operations;
    await declarations.putTemplate('rel', { rows: 30 }, ANN);
    const asked = { operations: [{ name: SHOP, template: 'rel' }], at: AT };
    const [late, early] = [await world.propose('paul', asked), await world.propose('paul', asked)];
    await world.application.approve(early, world.who('otto'), {});
    await declarations.putTemplate('rel', { rows: 99, set: ['verbose'] }, ANN);
    for (const how of [{}, { force: true }]) {
      expect(await codeOf(world.application.approve(late, world.who('otto'), how))).toBe('ERR_REVISION_CONFLICT');
    }
    expect(await makeDue(world, early)).toEqual(['failed', 'ERR_REVISION_CONFLICT']);
    expect(await world.operations.get(SHOP)).toMatchObject({ rows: 24, features: { enabled: ['metrics', 'logging'] } });
  });

  it('is made of a template that is as it was, whatever it is called by then', async () => {
    const world = await openWorld();
    await world.operations.declarations.putTemplate('rel', { rows: 30, set: ['fast'], clear: ['logging'] }, ANN);
    const id = await world.propose('paul', { operations: [{ name: SHOP, template: 'rel' }], at: AT });
    await world.application.approve(id, world.who('otto'), {});
    await world.operations.declarations.putTemplate('rel', { rows: 30, set: ['fast'], clear: ['logging'] }, ANN);
    expect(await makeDue(world, id)).toEqual(['applied', undefined]);
    expect(await world.operations.get(SHOP)).toMatchObject({ rows: 30, features: { enabled: ['metrics', 'fast'] } });
  });

  it('is not made with an evaluator that means something else since, also through another', async () => {
    const world = await openWorld();
    const shared = (domain: string) => ({
      evaluators: {
        staff: { ends_with: [{ var: 'email' }, domain] },
        either: { or: [{ $ref: 'staff' }, { in: ['x', { var: 'email' }] }] },
        other: { in: [domain, { var: 'email' }] },
      },
    });
    await world.flags.putSet(SHOP, shared('@shop.example'), ANN);
    const put = { definition: { ...DEFINITION, targeting: { if: [{ $ref: 'either' }, 'b', 'a'] } } };
    const asked = { operations: [{ flag: FLAG, put }], at: AT };
    const [late, early] = [await world.propose('paul', asked), await world.propose('paul', asked)];
    await world.application.approve(early, world.who('otto'), {});
    await world.flags.putSet(SHOP, shared('.example'), ANN);
    expect(await codeOf(world.application.approve(late, world.who('otto'), {}))).toBe('ERR_REVISION_CONFLICT');
    expect(await makeDue(world, early)).toEqual(['failed', 'ERR_REVISION_CONFLICT']);
    expect(await world.flags.find(SHOP, 'banner')).toBeNull();
  });

  it('goes on where only evaluators have changed that it does not refer to', async () => {
    const world = await openWorld();
    const staff = { ends_with: [{ var: 'email' }, '@shop.example'] };
    await world.flags.putSet(SHOP, { evaluators: { staff, other: staff } }, ANN);
    const put = { definition: { ...DEFINITION, targeting: { if: [{ $ref: 'staff' }, 'b', 'a'] } } };
    const id = await world.propose('paul', { operations: [{ flag: FLAG, put }], at: AT });
    await world.application.approve(id, world.who('otto'), {});
    await world.flags.putSet(SHOP, { evaluators: { staff, other: { '==': [1, 1] } } }, ANN);
    expect(await makeDue(world, id)).toEqual(['applied', undefined]);
  });
});

describe('a template', () => {
  it('leaves the bit of a bound flag as it is, when it is foreseen and when it is made', async () => {
    const world = await openWorld();
    world.operations.guardWith(
      () => {},
      (config, feature) => config === SHOP && feature === 'metrics',
    );
    const id = await world.propose('olaf', { operations: [{ name: SHOP, template: 'minimal' }], at: AT });
    const [[target]] = (await world.application.preview((await world.requests.get(id)).value)) as any;
    expect(target.difference.changes.map(({ field }: any) => field)).not.toContain('features.metrics');
    expect(await makeDue(world, id)).toEqual(['applied', undefined]);
    expect((await world.operations.get(SHOP)).features.enabled).toEqual(['cache_enabled', 'metrics', 'logging']);
  });

  it.each([
    ['a reset', { reset: true }],
    ['a past state', { rollback: { revision: 1 } }],
  ])('and %s are made as they were foreseen', async (_, verb) => {
    const world = await openWorld();
    await world.operations.set(SHOP, { features: { verbose: true } }, ANN);
    const id = await world.propose('paul', { operations: [{ name: SHOP, ...verb }], at: AT });
    await world.application.approve(id, world.who('otto'), {});
    expect(await makeDue(world, id)).toEqual(['applied', undefined]);
    expect((await world.operations.get(SHOP)).features.enabled).not.toContain('verbose');
  });
});

describe('what was erased', () => {
  it('is no request any more, neither due nor listed', async () => {
    const world = await openWorld();
    const id = await world.propose('olaf', { operations: ON, at: AT });
    const { journal } = world.operations.store;
    const { entries } = await journal.read({ stream: `change_request:${id}`, limit: 1, order: 'asc' });
    await journal.redact(entries[0]!.seq, { actor: 'ann', reason: 'asked for' });
    world.clock.now = AT;
    await world.application.look();
    expect([await world.requests.open(), (await world.requests.list({})).requests]).toEqual([[], []]);
    expect((await world.operations.get(SHOP)).features.enabled).toEqual(['metrics', 'logging']);
  });
});

describe('who asked', () => {
  it.each(['author', 'approver'] as const)('is nobody any more when the token of the %s was revoked', async (which) => {
    const world = await openWorld();
    const { id: token, principal } = await tokenOf(world, 'olaf', START + 100 * HOUR_MS);
    const asked = { operations: ON, at: AT, needsApproval: true };
    const [author, approver] = which === 'author' ? [principal, world.who('otto')] : [world.who('otto'), principal];
    const id = await world.application.propose(asked, author);
    await world.application.approve(id, approver, {});
    await world.identity.tokens.revoke(token, { actor: 'olaf' });
    // Another one of the same name is another one.
    await tokenOf(world, 'olaf', START + 100 * HOUR_MS);
    expect(await makeDue(world, id)).toEqual(['failed', 'ERR_FORBIDDEN']);
  });

  it('is nobody any more when the token has expired', async () => {
    const world = await openWorld();
    const { principal } = await tokenOf(world, 'olaf', AT);
    const id = await world.application.propose({ operations: ON, at: AT }, principal);
    expect(await makeDue(world, id)).toEqual(['failed', 'ERR_FORBIDDEN']);
  });

  it('is not somebody else who got the name', async () => {
    const world = await openWorld();
    const { users, grants, identities } = world.identity;
    const id = await world.propose('olaf', { operations: ON, at: AT });
    await users.delete('olaf', ANN);
    await users.create('olaf', {}, null, ANN);
    await grants.create({ user: 'olaf', role: 'operator', pattern: '*', sections: null }, ANN);
    await identities.fresh();
    expect(await makeDue(world, id)).toEqual(['failed', 'ERR_FORBIDDEN']);
  });

  it('is nobody any more when all his sign-ins were ended', async () => {
    const world = await openWorld();
    const id = await world.propose('olaf', { operations: ON, at: AT });
    await world.identity.users.signOutEverywhere('olaf', ANN);
    expect(await makeDue(world, id)).toEqual(['failed', 'ERR_FORBIDDEN']);
  });
});

describe('a plain schedule', () => {
  it('does not make a deleted config again, unless force was said', async () => {
    const world = await openWorld();
    const [plain, forced] = [await world.propose('olaf', { operations: ON, at: AT }), await forcedOne(world)];
    await world.operations.delete(SHOP, ANN);
    expect(await makeDue(world, plain)).toEqual(['failed', 'ERR_REVISION_CONFLICT']);
    expect(await makeDue(world, forced)).toEqual(['applied', undefined]);
  });

  it('does not overwrite what was changed since, unless force was said', async () => {
    const world = await openWorld();
    const set = [{ name: SHOP, set: { rows: 30 } }];
    const [plain, other] = [
      await world.propose('olaf', { operations: set, at: AT }),
      await world.propose('olaf', { operations: ON, at: AT }),
    ];
    await world.operations.set(SHOP, { rows: 50, cols: 90 }, ANN);
    expect(await makeDue(world, plain)).toEqual(['failed', 'ERR_REVISION_CONFLICT']);
    expect(await makeDue(world, other)).toEqual(['applied', undefined]);
    expect((await world.operations.get(SHOP)).rows).toBe(50);
  });

  it('makes no config of a mistyped name: the nearest is named to who may see it', async () => {
    const world = await openWorld();
    const before = await world.head();
    const operations = [{ name: 'shop/prodution', set: { rows: 30 } }];
    for (const asked of [{ operations }, { operations, at: AT }]) {
      const refused = await world.propose('olaf', asked).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'ERR_NOT_FOUND', hint: expect.stringContaining(`'${SHOP}'`) });
    }
    const { grants, identities } = world.identity;
    await grants.create({ user: 'vera', role: 'operator', pattern: 'config:shop/prodution', sections: null }, ANN);
    const all = [...(await identities.fresh()).grants.values()].find(({ value }) => value.role === 'viewer')!;
    await grants.delete(all.key, ANN);
    await identities.fresh();
    const blind = await world.propose('vera', { operations }).catch((error: unknown) => error);
    expect(blind).toMatchObject({ code: 'ERR_NOT_FOUND', hint: expect.not.stringContaining(SHOP) });
    expect(await world.head()).toBe(before + 4);
    await world.propose('olaf', { operations, force: true });
    expect((await world.operations.get('shop/prodution')).rows).toBe(30);
  });
});

describe('limits', () => {
  it('100 of one person wait, whichever token he shows; others may still ask', async () => {
    const world = await openWorld();
    const asked: Proposing = { operations: ON, at: AT };
    const ids = [];
    for (let i = 0; i < 100; i++) ids.push(await world.propose('olaf', asked));
    const { principal } = await tokenOf(world, 'olaf', AT);
    const before = await world.head();
    expect(await codeOf(world.application.propose(asked, principal))).toBe('ERR_OUT_OF_RANGE');
    expect(await codeOf(world.propose('olaf', asked))).toBe('ERR_OUT_OF_RANGE');
    expect(await world.head()).toBe(before);
    expect(await codeOf(world.propose('otto', asked))).toMatch(/^made/);
    await world.application.cancel(ids[0]!, world.who('olaf'), {});
    expect(await codeOf(world.propose('olaf', asked))).toMatch(/^made/);
  });

  it('500 operations in all steps together', async () => {
    const world = await openWorld();
    const hundred = Array.from({ length: 100 }, (_, i) => ({ name: `shop/env${i}`, set: { rows: 9 } }));
    const steps = [hundred, hundred, hundred, hundred, hundred, ON].map((operations) => ({ operations }));
    const before = await world.head();
    expect(await codeOf(world.propose('olaf', { steps }))).toBe('ERR_OUT_OF_RANGE');
    expect(await world.head()).toBe(before);
  });

  it('lists have no operations; those that have ended are still all there', async () => {
    const world = await openWorld();
    const [open, made] = [
      await world.propose('olaf', { operations: ON, at: AT }),
      await world.propose('olaf', { operations: ON }),
    ];
    await world.application.cancel(open, world.who('olaf'), {});
    const { requests } = await world.requests.list({});
    expect(requests.map(({ key, value }) => [key, value.state])).toEqual([
      [made, 'applied'],
      [open, 'cancelled'],
    ]);
    expect(JSON.stringify(requests)).not.toContain('"set"');
    expect(await world.requests.count('applied')).toBe(1);
    expect((await world.requests.get(made)).value.steps[0]!.operations).toEqual(ON);
  });

  it('what is still to come is foreseen one step ahead, or all when that is asked for', async () => {
    const world = await openWorld();
    const ramp = { name: SHOP, feature: 'fast', percents: [1, 50, 100], pause_s: 3600 };
    const { value } = await world.requests.get(await world.propose('olaf', { ramp }));
    expect(await world.application.preview(value, 'next')).toHaveLength(1);
    expect(await world.application.preview(value, 'all')).toHaveLength(2);
  });
});

async function forcedOne(world: World): Promise<string> {
  return await world.propose('olaf', { operations: switching({ slow: true }), at: AT, force: true });
}
