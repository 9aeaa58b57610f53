/**
 * Trust in what is published: signatures that npm's own code verifies, attestations as they came, and workflows that
 * publish with an identity token, with a real issuer and the real npm.
 * @module
 */
import { generateKeyPair, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
// @ts-expect-error The package has no types.
import pacote from 'pacote';
import { bareTarball } from '../../../src/packages/intake/bare-tarball.ts';
import { Place } from '../../clients/place.ts';
import { call, tempDirectory } from '../fixtures.ts';
import { openIssuer, type Issuer } from './trust-fixtures.ts';

const place = Place.open();

async function published(name: string, version = '1.0.0'): Promise<void> {
  const { status, body } = await place.call('PUT', `/${encodeURIComponent(name)}`, { name, version });
  if (status !== 201) throw new Error(JSON.stringify(body));
}

async function trusting(name: string, issuer: Issuer, claims: Record<string, string>): Promise<void> {
  const path = `/api/v1/packages/${encodeURIComponent(name)}/trusted-publishers`;
  const { status, body } = await place.call('POST', path, { issuer: issuer.url, claims });
  if (status !== 201) throw new Error(JSON.stringify(body));
}

function exchange(name: string, idToken: string) {
  const path = `/-/npm/v1/oidc/token/exchange/package/${name.replace('/', '%2f')}`;
  return call(place.url, 'POST', path, undefined, { authorization: `Bearer ${idToken}` });
}

function bearer(token: string) {
  return (method: string, path: string, body?: unknown) =>
    call(place.url, method, path, body, { authorization: `Bearer ${token}` });
}

describe('signatures', () => {
  async function verified(spec: string, change: (key: any) => object = (key) => key): Promise<unknown> {
    const { body } = await call(place.url, 'GET', '/-/npm/v1/keys');
    const pem = (key: string): string => `-----BEGIN PUBLIC KEY-----\n${key}\n-----END PUBLIC KEY-----`;
    const host = place.url.replace('http:', '');
    return await pacote.manifest(spec, {
      registry: `${place.url}/`,
      cache: tempDirectory(),
      verifySignatures: true,
      [`${host}/:_authToken`]: place.tokenOf('ann'),
      [`${host}/:_keys`]: body.keys.map((key: any) => change({ ...key, pemkey: pem(key.key) })),
    } as never);
  }

  test.each(['@acme/signed', 'signed'])("of %s hold before npm's own code", async (name) => {
    await published(name);
    expect(await verified(`${name}@1.0.0`)).toMatchObject({ _signatures: [{ keyid: /^SHA256:/, sig: /^ME/ }] });
  });

  test('of an expired key, or of none that is listed, do not', async () => {
    await published('expiring');
    const expired = verified('expiring@1.0.0', (key) => ({ ...key, expires: '2020-01-01T00:00:00.000Z' }));
    await expect(expired).rejects.toMatchObject({ code: 'EEXPIREDSIGNATUREKEY' });
    const other = verified('expiring@1.0.0', (key) => ({ ...key, keyid: 'SHA256:x' }));
    await expect(other).rejects.toMatchObject({ code: 'EMISSINGSIGNATUREKEY' });
  });

  test('outlive the key that made them', async () => {
    await published('rotated');
    const { status, body } = await place.call('POST', '/api/v1/keys/packages/rotate');
    expect(status).toBe(200);
    expect(body.keys.map(({ expires }: any) => expires === null)).toEqual([true, false]);
    await published('rotated', '2.0.0');
    const [old, young] = [await verified('rotated@1.0.0'), await verified('rotated@2.0.0')] as any[];
    expect(old._signatures[0].keyid).toBe(body.keys[1].keyid);
    expect(young._signatures[0].keyid).toBe(body.keys[0].keyid);
  });
});

describe('attestations', () => {
  test('are served as they came', async () => {
    const [name, version] = ['@acme/built', '1.0.0'];
    const tarball = bareTarball(new TextEncoder().encode(JSON.stringify({ name, version })));
    const sha512 = new Bun.CryptoHasher('sha512').update(tarball).digest('hex');
    const statement = {
      subject: [{ name: 'pkg:npm/%40acme/built@1.0.0', digest: { sha512 } }],
      predicateType: 'https://slsa.dev/provenance/v1',
    };
    const payload = Buffer.from(JSON.stringify(statement)).toString('base64');
    const mediaType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
    const bundle = {
      mediaType,
      dsseEnvelope: { payload, payloadType: 'application/vnd.in-toto+json', signatures: [] },
    };
    const text = JSON.stringify(bundle);
    const answer = await place.call('PUT', '/@acme%2fbuilt', {
      name,
      'dist-tags': { latest: version },
      versions: { [version]: { name, version, dist: {} } },
      _attachments: {
        'built-1.0.0.tgz': { data: Buffer.from(tarball).toString('base64'), length: tarball.length },
        'built-1.0.0.sigstore': { content_type: mediaType, data: text, length: text.length },
      },
    });
    expect(answer).toMatchObject({ status: 201 });
    const { body } = await place.call('GET', '/@acme%2fbuilt/1.0.0');
    const { pathname } = new URL(body.dist.attestations.url);
    const served = await place.call('GET', pathname);
    expect([served.status, served.body]).toEqual([
      200,
      { attestations: [{ predicateType: statement.predicateType, bundle }] },
    ]);
  });

  test('are said not to be there where there are none, in JSON', async () => {
    await published('plain');
    for (const spec of ['plain@1.0.0', 'plain@9.9.9', 'nothing@1.0.0', '@x', 'plain']) {
      const { status, body } = await place.call('GET', `/-/npm/v1/attestations/${spec}`);
      expect([spec, status, body.code]).toEqual([spec, 404, 'ERR_NOT_FOUND']);
    }
    expect((await call(place.url, 'GET', '/-/npm/v1/attestations/plain@1.0.0')).status).toBe(401);
  });
});

describe('a workflow', () => {
  const audience = (): string => 'npm:127.0.0.1';

  test('publishes with npm as it runs in continuous integration', async () => {
    const issuer = await openIssuer(audience);
    await published('@acme/ui');
    await trusting('@acme/ui', issuer, { repository: 'acme/ui', workflow_ref: '*/release.yml@refs/heads/*' });
    const client = place.client('npm', null);
    const env = { CI: 'true', GITHUB_ACTIONS: 'true', NPM_ID_TOKEN: await issuer.token() };
    const { code, out } = await client.package('@acme/ui', '1.1.0').run(['publish'], { env });
    expect([code, out]).toEqual([0, expect.stringContaining('+ @acme/ui@1.1.0')]);
    const { body } = await place.call('GET', '/@acme%2fui');
    expect(body['dist-tags'].latest).toBe('1.1.0');
    const name = 'trusted:acme/ui@refs/heads/main';
    const [{ id }] = (await place.call('GET', '/api/v1/packages/@acme%2fui/trusted-publishers')).body.trustedPublishers;
    const trustedPublisher = { id: new URL(issuer.url).host, oidcConfigId: `oidc:${id}` };
    expect(body.versions['1.1.0']._npmUser).toEqual({ name, email: '', trustedPublisher });
    expect(body.versions['1.0.0']._npmUser).not.toHaveProperty('trustedPublisher');
    const [found] = (await place.call('GET', '/-/v1/search?text=@acme/ui')).body.objects;
    expect(found.package.publisher.username).toBe(name);
    const audit = await place.call('GET', '/api/v1/audit?limit=5');
    expect(audit.body.entries.find(({ actor }: any) => actor === name).body.trusted).toEqual({
      id,
      issuer: issuer.url,
      claims: { repository: 'acme/ui', workflow_ref: expect.stringContaining('/release.yml@refs/heads/') },
    });
  });

  test.each([
    ['GET', '/-/package/@acme%2fui/trust'],
    ['POST', '/-/package/ui/trust'],
    ['DELETE', '/-/package/ui/trust/7'],
  ])('is named with a command of ours: %s %s says which', async (method, path) => {
    const { status, body } = await place.call(method, path, method === 'POST' ? [{ type: 'github' }] : undefined);
    expect([status, body.error]).toEqual([404, expect.stringContaining('c13 packages trust NAME')]);
  });

  test('gets a token that publishes its package, and does nothing else', async () => {
    const issuer = await openIssuer(audience);
    await published('one');
    await published('two');
    await trusting('one', issuer, { repository: 'acme/ui' });
    const { status, body, headers } = await exchange('one', await issuer.token());
    expect([status, body.token_type, headers.get('cache-control')]).toEqual([201, 'oidc', 'no-store']);
    expect(Date.parse(body.expires) - Date.parse(body.created)).toBe(15 * 60 * 1000);
    const ask = bearer(body.token);
    const asked = [
      ['PUT', '/one', { name: 'one', version: '1.0.1' }, 201],
      ['GET', '/one', undefined, 200],
      ['PUT', '/two', { name: 'two', version: '1.0.1' }, 403],
      ['GET', '/two', undefined, 404],
      ['GET', '/-/package/one/visibility', undefined, 200],
      ['PUT', '/-/package/one/dist-tags/beta', '1.0.0', 403],
      ['POST', '/api/v1/packages/one/tags', { set: { beta: '1.0.0' } }, 403],
      ['POST', '/api/v1/packages/one/deprecate', { messages: { '1.0.0': 'mine now' } }, 403],
      ['PUT', '/one', { versions: { '1.0.0': { deprecated: 'mine now' } } }, 403],
      ['PUT', '/one', { users: { me: true } }, 403],
      ['GET', '/-/package/one/collaborators', undefined, 403],
      ['GET', '/-/v1/search?text=one', undefined, 403],
      ['PUT', '/three', { name: 'three', version: '1.0.0' }, 403],
      ['DELETE', '/one/-rev/1-0', undefined, 403],
      ['GET', '/-/whoami', undefined, 403],
      ['GET', '/-/npm/v1/user', undefined, 403],
      ['POST', '/-/npm/v1/user', { fullname: 'x' }, 403],
      ['GET', '/-/npm/v1/tokens', undefined, 403],
      ['POST', '/api/v1/tokens', { name: 'x' }, 403],
      ['GET', '/api/v1/users', undefined, 403],
      ['POST', '/api/v1/packages/one/trusted-publishers', { issuer: issuer.url, claims: { sub: '*' } }, 403],
    ] as const;
    for (const [method, path, sent, wanted] of asked) {
      expect([method, path, (await ask(method, path, sent)).status]).toEqual([method, path, wanted]);
    }
  });

  test('has a token for as long as the package trusts it, and no longer', async () => {
    const issuer = await openIssuer(audience);
    const publishes = async (name: string, token: string, version: string, more: object = {}) =>
      (await bearer(token)('PUT', `/${name}`, { name, version, ...more })).status;
    const tokenFor = async (name: string) => (await exchange(name, await issuer.token())).body.token;
    for (const name of ['left', 'gone', 'ended']) {
      await published(name);
      await trusting(name, issuer, { repository: 'acme/ui' });
    }
    const [left, gone, ended] = await Promise.all(['left', 'gone', 'ended'].map(tokenFor));
    expect(await publishes('left', left, '1.0.1')).toBe(201);
    const [{ id }] = (await place.call('GET', '/api/v1/packages/left/trusted-publishers')).body.trustedPublishers;
    await place.call('DELETE', `/api/v1/packages/left/trusted-publishers/${id}`);
    expect(await publishes('left', left, '1.0.2')).toBe(401);
    expect((await bearer(left)('GET', '/left')).status).toBe(401);
    await place.call('DELETE', '/api/v1/packages/gone');
    expect(await publishes('gone', gone, '2.0.0')).toBe(401);
    expect((await exchange('gone', await issuer.token())).status).toBe(404);
    const logout = (token: string) => call(place.url, 'DELETE', `/-/user/token/${token}`);
    expect((await logout(`${ended.slice(0, -4)}AAAA`)).status).toBe(200);
    expect(await publishes('ended', ended, '1.0.1')).toBe(201);
    expect((await logout(ended)).status).toBe(200);
    expect(await publishes('ended', ended, '1.0.2')).toBe(401);
  });

  test('is one that somebody can be told from others by', async () => {
    await published('choosy');
    const trust = async (issuer: string, claims: object) => {
      const path = '/api/v1/packages/choosy/trusted-publishers';
      return (await place.call('POST', path, { issuer, claims })).status;
    };
    const weak = [
      { iss: 'https://ci.example' },
      { aud: 'npm:127.0.0.1' },
      { exp: '*1', jti: 'abcdef' },
      { sub: '*:acme/ui' },
      { sub: 'repo:*' },
      { repository: '*/*' },
      { repository: '*/acme' },
      { workflow_ref: '*/release.yml@refs/heads/main' },
      { environment: 'production', ref: 'refs/heads/main' },
    ];
    for (const claims of weak) expect([claims, await trust('https://ci.example', claims)]).toEqual([claims, 400]);
    const strong = [
      { repository: 'acme/*' },
      { repository_owner_id: '65' },
      { sub: 'repo:acme/ui:*', environment: '*' },
    ];
    for (const claims of strong) expect([claims, await trust('https://ci.example', claims)]).toEqual([claims, 201]);
    expect(await trust('http://ci.example', strong[0]!)).toBe(400);
  });

  test('learns of an issuer that cannot be asked nothing but that', async () => {
    const faults = [() => new Response('x', { status: 500 }), () => new Response('no JSON'), () => Response.json({})];
    const told = new Set<string>();
    for (const [index, fault] of faults.entries()) {
      const issuer = await openIssuer(audience);
      issuer.answers.set('/.well-known/openid-configuration', fault);
      await published(`faulty-${index}`);
      await trusting(`faulty-${index}`, issuer, { repository: 'acme/ui' });
      const { status, body } = await exchange(`faulty-${index}`, await issuer.token());
      told.add(`${status} ${JSON.stringify(body).replaceAll(issuer.url, 'ISSUER')}`);
    }
    expect([...told]).toEqual([expect.stringContaining('502')]);
  });

  test.each([
    ['is signed by somebody else', {}, 404, 'ERR_NOT_FOUND'],
    ['is for another registry', { aud: 'npm:other.example' }, 401, 'ERR_UNAUTHENTICATED'],
    ['is for several', { aud: ['npm:127.0.0.1', 'x'] }, 401, 'ERR_UNAUTHENTICATED'],
    ['has expired', { exp: 1_700_000_000, iat: 1_699_999_900 }, 401, 'ERR_UNAUTHENTICATED'],
    ['is not valid yet', { nbf: 4_000_000_000, exp: null }, 401, 'ERR_UNAUTHENTICATED'],
    ['never expires', { exp: null }, 401, 'ERR_UNAUTHENTICATED'],
    ['lives for years', { exp: 4_000_000_000 }, 401, 'ERR_UNAUTHENTICATED'],
    ['says not when it was issued', { iat: null }, 401, 'ERR_UNAUTHENTICATED'],
    ['is of another issuer', { iss: 'https://issuer.example' }, 404, 'ERR_NOT_FOUND'],
    ['is of another repository', { repository: 'acme/ui-fork' }, 403, 'ERR_FORBIDDEN'],
    ['is of no repository', { repository: null }, 403, 'ERR_FORBIDDEN'],
    ['says several repositories', { repository: ['acme/ui'] }, 403, 'ERR_FORBIDDEN'],
    ['is of a pull request', { ref: 'refs/pull/1/merge' }, 403, 'ERR_FORBIDDEN'],
  ])('gets none for an identity token that %s', async (what, claims, status, code) => {
    const issuer = await openIssuer(audience);
    const name = `refusing-${what.replace(/\W/g, '-')}`;
    await published(name);
    await trusting(name, issuer, { repository: 'acme/ui', ref: 'refs/heads/*' });
    const stranger = what.includes('somebody else') ? (await generateKeyPair('ES256')).privateKey : undefined;
    const answer = await exchange(name, await issuer.token(claims, stranger));
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect((await exchange(name, await issuer.token())).status).toBe(201);
  });

  test('gets none without a signature, or with one that anybody could make', async () => {
    const issuer = await openIssuer(audience);
    await published('unsigned');
    await trusting('unsigned', issuer, { repository: 'acme/ui' });
    const [, payload] = (await issuer.token()).split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const shared = await new SignJWT({ ...JSON.parse(Buffer.from(payload!, 'base64url').toString()) })
      .setProtectedHeader({ alg: 'HS256', kid: 'one' })
      .sign(new TextEncoder().encode('a secret that is long enough to be one'));
    for (const token of [`${none}.${payload}.`, shared, 'no.token.', 'x', 'a'.repeat(10_000)]) {
      expect((await exchange('unsigned', token)).status).toBe(401);
    }
  });

  test('gets one once for an identity token', async () => {
    const issuer = await openIssuer(audience);
    await published('once');
    await trusting('once', issuer, { repository: 'acme/ui' });
    for (const claims of [{}, { jti: null }]) {
      const token = await issuer.token(claims);
      const several = await Promise.all(Array.from({ length: 4 }, () => exchange('once', token)));
      expect(several.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 401, 401, 401]);
    }
  });

  test('cannot make a package, and learns nothing of those that do not know it', async () => {
    const issuer = await openIssuer(audience);
    await published('stranger');
    const answers = [
      await exchange('unheard-of', await issuer.token()),
      await exchange('stranger', await issuer.token()),
    ];
    const said = answers.map(({ status, body }) => [status, body.error.replace(/unheard-of|stranger/g, 'NAME')]);
    expect(said[0]).toEqual(said[1]);
    expect(said[0]![0]).toBe(404);
    expect(issuer.asked.size).toBe(0);
  });

  test('waits for nobody where the issuer is away, and its keys are asked for once', async () => {
    const issuer = await openIssuer(audience);
    await published('away');
    await trusting('away', issuer, { repository: 'acme/ui' });
    issuer.answers.set('/jwks', () => new Response('<html>', { status: 503 }));
    expect((await exchange('away', await issuer.token())).status).toBe(502);
    issuer.answers.clear();
    for (let i = 0; i < 3; i++) expect((await exchange('away', await issuer.token())).status).toBe(201);
    expect(issuer.asked.get('/.well-known/openid-configuration')).toBe(1);
    expect(issuer.asked.get('/jwks')).toBe(2);
  });

  test('is not sent elsewhere for keys', async () => {
    const issuer = await openIssuer(audience);
    const lies = [
      () => Response.json({ issuer: 'https://other.example', jwks_uri: `${issuer.url}/jwks` }),
      () => Response.json({ issuer: issuer.url, jwks_uri: 'file:///etc/passwd' }),
      () => Response.redirect(`${issuer.url}/elsewhere`),
      () => new Response(`"${'x'.repeat(600 * 1024)}"`),
      () => new Response('null'),
    ];
    for (const [index, lie] of lies.entries()) {
      const other = await openIssuer(audience);
      other.answers.set('/.well-known/openid-configuration', lie);
      await published(`lied-to-${index}`);
      await trusting(`lied-to-${index}`, other, { repository: 'acme/ui' });
      expect((await exchange(`lied-to-${index}`, await other.token())).status).toBe(502);
    }
    expect(issuer.asked.size).toBe(0);
  });
});
