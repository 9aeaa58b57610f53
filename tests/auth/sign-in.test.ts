/** Signing in: whoever fails learns nothing, and what is signed ends with the password it was signed for. @module */
import { describe, expect, it } from 'vitest';
import { tellable } from '../../src/auth/refusal.ts';
import { isConfigError, type ConfigError } from '../../src/errors/errors.ts';
import { faultOf, house } from './fixtures.ts';
import { addUser, bearer, OWNER, PASSWORD, signedIn } from './house.ts';

async function refusalOf(action: Promise<unknown>): Promise<ConfigError> {
  try {
    await action;
  } catch (error) {
    if (isConfigError(error)) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('signing in', () => {
  it('fails for every reason in the same words', async () => {
    const it = await house();
    for (const name of ['ann', 'bob', 'eve']) await addUser(it, name);
    await it.users.update('bob', { isDisabled: true }, OWNER);
    await it.users.removePassword('eve', OWNER);
    const refusals = [];
    for (const [name, password] of [
      ['nobody', PASSWORD],
      ['', PASSWORD],
      ['anonymous', PASSWORD],
      ["ann' OR 1=1 --", PASSWORD],
      ['ann', `${PASSWORD}x`],
      ['ann', ''],
      ['ann', 'x'.repeat(1e6)],
      ['bob', PASSWORD],
      ['eve', PASSWORD],
    ] as const) {
      refusals.push(JSON.stringify(await refusalOf(it.signIn.withPassword(name, password))));
    }
    expect(new Set(refusals).size).toBe(1);
    expect(refusals[0]).toContain('"why":"password"');
    expect(await it.signIn.withPassword('ann', PASSWORD)).toEqual({ user: 'ann', epoch: 1 });
  });

  it('begun with the old password is over when the new one is set', async () => {
    const it = await house();
    await addUser(it, 'ann');
    const begun = it.signIn.withPassword('ann', PASSWORD);
    const [{ user, epoch }] = await Promise.all([begun, it.users.setPassword('ann', 'quite another sentence', OWNER)]);
    const header = bearer((await it.jwts.issue(user, epoch)).token);
    expect(await faultOf(it.authenticator.authenticate(header))).toBe('ERR_UNAUTHENTICATED revoked');
    expect(await faultOf(it.signIn.withPassword('ann', PASSWORD))).toBe('ERR_UNAUTHENTICATED password');
    expect(await signedIn(it, 'ann', 'quite another sentence')).toContain('Bearer');
  });

  it('through a provider needs a user who is there and not disabled', async () => {
    const it = await house();
    await addUser(it, 'ann');
    expect(await it.signIn.vouchedFor('ann')).toEqual({ user: 'ann', epoch: 1 });
    await it.users.update('ann', { isDisabled: true }, OWNER);
    expect(await faultOf(it.signIn.vouchedFor('ann'))).toBe('ERR_UNAUTHENTICATED disabled');
    expect(await faultOf(it.signIn.vouchedFor('bob'))).toBe('ERR_UNAUTHENTICATED unknown');
  });
});

describe('what may be told', () => {
  it('is one sentence for all that failed, but for what expired', async () => {
    const it = await house();
    await addUser(it, 'ann');
    const { token } = await it.tokens.create({ user: 'ann', name: 'ci' }, OWNER);
    const told = new Set<string>();
    for (const header of [
      '',
      'Basic YTpi',
      bearer('x'),
      bearer('a.b.c'),
      bearer(`c13_${token.id}_${'A'.repeat(43)}_00000000`),
    ]) {
      const refusal = tellable(await refusalOf(it.authenticator.authenticate(header)));
      told.add(JSON.stringify(refusal));
      expect(refusal.cause).toBeUndefined();
    }
    expect(told.size).toBe(1);
    expect([...told][0]).toContain('"why":"refused"');
    // Who has typed a password needs no advice about headers, and hears the same for every name.
    const typed = await Promise.all(
      ['ann', 'bob'].map((name) => refusalOf(it.signIn.withPassword(name, 'not the one at all'))),
    );
    const [wrong, nobody] = typed.map((refusal) => JSON.stringify(tellable(refusal)));
    expect(wrong).toBe(nobody);
    expect(wrong).toMatch(/"why":"refused"/);
    expect(wrong).toMatch(/Check the name and the password/);
    const other = await refusalOf(it.users.delete('bob', OWNER));
    expect(tellable(other)).toBe(other);
  });
});
