/** API tokens: how they look, what they may, when they end. @module */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ACTIONS, may, ROLES } from '../../src/auth/rights.ts';
import { parseTokenText, tokenText } from '../../src/auth/token-text.ts';
import { TOKEN_LIFETIME_MAX_MS, TOKEN_LIFETIME_MS } from '../../src/auth/tokens.ts';
import { faultOf, house } from './fixtures.ts';
import { bearer, OWNER } from './house.ts';

const TEXT = /^c13_[0-9a-f]{16}_[A-Za-z0-9_-]{43}_[0-9a-f]{8}$/;
const SHOP = [{ role: 'viewer', pattern: 'config:shop/*', sections: null }] as const;
const HEX = '0123456789abcdef';
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

describe("a token's text", () => {
  const id = fc.string({ unit: fc.constantFrom(...HEX.split('')), minLength: 16, maxLength: 16 });
  const secret = fc.string({ unit: fc.constantFrom(...ALPHABET.split('')), minLength: 43, maxLength: 43 });

  it('is read back, whatever the secret, and is known wrong after any one slip', () => {
    fc.assert(
      fc.property(
        id,
        secret,
        fc.nat(),
        fc.constantFrom(...ALPHABET.split(''), ' ', '.'),
        (idText, secretText, at, letter) => {
          const text = tokenText({ id: idText, secret: secretText });
          expect(text).toMatch(TEXT);
          expect(parseTokenText(text)).toEqual({ id: idText, secret: secretText });
          const place = at % text.length;
          const slipped = text.slice(0, place) + letter + text.slice(place + 1);
          if (slipped !== text) expect(parseTokenText(slipped)).toBeNull();
          expect(parseTokenText(text.slice(0, -1))).toBeNull();
          expect(parseTokenText(`${text}\n`)).toBeNull();
        },
      ),
      { numRuns: 2000, seed: 13 },
    );
  });

  it('is the same for ever', () => {
    const text = 'c13_0123456789abcdef_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA_';
    expect(tokenText({ id: '0123456789abcdef', secret: 'A'.repeat(43) })).toBe(`${text}4510e35b`);
  });
});

describe('a token', () => {
  it('is shown once: its secret is in no file and in no answer', async () => {
    const { tokens, users, journal, keyring, authenticator } = await house();
    await users.create('ann', {}, null, OWNER);
    const { text, token, revision } = await tokens.create({ user: 'ann', name: 'ci' }, { actor: 'ann' });
    const { secret } = parseTokenText(text)!;
    expect(revision).toBe(1);
    expect(await authenticator.authenticate(bearer(text))).toMatchObject({
      kind: 'token',
      actor: 'ann/ci',
      user: 'ann',
    });
    for (const path of [journal.path, `${journal.path}-wal`, keyring.path]) {
      expect(await Bun.file(path).text()).not.toContain(secret);
    }
    expect(JSON.stringify([token, await tokens.ofUser('ann')])).not.toMatch(/hash|secret/);
  });

  it('ends by itself: in 90 days, or when it was said, at most ten years', async () => {
    let now = 1_800_000_000_000;
    const { tokens, users, authenticator } = await house(undefined, () => now);
    await users.create('ann', {}, null, OWNER);
    const { text, token } = await tokens.create({ user: 'ann', name: 'ci' }, OWNER);
    expect(token).toMatchObject({ createdAt: now, expiresAt: now + TOKEN_LIFETIME_MS, readOnly: false, scope: null });
    for (const expiresAt of [now, now - 1, now + TOKEN_LIFETIME_MAX_MS + 1]) {
      expect(await faultOf(tokens.create({ user: 'ann', name: 'ci', expiresAt }, OWNER))).toBe(
        'ERR_OUT_OF_RANGE expiresAt',
      );
    }
    for (const expiresAt of [1.5, Number.NaN, -1, '2030']) {
      const fields = { user: 'ann', name: 'ci', expiresAt: expiresAt as number };
      expect(await faultOf(tokens.create(fields, OWNER))).toBe('ERR_WRONG_TYPE expiresAt');
    }
    await authenticator.authenticate(bearer(text));
    now = token.expiresAt - 1;
    expect(authenticator.authenticateNow(bearer(text))).not.toBeNull();
    now = token.expiresAt;
    expect(authenticator.authenticateNow(bearer(text))).toBeNull();
    expect(await faultOf(authenticator.authenticate(bearer(text)))).toBe('ERR_UNAUTHENTICATED expired');
  });

  it('that expired is told so only to who has the secret', async () => {
    let now = 1_800_000_000_000;
    const { tokens, users, authenticator } = await house(undefined, () => now);
    await users.create('ann', {}, null, OWNER);
    const { text } = await tokens.create({ user: 'ann', name: 'ci', expiresAt: now + 1 }, OWNER);
    now += 2;
    const guess = tokenText({ id: parseTokenText(text)!.id, secret: 'A'.repeat(43) });
    expect(await faultOf(authenticator.authenticate(bearer(guess)))).toBe('ERR_UNAUTHENTICATED tampered');
    expect(await faultOf(authenticator.authenticate(bearer(text)))).toBe('ERR_UNAUTHENTICATED expired');
  });

  it('is revoked for good, and only once', async () => {
    const { tokens, users, authenticator, keyring } = await house();
    await users.create('ann', {}, null, OWNER);
    const { text, token } = await tokens.create({ user: 'ann', name: 'ci' }, OWNER);
    await authenticator.authenticate(bearer(text));
    await tokens.revoke(token.id, OWNER);
    expect(authenticator.authenticateNow(bearer(text))).toBeNull();
    expect(await faultOf(authenticator.authenticate(bearer(text)))).toBe('ERR_UNAUTHENTICATED revoked');
    expect(await faultOf(tokens.revoke(token.id, OWNER))).toBe('ERR_NOT_FOUND');
    expect(keyring.entries('revoked')).toMatchObject([{ key: token.id, expiresAt: token.expiresAt }]);
  });

  it.each([
    [{ user: 'bob' }, 'ERR_NOT_FOUND'],
    [{ user: 'anonymous' }, 'ERR_NAME'],
    [{ name: '' }, 'ERR_WRONG_TYPE name'],
    [{ name: 'a/b' }, 'ERR_WRONG_TYPE name'],
    [{ scope: [] }, 'ERR_WRONG_TYPE scope'],
    [{ scope: [{ role: 'god', pattern: '*' }] }, 'ERR_WRONG_TYPE role'],
    [{ scope: [{ role: 'viewer', pattern: '' }] }, 'ERR_WRONG_TYPE pattern'],
    [{ scope: [{ role: 'viewer', pattern: 'confg:*' }] }, 'ERR_WRONG_TYPE pattern'],
    [{ readOnly: 'yes' }, 'ERR_WRONG_TYPE readOnly'],
  ])('with %j is not made', async (fields, code) => {
    const { tokens, users, journal } = await house();
    await users.create('ann', {}, null, OWNER);
    const { seq } = await journal.head();
    expect(await faultOf(tokens.create({ user: 'ann', name: 'ci', ...fields } as never, OWNER))).toBe(code);
    expect((await journal.head()).seq).toBe(seq);
  });

  it.each([
    [{ scope: null }, 'ERR_WRONG_TYPE scope'],
    [{ scope: [] }, 'ERR_WRONG_TYPE scope'],
    [{ scope: [{ role: 'operator', pattern: 'config:shop/*' }] }, 'ERR_WRONG_TYPE scope'],
    [{ scope: [{ role: 'viewer', pattern: '*' }] }, 'ERR_WRONG_TYPE scope'],
    [{ scope: [{ role: 'viewer', pattern: 'status:*' }] }, 'ERR_WRONG_TYPE scope'],
    [
      {
        scope: [
          { role: 'viewer', pattern: 'config:shop/*' },
          { role: 'viewer', pattern: 'package:*' },
        ],
      },
      'ERR_WRONG_TYPE scope',
    ],
    [{ readOnly: false }, 'ERR_WRONG_TYPE readOnly'],
    [{ isBrowser: 1 }, 'ERR_WRONG_TYPE isBrowser'],
    [{ scope: [{ role: 'viewer', pattern: 'config:*', needsApproval: true }] }, 'ERR_WRONG_TYPE needsApproval'],
  ])('for web pages with %j is not made', async (fields, code) => {
    const { tokens, users, journal } = await house();
    await users.create('ann', {}, null, OWNER);
    const { seq } = await journal.head();
    const made = tokens.create({ user: 'ann', name: 'web', scope: SHOP, isBrowser: true, ...fields } as never, OWNER);
    expect(await faultOf(made)).toBe(code);
    expect((await journal.head()).seq).toBe(seq);
  });

  it('for web pages reads only, and stays one', async () => {
    const { tokens, users, grants, authenticator } = await house();
    await users.create('ann', {}, null, OWNER);
    await grants.create({ user: 'ann', role: 'admin', pattern: '*', sections: null }, OWNER);
    const { token, text } = await tokens.create({ user: 'ann', name: 'web', scope: SHOP, isBrowser: true }, OWNER);
    expect(token).toMatchObject({ isBrowser: true, readOnly: true, scope: SHOP });
    const principal = await authenticator.authenticate(bearer(text));
    expect(principal).toMatchObject({ isBrowser: true, readOnly: true });
    expect([may(principal, 'read', 'config:shop/a'), may(principal, 'write', 'config:shop/a')]).toEqual([true, false]);
    expect(may(principal, 'read', 'config:other/a')).toBe(false);
    for (const [fields, code] of [
      [{ readOnly: false }, 'ERR_WRONG_TYPE readOnly'],
      [{ scope: null }, 'ERR_WRONG_TYPE scope'],
      [{ scope: [{ role: 'admin', pattern: '*', sections: null }] }, 'ERR_WRONG_TYPE scope'],
    ] as const) {
      expect(await faultOf(tokens.update(token.id, fields, OWNER))).toBe(code);
    }
    const changed = await tokens.update(token.id, { name: 'page', isBrowser: false } as never, OWNER);
    expect(changed).toMatchObject({ name: 'page', isBrowser: true, readOnly: true });
    const { token: plain } = await tokens.create({ user: 'ann', name: 'ci' }, OWNER);
    expect(await tokens.update(plain.id, { isBrowser: true } as never, OWNER)).toMatchObject({ isBrowser: false });
  });

  it('of one user are so many at most', async () => {
    const { tokens, users } = await house();
    await users.create('ann', {}, null, OWNER);
    for (let i = 0; i < 300; i++) await tokens.create({ user: 'ann', name: 'ci' }, OWNER);
    expect(await faultOf(tokens.create({ user: 'ann', name: 'ci' }, OWNER))).toBe('ERR_OUT_OF_RANGE tokens');
    await users.delete('ann', OWNER);
    expect(await tokens.ofUser('ann')).toEqual([]);
  });

  it('says when it was last used, to the minute', async () => {
    let now = 1_800_000_000_000;
    const { tokens, users, authenticator, lastUses, scratch } = await house(undefined, () => now);
    await users.create('ann', {}, null, OWNER);
    const { text, token } = await tokens.create({ user: 'ann', name: 'ci' }, OWNER);
    expect(lastUses.of(token.id)).toBeNull();
    const first = now;
    await authenticator.authenticate(bearer(text));
    expect(lastUses.of(token.id), 'also before it is written').toBe(first);
    expect(scratch.get('last-used', token.id), 'not while the request waits').toBeNull();
    lastUses.flush();
    now += 59_999;
    authenticator.authenticateNow(bearer(text));
    await users.create('bob', {}, null, OWNER);
    await authenticator.authenticate(bearer(text));
    lastUses.flush();
    expect(scratch.get('last-used', token.id), 'within the minute').toBe(String(first));
    now += 60_000;
    authenticator.authenticateNow(bearer(text));
    lastUses.flush();
    expect(scratch.get('last-used', token.id)).toBe(String(now));
  });
});

describe('over the whole way, for any grants, scope and limit', () => {
  it('a token may do nothing that its user may not', async () => {
    const it = await house();
    const anyGrant = fc.record({
      role: fc.constantFrom(...ROLES),
      pattern: fc.constantFrom('*', 'config:*', 'config:a/*', 'package:*', 'user:*'),
      sections: fc.option(fc.subarray(['feature:*', 'terminal'], { minLength: 1 })),
    });
    let number = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyGrant, { maxLength: 2 }),
        fc.option(fc.array(anyGrant, { minLength: 1, maxLength: 2 })),
        fc.boolean(),
        async (grants, scope, readOnly) => {
          const user = `user${number++}`;
          await it.users.create(user, {}, null, OWNER);
          for (const grant of grants) await it.grants.create({ user, ...grant }, OWNER);
          const { text } = await it.tokens.create({ user, name: 'ci', scope, readOnly }, OWNER);
          const token = await it.authenticator.authenticate(bearer(text));
          const { epoch } = await it.signIn.vouchedFor(user);
          const self = await it.authenticator.authenticate(bearer((await it.jwts.issue(user, epoch)).token));
          for (const stream of ['config:a/b', 'config:b', 'package:a', 'user:ann', 'audit:a', 'status:a']) {
            for (const action of ACTIONS) {
              if (may(token, action, stream)) expect(may(self, action, stream)).toBe(true);
            }
          }
        },
      ),
      { numRuns: 30, seed: 13 },
    );
  });
});
