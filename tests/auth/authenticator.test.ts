/** From a header to a principal: what is let in, what is refused and why, and what a sign-out ends. @module */
import { describe, expect, it } from 'vitest';
import { may } from '../../src/auth/rights.ts';
import { tokenText } from '../../src/auth/token-text.ts';
import { tempDirectory } from '../journal/fixtures.ts';
import { faultOf, house } from './fixtures.ts';
import { addUser, bearer, openHouse, OWNER, signedIn } from './house.ts';

describe('a header', () => {
  it.each([
    ['', 'malformed'],
    ['Bearer', 'malformed'],
    ['Bearer ', 'malformed'],
    ['Basic YW5uOnBhc3N3b3Jk', 'malformed'],
    ['Bearer a b', 'malformed'],
    [`Bearer ${'x'.repeat(10_000)}`, 'malformed'],
    ['Bearer not-a-token', 'malformed'],
    ['Bearer c13_', 'malformed'],
    [`Bearer c13_0123456789abcdef_${'A'.repeat(43)}_00000000`, 'malformed'],
    [bearer(tokenText({ id: '0123456789abcdef', secret: 'A'.repeat(43) })), 'unknown'],
    ['Bearer \u0141\u0141\u0141', 'malformed'],
  ])('%j is refused: %s', async (header, why) => {
    const { authenticator } = await house();
    expect(await faultOf(authenticator.authenticate(header))).toBe(`ERR_UNAUTHENTICATED ${why}`);
    expect(authenticator.authenticateNow(header), 'nothing that was refused is known').toBeNull();
  });

  it('names its scheme in any case', async () => {
    const it = await house();
    await addUser(it, 'ann');
    const text = (await signedIn(it, 'ann')).slice('Bearer '.length);
    for (const scheme of ['bearer', 'BEARER', 'Bearer  ']) {
      expect((await it.authenticator.authenticate(`${scheme} ${text}`)).user).toBe('ann');
    }
  });

  it('with a token of the right id and another secret is refused, also when the right one is known', async () => {
    const it = await house();
    await addUser(it, 'ann');
    const { text, token } = await it.tokens.create({ user: 'ann', name: 'ci' }, OWNER);
    await it.authenticator.authenticate(bearer(text));
    const guess = tokenText({ id: token.id, secret: 'A'.repeat(43) });
    expect(await faultOf(it.authenticator.authenticate(bearer(guess)))).toBe('ERR_UNAUTHENTICATED tampered');
  });

  it('is answered from memory with the same principal, until something of it changes', async () => {
    const it = await house();
    await addUser(it, 'ann');
    const header = await signedIn(it, 'ann');
    expect(it.authenticator.authenticateNow(header)).toBeNull();
    const principal = await it.authenticator.authenticate(header);
    expect(it.authenticator.authenticateNow(header)).toBe(principal);
    await it.grants.create({ user: 'ann', role: 'admin', pattern: 'user:*', sections: null }, OWNER);
    expect(it.authenticator.authenticateNow(header)).toBeNull();
    expect((await it.authenticator.authenticate(header)).grants).toHaveLength(2);
  });

  it('of a sign-in expires by the clock', async () => {
    let now = 1_800_000_000_000;
    const it = await house(undefined, () => now);
    await addUser(it, 'ann');
    const header = await signedIn(it, 'ann');
    await it.authenticator.authenticate(header);
    now += 8 * 3_600_000 - 1;
    expect(it.authenticator.authenticateNow(header)).not.toBeNull();
    now += 1;
    expect(it.authenticator.authenticateNow(header)).toBeNull();
    expect(await faultOf(it.authenticator.authenticate(header))).toBe('ERR_UNAUTHENTICATED expired');
  });
});

describe('everybody', () => {
  it('may what was granted to anonymous: by looking, and users too', async () => {
    const it = await house();
    await addUser(it, 'ann', null);
    expect(may(await it.authenticator.anonymous(), 'read', 'config:a')).toBe(false);
    await it.grants.create({ user: 'anonymous', role: 'viewer', pattern: 'config:a', sections: null }, OWNER);
    const ann = await it.authenticator.authenticate(await signedIn(it, 'ann'));
    for (const principal of [it.authenticator.anonymousNow()!, await it.authenticator.anonymous(), ann]) {
      expect(may(principal, 'read', 'config:a')).toBe(true);
      expect(may(principal, 'read', 'config:b')).toBe(false);
      expect(may(principal, 'write', 'config:a')).toBe(false);
    }
  });

  it('cannot be more than a viewer', async () => {
    const { grants } = await house();
    for (const role of ['operator', 'publisher', 'admin'] as const) {
      const grant = { user: 'anonymous', role, pattern: '*', sections: null };
      expect(await faultOf(grants.create(grant, OWNER))).toBe('ERR_FORBIDDEN anonymous-viewer');
    }
    const { key } = await grants.create({ user: 'anonymous', role: 'viewer', pattern: '*', sections: null }, OWNER);
    expect(await faultOf(grants.update(key, { role: 'admin' }, OWNER))).toBe('ERR_FORBIDDEN anonymous-viewer');
  });
});

describe('a sign-out', () => {
  it('ends that one sign-in, at once and over a restart, and no other', async () => {
    const directory = tempDirectory();
    const first = await openHouse(directory);
    await addUser(first, 'ann');
    const [ended, other] = [await signedIn(first, 'ann'), await signedIn(first, 'ann')];
    for (const header of [ended, other]) await first.authenticator.authenticate(header);
    await first.authenticator.signOut(ended);
    expect(first.authenticator.authenticateNow(ended)).toBeNull();
    expect(await faultOf(first.authenticator.authenticate(ended))).toBe('ERR_UNAUTHENTICATED revoked');
    expect(await faultOf(first.authenticator.signOut(ended))).toBe('ERR_UNAUTHENTICATED revoked');
    expect(first.authenticator.authenticateNow(other)?.user).toBe('ann');
    await first.end();
    const { authenticator } = await house(directory);
    expect(await faultOf(authenticator.authenticate(ended))).toBe('ERR_UNAUTHENTICATED revoked');
    expect((await authenticator.authenticate(other)).user).toBe('ann');
  });

  it('wins over a request that is being verified', async () => {
    const it = await house();
    await addUser(it, 'ann');
    const header = await signedIn(it, 'ann');
    const [, , outcome] = await Promise.all([
      it.authenticator.authenticate(header),
      it.authenticator.signOut(header),
      faultOf(it.authenticator.authenticate(header)),
    ]);
    expect(['none', 'ERR_UNAUTHENTICATED revoked']).toContain(outcome);
    expect(it.authenticator.authenticateNow(header)).toBeNull();
    expect(await faultOf(it.authenticator.authenticate(header))).toBe('ERR_UNAUTHENTICATED revoked');
  });

  it('is for sign-ins: a token is revoked', async () => {
    const it = await house();
    await addUser(it, 'ann');
    const { text } = await it.tokens.create({ user: 'ann', name: 'ci' }, OWNER);
    expect(await faultOf(it.authenticator.signOut(bearer(text)))).toBe('ERR_BAD_REQUEST authorization');
    expect((await it.authenticator.authenticate(bearer(text))).user).toBe('ann');
  });

  it('of long ago is forgotten, when what it ended would have expired', async () => {
    let now = 1_800_000_000_000;
    const it = await house(undefined, () => now);
    await addUser(it, 'ann');
    await it.authenticator.signOut(await signedIn(it, 'ann'));
    expect(it.keyring.entries('ended')).toHaveLength(1);
    now += 8 * 3_600_000;
    expect(it.keyring.sweep()).toBe(1);
  });
});

it('a last use that cannot be written is told, and harms nobody', async () => {
  const it = await house();
  await addUser(it, 'ann');
  const { text } = await it.tokens.create({ user: 'ann', name: 'ci' }, OWNER);
  it.scratch.close();
  await it.authenticator.authenticate(bearer(text));
  await new Promise<void>((resolve) => void setImmediate(() => resolve()));
  expect(it.errors).toMatchObject([{ code: 'ERR_STORE' }]);
  expect((await it.authenticator.authenticate(bearer(text))).user).toBe('ann');
});
