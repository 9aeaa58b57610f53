/**
 * The read that services repeat, answered before the router: the same as the ordinary way answers, never older than
 * what was acknowledged, and to nobody who may not.
 * @module
 */
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openConfigStore } from '../../src/live/config-store.ts';
import { databaseIn } from '../../src/live/data-directory.ts';
import { ConfigOperations } from '../../src/live/operations.ts';
import { createProductionConfig } from '../../src/live/production-config.ts';
import { openIdentityIn } from '../../src/registry/open-identity.ts';
import { makeUser, startWithAdmin, withToken, type Somebody } from './identity-fixtures.ts';
import { ROOT, type RunningProgram } from './fixtures.ts';

const CHECKOUT = '/api/v1/configs/checkout%2Fproduction';
/** Of one answer alone. */
const OWN_HEADERS = ['x-request-id', 'date', 'ratelimit', 'retry-after'];

interface Seen {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
}

async function ask(url: string, { method = 'GET', path = CHECKOUT, headers = {} }: Asked): Promise<Seen> {
  const answer = await fetch(url + path, { method, headers, redirect: 'manual' });
  const kept = [...answer.headers].filter(([name]) => !OWN_HEADERS.includes(name));
  return { status: answer.status, headers: Object.fromEntries(kept), body: await answer.text() };
}

async function setCache(ann: Somebody, cache_enabled: boolean): Promise<void> {
  const { status } = await ann.call('PATCH', '/api/v1/configs/registry', { features: { cache_enabled } });
  expect(status).toBe(200);
}

/** Reads that were answered before the router. */
async function hotReads({ call }: Pick<Somebody, 'call'>): Promise<number> {
  const { body } = await call('GET', '/metrics');
  return Number(/c13_config_reads_total\{from="hot"\} (\d+)/.exec(body)![1]);
}

async function newToken(of: Somebody, fields: object = {}): Promise<string> {
  const { status, body } = await of.call('POST', '/api/v1/tokens', {
    name: `t${Math.random()}`.slice(0, 12),
    ...fields,
  });
  if (status !== 201) throw new Error(JSON.stringify(body));
  return body.secret;
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

describe('a hot read', () => {
  it('answers what the ordinary way answers, whatever is asked', async () => {
    const { registry, ann } = await startWithAdmin();
    const { url } = registry;
    await ann.call('POST', '/api/v1/configs', { name: 'checkout/production', rows: 30 });
    const bob = await makeUser(registry, ann, 'bob');
    const scope = [{ role: 'viewer', pattern: 'config:other/*' }];
    const [api, scoped] = [await newToken(ann), await newToken(ann, { scope })];
    const known = bearer(api);
    const web = await newToken(ann, { isBrowser: true, scope: [{ role: 'viewer', pattern: 'config:checkout/*' }] });
    const etag = (await ask(url, { headers: known })).headers['etag']!;
    const requests: Record<string, Asked> = {
      'a token': { headers: known },
      'a sign-in': { headers: bearer(ann.token) },
      'small letters': { headers: { authorization: `bearer ${api}` } },
      'none at all': {},
      'somebody without a right': { headers: bearer(bob.token) },
      'a token for others': { headers: bearer(scoped) },
      'a token of a page': { headers: bearer(web) },
      'X-API-Key': { headers: { 'x-api-key': api } },
      'X-API-Key of somebody without a right': { headers: { 'x-api-key': scoped } },
      'X-API-Key, and the same': { headers: { ...known, 'x-api-key': api } },
      'X-API-Key, and another': { headers: { ...known, 'x-api-key': scoped } },
      'X-API-Key that is empty': { headers: { ...known, 'x-api-key': '' } },
      'a token that is none': { headers: bearer(`${api.slice(0, -1)}!`) },
      'another scheme': { headers: { authorization: 'Basic YW5uOng=' } },
      'two credentials': { headers: { authorization: `Bearer ${api}, Bearer ${api}` } },
      'a cookie that is none': { headers: { ...known, cookie: 'c13_session=nonsense' } },
      'the cookie alone': { headers: { cookie: `c13_session=${ann.token}` } },
      'the tag that it has': { headers: { ...known, 'if-none-match': etag } },
      'a weak one': { headers: { ...known, 'if-none-match': `W/${etag}` } },
      'one of an encoding': { headers: { ...known, 'if-none-match': etag.replace(/"$/, '+zstd"') } },
      'one of many': { headers: { ...known, 'if-none-match': `"0", ${etag}` } },
      'any tag': { headers: { ...known, 'if-none-match': '*' } },
      'another tag': { headers: { ...known, 'if-none-match': '"9999"' } },
      'no tag at all': { headers: { ...known, 'if-none-match': 'x' } },
      'If-Match': { headers: { ...known, 'if-match': '"9999"' } },
      'a range': { headers: { ...known, range: 'bytes=0-3' } },
      HEAD: { method: 'HEAD', headers: known },
      'HEAD with the tag': { method: 'HEAD', headers: { ...known, 'if-none-match': etag } },
      POST: { method: 'POST', headers: known },
      OPTIONS: { method: 'OPTIONS', headers: known },
      'an encoding': { headers: { ...known, 'accept-encoding': 'zstd' } },
      'no encoding': { headers: { ...known, 'accept-encoding': 'identity' } },
      'an unknown parameter': { path: `${CHECKOUT}?naem=x`, headers: known },
      'a question mark': { path: `${CHECKOUT}?`, headers: known },
      'a good header of ours': { headers: { ...known, 'x-bun-terminal-rows': '24' } },
      'a bad one': { headers: { ...known, 'x-bun-terminal-rows': '0' } },
      'one that is none': { headers: { ...known, 'x-bun-terminal-row': '24' } },
      'an unknown name': { path: '/api/v1/configs/nobody', headers: known },
      'no name': { path: '/api/v1/configs/', headers: known },
      'a name that is none': { path: '/api/v1/configs/Check%20out', headers: known },
      'a broken encoding': { path: '/api/v1/configs/%zz', headers: known },
      'half a character': { path: '/api/v1/configs/%c3', headers: known },
      'encoded letters': { path: '/api/v1/configs/%63heckout%2fproduction', headers: known },
      'encoded twice': { path: '/api/v1/configs/checkout%252Fproduction', headers: known },
      'a slash behind it': { path: `${CHECKOUT}/`, headers: known },
      'an environment left out': { path: '/api/v1/configs/checkout', headers: known },
      'an environment that is empty': { path: '/api/v1/configs/checkout%2F', headers: known },
      'two slashes': { path: '/api/v1//configs/default', headers: known },
    };
    const before = await hotReads(ann);
    const hot: Record<string, Seen> = {};
    // Twice: the first may be what the second is remembered by.
    for (const [what, asked] of Object.entries(requests)) {
      await ask(url, asked);
      hot[what] = await ask(url, asked);
    }
    expect(await hotReads(ann)).toBeGreaterThan(before + 10);
    await setCache(ann, false);
    const ordinary: Record<string, Seen> = {};
    for (const [what, asked] of Object.entries(requests)) ordinary[what] = await ask(url, asked);
    expect(hot).toEqual(ordinary);
    await setCache(ann, true);
  });
});

/** One that has answered `CHECKOUT` before the router already. */
async function startWarm(): Promise<{ registry: RunningProgram; ann: Somebody; ci: Somebody; tokenId: string }> {
  const { registry, ann } = await startWithAdmin();
  await ann.call('POST', '/api/v1/configs', { name: 'checkout/production', rows: 1 });
  const { body: token } = await ann.call('POST', '/api/v1/tokens', { name: 'ci' });
  const ci = withToken(registry, token.secret);
  const before = await hotReads(ann);
  for (let i = 0; i < 3; i++) expect((await ci.call('GET', CHECKOUT)).status).toBe(200);
  expect(await hotReads(ann)).toBeGreaterThan(before);
  return { registry, ann, ci, tokenId: token.id };
}

describe('what was written through the registry', () => {
  it('is read back at once by whoever it was acknowledged to, whatever is written besides', async () => {
    const { ann, ci } = await startWarm();
    const names = ['checkout/staging', 'checkout', 'shop'];
    const path = (name: string): string => `/api/v1/configs/${encodeURIComponent(name)}`;
    for (const name of names) await ann.call('POST', '/api/v1/configs', { name });
    const write = fc.record({
      name: fc.constantFrom(...names),
      rows: fc.integer({ min: 1, max: 255 }),
      how: fc.constantFrom('patch', 'short', 'bulk', 'template', 'reset', 'feature'),
      reads: fc.nat(2),
    });
    const act = async ({ name, rows, how, reads }: ReturnType<(typeof write)['generate']>['value']): Promise<void> => {
      const features = { debug: rows % 2 === 0 };
      const answer = await {
        patch: () => ci.call('PATCH', path(name), { rows }),
        short: () => ci.call('POST', `config?name=${name}`, { rows, features }),
        bulk: () => ci.call('POST', '/api/v1/configs/bulk', { changes: [{ name, set: { rows } }] }),
        template: () => ci.call('POST', `${path(name)}/template`, { template: rows % 2 ? 'minimal' : 'development' }),
        reset: () => ci.call('POST', `${path(name)}/reset`, {}),
        feature: () => ci.call('PATCH', `${path(name)}/features/debug`, { enabled: features.debug }),
      }[how]();
      expect(answer.status, JSON.stringify(answer.body)).toBe(200);
      const { config = null, results = null } = answer.body;
      const acknowledged = config ?? results[0].config;
      // Others write it too: what is read may be newer, never older.
      for (let i = 0; i <= reads; i++) {
        const { body, headers } = await ci.call('GET', path(name));
        expect(headers.get('etag')).toBe(`"${body.revision}"`);
        expect(body.revision).toBeGreaterThanOrEqual(acknowledged.revision);
        if (body.revision === acknowledged.revision) expect(body).toEqual(acknowledged);
      }
    };
    const before = await hotReads(ann);
    const lanes = fc.array(fc.array(write, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(lanes, async (writes) => {
        await Promise.all(
          writes.map(async (lane) => {
            for (const one of lane) await act(one);
          }),
        );
      }),
      { numRuns: 25, seed: 42 },
    );
    expect(await hotReads(ann)).toBeGreaterThan(before + 50);
  });

  it('is gone when it is deleted, back when it is put back, and has its features when they are declared', async () => {
    const { ann, ci } = await startWarm();
    const { body: backup } = await ann.call('POST', '/api/v1/backups', {});
    const read = async () => await ci.call('GET', CHECKOUT);
    await ci.call('PATCH', CHECKOUT, { rows: 9 });
    expect((await read()).body.rows).toBe(9);
    await ci.call('POST', `${CHECKOUT}/restore`, { backup: backup.name });
    expect((await read()).body.rows).toBe(1);
    await ci.call('PATCH', '/api/v1/services/checkout/features', { declare: { new_cart: 12 } });
    expect((await read()).body.features.disabled).toContain('new_cart');
    expect((await ci.call('DELETE', CHECKOUT)).status).toBe(204);
    expect([(await read()).status, (await read()).status]).toEqual([404, 404]);
    await ci.call('POST', `${CHECKOUT}/restore`, { backup: backup.name });
    const again = { rows: 1, features: { disabled: expect.arrayContaining(['new_cart']) } };
    expect((await read()).body).toMatchObject(again);
  });
});

describe('what another process writes', () => {
  it('is in the next read after it was acknowledged there', async () => {
    const { registry, ann, ci } = await startWarm();
    const path = databaseIn(registry.data);
    const shared = createProductionConfig({ persistPath: path, name: 'checkout', environment: 'production' });
    onTestFinished(() => shared.close());
    const before = await hotReads(ann);
    for (let rows = 2; rows <= 40; rows++) {
      shared.setTerminalSettings(1, rows, 80);
      await shared.persist(`rows ${rows}`);
      expect((await ci.call('GET', CHECKOUT)).body.rows).toBe(rows);
      await ci.call('GET', CHECKOUT);
      await ci.call('GET', CHECKOUT);
    }
    expect(await hotReads(ann)).toBeGreaterThan(before + 30);
    const operations = new ConfigOperations(await openConfigStore(path));
    onTestFinished(() => operations.store.close());
    const actor = 'another';
    await operations.declare('checkout', { new_cart: 12 }, { actor });
    expect((await ci.call('GET', CHECKOUT)).body.features.disabled).toContain('new_cart');
    await ci.call('GET', CHECKOUT);
    await operations.delete('checkout/production', { actor });
    expect((await ci.call('GET', CHECKOUT)).status).toBe(404);
    await operations.rollback('checkout/production', { revision: 2 }, { actor });
    expect((await ci.call('GET', CHECKOUT)).body.rows).toBe(2);
  });

  it('is read within the second also if it was killed before it could tell, or before its entry', async () => {
    const { registry, ann, ci } = await startWarm();
    await ann.call('POST', '/api/v1/configs', { name: 'shop' });
    const shop = '/api/v1/configs/shop';
    const isOn = async (feature: string) => (await ci.call('GET', shop)).body.features.enabled.includes(feature);
    const spawn = async (script: string, ...args: string[]) => {
      const command = [process.execPath, join(ROOT, 'tests/live', script), databaseIn(registry.data), ...args];
      return await Bun.spawn(command, { stdout: 'ignore', stderr: 'inherit' }).exited;
    };
    expect([await isOn('debug'), await isOn('metrics')]).toEqual([false, false]);
    expect(await spawn('journal-change.ts', 'debug')).toBe(0);
    while (!(await isOn('debug')));
    const changes = JSON.stringify([{ name: 'shop', set: { features: { metrics: true } } }]);
    expect(await spawn('dies-at-append.ts', 'bulk', changes)).not.toBe(0);
    while (!(await isOn('metrics')));
  });

  it('empties what is held when it redacts', async () => {
    const { registry, ann, ci } = await startWarm();
    await ci.call('PATCH', CHECKOUT, { rows: 9 });
    await ci.call('GET', CHECKOUT);
    const store = await openConfigStore(databaseIn(registry.data));
    onTestFinished(() => store.close());
    const [first] = (await store.journal.read({ stream: 'config:checkout/production', limit: 1, order: 'asc' }))
      .entries;
    const fromJournal = async () => {
      const { body } = await ann.call('GET', '/metrics');
      return Number(/c13_config_reads_total\{from="journal"\} (\d+)/.exec(body)![1]);
    };
    await ci.call('GET', CHECKOUT);
    const before = await fromJournal();
    await store.journal.redact(first!.seq, { actor: 'dpo', reason: 'asked for' });
    expect((await ci.call('GET', CHECKOUT)).body.rows).toBe(9);
    expect(await fromJournal()).toBe(before + 1);
  });
});

describe('a token that is worth nothing any more', () => {
  it('is refused from the next request on, also when another process has revoked it', async () => {
    const { registry, ann, ci, tokenId } = await startWarm();
    const other = withToken(registry, await newToken(ann));
    for (let i = 0; i < 3; i++) expect((await other.call('GET', CHECKOUT)).status).toBe(200);
    expect((await ann.call('DELETE', `/api/v1/tokens/${tokenId}`)).status).toBe(204);
    expect((await ci.call('GET', CHECKOUT)).status).toBe(401);
    expect((await other.call('GET', CHECKOUT)).status).toBe(200);
    const { store } = new ConfigOperations(await openConfigStore(databaseIn(registry.data)));
    onTestFinished(() => store.close());
    const directory = registry.data;
    const { journal } = store;
    const identity = await openIdentityIn({
      directory,
      journal,
      publicUrl: null,
      head: () => store.head(),
      onError: (error) => expect.unreachable(String(error)),
    });
    onTestFinished(() => identity.close());
    const [left] = (await ann.call('GET', '/api/v1/tokens')).body.tokens;
    await identity.tokens.revoke(left.id, { actor: 'owner' });
    expect((await other.call('GET', CHECKOUT)).status).toBe(401);
  });

  it('is refused when it expires, though it was known', async () => {
    const { registry, ann } = await startWarm();
    const expiresAt = Date.now() + 400;
    const brief = withToken(registry, await newToken(ann, { expiresAt }));
    const before = await hotReads(ann);
    let answer = await brief.call('GET', CHECKOUT);
    for (; answer.status === 200; answer = await brief.call('GET', CHECKOUT)) {
      expect(Date.now()).toBeLessThan(expiresAt + 10_000);
    }
    expect([answer.status, answer.body.details.why]).toEqual([401, 'expired']);
    expect(Date.now()).toBeGreaterThanOrEqual(expiresAt);
    expect(await hotReads(ann)).toBeGreaterThan(before);
  });

  it('is refused what it may no longer read, from the next request on', async () => {
    const { registry, ann } = await startWarm();
    const bob = await makeUser(registry, ann, 'bob');
    const grant = { user: 'bob', role: 'viewer', pattern: 'config:checkout/*' };
    const { body } = await ann.call('POST', '/api/v1/grants', grant);
    for (let i = 0; i < 3; i++) expect((await bob.call('GET', CHECKOUT)).status).toBe(200);
    await ann.call('DELETE', `/api/v1/grants/${body.id}`);
    expect((await bob.call('GET', CHECKOUT)).status).toBe(403);
  });
});
