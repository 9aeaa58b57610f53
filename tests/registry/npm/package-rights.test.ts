/** Who may change who reads a package, and what nobody learns who may not read it. @module */
import { describe, expect, it } from 'vitest';
import { ANONYMOUS, owner, type Grant, type Principal } from '../../../src/auth/rights.ts';
import { openApp } from '../app-fixtures.ts';
import { packed, pathOf, publish } from './package-fixtures.ts';

const UI = '@acme/ui';
const NONE = '@acme/no';

const grant = (role: Grant['role'], pattern: string): Grant => ({ role, pattern, sections: null });
const user = (name: string, ...grants: Grant[]): Principal => {
  return { kind: 'user', actor: name, user: name, grants, scope: null, readOnly: false };
};
const PUBLISHER = user('bob', grant('publisher', 'package:@acme/*'));

async function open() {
  let asking: Principal = owner('ann');
  const opened = await openApp(undefined, () => asking);
  const as = (principal: Principal): void => void (asking = principal);
  return { ...opened, as };
}

describe('the access of a publish', () => {
  it('counts for who maintains the package; of others, only a new package takes it', async () => {
    const { call, as, operations } = await open();
    const put = async (version: string, access: string | null, name = UI) =>
      await call('PUT', pathOf(name), { ...packed(name, version).document, access });
    const accessNow = async () => (await call('GET', `/api/v1/packages${pathOf(UI)}`)).body.access;
    as(PUBLISHER);
    expect((await put('1.0.0', 'restricted')).status).toBe(201);
    const before = await operations.store.journal.head();
    const refused = await put('1.0.1', 'public');
    expect([refused.status, refused.body]).toMatchObject([403, { code: 'ERR_FORBIDDEN', details: { rule: 'access' } }]);
    expect([await accessNow(), await operations.store.journal.head()]).toEqual(['restricted', before]);
    expect((await put('1.0.1', 'restricted')).status).toBe(201);
    expect((await put('1.0.2', null)).status).toBe(201);
    expect((await put('1.0.0', 'public', '@acme/new')).status).toBe(201);
    expect((await put('1.0.1', 'restricted', '@acme/new')).status).toBe(403);
    as(user('mia', grant('maintainer', 'package:@acme/ui')));
    expect((await put('1.0.3', 'public')).status).toBe(201);
    expect(await accessNow()).toBe('public');
    // All that was unpublished is still what it was.
    expect((await call('POST', `/-/package${pathOf(UI)}/access`, { access: 'restricted' })).status).toBe(200);
    expect((await call('DELETE', `/api/v1/packages${pathOf(UI)}`)).status).toBe(204);
    as(PUBLISHER);
    expect((await put('2.0.0', 'public')).status).toBe(403);
  });
});

describe('whoever may not read a package', () => {
  const doors = (name: string): [string, string][] => [
    ['GET', pathOf(name)],
    ['GET', `${pathOf(name)}/1.0.0`],
    ['GET', `/${name}/-/${name.split('/')[1]}-1.0.0.tgz`],
    ['GET', `/${name}/-/x.tgz`],
    ['HEAD', `/${name}/-/${name.split('/')[1]}-1.0.0.tgz`],
    ['GET', `/-/npm/v1/attestations/${encodeURIComponent(`${name}@1.0.0`)}`],
    ['GET', `/-/package${pathOf(name)}/dist-tags`],
    ['GET', `/-/package${pathOf(name)}/visibility`],
    ['GET', `/api/v1/packages${pathOf(name)}`],
  ];

  it.each<[string, Principal]>([
    [
      'nobody in particular, where everybody may read the rest',
      { ...ANONYMOUS, grants: [grant('viewer', 'package:*')] },
    ],
    ['somebody without the right to what is premium', user('bob', grant('viewer', 'package:*'))],
  ])('%s hears of it at no door what he would not hear of none', async (_, principal) => {
    const { call, as, own } = await open();
    await call('PUT', pathOf(UI), { ...packed(UI, '1.0.0').document, access: 'restricted' });
    await call('PATCH', `/api/v1/packages${pathOf(UI)}`, { isPremium: true });
    own.flags.premium_types = true;
    as(principal);
    const ask = async ([method, path]: [string, string], name: string) => {
      const { status, body } = await call(method, path);
      const said = JSON.stringify(body).replaceAll(name, 'NAME').replaceAll(encodeURIComponent(name), 'NAME');
      return [method, path.replaceAll(name.split('/')[1]!, 'NAME'), status, said];
    };
    for (const [index, door] of doors(UI).entries()) {
      const answer = await ask(door, UI);
      expect(answer).toEqual(await ask(doors(NONE)[index]!, NONE));
      expect(answer[2]).toBe(404);
    }
    expect((await call('GET', '/api/v1/packages')).body.packages).toEqual([]);
  });

  it('hears nothing of it when he writes, but that it is done', async () => {
    const { call, as, own } = await open();
    await publish(call, UI, '1.0.0');
    await call('PATCH', `/api/v1/packages${pathOf(UI)}`, { isPremium: true });
    own.flags.premium_types = true;
    as(PUBLISHER);
    const written = await call('POST', `/api/v1/packages${pathOf(UI)}/tags`, { set: { beta: '1.0.0' } });
    expect([written.status, written.body]).toEqual([200, { ok: true, rev: expect.stringMatching(/^3-/) }]);
    const late = await call('POST', `/api/v1/packages${pathOf(UI)}/tags`, { set: {} }, { 'if-match': '"1"' });
    expect([late.status, JSON.stringify(late.body)]).toEqual([412, expect.not.stringContaining('1.0.0')]);
    as(owner('ann'));
    expect((await call('GET', `/api/v1/packages${pathOf(UI)}`)).body.tags).toMatchObject({ beta: '1.0.0' });
  });
});
