/** Grants that could allow nothing are not made, and those that a journal has stay readable. @module */
import { describe, expect, it } from 'vitest';
import { isConfigError } from '../../src/errors/errors.ts';
import { KINDS, type Grant } from '../../src/auth/rights.ts';
import { parseHeldGrant } from '../../src/auth/identity-values.ts';
import { faultOf, house } from './fixtures.ts';
import { OWNER } from './house.ts';

const VIEWER = { role: 'viewer', sections: null } as const;

async function hintOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (!isConfigError(error) || error.code !== 'ERR_WRONG_TYPE') throw error;
  return error.hint;
}

describe('a grant', () => {
  it.each(['*', ...KINDS.map((kind) => `${kind}:*`), 'config:checkout/*', 'package:@acme/*', 'status:registry'])(
    'is made of %s, and changed to it',
    async (pattern) => {
      const { users, grants } = await house();
      await users.create('ann', {}, null, OWNER);
      const { key, value } = await grants.create({ user: 'ann', ...VIEWER, pattern }, OWNER);
      expect(value.pattern).toBe(pattern);
      expect((await grants.update(key, { pattern }, OWNER)).value.pattern).toBe(pattern);
    },
  );

  it.each([
    ['checkout/*', 'config:checkout/*'],
    ['confg:*', 'config:*'],
    ['confg:checkout', 'config:checkout'],
    ['feature:checkout', 'features:checkout'],
    ['config', 'config:*'],
    ['config:', 'config:*'],
    ['*:checkout', 'config:*:checkout'],
  ])('of %s is refused with %s, and so is a scope', async (pattern, meant) => {
    const { users, grants, tokens, journal } = await house();
    await users.create('ann', {}, null, OWNER);
    const { key } = await grants.create({ user: 'ann', ...VIEWER, pattern: '*' }, OWNER);
    const { token } = await tokens.create({ user: 'ann', name: 'ci' }, OWNER);
    const { seq } = await journal.head();
    const scope: readonly Grant[] = [{ ...VIEWER, pattern }];
    const hint = expect.stringMatching(`^Did you mean '${RegExp.escape(meant)}'`);
    expect(await hintOf(grants.create({ user: 'ann', ...VIEWER, pattern }, OWNER))).toEqual(hint);
    expect(await hintOf(grants.update(key, { pattern }, OWNER))).toEqual(hint);
    expect(await hintOf(tokens.create({ user: 'ann', name: 'other', scope }, OWNER))).toEqual(hint);
    expect(await hintOf(tokens.update(token.id, { scope }, OWNER))).toEqual(hint);
    expect((await journal.head()).seq).toBe(seq);
    expect(parseHeldGrant({ user: 'ann', ...VIEWER, pattern }).pattern).toBe(pattern);
  });

  it.each(['viewer', 'publisher'] as const)('of a %s has nothing that could be approved', async (role) => {
    const { users, grants, tokens, journal } = await house();
    await users.create('ann', {}, null, OWNER);
    const asking = { role: 'operator', pattern: 'config:*', sections: null, needsApproval: true } as const;
    const { key, value } = await grants.create({ user: 'ann', ...asking }, OWNER);
    expect(value.needsApproval).toBe(true);
    const { seq } = await journal.head();
    const wrong = { ...asking, role };
    const fault = 'ERR_WRONG_TYPE needsApproval';
    expect(await faultOf(grants.create({ user: 'ann', ...wrong }, OWNER))).toBe(fault);
    expect(await faultOf(grants.update(key, { role }, OWNER))).toBe(fault);
    expect(await faultOf(tokens.create({ user: 'ann', name: 'ci', scope: [wrong] }, OWNER))).toBe(fault);
    expect((await journal.head()).seq).toBe(seq);
    const direct = (await grants.update(key, { role, needsApproval: false }, OWNER)).value;
    expect(direct).toEqual({ user: 'ann', role, pattern: 'config:*', sections: null });
  });

  it.each(KINDS.filter((kind) => !['config', 'flag'].includes(kind)))(
    'of %s streams has nothing that could be asked for: needsApproval is refused',
    async (kind) => {
      const { users, grants, tokens, journal } = await house();
      await users.create('ann', {}, null, OWNER);
      const asking = { role: 'admin', pattern: `${kind}:*`, sections: null, needsApproval: true } as const;
      const { key } = await grants.create({ user: 'ann', ...asking, needsApproval: false }, OWNER);
      const { seq } = await journal.head();
      const fault = 'ERR_WRONG_TYPE needsApproval';
      expect(await faultOf(grants.create({ user: 'ann', ...asking }, OWNER))).toBe(fault);
      expect(await faultOf(grants.update(key, { needsApproval: true }, OWNER))).toBe(fault);
      expect(await faultOf(tokens.create({ user: 'ann', name: 'ci', scope: [asking] }, OWNER))).toBe(fault);
      expect(await hintOf(grants.create({ user: 'ann', ...asking }, OWNER))).toContain('config: and flag:');
      expect((await journal.head()).seq).toBe(seq);
    },
  );

  it('of an admin who must ask is none of the last who can let others in', async () => {
    const { users, grants } = await house();
    await users.create('ann', {}, null, OWNER);
    await users.create('bob', {}, null, OWNER);
    const admin = { role: 'admin', pattern: '*', sections: null } as const;
    const { key } = await grants.create({ user: 'ann', ...admin }, OWNER);
    await grants.create({ user: 'bob', ...admin, needsApproval: true }, OWNER);
    const lost = 'ERR_FORBIDDEN last-admin';
    expect(await faultOf(grants.update(key, { needsApproval: true }, OWNER))).toBe(lost);
    expect(await faultOf(grants.delete(key, OWNER))).toBe(lost);
    expect(await faultOf(users.update('ann', { isDisabled: true }, OWNER))).toBe(lost);
    expect(await faultOf(users.delete('ann', OWNER))).toBe(lost);
    await grants.create({ user: 'bob', ...admin }, OWNER);
    expect((await grants.update(key, { needsApproval: true }, OWNER)).value.needsApproval).toBe(true);
  });

  it('of a pattern that is none is refused as such', async () => {
    const { users, grants } = await house();
    await users.create('ann', {}, null, OWNER);
    const made = grants.create({ user: 'ann', ...VIEWER, pattern: 'config:**' }, OWNER);
    expect(await faultOf(made)).toBe('ERR_WRONG_TYPE pattern');
  });
});
