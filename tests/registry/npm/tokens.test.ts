/** `npm token`, on a registry that runs: what is listed, made and ended, with whose token. @module */
import { expect, it } from 'vitest';
import { makeUser, PASSWORD, startWithAdmin, withToken, type Somebody } from '../identity-fixtures.ts';

const PATH = '/-/npm/v1/tokens';

async function make(who: Somebody, fields: object) {
  return await who.call('POST', PATH, { password: PASSWORD, ...fields });
}

async function start() {
  const { registry, ann } = await startWithAdmin();
  const login = await registry.call('PUT', '/-/user/org.couchdb.user:ann', { name: 'ann', password: PASSWORD });
  return { registry, ann, npm: withToken(registry, login.body.token) };
}

it('lists the tokens of whoever asks, page by page, and shows the whole of one when it is made alone', async () => {
  const { registry, ann, npm } = await start();
  await makeUser(registry, ann, 'bob');
  const made = await make(npm, {
    name: 'ci',
    packages_and_scopes_permission: 'read-only',
    cidr_whitelist: ['192.0.2.0/24'],
  });
  expect([made.status, made.body]).toMatchObject([
    201,
    { token: expect.stringMatching(/^c13_/), name: 'ci', readonly: true, cidr_whitelist: ['192.0.2.0/24'] },
  ]);
  const { body } = await npm.call('GET', PATH);
  expect(body).toMatchObject({
    total: 2,
    urls: {},
    objects: [{ name: 'ci', key: made.body.key }, { readonly: false }],
  });
  for (const { token, key, created } of body.objects) {
    expect(token).toBe(`c13_${key.slice(0, 6)}`);
    expect(Date.parse(created)).toBeGreaterThan(0);
  }
  const first = await npm.call('GET', `${PATH}?perPage=1`);
  expect(first.body).toMatchObject({ total: 2, objects: [{ name: 'ci' }] });
  const second = await npm.call('GET', first.body.urls.next);
  expect([second.body.objects.length, second.body.urls]).toEqual([1, {}]);
  expect((await registry.call('GET', PATH)).status).toBe(401);
});

it('makes one for the right password alone, within what was asked for and no wider', async () => {
  const { npm } = await start();
  for (const password of ['five other words than those', '']) {
    const { status, body } = await make(npm, { password });
    expect([status, body.error]).toEqual([401, expect.any(String)]);
  }
  const scoped = await make(npm, { name: 'ui', packages: ['left'], scopes: ['@acme'], expires: 30 });
  expect(Date.parse(scoped.body.expires) - Date.parse(scoped.body.created)).toBe(30 * 86_400_000);
  const { body } = await npm.call('GET', `/api/v1/tokens/${scoped.body.key}`);
  const grants = ['package:left', 'package:@acme/*'].map((pattern) => ({ role: 'maintainer', pattern }));
  expect(body.scope).toMatchObject(grants);
  const refused = [
    { bypass_2fa: true },
    { orgs: ['acme'] },
    { packages_and_scopes_permission: 'no-access' },
    { cidr_whitelist: ['10.0.0.0/33'] },
    { expires: 4000 },
    { name: 'a b' },
  ];
  for (const fields of refused) expect((await make(npm, fields)).status, JSON.stringify(fields)).toBe(400);
  expect((await npm.call('GET', PATH)).body.total).toBe(2);
});

it('ends one by its id, the beginning of it, or the whole token, and nobody else’s', async () => {
  const { registry, ann, npm } = await start();
  const bob = await makeUser(registry, ann, 'bob');
  const end = async (who: Somebody, key: string) => (await who.call('DELETE', `${PATH}/token/${key}`)).status;
  const made = [];
  for (const name of ['a', 'b', 'c']) made.push((await make(npm, { name })).body);
  const [a, b, c] = made;
  expect(await end(bob, a.key)).toBe(404);
  expect(await end(npm, 'c13_')).toBe(404);
  expect(await end(npm, a.key)).toBe(200);
  expect(await end(npm, a.key)).toBe(404);
  expect(await end(npm, b.key.slice(0, 10))).toBe(200);
  expect(await end(npm, c.token)).toBe(200);
  for (const { token } of made) expect((await withToken(registry, token).call('GET', '/-/whoami')).status).toBe(401);
  const { body } = await npm.call('DELETE', `${PATH}/token/${c.token}`);
  expect(body.error).not.toContain(c.token.slice(4, 30));
});

it('lets a token that is limited see and end itself alone', async () => {
  const { registry, npm } = await start();
  const { body: scoped } = await make(npm, { name: 'ui', scopes: ['acme'] });
  const { body: reader } = await make(npm, { name: 'look', readonly: true });
  const [ui, look] = [withToken(registry, scoped.token), withToken(registry, reader.token)];
  expect((await ui.call('GET', PATH)).body).toMatchObject({ total: 1, objects: [{ key: scoped.key }] });
  expect((await ui.call('DELETE', `${PATH}/token/${reader.key}`)).status).toBe(404);
  expect((await look.call('DELETE', `${PATH}/token/${scoped.key}`)).status).toBe(403);
  expect((await look.call('DELETE', `${PATH}/token/${reader.key}`)).status).toBe(200);
  expect((await ui.call('DELETE', `${PATH}/token/${scoped.key}`)).status).toBe(200);
});
