/** Who is who, in memory: as the journal has it before anybody is let in, whoever changed it. @module */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openIdentities, principalOfTokenId } from '../../src/auth/identities.ts';
import { KEYRING } from '../../src/auth/keyring.ts';
import type { Principal } from '../../src/auth/rights.ts';
import { may } from '../../src/auth/rights.ts';
import { bytes, tempDirectory } from '../journal/fixtures.ts';
import { faultOf, house } from './fixtures.ts';
import { addUser, bearer, OWNER, signedIn, type House } from './house.ts';

async function inAnotherProcess(directory: string, verb: string, what: string): Promise<string> {
  const command = [process.execPath, join(import.meta.dirname, 'other-process.ts'), directory, verb, what];
  const child = Bun.spawn(command, { stdout: 'pipe', stderr: 'inherit' });
  return await new Response(child.stdout).text();
}

/** Ann's token and sign-in, both known to the cache. */
async function knownAnn(it: House): Promise<{ token: string; jwt: string; id: string; grant: string }> {
  await addUser(it, 'ann');
  const { text, token } = await it.tokens.create({ user: 'ann', name: 'ci' }, OWNER);
  const jwt = await signedIn(it, 'ann');
  for (const header of [bearer(text), jwt]) {
    await it.authenticator.authenticate(header);
    expect(it.authenticator.authenticateNow(header)).not.toBeNull();
  }
  return { token: bearer(text), jwt, id: token.id, grant: [...it.identities.state.grants.keys()][0]! };
}

describe('what another process does counts from the next request', () => {
  it.each([
    ['revoke', 'id', 'revoked', 'none'],
    ['disable', 'ann', 'disabled', 'disabled'],
    ['delete', 'ann', 'revoked', 'unknown'],
    ['signOutEverywhere', 'ann', 'none', 'revoked'],
  ] as const)('%s', async (verb, what, token, jwt) => {
    const directory = tempDirectory();
    const it = await house(directory);
    const ann = await knownAnn(it);
    expect(await inAnotherProcess(directory, verb, what === 'id' ? ann.id : what)).toBe('done');
    for (const [header, why] of [
      [ann.token, token],
      [ann.jwt, jwt],
    ] as const) {
      expect(it.authenticator.authenticateNow(header), 'nothing is said before it was looked').toBeNull();
      const fault = await faultOf(it.authenticator.authenticate(header));
      expect(fault).toBe(why === 'none' ? 'none' : `ERR_UNAUTHENTICATED ${why}`);
      // The look is over now: what is still good is known again, without a further one.
      expect(it.authenticator.authenticateNow(header) !== null).toBe(why === 'none');
      // As if somebody had appended something else.
      it.announced[0] = it.announced[0]! + 1;
    }
  });

  it('taking a grant', async () => {
    const directory = tempDirectory();
    const it = await house(directory);
    const ann = await knownAnn(it);
    const mayWrite = (principal: Principal): boolean => may(principal, 'write', 'config:a');
    expect(mayWrite(await it.authenticator.authenticate(ann.token))).toBe(true);
    expect(await inAnotherProcess(directory, 'takeGrant', ann.grant)).toBe('done');
    expect(it.authenticator.authenticateNow(ann.token)).toBeNull();
    for (const header of [ann.token, ann.jwt]) {
      expect(mayWrite(await it.authenticator.authenticate(header))).toBe(false);
    }
  });

  it('and what has nothing to do with it costs one look, and no further verification', async () => {
    const directory = tempDirectory();
    const it = await house(directory);
    const ann = await knownAnn(it);
    const principal = it.authenticator.authenticateNow(ann.jwt);
    const { version } = it.identities;
    expect(await inAnotherProcess(directory, 'somethingElse', '0')).toBe('done');
    expect(it.authenticator.authenticateNow(ann.jwt)).toBeNull();
    expect(await it.authenticator.authenticate(ann.jwt)).toBe(principal);
    expect(it.authenticator.authenticateNow(ann.jwt)).toBe(principal);
    expect(it.identities.version).toBe(version);
  });
});

function somethingElse(expected: number) {
  return { stream: 'config:b', type: 'x', actor: 'x', reason: '', body: bytes(''), expected };
}

describe('the state', () => {
  it('stays fresh without a look while this process alone appends other things', async () => {
    const it = await house();
    await addUser(it, 'ann');
    for (let i = 0; i < 5; i++) {
      await it.journal.append([somethingElse(i)]);
      expect(it.announced[0]).toBe((await it.journal.head()).seq);
      expect(it.identities.isFresh).toBe(true);
    }
  });

  it('is of after a change as soon as the change resolves', async () => {
    const it = await house();
    await it.users.create('ann', {}, null, OWNER);
    expect(it.identities.isFresh).toBe(true);
    expect([...it.identities.state.users.keys()]).toEqual(['ann']);
    const { version } = it.identities;
    await it.users.update('ann', { displayName: 'Ann' }, OWNER);
    expect(it.identities.version).toBeGreaterThan(version);
  });

  it('is known to be another as soon as this process has appended, announced or not', async () => {
    const it = await house();
    const other = await openIdentities({ journal: it.journal, keyring: it.keyring, head: () => 0 });
    expect(other.isFresh).toBe(true);
    await it.users.create('ann', {}, null, OWNER);
    expect(other.isFresh).toBe(false);
    expect((await other.fresh()).users.size).toBe(1);
    other.close();
  });

  it('lets nobody in while the journal cannot be asked', async () => {
    const directory = tempDirectory();
    const it = await house(directory);
    const ann = await knownAnn(it);
    await it.journal.close();
    expect(it.authenticator.authenticateNow(ann.jwt), 'nothing has moved').not.toBeNull();
    it.announced[0] = it.announced[0]! + 1;
    expect(it.authenticator.authenticateNow(ann.jwt)).toBeNull();
    for (const header of [ann.jwt, ann.token]) {
      expect(await faultOf(it.authenticator.authenticate(header))).toBe('ERR_CLOSED');
    }
    expect(await faultOf(it.authenticator.anonymous())).toBe('ERR_CLOSED');
    expect(it.authenticator.anonymousNow()).toBeNull();
  });

  it('asks the journal once for many who wait at once', async () => {
    const it = await house();
    await addUser(it, 'ann');
    it.announced[0] = it.announced[0]! + 1;
    const states = await Promise.all(Array.from({ length: 50 }, () => it.identities.fresh()));
    expect(new Set(states).size).toBe(1);
  });
});

it('knows who holds a token by its id alone, as long as the token and its user are good', async () => {
  const it = await house();
  const { id, token } = await knownAnn(it);
  const now = Date.now();
  const holder = async (at = now) => principalOfTokenId(await it.identities.fresh(), id, at);
  expect(await holder()).toEqual(it.authenticator.authenticateNow(token));
  const { expiresAt } = (await it.identities.fresh()).tokens.get(id)!.value;
  expect([(await holder(expiresAt - 1))?.actor, await holder(expiresAt)]).toEqual(['ann/ci', null]);
  await it.users.update('ann', { isDisabled: true }, OWNER);
  expect(await holder()).toBeNull();
  await it.users.update('ann', { isDisabled: false }, OWNER);
  expect(await holder()).not.toBeNull();
  // As after a backup that has brought back what was revoked.
  it.keyring.set(KEYRING.revoked, id, '', expiresAt);
  await it.users.update('ann', { displayName: 'Ann' }, OWNER);
  expect(await holder()).toBeNull();
  expect(await faultOf(it.authenticator.authenticate(token))).toBe('ERR_UNAUTHENTICATED revoked');
});
