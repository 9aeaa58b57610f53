/**
 * The read that services repeat, answered before the router: the same as the ordinary way answers, never older than
 * what was acknowledged, and to nobody who may not.
 * @module
 */
import { describe, expect, it } from 'vitest';
import { makeUser, startWithAdmin, type Somebody } from './identity-fixtures.ts';
import { startProgram, type RunningProgram } from './fixtures.ts';

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
    const etag = (await ask(url, { headers: known })).headers['etag']!;
    const requests: Record<string, Asked> = {
      'a token': { headers: known },
      'a sign-in': { headers: bearer(ann.token) },
      'small letters': { headers: { authorization: `bearer ${api}` } },
      'none at all': {},
      'somebody without a right': { headers: bearer(bob.token) },
      'a token for others': { headers: bearer(scoped) },
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
    expect(await hotReads(ann)).toBe(await hotReads(ann));
  });
});
