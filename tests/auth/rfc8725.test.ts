/**
 * The attacks of RFC 8725 (JSON Web Token Best Current Practices), sections 2 and 3, each on a token that would be let
 * in but for the one thing that was done to it. The section that describes it stands in brackets.
 * @module
 */
import { deflateRawSync } from 'node:zlib';
import { CompactEncrypt, CompactSign, exportJWK, exportSPKI, generateKeyPair, importJWK } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { fromBase64url, toBase64url } from '../../src/auth/base64url.ts';
import { Jwts } from '../../src/auth/jwt.ts';
import { openKeys } from '../../src/auth/keys.ts';
import { ISSUER, refusal, type Registry, registry, signed, START_ms, utf8 } from './key-fixtures.ts';

const NOW_s = START_ms / 1000;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

let ours: Registry;
let kid: string;
let header: Record<string, unknown>;
let claims: Record<string, unknown>;

beforeEach(async () => {
  ours = await registry();
  ({ kid } = await ours.keys.signingKey());
  header = { alg: 'EdDSA', kid, typ: 'at+jwt' };
  claims = {
    iss: ISSUER,
    aud: '13byte-config',
    sub: 'ann',
    jti: 'A'.repeat(22),
    iat: NOW_s,
    nbf: NOW_s,
    exp: NOW_s + 3600,
    epoch: 1,
  };
});

/** What would be let in but for these members; `undefined` leaves one out. */
async function token(head: object = {}, body: object = {}): Promise<string> {
  return await signed(ours, JSON.stringify({ ...header, ...head }), JSON.stringify({ ...claims, ...body }));
}

async function refusedAs(why: string, attack: string | Promise<string>): Promise<void> {
  const error = await refusal(ours.jwts.verify(await attack), 'ERR_UNAUTHENTICATED');
  expect(error.details).toEqual({ why });
}

async function withSignature(change: (signature: Uint8Array<ArrayBuffer>) => Uint8Array): Promise<string> {
  const [head, body, signature] = (await token()).split('.') as [string, string, string];
  return `${head}.${body}.${toBase64url(change(fromBase64url(signature)!))}`;
}

async function publicKey(): Promise<{ x: string; raw: Uint8Array<ArrayBuffer>; pem: string }> {
  const { x } = (await ours.keys.jwks()).keys[0]!;
  const key = (await importJWK({ kty: 'OKP', crv: 'Ed25519', x }, 'EdDSA', { extractable: true })) as CryptoKey;
  return { x, raw: fromBase64url(x)!, pem: await exportSPKI(key) };
}

test('the token that all of these start from is let in', async () => {
  expect(await ours.jwts.verify(await token())).toEqual({
    user: 'ann',
    id: 'A'.repeat(22),
    epoch: 1,
    expiresAt_ms: START_ms + 3_600_000,
  });
});

describe('weak signatures and insufficient validation (2.1, 3.1, 3.2, 3.3)', () => {
  test.each(['none', 'None', 'NONE', 'nOnE', ''])('alg %j, signature left out', async (alg) => {
    const [head, body, signature] = (await token({ alg })).split('.');
    await refusedAs('malformed', `${head}.${body}.`);
    await refusedAs('malformed', `${head}.${body}`);
    await refusedAs('malformed', `${head}.${body}.${signature}`);
  });

  test('HS256 with the public key as the secret, in each form that it can be had', async () => {
    const { x, raw, pem } = await publicKey();
    const jwk = JSON.stringify((await ours.keys.jwks()).keys[0]);
    for (const secret of [raw, utf8(pem), utf8(pem.trim()), utf8(jwk), utf8(x)]) {
      const signer = new CompactSign(utf8(JSON.stringify(claims)));
      await refusedAs('malformed', signer.setProtectedHeader({ alg: 'HS256', kid, typ: 'at+jwt' }).sign(secret));
    }
  });

  test('HS512, whose signature is as long as ours', async () => {
    const { raw } = await publicKey();
    const secret = new Uint8Array([...raw, ...raw]);
    const signer = new CompactSign(utf8(JSON.stringify(claims)));
    const attack = await signer.setProtectedHeader({ alg: 'HS512', kid, typ: 'at+jwt' }).sign(secret);
    expect(attack.split('.')[2]).toHaveLength(86);
    await refusedAs('malformed', attack);
  });

  test.each(['ES256', 'RS256', 'PS256', 'Ed25519', 'Ed448', 'eddsa', 'EdDSA '])(
    'another algorithm: %j',
    async (alg) => {
      await refusedAs('malformed', token({ alg }));
    },
  );

  test('a key of the attacker, under the id of ours', async () => {
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
    const signer = new CompactSign(utf8(JSON.stringify(claims)));
    await refusedAs('tampered', signer.setProtectedHeader({ alg: 'EdDSA', kid, typ: 'at+jwt' }).sign(privateKey));
  });

  test('the signature of another token', async () => {
    const [head, body] = (await token({}, { sub: 'root' })).split('.');
    await refusedAs('tampered', `${head}.${body}.${(await token()).split('.')[2]}`);
  });

  test('a payload that was changed', async () => {
    const [head, , signature] = (await token()).split('.');
    await refusedAs('tampered', `${head}.${toBase64url(utf8(JSON.stringify({ ...claims, epoch: 2 })))}.${signature}`);
  });

  test('a signature that was stripped, cut off or made longer', async () => {
    await refusedAs(
      'malformed',
      withSignature(() => new Uint8Array(0)),
    );
    await refusedAs(
      'malformed',
      withSignature((signature) => signature.subarray(0, 63)),
    );
    await refusedAs(
      'malformed',
      withSignature((signature) => new Uint8Array([...signature, 0])),
    );
  });

  test('a second signature of the same token: S + L', async () => {
    const malleated = withSignature((signature) => {
      const s = BigInt(`0x${signature.slice(32).toReversed().toHex()}`) + ORDER;
      const bytes = Uint8Array.fromHex(s.toString(16).padStart(64, '0')).toReversed();
      return new Uint8Array([...signature.subarray(0, 32), ...bytes]);
    });
    await refusedAs('tampered', malleated);
  });

  test('any one bit of the signature', async () => {
    for (let bit = 0; bit < 512; bit += 7) {
      const flip = (signature: Uint8Array): Uint8Array =>
        signature.with(bit >> 3, signature[bit >> 3]! ^ (1 << (bit & 7)));
      await refusedAs('tampered', withSignature(flip));
    }
  });

  test('a psychic signature: zeros', async () => {
    await refusedAs(
      'tampered',
      withSignature(() => new Uint8Array(64)),
    );
  });

  test('a signature that is right under a key of small order', async () => {
    const identity = new Uint8Array(64).with(0, 1);
    await refusedAs(
      'tampered',
      withSignature(() => identity),
    );
  });
});

describe('composition, compression and encodings (2.3, 2.4, 2.6, 3.6, 3.7)', () => {
  test('an encrypted token', async () => {
    const encrypter = new CompactEncrypt(utf8(JSON.stringify(claims)));
    const { publicKey } = await generateKeyPair('ECDH-ES', { crv: 'X25519' });
    await refusedAs(
      'malformed',
      encrypter.setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', kid }).encrypt(publicKey),
    );
  });

  test('a compressed payload', async () => {
    const [head] = (await token({ zip: 'DEF' })).split('.') as [string];
    const body = toBase64url(deflateRawSync(JSON.stringify(claims)));
    const input = `${head}.${body}`;
    const { privateKey } = await ours.keys.signingKey();
    const signature = new Uint8Array(await crypto.subtle.sign('Ed25519', privateKey, utf8(input)));
    await refusedAs('malformed', `${input}.${toBase64url(signature)}`);
    await refusedAs('malformed', token({ zip: 'DEF' }));
  });

  test('a token in a token', async () => {
    const inner = await token();
    await refusedAs('malformed', signed(ours, JSON.stringify({ ...header, cty: 'JWT' }), inner));
    await refusedAs('malformed', signed(ours, JSON.stringify(header), inner));
    await refusedAs('malformed', signed(ours, JSON.stringify(header), JSON.stringify(inner)));
  });

  test('a name that stands twice', async () => {
    const text = JSON.stringify(claims);
    await refusedAs('malformed', signed(ours, JSON.stringify(header), text.replace('{', '{"sub":"root",')));
    await refusedAs('malformed', signed(ours, JSON.stringify(header), text.replace('}', ',"sub":"root"}')));
    await refusedAs('malformed', signed(ours, JSON.stringify(header).replace('{', '{"alg":"none",'), text));
  });

  test('other spellings of the same JSON', async () => {
    const [head, body] = [JSON.stringify(header), JSON.stringify(claims)];
    for (const other of [` ${body}`, `${body}\n`, `\ufeff${body}`, body.replace('"sub"', '"s\\u0075b"')]) {
      await refusedAs('malformed', signed(ours, head, other));
    }
    await refusedAs('malformed', signed(ours, head, body.replace(/"epoch":1/, '"epoch":1.0')));
    await refusedAs('malformed', signed(ours, head, `[${body}]`));
  });

  test('bytes that are no UTF-8', async () => {
    const [head] = (await token()).split('.');
    const utf16 = new Uint8Array(Uint16Array.from(JSON.stringify(claims), (unit) => unit.charCodeAt(0)).buffer);
    const { privateKey } = await ours.keys.signingKey();
    for (const body of [utf16, new Uint8Array([0x7b, 0xff, 0x7d])]) {
      const input = `${head}.${toBase64url(body)}`;
      const signature = new Uint8Array(await crypto.subtle.sign('Ed25519', privateKey, utf8(input)));
      await refusedAs('malformed', `${input}.${toBase64url(signature)}`);
    }
  });

  test('base64 with padding, white space, another alphabet or bits that nobody reads', async () => {
    const whole = await token();
    const [head, body, signature] = whole.split('.') as [string, string, string];
    for (const tail of ['=', '==', ' ', '\n', '\0']) await refusedAs('malformed', whole + tail);
    await refusedAs('malformed', ` ${whole}`);
    await refusedAs('malformed', `${head}=.${body}.${signature}`);
    await refusedAs('malformed', `${head}.${body}==.${signature}`);
    await refusedAs('malformed', `${head}.${body.slice(0, 4)} ${body.slice(4)}.${signature}`);
    await refusedAs('malformed', `${head}.${body}.${signature.slice(0, -1)}+`);
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const unread = alphabet[alphabet.indexOf(signature.at(-1)!) + 1]!;
    await refusedAs('malformed', `${head}.${body}.${signature.slice(0, -1)}${unread}`);
  });

  test('more than 4 KB', async () => {
    await refusedAs('malformed', 'a'.repeat(10_000_000));
    const long = await registry(`urn:${'a'.repeat(2500)}`);
    await long.jwts.verify((await long.jwts.issue('ann', 1)).token);
    const longer = await registry(`urn:${'a'.repeat(3000)}`);
    const { token: right } = await longer.jwts.issue('ann', 1);
    expect(right.length).toBeGreaterThan(4096);
    expect((await refusal(longer.jwts.verify(right), 'ERR_UNAUTHENTICATED')).details).toEqual({ why: 'malformed' });
  });

  test('too few and too many parts', async () => {
    const whole = await token();
    for (const attack of ['', '.', '..', '...', whole.split('.')[0]!, `${whole}.`, `.${whole}`, `${whole}.${whole}`]) {
      await refusedAs('malformed', attack);
    }
  });
});

describe('keys that the token brings along, and ids that are paths (2.5, 2.9, 3.4, 3.5, 3.10)', () => {
  test.each(['jwk', 'x5c', 'jku', 'x5u', 'x5t', 'x5t#S256'])('%s', async (member) => {
    const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
    const jwk = await exportJWK(publicKey);
    const address = 'http://127.0.0.1:9/keys';
    const values = { jwk, x5c: [jwk.x], jku: address, x5u: address, x5t: jwk.x, 'x5t#S256': jwk.x };
    const brought = { ...header, [member]: values[member as keyof typeof values] };
    const signer = new CompactSign(utf8(JSON.stringify(claims)));
    await refusedAs('malformed', signer.setProtectedHeader({ ...brought, alg: 'EdDSA' }).sign(privateKey));
    await refusedAs('malformed', token(brought));
  });

  test.each([
    '../../../../etc/passwd',
    '/dev/null',
    'seal.key',
    "' OR '1'='1",
    "x' UNION SELECT 'AAAA'; --",
    '__proto__',
    'constructor',
    `${'A'.repeat(43)}\0`,
    '',
    `${'A'.repeat(40)}/..`,
  ])('kid %j', async (injected) => {
    await refusedAs('malformed', token({ kid: injected }));
  });

  test('a kid that is no text, and one that nobody knows', async () => {
    for (const other of [null, 1, ['A'], { length: 43 }, [kid]]) await refusedAs('malformed', token({ kid: other }));
    await refusedAs('malformed', token({ kid: undefined }));
    await refusedAs('unknown', token({ kid: 'A'.repeat(43) }));
  });

  test('crit, known or unknown', async () => {
    await refusedAs('malformed', token({ crit: ['unheard-of'], 'unheard-of': true }));
    await refusedAs('malformed', token({ crit: ['b64'], b64: false }));
    await refusedAs('malformed', token({ crit: [] }));
  });

  test('another curve or key type under the same id is never looked for', async () => {
    for (const alg of ['ES384', 'ES256K', 'ECDH-ES']) await refusedAs('malformed', token({ alg }));
  });
});

describe('substitution and confusion (2.7, 2.8, 3.8, 3.9, 3.11, 3.12)', () => {
  test.each(['JWT', 'jwt', 'at+JWT', 'application/at+jwt', 'secevent+jwt', '', null])('typ %j', async (typ) => {
    await refusedAs('malformed', token({ typ }));
  });

  test('no typ', async () => {
    await refusedAs('malformed', token({ typ: undefined }));
  });

  test('an ID token of our own provider, signed with our own key', async () => {
    const idToken = { ...claims, aud: 'client', nonce: 'n', epoch: undefined, jti: undefined };
    await refusedAs('malformed', signed(ours, JSON.stringify({ ...header, typ: 'JWT' }), JSON.stringify(idToken)));
    await refusedAs('malformed', signed(ours, JSON.stringify(header), JSON.stringify(idToken)));
  });

  test.each(['another', '13byte-config2', '', null, 13])('aud %j', async (aud) => {
    await refusedAs('unknown', token({}, { aud }));
  });

  test('one audience among others', async () => {
    await refusedAs('malformed', token({}, { aud: ['13byte-config', 'another'] }));
    await refusedAs('malformed', token({}, { aud: ['13byte-config'] }));
  });

  test.each(['urn:13byte-config:another', `${ISSUER}/`, ISSUER.toUpperCase(), '', null, [ISSUER]])(
    'iss %j',
    async (iss) => {
      await refusedAs('unknown', token({}, { iss }));
    },
  );

  test.each(['', 'Ann', 'a b', '../ann', 'ann\0', 'a'.repeat(65), null, 1, ['ann']])('sub %j', async (sub) => {
    await refusedAs('malformed', token({}, { sub }));
  });

  test('a token of another registry, also when that one has a key of the same id', async () => {
    const other = await registry();
    await refusedAs('unknown', (await other.jwts.issue('ann', 1)).token);
    const { privateKey } = await other.keys.signingKey();
    const signer = new CompactSign(utf8(JSON.stringify(claims)));
    await refusedAs('tampered', signer.setProtectedHeader({ alg: 'EdDSA', kid, typ: 'at+jwt' }).sign(privateKey));
  });

  test('a token of the same keys for another address', async () => {
    const moved = new Jwts(await openKeys(ours.directory, ours.clock), 'https://another.example', ours.clock);
    await refusedAs('unknown', (await moved.issue('ann', 1)).token);
  });

  test('a claim more than we write', async () => {
    await refusedAs('malformed', token({}, { role: 'admin' }));
    await refusedAs('malformed', token({}, { toString: 1 }));
  });
});

describe('time', () => {
  test('expired, to the second, with 5 s of tolerance', async () => {
    const attack = await token();
    ours.clock.ms = START_ms + 3_604_999;
    await ours.jwts.verify(attack);
    ours.clock.ms += 1;
    await refusedAs('expired', attack);
  });

  test('not yet: nbf and iat in the future', async () => {
    const ahead = NOW_s + 6;
    await refusedAs('malformed', token({}, { nbf: ahead, iat: ahead }));
    await refusedAs('malformed', token({}, { nbf: ahead }));
    await refusedAs('malformed', token({}, { iat: ahead }));
    const within = NOW_s + 5;
    await ours.jwts.verify(await token({}, { nbf: within, iat: within }));
  });

  test.each(['iss', 'aud', 'sub', 'jti', 'iat', 'nbf', 'exp', 'epoch'])('without %s', async (claim) => {
    await refusedAs(/iss|aud/.test(claim) ? 'unknown' : 'malformed', token({}, { [claim]: undefined }));
  });

  test('for longer than 12 hours', async () => {
    await ours.jwts.verify(await token({}, { exp: NOW_s + 43_200 }));
    await refusedAs('malformed', token({}, { exp: NOW_s + 43_201 }));
    await refusedAs('malformed', token({}, { exp: Number.MAX_SAFE_INTEGER }));
    const old = NOW_s - 43_206;
    await refusedAs('expired', token({}, { iat: old, nbf: old, exp: NOW_s + 60 }));
  });

  test.each(['1800003600', null, true, [NOW_s + 60], 1.5 + NOW_s, 1e300])('exp %j', async (exp) => {
    await refusedAs('malformed', token({}, { exp }));
  });

  test('an epoch that is no whole number', async () => {
    for (const epoch of [-1, 0.5, '1', null, [1]]) await refusedAs('malformed', token({}, { epoch }));
  });
});
