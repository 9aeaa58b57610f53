/**
 * The second factor where people meet it: the real npm switches it on and off, publishes with it, and is asked for it;
 * so are the page, the command line and the API. Recovery codes stand in for the app where a test needs several codes
 * at once.
 * @module
 */
import { TOTP } from 'otpauth';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Answer } from '../../clients/client.ts';
import { Place } from '../../clients/place.ts';
import { call, ROOT, tempDirectory } from '../fixtures.ts';
import { PASSWORD, postForm } from '../identity-fixtures.ts';

/** One for each group: all come from one address, which may try to sign in so often. */
let place: Place;

function opensPlace(): void {
  const own = Place.open();
  beforeAll(() => void (place = own));
}

type Ask = (method: string, path: string, body?: unknown, otp?: string) => ReturnType<typeof call>;

interface Person {
  readonly name: string;
  /** With the token of a sign-in. */
  readonly token: string;
  readonly ask: Ask;
}

/** As npm asks for a code. */
const OTP = /(OTP|one-time password): *$/i;

function asking(token: string): Ask {
  return (method, path, body, otp) =>
    call(place.url, method, path, body, {
      authorization: `Bearer ${token}`,
      ...(otp === undefined ? {} : { 'npm-otp': otp }),
    });
}

function npmLogin(name: string, otp?: string) {
  const body = { name, password: PASSWORD };
  const headers = otp === undefined ? {} : { 'npm-otp': otp };
  return call(place.url, 'PUT', `/-/user/org.couchdb.user:${name}`, body, headers);
}

/** A new user who may publish `<name>` and what is below it, signed in by npm. */
async function person(name: string): Promise<Person> {
  await place.call('POST', '/api/v1/users', { name, password: PASSWORD });
  for (const pattern of [`package:${name}`, `package:@${name}/*`]) {
    await place.call('POST', '/api/v1/grants', { user: name, role: 'maintainer', pattern });
  }
  const { body } = await npmLogin(name);
  return { name, token: body.token, ask: asking(body.token) };
}

function codeOf(url: string): string {
  return new TOTP({ secret: new URL(url).searchParams.get('secret')! }).generate();
}

/** Switched on; ten recovery codes. */
async function switchOn({ ask }: Person, mode: 'auth-only' | 'auth-and-writes'): Promise<string[]> {
  const { body: begun } = await ask('POST', '/-/npm/v1/user', { tfa: { mode, password: PASSWORD } });
  const { body: done } = await ask('POST', '/-/npm/v1/user', { tfa: [codeOf(begun.tfa)] });
  return done.tfa;
}

async function cli(args: readonly string[], input: string, token = '') {
  const child = Bun.spawn([process.execPath, `${ROOT}/src/cli/main.ts`, ...args, '--url', place.url], {
    env: { ...Bun.env, XDG_CONFIG_HOME: tempDirectory(), HOME: tempDirectory(), C13_TOKEN: token },
    stdin: new Blob([input]),
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code: await child.exited, out: out + err };
}

describe('npm', () => {
  opensPlace();

  test('switches it on at a terminal, shows it, and switches it off', async () => {
    const { name, token, ask } = await person('tessa');
    const home = place.clientWith('npm', token).folder('home');
    let recovery: string[] = [];
    const answers: Answer[] = [
      [/password: *$/i, PASSWORD],
      [/enter code: ([A-Z2-7]{32})[\s\S]*authenticator: *$/i, ([, secret]) => new TOTP({ secret: secret! }).generate()],
    ];
    const on = await home.run(['profile', 'enable-2fa', 'auth-and-writes'], { answers });
    recovery = [...on.out.matchAll(/(\d{6} ){3}\d{6}/g)].map(([code]) => code);
    expect([on.code, recovery.length]).toEqual([0, 10]);
    const shown = await home.run(['profile', 'get', 'two-factor auth']);
    expect([shown.code, (await home.run(['profile', 'get'])).out]).toEqual([
      0,
      expect.stringContaining('auth-and-writes'),
    ]);
    const audit = await place.call('GET', `/api/v1/audit?limit=20`);
    expect(JSON.stringify(audit.body)).toContain('second factor switched on');
    const off: Answer[] = [
      [/password: *$/i, PASSWORD],
      [OTP, recovery[0]!],
    ];
    expect((await home.run(['profile', 'disable-2fa'], { answers: off })).code).toBe(0);
    expect((await ask('GET', '/-/npm/v1/user')).body).toMatchObject({ name, tfa: null });
  });

  test('is asked for a code by what it writes, and by nothing that it reads', async () => {
    const tom = await person('tom');
    const [first, second, third] = await switchOn(tom, 'auth-and-writes');
    const client = place.clientWith('npm', tom.token);
    const folder = client.package('tom', '1.0.0');
    const refused = await folder.run(['publish']);
    expect([refused.code, refused.out]).toEqual([1, expect.stringContaining('EOTP')]);
    expect(await folder.run(['publish', `--otp=${first}`])).toMatchObject({ code: 0 });
    expect((await folder.run(['view', 'tom', 'version'])).out.trim()).toBe('1.0.0');
    const answers: Answer[] = [[OTP, second!]];
    const tagged = await folder.run(['dist-tag', 'add', 'tom@1.0.0', 'beta'], { answers });
    expect([tagged.code, tagged.out]).toEqual([0, expect.stringContaining('+beta: tom@1.0.0')]);
    // One command, several requests, one code.
    expect(await folder.run(['unpublish', 'tom@1.0.0', '--force', `--otp=${third}`])).toMatchObject({ code: 0 });
  });

  test('is asked for a code when it signs somebody in, and that one counts no more', async () => {
    const tim = await person('tim');
    const [first] = await switchOn(tim, 'auth-only');
    const home = place.clientWith('npm', null).folder('home');
    const login = ['login', '--auth-type=legacy'];
    const typed: Answer[] = [
      [/Username: *$/i, 'tim'],
      [/Password: *$/i, PASSWORD],
      [OTP, first!],
    ];
    const { code, out } = await home.run(login, { answers: typed });
    expect([code, out]).toEqual([0, expect.stringContaining('Logged in')]);
    expect((await npmLogin('tim', first)).body).toMatchObject({ code: 'ERR_OTP', details: { why: 'wrong' } });
  });
});

describe('what asks for a code', () => {
  opensPlace();

  test('says so in the words that clients look for', async () => {
    const wendy = await person('wendy');
    await switchOn(wendy, 'auth-and-writes');
    const { status, headers, body } = await wendy.ask('PUT', '/wendy', { name: 'wendy', version: '1.0.0' });
    expect([status, headers.get('www-authenticate'), body.error]).toEqual([
      401,
      'OTP',
      'You must provide a one-time pass. Upgrade your client to npm@latest in order to use 2FA.',
    ]);
    expect((await call(place.url, 'GET', '/wendy', undefined, {})).status).toBe(401);
  });

  test('are the writes of a person who wants it, and not of programs, nor of a person who does not', async () => {
    const max = await person('max');
    const session = (await call(place.url, 'POST', '/api/v1/login', { user: 'max', password: PASSWORD })).body.token;
    const program = (await asking(session)('POST', '/api/v1/tokens', { name: 'ci' })).body.secret;
    const [first, second, third] = await switchOn(max, 'auth-only');
    const release = (version: string) => ({ name: 'max', version });
    expect((await max.ask('PUT', '/max', release('1.0.0'))).status).toBe(201);
    const change = { tfa: { mode: 'auth-and-writes', password: PASSWORD } };
    expect((await max.ask('POST', '/-/npm/v1/user', change)).body.code).toBe('ERR_OTP');
    expect((await max.ask('POST', '/-/npm/v1/user', change, first)).body.tfa).toBeNull();
    const writes = [
      ['PUT', '/max', release('1.0.1')],
      ['PUT', '/-/package/max/dist-tags/beta', '1.0.0'],
      ['DELETE', '/-/package/max/dist-tags/beta', undefined],
      ['DELETE', '/max/-rev/1-0', undefined],
      ['POST', '/-/package/max/access', { access: 'restricted' }],
      ['POST', '/api/v1/packages/max/trusted-publishers', { issuer: 'https://i.example', claims: { sub: 'x' } }],
    ] as const;
    for (const asker of [max.ask, asking(session)]) {
      for (const [method, path, body] of writes) {
        expect([method, path, (await asker(method, path, body)).body.code]).toEqual([method, path, 'ERR_OTP']);
      }
    }
    expect((await asking(session)('POST', '/api/v1/tokens', { name: 'more' })).body.code).toBe('ERR_OTP');
    expect((await asking(session)('POST', '/api/v1/tokens', { name: 'more' }, second)).status).toBe(201);
    expect((await asking(program)('PUT', '/max', release('1.0.2'))).status).toBe(201);
    expect((await max.ask('PUT', '/max', release('1.0.3'), third)).status).toBe(201);
    expect((await max.ask('PUT', '/max', release('1.0.4'), 'no code')).body.details).toEqual({ why: 'wrong' });
  });

  test('is every way to sign in with a password', async () => {
    const lea = await person('lea');
    const [first, second, third] = (await switchOn(lea, 'auth-only')) as [string, string, string];
    const credentials = { user: 'lea', password: PASSWORD };
    const login = (more: object) => call(place.url, 'POST', '/api/v1/login', { ...credentials, ...more });
    expect((await login({})).body.code).toBe('ERR_OTP');
    expect((await login({ password: 'another one entirely', code: first })).body.code).toBe('ERR_UNAUTHENTICATED');
    expect((await login({ code: first })).status).toBe(200);
    expect((await login({ code: first })).body.details).toEqual({ why: 'wrong' });
    const page = { ...credentials, returnTo: '' };
    const asked = await postForm(place.url, '/_dashboard/login', page);
    expect([asked.status, asked.cookie, asked.text]).toEqual([401, null, expect.stringContaining('one-time-code')]);
    const entered = await postForm(place.url, '/_dashboard/login', { ...page, code: second });
    expect([entered.status, entered.cookie]).toEqual([303, expect.stringMatching(/^c13_session=/)]);
    const args = ['login', '--user', 'lea', '--password-stdin'];
    expect(await cli(args, PASSWORD)).toMatchObject({ code: 2, out: expect.stringContaining('--code') });
    expect(await cli([...args, '--code', first], PASSWORD)).toMatchObject({
      out: expect.stringContaining('next code'),
    });
    expect(await cli([...args, '--code', third], PASSWORD)).toMatchObject({ code: 0 });
  });

  test('is asked of the command line too, which says where nobody can answer', async () => {
    const kim = await person('kim');
    await switchOn(kim, 'auth-and-writes');
    const args = ['tokens', 'create', 'ci', '--user', 'kim'];
    expect(await cli(args, '', kim.token)).toMatchObject({
      out: expect.stringMatching(/one-time pass.*at a terminal/),
    });
    const reset = ['users', 'reset-second-factor', 'kim', '--reason', 'lost'];
    expect(await cli(reset, '', place.tokenOf('ann')!)).toEqual({
      code: 0,
      out: 'kim signs in without a second factor now\n',
    });
    expect((await npmLogin('kim')).status).toBe(201);
  });

  test('is asked no more for a while after ten wrong ones, whoever shows them', async () => {
    const ira = await person('ira');
    const [first] = await switchOn(ira, 'auth-and-writes');
    const guess = (index: number) => ira.ask('PUT', '/ira', { name: 'ira', version: '1.0.0' }, `00000${index}`);
    const guesses = await Promise.all(Array.from({ length: 12 }, (_, index) => guess(index % 10)));
    const codes = guesses.map(({ body }) => body.code);
    expect(codes.filter((code) => code === 'ERR_OTP')).toHaveLength(10);
    expect(codes.filter((code) => code === 'ERR_RATE_LIMITED')).toHaveLength(2);
    const late = await ira.ask('PUT', '/ira', { name: 'ira', version: '1.0.0' }, first);
    expect([late.status, late.headers.get('retry-after')]).toEqual([429, expect.stringMatching(/^[1-9]\d*$/)]);
  });
});

describe('a code of the second factor', () => {
  opensPlace();

  test('is what an administrator is asked for too, so that nobody gets around it with a token of his', async () => {
    const boss = await person('boss');
    await place.call('POST', '/api/v1/grants', { user: 'boss', role: 'admin', pattern: '*' });
    await person('mallory');
    const writes = [
      ['POST', '/api/v1/users', { name: 'eve', password: PASSWORD }],
      ['POST', '/api/v1/grants', { user: 'mallory', role: 'admin', pattern: '*' }],
      ['PATCH', '/api/v1/tokens/0123456789abcdef', { readOnly: true }],
      ['POST', '/api/v1/keys/rotate', {}],
      ['PUT', '/api/v1/uplinks/evil', { url: 'https://evil.example' }],
      ['PUT', '/api/v1/package-filters/evil', { effect: 'allow', names: '*' }],
      ['POST', '/api/v1/packages/collect', { dryRun: false }],
    ] as const;
    const account = [
      ['DELETE', '/api/v1/users/mallory/second-factor', {}],
      ['DELETE', '/api/v1/users/boss/second-factor', {}],
      ['PUT', '/api/v1/users/mallory/password', { password: 'seven quiet rivers at dawn' }],
      ['PUT', '/api/v1/users/boss/password', { password: 'seven quiet rivers at dawn', current: PASSWORD }],
    ] as const;
    const [first, second] = await switchOn(boss, 'auth-only');
    const codesOf = async (asked: readonly (readonly [string, string, unknown])[], otp?: string) =>
      await Promise.all(asked.map(async ([...request]) => (await boss.ask(...request, otp)).body.code));
    expect(new Set(await codesOf(account))).toEqual(new Set(['ERR_OTP']));
    const change = { tfa: { mode: 'auth-and-writes', password: PASSWORD } };
    expect((await boss.ask('POST', '/-/npm/v1/user', change, first)).status).toBe(200);
    expect(new Set(await codesOf([...writes, ...account]))).toEqual(new Set(['ERR_OTP']));
    expect((await boss.ask('POST', '/api/v1/users', { name: 'eve', password: PASSWORD }, second)).status).toBe(201);
  });

  test('is not all that a token needs for the password of its own user: the current one besides', async () => {
    const rob = await person('rob');
    await place.call('POST', '/api/v1/grants', { user: 'rob', role: 'admin', pattern: '*' });
    const fresh = 'seven quiet rivers at dawn';
    const set = (body: object) => rob.ask('PUT', '/api/v1/users/rob/password', body);
    expect((await set({ password: fresh })).body.details).toEqual({ rule: 'current-password' });
    expect((await set({ password: fresh, current: PASSWORD })).status).toBe(204);
  });

  test('is not guessed faster while it is not confirmed yet', async () => {
    const guy = await person('guy');
    await guy.ask('POST', '/-/npm/v1/user', { tfa: { mode: 'auth-only', password: PASSWORD } });
    const guess = async (index: number) =>
      (await guy.ask('POST', '/-/npm/v1/user', { tfa: [String(index).padStart(6, '0')] })).body.code;
    const codes = await Promise.all(Array.from({ length: 12 }, (_, index) => guess(index)));
    expect(codes.filter((code) => code === 'ERR_FORBIDDEN')).toHaveLength(10);
    expect(codes.filter((code) => code === 'ERR_RATE_LIMITED')).toHaveLength(2);
  });
});

describe('a profile', () => {
  opensPlace();

  test('is changed by the person alone, who knows his password', async () => {
    const pia = await person('pia');
    expect((await pia.ask('POST', '/-/npm/v1/user', { fullname: 'Pia', homepage: '' })).body.fullname).toBe('Pia');
    const refusals = [
      [{ homepage: 'https://pia.example' }, 'ERR_BAD_REQUEST'],
      [{ email: 'ann@acme.example' }, 'ERR_FORBIDDEN'],
      [{ password: { old: 'wrong wrong wrong', new: 'seven quiet rivers' } }, 'ERR_FORBIDDEN'],
      [{ password: { old: PASSWORD, new: 'short' } }, 'ERR_PASSWORD'],
      [{ tfa: { mode: 'auth-only', password: 'wrong wrong wrong' } }, 'ERR_FORBIDDEN'],
      [{ tfa: { mode: 'sometimes', password: PASSWORD } }, 'ERR_WRONG_TYPE'],
      [{ tfa: ['123456'] }, 'ERR_FORBIDDEN'],
      [{ admin: true }, 'ERR_UNKNOWN_FIELD'],
    ] as const;
    for (const [change, code] of refusals) {
      expect([change, (await pia.ask('POST', '/-/npm/v1/user', change)).body.code]).toEqual([change, code]);
    }
    const fresh = 'seven quiet rivers at dawn';
    expect((await pia.ask('POST', '/-/npm/v1/user', { password: { old: PASSWORD, new: fresh } })).status).toBe(200);
    expect((await call(place.url, 'POST', '/api/v1/login', { user: 'pia', password: fresh })).status).toBe(200);
    expect((await call(place.url, 'GET', '/-/npm/v1/user')).status).toBe(401);
  });

  test('is not changed by a token for programs, nor is the second factor lost with a password alone', async () => {
    const sam = await person('sam');
    const session = (await call(place.url, 'POST', '/api/v1/login', { user: 'sam', password: PASSWORD })).body.token;
    const program = (await asking(session)('POST', '/api/v1/tokens', { name: 'ci' })).body.secret;
    expect((await asking(program)('POST', '/-/npm/v1/user', { fullname: 'Eve' })).body.code).toBe('ERR_FORBIDDEN');
    const [first] = await switchOn(sam, 'auth-only');
    const changes = [
      { fullname: 'Eve' },
      { tfa: { mode: 'disable', password: PASSWORD } },
      { tfa: { mode: 'auth-only', password: PASSWORD } },
      { password: { old: PASSWORD, new: 'seven quiet rivers at dawn' } },
    ];
    for (const change of changes) {
      expect((await sam.ask('POST', '/-/npm/v1/user', change)).body.code).toBe('ERR_OTP');
    }
    // Nobody confirms another one over it.
    expect((await sam.ask('POST', '/-/npm/v1/user', { tfa: ['123456'] })).body.code).toBe('ERR_FORBIDDEN');
    expect(
      (await sam.ask('POST', '/-/npm/v1/user', { tfa: { mode: 'disable', password: PASSWORD } }, first)).status,
    ).toBe(200);
    expect((await npmLogin('sam')).status).toBe(201);
  });

  test('of somebody who has lost his app is helped by an administrator, and the audit says so', async () => {
    const uma = await person('uma');
    await switchOn(uma, 'auth-and-writes');
    const path = '/api/v1/users/uma/second-factor';
    expect((await uma.ask('DELETE', path)).status).toBe(403);
    expect((await place.call('DELETE', path, { reason: 'her phone fell into the sea' })).status).toBe(204);
    expect((await place.call('DELETE', path)).body.code).toBe('ERR_NOT_FOUND');
    expect((await npmLogin('uma')).status).toBe(201);
    const audit = await place.call('GET', '/api/v1/audit?limit=10');
    expect(JSON.stringify(audit.body)).toContain('second factor switched off: her phone fell into the sea');
  });

  test('does not go on to somebody who gets the name later', async () => {
    const vic = await person('vic');
    await switchOn(vic, 'auth-and-writes');
    expect((await place.call('DELETE', '/api/v1/users/vic')).status).toBe(204);
    const again = await person('vic');
    expect((await again.ask('GET', '/-/npm/v1/user')).body.tfa).toBeNull();
  });
});
