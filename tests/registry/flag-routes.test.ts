/** Flags over HTTP: made, listed, changed, archived, imported, exported; every answer is as described. @module */
import { describe, expect, it } from 'vitest';
import { owner, type Grant, type Principal } from '../../src/auth/rights.ts';
import { openApp } from './app-fixtures.ts';
import { Description } from './description.ts';
import type { Call } from './fixtures.ts';

const SHOP = '/api/v1/configs/shop';
const FLAGS = `${SHOP}/flags`;
const TEXTS = { state: 'ENABLED', variants: { short: 'Hello', long: 'A good day' }, defaultVariant: 'short' };
const SWITCH = { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off' };

async function openShop() {
  const caller: { is: Principal } = { is: owner('ann') };
  const app = await openApp(undefined, () => caller.is);
  const description = new Description((await app.call('GET', '/openapi.json')).body);
  const call: Call = async (method, path, ...rest) => {
    const answer = await app.call(method, path, ...rest);
    const described = description.find(method, new URL(path, 'http://x').pathname);
    expect(description.faultOf(described!, answer), `${method} ${path}`).toBeNull();
    return answer;
  };
  const head = async (): Promise<number> => (await app.operations.store.journal.head()).seq;
  await call('POST', '/api/v1/configs', { name: 'shop' });
  return { ...app, call, caller, head };
}

function user(...grants: Pick<Grant, 'role' | 'pattern'>[]): Principal {
  const whole = grants.map((grant): Grant => ({ sections: null, ...grant }));
  return { kind: 'user', actor: 'bob', user: 'bob', grants: whole, scope: null, readOnly: false };
}

const keysOf = ({ body }: { body: any }): string[] => body.flags.map(({ key }: { key: string }) => key);

describe('a rich flag', () => {
  it('is made, read, changed, archived, restored and deleted, each under its revision', async () => {
    const { call } = await openShop();
    const banner = `${FLAGS}/banner`;
    const made = await call(
      'PUT',
      banner,
      { definition: TEXTS, owner: 'team-shop', reason: 'new' },
      { 'if-none-match': '*' },
    );
    expect([made.status, made.headers.get('etag')]).toEqual([201, '"1"']);
    expect(made.body).toMatchObject({ config: 'shop', key: 'banner', definition: TEXTS, isBound: false, tags: [] });
    const twice = await call('PUT', banner, { definition: TEXTS }, { 'if-none-match': '*' });
    expect([twice.status, twice.body.current?.revision]).toEqual([412, 1]);
    const changed = await call('PATCH', banner, { definition: { defaultVariant: 'long' } }, { 'if-match': '"1"' });
    expect(changed.body).toMatchObject({ revision: 2, owner: 'team-shop', definition: { defaultVariant: 'long' } });
    const late = await call('PATCH', banner, { owner: null }, { 'if-match': '"1"' });
    expect([late.status, late.body.current.revision]).toEqual([412, 2]);
    const archived = await call('POST', `${banner}/archive`, { reason: 'over' }, { 'if-match': '"2"' });
    expect(archived.body.archivedAt).toEqual(expect.any(Number));
    expect((await call('PUT', banner, { definition: TEXTS })).body.archivedAt).toBe(archived.body.archivedAt);
    expect((await call('POST', `${banner}/restore`)).body).toMatchObject({ archivedAt: null, owner: null });
    expect((await call('GET', banner)).headers.get('etag')).toBe('"5"');
    expect((await call('DELETE', `${banner}?reason=gone`, undefined, { 'if-match': '"4"' })).status).toBe(412);
    expect((await call('DELETE', `${banner}?reason=gone`, undefined, { 'if-match': '"5"' })).status).toBe(204);
    for (const [method, path] of [
      ['GET', banner],
      ['DELETE', banner],
      ['PATCH', banner],
      ['POST', `${banner}/archive`],
      ['POST', `${banner}/restore`],
    ] as const) {
      const { status } = await call(method, path, ['GET', 'DELETE'].includes(method) ? undefined : {});
      expect([status, method]).toEqual([404, method]);
    }
  });

  it.each([
    ['a key that is reserved', '__proto__', TEXTS, 'ERR_FLAG_INVALID'],
    ['a key with a blank', 'a b', TEXTS, 'ERR_FLAG_INVALID'],
    ['no definition', 'x', undefined, 'ERR_FLAG_INVALID'],
    ['a variant that is not there', 'x', { ...TEXTS, defaultVariant: 'none' }, 'ERR_FLAG_INVALID'],
    ['a result that is no variant', 'x', { ...TEXTS, targeting: { if: [true, 'nope'] } }, 'ERR_FLAG_INVALID'],
    [
      'an evaluator that is not there',
      'x',
      { ...TEXTS, targeting: { if: [{ $ref: 'e' }, 'long'] } },
      'ERR_FLAG_INVALID',
    ],
  ])('with %s is refused, and the journal has not moved', async (_, key, definition, code) => {
    const { call, head } = await openShop();
    const before = await head();
    const { status, body } = await call(
      'PUT',
      `${FLAGS}/${encodeURIComponent(key)}`,
      definition === undefined ? {} : { definition },
    );
    expect([status, body.code, await head()]).toEqual([422, code, before]);
  });

  it('is judged by its condition first, whatever else is wrong', async () => {
    const { call, head } = await openShop();
    await call('PUT', `${FLAGS}/banner`, { definition: TEXTS });
    await call('PUT', `${FLAGS}/banner`, { definition: TEXTS, owner: 'ann' });
    await call('PUT', `${SHOP}/flagset`, { metadata: { a: 1 } });
    await call('PATCH', '/api/v1/services/shop/facts/metrics', { owner: 'ann' });
    const before = await head();
    const wrong = { definition: { ...TEXTS, defaultVariant: 'none' } };
    for (const [method, path, body, condition] of [
      ['PUT', `${FLAGS}/banner`, wrong, { 'if-match': '"1"' }],
      ['PUT', `${FLAGS}/banner`, wrong, { 'if-none-match': '*' }],
      ['PUT', `${FLAGS}/other`, wrong, { 'if-match': '"1"' }],
      ['PATCH', `${FLAGS}/banner`, wrong, { 'if-match': '"1"' }],
      ['PATCH', `${FLAGS}/banner`, { owner: 7 }, { 'if-match': '"9"' }],
      ['PUT', `${SHOP}/flagset`, { evaluators: { a: { $ref: 'a' } } }, { 'if-match': '"7"' }],
      ['PATCH', '/api/v1/services/shop/facts/metrics', { owner: 7 }, { 'if-match': '"7"' }],
    ] as const) {
      const { status, body: problem } = await call(method, path, body, condition);
      expect([status, problem.code, path], method).toEqual([412, 'ERR_REVISION_CONFLICT', path]);
    }
    expect((await call('PATCH', `${FLAGS}/banner`, wrong, { 'if-match': '"2"' })).status).toBe(422);
    expect(await head()).toBe(before);
  });

  it('keeps its revision where it is so already, and its bit too', async () => {
    const { call, head, operations } = await openShop();
    const [banner, metrics] = [`${FLAGS}/banner`, `${FLAGS}/metrics`];
    const on = { ...SWITCH, defaultVariant: 'on' };
    await call('PUT', banner, { definition: TEXTS, owner: 'ann' });
    await call('PUT', metrics, { definition: on });
    const before = await head();
    const again = [
      await call('PUT', banner, { definition: TEXTS, owner: 'ann', reason: 'again' }),
      await call('PATCH', banner, { definition: { defaultVariant: 'short' } }, { 'if-match': '"1"' }),
      await call('POST', `${banner}/restore`, {}),
      await call('PUT', metrics, { definition: on }),
    ];
    expect(again.map(({ status, body }) => [status, body.revision])).toEqual(again.map(() => [200, 1]));
    const stale = await call('PUT', banner, { definition: TEXTS, owner: 'ann' }, { 'if-match': '"7"' });
    expect([stale.status, await head()]).toEqual([412, before]);
    await operations.set('shop', { features: { metrics: false } }, { actor: 'a library' });
    await call('PUT', metrics, { definition: on });
    expect((await operations.get('shop')).features.enabled).toEqual(['metrics']);
  });

  it('has a past, also when it is gone', async () => {
    const { call } = await openShop();
    const path = `${FLAGS}/banner/history`;
    expect((await call('GET', path)).status).toBe(404);
    await call('PUT', `${FLAGS}/banner`, { definition: TEXTS, reason: 'new' });
    await call('PATCH', `${FLAGS}/banner`, { owner: 'bob', reason: 'his' });
    await call('DELETE', `${FLAGS}/banner?reason=over`);
    const { entries } = (await call('GET', path)).body;
    expect(entries.map(({ kind, reason, flag }: any) => [kind, reason, flag?.owner])).toEqual([
      ['delete', 'over', undefined],
      ['put', 'his', 'bob'],
      ['put', 'new', null],
    ]);
    const first = await call('GET', `${path}?limit=2`);
    const rest = await call('GET', `${path}?limit=2&cursor=${first.body.cursor}`);
    expect([first.body.entries, rest.body]).toEqual([entries.slice(0, 2), { entries: entries.slice(2), cursor: null }]);
  });

  it('is of a config that is there', async () => {
    const { call } = await openShop();
    const path = '/api/v1/configs/nowhere/flags/x';
    expect((await call('PUT', path, { definition: TEXTS })).status).toBe(404);
    expect([(await call('GET', path)).status, (await call('GET', '/api/v1/configs/nowhere/flags')).status]).toEqual([
      404, 404,
    ]);
  });
});

describe('the list of flags', () => {
  it('has features and rich flags, filtered and by pages', async () => {
    const { call, lastEvaluated } = await openShop();
    await call('PUT', `${FLAGS}/banner`, {
      definition: TEXTS,
      tags: ['texts'],
      owner: 'team-shop',
      description: 'Big',
    });
    await call('PUT', `${FLAGS}/old`, { definition: SWITCH });
    await call('POST', `${FLAGS}/old/archive`);
    await call('PUT', `${FLAGS}/metrics`, { definition: SWITCH });
    await call('PATCH', '/api/v1/services/shop/facts/debug', { tags: ['texts'], clientVisible: true });
    await call('PATCH', `${SHOP}/features/logging`, { rollout: 25 });
    lastEvaluated.evaluated('shop', 'banner');
    const all = (await call('GET', `${FLAGS}?archived=all`)).body.flags;
    expect(all).toHaveLength(14);
    const of = (key: string) => all.find((flag: { key: string }) => flag.key === key);
    expect(of('metrics')).toMatchObject({ kind: 'rich', isBound: true, isConstant: true, type: 'boolean' });
    expect(of('banner')).toMatchObject({ type: 'string', lastChangedBy: 'ann', lastEvaluatedAt: expect.any(Number) });
    expect(of('logging')).toMatchObject({ kind: 'feature', rollout: 25, isConstant: false });
    expect(of('logging')).not.toHaveProperty('lastChangedBy');
    expect(of('debug')).toMatchObject({ clientVisible: true, lastChangedAt: null, lastEvaluatedAt: null });
    expect(keysOf(await call('GET', `${FLAGS}?kind=rich`))).toEqual(['banner', 'metrics']);
    expect(keysOf(await call('GET', `${FLAGS}?archived=true`))).toEqual(['old']);
    expect(keysOf(await call('GET', `${FLAGS}?tag=texts`))).toEqual(['banner', 'debug']);
    expect(keysOf(await call('GET', `${FLAGS}?owner=team-shop&q=BIG`))).toEqual(['banner']);
    const pages: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: any = await call('GET', `${FLAGS}?archived=all&limit=4&cursor=${cursor}`);
      pages.push(...keysOf(page));
      cursor = page.body.cursor;
    }
    expect(pages).toEqual(all.map(({ key }: { key: string }) => key));
  });

  it('shows what one may read: features by the config, rich flags by themselves', async () => {
    const { call, caller } = await openShop();
    await call('PUT', `${FLAGS}/banner`, { definition: TEXTS });
    await call('PUT', `${FLAGS}/other`, { definition: TEXTS });
    caller.is = user({ role: 'viewer', pattern: 'config:shop' });
    expect(keysOf(await call('GET', FLAGS))).toHaveLength(12);
    caller.is = user({ role: 'viewer', pattern: 'flag:shop/*' });
    expect(keysOf(await call('GET', FLAGS))).toEqual(['banner', 'other']);
    caller.is = user({ role: 'viewer', pattern: 'config:shop' }, { role: 'viewer', pattern: 'flag:shop/ban*' });
    expect(keysOf(await call('GET', `${FLAGS}?kind=rich`))).toEqual(['banner']);
    caller.is = user({ role: 'viewer', pattern: 'config:mail' });
    expect((await call('GET', FLAGS)).status).toBe(403);
  });
});

describe('what flags share', () => {
  it('is put, used, and cannot be taken from a flag in use', async () => {
    const { call, head } = await openShop();
    expect((await call('GET', `${SHOP}/flagset`)).body).toMatchObject({
      evaluators: {},
      revision: 0,
      modifiedBy: null,
    });
    const evaluators = { staff: { ends_with: [{ var: 'email' }, '@example.com'] } };
    const put = await call('PUT', `${SHOP}/flagset`, { evaluators }, { 'if-none-match': '*' });
    expect([put.body.revision, put.headers.get('etag')]).toEqual([1, '"1"']);
    const targeting = { if: [{ $ref: 'staff' }, 'long', 'short'] };
    expect((await call('PUT', `${FLAGS}/banner`, { definition: { ...TEXTS, targeting } })).status).toBe(201);
    const before = await head();
    expect((await call('PUT', `${SHOP}/flagset`, {})).body).toMatchObject({ status: 422, details: { flag: 'banner' } });
    expect([await head(), (await call('GET', `${SHOP}/flagset`)).body.evaluators]).toEqual([before, evaluators]);
  });

  it('of a service: what is said about its features', async () => {
    const { call, head } = await openShop();
    await call('PATCH', '/api/v1/services/shop/features', { declare: { new_checkout: 12 } });
    const path = '/api/v1/services/shop/facts';
    const said = await call('PATCH', `${path}/new_checkout`, { owner: 'ann', expiresAt: 5 }, { 'if-none-match': '*' });
    expect(said.body).toMatchObject({ feature: 'new_checkout', bit: 12, owner: 'ann', expiresAt: 5, revision: 1 });
    await call('PATCH', `${path}/new_checkout`, { description: 'x' }, { 'if-match': '"1"' });
    const { facts } = (await call('GET', path)).body;
    expect(facts.at(-1)).toMatchObject({ feature: 'new_checkout', owner: 'ann', description: 'x', revision: 2 });
    expect(facts[0]).toMatchObject({ bit: 0, revision: 0, owner: null, clientVisible: false });
    const before = await head();
    expect((await call('PATCH', `${path}/new_chekout`, { owner: 'x' })).body.code).toBe('ERR_UNKNOWN_FEATURE');
    expect((await call('PATCH', `${path}/metrics`, { owner: 7 })).body.code).toBe('ERR_WRONG_TYPE');
    expect(await head()).toBe(before);
  });
});

describe('a file of flags', () => {
  const file = (flags: object, more: object = {}) => JSON.stringify({ flags, ...more });
  const targeting = { if: [{ $ref: 'staff' }, 'long', 'short'] };
  const $evaluators = { staff: { ends_with: [{ var: 'email' }, '@example.com'] } };

  it('is written in one append, with what its flags share and the bits that follow', async () => {
    const { call, operations, head } = await openShop();
    const { journal } = operations.store;
    await call('PUT', `${FLAGS}/same`, { definition: SWITCH });
    await call('PUT', `${FLAGS}/banner`, { definition: TEXTS });
    const metrics = { ...SWITCH, defaultVariant: 'on' };
    const text = file(
      { banner: { ...TEXTS, targeting }, same: SWITCH, metrics, broken: { state: 'ON' } },
      { $evaluators },
    );
    const before = await head();
    const plan = await call('POST', `${FLAGS}/import`, { text, dryRun: true });
    expect(plan.body).toMatchObject({ format: 'flagd', written: 0 });
    expect(Object.fromEntries(plan.body.flags.map(({ key, step }: any) => [key, step]))).toEqual({
      banner: 'replace',
      same: 'none',
      metrics: 'make',
      broken: 'skip',
    });
    expect(await head()).toBe(before);
    const appends: number[] = [];
    const stop = journal.onAppend((entries) => void appends.push(entries.length));
    expect((await call('POST', `${FLAGS}/import`, { text, reason: 'all of it' })).body.written).toBe(2);
    stop();
    expect(appends).toEqual([4]);
    expect((await call('GET', `${SHOP}/features/metrics`)).body.enabled).toBe(true);
    const again = await call('POST', `${FLAGS}/import`, { text });
    expect([again.body.written, appends.length]).toEqual([0, 1]);
    const back = (await call('GET', '/api/v1/flags/export?name=shop')).body;
    expect(back).toMatchObject({ flags: { banner: { ...TEXTS, targeting }, same: SWITCH, metrics }, $evaluators });
  });

  it('is refused as a whole for what is no file, no boolean, or not allowed', async () => {
    const { call, head, caller } = await openShop();
    const before = await head();
    expect((await call('POST', `${FLAGS}/import`, { text: 'x' })).body).toMatchObject({
      status: 422,
      code: 'ERR_IMPORT',
    });
    const bound = await call('POST', `${FLAGS}/import`, { text: file({ a: SWITCH, metrics: TEXTS }) });
    expect(bound.body).toMatchObject({ status: 422, details: { flag: 'metrics' } });
    caller.is = user({ role: 'operator', pattern: 'flag:shop/*' });
    expect((await call('POST', `${FLAGS}/import`, { text: file({ a: SWITCH }, { $evaluators }) })).status).toBe(403);
    expect((await call('POST', `${FLAGS}/import`, { text: file({ metrics: SWITCH }) })).status).toBe(403);
    caller.is = user({ role: 'operator', pattern: 'flag:shop/a' });
    expect((await call('POST', `${FLAGS}/import`, { text: file({ a: SWITCH }) })).status).toBe(403);
    expect(await head()).toBe(before);
  });
});
