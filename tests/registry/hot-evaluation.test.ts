/**
 * Flags answered before the router: the same as the ordinary way answers, never older than what was acknowledged, and
 * to nobody who may not.
 * @module
 */
import { describe, expect, it } from 'vitest';
import { type Grant, type Principal } from '../../src/auth/rights.ts';
import { Cors } from '../../src/registry/cors.ts';
import { credentialsOf, type Credentials } from '../../src/registry/credentials.ts';
import { hotEvaluation, type HotEvaluation } from '../../src/registry/hot-evaluation.ts';
import type { RequestFacts } from '../../src/logging/request-log.ts';
import { HotDoor } from '../../src/registry/hot-door.ts';
import { limitsFor } from '../../src/registry/limits.ts';
import { openApp, type TestApp } from './app-fixtures.ts';
import { BANNER, BULK, DEFINITIONS, flagsOf, putFlags } from './ofrep-fixtures.ts';

const NEVER = new AbortController().signal;
/** Of one answer alone. */
const OWN_HEADERS = ['x-request-id', 'ratelimit'];

function token(name: string, pattern: string, more: object = {}): Principal {
  const grants: Grant[] = [{ role: 'viewer', pattern, sections: null }];
  return { kind: 'token', actor: `ann/${name}`, user: 'ann', grants, scope: null, readOnly: false, ...more };
}

const BY_TOKEN: Readonly<Record<string, Principal>> = {
  all: token('all', '*'),
  none: token('none', 'config:other/*'),
  page: token('page', '*', { isBrowser: true, readOnly: true }),
};

function principalOf({ authorization }: Credentials): Principal | null {
  return BY_TOKEN[authorization?.replace('Bearer ', '') ?? ''] ?? null;
}

interface Both extends TestApp {
  readonly evaluate: HotEvaluation;
  readonly told: RequestFacts[];
  /** What can go wrong between a request and its body. */
  readonly people: { identify: (credentials: Credentials) => Principal | null; moment: number };
}

async function open(): Promise<Both> {
  const limits = limitsFor({ trustedProxies: [], rateLimit: 60_000, anonymousRateLimit: 0 });
  const app = await openApp(
    undefined,
    ({ headers }) => principalOf(credentialsOf(headers)) ?? BY_TOKEN['none']!,
    limits,
  );
  await putFlags(flagsOf(app.operations), 'default', { ...DEFINITIONS, 'a.long_one': long() });
  const told: RequestFacts[] = [];
  const people = { identify: principalOf, moment: 1 };
  const door = new HotDoor({
    identifyNow: (credentials) => people.identify(credentials),
    moment: () => people.moment,
    limiter: limits.token,
    isUsual: () => true,
  });
  const answered = (_: string, facts: RequestFacts): void => void told.push(facts);
  const evaluate = hotEvaluation({ ofrep: app.ofrep, door, cors: new Cors(['*'], []), answered });
  await app.ofrep.evaluations.read('default');
  return { ...app, evaluate, told, people };
}

/** Enough text for an answer to be encoded. */
function long(): object {
  return { state: 'ENABLED', variants: { a: 'long '.repeat(4000), b: '' }, defaultVariant: 'a' };
}

interface Asked {
  readonly key?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

function requestOf({ key, body = '{}', headers = {} }: Asked, isAnnounced = true): Request {
  const url = `http://localhost:4873${BULK}${key === undefined ? '' : `/${encodeURIComponent(key)}`}`;
  const length = isAnnounced ? { 'content-length': String(Buffer.byteLength(body)) } : {};
  const sent = { authorization: 'Bearer all', 'content-type': 'application/json', ...length, ...headers };
  return new Request(url, { method: 'POST', headers: sent, body });
}

async function seen(response: Response | null) {
  if (response === null) return null;
  const headers = [...response.headers].filter(([name]) => !OWN_HEADERS.includes(name));
  return { status: response.status, headers: Object.fromEntries(headers), body: await response.bytes() };
}

async function hot({ evaluate }: Both, asked: Asked, config = 'default') {
  const { key = null } = asked;
  return await seen(await evaluate(requestOf(asked), { route: BULK, config, key }, NEVER));
}

async function ordinary({ app }: Both, asked: Asked) {
  return await seen(await app.fetch(requestOf(asked), { peer: null }));
}

describe('a hot evaluation', () => {
  it('answers what the ordinary way answers', async () => {
    const both = await open();
    const etag = (await ordinary(both, {}))!.headers['etag']!;
    const cases: Record<string, Asked> = {
      'a flag': { key: 'banner' },
      'a rule': { key: 'banner', body: '{"context":{"plan":"pro"}}' },
      'one that is off': { key: 'off' },
      'a feature': { key: 'debug' },
      none: { key: 'nobody' },
      'a slash': { key: 'a/b' },
      'a long answer': { key: 'a.long_one' },
      'no JSON': { key: 'banner', body: '{' },
      'half a character': { key: 'banner', body: '{"context":{"a":"\ud800"}}' },
      'a prototype': { key: 'banner', body: '{"context":{"__proto__":{}}}' },
      'an origin': { key: 'banner', headers: { origin: 'https://shop.example' } },
      'another type': { key: 'banner', headers: { 'content-type': 'text/plain' } },
      'all of them': {},
      'for somebody': { body: '{"context":{"targetingKey":"u","plan":"pro"}}' },
      'all, no JSON': { body: '[]' },
      'the tag': { headers: { 'if-none-match': etag } },
      'another tag': { headers: { 'if-none-match': '"x"' } },
      'any tag': { headers: { 'if-none-match': '*' } },
      'the tag, and an encoding': { headers: { 'if-none-match': etag, 'accept-encoding': 'gzip' } },
      'an encoding': { headers: { 'accept-encoding': 'gzip' } },
      'an origin with the tag': { headers: { origin: 'https://shop.example', 'if-none-match': etag } },
    };
    for (const [what, asked] of Object.entries(cases)) {
      expect([what, await hot(both, asked)]).toEqual([what, await ordinary(both, asked)]);
    }
    expect(both.told.map(({ status }) => status)).toEqual([
      200, 200, 200, 200, 404, 404, 200, 400, 200, 400, 200, 200, 200, 200, 400, 304, 200, 200, 304, 200, 304,
    ]);
  });

  it('leaves to the ordinary way what is unusual', async () => {
    const both = await open();
    const unusual: Asked[] = [
      { headers: { authorization: 'Bearer page' } },
      { headers: { authorization: 'Bearer none' } },
      { headers: { authorization: 'Bearer x' } },
      { headers: { 'idempotency-key': 'x' } },
      { headers: { 'if-match': '"x"' } },
      { headers: { 'x-bun-terminal-rows': '24' } },
      { headers: { 'content-length': '70000' } },
      { headers: { 'content-length': '1e3' } },
      { key: 'banner', headers: { 'if-none-match': '"x"' } },
    ];
    for (const asked of unusual) expect([asked, await hot(both, asked)]).toEqual([asked, null]);
    expect(await hot(both, {}, 'nobody')).toBe(null);
    const chunked = requestOf({}, false);
    expect(both.evaluate(chunked, { route: BULK, config: 'default', key: null }, NEVER)).toBe(null);
    expect(both.told).toEqual([]);
  });

  it('waits for nothing: all flags are first made ready by the ordinary way, one is soon made', async () => {
    const both = await open();
    expect((await hot(both, { key: 'banner' }))!.status).toBe(200);
    expect(await hot(both, {})).toBe(null);
    const first = await ordinary(both, {});
    expect(await hot(both, {})).toEqual(first);
  });

  it('knows every change that was acknowledged', async () => {
    const both = await open();
    const flags = flagsOf(both.operations);
    for (let i = 0; i < 10; i++) {
      await putFlags(flags, 'default', { banner: { ...BANNER, variants: { plain: `${i}`, bold: 'x' } } });
      expect(await hot(both, { key: 'banner' })).toBe(null);
      const first = JSON.parse(new TextDecoder().decode((await ordinary(both, { key: 'banner' }))!.body));
      expect(first.value).toBe(`${i}`);
      expect(await hot(both, { key: 'banner' })).toEqual(await ordinary(both, { key: 'banner' }));
    }
  });

  it('asks again who it is when the body is there', async () => {
    const both = await open();
    const body = Promise.withResolvers<void>();
    const stream = new ReadableStream({
      async pull(controller) {
        await body.promise;
        controller.enqueue(new TextEncoder().encode('{}'));
        controller.close();
      },
    });
    const headers = { authorization: 'Bearer all', 'content-type': 'application/json', 'content-length': '2' };
    const request = new Request(`http://localhost:4873${BULK}/banner`, { method: 'POST', headers, body: stream });
    const answer = both.evaluate(request, { route: BULK, config: 'default', key: 'banner' }, NEVER);
    both.people.identify = () => BY_TOKEN['none']!;
    both.people.moment++;
    body.resolve();
    expect(await answer).toBe(null);
    expect(both.told).toEqual([]);
    // What has been read is there for the ordinary way, which counts it for the first time.
    const response = await both.app.fetch(request, { peer: null });
    expect([response.status, response.headers.get('ratelimit')]).toEqual([200, expect.stringMatching(/;r=59999;/)]);
  });

  it('does not wait for a body when the registry stops', async () => {
    const both = await open();
    const closing = new AbortController();
    const body = new ReadableStream({ pull: () => new Promise(() => {}) });
    const headers = { authorization: 'Bearer all', 'content-type': 'application/json', 'content-length': '2' };
    const request = new Request(`http://localhost:4873${BULK}/banner`, { method: 'POST', headers, body });
    const answer = both.evaluate(request, { route: BULK, config: 'default', key: 'banner' }, closing.signal);
    closing.abort();
    expect(await answer).toBe(null);
    const problem = await both.app.fetch(request, { peer: null });
    expect([problem.status, ((await problem.json()) as { code: string }).code]).toEqual([503, 'ERR_CLOSED']);
  });
});
