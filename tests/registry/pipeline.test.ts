/** What every request goes through besides its route: limits, headers, encodings, and what is said of it. @module */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { owner, type Principal } from '../../src/auth/rights.ts';
import { unauthenticated } from '../../src/auth/refusal.ts';
import { TrustedProxies } from '../../src/http/client-address.ts';
import { ConnectionLimit } from '../../src/http/connection-limit.ts';
import { RateLimiter } from '../../src/rate-limiting/rate-limiter.ts';
import type { Limits } from '../../src/registry/pipeline.ts';
import { openApp, type TestApp } from './app-fixtures.ts';
import { contentOf, JSON_TYPE, type Answer } from './fixtures.ts';

const ANYTHING = { perAddress: 1000, total: 1000 };
const SAFE = ['x-content-type-options', 'referrer-policy', 'cache-control', 'content-security-policy', 'x-request-id'];

/** Time that passes when it is told to. */
function limitsWith(limits: Partial<Limits>): { limits: Limits; clock: { now_ms: number } } {
  const clock = { now_ms: 0 };
  const limiter = (policy: string, limit: number) => new RateLimiter({ policy, limit, clock: () => clock.now_ms });
  return {
    clock,
    limits: {
      proxies: new TrustedProxies([]),
      underWay: new ConnectionLimit(ANYTHING),
      token: limiter('token', 3),
      address: limiter('address', 2),
      ...limits,
    },
  };
}

/** `Bearer ann` is ann, `Bearer bob` bob; anything else that is said is refused. */
function byName({ headers }: Request): Principal {
  const name = headers.get('authorization')?.replace('Bearer ', '');
  if (name === 'ann' || name === 'bob') return { ...owner(name), kind: 'token' };
  throw unauthenticated('unknown');
}

async function from(
  { app }: TestApp,
  address: string,
  headers: Record<string, string> = {},
  path = '/api/v1/configs',
): Promise<Answer> {
  const peer = { address, port: 4000, family: address.includes(':') ? 'IPv6' : 'IPv4' } as const;
  const answer = await app.fetch(new Request(`http://localhost:4873${path}`, { headers }), { peer });
  return { status: answer.status, headers: answer.headers, body: await contentOf(answer) };
}

const bearer = (name: string) => ({ authorization: `Bearer ${name}` });

describe('a rate limit', () => {
  it('counts each token, says on every answer what is left, and when to come again', async () => {
    const { limits, clock } = limitsWith({});
    const app = await openApp(undefined, byName, limits);
    const ask = (name: string, path?: string) => from(app, '192.0.2.1', bearer(name), path);
    const first = await ask('ann');
    expect([first.status, first.headers.get('ratelimit-policy'), first.headers.get('ratelimit')]).toEqual([
      200,
      '"token";q=3;w=60',
      '"token";r=2;t=60',
    ]);
    const lost = await ask('ann', '/nothing');
    expect([lost.status, lost.headers.get('ratelimit')]).toEqual([404, '"token";r=1;t=60']);
    expect((await ask('ann', '/.well-known/jwks.json')).headers.get('ratelimit')).toBe('"token";r=0;t=60');
    const refused = await ask('ann');
    expect(refused).toMatchObject({ status: 429, body: { code: 'ERR_RATE_LIMITED', details: { policy: 'token' } } });
    const wait_s = Number(refused.headers.get('retry-after'));
    expect([wait_s, refused.headers.get('ratelimit')]).toEqual([
      refused.body.details.retryAfter_s,
      `"token";r=0;t=${wait_s}`,
    ]);
    expect((await ask('bob')).status).toBe(200);
    clock.now_ms += (wait_s - 1) * 1000;
    expect((await ask('ann')).status).toBe(429);
    clock.now_ms += 1000;
    expect((await ask('ann')).status).toBe(200);
  });

  it('counts by address who is not known, with wrong credentials or none, also where everybody may ask', async () => {
    const { limits } = limitsWith({});
    const app = await openApp(undefined, byName, limits);
    expect((await from(app, '192.0.2.1', bearer('eve'))).status).toBe(401);
    const second = await from(app, '192.0.2.1', bearer('mallory'), '/.well-known/jwks.json');
    expect([second.status, second.headers.get('ratelimit')]).toEqual([200, '"address";r=0;t=60']);
    for (const headers of [bearer('eve'), bearer('another'), {}]) {
      for (const path of ['/api/v1/configs', '/.well-known/jwks.json', '/nothing']) {
        const refused = await from(app, '192.0.2.1', headers, path);
        expect([refused.status, refused.body.details.policy], path).toEqual([429, 'address']);
      }
    }
    expect((await from(app, '192.0.2.2', bearer('eve'))).status).toBe(401);
    // A probe behind the same address still hears how the registry is.
    for (const path of ['/health', '/-/health/live', '/-/ping']) {
      expect((await from(app, '192.0.2.1', {}, path)).status, path).toBe(200);
    }
    expect((await from(app, '192.0.2.1', bearer('ann'))).status).toBe(200);
    const { body: figures } = await from(app, '192.0.2.1', bearer('ann'), '/metrics');
    expect(figures).toMatch(/^c13_rate_limited_total\{by="address"\} 9$/m);
    expect(figures).toMatch(/^c13_auth_total\{outcome="ok"\} 2$/m);
  });

  it('counts a token that many people have by address too, so that nobody uses it up for the others', async () => {
    const { limits } = limitsWith({});
    const page = (request: Request): Principal => ({ ...byName(request), isBrowser: true });
    const app = await openApp(undefined, page, limits);
    const ask = async (address: string) => (await from(app, address, bearer('ann'), '/api/v1/configs/default')).status;
    expect([await ask('192.0.2.1'), await ask('192.0.2.1'), await ask('192.0.2.1')]).toEqual([200, 200, 200]);
    expect([await ask('192.0.2.1'), await ask('192.0.2.2')]).toEqual([429, 200]);
  });

  it('takes the /64 of an IPv6 address for one, and an IPv4 address for itself in either form', async () => {
    const { limits } = limitsWith({});
    const app = await openApp(undefined, byName, limits);
    const ask = async (address: string) => (await from(app, address, {}, '/.well-known/jwks.json')).status;
    expect([await ask('2001:db8::1'), await ask('2001:db8::ffff:1'), await ask('2001:db8:0:0:9::')]).toEqual([
      200, 200, 429,
    ]);
    expect(await ask('2001:db8:0:1::1')).toBe(200);
    expect([await ask('192.0.2.1'), await ask('::ffff:192.0.2.1'), await ask('192.0.2.1')]).toEqual([200, 200, 429]);
    expect(await ask('::ffff:192.0.2.2')).toBe(200);
  });

  it('believes a header of where a request comes from only if a proxy of ours has sent it', async () => {
    const { limits } = limitsWith({ proxies: new TrustedProxies(['10.0.0.0/8']) });
    const app = await openApp(undefined, byName, limits);
    const ask = async (peer: string, forwarded: string) =>
      (await from(app, peer, { 'x-forwarded-for': forwarded }, '/.well-known/jwks.json')).status;
    const forged = ['198.51.100.1', '198.51.100.2', '198.51.100.3'];
    const direct: number[] = [];
    for (const address of forged) direct.push(await ask('192.0.2.1', address));
    expect(direct).toEqual([200, 200, 429]);
    const proxied: number[] = [];
    for (const address of forged) proxied.push(await ask('10.0.0.1', `${address}, 203.0.113.7`));
    expect(proxied).toEqual([200, 200, 429]);
    expect(await ask('10.0.0.1', '203.0.113.8')).toBe(200);
  });
});

describe('places', () => {
  it('are held by requests under way: more than that are turned away, and counted', async () => {
    const underWay = new ConnectionLimit({ perAddress: 2, total: 3 });
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const { limits } = limitsWith({ underWay, token: null, address: null });
    const app = await openApp(
      async ({ headers }) => {
        if (headers.has('x-wait')) await gate;
      },
      undefined,
      limits,
    );
    const waiting = ['192.0.2.1', '192.0.2.1', '192.0.2.2'].map((address) => from(app, address, { 'x-wait': '1' }));
    const refused = await from(app, '192.0.2.1');
    expect([refused.status, refused.body.code, refused.headers.get('retry-after')]).toEqual([503, 'ERR_BUSY', '1']);
    for (const name of SAFE) expect(refused.headers.has(name), name).toBe(true);
    expect((await from(app, '192.0.2.3')).body.code).toBe('ERR_BUSY');
    open();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200]);
    const { body: figures } = await from(app, '192.0.2.1', {}, '/metrics');
    expect(figures).toMatch(/^c13_rate_limited_total\{by="connections"\} 2$/m);
    expect(figures).toMatch(/^c13_clients\{kind="http"\} 1$/m);
    expect(underWay.size).toBe(0);
  });
});

describe('an answer', () => {
  const PLAIN = { zstd: zstdDecompressSync, br: brotliDecompressSync, gzip: gunzipSync };

  /** A config whose JSON is over 1 KB. */
  async function openLarge(): Promise<TestApp> {
    const app = await openApp();
    await app.call('POST', '/api/v1/configs', { name: 'shop', rows: 30 });
    const names = Array.from({ length: 20 }, (_, i) => [`a_feature_with_a_long_name_${'x'.repeat(20)}_${i}`, 12 + i]);
    await app.call('PATCH', '/api/v1/services/shop/features', { declare: Object.fromEntries(names) });
    return app;
  }

  const ask = async ({ app }: TestApp, path: string, init: RequestInit = {}) =>
    await app.fetch(new Request(`http://localhost:4873${path}`, init), { peer: null });

  it('over 1 KB is encoded as the client likes it best, and its tag comes back', async () => {
    const app = await openLarge();
    const path = '/api/v1/configs/shop';
    const plain = await ask(app, path);
    const text = await plain.text();
    expect(text.length).toBeGreaterThan(1024);
    expect([plain.headers.get('etag'), plain.headers.get('content-encoding')]).toEqual(['"1"', null]);
    for (const [accept, encoding] of [
      ['gzip, deflate, br, zstd', 'zstd'],
      ['gzip, br', 'br'],
      ['gzip;q=1, br;q=0.5', 'gzip'],
    ] as const) {
      const answer = await ask(app, path, { headers: { 'accept-encoding': accept } });
      const tag = `"1+${encoding}"`;
      expect([answer.headers.get('content-encoding'), answer.headers.get('etag')]).toEqual([encoding, tag]);
      expect(answer.headers.get('vary')).toBe('Origin, Accept-Encoding');
      expect(PLAIN[encoding](await answer.bytes()).toString()).toBe(text);
      const known = await ask(app, path, { headers: { 'accept-encoding': accept, 'if-none-match': tag } });
      expect([known.status, await known.text()]).toEqual([304, '']);
    }
    const patch = (tag: string, rows: number) => app.call('PATCH', path, { rows }, { 'if-match': tag });
    expect((await patch('"1+zstd"', 31)).status).toBe(200);
    expect((await patch('"1+zstd"', 32)).status).toBe(412);
    expect((await patch('"2+br"', 32)).status).toBe(200);
  });

  it('under 1 KB stays as it is', async () => {
    const answer = await ask(await openApp(), '/api/v1/configs/default', { headers: { 'accept-encoding': 'zstd' } });
    expect([answer.headers.get('content-encoding'), answer.headers.get('etag')]).toEqual([null, '"1"']);
  });

  it('to HEAD has the headers of what GET answers and the length of its body, and none', async () => {
    const app = await openLarge();
    const paths = ['/api/v1/configs/shop', '/api/v1/configs/default', '/openapi.json', '/health', '/nothing', '/docs'];
    for (const path of paths) {
      for (const encoding of ['identity', 'zstd', 'gzip']) {
        const headers = { 'accept-encoding': encoding, 'x-request-id': 'the-same-one' };
        const [got, head] = [await ask(app, path, { headers }), await ask(app, path, { method: 'HEAD', headers })];
        const { byteLength } = await got.arrayBuffer();
        expect([head.status, (await head.bytes()).length]).toEqual([got.status, 0]);
        const expected = { ...Object.fromEntries(got.headers), 'content-length': String(byteLength) };
        expect(Object.fromEntries(head.headers), `${path} ${encoding}`).toEqual(expected);
      }
    }
    const known = await ask(app, '/api/v1/configs/shop', { method: 'HEAD', headers: { 'if-none-match': '"1"' } });
    expect([known.status, known.headers.get('content-length')]).toEqual([304, null]);
  });

  it('has what protects a browser, whatever it answers', async () => {
    const app = await openApp(undefined, byName);
    const asks: [string, RequestInit, number][] = [
      ['/health', {}, 200],
      ['/api/v1/configs/default', { headers: bearer('ann') }, 200],
      ['/api/v1/configs/default', { headers: { ...bearer('ann'), 'if-none-match': '"1"' } }, 304],
      ['/api/v1/configs/default', { method: 'HEAD', headers: bearer('ann') }, 200],
      ['/docs', { headers: bearer('ann') }, 200],
      ['/_dashboard/login', {}, 200],
      ['/_dashboard', { headers: { accept: 'text/html' } }, 303],
      ['/api/v1/configs', { method: 'OPTIONS', headers: bearer('ann') }, 204],
      ['/api/v1/configs', {}, 401],
      ['/nothing', { headers: bearer('ann') }, 404],
      ['/api/v1/configs', { method: 'PUT', headers: bearer('ann') }, 405],
      ['/api/v1/configs', { method: 'POST', headers: bearer('ann'), body: '{}' }, 415],
      ['/api/v1/configs', { method: 'POST', headers: { ...bearer('ann'), ...JSON_TYPE }, body: '{' }, 400],
      [
        '/api/v1/configs/default',
        { method: 'PATCH', headers: { ...bearer('ann'), ...JSON_TYPE, 'if-match': '"9"' }, body: '{"rows":9}' },
        412,
      ],
    ];
    for (const [path, init, status] of asks) {
      const { status: found, headers } = await ask(app, path, init);
      expect(found, path).toBe(status);
      for (const name of SAFE) expect(headers.has(name), `${path} ${status} ${name}`).toBe(true);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'/);
    }
  });

  it('carries the id that a proxy gave to the request, and one of its own for any other', async () => {
    const app = await openApp();
    const idOf = async (given: string) =>
      (await ask(app, '/health', given === '' ? {} : { headers: { 'x-request-id': given } })).headers.get(
        'x-request-id',
      );
    for (const given of ['3e7c4a5b-9d8f-4a6c-8b7d-1234567890ab', 'abcdefgh', 'a.b_c-d.1', 'x'.repeat(64)]) {
      expect(await idOf(given)).toBe(given);
    }
    const own = new Set<string | null>();
    const others = [
      '',
      'short',
      'x'.repeat(65),
      'a b c d e f',
      'ünïcödé-id',
      '"quoted-id"',
      'c13_0123456789abcdef_xxxxxx',
    ];
    for (const given of others) {
      const id = await idOf(given);
      expect(id).toMatch(/^[\w.-]{8,64}$/);
      expect(id).not.toBe(given);
      own.add(id);
    }
    expect(own.size).toBe(others.length);
  });
});

describe('headers that carry a config', () => {
  it('pass where they are right, and are refused by name where they are not', async () => {
    const { call, operations } = await openApp();
    const dump = (await call('GET', '/api/v1/configs/default')).body.hex;
    const good: Record<string, string>[] = [
      { 'x-bun-config-version': '1', 'x-bun-terminal-rows': '24', 'x-bun-terminal-cols': '80' },
      { 'X-Bun-Terminal-Mode': '1' },
    ];
    for (const headers of good) {
      const answer = await call('GET', '/api/v1/configs/default', undefined, headers);
      expect([answer.status, answer.body.code], JSON.stringify(headers)).toEqual([200, undefined]);
    }
    const before = await operations.store.journal.head();
    const bad: [string, string, string?][] = [
      ['x-bun-terminal-rows', '0'],
      ['x-bun-terminal-rows', '256'],
      ['x-bun-terminal-cols', '-1'],
      ['x-bun-config-version', 'one'],
      ['x-bun-feature-flags', '12'],
      ['x-bun-config-dump', dump],
      ['x-bun-config-dump', '0x00'],
      ['x-bun-terminal-row', '24', 'x-bun-terminal-rows'],
      ['X-Bun-Nothing', ''],
    ];
    for (const [name, value, meant] of bad) {
      for (const [method, path, body] of [
        ['GET', '/api/v1/configs/default'],
        ['PATCH', '/api/v1/configs/default', { rows: 44 }],
        ['GET', '/health'],
      ] as const) {
        const answer = await call(method, path, body, { [name]: value });
        const shown = `${name}: ${value} at ${path}`;
        expect([answer.status, answer.body.code, answer.body.details.header], shown).toEqual([
          400,
          'ERR_HEADER',
          name.toLowerCase(),
        ]);
        if (meant !== undefined) expect(answer.body.hint).toContain(meant);
      }
    }
    expect(await operations.store.journal.head()).toEqual(before);
  });
});
