/** npm's ways in and out, on a running registry: who is let in, who becomes a user, what is told to whom. @module */
import { describe, expect, it } from 'vitest';
import { startProgram, type RunningProgram } from '../fixtures.ts';
import { makeUser, PASSWORD, startWithAdmin, withToken } from '../identity-fixtures.ts';

const WRONG = 'five other words than those';
const TOKEN = /^c13_[0-9a-f]{16}_[\w-]{43}_[0-9a-f]{8}$/;
const documentOf = (user: string): string => `/-/user/org.couchdb.user:${user}`;

interface Account {
  readonly user: string;
  readonly password?: string;
  readonly email?: string;
}

/** As npm 11 does: `login` without an address, `adduser` with one. */
async function enter({ call }: Pick<RunningProgram, 'call'>, { user, password = PASSWORD, email }: Account) {
  const body = { _id: `org.couchdb.user:${user}`, name: user, password, type: 'user', roles: [], date: '2026-01-01' };
  return await call('PUT', documentOf(user), { ...body, ...(email === undefined ? {} : { email }) });
}

const add = (user: string, password = PASSWORD): Account => ({ user, password, email: `${user}@example.com` });
const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

describe('npm login', () => {
  it('gives a token for the right password alone, and says the same for all else', async () => {
    const { registry } = await startWithAdmin();
    const entered = await enter(registry, { user: 'ann' });
    expect([entered.status, entered.body]).toEqual([
      201,
      {
        ok: "you are authenticated as 'ann'",
        id: 'org.couchdb.user:ann',
        rev: '1-0',
        token: expect.stringMatching(TOKEN),
      },
    ]);
    const self = await withToken(registry, entered.body.token).call('GET', '/-/whoami');
    expect([self.status, self.body]).toEqual([200, { username: 'ann' }]);
    const refused = await Promise.all(
      [{ user: 'ann', password: WRONG }, { user: 'nobody-here' }, { user: 'ann', password: '' }].map((who) =>
        enter(registry, who),
      ),
    );
    expect(refused.map(({ status }) => status)).toEqual([401, 401, 401]);
    expect(new Set(refused.map(({ body }) => body.error)).size).toBe(1);
    const { body } = await registry.call('PUT', documentOf('ann'), { name: 'bob', password: PASSWORD });
    expect(body).toMatchObject({ code: 'ERR_BAD_REQUEST', error: expect.any(String) });
  });

  it('makes tokens that say by their names what they are, and those of one day by number', async () => {
    const { registry, ann } = await startWithAdmin();
    for (let i = 0; i < 2; i++) expect((await enter(registry, { user: 'ann' })).status).toBe(201);
    const { body } = await ann.call('GET', '/api/v1/tokens?user=ann');
    const names = body.tokens.map(({ name }: { name: string }) => name).toSorted();
    expect(names).toEqual([expect.stringMatching(/^npm-\d{4}-\d\d-\d\d-1$/), expect.stringMatching(/-2$/)]);
  });

  it('goes on after a conflict, with the name and the password in a header', async () => {
    const { registry } = await startWithAdmin();
    const user = await registry.call('GET', `${documentOf('ann')}?write=true`);
    const path = `${documentOf('ann')}/-rev/${user.body._rev}`;
    const put = async (headers: Record<string, string>) => await registry.call('PUT', path, {}, headers);
    expect((await put(basic('ann', PASSWORD))).body.token).toMatch(TOKEN);
    for (const headers of [basic('ann', WRONG), basic('bob', PASSWORD), {}, { authorization: 'Basic ???' }]) {
      expect((await put(headers)).status, JSON.stringify(headers)).toBe(401);
    }
  });

  it('is slowed down for whoever guesses', async () => {
    const { registry } = await startWithAdmin();
    const statuses = [];
    for (let i = 0; i < 12; i++) statuses.push((await enter(registry, { user: 'bob', password: WRONG })).status);
    expect(statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 401));
    expect(statuses.slice(10)).toEqual([429, 429]);
  });
});

describe('npm adduser', () => {
  it('makes nobody a user while registration is closed, and does not tell who is one', async () => {
    const { registry, ann } = await startWithAdmin();
    const [stranger, guesser] = [await enter(registry, add('eve')), await enter(registry, add('ann', WRONG))];
    expect([stranger.status, guesser.status]).toEqual([401, 401]);
    expect(stranger.body.error).toBe(guesser.body.error);
    expect((await enter(registry, add('ann'))).status).toBe(201);
    expect((await ann.call('GET', '/api/v1/users')).body.users).toHaveLength(1);
  });

  it('makes whoever runs the registry its first administrator, once', async () => {
    const registry = await startProgram();
    expect((await enter(registry, { user: 'ann' })).status).toBe(401);
    expect((await enter(registry, add('ann', 'short'))).status).toBe(422);
    const both = await Promise.all([enter(registry, add('ann')), enter(registry, add('bob', WRONG))]);
    expect(both.filter(({ status }) => status === 201)).toHaveLength(1);
    const { body } = both.find(({ status }) => status === 201)!;
    expect(body.ok).toMatch(/^user '(?:ann|bob)' created$/);
    const { body: grants } = await withToken(registry, body.token).call('GET', '/api/v1/grants');
    expect(grants.grants).toMatchObject([{ role: 'admin', pattern: '*' }]);
    expect((await enter(registry, add('eve'))).status).toBe(401);
  });

  it('makes no stranger the first user, however open registration is', async () => {
    const started = await startProgram(undefined, ['--host', '0.0.0.0'], { C13_REGISTRATION: 'open' });
    const { status } = await fetch(`${started.url.replace('0.0.0.0', '127.0.0.1')}${documentOf('eve')}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...add('eve'), name: 'eve' }),
    });
    expect(status).toBe(403);
  });

  it('makes users who may nothing where registration is open, each name once, whoever is faster', async () => {
    const { registry, ann } = await startWithAdmin(undefined, [], { C13_REGISTRATION: 'open' });
    const passwords = Array.from({ length: 4 }, (_, i) => `${PASSWORD} ${i}`);
    const all = await Promise.all(passwords.map((password) => enter(registry, add('eve', password))));
    expect(all.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409, 409]);
    const winner = all.findIndex(({ status }) => status === 201);
    expect((await enter(registry, { user: 'eve', password: passwords[winner]! })).status).toBe(201);
    const eve = withToken(registry, all[winner]!.body.token);
    expect((await eve.call('GET', '/api/v1/whoami')).body.grants).toEqual([]);
    // An address that nobody has shown to be his would let its owner in as him.
    expect((await ann.call('GET', '/api/v1/users/eve')).body.email).toBeNull();
    expect((await enter(registry, { user: 'zoe' })).status).toBe(401);
    expect((await enter(registry, add('Zoe!'))).status).toBe(400);
    expect((await enter(registry, add('anonymous'))).status).toBe(400);
  });
});

describe('npm logout', () => {
  it('ends the token, again and again, and nothing of it is in the log', async () => {
    const { registry, ann } = await startWithAdmin(undefined, [], { C13_LOG_LEVEL: 'debug' });
    await ann.call('PATCH', '/api/v1/configs/registry', { features: { verbose: true } });
    const { body } = await enter(registry, { user: 'ann' });
    const own = withToken(registry, body.token);
    const path = `/-/user/token/${encodeURIComponent(body.token)}`;
    expect((await own.call('DELETE', path)).status).toBe(200);
    expect((await own.call('GET', '/-/whoami')).status).toBe(401);
    expect((await own.call('DELETE', path)).status).toBe(200);
    expect((await registry.call('DELETE', '/-/user/token/npm_of-another-registry')).status).toBe(200);
    expect((await registry.call('PUT', '/-/user/token/npm_of-another-registry', {})).body.error).not.toContain(
      'npm_of',
    );
    // Nor does a slip end somebody's.
    const other = (await enter(registry, { user: 'ann' })).body.token as string;
    const slip = `${other.slice(0, 30)}${other[30] === 'a' ? 'b' : 'a'}${other.slice(31)}`;
    await registry.call('DELETE', `/-/user/token/${slip}`);
    expect((await withToken(registry, other).call('GET', '/-/whoami')).status).toBe(200);
    const { body: metrics } = await ann.call('GET', '/metrics');
    registry.child.kill('SIGTERM');
    const log = await new Response(registry.child.stderr).text();
    expect(log).toContain('/-/user/token/[redacted]');
    const secrets = ['npm_of', ...[body.token, other, slip].map((token: string) => token.slice(4, 30))];
    for (const secret of secrets) for (const text of [log, metrics]) expect(text).not.toContain(secret);
  });

  it('ends a session too', async () => {
    const { registry, ann } = await startWithAdmin();
    expect((await ann.call('DELETE', `/-/user/token/${ann.token}`)).status).toBe(200);
    expect((await ann.call('GET', '/-/whoami')).status).toBe(401);
    expect((await registry.call('GET', '/-/whoami')).status).toBe(401);
  });
});

describe('a user', () => {
  it('is shown to strangers as anybody is, and with an address to those who may read him', async () => {
    const { registry, ann } = await startWithAdmin();
    const bob = await makeUser(registry, ann, 'bob');
    await ann.call('PATCH', '/api/v1/users/ann', { email: 'ann@example.com' });
    const [there, not] = await Promise.all(['ann', 'eve'].map((name) => registry.call('GET', documentOf(name))));
    expect([there!.status, not!.status]).toEqual([200, 200]);
    expect(JSON.stringify(there!.body).replaceAll('ann', 'eve')).toBe(JSON.stringify(not!.body));
    expect((await bob.call('GET', documentOf('ann'))).body).toMatchObject({ name: 'ann', email: '' });
    expect((await bob.call('GET', documentOf('eve'))).status).toBe(404);
    expect((await ann.call('GET', documentOf('ann'))).body).toMatchObject({ name: 'ann', email: 'ann@example.com' });
    expect((await registry.call('GET', '/-/user/ann')).status).toBe(404);
  });
});
