/** Who may come in and what he may do, on registries that run as processes of their own. @module */
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { headOf, makeUser, PASSWORD, setupSecretOf, startWithAdmin, withToken } from './identity-fixtures.ts';
import { ROOT, startProgram } from './fixtures.ts';

const CHECKOUT = '/api/v1/configs/checkout%2Fproduction';

/** The command, as whoever owns the data directory. */
function c13(data: string, args: readonly string[]): { exitCode: number; stdout: string; stderr: string } {
  const command = [process.execPath, join(ROOT, 'src/cli/main.ts'), ...args, '--data', data];
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { env: { ...Bun.env, XDG_CONFIG_HOME: dirname(data) } });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

describe('a team', () => {
  it('moves in: setup link, administrator, operator of some features, token, refusals, revocation', async () => {
    const { registry, ann } = await startWithAdmin();
    await ann.call('POST', 'features?name=checkout/production', { declare: { new_cart: 12, old_cart: 13 } });
    await ann.call('POST', 'config?name=checkout/production', { rows: 30 });
    const bob = await makeUser(registry, ann, 'bob');
    expect((await bob.call('GET', CHECKOUT)).status).toBe(403);
    const grant = { user: 'bob', role: 'operator', pattern: 'config:checkout/*', sections: ['feature:new_*'] };
    expect((await ann.call('POST', '/api/v1/grants', grant)).status).toBe(201);
    const made = await bob.call('POST', '/api/v1/tokens', { name: 'ci', reason: 'for the pipeline' });
    expect(made.body).toMatchObject({ user: 'bob', name: 'ci', secret: expect.stringMatching(/^c13_/) });
    const ci = withToken(registry, made.body.secret);
    const before = await headOf(ann);
    const refused = [
      ['PATCH', CHECKOUT, { features: { old_cart: true } }],
      ['PATCH', CHECKOUT, { rows: 40 }],
      ['PATCH', CHECKOUT, { features: { new_cart: true }, rows: 40 }],
      ['PATCH', '/api/v1/configs/default', { rows: 40 }],
      ['POST', '/api/v1/users', { name: 'eve' }],
      ['POST', '/api/v1/grants', { ...grant, role: 'admin' }],
      ['POST', '/api/v1/tokens', { name: 'longer' }],
      ['PATCH', `/api/v1/tokens/${made.body.id}`, { readOnly: false, scope: null }],
      ['PUT', '/api/v1/users/bob/password', { password: 'another four random words' }],
    ] as const;
    for (const [method, path, body] of refused) {
      expect((await ci.call(method, path, body)).status, JSON.stringify([path, body])).toBe(403);
    }
    expect(await headOf(ann)).toBe(before);
    expect((await ci.call('PATCH', CHECKOUT, { features: { new_cart: true } })).status).toBe(200);
    const { body: history } = await ann.call('GET', 'config/history?name=checkout/production&limit=1');
    expect(history.entries[0]).toMatchObject({ actor: 'bob/ci' });

    await bob.call('PATCH', `/api/v1/tokens/${made.body.id}`, { readOnly: true });
    expect((await ci.call('PATCH', CHECKOUT, { features: { new_cart: false } })).status).toBe(403);
    expect((await ci.call('GET', CHECKOUT)).status).toBe(200);

    const { exitCode, stderr } = c13(registry.data, ['tokens', 'delete', made.body.id, '--reason', 'leaked']);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect((await ci.call('GET', CHECKOUT)).status).toBe(401);
    expect((await bob.call('GET', CHECKOUT)).status).toBe(200);
  });

  it('signs with who asks, and keeps every secret out of journal and log', async () => {
    const { registry, ann } = await startWithAdmin();
    const bob = await makeUser(registry, ann, 'bob');
    const { secret } = (await bob.call('POST', '/api/v1/tokens', { name: 'ci' })).body;
    await registry.call('POST', '/api/v1/login', { user: 'bob', password: 'a password that is wrong' });
    await registry.call('POST', '/api/v1/login', { user: PASSWORD, password: 'typed in the wrong field' });
    registry.child.kill('SIGTERM');
    const log = await new Response(registry.child.stderr).text();
    expect(log).toMatch(/sign-in of bob from 127\.0\.0\.1 failed/);
    const files = ['journal.db', 'journal.db-wal', 'keyring.db', 'scratch.db'];
    const texts = await Promise.all(
      files.map(async (name) => {
        const file = Bun.file(join(registry.data, name));
        return (await file.exists()) ? Buffer.from(await file.bytes()).toString('latin1') : '';
      }),
    );
    for (const text of [log, ...texts]) {
      for (const hidden of [PASSWORD, 'a password that is wrong', secret, bob.token, setupSecretOf(registry)]) {
        expect(text.includes(hidden), hidden).toBe(false);
      }
    }
  });

  it('ends what was signed in when the password changes, a user is disabled, signed out, or deleted', async () => {
    const { registry, ann } = await startWithAdmin();
    const signIn = async () => {
      const { body } = await registry.call('POST', '/api/v1/login', { user: 'bob', password });
      return withToken(registry, body.token);
    };
    let password = PASSWORD;
    let bob = await makeUser(registry, ann, 'bob');
    const { body: token } = await bob.call('POST', '/api/v1/tokens', { name: 'ci' });
    const isIn = async (who: typeof bob) => (await who.call('GET', '/api/v1/whoami')).status;
    const wanted = { password: 'another four random words' };
    expect((await bob.call('PUT', '/api/v1/users/bob/password', wanted)).body.details.rule).toBe('current-password');
    const wrong = { ...wanted, current: 'not the one' };
    expect((await bob.call('PUT', '/api/v1/users/bob/password', wrong)).status).toBe(403);
    expect((await bob.call('PUT', '/api/v1/users/bob/password', { ...wanted, current: password })).status).toBe(204);
    expect(await isIn(bob)).toBe(401);
    ({ password } = wanted);
    bob = await signIn();
    expect((await bob.call('POST', '/api/v1/users/ann/sign-out')).status).toBe(403);
    expect((await bob.call('POST', '/api/v1/users/bob/sign-out')).status).toBe(204);
    expect(await isIn(bob)).toBe(401);
    expect(await isIn(withToken(registry, token.secret))).toBe(200);
    bob = await signIn();
    expect((await ann.call('PATCH', '/api/v1/users/bob', { isDisabled: true })).status).toBe(200);
    expect([await isIn(bob), await isIn(withToken(registry, token.secret))]).toEqual([401, 401]);
    expect((await registry.call('POST', '/api/v1/login', { user: 'bob', password })).status).toBe(401);
    await ann.call('PATCH', '/api/v1/users/bob', { isDisabled: false });
    expect(await isIn(withToken(registry, token.secret))).toBe(200);
    expect((await ann.call('DELETE', '/api/v1/users/bob')).status).toBe(204);
    expect(await isIn(withToken(registry, token.secret))).toBe(401);
    expect((await ann.call('DELETE', '/api/v1/users/ann')).body.details.rule).toBe('last-admin');
  });

  it('loses no update of a user or grant: If-Match says which revision was meant', async () => {
    const { registry, ann } = await startWithAdmin();
    await makeUser(registry, ann, 'bob');
    const { headers } = await ann.call('GET', '/api/v1/users/bob');
    const etag = headers.get('etag')!;
    const first = await ann.call('PATCH', '/api/v1/users/bob', { displayName: 'Bob' }, { 'if-match': etag });
    expect(first.status).toBe(200);
    const second = await ann.call('PATCH', '/api/v1/users/bob', { displayName: 'Rob' }, { 'if-match': etag });
    expect(second).toMatchObject({ status: 412, body: { current: { displayName: 'Bob' } } });
    const { body: grant } = await ann.call('POST', '/api/v1/grants', { user: 'bob', role: 'viewer', pattern: '*' });
    const stale = { 'if-match': '"77"' };
    expect((await ann.call('DELETE', `/api/v1/grants/${grant.id}`, undefined, stale)).status).toBe(412);
    expect((await ann.call('DELETE', `/api/v1/grants/${grant.id}`)).status).toBe(204);
    expect((await ann.call('GET', `/api/v1/grants/${grant.id}`)).status).toBe(404);
  });

  it('limited to sections makes no configs, unless it names their creation', async () => {
    const { registry, ann } = await startWithAdmin();
    const bob = await makeUser(registry, ann, 'bob');
    const grant = { user: 'bob', role: 'operator', pattern: 'config:checkout/*', sections: ['feature:metrics'] };
    const { body: granted } = await ann.call('POST', '/api/v1/grants', grant);
    const made = { name: 'checkout/new' };
    for (const [path, body] of [
      ['/api/v1/configs', made],
      ['/api/v1/configs', { ...made, features: { metrics: true } }],
      ['/api/v1/configs/bulk', { changes: [{ ...made, set: {} }] }],
    ] as const) {
      const refused = await bob.call('POST', path, body);
      expect([refused.status, refused.body.details]).toEqual([403, { rule: 'sections' }]);
      expect(refused.body.detail).toContain('creation');
    }
    expect((await ann.call('GET', '/api/v1/configs/checkout%2Fnew')).status).toBe(404);
    const sections = ['feature:metrics', 'creation'];
    expect((await ann.call('PATCH', `/api/v1/grants/${granted.id}`, { sections })).status).toBe(200);
    expect((await bob.call('POST', '/api/v1/configs', made)).status).toBe(201);
  });

  it('lets ask for what must be approved, and changes nothing by it', async () => {
    const { registry, ann } = await startWithAdmin();
    await ann.call('POST', 'config?name=checkout/production', { rows: 30 });
    const bob = await makeUser(registry, ann, 'bob');
    const pattern = 'config:checkout/*';
    const asking = { user: 'bob', role: 'operator', pattern, needsApproval: true };
    const { body: granted } = await ann.call('POST', '/api/v1/grants', asking);
    expect(granted).toMatchObject({ needsApproval: true, sections: null });
    expect((await ann.call('GET', `/api/v1/grants/${granted.id}`)).body).toEqual(granted);
    const { body: own } = await ann.call('GET', '/api/v1/grants?user=ann');
    expect(own.grants).toMatchObject([{ needsApproval: false }]);
    const { body: token } = await bob.call('POST', '/api/v1/tokens', { name: 'ci' });
    const before = await headOf(ann);
    for (const who of [bob, withToken(registry, token.secret)]) {
      const refused = await who.call('PATCH', CHECKOUT, { rows: 40 });
      const stream = 'config:checkout/production';
      expect([refused.status, refused.body.code, refused.body.details]).toEqual([
        403,
        'ERR_APPROVAL_REQUIRED',
        { stream },
      ]);
      expect(refused.body.hint).toContain('/api/v1/change-requests');
      expect((await who.call('GET', CHECKOUT)).status).toBe(200);
      expect((await who.call('DELETE', CHECKOUT)).body.code).toBe('ERR_APPROVAL_REQUIRED');
      expect((await who.call('PATCH', '/api/v1/configs/default', { rows: 40 })).body.code).toBe('ERR_FORBIDDEN');
    }
    expect(await headOf(ann)).toBe(before);
    const direct = { user: 'bob', role: 'operator', pattern, sections: ['terminal'] };
    await ann.call('POST', '/api/v1/grants', direct);
    expect((await bob.call('PATCH', CHECKOUT, { rows: 40 })).status).toBe(200);
    expect((await bob.call('PATCH', CHECKOUT, { features: { metrics: true } })).body.code).toBe(
      'ERR_APPROVAL_REQUIRED',
    );
    const scope = [{ role: 'operator', pattern, needsApproval: true }];
    const { body: limited } = await ann.call('POST', '/api/v1/tokens', { name: 'ci', scope });
    expect(limited.scope).toMatchObject(scope);
    const asks = withToken(registry, limited.secret);
    expect((await asks.call('PATCH', CHECKOUT, { rows: 41 })).body.code).toBe('ERR_APPROVAL_REQUIRED');
    expect((await asks.call('GET', '/api/v1/whoami')).body.scope).toEqual([{ ...scope[0], sections: null }]);
  });

  it('gives an administrator who must ask no way to be one who need not', async () => {
    const { registry, ann } = await startWithAdmin();
    const bob = await makeUser(registry, ann, 'bob');
    const asking = { user: 'bob', role: 'admin', pattern: '*', needsApproval: true };
    const { body: granted } = await ann.call('POST', '/api/v1/grants', asking);
    const { body: token } = await bob.call('POST', '/api/v1/tokens', { name: 'ci' });
    const grant = `/api/v1/grants/${granted.id}`;
    const [{ id: ofAnn }] = (await ann.call('GET', '/api/v1/grants?user=ann')).body.grants;
    const before = await headOf(ann);
    for (const who of [bob, withToken(registry, token.secret)]) {
      for (const [method, path, body] of [
        ['PATCH', grant, { needsApproval: false }],
        ['DELETE', grant],
        ['DELETE', `/api/v1/grants/${ofAnn}`],
        ['POST', '/api/v1/grants', { user: 'bob', role: 'admin', pattern: '*' }],
        ['POST', '/api/v1/users', { name: 'eve', password: PASSWORD }],
        ['PUT', '/api/v1/users/ann/password', { password: 'another four random words' }],
        ['POST', '/api/v1/tokens', { user: 'ann', name: 'hers' }],
        ['POST', '/api/v1/keys/rotate'],
        ['POST', '/api/v1/backups', {}],
      ] as const) {
        const refused = await who.call(method, path, body);
        expect([refused.status, refused.body.code], `${method} ${path}`).toEqual([403, 'ERR_FORBIDDEN']);
      }
    }
    expect(await headOf(ann)).toBe(before);
    const scope = [{ role: 'admin', pattern: '*' }];
    const { body: wide } = await bob.call('POST', '/api/v1/tokens', { name: 'wide', scope });
    const widest = withToken(registry, wide.secret);
    expect((await widest.call('PATCH', '/api/v1/configs/default', { rows: 40 })).body.code).toBe(
      'ERR_APPROVAL_REQUIRED',
    );
    expect((await widest.call('PATCH', grant, { needsApproval: false })).body.code).toBe('ERR_FORBIDDEN');
    const last = await ann.call('PATCH', `/api/v1/grants/${ofAnn}`, { needsApproval: true });
    expect([last.status, last.body.details]).toEqual([403, { rule: 'last-admin' }]);
    const viewer = await ann.call('PATCH', grant, { role: 'viewer' });
    expect([viewer.status, viewer.body.details.field]).toEqual([400, 'needsApproval']);
  });

  it('lets no token make another, or widen one, whatever it may administer', async () => {
    const { registry, ann } = await startWithAdmin();
    await makeUser(registry, ann, 'bob');
    const { body: short } = await ann.call('POST', '/api/v1/tokens', {
      name: 'short',
      scope: [{ role: 'admin', pattern: 'token:*' }],
      expiresAt: Date.now() + 60_000,
    });
    const { body: whole } = await ann.call('POST', '/api/v1/tokens', { name: 'whole' });
    const before = await headOf(ann);
    for (const { id, secret } of [short, whole]) {
      const token = withToken(registry, secret);
      for (const [method, path, body] of [
        ['POST', '/api/v1/tokens', { name: 'longer' }],
        ['POST', '/api/v1/tokens', { name: 'longer', user: 'bob' }],
        ['PATCH', `/api/v1/tokens/${id}`, { scope: null }],
        ['PATCH', `/api/v1/tokens/${short.id}`, { scope: null }],
      ] as const) {
        const refused = await token.call(method, path, body);
        expect([refused.status, refused.body.details], `${method} ${path}`).toEqual([403, { rule: 'rights' }]);
      }
    }
    expect(await headOf(ann)).toBe(before);
    const revoked = await withToken(registry, short.secret).call('DELETE', `/api/v1/tokens/${whole.id}`);
    expect(revoked.status, 'what leaked may be ended by a program').toBe(204);
  });

  it('lists page by page, shows everybody himself, and tells nobody of what others have', async () => {
    const { registry, ann } = await startWithAdmin();
    const bob = await makeUser(registry, ann, 'bob');
    await makeUser(registry, ann, 'eve');
    const page = (await ann.call('GET', '/api/v1/users?limit=2')).body;
    expect([page.users.map(({ name }: { name: string }) => name), page.cursor]).toEqual([['ann', 'bob'], 'bob']);
    expect((await ann.call('GET', '/api/v1/users?limit=2&cursor=bob')).body).toMatchObject({
      users: [{ name: 'eve' }],
      cursor: null,
    });
    const { body: token } = await ann.call('POST', '/api/v1/tokens', { name: 'ops', readOnly: true });
    expect((await bob.call('GET', '/api/v1/users/bob')).body).toMatchObject({ name: 'bob', hasPassword: true });
    expect((await bob.call('GET', '/api/v1/tokens')).body).toEqual({ tokens: [], cursor: null });
    for (const path of [
      'users',
      'users/ann',
      'grants',
      'tokens?user=ann',
      `tokens/${token.id}`,
      'tokens/none',
      'keys',
    ]) {
      expect((await bob.call('GET', `/api/v1/${path}`)).status, path).toBe(403);
    }
    const { body: tokens } = await withToken(registry, token.secret).call('GET', '/api/v1/tokens');
    expect(tokens.tokens).toMatchObject([{ name: 'ops', user: 'ann', lastUsedAt: expect.any(Number) }]);
    expect(JSON.stringify(tokens)).not.toMatch(/hash|secret/);
  });
});

describe('a registry that others reach', () => {
  it('lets nobody in before the setup link was used, and then whoever shows a token, by any name', async () => {
    const registry = await startProgram(undefined, ['--host', '0.0.0.0']);
    const port = new URL(registry.url).port;
    const local = `http://127.0.0.1:${port}`;
    const ask = (path: string, init: RequestInit = {}) => fetch(local + path, init);
    expect(await (await ask('/api/v1/whoami')).json()).toMatchObject({ code: 'ERR_NOT_LOOPBACK', status: 403 });
    expect((await ask('/health')).status).toBe(200);
    const setup = JSON.stringify({ secret: setupSecretOf(registry), user: 'ann', password: PASSWORD });
    const headers = { 'content-type': 'application/json' };
    const { token } = (await (await ask('/api/v1/setup', { method: 'POST', body: setup, headers })).json()) as any;
    expect((await ask('/api/v1/setup', { method: 'POST', body: setup, headers })).status).toBe(401);
    const named = { authorization: `Bearer ${token}`, host: 'config.example' };
    expect((await ask('/api/v1/whoami', { headers: named })).status).toBe(200);
    expect((await ask('/api/v1/whoami')).status).toBe(401);
  });

  it('gives everybody what was granted to everybody, until private_registry is on', async () => {
    const { registry, ann } = await startWithAdmin();
    await ann.call('POST', 'config?name=shop', { rows: 30 });
    const grant = { user: 'anonymous', pattern: 'config:shop' };
    expect((await ann.call('POST', '/api/v1/grants', { ...grant, role: 'operator' })).status).toBe(403);
    expect((await ann.call('POST', '/api/v1/grants', { ...grant, role: 'viewer' })).status).toBe(201);
    expect((await registry.call('GET', '/api/v1/configs/shop')).status).toBe(200);
    expect((await registry.call('GET', '/api/v1/configs/default')).status).toBe(401);
    expect((await registry.call('PATCH', '/api/v1/configs/shop', { rows: 31 })).status).toBe(401);
    await ann.call('PATCH', '/api/v1/configs/registry', { features: { private_registry: true } });
    expect((await registry.call('GET', '/api/v1/configs/shop')).status).toBe(401);
    const bob = await makeUser(registry, ann, 'bob');
    expect((await bob.call('GET', '/api/v1/configs/shop')).status).toBe(200);
  });

  it('takes no password in every request, no half token, and tells nobody why', async () => {
    const { registry, ann } = await startWithAdmin();
    const { body: token } = await ann.call('POST', '/api/v1/tokens', { name: 'ci' });
    const ask = async (authorization: string) =>
      await registry.call('GET', '/api/v1/whoami', undefined, { authorization });
    const basic = await ask(`Basic ${btoa(`ann:${PASSWORD}`)}`);
    expect(basic).toMatchObject({ status: 401, body: { hint: expect.stringContaining('c13 login') } });
    expect(basic.headers.get('www-authenticate')).toMatch(/^Bearer /);
    const told = new Set<string>();
    const bad = [
      `${token.secret}x`,
      token.secret.slice(0, -1),
      token.secret.replace(token.id, '0'.repeat(16)),
      'x',
      '',
    ];
    for (const text of [...bad, `${ann.token.slice(0, -4)}AAAA`]) {
      const { status, body } = await ask(`Bearer ${text}`);
      expect(status, text).toBe(401);
      told.add(JSON.stringify(body));
    }
    expect(told.size).toBe(1);
  });

  it('rotates its keys under the feet of who is signed in, and publishes them', async () => {
    const { registry, ann } = await startWithAdmin();
    const jwks = async () => (await registry.call('GET', '/.well-known/jwks.json')).body.keys;
    const [first] = await jwks();
    expect(first).toMatchObject({ kty: 'OKP', crv: 'Ed25519', use: 'sig' });
    expect(first.d).toBeUndefined();
    const { body } = await ann.call('POST', '/api/v1/keys/rotate');
    expect(body.keys).toMatchObject([{ isSigning: true }, { kid: first.kid, isSigning: false }]);
    expect((await jwks()).length).toBe(2);
    expect((await ann.call('GET', '/api/v1/whoami')).status).toBe(200);
    expect((await registry.call('POST', '/api/v1/login', { user: 'ann', password: PASSWORD })).status).toBe(200);
  });
});

describe('while there is no user', () => {
  it('the owner makes none but by the link, and has no session to end', async () => {
    const registry = await startProgram();
    const first = await registry.call('POST', '/api/v1/users', { name: 'ann', password: PASSWORD });
    expect(first).toMatchObject({ status: 403, body: { details: { rule: 'first-user' } } });
    expect((await registry.call('GET', '/api/v1/whoami')).body).toMatchObject({ kind: 'owner', user: null });
    expect((await registry.call('POST', '/api/v1/logout')).status).toBe(400);
    expect((await registry.call('POST', '/api/v1/tokens', { name: 'x' })).status).toBe(400);
  });

  it('a new link from the command line ends the old one; somebody who lost his password gets a new one', async () => {
    const registry = await startProgram();
    const link = c13(registry.data, ['setup-link']).stdout.trim();
    const redeem = async (secret: string) =>
      (await registry.call('POST', '/api/v1/setup', { secret, user: 'ann', password: PASSWORD })).status;
    expect(await redeem(setupSecretOf(registry))).toBe(401);
    expect(await redeem(new URL(link).searchParams.get('secret')!)).toBe(201);
    expect(c13(registry.data, ['setup-link'])).toMatchObject({ exitCode: 1, stdout: '' });
    const command = [process.execPath, join(ROOT, 'src/cli/main.ts'), 'users', 'password', 'ann', '--password-stdin'];
    const stdin = new Blob(['a forgotten one replaced\n']);
    expect(await Bun.spawn([...command, '--data', registry.data], { stdin, stdout: 'ignore' }).exited).toBe(0);
    const login = async (password: string) =>
      (await registry.call('POST', '/api/v1/login', { user: 'ann', password })).status;
    expect([await login(PASSWORD), await login('a forgotten one replaced')]).toEqual([401, 200]);
  });
});
