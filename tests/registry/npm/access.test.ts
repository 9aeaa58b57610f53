/** Who maintains a package, who may read it, and what `npm owner` and `npm access` say of it. @module */
import { expect, it } from 'vitest';
import type { RunningProgram } from '../fixtures.ts';
import { makeUser, startWithAdmin, type Somebody } from '../identity-fixtures.ts';

const UI = '/@acme%2fui';
const ONE = `/-/package${UI}`;

async function start(): Promise<{ registry: RunningProgram; ann: Somebody; bob: Somebody }> {
  const { registry, ann } = await startWithAdmin();
  const bob = await makeUser(registry, ann, 'bob');
  const { status, body } = await ann.call('PUT', UI, { name: '@acme/ui', version: '1.0.0' });
  if (status !== 201) throw new Error(JSON.stringify(body));
  return { registry, ann, bob };
}

/** As npm does: reads who is, and sends who should be. */
async function own(who: Somebody, ...users: string[]) {
  const { body } = await who.call('GET', `${UI}?write=true`);
  const maintainers = users.map((name) => ({ name, email: '' }));
  const path = `${UI}/-rev/${encodeURIComponent(body._rev ?? '1-0')}`;
  return await who.call('PUT', path, { _id: '@acme/ui', _rev: body._rev, maintainers });
}

async function ownersOf(who: Somebody): Promise<string[]> {
  const { body } = await who.call('GET', UI);
  return body.maintainers.map(({ name }: { name: string }) => name);
}

const grant = (user: string, role: string, pattern: string) => ({ user, role, pattern });

it('owners are those who have the grant: they come and go with it, and may do what it allows', async () => {
  const { registry, ann, bob } = await start();
  await makeUser(registry, ann, 'eve');
  const made = await own(ann, 'ann', 'bob');
  expect([made.status, made.body]).toMatchObject([201, { ok: expect.anything(), success: true }]);
  expect(await ownersOf(ann)).toEqual(['ann', 'bob']);
  const { body } = await ann.call('GET', '/api/v1/grants?user=bob');
  expect(body.grants).toMatchObject([grant('bob', 'maintainer', 'package:@acme/ui')]);
  // He may say who else does, of this package alone.
  expect((await own(bob, 'bob', 'eve')).status).toBe(201);
  expect(await ownersOf(bob)).toEqual(['bob', 'eve']);
  expect((await bob.call('PUT', '/@acme%2fother', { name: '@acme/other', version: '1.0.0' })).status).toBe(403);
  expect((await bob.call('PUT', UI, { name: '@acme/ui', version: '1.1.0' })).status).toBe(201);
  const [{ id }] = (await ann.call('GET', '/api/v1/grants?user=eve')).body.grants;
  await ann.call('DELETE', `/api/v1/grants/${id}`);
  expect(await ownersOf(bob)).toEqual(['bob']);
});

it('owners are changed by nobody else, and are somebody', async () => {
  const { ann, bob } = await start();
  await ann.call('POST', '/api/v1/grants', grant('bob', 'publisher', 'package:@acme/*'));
  expect((await own(bob, 'bob')).status).toBe(403);
  await own(ann, 'ann');
  const refused: [string[], number][] = [
    [[], 400],
    [['nobody-here'], 404],
    [['anonymous'], 400],
  ];
  for (const [users, status] of refused) expect((await own(ann, ...users)).status, users.join()).toBe(status);
  const path = `${UI}/-rev/${(await ann.call('GET', `${UI}?write=true`)).body._rev}`;
  for (const maintainers of [7, [{}], ['ann'], Array.from({ length: 101 }, () => ({ name: 'ann' }))]) {
    expect((await ann.call('PUT', path, { maintainers })).status).toBe(400);
  }
  expect(await ownersOf(ann)).toEqual(['ann']);
});

it('a restricted package is for who has signed in, and public is what the world may read', async () => {
  const { registry, ann, bob } = await start();
  const isPublic = async () => (await ann.call('GET', `${ONE}/visibility`)).body;
  expect(await isPublic()).toEqual({ public: false });
  const said = await ann.call('POST', `${ONE}/access`, { access: 'public' });
  expect([said.status, said.body.ok]).toEqual([200, 'public']);
  expect(said.headers.get('npm-notice'), 'why npm says private next').toContain('strangers may read nothing of it');
  await ann.call('POST', '/api/v1/grants', grant('anonymous', 'viewer', 'package:@acme/*'));
  expect((await ann.call('POST', `${ONE}/access`, { access: 'public' })).headers.get('npm-notice')).toBeNull();
  expect([await isPublic(), (await registry.call('GET', UI)).status]).toEqual([{ public: true }, 200]);
  const changed = await ann.call('POST', `${ONE}/access`, { access: 'restricted' });
  expect([changed.status, changed.body.success]).toEqual([200, true]);
  // Everybody may read the others, and learns of this one no more than of none.
  expect([await isPublic(), (await registry.call('GET', UI)).status]).toEqual([{ public: false }, 404]);
  expect((await registry.call('GET', `${ONE}/visibility`)).status).toBe(404);
  expect((await bob.call('GET', UI)).status).toBe(200);
  for (const [body, status] of [
    [{ access: 'private' }, 400],
    [{ publish_requires_tfa: true }, 400],
    [{}, 400],
  ] as const) {
    expect((await ann.call('POST', `${ONE}/access`, body)).status).toBe(status);
  }
  expect((await bob.call('POST', `${ONE}/access`, { access: 'public' })).status).toBe(403);
  expect((await ann.call('POST', '/-/package/nothing/access', { access: 'public' })).status).toBe(404);
  expect((await ann.call('GET', '/-/package/nothing/visibility')).status).toBe(404);
});

it('collaborators are told to those who publish, and packages to whom they are of', async () => {
  const { registry, ann, bob } = await start();
  const eve = await makeUser(registry, ann, 'eve');
  await ann.call('POST', '/api/v1/grants', grant('bob', 'publisher', 'package:@acme/*'));
  await ann.call('POST', '/api/v1/grants', grant('eve', 'viewer', 'package:*'));
  const levels = { ann: 'write', bob: 'write', eve: 'read' };
  expect((await bob.call('GET', `${ONE}/collaborators`)).body).toEqual(levels);
  expect((await eve.call('GET', `${ONE}/collaborators`)).status).toBe(403);
  expect((await eve.call('GET', '/-/user/eve/package')).body).toEqual({ '@acme/ui': 'read' });
  expect((await ann.call('GET', '/-/user/bob/package')).body).toEqual({ '@acme/ui': 'write' });
  // What is premium is listed to those who may read it.
  expect((await ann.call('PATCH', '/api/v1/packages/@acme%2fui', { isPremium: true })).status).toBe(200);
  const own = await ann.call('PATCH', '/api/v1/configs/registry', { features: { premium_types: true } });
  expect(own.status).toBe(200);
  const isListed = async () => Object.keys((await eve.call('GET', '/-/user/eve/package')).body);
  await expect.poll(isListed).toEqual([]);
  await ann.call('POST', '/api/v1/grants', grant('eve', 'viewer', 'premium:@acme/*'));
  expect(await isListed()).toEqual(['@acme/ui']);
  expect((await eve.call('GET', '/-/user/bob/package')).status).toBe(403);
  const team = await ann.call('GET', '/-/org/bob/package');
  expect([team.status, team.body.error]).toEqual([404, expect.stringContaining('c13 grants create')]);
  expect((await ann.call('DELETE', '/-/team/acme/developers/package', { package: '@acme/ui' })).status).toBe(404);
});
