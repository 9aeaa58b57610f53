/**
 * Streams of a registry that really runs: who is let in, what everybody hears of a change, what a client may send, and
 * how a stream ends.
 * @module
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Frame } from '../../bindings/backend.ts';
import { ERROR_FRAME } from '../../src/websocket/subprotocol.ts';
import { startProgram, tempDirectory, type RunningProgram } from '../registry/fixtures.ts';
import { cookieOf, makeUser, startWithAdmin, withToken, type Somebody } from '../registry/identity-fixtures.ts';
import { handshake, Probe, textFrame } from './probe.ts';

const SHOP = '/api/v1/configs/shop';
const RAW: Frame = { type: 1, offset: 13, value: 2n };
const bearer = ({ token }: Somebody) => ({ authorization: `Bearer ${token}` });
const errors = (frames: readonly Frame[]) => frames.filter(({ type }) => type === 7).map(({ value }) => Number(value));

async function startShop(env: Record<string, string> = {}) {
  const { registry, ann } = await startWithAdmin(undefined, [], env);
  await ann.call('POST', '/api/v1/configs', { name: 'shop', rows: 30 });
  return { registry, ann, url: registry.url };
}

async function set({ call }: Somebody, body: object): Promise<number> {
  const { status, body: written } = await call('PATCH', SHOP, body);
  if (status !== 200) throw new Error(JSON.stringify(written));
  return written.config.revision;
}

async function tokenFor(ann: Somebody, body: object): Promise<{ id: string; secret: string }> {
  const made = await ann.call('POST', '/api/v1/tokens', { name: `t${crypto.randomUUID().slice(0, 8)}`, ...body });
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  return made.body;
}

/** A stream whose token expires soon: so soon as this machine, busy as it is, can open one with it. */
async function openWithShortToken(registry: RunningProgram, ann: Somebody): Promise<Probe> {
  for (let life_ms = 2000; ; life_ms *= 2) {
    const { secret } = await tokenFor(ann, { expiresAt: Date.now() + life_ms });
    const probe = new Probe(registry.url, 'name=shop', bearer(withToken(registry, secret)));
    await new Promise<void>((resolve) => {
      probe.socket.addEventListener('open', () => resolve());
      probe.socket.addEventListener('close', () => resolve());
    });
    if (probe.closed?.code !== 1002 && probe.closed?.code !== 1006) return probe;
  }
}

describe('who is let in', () => {
  it('whoever may read the config and shows it, in a header or among the subprotocols', async () => {
    const { registry, ann, url } = await startShop();
    const plain = await ann.call('GET', '/_dashboard/ws?name=shop');
    expect([plain.status, plain.body.code, plain.headers.get('upgrade')]).toEqual([
      426,
      'ERR_UPGRADE_REQUIRED',
      'websocket',
    ]);
    const offered = { 'sec-websocket-protocol': `bun.config.v1, c13.token.${ann.token}` };
    const ways = [bearer(ann), { 'x-api-key': ann.token }, offered];
    for (const headers of ways) expect((await handshake(url, 'name=shop', headers)).status).toBe(101);
    const browser = await Probe.open(url, 'name=shop', {}, ['bun.config.v1', `c13.token.${ann.token}`]);
    expect(browser.socket.protocol).toBe('bun.config.v1');
    const bob = await makeUser(registry, ann, 'bob');
    const refusals = [
      ['name=shop', {}, 401],
      ['name=shop', { authorization: 'Bearer nonsense' }, 401],
      ['name=shop', { 'sec-websocket-protocol': 'bun.config.v1, c13.token.nonsense' }, 401],
      ['name=shop', bearer(bob), 403],
      ['name=nobody', bearer(ann), 404],
      ['name=Bad', bearer(ann), 400],
      ['name=shop&since=x', bearer(ann), 400],
      ['name=shop', { ...bearer(ann), 'sec-websocket-protocol': 'chat' }, 400],
      ['name=shop', { ...bearer(ann), 'sec-websocket-key': 'short' }, 400],
    ] as const;
    for (const [query, headers, status] of refusals) {
      expect((await handshake(url, query, headers)).status, JSON.stringify([query, headers])).toBe(status);
    }
  });

  it('a signed-in browser, from our own pages only', async () => {
    const { url } = await startShop();
    const cookie = await cookieOf(url, 'ann');
    expect((await handshake(url, 'name=shop', { cookie, origin: url })).status).toBe(101);
    expect((await handshake(url, 'name=shop', { cookie, origin: 'https://evil.example' })).status).toBe(403);
    expect((await handshake(url, 'name=shop', { cookie })).status).toBe(403);
  });

  it('until the token is revoked, expires, or grants are taken away', async () => {
    const { registry, ann, url } = await startShop();
    const revoked = await tokenFor(ann, {});
    const bob = await makeUser(registry, ann, 'bob');
    const grant = await ann.call('POST', '/api/v1/grants', { user: 'bob', role: 'viewer', pattern: 'config:shop' });
    const [one, two, three] = [
      await Probe.open(url, 'name=shop', bearer(withToken(registry, revoked.secret))),
      await openWithShortToken(registry, ann),
      await Probe.open(url, 'name=shop', bearer(bob)),
    ];
    const stays = await Probe.open(url, 'name=shop', bearer(ann));
    await ann.call('DELETE', `/api/v1/tokens/${revoked.id}`);
    expect((await one.end()).code).toBe(4401);
    await ann.call('DELETE', `/api/v1/grants/${grant.body.id}`);
    expect(await three.end()).toMatchObject({ code: 4401, reason: expect.stringMatching(/may not read config:shop/) });
    expect((await two.end()).code).toBe(4401);
    const revision = await set(ann, { rows: 44 });
    await stays.frames(revision);
    const figures = (await ann.call('GET', '/metrics')).body;
    expect(figures).toMatch(/^c13_streams_dropped_total\{why="credentials"\} 3$/m);
    expect(figures).toMatch(/^c13_clients\{kind="websocket"\} 1$/m);
  });
});

describe('what everybody hears', () => {
  it('a change, encoded once, by frames that a heartbeat closes, and rollouts before them', async () => {
    const { ann, url } = await startShop();
    const probes = await Promise.all([1, 2, 3].map(() => Probe.open(url, 'name=shop', bearer(ann))));
    expect(await probes[0]!.message('snapshot')).toMatchObject({ name: 'shop', revision: 1, config: { rows: 30 } });
    const revision = await set(ann, {
      rows: 50,
      terminalMode: 'raw',
      features: { debug: true },
      rollouts: { metrics: 10 },
    });
    for (const probe of probes) {
      const frames = await probe.frames(revision);
      expect(frames.map(({ type, value }) => [type, value])).toEqual([
        [1, 2n],
        [2, 4n | (1n << 32n)],
        [4, BigInt(50 | (80 << 8))],
        [5, BigInt(revision)],
      ]);
      expect(probe.heard[1]).toEqual({ type: 'rollouts', revision, rollouts: { metrics: 10 } });
    }
  });

  it('names, rich flags, and that it was deleted and made again', async () => {
    const { ann, url } = await startShop();
    const probe = await Probe.open(url, 'name=shop', bearer(ann));
    await ann.call('PATCH', '/api/v1/services/shop/features', { declare: { new_checkout: 12 } });
    expect((await probe.message('features')).features).toMatchObject({ new_checkout: 12 });
    await ann.call('DELETE', SHOP);
    const { revision } = await probe.message('deleted');
    expect((await handshake(url, 'name=shop', bearer(ann))).status).toBe(404);
    await ann.call('POST', '/api/v1/configs', { name: 'shop', rows: 77 });
    await probe.frames(revision + 1);
    expect((await handshake(url, 'name=shop', bearer(ann))).status).toBe(101);
  });

  it('browsers, only what is visible to clients; of the rest they hear the heartbeat', async () => {
    const { registry, ann, url } = await startShop();
    await ann.call('PATCH', '/api/v1/services/shop/facts/debug', { clientVisible: true });
    const { secret } = await tokenFor(ann, { isBrowser: true, scope: [{ role: 'viewer', pattern: 'config:shop' }] });
    const page = await Probe.open(url, 'name=shop', bearer(withToken(registry, secret)));
    expect(await page.message('snapshot')).toMatchObject({ features: { debug: 2 }, rollouts: {} });
    page.forget();
    const hidden = await set(ann, { features: { metrics: true }, rollouts: { logging: 5 } });
    expect(await page.frames(hidden)).toHaveLength(1);
    expect(page.heard).toHaveLength(1);
    const seen = await set(ann, { features: { debug: true, verbose: true } });
    expect((await page.frames(seen)).map(({ value }) => value)).toEqual([
      BigInt(hidden),
      4n | (1n << 32n),
      BigInt(seen),
    ]);
    // What becomes visible is told as if it had changed; what is hidden again, as if it were off.
    page.forget();
    await ann.call('PATCH', '/api/v1/services/shop/facts/metrics', { clientVisible: true });
    expect((await page.message('features')).features).toEqual({ debug: 2, metrics: 6 });
    expect((await page.frames(seen))[0]!.value).toBe(64n | (1n << 32n));
    page.frame(RAW);
    expect(await page.message('error')).toMatchObject({ code: 'ERR_FORBIDDEN' });
    page.forget();
    const flag = { definition: { state: 'ENABLED', variants: { a: 1 }, defaultVariant: 'a' } };
    await ann.call('PUT', `${SHOP}/flags/hidden`, flag);
    await ann.call('PUT', `${SHOP}/flags/banner`, { ...flag, clientVisible: true });
    expect((await page.message('flags')).keys).toEqual(['banner']);
    page.say({ type: 'resume', revision: 1 });
    expect(await page.message('resumed')).toMatchObject({ features: { debug: 2, metrics: 6 }, rollouts: {} });
    expect(await page.message('change')).toMatchObject({ revision: seen, config: { featureFlags: 68 } });
    const events = await fetch(`${url}${SHOP}/events`, { headers: { authorization: `Bearer ${secret}` } });
    const { data } = await new Lines(events.body!).event();
    expect([data.config.featureFlags, Object.keys(data.features)]).toEqual([68, ['debug', 'metrics']]);
  });

  it('browsers, of what is scheduled, what is visible: of a hidden change nothing, early or late', async () => {
    const { registry, ann, url } = await startShop();
    await ann.call('PATCH', '/api/v1/services/shop/facts/debug', { clientVisible: true });
    const { secret } = await tokenFor(ann, { isBrowser: true, scope: [{ role: 'viewer', pattern: 'config:shop' }] });
    const web = bearer(withToken(registry, secret));
    const at = Date.now() + 3_600_000;
    const schedule = async (set: object): Promise<string> => {
      const asked = await ann.call('POST', '/api/v1/change-requests', { operations: [{ name: 'shop', set }], at });
      expect(asked.body.state).toBe('scheduled');
      return asked.body.id;
    };
    const cancel = async (id: string) => await ann.call('POST', `/api/v1/change-requests/${id}/cancel`, {});
    const page = await Probe.open(url, 'name=shop', web);
    const all = await Probe.open(url, 'name=shop', bearer(ann));
    for (const probe of [page, all]) probe.forget();
    const features = { debug: true, metrics: true, verbose: false };
    const mixed = await schedule({ features, rollouts: { logging: 30, debug: 20 } });
    const hidden = await schedule({ features: { metrics: true }, rollouts: { logging: 5 } });
    await all.until(() => all.heard[1]);
    expect(all.heard).toMatchObject([
      { type: 'scheduled', id: mixed, patch: { on: 68, rollouts: { logging: 30, debug: 20 } } },
      { type: 'scheduled', id: hidden, patch: { on: 64, off: 0, rollouts: { logging: 5 } } },
    ]);
    const seen = { type: 'scheduled', id: mixed, at, patch: { on: 4, off: 0, rollouts: { debug: 20 }, fields: {} } };
    // Who comes later hears the same, over either way.
    const late = await Probe.open(url, 'name=shop', web);
    const events = new Lines((await fetch(`${url}${SHOP}/events`, { headers: web })).body!);
    expect((await events.event()).event).toBe('snapshot');
    expect((await events.event()).data).toEqual(seen);
    for (const id of [hidden, mixed]) expect((await cancel(id)).status).toBe(200);
    const revision = await set(ann, { rows: 31 });
    for (const probe of [page, late]) await probe.frames(revision);
    const told = [seen, { type: 'cancelled', id: mixed }, { type: 4 }, { type: 5, value: BigInt(revision) }];
    expect(page.heard).toMatchObject(told);
    expect(late.heard).toMatchObject([{ type: 'snapshot' }, ...told]);
    expect(page.heard).toHaveLength(4);
    expect((await events.event()).data).toEqual({ type: 'cancelled', id: mixed });
    expect((await events.event()).event).toBe('change');
    await all.frames(revision);
    expect(all.heard.filter(({ type }) => type === 'cancelled')).toHaveLength(2);
  });

  it('300 clients, and what they cost is given back', async () => {
    const { ann, url } = await startShop();
    const probes = await Promise.all(Array.from({ length: 300 }, () => Probe.open(url, 'name=shop', bearer(ann))));
    const revision = await set(ann, { rows: 51 });
    await Promise.all(probes.map((probe) => probe.frames(revision)));
    const level = async () =>
      /c13_clients\{kind="websocket"\} (\d+)/.exec((await ann.call('GET', '/metrics')).body)?.[1];
    expect(await level()).toBe('300');
    for (const { socket } of probes) socket.close();
    await Promise.all(probes.map((probe) => probe.end()));
    expect(await level()).toBe('0');
  });

  it('the same as server-sent events, from where they were', async () => {
    const { ann, url } = await startShop();
    const listen = async (headers: object): Promise<Lines> => {
      const answer = await fetch(`${url}${SHOP}/events`, { headers: { ...bearer(ann), ...headers } });
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
      return new Lines(answer.body!);
    };
    const one = await listen({});
    expect(await one.event()).toMatchObject({ id: '1', event: 'snapshot', data: { config: { rows: 30 } } });
    const revision = await set(ann, { rows: 52 });
    expect(await one.event()).toMatchObject({ id: String(revision), event: 'change', data: { config: { rows: 52 } } });
    const late = await listen({ 'last-event-id': '1' });
    expect(await late.event()).toMatchObject({ event: 'features', data: { features: { debug: 2 } } });
    expect(await late.event()).toMatchObject({ event: 'change', data: { revision, config: { rows: 52 } } });
    const ahead = await listen({ 'last-event-id': '900' });
    expect([await ahead.event(), await ahead.event()]).toMatchObject([
      { event: 'error', data: { code: 'ERR_REVISION_GONE' } },
      { event: 'snapshot' },
    ]);
    const current = await listen({ 'last-event-id': String(revision) });
    expect((await current.event()).event).toBe('features');
    await set(ann, { rows: 53 });
    expect(await current.event()).toMatchObject({ event: 'change', data: { config: { rows: 53 } } });
  });
});

describe('what a client sends', () => {
  it('frames that change the config are writes, heard by all; what cannot be done is refused', async () => {
    const { registry, ann, url } = await startShop();
    const bob = await makeUser(registry, ann, 'bob');
    const grant = { user: 'bob', role: 'operator', pattern: 'config:shop', sections: ['terminal'] };
    await ann.call('POST', '/api/v1/grants', grant);
    const [mine, bobs] = [
      await Probe.open(url, 'name=shop', bearer(ann)),
      await Probe.open(url, 'name=shop', bearer(bob)),
    ];
    mine.frame(RAW);
    await bobs.frames(2);
    bobs.frame({ type: 4, offset: 14, value: BigInt(60 | (100 << 8)) });
    await mine.frames(3);
    mine.frame({ type: 2, offset: 9, value: 4n | (1n << 32n) });
    await bobs.frames(4);
    const { body } = await ann.call('GET', `${SHOP}/history`);
    expect(body.entries.map(({ actor }: { actor: string }) => actor)).toEqual(['ann', 'bob', 'ann', 'ann']);
    // All is so already: only the revision is told.
    mine.forget();
    mine.frame(RAW);
    expect(await mine.frames(4)).toHaveLength(1);
    bobs.forget();
    bobs.frame({ type: 2, offset: 9, value: 4n });
    expect(await bobs.message('error')).toMatchObject({ code: 'ERR_FORBIDDEN' });
    mine.frame({ type: 2, offset: 9, value: 1n << 20n });
    expect(await mine.message('error')).toMatchObject({ code: 'ERR_UNKNOWN_FEATURE' });
    expect([errors(bobs.heard as Frame[]), errors(mine.heard as Frame[])]).toEqual([
      [ERROR_FRAME.refused],
      [ERROR_FRAME.refused],
    ]);
    expect((await ann.call('GET', SHOP)).body.revision).toBe(4);
  });

  it('the bytes that the protocol gives as its example, and each field at its own place', async () => {
    const { ann, url } = await startShop();
    const probe = await Probe.open(url, 'name=shop', bearer(ann));
    probe.socket.send(new Uint8Array([0x01, 13, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0x01 ^ 13 ^ 2]));
    await probe.frames(2);
    const fields = { version: 0, registryHash: 0xdead_beef, featureFlags: 68, terminalMode: 3, rows: 7, cols: 255 };
    const offsets = [4, 5, 9, 13, 14, 15];
    for (const [i, value] of Object.values(fields).entries()) {
      probe.frame({ type: 1, offset: offsets[i]!, value: BigInt(value) });
      await probe.frames(3 + i);
    }
    expect((await ann.call('GET', SHOP)).body).toMatchObject({ revision: 8, ...fields });
  });

  it('each bad message gets an error frame that names its fault; three in a row end it', async () => {
    const { ann, url } = await startShop();
    const probe = await Probe.open(url, 'name=shop', bearer(ann));
    const bad: [keyof typeof ERROR_FRAME, string][] = [
      ['length', '00'],
      ['checksum', '010d0000000200000000000000ff'],
      ['type', '0900000000000000000000000009'],
      ['offset', '0102000000020000000000000001'],
      ['value', '010d00000009000000000000000' + '5'],
      ['direction', '0300000000000000000000000003'],
    ];
    for (const [fault, hex] of bad) {
      probe.forget();
      probe.socket.send(Uint8Array.fromHex(hex));
      await probe.message('error');
      expect(errors(probe.heard as Frame[]), fault).toEqual([ERROR_FRAME[fault]]);
      // A good one in between begins anew.
      probe.frame({ type: 5, offset: 0, value: 1n });
      await probe.frames(1);
    }
    for (const text of ['x', '{"type":"hello"}', '{}']) probe.socket.send(text);
    expect(await probe.end()).toMatchObject({ code: 1008 });
  });

  it('resumes from a revision, and tells where one is gone', async () => {
    const { ann, url } = await startShop();
    await set(ann, { rows: 50 });
    await set(ann, { rows: 50, features: { debug: true } });
    const probe = await Probe.open(url, 'name=shop&since=1', bearer(ann));
    expect(probe.heard[0]).toMatchObject({ type: 'resumed', from: 1, revision: 3 });
    expect((await probe.frames(3)).map(({ type }) => type)).toEqual([2, 4, 5]);
    probe.forget();
    probe.say({ type: 'resume', revision: 99 });
    await probe.message('snapshot');
    expect(probe.heard).toMatchObject([
      { type: 'error', code: 'ERR_REVISION_GONE' },
      { type: 'snapshot', revision: 3 },
    ]);
    probe.say({ type: 'ping' });
    expect((await probe.message('pong')).serverTime).toBeGreaterThan(0);
    const gone = await Probe.open(url, 'name=shop&since=99', bearer(ann));
    expect(gone.heard[0]).toMatchObject({ type: 'error', code: 'ERR_REVISION_GONE' });
    await gone.message('snapshot');
  });

  it('with binary_protocol off, frames get an error frame, and changes are told as JSON', async () => {
    const { ann, url } = await startShop();
    const probe = await Probe.open(url, 'name=shop', bearer(ann));
    await ann.call('PATCH', '/api/v1/configs/registry', { features: { binary_protocol: false } });
    probe.frame(RAW);
    expect(await probe.message('error')).toMatchObject({ code: 'ERR_STREAM' });
    expect(errors(probe.heard as Frame[])).toEqual([ERROR_FRAME.binary_off]);
    const revision = await set(ann, { rows: 61 });
    expect(await probe.message('change')).toMatchObject({ revision, config: { rows: 61, terminalMode: 1 } });
    await ann.call('PATCH', '/api/v1/configs/registry', { features: { binary_protocol: true } });
    probe.frame(RAW);
    expect((await probe.frames(revision + 1)).map(({ type }) => type)).toEqual([7, 1, 5]);
  });

  it('counts against the limit of his token, in a page of his address: he silences nobody else', async () => {
    const LIMIT = 100;
    const env = { C13_TRUSTED_PROXIES: '127.0.0.1', C13_RATE_LIMIT: String(LIMIT) };
    const { registry, ann, url } = await startShop(env);
    const visitorsOf = async (isBrowser: boolean) => {
      const { secret } = await tokenFor(ann, { isBrowser, scope: [{ role: 'viewer', pattern: 'config:shop' }] });
      const { call, token } = withToken(registry, secret);
      return [1, 2].map((host) => {
        const headers = { 'x-forwarded-for': `192.0.2.${host}` };
        const status = async (): Promise<number> => (await call('GET', SHOP, undefined, headers)).status;
        return { status, open: () => Probe.open(url, 'name=shop', { ...headers, authorization: `Bearer ${token}` }) };
      });
    };
    for (const [isBrowser, code, status] of [
      [true, 'pong', 200],
      [false, 'error', 429],
    ] as const) {
      const [one, other] = await visitorsOf(isBrowser);
      const [loud, quiet] = [await one!.open(), await other!.open()];
      for (let i = 0; i <= LIMIT; i++) loud.say({ type: 'ping' });
      expect(await loud.message('error')).toMatchObject({ code: 'ERR_RATE_LIMITED' });
      expect(await one!.status()).toBe(429);
      quiet.say({ type: 'ping' });
      expect((await quiet.message('pong', 'error')).type).toBe(code);
      expect(await other!.status()).toBe(status);
    }
  });

  it('anything: it is answered, and the registry goes on', async () => {
    const { ann, url } = await startShop();
    const message = fc.oneof(
      fc.uint8Array({ minLength: 0, maxLength: 40 }),
      fc.uint8Array({ minLength: 14, maxLength: 14 }),
      fc.string({ maxLength: 200 }),
      fc.json({ maxDepth: 3 }),
      fc.constant('x'.repeat(5000)),
      fc
        .record({ type: fc.constantFrom('resume', 'ping', 'snapshot'), revision: fc.anything() })
        .map((one) => JSON.stringify(one, (_, value) => (typeof value === 'bigint' ? null : value))),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 12 }), async (messages) => {
        const probe = await Probe.open(url, 'name=shop', bearer(ann));
        for (const one of messages) if (probe.closed === null) probe.socket.send(one as string);
        if (probe.closed === null) probe.say({ type: 'ping' });
        const isAnswered = await probe.message('pong').then(
          () => true,
          () => false,
        );
        // Whoever is not sent away for it is still served.
        expect(isAnswered ? null : probe.closed?.code, JSON.stringify(messages)).toBe(isAnswered ? null : 1008);
        probe.socket.close();
        await probe.end();
      }),
      { seed: 13, numRuns: 60 },
    );
    expect((await ann.call('GET', '/metrics')).body).toMatch(/^c13_streams_dropped_total\{why="failed"\} 0$/m);
  });
});

describe('how a stream ends', () => {
  it('who asks and never reads is dropped with a reason, and nobody else waits for him', async () => {
    const { ann, url } = await startShop();
    const stays = await Probe.open(url, 'name=shop', bearer(ann));
    const slow = await handshake(url, 'name=shop', bearer(ann));
    slow.pause();
    const asks = Buffer.concat(Array.from({ length: 500 }, () => textFrame('{"type":"snapshot"}')));
    const dropped = async () => /why="slow"\} (\d+)/.exec((await ann.call('GET', '/metrics')).body)?.[1];
    while ((await dropped()) === '0') slow.write(asks);
    const revision = await set(ann, { rows: 62 });
    await stays.frames(revision);
    slow.resume();
    await slow.ended;
    // A close frame, its code, and the reason.
    const tail = slow.bytes().subarray(-80);
    const at = tail.indexOf('more than');
    expect([tail[at - 4], tail.readUInt16BE(at - 2)]).toEqual([0x88, 4408]);
  });

  it('more than a message may hold ends it with 1009; a stop of the registry with 1001', async () => {
    const { registry, ann, url } = await startShop();
    const large = await Probe.open(url, 'name=shop', bearer(ann));
    large.socket.send('x'.repeat(70_000));
    expect((await large.end()).code).toBe(1009);
    const stays = await Probe.open(url, 'name=shop', bearer(ann));
    const events = await fetch(`${url}${SHOP}/events`, { headers: bearer(ann) });
    registry.child.kill('SIGTERM');
    expect((await stays.end()).code).toBe(1001);
    await events.text();
    expect(await registry.child.exited).toBe(0);
  });

  it('goes on after a kill, from the revision that was heard last', async () => {
    const { registry, ann, url } = await startShop();
    const probe = await Probe.open(url, 'name=shop', bearer(ann));
    const revision = await set(ann, { rows: 63 });
    await probe.frames(revision);
    registry.child.kill('SIGKILL');
    await probe.end();
    await registry.child.exited;
    const again = await startProgram(registry.data);
    const later = withToken(again, ann.token);
    await set(later, { rows: 64 });
    const resumed = await Probe.open(again.url, `name=shop&since=${revision}`, bearer(ann));
    expect((await resumed.frames(revision + 1)).map(({ type }) => type)).toEqual([4, 5]);
  });
});

it('whoever runs the registry hears of it without a token, until there are users', async () => {
  const registry = await startProgram(`${tempDirectory()}/data`);
  const probe = await Probe.open(registry.url, 'name=default');
  expect((await handshake(registry.url, 'name=default', { origin: 'https://evil.example' })).status).toBe(403);
  const [, secret] = /secret=(\S+)/.exec(registry.greeting)!;
  await registry.call('POST', '/api/v1/setup', { secret, user: 'ann', password: 'four random words here' });
  expect((await probe.end()).code).toBe(4401);
});

/** Server-sent events, one after another. */
class Lines {
  readonly #reader: { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }> };
  #text = '';

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader();
  }

  async event(): Promise<{ id?: string; event: string; data: any }> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      const part = this.#text.slice(0, Math.max(0, end));
      if (end >= 0) this.#text = this.#text.slice(end + 2);
      const fields = Object.fromEntries(part.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string]));
      if (fields['data'] !== undefined) return { ...fields, data: JSON.parse(fields['data']) } as never;
      if (end >= 0) continue;
      const { done, value } = await this.#reader.read();
      if (done) throw new Error('the stream ended');
      this.#text += new TextDecoder().decode(value);
    }
  }
}
