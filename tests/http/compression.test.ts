/** Encoded responses, as real clients negotiate and read them over a real port. */
import { readFileSync } from 'node:fs';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compressResponse, plainTags, Precompressed } from '../../src/http/compression.ts';
import { chooseEncoding, ENCODINGS } from '../../src/http/encoding.ts';

const LONG = JSON.stringify(Array.from({ length: 200 }, (_, i) => ({ name: `config-${i}`, rows: 24 })));
const DECODERS = { zstd: zstdDecompressSync, br: brotliDecompressSync, gzip: gunzipSync } as const;

function asking(accepted: string | null, method = 'GET'): Request {
  return new Request('http://localhost/', {
    method,
    headers: accepted === null ? {} : { 'accept-encoding': accepted },
  });
}

function json(
  body: BodyInit | null = LONG,
  init: { status?: number; headers?: Record<string, string> } = {},
): Response {
  return new Response(body, { ...init, headers: { 'content-type': 'application/json', ...init.headers } });
}

describe('what a client takes', () => {
  test.each([
    [null, null],
    ['', null],
    ['gzip, deflate, br, zstd', 'zstd'],
    ['gzip, deflate, br', 'br'],
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['gzip;q=1, br;q=0.9, zstd;q=0.1', 'gzip'],
    ['zstd;q=0, br;q=0, gzip', 'gzip'],
    ['zstd;q=0,*', 'br'],
    ['*', 'zstd'],
    ['*;q=0', null],
    ['identity', null],
    ['identity;q=0', null],
    ['identity;q=0, gzip;q=0.1', 'gzip'],
    ['identity;q=0,*;q=0.5', 'zstd'],
    ['identity;q=1, gzip;q=0.5', null],
    ['identity;q=0.5, gzip;q=0.5', 'gzip'],
    ['deflate, compress', null],
    ['gzip;q=0', null],
    ['gzip;q=0.001', 'gzip'],
    ['gzip;q=-1', null],
    [' , ,;q=1', null],
  ])('%j: %s', (accepted, encoding) => expect(chooseEncoding(accepted)).toBe(encoding));

  test('a header of a thousand encodings is not read', () => {
    expect(chooseEncoding('gzip,'.repeat(1000))).toBeNull();
  });

  test('never what it refused', () => {
    const quality = fc.constantFrom('', ';q=0', ';q=0.0', ';q=0.5', ';q=1');
    const item = fc.tuple(fc.constantFrom(...ENCODINGS, 'identity', 'deflate', '*'), quality);
    fc.assert(
      fc.property(fc.uniqueArray(item, { selector: ([name]) => name }), (items) => {
        const chosen = chooseEncoding(items.map((each) => each.join('')).join(', '));
        if (chosen === null) return;
        const [, q] = items.find(([name]) => name === chosen) ?? items.find(([name]) => name === '*')!;
        expect(q).not.toMatch(/q=0(\.0)?$/);
      }),
      { seed: 42, numRuns: 500 },
    );
  });
});

describe('compressResponse', () => {
  test.each(ENCODINGS)('%s decodes to the same bytes and says so', async (encoding) => {
    const answer = await compressResponse(asking(encoding), json(LONG, { status: 201, headers: { etag: '"41"' } }));
    expect(answer.status).toBe(201);
    expect(Object.fromEntries(answer.headers)).toEqual({
      'content-type': 'application/json',
      'content-encoding': encoding,
      vary: 'Accept-Encoding',
      etag: `"41+${encoding}"`,
    });
    const bytes = await answer.bytes();
    expect(bytes.length).toBeLessThan(LONG.length / 3);
    expect(DECODERS[encoding](bytes).toString()).toBe(LONG);
  });

  const stream = () => json(new Blob([LONG]).stream());
  test.each<[string, Request, () => Response, string | null]>([
    ['a short body', asking('gzip'), () => json('x'.repeat(1023)), 'Accept-Encoding'],
    ['a client that takes none', asking(null), () => json(), 'Accept-Encoding'],
    ['HEAD', asking('gzip', 'HEAD'), () => json(), 'Accept-Encoding'],
    ['204', asking('gzip'), () => json(null, { status: 204 }), null],
    ['304', asking('gzip'), () => new Response(null, { status: 304 }), 'Accept-Encoding'],
    ['a part', asking('gzip'), () => json(LONG, { status: 206 }), null],
    ['what is encoded', asking('gzip'), () => json(LONG, { headers: { 'content-encoding': 'br' } }), null],
    [
      'no-transform',
      asking('gzip'),
      () => json(LONG, { headers: { 'cache-control': 'no-store, no-transform' } }),
      null,
    ],
    ['events', asking('gzip'), () => json(LONG, { headers: { 'content-type': 'text/event-stream' } }), null],
    ['lines', asking('gzip'), () => json(LONG, { headers: { 'content-type': 'application/x-ndjson' } }), null],
    ['a picture', asking('gzip'), () => json(LONG, { headers: { 'content-type': 'image/png' } }), null],
    ['a body without a type', asking('gzip'), () => new Response(new TextEncoder().encode(LONG)), null],
    [
      'what varies already',
      asking(null),
      () => json(LONG, { headers: { vary: 'accept-encoding' } }),
      'accept-encoding',
    ],
    [
      'what varies by something',
      asking(null),
      () => json(LONG, { headers: { vary: 'origin' } }),
      'origin, Accept-Encoding',
    ],
  ])('%s stays as it is', async (_, request, make, vary) => {
    const before = make();
    const after = await compressResponse(request, make());
    expect(after.headers.get('content-encoding')).toBe(before.headers.get('content-encoding'));
    expect(after.headers.get('vary')).toBe(vary);
    expect(after.status).toBe(before.status);
    expect(await after.text()).toBe(await before.text());
  });

  test('a body of unknown length is read and encoded; one without end passes through', async () => {
    const answer = await compressResponse(asking('gzip'), stream());
    expect(answer.headers.get('content-encoding')).toBe('gzip');
    const block = new Uint8Array(1024 * 1024).fill(97);
    let pulled = 0;
    const endless = new ReadableStream({
      pull(controller) {
        pulled++;
        controller.enqueue(block);
      },
    });
    const long = await compressResponse(asking('gzip'), json(endless));
    expect(long.headers.get('content-encoding')).toBeNull();
    const reader = long.body!.getReader();
    for (let size = 0; size < 20 * block.length;) size += (await reader.read()).value!.length;
    await reader.cancel();
    expect(pulled).toBeGreaterThanOrEqual(20);
  });

  test('a body that fails, fails', async () => {
    const broken = new ReadableStream({ pull: (controller) => controller.error(new Error('disk gone')) });
    await expect(compressResponse(asking('gzip'), json(broken))).rejects.toThrow('disk gone');
  });
});

test('tags come back as they were', () => {
  for (const encoding of ENCODINGS) expect(plainTags(`"41+${encoding}"`)).toBe('"41"');
  expect(plainTags('"41+zstd", W/"40", *')).toBe('"41", W/"40", *');
  expect(plainTags('"a+b", "gzip", "+deflate"')).toBe('"a+b", "gzip", "+deflate"');
});

describe('Precompressed', () => {
  const bytes = new Uint8Array(readFileSync(new URL('../../docs/CLI.md', import.meta.url)));
  const text = new TextDecoder().decode(bytes);
  const page = new Precompressed(bytes, { 'content-type': 'text/html', etag: '"v1"' });

  test('is encoded smaller than on the way, once for each encoding', async () => {
    for (const encoding of ENCODINGS) {
      const [one, other] = await Promise.all([page.respond(asking(encoding)), page.respond(asking(encoding))]);
      const encoded = await one!.bytes();
      expect(DECODERS[encoding](encoded).toString()).toBe(text);
      expect(await other!.bytes()).toEqual(encoded);
      expect(one!.headers.get('etag')).toBe(`"v1+${encoding}"`);
      const fast = await compressResponse(asking(encoding), json(text));
      expect(encoded.length).toBeLessThanOrEqual((await fast.bytes()).length);
    }
  });

  test('is plain for who takes nothing else, and without a body for HEAD', async () => {
    const plain = await page.respond(asking(null));
    expect(Object.fromEntries(plain.headers)).toEqual({
      'content-type': 'text/html',
      etag: '"v1"',
      vary: 'Accept-Encoding',
    });
    expect(await plain.text()).toBe(text);
    expect(await (await page.respond(asking('gzip', 'HEAD'))).text()).toBe('');
    const small = await new Precompressed(bytes.slice(0, 100), { 'content-type': 'text/html' }).respond(asking('gzip'));
    expect(small.headers.get('content-encoding')).toBeNull();
    const dense = await new Precompressed(bytes, { 'content-type': 'image/png' }).respond(asking('gzip'));
    expect(dense.headers.get('vary')).toBeNull();
  });
});

describe('over a port', () => {
  let server: Bun.Server<undefined>;
  const page = new Precompressed(new TextEncoder().encode(LONG), { 'content-type': 'application/json' });
  beforeAll(() => {
    server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: (request) =>
        new URL(request.url).pathname === '/page' ? page.respond(request) : compressResponse(request, json()),
    });
  });
  afterAll(() => server.stop(true));

  test.each([...ENCODINGS, 'identity'])('fetch reads %s', async (encoding) => {
    for (const path of ['/', '/page']) {
      const answer = await fetch(new URL(path, server.url), { headers: { 'accept-encoding': encoding } });
      expect(await answer.text()).toBe(LONG);
      const raw = await fetch(new URL(path, server.url), {
        headers: { 'accept-encoding': encoding },
        decompress: false,
      });
      const sent = (await raw.bytes()).length;
      if (encoding === 'identity') expect(sent).toBe(LONG.length);
      else expect(sent).toBeLessThan(LONG.length / 3);
    }
  });

  test('curl --compressed reads what it asks for', async () => {
    for (const path of ['/', '/page']) {
      const child = Bun.spawn([
        'curl',
        '--silent',
        '--compressed',
        '--dump-header',
        '-',
        `${server.url.origin}${path}`,
      ]);
      const [head = '', body] = (await new Response(child.stdout).text()).split('\r\n\r\n');
      expect(body).toBe(LONG);
      expect(head.toLowerCase()).toMatch(/content-encoding: (zstd|br|gzip)/);
    }
  });
});
