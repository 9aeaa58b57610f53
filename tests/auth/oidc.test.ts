/** Signing in at a real OpenID Connect provider, and every way in which it must come to nothing. @module */
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { toBase64url } from '../../src/auth/base64url.ts';
import type { OidcFault } from '../../src/auth/oidc-border.ts';
import { localPath, OidcSignIn, type OidcSettings, SIGN_IN_ms } from '../../src/auth/oidc.ts';
import { type OidcIdentity, oidcSubject, type OidcUser, userForIdentity } from '../../src/auth/oidc-identity.ts';
import { refusal, type Registry, registry, utf8 } from './key-fixtures.ts';
import { REDIRECT_URI, type RunningProvider, signInAs, startProvider } from './oidc-fixtures.ts';

const NOW_s = Math.floor(Date.now() / 1000);

let provider: RunningProvider;
let ours: Registry;
let signIn: OidcSignIn;

beforeAll(async () => {
  provider = await startProvider();
});
afterAll(async () => await provider.stop());
beforeEach(async () => {
  ours = await registry();
  signIn = signInWith({});
});

function settings(change: Partial<OidcSettings> = {}): OidcSettings {
  const secret = 'a secret & more: %/+';
  return {
    issuer: provider.issuer,
    clientId: 'registry',
    clientSecret: secret,
    redirectUri: REDIRECT_URI,
    ...change,
  };
}

function signInWith(change: Partial<OidcSettings>): OidcSignIn {
  return new OidcSignIn(settings(change), ours.keys.seal, ours.clock);
}

/** As far as the browser comes back to us. */
async function begun(login: string | null = 'ann', with_ = signIn): Promise<{ callback: string; cookie: string }> {
  const { url, cookie } = await with_.begin('/_dashboard/');
  return { callback: await signInAs(login, url), cookie };
}

async function refused(fault: OidcFault, callback: string, cookie: string | null, with_ = signIn): Promise<string> {
  const error = await refusal(with_.finish(callback, cookie), 'ERR_OIDC');
  expect(error.details).toEqual({ fault });
  return error.message;
}

function changed(callback: string, change: (parameters: URLSearchParams) => void): string {
  const url = new URL(callback);
  change(url.searchParams);
  return url.href;
}

describe('signing in', () => {
  test('says who it is, and where he wanted to go', async () => {
    const { url, cookie } = await signIn.begin('/_dashboard/?name=checkout#history');
    const parameters = new URL(url).searchParams;
    expect(Object.fromEntries(parameters)).toMatchObject({
      response_type: 'code',
      client_id: 'registry',
      redirect_uri: REDIRECT_URI,
      scope: 'openid email profile',
      code_challenge_method: 'S256',
      state: expect.stringMatching(/^.{43}$/),
      nonce: expect.stringMatching(/^.{43}$/),
      code_challenge: expect.stringMatching(/^.{43}$/),
    });
    expect(await signIn.finish(await signInAs('ann', url), cookie)).toEqual({
      returnTo: '/_dashboard/?name=checkout#history',
      identity: {
        issuer: provider.issuer,
        subject: 'ann',
        email: 'ann@example.com',
        emailVerified: true,
        name: 'Ann',
        preferredUsername: 'ann',
      },
    });
  });

  test('works for a client without a secret', async () => {
    const other = signInWith({ clientId: 'public', clientSecret: null });
    const { callback, cookie } = await begun('ann', other);
    expect((await other.finish(callback, cookie)).identity.subject).toBe('ann');
  });

  test('takes the address from where it stands with whether it is verified', async () => {
    await provider.lie({ email: 'root@example.com' });
    const { callback, cookie } = await begun();
    const { identity } = await signIn.finish(callback, cookie);
    expect(identity).toMatchObject({ email: 'root@example.com', emailVerified: false });
  });

  test.each([
    ['eve', { email: 'ann@example.com', emailVerified: false }],
    ['mia', { email: 'ann@example.com', emailVerified: false }],
    ['bob', { email: null, emailVerified: false, name: null, preferredUsername: null }],
  ])('of %s says no more than is known', async (login, known) => {
    const { callback, cookie } = await begun(login);
    expect((await signIn.finish(callback, cookie)).identity).toMatchObject({ subject: login, ...known });
  });

  test('works whatever host the callback seems to come from', async () => {
    const { callback, cookie } = await begun();
    const forwarded = `https://evil.example/elsewhere${new URL(callback).search}`;
    expect((await signIn.finish(forwarded, cookie)).identity.subject).toBe('ann');
  });

  test('shows the browser nothing of what the cookie holds', async () => {
    const { url, cookie } = await signIn.begin('/');
    const { searchParams } = new URL(url);
    for (const name of ['state', 'nonce']) {
      expect(cookie).not.toContain(searchParams.get(name)!);
      expect(atob(cookie.replaceAll('-', '+').replaceAll('_', '/'))).not.toContain(searchParams.get(name)!);
    }
  });
});

describe('the redirect under attack', () => {
  test('a state that is another, missing or there twice', async () => {
    const { callback, cookie } = await begun();
    await refused(
      'answer',
      changed(callback, (all) => all.set('state', 'A'.repeat(43))),
      cookie,
    );
    await refused(
      'answer',
      changed(callback, (all) => all.delete('state')),
      cookie,
    );
    await refused('answer', `${callback}&state=${new URL(callback).searchParams.get('state')}`, cookie);
    await signIn.finish(callback, cookie);
  });

  test('the callback of somebody else (login CSRF)', async () => {
    const [victim, attacker] = [await begun('ann'), await begun('eve')];
    await refused('answer', attacker.callback, victim.cookie);
    await refused('cookie', attacker.callback, null);
  });

  test('a code that was used before', async () => {
    const { callback, cookie } = await begun();
    await signIn.finish(callback, cookie);
    expect(await refused('code', callback, cookie)).toContain('(invalid_grant)');
  });

  test('the code of somebody else: PKCE', async () => {
    const [victim, attacker] = [await begun('ann'), await begun('eve')];
    const stolen = new URL(victim.callback).searchParams.get('code')!;
    await refused(
      'code',
      changed(attacker.callback, (all) => all.set('code', stolen)),
      attacker.cookie,
    );
  });

  test('no code, two, or one that was never given', async () => {
    const { callback, cookie } = await begun();
    await refused(
      'answer',
      changed(callback, (all) => all.delete('code')),
      cookie,
    );
    await refused('answer', `${callback}&code=another`, cookie);
    await refused(
      'code',
      changed(callback, (all) => all.set('code', 'A'.repeat(43))),
      cookie,
    );
  });

  test('mix-up: the answer of another issuer, or of none', async () => {
    const { callback, cookie } = await begun();
    await refused(
      'answer',
      changed(callback, (all) => all.set('iss', 'https://evil.example')),
      cookie,
    );
    await refused(
      'answer',
      changed(callback, (all) => all.set('iss', `${provider.issuer}/`)),
      cookie,
    );
    await refused(
      'answer',
      changed(callback, (all) => all.delete('iss')),
      cookie,
    );
  });

  test('mix-up: a cookie that was made for another client or address', async () => {
    const { callback, cookie } = await begun();
    await refused('cookie', callback, cookie, signInWith({ clientId: 'public', clientSecret: null }));
    await refused('cookie', callback, cookie, signInWith({ redirectUri: `${REDIRECT_URI}2` }));
    await refused('cookie', callback, cookie, signInWith({ issuer: 'https://evil.example' }));
  });

  test('a cookie that was tampered with, cut off, made by another registry or for something else', async () => {
    const { callback, cookie } = await begun();
    for (let at = 0; at < cookie.length; at += 17) {
      const other = cookie[at] === 'A' ? 'B' : 'A';
      await refused('cookie', callback, cookie.slice(0, at) + other + cookie.slice(at + 1));
    }
    const theirs = (await registry()).keys.seal;
    const text = JSON.stringify({
      state: 's',
      nonce: 'n',
      verifier: 'v',
      returnTo: '//evil.example',
      expiresAt_ms: 9e15,
    });
    for (const made of ['', cookie.slice(0, -5), await theirs.sealText('oidc', text), btoa(text)]) {
      await refused('cookie', callback, made);
    }
    await refused('cookie', callback, await ours.keys.seal.sealText('something else', text));
    await signIn.finish(callback, cookie);
  });

  test('a cookie that is older than ten minutes', async () => {
    const { callback, cookie } = await begun();
    ours.clock.ms += SIGN_IN_ms;
    await refused('cookie', callback, cookie);
    ours.clock.ms -= 1;
    await signIn.finish(callback, cookie);
  });

  test('a callback that is endless or no address', async () => {
    const { callback, cookie } = await begun();
    await refused('answer', `${callback}&x=${'a'.repeat(10_000)}`, cookie);
    await refused('answer', 'http://[', cookie);
  });
});

describe('the ID token under attack', () => {
  const lies: Record<string, Record<string, unknown>> = {
    'another nonce': { nonce: 'another' },
    'no nonce': { nonce: null },
    'another client': { aud: 'public' },
    'other clients': { aud: ['public', 'another'] },
    'several audiences without azp': { aud: ['registry', 'public'] },
    'several audiences, another azp': { aud: ['registry', 'public'], azp: 'public' },
    'another azp': { azp: 'public' },
    'another issuer': { iss: 'https://evil.example' },
    'an end that is over': { exp: NOW_s - 100 },
    'a beginning that is to come': { nbf: NOW_s + 3600 },
  };
  test.each(Object.keys(lies))('%s', async (name) => {
    const { callback, cookie } = await begun();
    await provider.lie(lies[name]!);
    await refused(name === 'no nonce' ? 'answer' : 'id-token', callback, cookie);
  });

  test.each(['exp', 'iat', 'iss', 'aud', 'sub'])('without %s', async (claim) => {
    const { callback, cookie } = await begun();
    await provider.lie({ [claim]: null });
    await refused('answer', callback, cookie);
  });

  test.each(['another', 'none', 'secret'] as const)('signed with %s', async (key) => {
    const { callback, cookie } = await begun();
    await provider.lie({}, key);
    await refused('answer', callback, cookie);
  });

  test('of another subject than the user info is about', async () => {
    const { callback, cookie } = await begun('eve');
    await provider.lie({ sub: 'ann' });
    await refused('answer', callback, cookie);
  });

  test.each(['', 'a'.repeat(256), 'ann\n', 'änn'])('about a subject that cannot be kept: %j', async (sub) => {
    const { callback, cookie } = await begun();
    await provider.lie({ sub, email: 'ann@example.com' });
    await refused('subject', callback, cookie);
  });

  test('in which nothing was changed is taken', async () => {
    const { callback, cookie } = await begun();
    await provider.lie({});
    expect((await signIn.finish(callback, cookie)).identity.email).toBe('ann@example.com');
  });
});

describe('a provider that fails', () => {
  /** Something on a loopback port that is no provider. */
  function stranger(answer: (request: Request, origin: string) => Response | Promise<Response>): string {
    const server: Bun.Server<undefined> = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: (request) => answer(request, `http://127.0.0.1:${server.port}`),
    });
    onTestFinished(() => server.stop(true));
    return `http://127.0.0.1:${server.port}`;
  }

  async function beginsAt(issuer: string): Promise<string> {
    const error = await refusal(signInWith({ issuer }).begin('/'), 'ERR_OIDC');
    return (error.details as { fault: string }).fault;
  }

  test('declines', async () => {
    const { callback, cookie } = await begun(null);
    expect(await refused('provider', callback, cookie)).toContain('(access_denied)');
  });

  test('answers with an error whose text is not repeated', async () => {
    const { callback, cookie } = await begun(null);
    const script = '<script>alert(1)</script>';
    const said = await refused(
      'provider',
      changed(callback, (all) => {
        all.set('error', script);
        all.set('error_description', script);
      }),
      cookie,
    );
    expect(said).not.toContain('<');
  });

  test('answers with an error for somebody else', async () => {
    const { callback, cookie } = await begun(null);
    await refused(
      'answer',
      changed(callback, (all) => all.set('state', 'another')),
      cookie,
    );
  });

  test('does not know us, or our secret', async () => {
    const other = signInWith({ clientSecret: 'wrong' });
    const { callback, cookie } = await begun('ann', other);
    await refused('client', callback, cookie, other);
  });

  test('cannot be reached, and is asked again the next time', async () => {
    let isUp = false;
    const issuer = stranger(async (request, origin) => {
      if (!isUp) return new Response('down', { status: 503 });
      expect(new URL(request.url).pathname).toBe('/.well-known/openid-configuration');
      return Response.json({
        issuer: origin,
        authorization_endpoint: `${origin}/auth`,
        token_endpoint: `${origin}/token`,
      });
    });
    const waiting = signInWith({ issuer });
    expect((await refusal(waiting.begin('/'), 'ERR_OIDC')).details).toEqual({ fault: 'unreachable' });
    isUp = true;
    expect((await waiting.begin('/')).url).toContain(`${issuer}/auth?`);
    isUp = false;
    await waiting.begin('/');
    ours.clock.ms += 3_600_000;
    expect((await refusal(waiting.begin('/'), 'ERR_OIDC')).details).toEqual({ fault: 'unreachable' });
  });

  test('listens nowhere', async () => {
    expect(await beginsAt('http://127.0.0.1:9')).toBe('unreachable');
  });

  const endpoints = (origin: string) => ({ authorization_endpoint: `${origin}/a`, token_endpoint: `${origin}/t` });
  const descriptions: Record<string, (origin: string) => Response> = {
    'another issuer': (origin) => Response.json({ issuer: 'https://evil.example', ...endpoints(origin) }),
    'no issuer': (origin) => Response.json(endpoints(origin)),
    'no page to sign in': (origin) => Response.json({ issuer: origin, token_endpoint: `${origin}/t` }),
    'a page that is no address': (origin) =>
      Response.json({ issuer: origin, ...endpoints(''), token_endpoint: origin }),
    'a page without encryption elsewhere': (origin) =>
      Response.json({ issuer: origin, ...endpoints('http://evil.example') }),
    'a page that is a script': (origin) =>
      Response.json({ issuer: origin, authorization_endpoint: 'javascript:alert(1)' }),
    'no JSON': () => new Response('<html>', { headers: { 'content-type': 'text/html' } }),
    'more than a megabyte': (origin) =>
      Response.json({ issuer: origin, ...endpoints(origin), x: 'a'.repeat(1024 * 1024) }),
  };
  test.each(Object.keys(descriptions))('describes itself with %s', async (name) => {
    const issuer = stranger((_, origin) => descriptions[name]!(origin));
    expect(await beginsAt(issuer)).toBe('answer');
  });

  test('sends us elsewhere: redirects are not followed', async () => {
    let asked = 0;
    const elsewhere = stranger((_, origin) => {
      asked++;
      return Response.json({ issuer: origin, ...endpoints(origin) });
    });
    const issuer = stranger(() => Response.redirect(`${elsewhere}/.well-known/openid-configuration`));
    expect(await beginsAt(issuer)).toBe('unreachable');
    expect(asked).toBe(0);
  });

  test.each([
    [['client_secret_post'], null],
    [['client_secret_basic', 'client_secret_post'], `Basic ${btoa('registry:a+secret+%26+more%3A+%25%2F%2B')}`],
    [undefined, `Basic ${btoa('registry:a+secret+%26+more%3A+%25%2F%2B')}`],
  ])('that takes the secret by %j gets it so, and with it the verifier', async (methods, authorization) => {
    const sent: { authorization: string | null; body: URLSearchParams }[] = [];
    const issuer = stranger(async (request, origin) => {
      if (request.method === 'GET') {
        return Response.json({ issuer: origin, ...endpoints(origin), token_endpoint_auth_methods_supported: methods });
      }
      sent.push({
        authorization: request.headers.get('authorization'),
        body: new URLSearchParams(await request.text()),
      });
      return Response.json({ error: 'invalid_grant' }, { status: 400 });
    });
    const other = signInWith({ issuer });
    const { url, cookie } = await other.begin('/');
    const { searchParams } = new URL(url);
    await refused('code', `${REDIRECT_URI}?code=c&state=${searchParams.get('state')}`, cookie, other);
    const [{ body, authorization: header }] = sent as [(typeof sent)[0]];
    expect(header).toBe(authorization);
    expect(body.get('client_secret')).toBe(authorization === null ? settings().clientSecret : null);
    expect(body.get('redirect_uri')).toBe(REDIRECT_URI);
    const digest = await crypto.subtle.digest('SHA-256', utf8(body.get('code_verifier')!));
    expect(toBase64url(new Uint8Array(digest))).toBe(searchParams.get('code_challenge')!);
  });

  test('wants the code sent elsewhere without encryption', async () => {
    const issuer = stranger((_, origin) =>
      Response.json({ issuer: origin, ...endpoints(origin), token_endpoint: 'http://evil.example/token' }),
    );
    const lured = signInWith({ issuer });
    const { url, cookie } = await lured.begin('/');
    const state = new URL(url).searchParams.get('state')!;
    await refused('answer', `${REDIRECT_URI}?code=c&state=${state}`, cookie, lured);
  });
});

describe('settings', () => {
  test.each([
    ['issuer', 'http://evil.example'],
    ['issuer', 'http://127.0.0.1.evil.example'],
    ['issuer', 'http://localhost.evil.example'],
    ['issuer', 'ftp://127.0.0.1'],
    ['issuer', 'https://user:secret@provider.example'],
    ['issuer', 'https://provider.example?x'],
    ['issuer', 'provider.example'],
    ['redirectUri', '/callback'],
    ['redirectUri', 'javascript:alert(1)'],
    ['redirectUri', 'https://config.example/callback?x=1'],
    ['clientId', ''],
    ['clientId', 'a\nb'],
    ['clientSecret', ''],
  ])('%s %j is refused', async (name, value) => {
    const make = async (): Promise<OidcSignIn> => signInWith({ [name]: value });
    expect((await refusal(make(), 'ERR_SETTING')).details).toEqual({ setting: name, value });
  });

  test.each(['https://provider.example', 'http://localhost:3000', 'http://[::1]:3000/tenant'])(
    '%s is fine',
    (issuer) => {
      signInWith({ issuer });
    },
  );
});

describe('the place to return to', () => {
  test.each([
    '/',
    '/_dashboard/',
    '/a/b?c=d&e=%20#f',
    '/.well-known/x',
    '/a//b',
    '/@evil.example',
    '/%2f%2fevil.example',
  ])('%s is ours', (path) => expect(localPath(path)).toBe(path));

  test.each([
    '',
    'evil.example',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    'https://evil.example',
    'https:evil.example',
    'javascript:alert(1)',
    '/.//evil.example',
    '/a/..//evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    ' //evil.example',
    '/%2e//evil.example',
    `/${'a'.repeat(1024)}`,
    '/\u0000',
  ])('%j is refused', async (path) => {
    expect((await refusal(signIn.begin(path), 'ERR_BAD_REQUEST')).details).toEqual({ parameter: 'returnTo' });
  });

  test('never leads away, whatever it is', () => {
    const piece = fc.constantFrom(
      '/',
      '\\',
      '.',
      '..',
      '%2f',
      '%5c',
      '%2e',
      '@',
      ':',
      '?',
      '#',
      ' ',
      '\t',
      'evil.example',
    );
    const text = fc
      .array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 8 })
      .map((parts) => parts.join(''));
    const ourOrigin = 'https://config.example';
    fc.assert(
      fc.property(text, (path) => {
        let way: string;
        try {
          way = localPath(`/${path}`);
        } catch {
          return;
        }
        expect(new URL(way, `${ourOrigin}/-/sign-in/callback`).origin).toBe(ourOrigin);
        expect(way).toMatch(/^\/(?![/\\])/);
        expect(localPath(way)).toBe(way);
      }),
      { seed: 42, numRuns: 3000 },
    );
  });
});

describe('which user it is', () => {
  const identity: OidcIdentity = {
    issuer: 'https://provider.example',
    subject: '42',
    email: 'ann@example.com',
    emailVerified: true,
    name: 'Ann',
    preferredUsername: 'root',
  };
  type Known = OidcUser & { name: string };
  const user = (name: string, more: Partial<Known> = {}): Known => {
    return { name, email: null, oidcSubject: null, isDisabled: false, ...more };
  };
  const linked = user('ann', { oidcSubject: 'https://provider.example 42' });
  const namesake = user('ann2', { email: 'ann@example.com' });

  function refusedUser(fault: OidcFault, who: OidcIdentity, users: readonly Known[]): void {
    expect(() => userForIdentity(who, users)).toThrow(
      expect.objectContaining({ code: 'ERR_OIDC', details: { fault } }),
    );
  }

  test('the one who is linked, before the one with the address', () => {
    expect(oidcSubject(identity)).toBe(linked.oidcSubject);
    expect(userForIdentity(identity, [namesake, linked])).toEqual({ user: linked, mustLink: false });
    const elsewhere = { ...identity, email: 'other@example.com', emailVerified: false };
    expect(userForIdentity(elsewhere, [namesake, linked])).toEqual({ user: linked, mustLink: false });
  });

  test('the one with the verified address, to be linked', () => {
    expect(userForIdentity(identity, [user('bob'), namesake])).toEqual({ user: namesake, mustLink: true });
    const loud = { ...identity, email: 'Ann@EXAMPLE.com' };
    expect(userForIdentity(loud, [namesake])).toEqual({ user: namesake, mustLink: true });
  });

  test('nobody whose address is not verified', () => {
    refusedUser('no-user', { ...identity, emailVerified: false }, [namesake]);
    refusedUser('no-user', { ...identity, email: null }, [namesake, user('bob')]);
  });

  test('nobody who is linked with somebody else already', () => {
    refusedUser('no-user', identity, [
      user('ann', { email: 'ann@example.com', oidcSubject: 'https://provider.example 43' }),
    ]);
    refusedUser('no-user', identity, [
      user('ann', { email: 'ann@example.com', oidcSubject: 'https://evil.example 42' }),
    ]);
  });

  test('nobody of the same name', () => {
    refusedUser('no-user', identity, [user('root'), user('42'), user('Ann')]);
    refusedUser('no-user', identity, []);
  });

  test('nobody whose address only looks the same', () => {
    const kelvin = { ...identity, email: '\u212Aim@example.com' };
    refusedUser('no-user', kelvin, [user('kim', { email: 'kim@example.com' })]);
    const dotless = { ...identity, email: 'mike@g\u0131thub.example' };
    refusedUser('no-user', dotless, [user('mike', { email: 'mike@github.example' })]);
    refusedUser('no-user', { ...identity, email: 'ann@example.com ' }, [namesake]);
  });

  test('nobody when it could be two', () => {
    refusedUser('ambiguous', identity, [namesake, user('ann3', { email: 'ANN@example.com' })]);
  });

  test('nobody who is disabled', () => {
    refusedUser('disabled', identity, [{ ...linked, isDisabled: true }, namesake]);
    refusedUser('disabled', identity, [{ ...namesake, isDisabled: true }]);
  });
});
