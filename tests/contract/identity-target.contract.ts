/** What a command may rely on about users, grants, tokens and keys, on a registry and on a data directory. @module */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allItems, type IdentityTarget } from '../../src/cli/identity-target.ts';
import { isConfigError } from '../../src/errors/errors.ts';

export interface OpenedIdentityTarget {
  readonly target: IdentityTarget;
  close(): Promise<void>;
}

const WRITE = { actor: 'ann', reason: 'why' };
const PASSWORD = 'four random words here';

/** `open` gives a target over a fresh data directory whose administrator is `ann`. */
export function describeIdentityTarget(kind: string, open: () => Promise<OpenedIdentityTarget>): void {
  describe(`users, grants, tokens and keys of a ${kind}`, () => {
    let opened: OpenedIdentityTarget;
    let target: IdentityTarget;
    beforeAll(async () => {
      opened = await open();
      target = opened.target;
    });
    afterAll(() => opened.close());

    test('makes, shows, changes and deletes users, signed', async () => {
      expect(target.kind).toBe(kind);
      const made = await target.createUser({ name: 'bob', email: 'Bob@Example.com', password: PASSWORD }, WRITE);
      expect(made).toMatchObject({ name: 'bob', email: 'bob@example.com', hasPassword: true, modifiedBy: 'ann' });
      expect(await target.user('bob')).toEqual(made);
      const { revision } = await target.updateUser('bob', { email: null, isDisabled: true }, WRITE);
      expect(revision).toBeGreaterThan(made.revision);
      expect(await target.user('bob')).toMatchObject({ email: null, isDisabled: true, displayName: null });
      const stale = target.updateUser('bob', { displayName: 'x' }, { ...WRITE, expected: made.revision });
      expect(await codeOf(stale)).toMatch(/^ERR_(REVISION_CONFLICT|PRECONDITION)$/);
      expect((await target.users()).items.map(({ name }) => name)).toEqual(['ann', 'bob']);
      await target.deleteUser('bob', WRITE);
      expect(await codeOf(target.user('bob'))).toBe('ERR_NOT_FOUND');
    });

    test('refuses in the same words', async () => {
      expect(await codeOf(target.createUser({ name: 'Bob!' }, WRITE))).toBe('ERR_NAME');
      expect(await codeOf(target.createUser({ name: 'bob', password: 'short' }, WRITE))).toBe('ERR_PASSWORD');
      expect(await codeOf(target.createUser({ name: 'ann' }, WRITE))).toBe('ERR_REVISION_CONFLICT');
      expect(await codeOf(target.deleteUser('ann', WRITE))).toBe('ERR_FORBIDDEN');
      expect(await codeOf(target.deleteGrant('none', WRITE))).toBe('ERR_NOT_FOUND');
      const grant = { user: 'nobody-here', role: 'viewer', pattern: '*', sections: null } as const;
      expect(await codeOf(target.createGrant(grant, WRITE))).toBe('ERR_NOT_FOUND');
      expect(await codeOf(target.createGrant({ ...grant, user: 'ann', pattern: '**' }, WRITE))).toBe('ERR_WRONG_TYPE');
      const token = { user: 'ann', name: 'ci', expiresAt: 1 };
      expect(await codeOf(target.createToken(token, WRITE))).toBe('ERR_OUT_OF_RANGE');
    });

    test('grants, changes the grant, takes it away', async () => {
      await target.createUser({ name: 'eve' }, WRITE);
      const sections = ['feature:new_*'];
      const made = await target.createGrant({ user: 'eve', role: 'operator', pattern: 'config:a', sections }, WRITE);
      const changed = await target.updateGrant(made.id, { sections: null, role: 'viewer' }, WRITE);
      expect(changed).toMatchObject({ user: 'eve', role: 'viewer', pattern: 'config:a', sections: null });
      expect((await target.grants({ user: 'eve' })).items).toEqual([changed]);
      await target.deleteGrant(made.id, WRITE);
      expect((await target.grants({ user: 'eve' })).items).toEqual([]);
    });

    test('grants what must be approved, and makes tokens for pages', async () => {
      await target.createUser({ name: 'tim' }, WRITE);
      const asking = { role: 'operator', pattern: 'config:*', sections: null, needsApproval: true } as const;
      const made = await target.createGrant({ user: 'tim', ...asking }, WRITE);
      expect((await target.grants({ user: 'tim' })).items).toMatchObject([{ ...asking, id: made.id }]);
      const direct = await target.updateGrant(made.id, { needsApproval: false }, WRITE);
      expect(direct.needsApproval).toBe(false);
      const ci = await target.createToken({ user: 'tim', name: 'ci', scope: [asking] }, WRITE);
      expect(ci).toMatchObject({ scope: [asking], isBrowser: false });
      const scope = [{ role: 'viewer', pattern: 'config:a', sections: null }] as const;
      const near = await target.createToken({ user: 'tim', name: 'near', cidrs: ['10.0.0.0/8'] }, WRITE);
      expect([near.cidrs, ci.cidrs]).toEqual([['10.0.0.0/8'], null]);
      await target.deleteToken(near.id, WRITE);
      const web = await target.createToken({ user: 'tim', name: 'web', isBrowser: true, scope }, WRITE);
      expect(web).toMatchObject({ isBrowser: true, readOnly: true, scope });
      const more = target.updateToken(web.id, { readOnly: false }, WRITE);
      expect(await codeOf(more)).toBe('ERR_WRONG_TYPE');
      await target.deleteUser('tim', WRITE);
    });

    test('makes tokens whose secret is seen once, and lists them page by page', async () => {
      const scope = [{ role: 'viewer', pattern: 'config:*', sections: null }] as const;
      const made = [];
      for (const name of ['a', 'b', 'c']) made.push(await target.createToken({ user: 'ann', name, scope }, WRITE));
      expect(new Set(made.map(({ secret }) => secret)).size).toBe(3);
      const listed = await allItems((cursor) => target.tokens({ user: 'ann', cursor, limit: 1 }));
      expect(listed.map(({ id }) => id)).toEqual(made.map(({ id }) => id).toSorted());
      expect(listed[0]).toMatchObject({ user: 'ann', scope, readOnly: false, lastUsedAt: null });
      expect(JSON.stringify(listed)).not.toMatch(/secret|hash/);
      const changed = await target.updateToken(made[1]!.id, { readOnly: true, scope: null }, WRITE);
      expect(changed).toMatchObject({ name: 'b', readOnly: true, scope: null, expiresAt: made[1]!.expiresAt });
      await target.deleteToken(made[0]!.id, WRITE);
      expect((await target.tokens({ user: 'ann' })).items).toHaveLength(2);
    });

    test('sets passwords and ends sign-ins', async () => {
      await target.setPassword('eve', PASSWORD, WRITE);
      expect((await target.user('eve')).hasPassword).toBe(true);
      await target.setPassword('eve', null, WRITE);
      expect((await target.user('eve')).hasPassword).toBe(false);
      await target.signOut('eve', WRITE);
      expect(await codeOf(target.signOut('nobody-here', WRITE))).toBe('ERR_NOT_FOUND');
    });

    test('rotates the signing key', async () => {
      const before = await target.keys();
      const after = await target.rotateKeys();
      expect(after.map(({ kid }) => kid).slice(1)).toEqual(before.map(({ kid }) => kid));
      expect(after.map(({ isSigning }) => isSigning)).toEqual([true, ...before.map(() => false)]);
    });
  });
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'done';
  } catch (error) {
    if (isConfigError(error)) return error.code;
    throw error;
  }
}
