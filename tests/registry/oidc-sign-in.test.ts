/** Signing in with a real OpenID Connect provider, through the registry's own pages. @module */
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { signInAs, startProvider } from '../auth/oidc-fixtures.ts';
import { PASSWORD, startWithAdmin } from './identity-fixtures.ts';
import { spawnProgram, tempDirectory } from './fixtures.ts';

const CALLBACK = '/_dashboard/oidc/callback';

/** The registry has to know its own address before it starts. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', () => listening()));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((closed) => server.close(() => closed()));
  return port;
}

async function startBoth() {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const provider = await startProvider(url + CALLBACK);
  onTestFinished(() => provider.stop());
  const secret = join(tempDirectory(), 'secret');
  writeFileSync(secret, 'a secret & more: %/+\n');
  const env = {
    C13_PUBLIC_URL: url,
    C13_OIDC_ISSUER: provider.issuer,
    C13_OIDC_CLIENT_ID: 'registry',
    C13_OIDC_CLIENT_SECRET_FILE: secret,
  };
  const { registry, ann } = await startWithAdmin(undefined, ['--port', String(port)], env);
  const anna = { name: 'anna', email: 'ann@example.com' };
  await ann.call('POST', '/api/v1/users', anna);
  const browser = {
    /** To the provider, and back to our address. */
    async begin(login: string, returnTo = '/_dashboard?a=1') {
      const query = new URLSearchParams({ returnTo });
      const start = await fetch(`${url}/_dashboard/oidc/start?${query}`, { redirect: 'manual' });
      const [cookie = ''] = start.headers.getSetCookie().map((line) => /^[^;]+/.exec(line)![0]);
      return { start, cookie, back: await signInAs(login, start.headers.get('location')!, url + CALLBACK) };
    },
    async finish(back: string, cookie: string) {
      const answer = await fetch(back, { redirect: 'manual', headers: cookie === '' ? {} : { cookie } });
      const session = answer.headers.getSetCookie().find((line) => /^c13_session=[^;]/.test(line));
      return { status: answer.status, to: answer.headers.get('location'), text: await answer.text(), session };
    },
    async signIn(login: string) {
      const { back, cookie } = await browser.begin(login);
      return await browser.finish(back, cookie);
    },
  };
  return { registry, ann, url, provider, browser };
}

describe('a provider', () => {
  it('signs in the user with its verified address and links him: later the address decides nothing', async () => {
    const { registry, ann, url, provider, browser } = await startBoth();
    const page = await (await fetch(`${url}/_dashboard/login?returnTo=/_dashboard`)).text();
    expect(page).toContain(`Sign in with ${new URL(provider.issuer).host}`);
    const { back, cookie, start } = await browser.begin('ann');
    expect(start.headers.getSetCookie()[0]).toMatch(/^c13_oidc=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/);
    const entered = await browser.finish(back, cookie);
    expect([entered.status, entered.to]).toEqual([303, '/_dashboard?a=1']);
    const [session] = /^[^;]+/.exec(entered.session!)!;
    const self = await registry.call('GET', '/api/v1/whoami', undefined, { cookie: session });
    expect(self.body).toMatchObject({ kind: 'user', user: 'anna' });
    const { body: linked } = await ann.call('GET', '/api/v1/users/anna');
    expect(linked).toMatchObject({ oidcSubject: `${provider.issuer} ann`, hasPassword: false, modifiedBy: 'anna' });
    await ann.call('PATCH', '/api/v1/users/anna', { email: 'other@example.com' });
    expect((await browser.signIn('ann')).status).toBe(303);
    await ann.call('PATCH', '/api/v1/users/anna', { isDisabled: true });
    const refused = await browser.signIn('ann');
    expect(refused).toMatchObject({ status: 403, session: undefined });
    expect(refused.text).toContain('Your user is disabled');
  });

  it('lets in nobody whom no administrator has made a user, nor by an address that it has not verified', async () => {
    const { ann, browser } = await startBoth();
    for (const login of ['eve', 'mia', 'bob']) {
      const refused = await browser.signIn(login);
      expect(refused, login).toMatchObject({ status: 403, session: undefined });
      expect(refused.text).toContain('Ask an administrator to make a user with that address.');
    }
    expect((await ann.call('GET', '/api/v1/users/anna')).body.oidcSubject).toBeNull();
  });

  it('cannot be used against who signs in: foreign, missing, swapped, replayed and tampered answers', async () => {
    const { browser, url } = await startBoth();
    const refused = async (back: string, cookie: string) => {
      const { status, session } = await browser.finish(back, cookie);
      expect([status, session]).toEqual([403, undefined]);
    };
    const mine = await browser.begin('ann');
    const others = await browser.begin('ann');
    await refused(mine.back, '');
    await refused(mine.back, others.cookie);
    await refused(mine.back, `${mine.cookie.slice(0, -3)}AAA`);
    await refused(mine.back, `${others.cookie}; ${mine.cookie}`);
    await refused(mine.back.replace(/state=[^&]+/, 'state=x'), mine.cookie);
    await refused(mine.back.replace(/iss=[^&]+/, 'iss=http%3A%2F%2Fevil.example'), mine.cookie);
    await refused(`${url}${CALLBACK}?error=access_denied&state=x`, mine.cookie);
    expect((await browser.finish(mine.back, mine.cookie)).status).toBe(303);
    await refused(mine.back, mine.cookie);
    const evil = await fetch(`${url}/_dashboard/oidc/start?returnTo=//evil.example`, { redirect: 'manual' });
    expect([evil.status, evil.headers.get('location')]).toEqual([400, null]);
  });

  it('that does not answer leaves the password', async () => {
    const { registry, provider, url } = await startBoth();
    await provider.stop();
    const start = await fetch(`${url}/_dashboard/oidc/start`, { redirect: 'manual' });
    expect(start.status).toBe(403);
    expect(await start.text()).toContain('sign in with a password');
    expect((await registry.call('POST', '/api/v1/login', { user: 'ann', password: PASSWORD })).status).toBe(200);
  });
});

it('half set up, it is refused at start', async () => {
  const issuer = { C13_OIDC_ISSUER: 'http://127.0.0.1:9' };
  const cases: [Record<string, string>, RegExp][] = [
    [issuer, /C13_OIDC_CLIENT_ID/],
    [{ ...issuer, C13_OIDC_CLIENT_ID: 'registry' }, /C13_PUBLIC_URL/],
    [
      { C13_OIDC_ISSUER: 'http://id.example', C13_OIDC_CLIENT_ID: 'a', C13_PUBLIC_URL: 'http://127.0.0.1:1' },
      /an https address/,
    ],
  ];
  for (const [env, said] of cases) {
    const child = spawnProgram(join(tempDirectory(), 'data'), ['--port', '0'], env);
    expect(await new Response(child.stderr).text()).toMatch(said);
    expect(await child.exited).toBe(1);
  }
});
