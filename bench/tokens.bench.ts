/** What a known token costs, beside verifying it; and what else a request may have to ask of identities. @module */
import { generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { join } from 'node:path';
import { openIdentity, type Identity } from '../src/auth/identity.ts';
import { may, type Principal } from '../src/auth/rights.ts';
import { openLocalJournal } from '../src/journal/local.ts';
import { resourcesProjection } from '../src/journal/resources.ts';
import { openSideStore } from '../src/journal/side-store.ts';
import { atLeast, type Loop, type Opened, type Setting, type Suite } from './suite.ts';

const TOKENS = 64;
const HOUR_MS = 3_600_000;
const CLAIMS = { issuer: 'urn:13byte-config:bench', audience: '13byte-config', typ: 'at+jwt' };

export const tokens: Suite = { name: 'tokens', open };

async function open({ directory, tiny }: Setting): Promise<Opened> {
  const keyring = openSideStore({ path: join(directory, 'keyring.db'), durable: true });
  const scratch = openSideStore({ path: join(directory, 'scratch.db'), durable: false });
  const journal = openLocalJournal({ path: join(directory, 'journal.db'), projections: [resourcesProjection] });
  const announced = new Uint32Array(new SharedArrayBuffer(4));
  const { privateKey, publicKey } = await generateKeyPair('EdDSA');
  const verify = async (token: string) => await jwtVerify(token, publicKey, { ...CLAIMS, algorithms: ['EdDSA'] });
  const identity = await openIdentity({
    journal,
    keyring,
    scratch,
    head: () => announced[0]!,
    verifyJwt: async (token) => {
      const { payload } = await verify(token);
      const { sub, jti, exp } = payload as { sub: string; jti: string; exp: number };
      return { user: sub, id: jti, epoch: 1, expiresAt_ms: exp * 1000 };
    },
    onError: (error) => {
      throw error;
    },
  });
  await identity.users.create('ann', {}, null, { actor: 'bench' });
  await identity.grants.create(
    { user: 'ann', role: 'operator', pattern: 'config:*', sections: null },
    { actor: 'bench' },
  );
  const jwts = await Promise.all(Array.from({ length: tiny ? 2 : TOKENS }, () => signed(privateKey)));
  const apiToken = (await identity.tokens.create({ user: 'ann', name: 'ci' }, { actor: 'ann' })).text;
  const headers = jwts.map((jwt) => `Bearer ${jwt}`);
  const principals = await Promise.all(
    [...headers, `Bearer ${apiToken}`].map((each) => identity.authenticator.authenticate(each)),
  );
  const hit = { name: 'authenticateNow(header)', loop: hits(identity, headers) };
  return {
    cases: [
      { operation: 'known JWT', column: 'library', loop: hit.loop },
      { operation: 'known API token', column: 'library', loop: hits(identity, [`Bearer ${apiToken}`]) },
      { operation: 'JWT verified by jose', column: 'javascript', loop: verifications(verify, jwts) },
      { operation: 'may(principal, action, stream)', column: 'library', loop: decisions(principals[0]!) },
    ],
    claims: [
      {
        name: 'known JWT',
        subject: hit,
        floor: { name: 'jose jwtVerify, EdDSA', loop: verifications(verify, jwts) },
        bound: atLeast(300),
      },
    ],
    frugal: [hit],
    close: async () => {
      identity.close();
      await journal.close();
      keyring.close();
      scratch.close();
    },
  };
}

async function signed(key: CryptoKey): Promise<string> {
  const now_s = Math.floor(Date.now() / 1000);
  return await new SignJWT({ epoch: 1 })
    .setProtectedHeader({ alg: 'EdDSA', typ: CLAIMS.typ, kid: 'A'.repeat(43) })
    .setIssuer(CLAIMS.issuer)
    .setAudience(CLAIMS.audience)
    .setSubject('ann')
    .setJti(crypto.randomUUID())
    .setIssuedAt(now_s)
    .setNotBefore(now_s)
    .setExpirationTime(now_s + (8 * HOUR_MS) / 1000)
    .sign(key);
}

/** Texts as they come off a socket: none is the very string that is kept. */
function hits({ authenticator }: Identity, headers: readonly string[]): Loop {
  const texts = Array.from({ length: TOKENS }, (_, i) => Buffer.from(headers[i % headers.length]!).toString('latin1'));
  return (times) => {
    let hash = 0;
    for (let pass = 0; pass < times; pass++) {
      const principal = authenticator.authenticateNow(texts[pass & (TOKENS - 1)]!);
      if (principal === null) throw new Error('the token is not known');
      hash = (hash + principal.actor.length) | 0;
    }
    return hash;
  };
}

function verifications(verify: (token: string) => Promise<unknown>, jwts: readonly string[]): Loop {
  return async (times) => {
    let hash = 0;
    for (let pass = 0; pass < times; pass++) if ((await verify(jwts[pass % jwts.length]!)) !== null) hash++;
    return hash;
  };
}

function decisions(principal: Principal): Loop {
  return (times) => {
    let hash = 0;
    for (let pass = 0; pass < times; pass++) {
      if (may(principal, (pass & 1) === 0 ? 'read' : 'administer', 'config:checkout/production')) hash++;
    }
    return hash;
  };
}
