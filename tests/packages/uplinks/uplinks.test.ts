/** Packuments of other registries: which one is asked, how often, and what of a bad answer is believed. @module */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AT_ONCE_MS, WHILE_DOWN_MS } from '../../../src/packages/uplinks/documents.ts';
import { Clock } from './clock.ts';
import { faultOf, opened, uplinkOf } from './opened.ts';
import { deadUrl, dripping, packumentOf, Upstream } from './upstream.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

describe('a packument', () => {
  it('is fetched once for a hundred who want it, and then held', async () => {
    const upstream = new Upstream().serves('ui', { '1.0.0': {} });
    const { uplinks } = opened([uplinkOf('main', { url: upstream.url })]);
    const found = await Promise.all(Array.from({ length: 100 }, () => uplinks.packument('ui')));
    expect(new Set(found.map((one) => one?.etag)).size).toBe(1);
    expect(found[0]).toMatchObject({ uplink: 'main', document: { name: 'ui', 'dist-tags': { latest: '1.0.0' } } });
    await uplinks.packument('ui');
    expect(upstream.paths()).toEqual(['/ui']);
  });

  it('of a scope is asked for with its slash escaped', async () => {
    const upstream = new Upstream().serves('@tools/ui', { '1.0.0': {} });
    const { uplinks } = opened([uplinkOf('main', { url: `${upstream.url}/` })]);
    expect((await uplinks.packument('@tools/ui'))?.document['name']).toBe('@tools/ui');
    expect(upstream.paths()).toEqual(['/@tools%2fui']);
  });

  it('that is a little old is answered at once, and asked for behind, with its validators', async () => {
    const upstream = new Upstream().serves('ui', { '1.0.0': {} });
    const { uplinks, clock } = opened([uplinkOf('main', { url: upstream.url, maxAge_s: 60 })]);
    const first = await uplinks.packument('ui');
    clock.advance(61_000);
    upstream.serves('ui', { '1.0.0': {}, '1.1.0': {} }, '"2"');
    expect(await uplinks.packument('ui')).toEqual(first);
    await upstream.hasBeenAsked(2);
    expect(upstream.asked[1]?.headers.get('if-none-match')).toBe('"1"');
    await uplinks.close();
    const again = opened([uplinkOf('main', { url: upstream.url, maxAge_s: 60 })], { clock });
    expect((await again.uplinks.packument('ui'))?.document['dist-tags']).toEqual({ latest: '1.1.0' });
  });

  it('that has not changed is as fresh as a new one, and the same', async () => {
    const upstream = new Upstream().serves('ui', { '1.0.0': {} });
    const { uplinks, clock } = opened([uplinkOf('main', { url: upstream.url, maxAge_s: 60 })]);
    const first = await uplinks.packument('ui');
    clock.advance(60_000 + AT_ONCE_MS + 1);
    expect((await uplinks.packument('ui'))?.etag).toBe(first?.etag);
    await uplinks.packument('ui');
    expect(upstream.paths(), 'asked once more, and not again').toHaveLength(2);
  });

  it('survives a restart, and is fetched anew when its file was damaged', async () => {
    const upstream = new Upstream().serves('ui', { '1.0.0': {} });
    const main = uplinkOf('main', { url: upstream.url });
    const first = opened([main]);
    const before = await first.uplinks.packument('ui');
    await first.uplinks.close();
    const { directory, clock } = first;
    const second = opened([main], { directory, clock });
    expect(await second.uplinks.packument('ui')).toEqual(before);
    expect(upstream.asked).toHaveLength(1);
    await second.uplinks.close();
    const files = join(directory, 'files');
    const [file] = readdirSync(files);
    const text = readFileSync(join(files, file!), 'utf8');
    writeFileSync(join(files, file!), text.replace('1.0.0', '6.6.6'));
    const third = opened([main], { directory, clock });
    expect(await third.uplinks.packument('ui')).toEqual(before);
    expect(upstream.asked).toHaveLength(2);
  });

  it('that an uplink has not is not asked for again for a while', async () => {
    const upstream = new Upstream();
    const { uplinks, clock } = opened([uplinkOf('main', { url: upstream.url, negativeAge_s: 30 })]);
    expect([await uplinks.packument('ui'), await uplinks.packument('ui')]).toEqual([null, null]);
    expect(upstream.asked).toHaveLength(1);
    upstream.serves('ui', { '1.0.0': {} });
    clock.advance(30_000);
    expect(await uplinks.packument('ui')).not.toBeNull();
  });

  it('that is no longer there is gone', async () => {
    const upstream = new Upstream().serves('ui', { '1.0.0': {} });
    const { uplinks, clock } = opened([uplinkOf('main', { url: upstream.url })]);
    await uplinks.packument('ui');
    clock.advance(DAY_MS);
    upstream.on('/ui', () => new Response('', { status: 404 }));
    expect(await uplinks.packument('ui')).toBeNull();
  });
});

describe('whom to ask', () => {
  it('is the first that has it; what one of them has is not mixed with another', async () => {
    const [a, b] = [new Upstream(), new Upstream().serves('ui', { '1.0.0': {} })];
    const { uplinks } = opened([uplinkOf('a', { url: a.url }), uplinkOf('b', { url: b.url })]);
    expect((await uplinks.packument('ui'))?.uplink).toBe('b');
    expect([a.asked.length, b.asked.length]).toEqual([1, 1]);
  });

  it('is nobody else when the first one fails: what the next one calls so may be something else', async () => {
    const other = new Upstream().serves('ui', { '1.0.0': {} });
    const { uplinks } = opened([uplinkOf('a', { url: await deadUrl() }), uplinkOf('b', { url: other.url })]);
    expect(await faultOf(uplinks.packument('ui'))).toContain('cannot be reached');
    expect(other.asked).toEqual([]);
  });

  it('is nobody, for what was published here and for what is declared to be ours', async () => {
    const upstream = new Upstream().serves('@acme/x', { '9.9.9': {} }).serves('ours-ui', { '9.9.9': {} });
    const list = [
      uplinkOf('main', { url: upstream.url }),
      uplinkOf('ours', { url: null, patterns: ['ours-*', '@Mine/*'] }),
    ];
    const { uplinks } = opened(list, { owned: ['@acme/x'] });
    for (const name of ['@acme/x', 'ours-ui', 'Ours-ui', '@mine/x', '@MINE/x']) {
      expect([await uplinks.packument(name), await uplinks.tarball(name, '9.9.9')]).toEqual([null, null]);
    }
    expect(upstream.asked).toEqual([]);
  });

  it('is nobody while an uplink is switched off', async () => {
    const upstream = new Upstream().serves('ui', { '1.0.0': {} });
    const { uplinks } = opened([uplinkOf('main', { url: upstream.url, isEnabled: false })]);
    expect(await uplinks.packument('ui')).toBeNull();
    expect(upstream.asked).toEqual([]);
  });
});

describe('an uplink that is down', () => {
  it('leaves what is known, for a week, and says so in the log', async () => {
    const upstream = new Upstream().serves('ui', { '1.0.0': {} });
    const { uplinks, clock, lines } = opened([uplinkOf('main', { url: upstream.url })]);
    const first = await uplinks.packument('ui');
    upstream.on('/ui', () => new Response('', { status: 503 }));
    clock.advance(DAY_MS);
    expect(await uplinks.packument('ui')).toEqual(first);
    expect(lines.map(({ line }) => line)).toContain('a package is answered as an uplink had it earlier');
    clock.advance(WHILE_DOWN_MS);
    expect(await faultOf(uplinks.packument('ui'))).toContain('503');
  });

  it('and offline is not asked at all', async () => {
    const upstream = new Upstream().serves('ui', { '1.0.0': {} });
    const clock = new Clock();
    let isOffline = false;
    const { uplinks } = opened([uplinkOf('main', { url: upstream.url })], { clock, isOffline: () => isOffline });
    const first = await uplinks.packument('ui');
    isOffline = true;
    clock.advance(10 * WHILE_DOWN_MS);
    expect(await uplinks.packument('ui')).toEqual(first);
    expect(await faultOf(uplinks.packument('other'))).toContain('offline');
    expect([await uplinks.search('ui', 20), await uplinks.keys()]).toEqual([[], []]);
    expect(upstream.asked).toHaveLength(1);
  });
});

describe('a bad answer', () => {
  const good = packumentOf('http://127.0.0.1:1', 'ui', { '1.0.0': {} });
  const manifest = good.versions['1.0.0'];
  it.each<[string, () => Response, string]>([
    ['a page', () => new Response('<html>', { headers: { 'content-type': 'text/html; charset=utf-8' } }), 'text/html'],
    ['a page that says it is JSON', () => jsonText('<html>Sign in</html>'), 'not JSON'],
    ['a list', () => jsonText('[]'), 'not a JSON object'],
    ['bytes that are no text', () => new Response(new Uint8Array([0xff, 0xfe, 0x00])), 'not JSON'],
    ['another package', () => Response.json({ ...good, name: 'other' }), 'is of "other"'],
    ['no name', () => Response.json({ versions: {} }), 'is of nothing'],
    ['a version of another package', () => ofVersion({ ...manifest, name: 'evil' }), 'is of "evil"'],
    ['a version under another number', () => ofVersion({ ...manifest, version: '2.0.0' }), 'says "2.0.0"'],
    ['a version that is none', () => ofVersion('x'), 'not an object'],
    ['truncated JSON', () => jsonText('{"name":"ui","versions":{'), 'not JSON'],
    ['an error', () => new Response('', { status: 500 }), 'answered 500'],
    ['a refusal', () => new Response('', { status: 403 }), 'refuses us (403)'],
    ['no answer that anybody knows', () => new Response('', { status: 418 }), 'answered 418'],
    ['a redirect to nowhere', () => new Response('', { status: 302 }), 'redirects to nowhere'],
    ['a redirect to a file', () => redirect('file:///etc/passwd'), 'redirects to nowhere'],
    ['a redirect to itself', () => redirect('/ui'), 'more than 5 times'],
  ])('%s is refused whole, and the uplink is named', async (_what, answer, fault) => {
    const upstream = new Upstream().on('/ui', answer);
    const { uplinks, directory } = opened([uplinkOf('main', { url: upstream.url })]);
    expect(await faultOf(uplinks.packument('ui'))).toContain(fault);
    await expect(uplinks.packument('ui')).rejects.toMatchObject({
      code: 'ERR_UPLINK',
      details: { uplink: 'main', package: 'ui' },
    });
    expect(readdirSync(join(directory, 'files'))).toEqual([]);
  });

  it('that never comes ends with its time', async () => {
    const upstream = new Upstream().on('/ui', () => Promise.withResolvers<Response>().promise);
    const { uplinks, clock } = opened([uplinkOf('main', { url: upstream.url, timeout_ms: 15_000 })]);
    const fault = faultOf(uplinks.packument('ui'));
    await upstream.hasBeenAsked(1);
    clock.advance(15_000);
    expect(await fault).toBe('no answer within 15000 ms');
  });

  it('that drips ends with its time too', async () => {
    const upstream = new Upstream().on('/ui', () => dripping('{"name":', { 'content-type': 'application/json' }));
    const first = Promise.withResolvers<void>();
    const clock = new Clock();
    const send = async (...args: Parameters<typeof fetch>): Promise<Response> => {
      const response = await fetch(...args);
      first.resolve();
      return response;
    };
    const { uplinks } = opened([uplinkOf('main', { url: upstream.url })], { clock, send: send as never });
    const fault = faultOf(uplinks.packument('ui'));
    await first.promise;
    clock.advance(15_000);
    expect(await fault).toMatch(/within 15000 ms/);
  });

  function ofVersion(of: unknown): Response {
    return Response.json({ ...good, versions: { '1.0.0': of } });
  }
});

describe('the machine itself', () => {
  it('has a registry that answers, or none', { timeout: 30_000 }, async ({ annotate }) => {
    const asked = Bun.spawnSync(['npm', 'config', 'get', 'registry'], { stderr: 'ignore' });
    const url = asked.stdout.toString().trim();
    const isThere = URL.canParse(url) && (await fetch(url, { signal: AbortSignal.timeout(5000) }).catch(() => null));
    if (isThere === false || isThere === null) {
      const note = 'the registry of this machine does not answer: nothing was tried with it';
      await annotate(note);
      process.stderr.write(`${import.meta.filename}: ${note}\n`);
      return;
    }
    const { uplinks } = opened([uplinkOf('main', { url })]);
    const found = await uplinks.packument('is-number');
    expect(found?.document).toMatchObject({ name: 'is-number' });
    const tarball = await uplinks.tarball('is-number', '7.0.0');
    expect(tarball?.integrity).toMatch(/^sha512-/);
    const { body } = tarball!;
    expect((await new Response(body).bytes()).slice(0, 2)).toEqual(new Uint8Array([0x1f, 0x8b]));
  });
});

function jsonText(text: string): Response {
  return new Response(text, { headers: { 'content-type': 'application/json' } });
}

function redirect(location: string): Response {
  return new Response('', { status: 302, headers: { location } });
}
