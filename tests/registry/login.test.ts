/** Signing in with a browser, and what other sites make it do; guessing, and being guessed at. @module */
import { describe, expect, it } from 'vitest';
import { cookieOf, headOf, makeUser, PASSWORD, postForm, setupSecretOf, startWithAdmin } from './identity-fixtures.ts';
import { JSON_TYPE, startProgram } from './fixtures.ts';

const LOGIN = '/_dashboard/login';
const FORM = { user: 'ann', password: PASSWORD, returnTo: '/_dashboard?a=1' };

describe('the pages', () => {
  it('make the first administrator, and sign him in', async () => {
    const { url, greeting } = await startProgram();
    const link = /make the first administrator: (\S+)/.exec(greeting)![1]!;
    const page = await fetch(link);
    const text = await page.text();
    const secret = new URL(link).searchParams.get('secret')!;
    expect(text).toContain(`name="secret" value="${secret}"`);
    expect(text).not.toMatch(/<script|https?:\/\//);
    expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none';.*form-action 'self'/);
    expect([page.headers.get('referrer-policy'), page.headers.get('cache-control')]).toEqual([
      'strict-origin',
      'no-store',
    ]);
    const form = { secret, user: 'ann', password: PASSWORD, again: PASSWORD };
    const path = '/_dashboard/setup';
    const different = await postForm(url, path, { ...form, again: 'another four random words' });
    expect(different).toMatchObject({ status: 422, text: expect.stringContaining('not the same'), cookie: null });
    expect(await postForm(url, path, { ...form, password: 'short', again: 'short' })).toMatchObject({ status: 422 });
    const foreign = await postForm(url, path, form, { origin: 'http://evil.example' });
    expect(foreign).toMatchObject({ status: 403, cookie: null });
    const made = await postForm(url, path, form);
    expect([made.status, made.headers.get('location')]).toEqual([303, '/_dashboard']);
    const home = await (await fetch(`${url}/_dashboard`, { headers: { cookie: made.cookie! } })).text();
    expect(home).toContain('Sign out');
    const again = await postForm(url, path, form);
    expect(again).toMatchObject({ status: 401, text: expect.stringContaining('c13 setup-link'), cookie: null });
    expect(await (await fetch(link)).text()).toMatch(/There is an administrator already[^]*href="\/_dashboard\/login"/);
  });

  it('show no form to set up with to who comes without a link', async () => {
    const { url } = await startProgram();
    const text = await (await fetch(`${url}/_dashboard/setup`)).text();
    expect(text).toContain('c13 setup-link');
    expect(text).not.toContain('<form');
  });

  it('send a person who opens one to sign in and back, and a program nowhere', async () => {
    const { registry } = await startWithAdmin();
    const { url } = registry;
    const open = (path: string, accept: string) => fetch(url + path, { headers: { accept }, redirect: 'manual' });
    const sent = await open('/_dashboard', 'text/html,application/xhtml+xml');
    expect([sent.status, sent.headers.get('location')]).toEqual([303, `${LOGIN}?returnTo=%2F_dashboard`]);
    expect((await open('/_dashboard', 'application/json')).status).toBe(401);
    expect((await open('/_dashboard/api/config', 'text/html')).status).toBe(401);
    expect((await open('/api/v1/whoami', 'text/html')).status).toBe(401);
    const page = await (await fetch(url + sent.headers.get('location'))).text();
    expect(page).toContain('name="returnTo" value="/_dashboard"');
    const { status, headers, cookie } = await postForm(url, LOGIN, FORM);
    expect([status, headers.get('location')]).toEqual([303, '/_dashboard?a=1']);
    expect(headers.get('set-cookie')).toMatch(
      /^c13_session=[\w.-]+; Path=\/; Expires=[^;]+ GMT; HttpOnly; SameSite=Lax$/,
    );
    const self = await registry.call('GET', '/api/v1/whoami', undefined, { cookie: cookie! });
    expect(self.body).toMatchObject({ kind: 'user', user: 'ann' });
  });

  it('open for whoever signed in: with what he may see, who he is, and the way out', async () => {
    const { registry, ann } = await startWithAdmin();
    const { url } = registry;
    await makeUser(registry, ann, 'bob');
    const cookie = await cookieOf(url, 'bob');
    const page = async () => {
      const answer = await fetch(`${url}/_dashboard`, { headers: { cookie, accept: 'text/html' } });
      return [answer.status, await answer.text()] as const;
    };
    const bare = await page();
    expect(bare[0]).toBe(200);
    for (const shown of ['Nothing has been granted to you yet', 'You are', 'bob', 'Sign out']) {
      expect(bare[1]).toContain(shown);
    }
    await ann.call('POST', '/api/v1/grants', { user: 'bob', role: 'operator', pattern: 'config:*' });
    const operator = await page();
    expect(operator[1]).toMatch(/To try first[^]*$/);
    for (const hidden of ['Journal', 'Version', 'Nothing has been granted']) expect(operator[1]).not.toContain(hidden);
    await ann.call('POST', '/api/v1/grants', { user: 'bob', role: 'viewer', pattern: 'status:*' });
    expect((await page())[1]).toMatch(/Version[^]*Journal[^]*You are/);
  });

  it('are found from the bare address, by people alone', async () => {
    const { url } = await startProgram();
    const open = async (path: string, accept: string) => {
      const { status, headers } = await fetch(url + path, { headers: { accept }, redirect: 'manual' });
      return [status, headers.get('location')];
    };
    for (const path of ['/', '/_dashboard/', '/?a=1']) {
      expect(await open(path, 'text/html,*/*;q=0.8'), path).toEqual([303, '/_dashboard']);
      expect(await open(path, 'application/json'), path).toEqual([404, null]);
    }
    expect(await open('/nothing', 'text/html')).toEqual([404, null]);
  });

  it('tell who comes over a network how the first user is made', async () => {
    const registry = await startProgram(undefined, ['--host', '0.0.0.0']);
    const url = registry.url.replace('0.0.0.0', '127.0.0.1');
    for (const path of ['/', '/_dashboard', '/docs']) {
      const page = await fetch(url + path, { headers: { accept: 'text/html' } });
      expect([page.status, new URL(page.url).pathname], path).toEqual([200, LOGIN]);
      expect(await page.text(), path).toContain('c13 setup-link');
    }
    const program = await fetch(`${url}/_dashboard`, { headers: { accept: 'application/json' } });
    expect([program.status, (await program.json()).code]).toEqual([403, 'ERR_NOT_LOOPBACK']);
  });

  it('return nowhere but to a path of ours', async () => {
    const { url } = (await startWithAdmin()).registry;
    for (const returnTo of [
      '//evil.example',
      'http://evil.example',
      '/\\evil.example',
      'javascript:alert(1)',
      '',
      'x',
    ]) {
      const { headers } = await postForm(url, LOGIN, { ...FORM, returnTo });
      expect(headers.get('location'), returnTo).toBe('/_dashboard');
    }
    const page = await (await fetch(`${url}${LOGIN}?returnTo=//evil.example`)).text();
    expect(page).not.toContain('evil');
  });

  it('say what was wrong, in words, and keep what was typed but for the password', async () => {
    const { url } = (await startWithAdmin()).registry;
    const wrong = await postForm(url, LOGIN, { ...FORM, password: 'not the one at all' });
    expect(wrong).toMatchObject({ status: 401, cookie: null });
    expect(wrong.text).toContain('The name or the password is wrong.');
    expect(wrong.text).toMatch(/name="user"\s+value="ann"/);
    expect(wrong.text).not.toContain('not the one');
    const nobody = await postForm(url, LOGIN, { ...FORM, user: 'nobody-here', password: 'not the one at all' });
    expect(nobody.text.replaceAll('nobody-here', 'ann')).toBe(wrong.text);
    const hostile = await postForm(url, LOGIN, { ...FORM, user: '"><script>alert(1)</script>', password: 'x' });
    expect(hostile.text).not.toContain('<script');
    for (const form of ['user=a&user=b&password=x&returnTo=', 'user=a&password=x&returnTo=&more=1']) {
      const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: url };
      expect((await fetch(url + LOGIN, { method: 'POST', body: form, headers })).status, form).toBe(400);
    }
    const json = { method: 'POST', body: JSON.stringify(FORM), headers: { ...JSON_TYPE, origin: url } };
    expect((await fetch(url + LOGIN, json)).status).toBe(415);
  });

  it('sign out: the session is worth nothing any more, also over a restart', async () => {
    const { registry, ann } = await startWithAdmin();
    const cookie = await cookieOf(registry.url, 'ann');
    const out = await postForm(registry.url, '/_dashboard/logout', {}, { origin: registry.url, cookie });
    expect([out.status, out.headers.get('location'), out.cookie]).toEqual([303, LOGIN, 'c13_session=']);
    const self = (call: typeof registry.call) => call('GET', '/api/v1/whoami', undefined, { cookie });
    expect((await self(registry.call)).status).toBe(401);
    expect((await ann.call('GET', '/api/v1/whoami')).status).toBe(200);
    expect((await ann.call('POST', '/api/v1/logout')).status).toBe(204);
    expect((await ann.call('GET', '/api/v1/whoami')).status).toBe(401);
    registry.child.kill('SIGTERM');
    await registry.child.exited;
    const next = await startProgram(registry.data);
    expect(next.greeting).not.toContain('setup');
    const header = { authorization: `Bearer ${ann.token}` };
    expect((await self(next.call)).status).toBe(401);
    expect((await next.call('GET', '/api/v1/whoami', undefined, header)).status).toBe(401);
  });
});

describe('a session cookie', () => {
  it('counts on writes only where a page of ours made the browser send it', async () => {
    const { registry, ann } = await startWithAdmin();
    const { url, call } = registry;
    const cookie = await cookieOf(url, 'ann');
    const before = await headOf(ann);
    const write = async (headers: Record<string, string>, body: unknown = { rows: 50 }) =>
      (await call('PATCH', '/api/v1/configs/default', body, { cookie, ...headers })).status;
    const foreign: Record<string, string>[] = [
      {},
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { origin: url.replace('127.0.0.1', 'localhost') },
      { origin: url.replace('http:', 'https:') },
      { origin: `${url}.evil.example` },
      { origin: url, 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
    ];
    for (const headers of foreign) expect(await write(headers), JSON.stringify(headers)).toBe(403);
    const simple = { cookie, 'content-type': 'text/plain', origin: 'http://evil.example' };
    const post = await fetch(`${url}/api/v1/users`, { method: 'POST', body: '{"name":"eve"}', headers: simple });
    expect(post.status).toBe(403);
    const out = await postForm(url, '/_dashboard/logout', {}, { cookie, origin: 'http://evil.example' });
    expect(out.status).toBe(403);
    expect(await headOf(ann)).toBe(before);
    expect(await write({ origin: url })).toBe(200);
    expect(await write({ 'sec-fetch-site': 'same-origin' })).toBe(200);
  });

  it('is nothing beside a header, twice, tampered with, with an API token, or to package managers', async () => {
    const { registry, ann } = await startWithAdmin();
    const bob = await makeUser(registry, ann, 'bob');
    const cookie = await cookieOf(registry.url, 'ann');
    const self = async (headers: Record<string, string>, path = '/api/v1/whoami') =>
      await registry.call('GET', path, undefined, headers);
    expect((await self({ cookie, authorization: `Bearer ${bob.token}` })).body.user).toBe('bob');
    expect((await self({ cookie, authorization: 'Bearer nonsense' })).status).toBe(401);
    expect((await self({ cookie: `${cookie}; c13_session=${bob.token}` })).status).toBe(401);
    expect((await self({ cookie: `c13_session=${bob.token}; ${cookie}` })).status).toBe(401);
    expect((await self({ cookie: `__Host-${cookie}` })).status).toBe(401);
    const { body: token } = await ann.call('POST', '/api/v1/tokens', { name: 'ci' });
    expect((await self({ cookie: `c13_session=${token.secret}` })).status).toBe(401);
    for (const at of [20, 120, cookie.length - 3]) {
      const changed = cookie.slice(0, at) + (cookie[at] === 'A' ? 'B' : 'A') + cookie.slice(at + 1);
      expect((await self({ cookie: changed })).status, String(at)).toBe(401);
    }
    expect((await self({ cookie }, '/-/nothing')).status).toBe(401);
    expect((await self({ authorization: `Bearer ${ann.token}` }, '/-/nothing')).status).toBe(404);
  });

  it('is always a new one: nobody is signed in to a session that somebody else has prepared', async () => {
    const { registry, ann } = await startWithAdmin();
    const { url } = registry;
    await makeUser(registry, ann, 'bob');
    const planted = await cookieOf(url, 'bob');
    const { cookie } = await postForm(url, LOGIN, FORM, { origin: url, cookie: planted });
    expect(cookie).not.toBe(planted);
    const self = async (value: string) =>
      (await registry.call('GET', '/api/v1/whoami', undefined, { cookie: value })).body;
    expect([(await self(cookie!)).user, (await self(planted)).user]).toEqual(['ann', 'bob']);
    const forced = await postForm(url, LOGIN, FORM, { origin: 'http://evil.example' });
    expect(forced).toMatchObject({ status: 403, cookie: null });
    expect(await postForm(url, LOGIN, FORM, {})).toMatchObject({ status: 403, cookie: null });
  });
});

describe('behind a proxy that encrypts', () => {
  it('cookies are Secure and of this host alone, and pages work at C13_PUBLIC_URL only', async () => {
    const env = { C13_PUBLIC_URL: 'https://config.example', C13_TRUSTED_PROXIES: '127.0.0.1' };
    const registry = await startProgram(undefined, ['--host', '0.0.0.0'], env);
    expect(registry.greeting).toContain('administrator: https://config.example/_dashboard/setup?secret=');
    const url = registry.url.replace('0.0.0.0', '127.0.0.1');
    const setup = { secret: setupSecretOf(registry), user: 'ann', password: PASSWORD, again: PASSWORD };
    expect((await postForm(url, '/_dashboard/setup', setup)).status).toBe(403);
    const { headers, cookie } = await postForm(url, '/_dashboard/setup', setup, { origin: 'https://config.example' });
    expect(headers.get('set-cookie')).toMatch(/^__Host-c13_session=.*; Path=\/; .*; HttpOnly; SameSite=Lax; Secure$/);
    const status = async (sent: Record<string, string>) =>
      (await fetch(`${url}/api/v1/whoami`, { headers: sent })).status;
    expect(await status({ cookie: cookie! })).toBe(200);
    expect(await status({ cookie: cookie!.replace('__Host-', '') })).toBe(401);
  });
});

describe('guessing', () => {
  it('is slowed down by name, but not where the user usually signs in from, and what is in stays in', async () => {
    const env = { C13_TRUSTED_PROXIES: '127.0.0.1' };
    const { registry, ann } = await startWithAdmin(undefined, ['--host', '127.0.0.2'], env);
    const from = (address: string) => ({ 'x-forwarded-for': address });
    const login = async (password: string, address: string, user = 'ann') =>
      await registry.call('POST', '/api/v1/login', { user, password }, from(address));
    expect((await login(PASSWORD, '192.0.2.1')).status).toBe(200);
    const guesses = [];
    for (let i = 0; i < 12; i++) guesses.push((await login('not the one at all', `198.51.100.${i}`)).status);
    expect(new Set(guesses)).toEqual(new Set([401, 429]));
    expect(guesses.at(-1)).toBe(429);
    const refused = await login(PASSWORD, '203.0.113.9');
    expect(refused).toMatchObject({ status: 429, body: { code: 'ERR_RATE_LIMITED' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await login(PASSWORD, '192.0.2.1')).status).toBe(200);
    expect((await ann.call('GET', '/api/v1/whoami')).status).toBe(200);
    expect((await login(PASSWORD, '198.51.100.1', 'nobody-here')).status).toBe(401);
  });

  it('is slowed down by address, whatever names are tried', async () => {
    const { registry } = await startWithAdmin();
    const statuses = new Set<number>();
    for (let i = 0; i < 32; i++) {
      const guess = { user: `user-${i}`, password: 'x' };
      statuses.add((await registry.call('POST', '/api/v1/login', guess)).status);
    }
    expect(statuses).toEqual(new Set([401, 429]));
  });
});
