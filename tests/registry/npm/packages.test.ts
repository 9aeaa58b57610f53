/** What package managers ask for, request by request, over a real journal and real blobs. @module */
import { describe, expect, it } from 'vitest';
import { ANONYMOUS, owner, type Grant, type Principal } from '../../../src/auth/rights.ts';
import { openApp } from '../app-fixtures.ts';
import { packed, pathOf, publish } from './package-fixtures.ts';

const UI = '@acme/ui';
const SHORT = 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

const grant = (role: Grant['role'], pattern: string): Grant => ({ role, pattern, sections: null });
const user = (name: string, ...grants: Grant[]): Principal => {
  return { kind: 'user', actor: name, user: name, grants, scope: null, readOnly: false };
};

describe('metadata', () => {
  it('is whole or short as Accept says, the same at each address, and 304 to who has it', async () => {
    const { call } = await openApp();
    const { document } = await publish(call, UI, '1.0.0', { scripts: { install: 'x' }, keywords: ['a'] });
    const full = await call('GET', '/@acme%2fui');
    expect(full.status).toBe(200);
    expect(full.headers.get('content-type')).toBe('application/json');
    expect(full.headers.get('vary')).toBe('Accept, Accept-Encoding');
    expect(full.headers.get('cache-control')).toBe('no-cache');
    const { dist } = document['versions']['1.0.0'];
    const tarball = 'http://localhost:4873/@acme/ui/-/ui-1.0.0.tgz';
    expect(full.body).toMatchObject({ _id: UI, name: UI, 'dist-tags': { latest: '1.0.0' }, readme: `# ${UI}` });
    expect(full.body.versions['1.0.0']).toMatchObject({ keywords: ['a'], dist: { ...dist, tarball } });
    for (const path of ['/@acme%2Fui', '/@acme/ui', '/%40acme%2Fui'])
      expect((await call('GET', path)).body).toEqual(full.body);
    const short = await call('GET', '/@acme%2fui', undefined, { accept: SHORT });
    expect(short.headers.get('content-type')).toBe('application/vnd.npm.install-v1+json');
    expect(Object.keys(short.body).toSorted()).toEqual(['dist-tags', 'modified', 'name', 'versions']);
    expect(short.body.versions['1.0.0']).toMatchObject({ hasInstallScript: true, dist: { tarball } });
    expect(short.headers.get('etag')).not.toBe(full.headers.get('etag'));
    for (const accept of ['*/*', 'application/json', `${SHORT.split(';')[0]};q=0, */*`]) {
      expect((await call('GET', '/@acme%2fui', undefined, { accept })).body, accept).toEqual(full.body);
    }
    expect((await call('GET', '/@acme%2fui?write=true', undefined, { accept: SHORT })).body).toEqual(full.body);
    const etag = full.headers.get('etag')!;
    for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*', etag.replace(/"$/, '+gzip"')]) {
      const again = await call('GET', '/@acme%2fui', undefined, { 'if-none-match': known });
      expect([again.status, again.body], known).toEqual([304, '']);
    }
    expect((await call('GET', '/@acme%2fui', undefined, { accept: SHORT, 'if-none-match': etag })).status).toBe(200);
  });

  it('has another tag after every change that readers see, and another in each encoding', async () => {
    const { call, app } = await openApp();
    await publish(call, 'ui', '1.0.0', { notes: 'long '.repeat(500) });
    const seen = new Set<string>();
    const look = async () => {
      const { headers } = await call('GET', '/ui');
      expect(seen).not.toContain(headers.get('etag'));
      seen.add(headers.get('etag')!);
    };
    await look();
    await publish(call, 'ui', '1.1.0');
    await look();
    await call('PUT', '/-/package/ui/dist-tags/next', '"1.0.0"');
    await look();
    const { body: document } = await call('GET', '/ui?write=true');
    document.versions['1.0.0'].deprecated = 'old';
    expect((await call('PUT', '/ui', document)).status).toBe(201);
    await look();
    for (const encoding of ['gzip', 'zstd', 'br']) {
      const asked = new Request('http://localhost/ui', { headers: { 'accept-encoding': encoding } });
      const answer = await app.fetch(asked, { peer: null });
      expect(answer.headers.get('content-encoding')).toBe(encoding);
      expect(answer.headers.get('etag')).toMatch(new RegExp(`\\+${encoding}"$`));
    }
    const odd = await call('GET', '/ui', undefined, { 'accept-encoding': 'gzip/deflate' });
    expect([odd.status, odd.headers.get('content-encoding')]).toEqual([200, null]);
  });

  it('of one version, or of what a dist-tag names', async () => {
    const { call } = await openApp();
    await publish(call, UI, '1.0.0');
    await publish(call, UI, '2.0.0-rc.1', {}, 'next');
    const version = async (what: string) => (await call('GET', `/@acme/ui/${what}`)).body.version;
    expect(await Promise.all(['1.0.0', 'latest', 'next'].map(version))).toEqual(['1.0.0', '1.0.0', '2.0.0-rc.1']);
    for (const what of ['3.0.0', '^1.0.0', '__proto__', 'constructor']) {
      const { status, body } = await call('GET', `/@acme%2fui/${what}`);
      expect([status, typeof body.error], what).toEqual([404, 'string']);
    }
  });
});

describe('a tarball', () => {
  it('is answered whole and in parts, and never again to who has it', async () => {
    const { call, app } = await openApp();
    const { tarball } = await publish(call, UI, '1.0.0');
    const path = '/@acme/ui/-/ui-1.0.0.tgz';
    const get = (headers: Record<string, string> = {}, method = 'GET', at = path) =>
      app.fetch(new Request(`http://localhost${at}`, { method, headers }), { peer: null });
    const whole = await get({ 'accept-encoding': 'gzip', accept: SHORT });
    expect(await whole.bytes()).toEqual(tarball);
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'cache-control': 'private, max-age=31536000, immutable',
      'accept-ranges': 'bytes',
    });
    const etag = whole.headers.get('etag')!;
    expect(etag).toMatch(/^"sha512-/);
    for (const at of ['/@acme%2fui/-/ui-1.0.0.tgz', '/@acme/ui/-/@acme/ui-1.0.0.tgz']) {
      expect(await (await get({}, 'GET', at)).bytes(), at).toEqual(tarball);
    }
    const head = await get({}, 'HEAD');
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([
      200,
      `${tarball.length}`,
      '',
    ]);
    expect((await get({ 'if-none-match': `W/${etag}` })).status).toBe(304);
    const size = tarball.length;
    const parts: [string, number, number][] = [
      ['bytes=0-3', 0, 4],
      ['bytes=5-', 5, size],
      ['bytes=-7', size - 7, size],
      ['bytes=2-99999', 2, size],
    ];
    for (const [range, start, end] of parts) {
      const part = await get({ range, 'if-range': etag });
      expect([part.status, part.headers.get('content-range')], range).toEqual([
        206,
        `bytes ${start}-${end - 1}/${size}`,
      ]);
      expect(await part.bytes(), range).toEqual(tarball.slice(start, end));
    }
    for (const range of ['bytes=5-2', 'bytes=0-1,3-4', 'lines=0-1', 'bytes=-'])
      expect((await get({ range })).status, range).toBe(200);
    expect((await get({ range: 'bytes=0-1', 'if-range': '"other"' })).status).toBe(200);
    const beyond = await get({ range: `bytes=${size}-` });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${size}`]);
    for (const at of [
      '/@acme/ui/-/ui-1.0.1.tgz',
      '/@acme/ui/-/other-1.0.0.tgz',
      '/ui/-/ui-1.0.0.tgz',
      '/@acme/ui/-/x',
    ]) {
      const none = await get({}, 'GET', at);
      expect([none.status, none.headers.get('content-type')], at).toEqual([404, 'application/json']);
    }
  });
});

describe('a publish', () => {
  it('of a version that is there, or was, is refused, and changes nothing', async () => {
    const { call, operations } = await openApp();
    await publish(call, UI, '1.0.0');
    const before = (await call('GET', pathOf(UI))).body;
    const again = await call('PUT', pathOf(UI), packed(UI, '1.0.0', { description: 'another' }).document);
    expect([again.status, again.body.code]).toEqual([409, 'ERR_PACKAGE_EXISTS']);
    expect(again.body.error).toMatch(/^You cannot publish over the previously published versions: 1\.0\.0/);
    expect((await call('GET', pathOf(UI))).body).toEqual(before);
    const head = await operations.store.journal.head();
    const wrong: [string, object, number][] = [
      ['/other', packed(UI, '1.1.0').document, 422],
      ['/Upper', packed('Upper', '1.0.0').document, 400],
      ['/health', packed('health', '1.0.0').document, 405],
      ['/login', packed('login', '1.0.0').document, 404],
      [pathOf(UI), packed(UI, '1.x').document, 400],
      [pathOf(UI), { name: UI }, 422],
      [pathOf(UI), { ...packed(UI, '1.1.0').document, _attachments: {} }, 201],
    ];
    for (const [path, document, status] of wrong) expect((await call('PUT', path, document)).status, path).toBe(status);
    expect(await operations.store.journal.head()).toEqual(head);
    expect((await call('GET', pathOf(UI))).body).toEqual(before);
  });

  it('of a bare package.json makes a tarball that holds nothing else, whatever it is said to be', async () => {
    const { call, app } = await openApp();
    const manifest = { name: '@mycompany/mypackage', version: '1.0.0', license: 'MIT' };
    const types = [FORM, {}, { 'content-type': 'text/plain' }];
    for (const [i, type] of types.entries()) {
      const body = JSON.stringify({ ...manifest, version: `1.0.${i}` });
      const answer = await app.fetch(
        new Request('http://localhost/@mycompany/mypackage', {
          method: 'PUT',
          body: new TextEncoder().encode(body),
          headers: type,
        }),
        { peer: null },
      );
      expect(await answer.json()).toMatchObject({ ok: true, success: true, id: manifest.name });
      expect(answer.status).toBe(201);
    }
    const { body } = await call('GET', '/@mycompany/mypackage/latest');
    expect(body).toMatchObject({ ...manifest, version: '1.0.2', dist: { fileCount: 1 } });
  });

  it('by eight at once of one version leaves one of them, and of eight versions all', async () => {
    const { call } = await openApp();
    const same = await Promise.all(
      Array.from({ length: 8 }, (_, i) => call('PUT', '/ui', packed('ui', '1.0.0', { description: `${i}` }).document)),
    );
    expect(same.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, ...Array<number>(7).fill(409)]);
    const versions = Array.from({ length: 8 }, (_, i) => `2.${i}.0`);
    const all = await Promise.all(versions.map((version) => call('PUT', '/ui', packed('ui', version).document)));
    expect(all.map(({ status }) => status)).toEqual(Array<number>(8).fill(201));
    expect(Object.keys((await call('GET', '/ui')).body.versions).toSorted()).toEqual(['1.0.0', ...versions]);
  });

  it('that is too large is refused before it is read, and takes no Idempotency-Key', async () => {
    const { call, app } = await openApp();
    const large = packed('ui', '1.0.0').document;
    large['_attachments']['ui-1.0.0.tgz'].data = new Uint8Array(1024 * 1024 + 1).toBase64();
    const { status, body } = await call('PUT', '/ui', large);
    expect([status, body.code]).toEqual([413, 'ERR_BODY_TOO_LARGE']);
    const never = new ReadableStream<Uint8Array>({ pull: () => expect.unreachable() }, { highWaterMark: 0 });
    const headers = { 'content-length': String(2 ** 40) };
    const answer = await app.fetch(new Request('http://localhost/ui', { method: 'PUT', body: never, headers }), {
      peer: null,
    });
    expect(answer.status).toBe(413);
    const keyed = await call('PUT', '/ui', packed('ui', '1.0.0').document, { 'idempotency-key': 'k1' });
    expect([keyed.status, keyed.body.code]).toEqual([422, 'ERR_IDEMPOTENCY']);
    expect((await call('GET', '/ui')).status).toBe(404);
  });
});

describe('a document that was read, changed and sent back', () => {
  it('deprecates and takes it back, and does nothing else', async () => {
    const { call } = await openApp();
    for (const version of ['1.0.0', '1.1.0']) await publish(call, 'ui', version);
    const { body: document } = await call('GET', '/ui?write=true');
    document.versions['1.0.0'].deprecated = 'use 1.1.0';
    document.versions['9.9.9'] = { name: 'ui', version: '9.9.9' };
    document.versions['1.1.0'].dist.integrity = 'sha512-other';
    document['dist-tags'].latest = '1.0.0';
    await publish(call, 'ui', '1.2.0');
    expect((await call('PUT', '/ui', document)).status).toBe(201);
    const after = (await call('GET', '/ui')).body;
    expect(Object.keys(after.versions)).toEqual(['1.0.0', '1.1.0', '1.2.0']);
    expect(after.versions['1.0.0'].deprecated).toBe('use 1.1.0');
    expect(after['dist-tags']).toEqual({ latest: '1.2.0' });
    document.versions['1.0.0'].deprecated = '';
    await call('PUT', '/ui', document);
    expect((await call('GET', '/ui')).body.versions['1.0.0']).not.toHaveProperty('deprecated');
  });

  it('unpublishes what is gone from it, at the revision that was seen and at no other', async () => {
    const { call } = await openApp();
    for (const version of ['1.0.0', '1.1.0', '1.2.0']) await publish(call, 'ui', version);
    const { body: document } = await call('GET', '/ui?write=true');
    delete document.versions['1.2.0'];
    await publish(call, 'ui', '1.3.0');
    for (const rev of [document._rev, '4-0000000000000000', 'x', '0-0']) {
      const { status, body } = await call('PUT', `/ui/-rev/${rev}`, document);
      expect([status, body.code, typeof body.error], rev).toEqual([409, 'ERR_REVISION_CONFLICT', 'string']);
    }
    const { body: now } = await call('GET', '/ui?write=true');
    delete now.versions['1.3.0'];
    expect((await call('PUT', `/ui/-rev/${now._rev}`, now)).status).toBe(201);
    const { body: left } = await call('GET', '/ui?write=true');
    expect([Object.keys(left.versions), left['dist-tags'].latest]).toEqual([['1.0.0', '1.1.0', '1.2.0'], '1.2.0']);
    const gone = await call('DELETE', `/ui/-/ui-1.3.0.tgz/-rev/${left._rev}`);
    expect([gone.status, gone.body.success]).toEqual([200, true]);
    expect((await call('GET', '/ui/-/ui-1.3.0.tgz')).status).toBe(404);
    expect((await call('PUT', '/ui', packed('ui', '1.3.0').document)).status).toBe(409);
    expect((await call('DELETE', `/ui/-rev/${now._rev}`)).status).toBe(409);
    expect((await call('DELETE', `/ui/-rev/${left._rev}`)).status).toBe(200);
    expect((await call('GET', '/ui')).body.versions).toEqual({});
  });

  it('stars, for whoever sends it and for nobody else', async () => {
    let asking = user('bob', grant('viewer', 'package:*'));
    const { call } = await openApp(undefined, () => asking);
    const bob = asking;
    asking = owner('ann');
    await publish(call, UI, '1.0.0');
    asking = bob;
    const { body: document } = await call('GET', pathOf(UI));
    const star = { _id: UI, _rev: document._rev, users: { ...document.users, bob: true, eve: true } };
    expect((await call('PUT', pathOf(UI), star)).status).toBe(201);
    expect((await call('GET', pathOf(UI))).body.users).toEqual({ bob: true });
    expect((await call('GET', '/-/_view/starredByUser?key=%22bob%22')).body.rows).toMatchObject([{ value: UI }]);
    expect((await call('PUT', pathOf(UI), { ...star, users: {} })).status).toBe(201);
    expect((await call('GET', pathOf(UI))).body.users).toEqual({});
    asking = { ...bob, readOnly: true };
    expect((await call('PUT', pathOf(UI), star)).status).toBe(403);
  });
});

it('sets, lists and removes dist-tags', async () => {
  const { call } = await openApp();
  for (const version of ['1.0.0', '2.0.0']) await publish(call, UI, version);
  const tags = '/-/package/@acme%2fui/dist-tags';
  expect((await call('PUT', `${tags}/next`, '"1.0.0"')).body).toMatchObject({ ok: 'package tagged', success: true });
  expect((await call('POST', tags, { beta: '1.0.0' })).status).toBe(201);
  expect((await call('GET', '/-/package/@acme/ui/dist-tags')).body).toEqual({
    latest: '2.0.0',
    next: '1.0.0',
    beta: '1.0.0',
  });
  expect((await call('PUT', tags, { old: '1.0.0' })).status).toBe(201);
  expect((await call('GET', tags)).body).toEqual({ latest: '2.0.0', old: '1.0.0' });
  expect((await call('DELETE', `${tags}/old`)).status).toBe(200);
  const wrong: [string, string, unknown, number][] = [
    ['DELETE', `${tags}/old`, undefined, 404],
    ['DELETE', `${tags}/latest`, undefined, 422],
    ['PUT', `${tags}/next`, '"3.0.0"', 404],
    ['PUT', `${tags}/1.0`, '"1.0.0"', 422],
    ['PUT', `${tags}/next`, '{}', 400],
    ['PUT', `${tags}/next`, '1.0.0', 400],
    ['PUT', '/-/package/nope/dist-tags/next', '"1.0.0"', 404],
  ];
  for (const [method, path, body, status] of wrong) {
    const answer = await call(method, path, body);
    expect([answer.status, typeof answer.body.error], `${method} ${path} ${String(body)}`).toEqual([status, 'string']);
  }
  expect((await call('GET', tags)).body).toEqual({ latest: '2.0.0' });
});

it('finds by words what the asker may see, and counts no more', async () => {
  let asking: Principal = owner('ann');
  const { call } = await openApp(undefined, () => asking);
  for (const name of ['button', '@acme/button', '@secret/button', 'table']) await publish(call, name, '1.0.0');
  const found = async (query: string) => {
    const { body } = await call('GET', `/-/v1/search?${query}`);
    return [body.total, body.objects.map((one: any) => one.package.name)];
  };
  expect((await found('text=button&size=20'))[0]).toBe(3);
  asking = user('bob', grant('viewer', 'package:@acme/*'), grant('viewer', 'package:button'));
  expect(await found('text=button')).toEqual([2, ['button', '@acme/button']]);
  expect(await found('text=button&size=1&from=1&quality=0.65')).toEqual([2, ['@acme/button']]);
  expect(await found('text=table')).toEqual([0, []]);
});

describe('whoever may not see a package', () => {
  it('is answered as if there were none, or asked who he is', async () => {
    let asking: Principal = owner('ann');
    const { call, operations } = await openApp(undefined, () => asking);
    await publish(call, UI, '1.0.0');
    await publish(call, '@acme/closed', '1.0.0');
    const before = await operations.store.journal.head();
    const paths = ['', '/latest', '/-/ui-1.0.0.tgz'];
    const ask = async (name: string, path: string) => {
      const { status, body } = await call('GET', `/${name}${path}`);
      return [status, body.code, JSON.stringify(body).replaceAll(name, 'NAME')];
    };
    asking = user('eve', grant('viewer', 'package:other'));
    for (const path of paths) expect(await ask(UI, path), path).toEqual(await ask('@acme/none', path));
    expect((await ask(UI, ''))[0]).toBe(404);
    expect((await call('PUT', pathOf(UI), packed(UI, '1.1.0').document)).status).toBe(403);
    expect((await call('DELETE', `${pathOf(UI)}/-rev/1-x`)).status).toBe(403);
    asking = ANONYMOUS;
    for (const path of paths) expect((await ask(UI, path))[0]).toBe(401);
    asking = { ...ANONYMOUS, grants: [grant('viewer', 'package:@acme/*')] };
    expect((await ask(UI, ''))[0]).toBe(200);
    expect((await ask('@acme/none', ''))[0]).toBe(404);
    expect((await ask('other', ''))[0]).toBe(401);
    const refused = await call('PUT', pathOf(UI), packed(UI, '1.1.0').document);
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, null]);
    expect(await operations.store.journal.head()).toEqual(before);
  });

  it('is anybody without a name of what is restricted, and anybody without the right of what is premium', async () => {
    let asking: Principal = owner('ann');
    const { call, own } = await openApp(undefined, () => asking);
    await call('PUT', pathOf(UI), { ...packed(UI, '1.0.0').document, access: 'restricted' });
    await publish(call, 'gold', '1.0.0');
    expect((await call('PATCH', '/api/v1/packages/gold', { isPremium: true })).status).toBe(200);
    const status = async (name: string) => (await call('GET', pathOf(name))).status;
    asking = { ...ANONYMOUS, grants: [grant('viewer', '*')] };
    // Everybody may read packages, and this one is to strangers as if it were not there: asking finds no names.
    expect([await status(UI), await status('gold')]).toEqual([404, 200]);
    // Nobody on the way keeps it for others: it may be hidden tomorrow.
    const { headers } = await call('GET', '/gold/-/gold-1.0.0.tgz');
    expect(headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
    asking = user('bob', grant('viewer', 'package:*'));
    expect([await status(UI), await status('gold')]).toEqual([200, 200]);
    own.flags.premium_types = true;
    expect([await status(UI), await status('gold')]).toEqual([200, 404]);
    asking = user('bob', grant('viewer', 'package:*'), grant('viewer', 'premium:gold'));
    expect(await status('gold')).toBe(200);
  });
});

it('answers what is not there in JSON that clients print', async () => {
  const { call } = await openApp();
  const asks = [
    '/nope',
    '/@acme%2fnope',
    '/nope/-/nope-1.0.0.tgz',
    '/-/nope',
    '/-/v2/x',
    '/@a/b/c/d/e',
    '/a%00b',
    '/a%zz',
    '/@x',
  ];
  for (const path of asks) {
    const { status, headers, body } = await call('GET', path);
    expect([status, headers.get('content-type')], path).toEqual([404, 'application/json']);
    expect(body, path).toMatchObject({ code: 'ERR_NOT_FOUND', error: expect.stringMatching(/^There is .+\. .+\.$/) });
  }
});

describe('the first package of a scope', () => {
  it('needs a grant that names the scope, or the right to administer it; any after it needs neither', async () => {
    let principal = owner('ann');
    const { call } = await openApp(undefined, () => principal);
    const put = async (name: string, role: Grant['role'], pattern: string) => {
      principal = user('pat', grant(role, pattern));
      const { status, body } = await call('PUT', pathOf(name), packed(name, '1.0.0').document);
      return [status, body.details?.rule];
    };
    for (const pattern of ['package:*', 'package:@*', '*']) {
      expect(await put('@types/x', 'publisher', pattern), pattern).toEqual([403, 'scope']);
    }
    expect((await call('GET', '/@types%2fx')).status, 'nothing came of it').toBe(404);
    expect(await put('x', 'publisher', 'package:*'), 'a name is one package').toEqual([201, undefined]);
    expect(await put('@types/x', 'publisher', 'package:@types/*')).toEqual([201, undefined]);
    expect(await put('@types/y', 'publisher', 'package:*')).toEqual([201, undefined]);
    expect(await put('@tools/x', 'publisher', 'package:@tools/x')).toEqual([201, undefined]);
    expect(await put('@more/x', 'maintainer', 'package:*')).toEqual([201, undefined]);
  });
});
