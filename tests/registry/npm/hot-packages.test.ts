/**
 * What installing repeats, answered before the router: the same as the ordinary way answers, never older than what was
 * acknowledged, and to nobody who may not.
 * @module
 */
import { describe, expect, it } from 'vitest';
import { makeUser, startWithAdmin, type Somebody } from '../identity-fixtures.ts';
import type { RunningProgram } from '../fixtures.ts';
import { packed, pathOf, publish } from './package-fixtures.ts';

const UI = '@acme/ui';
const SHORT = { accept: 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*' };
/** Of one answer alone. */
const OWN_HEADERS = ['x-request-id', 'date', 'ratelimit', 'retry-after'];

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
}

async function ask(url: string, { method = 'GET', path = pathOf(UI), headers = {} }: Asked) {
  const answer = await fetch(url + path, { method, headers, redirect: 'manual', decompress: false } as RequestInit);
  const kept = [...answer.headers].filter(([name]) => !OWN_HEADERS.includes(name));
  return { status: answer.status, headers: Object.fromEntries(kept), body: (await answer.bytes()).toBase64() };
}

/** The lines of requests that were answered before the router: where they come from is not looked up. */
function hotLines({ child }: RunningProgram): { count: number } {
  const seen = { count: 0 };
  const read = async (): Promise<void> => {
    let text = '';
    for await (const piece of child.stderr.pipeThrough(new TextDecoderStream() as never) as AsyncIterable<string>) {
      const lines = (text + piece).split('\n');
      text = lines.pop()!;
      seen.count += lines.filter((line) => line.includes('"address":null')).length;
    }
  };
  // It ends with the program.
  void read().catch(() => undefined);
  return seen;
}

async function setOwn(ann: Somebody, features: Record<string, boolean>): Promise<void> {
  expect((await ann.call('PATCH', '/api/v1/configs/registry', { features })).status).toBe(200);
}

async function start() {
  const { registry, ann } = await startWithAdmin(undefined, [], { C13_UPSTREAM: 'none' });
  const { body } = await ann.call('POST', '/api/v1/tokens', { name: 'ci' });
  const token = body.secret as string;
  return { registry, ann, token, known: { authorization: `Bearer ${token}` } };
}

describe('a hot answer', () => {
  it('is what the ordinary way answers, whatever is asked', async () => {
    const { registry, ann, known } = await start();
    const { url } = registry;
    const manifest = { description: 'What it does. '.repeat(200) };
    for (const [name, version] of [
      [UI, '1.0.0'],
      [UI, '1.1.0'],
      ['plain', '1.0.0'],
    ])
      await publish(ann.call, name!, version!, manifest);
    await ann.call('PUT', pathOf('closed'), { ...packed('closed', '1.0.0').document, access: 'restricted' });
    await publish(ann.call, 'gold', '1.0.0');
    await ann.call('PATCH', '/api/v1/packages/gold', { isPremium: true });
    await setOwn(ann, { premium_types: true });
    const bob = await makeUser(registry, ann, 'bob');
    await ann.call('POST', '/api/v1/grants', { user: 'bob', role: 'viewer', pattern: 'package:*' });
    const eve = await makeUser(registry, ann, 'eve');
    const gzip = { ...known, 'accept-encoding': 'gzip' };
    const etag = (await ask(url, { headers: gzip })).headers['etag']!;
    const tarball = '/@acme/ui/-/ui-1.0.0.tgz';
    const tag = (await ask(url, { path: tarball, headers: known })).headers['etag']!;
    const requests: Record<string, Asked> = {
      whole: { headers: gzip },
      short: { headers: { ...gzip, ...SHORT } },
      plain: { headers: { ...known, 'accept-encoding': 'identity' } },
      zstd: { headers: { ...known, 'accept-encoding': 'gzip, deflate, br, zstd' } },
      'an odd encoding': { headers: { ...known, 'accept-encoding': 'gzip/deflate' } },
      'the tag that it has': { headers: { ...gzip, 'if-none-match': etag } },
      'a weak one': { headers: { ...gzip, 'if-none-match': `W/${etag}` } },
      'that of the other document': { headers: { ...gzip, ...SHORT, 'if-none-match': etag } },
      'any tag': { headers: { ...gzip, 'if-none-match': '*' } },
      'a date beside it': { headers: { ...gzip, 'if-modified-since': new Date(0).toUTCString() } },
      'to write': { path: `${pathOf(UI)}?write=true`, headers: { ...gzip, ...SHORT } },
      'a capital F': { path: '/@acme%2Fui', headers: gzip },
      'a slash': { path: '/@acme/ui', headers: gzip },
      'an encoded @': { path: '/%40acme%2fui', headers: gzip },
      'another name': { path: '/plain', headers: gzip },
      'a slash behind it': { path: '/plain/', headers: gzip },
      'encoded twice': { path: '/@acme%252fui', headers: gzip },
      'no name': { path: '/pl%zzain', headers: gzip },
      'an address of ours': { path: '/health', headers: gzip },
      'one version': { path: '/plain/1.0.0', headers: gzip },
      HEAD: { method: 'HEAD', headers: gzip },
      OPTIONS: { method: 'OPTIONS', headers: gzip },
      POST: { method: 'POST', headers: gzip },
      nobody: {},
      'a token that is none': { headers: { authorization: 'Bearer c13_x' } },
      'somebody who may': { headers: { authorization: `Bearer ${bob.token}` } },
      'somebody who may not': { headers: { authorization: `Bearer ${eve.token}` } },
      'what is restricted': { path: '/closed', headers: gzip },
      'what is restricted, to nobody': { path: '/closed' },
      'what is premium': { path: '/gold', headers: gzip },
      'what is premium, without the right': { path: '/gold', headers: { authorization: `Bearer ${bob.token}` } },
      'another origin': { headers: { ...gzip, origin: 'https://shop.example' } },
      'a header of ours': { headers: { ...gzip, 'x-bun-terminal-rows': '0' } },
      'a tarball': { path: tarball, headers: known },
      'a tarball, for those who install': { path: tarball, headers: { ...gzip, ...SHORT } },
      'a tarball, its slash encoded': { path: '/@acme%2fui/-/ui-1.0.0.tgz', headers: known },
      'a tarball, as old clients ask': { path: '/@acme/ui/-/@acme/ui-1.0.0.tgz', headers: known },
      'a tarball that it has': { path: tarball, headers: { ...known, 'if-none-match': tag } },
      'a part of a tarball': { path: tarball, headers: { ...known, range: 'bytes=0-9' } },
      'the head of a tarball': { path: tarball, method: 'HEAD', headers: known },
      'a tarball that is not there': { path: '/@acme/ui/-/ui-9.0.0.tgz', headers: known },
      'a tarball of another': { path: '/plain/-/ui-1.0.0.tgz', headers: known },
      'a plain tarball': { path: '/plain/-/plain-1.0.0.tgz', headers: known },
      'a tarball, to nobody': { path: tarball },
      'a tarball, to somebody who may not': { path: tarball, headers: { authorization: `Bearer ${eve.token}` } },
    };
    const lines = hotLines(registry);
    const hot: Record<string, unknown> = {};
    // Twice: the first may be what the second is remembered by.
    for (const [what, asked] of Object.entries(requests)) {
      await ask(url, asked);
      hot[what] = await ask(url, asked);
    }
    await expect.poll(() => lines.count).toBeGreaterThan(20);
    await setOwn(ann, { cache_enabled: false });
    const ordinary: Record<string, unknown> = {};
    for (const [what, asked] of Object.entries(requests)) ordinary[what] = await ask(url, asked);
    expect(hot).toEqual(ordinary);
  }, 60_000);

  it('is never older than what was acknowledged, and not for whoever may no longer', async () => {
    const { registry, ann, token, known } = await start();
    await publish(ann.call, UI, '1.0.0');
    const look = async (headers: Record<string, string> = {}) => {
      const answer = await fetch(registry.url + pathOf(UI), { headers: { ...known, ...headers } });
      return { status: answer.status, body: answer.status === 200 ? ((await answer.json()) as any) : null };
    };
    for (let minor = 1; minor <= 20; minor++) {
      await look();
      await publish(ann.call, UI, `1.${minor}.0`);
      expect((await look()).body['dist-tags'].latest).toBe(`1.${minor}.0`);
      expect((await look(SHORT)).body['dist-tags'].latest).toBe(`1.${minor}.0`);
    }
    await ann.call('PUT', `/-/package/${pathOf(UI).slice(1)}/dist-tags/next`, '"1.0.0"');
    expect((await look()).body['dist-tags'].next).toBe('1.0.0');
    await makeUser(registry, ann, 'bob');
    await ann.call('POST', '/api/v1/grants', { user: 'bob', role: 'maintainer', pattern: `package:${UI}` });
    expect((await look()).body.maintainers).toMatchObject([{ name: 'bob' }]);
    const { body: tokens } = await ann.call('GET', '/api/v1/tokens?user=ann');
    const { id } = tokens.tokens.find((one: { name: string }) => one.name === 'ci');
    expect((await ann.call('DELETE', `/api/v1/tokens/${id}`)).status).toBeLessThan(300);
    expect((await look()).status).toBe(401);
    expect(token).toMatch(/^c13_/);
  }, 60_000);
});
