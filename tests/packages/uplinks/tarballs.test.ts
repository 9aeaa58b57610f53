/**
 * Tarballs of other registries: streamed while they are kept, verified before they count as whole, evicted, found
 * again.
 * @module
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DOWNLOADS_MAX } from '../../../src/packages/uplinks/tarballs.ts';
import { Clock } from './clock.ts';
import { faultOf, opened, readBody, uplinkOf, type Opened } from './opened.ts';
import { dripping, Upstream } from './upstream.ts';

const TEXT = 'x'.repeat(300_000);
const SHA1 = createHash('sha1').update(TEXT).digest('hex');

function serving(published: Parameters<Upstream['serves']>[1][string] = {}, path = '/ui/-/1.0.0.tgz'): Upstream {
  const upstream = new Upstream().serves('ui', { '1.0.0': { tarball: TEXT, ...published } });
  return upstream.on(path, () => new Response(TEXT));
}

async function read({ uplinks }: Opened, version = '1.0.0'): Promise<{ text: string; isWhole: boolean } | null> {
  const tarball = await uplinks.tarball('ui', version);
  return tarball === null ? null : await readBody(tarball.body);
}

/** Two thirds of it at once, the rest when it is time. */
function inTwo(text: string, rest: Promise<void>): Response {
  const part = Math.round((text.length / 3) * 2);
  const body = new ReadableStream<Uint8Array>({
    start: async (controller) => {
      controller.enqueue(new TextEncoder().encode(text.slice(0, part)));
      await rest;
      controller.enqueue(new TextEncoder().encode(text.slice(part)));
      controller.close();
    },
  });
  return new Response(body);
}

describe('a tarball', () => {
  it('is fetched once for a hundred, and kept', async () => {
    const upstream = serving();
    const house = opened([uplinkOf('main', { url: upstream.url })]);
    const bodies = await Promise.all(Array.from({ length: 100 }, () => read(house)));
    expect(new Set(bodies.map((body) => `${body?.text === TEXT} ${body?.isWhole}`))).toEqual(new Set(['true true']));
    const { body, size_bytes, integrity } = (await house.uplinks.tarball('ui', '1.0.0'))!;
    expect([body instanceof Blob, size_bytes, integrity?.slice(0, 7)]).toEqual([true, TEXT.length, 'sha512-']);
    expect(upstream.paths()).toEqual(['/ui', '/ui/-/1.0.0.tgz']);
  });

  it('reaches its reader while it is still on its way', async () => {
    const rest = Promise.withResolvers<void>();
    const upstream = serving().on('/ui/-/1.0.0.tgz', () => inTwo(TEXT, rest.promise));
    const { uplinks } = opened([uplinkOf('main', { url: upstream.url })]);
    const tarball = await uplinks.tarball('ui', '1.0.0');
    const reader = (tarball!.body as ReadableStream<Uint8Array>).getReader();
    let length = (await reader.read()).value!.length;
    expect(length).toBeGreaterThan(0);
    rest.resolve();
    for (let next = await reader.read(); !next.done; next = await reader.read()) length += next.value.length;
    expect(length).toBe(TEXT.length);
  });

  it('is kept also when whoever wanted it goes', async () => {
    const upstream = serving();
    const { uplinks, directory, clock } = opened([uplinkOf('main', { url: upstream.url })]);
    const tarball = await uplinks.tarball('ui', '1.0.0');
    await (tarball!.body as ReadableStream<Uint8Array>).cancel();
    await expect.poll(() => readdirSync(join(directory, 'files')).length).toBe(2);
    await uplinks.close();
    const again = opened([uplinkOf('main', { url: upstream.url })], { directory, clock });
    expect((await read(again))?.text).toBe(TEXT);
    expect(upstream.asked).toHaveLength(2);
  });

  it('lets go of its file once when its reader goes while he waits', async () => {
    const rest = Promise.withResolvers<void>();
    const upstream = serving().on('/ui/-/1.0.0.tgz', () => inTwo(TEXT, rest.promise));
    const { uplinks, directory } = opened([uplinkOf('main', { url: upstream.url })]);
    const tarball = await uplinks.tarball('ui', '1.0.0');
    const reader = (tarball!.body as ReadableStream<Uint8Array>).getReader();
    for (let length = 0; length < 199_999;) length += (await reader.read()).value!.length;
    const waiting = reader.read();
    // The stream asks for what comes next in a turn of its own.
    await new Promise((resolve) => setImmediate(resolve));
    await reader.cancel();
    expect((await waiting).done).toBe(true);
    // The system gives the smallest numbers that are free: one of these has the number of the tarball's file.
    const files = Array.from({ length: 8 }, () => openSync(import.meta.filename, 'r'));
    rest.resolve();
    await expect.poll(() => readdirSync(join(directory, 'files')).length).toBe(2);
    expect(files.map((file) => fstatSync(file).isFile())).toEqual(files.map(() => true));
    for (const file of files) closeSync(file);
  });

  it('on its way does not keep the registry from stopping', async () => {
    const upstream = serving().on('/ui/-/1.0.0.tgz', () => dripping(TEXT.slice(0, 1000)));
    const { uplinks, directory } = opened([uplinkOf('main', { url: upstream.url })]);
    const tarball = await uplinks.tarball('ui', '1.0.0');
    const reader = (tarball!.body as ReadableStream<Uint8Array>).getReader();
    expect((await reader.read()).value!.length).toBe(999);
    const rest = reader.read().catch((error: { details: { fault: string } }) => error.details.fault);
    await uplinks.close();
    expect(await rest).toBe('this registry is stopping');
    expect(readdirSync(join(directory, 'drafts'))).toEqual([]);
  });

  it('waits while as many are on their way as may be', async () => {
    const versions = Array.from({ length: DOWNLOADS_MAX + 1 }, (_, i) => `1.0.${i}`);
    const upstream = new Upstream().serves('ui', Object.fromEntries(versions.map((version) => [version, {}])));
    const rests = versions.map(() => Promise.withResolvers<void>());
    const text = (version: string): string => `tarball of ui@${version}`;
    for (const [i, version] of versions.entries()) {
      upstream.on(`/ui/-/${version}.tgz`, () => inTwo(text(version), rests[i]!.promise));
    }
    const house = opened([uplinkOf('main', { url: upstream.url })]);
    const bodies = versions.map((version) => read(house, version));
    await upstream.hasBeenAsked(1 + DOWNLOADS_MAX);
    rests[0]!.resolve();
    await upstream.hasBeenAsked(2 + DOWNLOADS_MAX);
    expect((await bodies[0])?.text).toBe(text(versions[0]!));
    for (const { resolve } of rests) resolve();
    expect((await Promise.all(bodies)).map((body) => body?.text)).toEqual(versions.map(text));
  });

  it('waits no longer than an uplink may take to answer', async () => {
    const versions = Array.from({ length: DOWNLOADS_MAX }, (_, i) => `1.0.${i}`);
    const upstream = new Upstream().serves('ui', Object.fromEntries(versions.map((version) => [version, {}])));
    for (const version of versions) upstream.on(`/ui/-/${version}.tgz`, () => dripping('tar'));
    upstream.serves('quick', { '1.0.0': {} });
    const [slow, quick] = [
      { url: upstream.url, patterns: ['ui'], timeout_ms: 60_000 },
      { url: upstream.url, patterns: ['quick'], timeout_ms: 5000 },
    ];
    const { uplinks, clock } = opened([uplinkOf('slow', slow), uplinkOf('quick', quick)]);
    await uplinks.packument('quick');
    await Promise.all(versions.map((version) => uplinks.tarball('ui', version)));
    const fault = faultOf(uplinks.tarball('quick', '1.0.0'));
    await expect.poll(() => clock.running).toBe(DOWNLOADS_MAX + 1);
    clock.advance(5000);
    expect(await fault).toBe('ERR_BUSY');
    await uplinks.close();
    expect(clock.running).toBe(0);
  });

  it('with a SHA-1 alone is verified by that', async () => {
    const right = serving({ dist: { integrity: undefined, shasum: SHA1 } });
    expect(await read(opened([uplinkOf('main', { url: right.url })]))).toEqual({ text: TEXT, isWhole: true });
    const wrong = serving({ dist: { integrity: undefined, shasum: '0'.repeat(40) } });
    expect((await read(opened([uplinkOf('main', { url: wrong.url })])))?.isWhole).toBe(false);
  });

  it('on another server is fetched without credentials', async () => {
    const store = new Upstream().on('/1.tgz', () => new Response(TEXT));
    const upstream = serving({ dist: { tarball: `${store.url}/1.tgz` } });
    const house = opened([uplinkOf('main', { url: upstream.url }, 'Bearer secret')]);
    expect((await read(house))?.isWhole).toBe(true);
    expect([upstream, store].map(({ asked }) => asked.at(-1)!.headers.get('authorization'))).toEqual([
      'Bearer secret',
      null,
    ]);
  });

  it.each([
    ['named by the document', (store: string) => serving({ dist: { tarball: `${store}/1.tgz` } })],
    [
      'that the uplink leads to',
      (store: string) =>
        serving().on(
          '/ui/-/1.0.0.tgz',
          () => new Response('', { status: 302, headers: { location: `${store}/1.tgz` } }),
        ),
    ],
  ])('on another server, %s, is given to nobody before it is whole and right', async (_how, make) => {
    const rest = Promise.withResolvers<void>();
    const store = new Upstream().on('/1.tgz', () => {
      const body = new ReadableStream<Uint8Array>({
        start: async (controller) => {
          controller.enqueue(new TextEncoder().encode(TEXT.slice(0, 200_000)));
          await rest.promise;
          controller.close();
        },
      });
      return new Response(body);
    });
    const house = opened([uplinkOf('main', { url: make(store.url).url })]);
    const early = house.uplinks.tarball('ui', '1.0.0');
    const late = faultOf(house.uplinks.tarball('ui', '1.0.0'));
    const first = Promise.race([faultOf(early), store.hasBeenAsked(1).then(() => 'asked')]);
    expect(await first).toBe('asked');
    rest.resolve();
    expect([await faultOf(early), await late]).toEqual([
      expect.stringMatching(/^its integrity is another, /),
      expect.stringMatching(/^its integrity is another, /),
    ]);
    store.on('/1.tgz', () => new Response(TEXT));
    expect(await read(house)).toEqual({ text: TEXT, isWhole: true });
  });

  it('of a version that came just now is found', async () => {
    const upstream = new Upstream().serves('ui', { '0.9.0': {} });
    const house = opened([uplinkOf('main', { url: upstream.url, maxAge_s: 3600 })]);
    await house.uplinks.packument('ui');
    upstream.serves('ui', { '0.9.0': {}, '1.0.0': { tarball: TEXT } });
    expect(await read(house), 'seconds ago it was not there').toBeNull();
    house.clock.advance(5001);
    expect((await read(house))?.text).toBe(TEXT);
  });

  it.each(['2.0.0', 'constructor', '__proto__'])('of %s, which is no version, is not there', async (version) => {
    const upstream = serving();
    expect(await read(opened([uplinkOf('main', { url: upstream.url })]), version)).toBeNull();
  });
});

describe('a tarball that is not what it should be', () => {
  it.each<[string, () => Response, RegExp]>([
    ['other bytes', () => new Response(`${TEXT.slice(1)}y`), /integrity is sha512-/],
    ['fewer bytes', () => new Response(TEXT.slice(1)), /integrity is sha512-/],
    ['more bytes', () => new Response(`${TEXT}x`), /integrity is sha512-/],
    ['no bytes', () => new Response(''), /integrity is sha512-/],
    ['a page', () => new Response('<html>', { headers: { 'content-type': 'text/html' } }), /integrity is sha512-/],
    ['too many bytes', () => new Response(new Uint8Array(11_000_000)), /more than 10000000 bytes/],
  ])('%s: its reader is cut off, nothing is kept, and the next one tries anew', async (_what, answer, fault) => {
    const upstream = serving().on('/ui/-/1.0.0.tgz', answer);
    const house = opened([uplinkOf('main', { url: upstream.url })]);
    const body = await read(house);
    expect(body?.isWhole).toBe(false);
    const sent = Buffer.from(await answer().bytes());
    expect(body!.text.length, 'the last byte is given to nobody').toBeLessThanOrEqual(Math.max(0, sent.length - 1));
    await house.uplinks.close();
    const { directory, clock, lines } = house;
    expect(lines.at(-1)).toMatchObject({
      line: 'a tarball was not kept',
      fields: { uplink: 'main', package: 'ui@1.0.0' },
    });
    expect(lines.at(-1)?.fields['fault']).toMatch(fault);
    expect([readdirSync(join(directory, 'files')), readdirSync(join(directory, 'drafts'))]).toEqual([
      [expect.any(String)],
      [],
    ]);
    upstream.on('/ui/-/1.0.0.tgz', () => new Response(TEXT));
    const again = opened([uplinkOf('main', { url: upstream.url })], { directory, clock });
    expect((await read(again))?.text).toBe(TEXT);
  });

  it('is cut off for a real client too, also when it was told the length', async () => {
    const upstream = serving().on('/ui/-/1.0.0.tgz', () => new Response(`${TEXT.slice(1)}y`));
    const { uplinks } = opened([uplinkOf('main', { url: upstream.url })]);
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: async () => {
        const { body, size_bytes } = (await uplinks.tarball('ui', '1.0.0'))!;
        return new Response(body, { headers: { 'content-length': String(size_bytes) } });
      },
      error: () => new Response('', { status: 500 }),
    });
    onTestFinished(() => server.stop(true));
    const bytes = await fetch(server.url)
      .then(
        (response) => response.bytes(),
        () => null,
      )
      .catch(() => null);
    expect(bytes?.length ?? 0).toBeLessThan(TEXT.length);
  });

  it('because nothing more comes: its readers are cut off after a silence', async () => {
    const upstream = serving().on('/ui/-/1.0.0.tgz', () => dripping(TEXT.slice(0, 1000)));
    const house = opened([uplinkOf('main', { url: upstream.url })]);
    const tarball = await house.uplinks.tarball('ui', '1.0.0');
    const reader = (tarball!.body as ReadableStream<Uint8Array>).getReader();
    expect((await reader.read()).value!.length).toBe(999);
    const rest = reader.read().then(
      () => 'more',
      (error: { details: { fault: string } }) => error.details.fault,
    );
    house.clock.advance(15_000);
    expect(await rest).toBe('nothing came for 15000 ms');
  });

  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['no hash', { integrity: undefined }, 'names no hash'],
    ['a hash that is none', { integrity: 'sha512-abc' }, 'names no hash'],
    ['no address', { tarball: undefined }, 'says no address'],
    ['the address of a file', { tarball: 'file:///etc/passwd' }, 'says no address'],
    ['an address with a password', { tarball: 'http://a:b@127.0.0.1/' }, 'says no address'],
  ])('as its document has %s is not asked for', async (_what, dist, fault) => {
    const upstream = serving({ dist });
    const { uplinks } = opened([uplinkOf('main', { url: upstream.url })]);
    expect(await faultOf(uplinks.tarball('ui', '1.0.0'))).toContain(fault);
    expect(upstream.asked).toHaveLength(1);
  });

  it('because the uplink has it not, is not there; because it fails, is an error', async () => {
    const upstream = serving().on('/ui/-/1.0.0.tgz', () => new Response('', { status: 404 }));
    const house = opened([uplinkOf('main', { url: upstream.url })]);
    expect(await read(house)).toBeNull();
    upstream.on('/ui/-/1.0.0.tgz', () => new Response('', { status: 500 }));
    expect(await faultOf(read(house))).toBe('it answered 500');
  });
});

describe('the cache', () => {
  it.each<[string, (file: string) => void]>([
    ['other bytes', (file) => writeFileSync(file, 'y'.repeat(TEXT.length))],
    ['fewer bytes', (file) => truncateSync(file, 10)],
  ])('drops a file with %s, and fetches it anew', async (_what, damage) => {
    const upstream = serving();
    const first = opened([uplinkOf('main', { url: upstream.url })]);
    await read(first);
    await first.uplinks.close();
    const { directory, clock } = first;
    const files = readdirSync(join(directory, 'files')).map((file) => join(directory, 'files', file));
    damage(files.find((file) => statSync(file).size === TEXT.length)!);
    const second = opened([uplinkOf('main', { url: upstream.url })], { directory, clock });
    expect((await read(second))?.text).toBe(TEXT);
    expect(upstream.paths().filter((path) => path.endsWith('.tgz'))).toHaveLength(2);
  });

  it('holds no more than its limit: what was used longest ago goes first, also after a restart', async () => {
    const versions = ['1.0.0', '1.1.0', '1.2.0', '1.3.0'];
    const tarball = (version: string): string => version + TEXT;
    const upstream = new Upstream();
    upstream.serves('ui', Object.fromEntries(versions.map((version) => [version, { tarball: tarball(version) }])));
    const clock = new Clock();
    const main = uplinkOf('main', { url: upstream.url, maxAge_s: 1_000_000 });
    const limited = { clock, cacheLimit_bytes: 3.2 * TEXT.length };
    const first = opened([main], limited);
    for (const version of ['1.0.0', '1.1.0', '1.2.0']) await passed(first, version);
    await passed(first, '1.0.0');
    await first.uplinks.close();
    const { directory } = first;
    const second = opened([main], { ...limited, directory });
    await passed(second, '1.3.0');
    await second.uplinks.close();
    upstream.asked.length = 0;
    const third = opened([main], { ...limited, directory });
    for (const version of ['1.0.0', '1.2.0', '1.3.0', '1.1.0']) await passed(third, version);
    expect(upstream.paths()).toEqual(['/ui/-/1.1.0.tgz']);
    expect(third.uplinks.cache_bytes).toBeLessThanOrEqual(limited.cacheLimit_bytes);

    async function passed(house: Opened, version: string): Promise<void> {
      expect((await read(house, version))?.text).toBe(tarball(version));
      clock.advance(61_000);
    }
  });

  it('counts what is on its way', async () => {
    const rest = Promise.withResolvers<void>();
    const tarballs = { '1.0.0': { tarball: TEXT }, '1.1.0': { tarball: `y${TEXT}` } };
    const upstream = new Upstream().serves('ui', tarballs);
    upstream.on('/ui/-/1.1.0.tgz', () => inTwo(`y${TEXT}`, rest.promise));
    const house = opened([uplinkOf('main', { url: upstream.url })], { cacheLimit_bytes: 1.5 * TEXT.length });
    await read(house);
    house.clock.advance(61_000);
    expect(house.uplinks.cache_bytes).toBeGreaterThan(TEXT.length);
    const later = read(house, '1.1.0');
    // The older one goes.
    await expect.poll(() => house.uplinks.cache_bytes).toBeLessThan(TEXT.length);
    rest.resolve();
    expect((await later)?.isWhole).toBe(true);
    expect(house.uplinks.cache_bytes).toBeLessThanOrEqual(1.5 * TEXT.length);
  });

  it('begins anew when nobody can read what it knows', async () => {
    const upstream = serving();
    const first = opened([uplinkOf('main', { url: upstream.url })]);
    await read(first);
    await first.uplinks.close();
    const { directory, clock } = first;
    writeFileSync(join(directory, 'index.db'), 'no database at all'.repeat(100));
    const second = opened([uplinkOf('main', { url: upstream.url })], { directory, clock });
    expect(readdirSync(join(directory, 'files'))).toEqual([]);
    expect((await read(second))?.text).toBe(TEXT);
  });

  it('serves tarballs offline, and nothing that it has not', async () => {
    const upstream = new Upstream().serves('ui', { '1.0.0': { tarball: TEXT }, '1.1.0': {} });
    let isOffline = false;
    const house = opened([uplinkOf('main', { url: upstream.url })], { isOffline: () => isOffline });
    await read(house);
    isOffline = true;
    expect((await read(house))?.text).toBe(TEXT);
    expect(await faultOf(read(house, '1.1.0'))).toContain('offline');
  });
});
