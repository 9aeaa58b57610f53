/** The link for the first administrator: one day, one use, and only while there is nobody. @module */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SETUP_LIFETIME_MS } from '../../src/auth/setup-link.ts';
import { tempDirectory } from '../journal/fixtures.ts';
import { faultOf, house } from './fixtures.ts';
import { OWNER, PASSWORD, signedIn } from './house.ts';

const WRONG = 'ERR_UNAUTHENTICATED link';

describe('the link', () => {
  it('makes the first administrator in one append', async () => {
    const it = await house();
    const secret = await it.setupLink.create();
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    await it.setupLink.redeem(secret, 'ann', PASSWORD);
    const { entries } = await it.journal.read({ limit: 10, order: 'asc' });
    expect(entries.map(({ type }) => type)).toEqual(['identities.changed', 'user.put', 'grant.put']);
    expect(new Set(entries.map(({ actor }) => actor))).toEqual(new Set(['ann']));
    const ann = await it.authenticator.authenticate(await signedIn(it, 'ann'));
    expect(ann.grants).toMatchObject([{ role: 'admin', pattern: '*', sections: null }]);
    expect(await faultOf(it.setupLink.redeem(secret, 'bob', PASSWORD))).toBe(WRONG);
    expect(await faultOf(it.setupLink.create())).toBe('ERR_FORBIDDEN setup');
    expect(await Bun.file(it.keyring.path).text()).not.toContain(secret);
  });

  it('is not guessed, ends after a day, and when another one is made', async () => {
    let now = 1_800_000_000_000;
    const it = await house(undefined, () => now);
    const redeem = (secret: string): Promise<string> => faultOf(it.setupLink.redeem(secret, 'ann', PASSWORD));
    expect(await redeem(''), 'before there is one').toBe(WRONG);
    const first = await it.setupLink.create();
    const second = await it.setupLink.create();
    for (const secret of [first, '', `${second}x`, second.slice(1)]) expect(await redeem(secret)).toBe(WRONG);
    now += SETUP_LIFETIME_MS;
    expect(await redeem(second)).toBe(WRONG);
    const third = await it.setupLink.create();
    now += SETUP_LIFETIME_MS - 1;
    expect(await redeem(third)).toBe('none');
  });

  it('stays good after a name or a password that cannot be', async () => {
    const it = await house();
    const secret = await it.setupLink.create();
    expect(await faultOf(it.setupLink.redeem(secret, 'Ann', PASSWORD))).toBe('ERR_NAME');
    expect(await faultOf(it.setupLink.redeem(secret, 'ann', 'short'))).toBe('ERR_PASSWORD length');
    expect(await faultOf(it.setupLink.redeem(secret, 'ann', PASSWORD))).toBe('none');
  });

  it('stays good when the journal refuses, and leaves no password behind', async () => {
    const it = await house();
    const secret = await it.setupLink.create();
    await it.journal.close();
    expect(await faultOf(it.setupLink.redeem(secret, 'ann', PASSWORD))).toBe('ERR_CLOSED');
    expect(it.keyring.entries('password')).toEqual([]);
    expect(it.keyring.entries('setup')).toHaveLength(1);
  });

  it('ends when somebody else makes a user first', async () => {
    const it = await house();
    const secret = await it.setupLink.create();
    await it.users.create('bob', {}, null, OWNER);
    expect(await faultOf(it.setupLink.redeem(secret, 'ann', PASSWORD))).toBe('ERR_FORBIDDEN setup');
    expect(it.keyring.entries('password')).toEqual([]);
    expect([...it.identities.state.users.keys()]).toEqual(['bob']);
  });

  it('of two at once lets one in, under one name or two', async () => {
    for (const names of [
      ['ann', 'ann'],
      ['ann', 'bob'],
    ]) {
      const it = await house();
      const secret = await it.setupLink.create();
      const outcomes = await Promise.all(
        names.map((name, i) => faultOf(it.setupLink.redeem(secret, name, `${PASSWORD} ${i}`))),
      );
      expect(outcomes.toSorted()).toEqual([WRONG, 'none']);
      const winner = outcomes.indexOf('none');
      expect(await signedIn(it, names[winner]!, `${PASSWORD} ${winner}`)).toContain('Bearer');
      const { users, grants } = it.identities.state;
      expect([users.size, grants.size, it.keyring.entries('password').length]).toEqual([1, 1, 1]);
    }
  });

  it('of three processes at once lets one in', async () => {
    const directory = tempDirectory();
    const it = await house(directory);
    const secret = await it.setupLink.create();
    const children = Array.from({ length: 3 }, () =>
      Bun.spawn([process.execPath, join(import.meta.dirname, 'other-process.ts'), directory, 'redeem', secret], {
        stdout: 'pipe',
        stderr: 'inherit',
      }),
    );
    const said = await Promise.all(children.map((child) => new Response(child.stdout).text()));
    expect(said.filter((text) => text === 'done')).toHaveLength(1);
    const { users, grants } = await it.identities.fresh();
    expect([users.size, grants.size, it.keyring.entries('password').length]).toEqual([1, 1, 1]);
  });

  it('and a user made at the same moment do not both become the first', async () => {
    for (let round = 0; round < 5; round++) {
      const it = await house();
      const secret = await it.setupLink.create();
      const [link, made] = await Promise.all([
        faultOf(it.setupLink.redeem(secret, 'ann', PASSWORD)),
        faultOf(it.users.create('bob', {}, PASSWORD, OWNER)),
      ]);
      expect(made).toBe('none');
      const names = [...it.identities.state.users.keys()];
      expect(names).toEqual(link === 'none' ? ['ann', 'bob'] : ['bob']);
      const { entries } = await it.journal.read({ type: 'user.put', limit: 10, order: 'asc' });
      expect(entries[0]!.stream, 'who came by the link came first').toBe(link === 'none' ? 'user:ann' : 'user:bob');
    }
  });
});
