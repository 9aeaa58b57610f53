/** Packages over /api/v1: what there is, what is said of it, how versions leave, and who may do which. @module */
import { readdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { ANONYMOUS, owner, type Grant, type Principal } from '../../src/auth/rights.ts';
import { openApp } from './app-fixtures.ts';

const UI = '/api/v1/packages/@acme%2Fui';

function somebody(actor: string, ...grants: [Grant['role'], string][]): Principal {
  const held = grants.map(([role, pattern]) => ({ role, pattern, sections: null }));
  return { kind: 'user', actor, user: actor, grants: held, scope: null, readOnly: false };
}

const PEOPLE: Readonly<Record<string, Principal>> = {
  root: owner('root'),
  max: somebody('max', ['maintainer', 'package:@acme/ui']),
  pia: somebody('pia', ['publisher', 'package:@acme/*']),
  vic: somebody('vic', ['viewer', 'package:*']),
  pam: somebody('pam', ['viewer', 'package:*'], ['viewer', 'premium:*']),
  all: { ...ANONYMOUS, grants: [{ role: 'viewer', pattern: 'package:*', sections: null }] },
};

async function openShelf() {
  const opened = await openApp(undefined, ({ headers }) => PEOPLE[headers.get('x-who') ?? 'root']!);
  const as =
    (who: string) =>
    async (method: string, path: string, body?: unknown, headers = {}) =>
      await opened.call(method, path, body, { 'x-who': who, ...headers });
  const publish = async (name: string, version: string, who = 'root'): Promise<void> => {
    const { status, body } = await as(who)('PUT', `/${name.replace('/', '%2f')}`, { name, version });
    if (status !== 201) throw new Error(JSON.stringify(body));
  };
  return { ...opened, as, publish, root: as('root') };
}

it('lists what may be read, by name, a page at a time', async () => {
  const { as, publish } = await openShelf();
  for (const name of ['@acme/api', '@acme/ui', 'left', 'right']) await publish(name, '1.0.0');
  await publish('left', '2.0.0-rc.1');
  const names = async (who: string, query = '') =>
    (await as(who)('GET', `/api/v1/packages${query}`)).body.packages.map(({ name }: { name: string }) => name);
  expect(await names('vic')).toEqual(['@acme/api', '@acme/ui', 'left', 'right']);
  expect(await names('pia')).toEqual(['@acme/api', '@acme/ui']);
  expect(await names('max')).toEqual(['@acme/ui']);
  expect(await names('vic', '?filter=@acme/*')).toEqual(['@acme/api', '@acme/ui']);
  expect(await names('vic', '?filter=igh')).toEqual(['right']);
  const first = (await as('vic')('GET', '/api/v1/packages?limit=3')).body;
  expect([first.packages.length, first.cursor]).toEqual([3, 'left']);
  expect(first.packages[2]).toMatchObject({ name: 'left', latest: '2.0.0-rc.1', versionCount: 2, access: 'public' });
  const second = (await as('vic')('GET', `/api/v1/packages?limit=3&cursor=${first.cursor}`)).body;
  expect([second.packages.map(({ name }: { name: string }) => name), second.cursor]).toEqual([['right'], null]);
});

it('shows one with its versions; one that may not be read is as if it were not there', async () => {
  const { as, publish, root } = await openShelf();
  await publish('@acme/ui', '1.0.0', 'pia');
  const shown = await root('GET', UI);
  expect(shown.headers.get('etag')).toBe('"1"');
  expect(shown.body).toMatchObject({ name: '@acme/ui', tags: { latest: '1.0.0' }, isPremium: false, unpublished: [] });
  expect(shown.body.versions[0]).toMatchObject({
    version: '1.0.0',
    publishedBy: 'pia',
    deprecated: null,
    fileCount: 1,
  });
  const [none, hidden] = [
    await as('max')('GET', '/api/v1/packages/nothing'),
    (await publish('nothing', '1.0.0'), await as('max')('GET', '/api/v1/packages/nothing')),
  ];
  expect([none.status, hidden.status]).toEqual([404, 404]);
  expect(hidden.body).toEqual(none.body);
});

it("a restricted package is nobody in particular's, a premium one is whose right it is", async () => {
  const { as, publish, root, own } = await openShelf();
  await publish('@acme/ui', '1.0.0');
  const seenBy = async () => {
    const answers = await Promise.all(['all', 'vic', 'pam', 'root'].map(async (who) => await as(who)('GET', UI)));
    const lists = await Promise.all(['all', 'vic', 'pam'].map(async (who) => await as(who)('GET', '/api/v1/packages')));
    return [...answers.map(({ status }) => status), ...lists.map(({ body }) => body.packages.length)];
  };
  expect(await seenBy()).toEqual([200, 200, 200, 200, 1, 1, 1]);
  const restricted = await root('PATCH', UI, { access: 'restricted' }, { 'if-match': '"1"' });
  expect(restricted.body).toMatchObject({ access: 'restricted', revision: 2 });
  // Everybody may read the others: to a stranger this one is as if it were not there.
  expect(await seenBy()).toEqual([404, 200, 200, 200, 0, 1, 1]);
  expect((await root('PATCH', UI, { access: 'public', isPremium: true })).body).toMatchObject({ isPremium: true });
  expect(await seenBy()).toEqual([200, 200, 200, 200, 1, 1, 1]);
  own.flags.premium_types = true;
  expect(await seenBy()).toEqual([404, 404, 200, 200, 0, 0, 1]);
  expect((await root('PATCH', UI, { isPremium: false }, { 'if-match': '"1"' })).status).toBe(412);
});

it('tags and deprecates together or not at all', async () => {
  const { as, publish } = await openShelf();
  const pia = as('pia');
  for (const version of ['1.0.0', '1.1.0']) await publish('@acme/ui', version);
  const tagged = await pia('POST', `${UI}/tags`, { set: { next: '1.1.0', old: '1.0.0' }, reason: 'sorted' });
  expect(tagged.body.tags).toEqual({ latest: '1.1.0', next: '1.1.0', old: '1.0.0' });
  const mixed = await pia('POST', `${UI}/tags`, { set: { latest: '1.0.0', next: '9.9.9' }, removed: ['old'] });
  expect([mixed.status, mixed.body.code]).toEqual([404, 'ERR_NOT_FOUND']);
  expect((await pia('GET', UI)).body).toMatchObject({ tags: tagged.body.tags, revision: tagged.body.revision });
  expect((await pia('POST', `${UI}/tags`, { removed: ['latest'] })).body.code).toBe('ERR_PACKAGE_INVALID');
  expect((await pia('POST', `${UI}/tags`, { set: { '1.x': '1.0.0' } })).body.code).toBe('ERR_PACKAGE_INVALID');
  for (const wrong of [{ set: { next: 1 } }, { set: [] }, { removed: 'next' }, { removed: [1] }]) {
    expect((await pia('POST', `${UI}/tags`, wrong)).body.code).toBe('ERR_WRONG_TYPE');
  }
  const told = await pia('POST', `${UI}/deprecate`, { messages: { '1.0.0': 'use 1.1.0' } });
  expect(told.body.versions.map(({ deprecated }: any) => deprecated)).toEqual(['use 1.1.0', null]);
  const back = await pia('POST', `${UI}/deprecate`, { messages: { '1.0.0': null } });
  expect(back.body.versions.map(({ deprecated }: any) => deprecated)).toEqual([null, null]);
  expect((await pia('POST', `${UI}/deprecate`, { messages: { '1.0.0': 5 } })).body.code).toBe('ERR_WRONG_TYPE');
});

it('unpublishes for good, and asks for that right alone', async () => {
  const { as, publish, root } = await openShelf();
  for (const version of ['1.0.0', '1.1.0']) await publish('@acme/ui', version);
  expect((await as('pia')('DELETE', `${UI}/versions/1.1.0`)).body.code).toBe('ERR_FORBIDDEN');
  expect((await as('max')('DELETE', `${UI}/versions/1.1.0?reason=wrong`)).status).toBe(204);
  const left = (await root('GET', UI)).body;
  expect([left.tags, left.unpublished]).toMatchObject([{ latest: '1.0.0' }, [{ version: '1.1.0', by: 'max' }]]);
  const again = await root('PUT', '/@acme%2fui', { name: '@acme/ui', version: '1.1.0' });
  expect([again.status, again.body.code]).toEqual([409, 'ERR_PACKAGE_EXISTS']);
  expect((await as('max')('DELETE', `${UI}/versions/1.1.0`)).status).toBe(404);
  expect((await as('max')('DELETE', UI)).status).toBe(204);
  expect((await root('GET', UI)).body).toMatchObject({ versions: [], tags: {} });
});

it('trusted publishers are named by claims that say something', async () => {
  const { as, publish } = await openShelf();
  const path = `${UI}/trusted-publishers`;
  await publish('@acme/ui', '1.0.0');
  const max = as('max');
  const made = await max('POST', path, { issuer: 'https://ci.example', claims: { repository: 'acme/ui' } });
  expect([made.status, made.body]).toMatchObject([
    201,
    { issuer: 'https://ci.example', claims: { repository: 'acme/ui' } },
  ]);
  const wrong = [
    { issuer: 'ci.example', claims: { repository: 'acme/ui' } },
    { issuer: 'https://ci.example', claims: {} },
    { issuer: 'https://ci.example', claims: { repository: '*', ref: '**' } },
    { issuer: 'https://ci.example', claims: { 'Bad claim': 'x' } },
  ];
  for (const body of wrong) expect((await max('POST', path, body)).body.code).toBe('ERR_WRONG_TYPE');
  expect((await as('pia')('GET', path)).status).toBe(403);
  expect((await max('GET', path)).body.trustedPublishers).toEqual([made.body]);
  expect((await max('DELETE', `${path}/${made.body.id}`)).status).toBe(204);
  expect((await max('DELETE', `${path}/${made.body.id}`)).status).toBe(404);
  expect((await max('GET', path)).body.trustedPublishers).toEqual([]);
});

it('takes a version with its time, from who looks after all packages', async () => {
  const { as, publish, root } = await openShelf();
  await publish('@acme/ui', '2.0.0');
  const kept = join(import.meta.dirname, '..', 'fixtures', 'verdaccio', 'storage', '@acme', 'ui');
  const { versions } = JSON.parse(readFileSync(join(kept, 'package.json'), 'utf8'));
  const data = readFileSync(join(kept, 'ui-1.0.0.tgz'));
  const document = (more: object) => ({
    name: '@acme/ui',
    versions: { '1.0.0': { ...versions['1.0.0'], name: '@acme/ui', _npmUser: { name: 'olga' } } },
    time: { '1.0.0': '2020-05-05T10:00:00.000Z' },
    _attachments: { 'ui-1.0.0.tgz': { data: data.toString('base64'), length: data.length } },
    ...more,
  });
  const { dist } = versions['1.0.0'];
  const lying = { '1.0.0': { ...versions['1.0.0'], dist: { ...dist, shasum: '0'.repeat(40) } } };
  const refused = [
    [{ time: undefined }, 'ERR_WRONG_TYPE'],
    [{ time: { '1.0.0': '2999-01-01T00:00:00Z' } }, 'ERR_WRONG_TYPE'],
    [{ time: { '1.0.0': 'yesterday' } }, 'ERR_WRONG_TYPE'],
    [{ versions: lying }, 'ERR_INTEGRITY'],
    [{ _attachments: {} }, 'ERR_PACKAGE_INVALID'],
  ] as const;
  for (const [more, code] of refused) expect((await root('POST', `${UI}/import`, document(more))).body.code).toBe(code);
  expect((await as('max')('POST', `${UI}/import`, document({}))).body.code).toBe('ERR_FORBIDDEN');
  const taken = await root('POST', `${UI}/import?reason=moved`, document({ 'dist-tags': { old: '1.0.0' } }));
  expect([taken.status, taken.body]).toEqual([
    201,
    { name: '@acme/ui', version: '1.0.0', revision: 2, integrity: dist.integrity },
  ]);
  const shown = (await root('GET', UI)).body;
  expect(shown.tags).toEqual({ latest: '2.0.0', old: '1.0.0' });
  expect(shown.versions[1]).toMatchObject({
    publishedAt: Date.parse('2020-05-05T10:00:00.000Z'),
    publishedBy: 'olga',
  });
  const [entry] = (await root('GET', '/api/v1/audit?limit=1')).body.entries;
  expect(entry).toMatchObject({ stream: 'package:@acme/ui', type: 'package.publish', body: { publishedBy: 'olga' } });
  expect(entry.actor).not.toBe('olga');
  expect(Object.keys(entry.body)).not.toContain('manifest');
  expect((await root('POST', `${UI}/import`, document({}))).body.code).toBe('ERR_PACKAGE_EXISTS');
});

/** Every file of the blob store, by where it is. */
function blobFiles(data: string): string[] {
  const found = readdirSync(join(data, 'blobs'), { recursive: true, withFileTypes: true });
  return found.flatMap((entry) => (/^[0-9a-f]{128}$/.test(entry.name) ? [join(entry.parentPath, entry.name)] : []));
}

it('a scrub finds what is damaged, cut short or gone, and says of what', async () => {
  const { publish, root, as, operations } = await openShelf();
  for (const name of ['flipped', 'cut', 'gone', 'whole']) await publish(name, '1.0.0');
  const hashes = new Map<string, string>();
  for (const name of ['flipped', 'cut', 'gone', 'whole']) {
    const [{ integrity }] = (await root('GET', `/api/v1/packages/${name}`)).body.versions;
    hashes.set(name, Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex'));
  }
  const whole = await root('POST', '/api/v1/packages/scrub', {});
  expect(whole.body).toMatchObject({ checked: 4, damaged: [], progress: 1, cursor: null });
  const files = blobFiles(dirname(operations.store.path));
  const fileOf = (name: string) => files.find((file) => file.endsWith(hashes.get(name)!))!;
  const bytes = readFileSync(fileOf('flipped'));
  bytes[40]! ^= 1;
  writeFileSync(fileOf('flipped'), bytes);
  truncateSync(fileOf('cut'), 20);
  rmSync(fileOf('gone'));
  const { body } = await root('POST', '/api/v1/packages/scrub', {});
  const faults = Object.fromEntries(body.damaged.map(({ name, fault }: any) => [name, fault]));
  expect(faults).toEqual({ flipped: 'damaged', cut: 'damaged', gone: 'missing' });
  expect(body.damaged.every(({ name, hash }: any) => hashes.get(name) === hash)).toBe(true);
  const last = [...hashes.values()].toSorted().at(-1);
  expect((await root('POST', '/api/v1/packages/scrub', { cursor: last })).body).toMatchObject({
    checked: 0,
    cursor: null,
  });
  expect((await root('POST', '/api/v1/packages/scrub', { cursor: 'zz' })).body.code).toBe('ERR_WRONG_TYPE');
  expect((await as('pia')('POST', '/api/v1/packages/scrub', {})).status).toBe(403);
});

it('collects what nothing needs: not what is young, and not what was unpublished a moment ago', async () => {
  const { publish, root, as, operations } = await openShelf();
  for (const version of ['1.0.0', '2.0.0']) await publish('ui', version);
  await root('DELETE', '/api/v1/packages/ui/versions/2.0.0');
  const data = dirname(operations.store.path);
  const stray = 'ab'.repeat(64);
  await Bun.write(join(data, 'blobs', 'ab', stray), 'left behind');
  const old = new Date('2020-01-01');
  expect((await root('POST', '/api/v1/packages/collect', {})).body).toMatchObject({
    seen: 3,
    unnamed: 0,
    dryRun: true,
  });
  for (const file of blobFiles(data)) utimesSync(file, old, old);
  expect((await root('POST', '/api/v1/packages/collect', {})).body).toMatchObject({ unnamed: 1, unnamed_bytes: 11 });
  expect(blobFiles(data)).toHaveLength(3);
  expect((await as('max')('POST', '/api/v1/packages/collect', { dryRun: false })).status).toBe(403);
  const behind = await root('POST', '/api/v1/packages/collect', { cursor: 'f'.repeat(128) });
  expect(behind.body).toMatchObject({ seen: 0, unnamed: 0, cursor: null });
  expect((await root('POST', '/api/v1/packages/collect', { cursor: 'zz' })).body.code).toBe('ERR_WRONG_TYPE');
  const done = await root('POST', '/api/v1/packages/collect', { dryRun: false });
  expect(done.body).toEqual({ dryRun: false, seen: 3, unnamed: 1, unnamed_bytes: 11, progress: 1, cursor: null });
  expect(blobFiles(data).map((file) => file.endsWith(stray))).toEqual([false, false]);
});
