/** What the registry issues: the form, the times, and that it is let in for as long as it was made for. @module */
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { expect, test } from 'vitest';
import { jwtIssuer, Jwts } from '../../src/auth/jwt.ts';
import { openKeys } from '../../src/auth/keys.ts';
import { ISSUER, refusal, registry, START_ms } from './key-fixtures.ts';

test('has exactly the header and the claims that are written down', async () => {
  const { jwts, keys } = await registry();
  const { token, id, expiresAt_ms } = await jwts.issue('ann', 7);
  expect(decodeProtectedHeader(token)).toEqual({ alg: 'EdDSA', kid: (await keys.signingKey()).kid, typ: 'at+jwt' });
  const now = START_ms / 1000;
  expect(decodeJwt(token)).toEqual({
    iss: ISSUER,
    aud: '13byte-config',
    sub: 'ann',
    jti: id,
    iat: now,
    nbf: now,
    exp: now + 8 * 3600,
    epoch: 7,
  });
  expect(await jwts.verify(token)).toEqual({ user: 'ann', id, epoch: 7, expiresAt_ms });
});

test('is another one each time', async () => {
  const { jwts } = await registry();
  const [first, second] = [await jwts.issue('ann', 1), await jwts.issue('ann', 1)];
  expect(first.id).not.toBe(second.id);
  expect(first.id).toMatch(/^[A-Za-z0-9_-]{22}$/);
});

test('lives for as long as was asked, at most 12 hours', async () => {
  const { jwts, clock } = await registry();
  const short = await jwts.issue('ann', 1, 60_000);
  expect(short.expiresAt_ms).toBe(START_ms + 60_000);
  clock.ms += 60_000 + 5000;
  expect((await refusal(jwts.verify(short.token), 'ERR_UNAUTHENTICATED')).details).toEqual({ why: 'expired' });
  await jwts.verify((await jwts.issue('ann', 1, 12 * 3_600_000)).token);
  for (const lifetime_ms of [12 * 3_600_000 + 1, 999, 0, -1, Number.NaN, Infinity]) {
    await refusal(jwts.issue('ann', 1, lifetime_ms), 'ERR_OUT_OF_RANGE');
  }
});

test('is let in by whoever has the same keys and the same name, also within a second', async () => {
  const { jwts, directory, clock } = await registry();
  clock.ms += 999;
  const { token } = await jwts.issue('bob.smith', 0);
  const restarted = new Jwts(await openKeys(directory, clock), ISSUER, clock);
  expect((await restarted.verify(token)).user).toBe('bob.smith');
});

test('names the address of the registry, or its journal', () => {
  expect(jwtIssuer('https://config.example', 'j1')).toBe('https://config.example');
  expect(jwtIssuer(null, 'j1')).toBe('urn:13byte-config:j1');
});
