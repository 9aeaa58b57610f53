/** `npm login` in a browser, on a registry that runs: who can allow it, and what another site cannot. @module */
import { describe, expect, it } from 'vitest';
import type { RunningProgram } from '../fixtures.ts';
import { startProgram } from '../fixtures.ts';
import { cookieOf, makeUser, postForm, startWithAdmin, withToken } from '../identity-fixtures.ts';

const PAGE = '/_dashboard/web-login';

async function begin({ call, url }: RunningProgram, body: object = {}) {
  const answer = await call('POST', '/-/v1/login', body);
  expect(answer.status).toBe(200);
  const { loginUrl, doneUrl } = answer.body as Record<string, string>;
  for (const each of [loginUrl!, doneUrl!]) expect(new URL(each).origin).toBe(new URL(url).origin);
  const poll = async () => {
    const { status, headers, body: told } = await call('GET', doneUrl!.slice(url.length));
    return { status, retryAfter: headers.get('retry-after'), body: told };
  };
  return { loginUrl: loginUrl!, ticket: new URL(loginUrl!).searchParams.get('ticket')!, poll };
}

describe('signing in with a browser', () => {
  it('is allowed by whoever is signed in there, and gives the token once', async () => {
    const { registry, ann } = await startWithAdmin();
    await makeUser(registry, ann, 'bob');
    const { loginUrl, ticket, poll } = await begin(registry, { hostname: '<b>laptop</b>' });
    expect(await poll()).toEqual({ status: 202, retryAfter: '2', body: {} });
    const html = { accept: 'text/html' };
    const out = await fetch(loginUrl, { headers: html, redirect: 'manual' });
    const back = `/_dashboard/login?returnTo=${encodeURIComponent(`${PAGE}?ticket=${ticket}`)}`;
    expect([out.status, out.headers.get('location')]).toEqual([303, back]);
    const cookie = await cookieOf(registry.url, 'bob');
    const page = await fetch(loginUrl, { headers: { ...html, cookie } });
    const text = await page.text();
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    for (const shown of ['<strong>bob</strong>', '127.0.0.1', '&lt;b&gt;laptop&lt;/b&gt;'])
      expect(text).toContain(shown);
    expect(text).not.toContain('another address');
    expect((await poll()).status).toBe(202);
    const allowed = await postForm(registry.url, PAGE, { ticket }, { origin: registry.url, cookie });
    expect([allowed.status, allowed.text]).toEqual([200, expect.stringContaining('Signed in')]);
    const done = await poll();
    expect(done.status).toBe(200);
    const bob = withToken(registry, done.body.token);
    expect((await bob.call('GET', '/-/whoami')).body).toEqual({ username: 'bob' });
    expect((await poll()).status).toBe(404);
    expect((await postForm(registry.url, PAGE, { ticket }, { origin: registry.url, cookie })).status).toBe(404);
  });

  it('is allowed by no other site, no stranger and no token', async () => {
    const { registry, ann } = await startWithAdmin();
    const { url } = registry;
    const { ticket, poll } = await begin(registry);
    const cookie = await cookieOf(url, 'ann');
    const { body: made } = await ann.call('POST', '/api/v1/tokens', { name: 'ci' });
    const tries: [Record<string, string>, number][] = [
      [{ origin: 'http://evil.example', cookie }, 403],
      [{ cookie }, 403],
      [{ origin: url, 'sec-fetch-site': 'cross-site', cookie }, 403],
      [{ origin: url }, 401],
      [{ origin: url, authorization: `Bearer ${made.secret}` }, 403],
    ];
    for (const [headers, status] of tries) {
      expect((await postForm(url, PAGE, { ticket }, headers)).status, JSON.stringify(headers)).toBe(status);
    }
    expect((await postForm(url, PAGE, { ticket: 'x'.repeat(43) }, { origin: url, cookie })).status).toBe(404);
    expect((await poll()).status).toBe(202);
  });

  it('is worth nothing when all sign-ins of the user have ended before it was fetched', async () => {
    const { registry, ann } = await startWithAdmin();
    const { ticket, poll } = await begin(registry);
    const cookie = await cookieOf(registry.url, 'ann');
    expect((await postForm(registry.url, PAGE, { ticket }, { origin: registry.url, cookie })).status).toBe(200);
    await ann.call('POST', '/api/v1/users/ann/sign-out', {});
    expect((await poll()).status).toBe(404);
  });

  it('warns of a terminal at another address', async () => {
    const { registry } = await startWithAdmin(undefined, [], { C13_TRUSTED_PROXIES: '127.0.0.1' });
    const { call, url } = registry;
    const { body } = await call('POST', '/-/v1/login', {}, { 'x-forwarded-for': '198.51.100.7' });
    const cookie = await cookieOf(url, 'ann');
    const page = await fetch(body.loginUrl, { headers: { cookie, 'x-forwarded-for': '192.0.2.7' } });
    expect(await page.text()).toMatch(/another address than this browser[^]*198\.51\.100\.7/);
  });

  it('is not offered where only a name and a password will do', async () => {
    const fresh = await startProgram();
    expect((await fresh.call('POST', '/-/v1/login', {})).status).toBe(404);
    const { registry } = await startWithAdmin(undefined, [], { C13_REGISTRATION: 'open' });
    expect((await registry.call('POST', '/-/v1/login', { create: true })).status).toBe(404);
    expect((await registry.call('POST', '/-/v1/login')).status).toBe(200);
    for (let i = 0; i < 9; i++) await registry.call('POST', '/-/v1/login', {});
    expect((await registry.call('POST', '/-/v1/login', {})).status).toBe(429);
  });
});
