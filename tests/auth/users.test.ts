/** Users: made, changed, deleted; who must always be left; what a name can never bring back. @module */
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempDirectory } from '../journal/fixtures.ts';
import { faultOf, house } from './fixtures.ts';
import { addUser, bearer, openHouse, OWNER, PASSWORD, signedIn, type House } from './house.ts';

/** In the place of a journal that nobody has open. */
function putBack(backup: string, directory: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(join(directory, `journal.db${suffix}`), { force: true });
  copyFileSync(backup, join(directory, 'journal.db'));
}

/** As another process sees it. */
async function openedAgain({ identities }: House, directory: string) {
  await identities.fresh();
  return (await house(directory)).identities;
}

describe('a user', () => {
  it('is made, changed and deleted, with a password that is nowhere in the journal', async () => {
    const { users, identities, journal, keyring } = await house();
    expect(identities.hasUsers).toBe(false);
    const made = await users.create('ann', { email: 'Ann@Example.com' }, PASSWORD, OWNER);
    expect(made).toMatchObject({ key: 'ann', revision: 1, value: { email: 'ann@example.com', epoch: 1 } });
    expect(identities.hasUsers).toBe(true);
    const changed = await users.update('ann', { displayName: 'Ann' }, { actor: 'ann', expected: 1 });
    expect(changed.value).toEqual({ ...made.value, displayName: 'Ann' });
    expect(await identities.users.get('ann')).toEqual(changed);
    const hash = keyring.get('password', 'ann')!;
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    const { entries } = await journal.read({ limit: 100, order: 'asc' });
    const text = entries.map(({ body }) => new TextDecoder().decode(body!)).join();
    for (const secret of [PASSWORD, hash, 'argon2']) expect(text).not.toContain(secret);
    await users.delete('ann', OWNER);
    expect(keyring.get('password', 'ann')).toBeNull();
    expect(identities.hasUsers).toBe(false);
  });

  it.each([
    ['', 'ERR_NAME'],
    ['Ann', 'ERR_NAME'],
    ['ann@loopback', 'ERR_NAME'],
    ['../ann', 'ERR_NAME'],
    ['.ann', 'ERR_NAME'],
    ['ann\n', 'ERR_NAME'],
    ['a'.repeat(65), 'ERR_NAME'],
    ['anonymous', 'ERR_NAME'],
    ['owner', 'ERR_NAME'],
    ['a.nn-2_x', 'none'],
    ['a'.repeat(64), 'none'],
  ])('called %j: %s', async (name, code) => {
    const { users, journal } = await house();
    expect(await faultOf(users.create(name, {}, null, OWNER))).toBe(code);
    expect((await journal.head()).seq).toBe(code === 'none' ? 2 : 0);
  });

  it.each([
    [{ email: 'ann' }, 'email'],
    [{ email: 'a@b c' }, 'email'],
    [{ displayName: '' }, 'displayName'],
    [{ displayName: 'a\u0007' }, 'displayName'],
    [{ isDisabled: 1 }, 'isDisabled'],
    [{ oidcSubject: 'ann' }, 'oidcSubject'],
  ])('with %j is refused', async (fields, field) => {
    const { users, journal } = await house();
    expect(await faultOf(users.create('ann', fields as object, null, OWNER))).toBe(`ERR_WRONG_TYPE ${field}`);
    expect((await journal.head()).seq).toBe(0);
  });

  it('is one: a name, an address and a subject belong to one at a time', async () => {
    const { users } = await house();
    const subject = 'https://login.example.com 42';
    await users.create('ann', { email: 'ann@example.com', oidcSubject: subject }, null, OWNER);
    expect(await faultOf(users.create('ann', {}, null, OWNER))).toBe('ERR_REVISION_CONFLICT');
    expect(await faultOf(users.create('bob', { email: 'ANN@example.com' }, null, OWNER))).toBe('ERR_BAD_REQUEST email');
    await users.create('bob', {}, null, OWNER);
    expect(await faultOf(users.update('bob', { oidcSubject: subject }, OWNER))).toBe('ERR_BAD_REQUEST oidcSubject');
    // A letter that Unicode folds to k is another letter.
    await users.create('kim', { email: 'kim@example.com' }, null, OWNER);
    expect((await users.update('bob', { email: '\u212aim@example.com' }, OWNER)).value.email).toBe(
      '\u212aim@example.com',
    );
  });

  it('is changed at the revision that was seen, or not at all', async () => {
    const { users } = await house();
    await users.create('ann', {}, null, OWNER);
    const write = { ...OWNER, expected: 1 };
    const outcomes = await Promise.all(
      [1, 2, 3].map((n) => faultOf(users.update('ann', { displayName: `${n}` }, write))),
    );
    expect(outcomes.toSorted()).toEqual(['ERR_REVISION_CONFLICT', 'ERR_REVISION_CONFLICT', 'none']);
    expect(await faultOf(users.delete('ann', write))).toBe('ERR_REVISION_CONFLICT');
    for (const action of [
      users.update('bob', {}, OWNER),
      users.delete('bob', OWNER),
      users.setPassword('bob', PASSWORD, OWNER),
    ]) {
      expect(await faultOf(action)).toBe('ERR_NOT_FOUND');
    }
  });
});

describe('the last administrator', () => {
  it('cannot be deleted, disabled or degraded, in whatever way', async () => {
    const { users, grants, identities, ...rest } = await house();
    await addUser({ users, grants, identities, ...rest }, 'ann', 'admin');
    await addUser({ users, grants, identities, ...rest }, 'bob', 'operator');
    const [id] = [...identities.state.grants].find(([, { value }]) => value.user === 'ann')!;
    const { seq } = await rest.journal.head();
    for (const action of [
      users.delete('ann', OWNER),
      users.update('ann', { isDisabled: true }, OWNER),
      grants.delete(id, OWNER),
      grants.update(id, { role: 'operator' }, OWNER),
      grants.update(id, { pattern: 'config:*' }, OWNER),
    ]) {
      expect(await faultOf(action)).toBe('ERR_FORBIDDEN last-admin');
    }
    expect((await rest.journal.head()).seq).toBe(seq);
    expect(await signedIn({ users, grants, identities, ...rest }, 'ann')).toContain('Bearer');
    await grants.create({ user: 'bob', role: 'admin', pattern: '*', sections: null }, OWNER);
    await users.delete('ann', OWNER);
    expect(await faultOf(users.delete('bob', OWNER))).toBe('ERR_FORBIDDEN last-admin');
  });

  it('is left when two processes each delete another one at once', async () => {
    const directory = tempDirectory();
    const [one, two] = [await house(directory), await house(directory)];
    for (const name of ['ann', 'bob']) await addUser(one, name, 'admin');
    await two.identities.fresh();
    const outcomes = await Promise.all([
      faultOf(one.users.delete('ann', OWNER)),
      faultOf(two.users.delete('bob', OWNER)),
    ]);
    expect(outcomes.toSorted()).toEqual(['ERR_FORBIDDEN last-admin', 'none']);
    expect((await one.identities.newest()).users.size).toBe(1);
  });
});

describe('sign-ins of a user', () => {
  it.each([
    ['password', (it) => it.users.setPassword('ann', 'quite another sentence', OWNER)],
    ['no password', (it) => it.users.removePassword('ann', OWNER)],
    ['disabled', (it) => it.users.update('ann', { isDisabled: true }, OWNER)],
    ['signed out', (it) => it.users.signOutEverywhere('ann', OWNER)],
    ['deleted', (it) => it.users.delete('ann', OWNER)],
  ] satisfies [string, (it: Awaited<ReturnType<typeof house>>) => Promise<unknown>][])(
    'end with %s, and never fit again',
    async (_, end) => {
      const it = await house();
      await addUser(it, 'ann');
      const header = await signedIn(it, 'ann');
      expect((await it.authenticator.authenticate(header)).actor).toBe('ann');
      expect(it.authenticator.authenticateNow(header)?.actor).toBe('ann');
      await end(it);
      expect(it.authenticator.authenticateNow(header)).toBeNull();
      expect(await faultOf(it.authenticator.authenticate(header))).toMatch(/^ERR_UNAUTHENTICATED/);
      if (it.identities.state.users.has('ann')) await it.users.update('ann', { isDisabled: false }, OWNER);
      else await addUser(it, 'ann');
      expect(await faultOf(it.authenticator.authenticate(header))).toBe('ERR_UNAUTHENTICATED revoked');
    },
  );

  it('outlive changes that are none of their business', async () => {
    const it = await house();
    await addUser(it, 'ann');
    const header = await signedIn(it, 'ann');
    await it.users.update('ann', { displayName: 'Ann' }, OWNER);
    await addUser(it, 'bob');
    expect((await it.authenticator.authenticate(header)).actor).toBe('ann');
  });

  it('do not come back with a database from a backup, nor do revoked tokens', async () => {
    const directory = tempDirectory();
    const first = await openHouse(directory);
    await addUser(first, 'ann');
    const header = await signedIn(first, 'ann');
    const revoked = await first.tokens.create({ user: 'ann', name: 'ci' }, OWNER);
    const kept = await first.tokens.create({ user: 'ann', name: 'other' }, OWNER);
    const backup = join(tempDirectory(), 'backup.db');
    await first.journal.backup(backup);
    await first.tokens.revoke(revoked.token.id, OWNER);
    await first.users.signOutEverywhere('ann', OWNER);
    const later = await signedIn(first, 'ann');
    await first.end();
    putBack(backup, directory);
    const { authenticator, tokens, identities } = await house(directory);
    expect(identities.state.tokens.has(revoked.token.id), 'its entry is back').toBe(true);
    expect(await faultOf(authenticator.authenticate(bearer(revoked.text)))).toBe('ERR_UNAUTHENTICATED revoked');
    expect((await authenticator.authenticate(bearer(kept.text))).actor).toBe('ann/other');
    expect(await faultOf(authenticator.authenticate(header))).toBe('ERR_UNAUTHENTICATED revoked');
    expect((await authenticator.authenticate(later)).actor, 'of the newest epoch').toBe('ann');
    expect(await tokens.ofUser('ann')).toHaveLength(2);
  });

  it.each([
    ['was disabled', (it) => it.users.update('ann', { isDisabled: true }, OWNER)],
    ['was deleted', (it) => it.users.delete('ann', OWNER)],
    [
      'was disabled twice, enabled between',
      async (it) => {
        for (const isDisabled of [true, false, true]) await it.users.update('ann', { isDisabled }, OWNER);
      },
    ],
  ] satisfies [string, (it: House) => Promise<unknown>][])(
    'do not come back with a database from a backup when he %s, by password, token or provider',
    async (_, end) => {
      const directory = tempDirectory();
      const first = await openHouse(directory);
      await addUser(first, 'ann');
      const { text } = await first.tokens.create({ user: 'ann', name: 'ci' }, OWNER);
      const backup = join(tempDirectory(), 'backup.db');
      await first.journal.backup(backup);
      await end(first);
      await first.end();
      putBack(backup, directory);
      const it = await house(directory);
      expect(it.identities.state.users.get('ann')?.value.isDisabled, 'his entry is back').toBe(true);
      expect(await faultOf(signedIn(it, 'ann'))).toBe('ERR_UNAUTHENTICATED password');
      expect(await faultOf(it.signIn.vouchedFor('ann'))).toBe('ERR_UNAUTHENTICATED disabled');
      expect(await faultOf(it.authenticator.authenticate(bearer(text)))).toMatch(/^ERR_UNAUTHENTICATED/);
      await it.users.update('ann', { isDisabled: false }, OWNER);
      expect(await it.signIn.vouchedFor('ann'), 'an administrator lets him in again').toMatchObject({ user: 'ann' });
      const { state } = await openedAgain(it, directory);
      expect(state.users.get('ann')?.value.isDisabled).toBe(false);
    },
  );

  it('begin again with a name whose user was deleted', async () => {
    const it = await house();
    await addUser(it, 'ann');
    await it.users.delete('ann', OWNER);
    await addUser(it, 'ann');
    expect(it.identities.state.users.get('ann')?.value.isDisabled).toBe(false);
    expect((await it.authenticator.authenticate(await signedIn(it, 'ann'))).actor).toBe('ann');
  });

  it('stay away when letting him in again fails', async () => {
    const it = await house();
    await addUser(it, 'ann');
    await it.users.update('ann', { isDisabled: true }, OWNER);
    const failed = it.users.update('ann', { isDisabled: false }, { ...OWNER, expected: 1 });
    expect(await faultOf(failed)).toMatch(/^ERR_REVISION_CONFLICT/);
    expect(it.keyring.get('disabled', 'ann')).toBe('');
  });
});

describe('deleting a user', () => {
  it('takes his grants and tokens in the same append', async () => {
    const it = await house();
    await addUser(it, 'ann');
    await addUser(it, 'bob');
    const { text, token } = await it.tokens.create({ user: 'ann', name: 'ci' }, { actor: 'ann' });
    const before = (await it.journal.head()).seq;
    await it.users.delete('ann', OWNER);
    const { entries } = await it.journal.read({ after: before, limit: 100, order: 'asc' });
    expect(entries.map(({ type }) => type)).toEqual([
      'identities.changed',
      'user.delete',
      'grant.delete',
      'token.delete',
    ]);
    expect(await faultOf(it.authenticator.authenticate(bearer(text)))).toBe('ERR_UNAUTHENTICATED revoked');
    await addUser(it, 'ann', null);
    const { grants, tokens, grantsOf } = it.identities.state;
    expect([grants.size, tokens.size, grantsOf.get('ann')]).toEqual([1, 0, undefined]);
    expect(it.keyring.get('revoked', token.id)).toBe('');
  });

  it('leaves nothing of his, however many make him tokens and grants meanwhile', async () => {
    const directory = tempDirectory();
    const [one, two] = [await house(directory), await house(directory)];
    await addUser(one, 'ann');
    const making = Array.from({ length: 6 }, (_, i) => [
      faultOf(two.tokens.create({ user: 'ann', name: `t${i}` }, OWNER)),
      faultOf(one.grants.create({ user: 'ann', role: 'viewer', pattern: '*', sections: null }, OWNER)),
    ]).flat();
    await one.users.delete('ann', OWNER);
    for (const outcome of await Promise.all(making)) expect(['none', 'ERR_NOT_FOUND']).toContain(outcome);
    const { users, grants, tokens } = await two.identities.newest();
    expect([users.size, grants.size, tokens.size]).toEqual([0, 0, 0]);
  });
});

it('a password that cannot be kept leaves the old one', async () => {
  const it = await house();
  await addUser(it, 'ann');
  const stale = { ...OWNER, expected: 99 };
  expect(await faultOf(it.users.setPassword('ann', 'quite another sentence', stale))).toBe('ERR_REVISION_CONFLICT');
  expect(await signedIn(it, 'ann')).toContain('Bearer');
  expect(await faultOf(it.users.setPassword('ann', 'ann is my name 123', OWNER))).toBe('ERR_PASSWORD name');
});
