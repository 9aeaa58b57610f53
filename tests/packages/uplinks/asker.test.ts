/** One question to an uplink: attempts, rests, redirects, credentials, and leaving it alone. @module */
import { describe, expect, it } from 'vitest';
import { FAILURES_MAX, OPEN_MS } from '../../../src/packages/uplinks/circuit.ts';
import { Clock } from './clock.ts';
import { faultOf, opened, uplinkOf } from './opened.ts';
import { deadUrl, packumentOf, Upstream, type Answer } from './upstream.ts';

describe('attempts', () => {
  it.each([500, 502, 503, 429, 408])('go on after %i, with longer and longer rests', async (status) => {
    const upstream = new Upstream().serves('ui', { '1.0.0': {} });
    upstream.on('/ui', failing(2, status, packumentOf(upstream.url, 'ui', { '1.0.0': {} })));
    const { uplinks, clock } = opened([uplinkOf('main', { url: upstream.url, retries: 2 })]);
    expect(await uplinks.packument('ui')).not.toBeNull();
    expect(clock.rests).toEqual([150, 300]);
  });

  it('go on after a broken connection, and end with what was wrong', async () => {
    const { uplinks, clock } = opened([uplinkOf('main', { url: await deadUrl(), retries: 1 })]);
    expect(await faultOf(uplinks.packument('ui'))).toContain('cannot be reached');
    expect(clock.rests).toEqual([150]);
  });

  it.each([401, 403, 400, 418])('are not repeated after %i', async (status) => {
    const upstream = new Upstream().on('/ui', () => new Response('', { status }));
    const { uplinks } = opened([uplinkOf('main', { url: upstream.url, retries: 5 })]);
    expect(await faultOf(uplinks.packument('ui'))).toContain(String(status));
    expect(upstream.asked).toHaveLength(1);
  });

  it('rest for as long as the uplink asks for, unless that is too long', async () => {
    const upstream = new Upstream();
    const document = packumentOf(upstream.url, 'ui', { '1.0.0': {} });
    upstream.on('/ui', failing(1, 429, document, { 'retry-after': '2' }));
    const clock = new Clock();
    const { uplinks } = opened([uplinkOf('main', { url: upstream.url, retries: 1 })], { clock });
    await uplinks.packument('ui');
    expect(clock.rests).toEqual([2000]);
    upstream.on(
      '/other',
      failing(1, 503, document, { 'retry-after': new Date(clock.now() + 3_600_000).toUTCString() }),
    );
    expect(await faultOf(uplinks.packument('other'))).toBe('it answered 503');
    expect(clock.rests).toEqual([2000]);
  });
});

describe('an uplink that fails again and again', () => {
  it('is left alone, tried once, and asked again when that went well', async () => {
    const upstream = new Upstream();
    let isDown = true;
    const document = packumentOf(upstream.url, 'ui', { '1.0.0': {} });
    upstream.on('/ui', () => (isDown ? new Response('', { status: 500 }) : Response.json(document)));
    const { uplinks, clock } = opened([uplinkOf('main', { url: upstream.url })]);
    for (let failures = 0; failures < FAILURES_MAX; failures++) await faultOf(uplinks.packument('ui'));
    expect(await faultOf(uplinks.packument('ui'))).toBe('it failed too often, and rests 30 s');
    expect(upstream.asked).toHaveLength(FAILURES_MAX);
    clock.advance(OPEN_MS);
    expect(await faultOf(uplinks.packument('ui')), 'the one try').toBe('it answered 500');
    expect(await faultOf(uplinks.packument('ui'))).toContain('rests');
    clock.advance(OPEN_MS);
    isDown = false;
    expect(await uplinks.packument('ui')).not.toBeNull();
    expect(upstream.asked).toHaveLength(FAILURES_MAX + 2);
  });

  it('still has what was kept of it', async () => {
    const upstream = new Upstream().serves('kept', { '1.0.0': {} }).on('/ui', () => new Response('', { status: 500 }));
    const { uplinks } = opened([uplinkOf('main', { url: upstream.url })]);
    await new Response((await uplinks.tarball('kept', '1.0.0'))?.body).text();
    for (let failures = 0; failures <= FAILURES_MAX; failures++) await faultOf(uplinks.packument('ui'));
    expect(await uplinks.tarball('kept', '1.0.0')).not.toBeNull();
  });

  it('is not one that has not what was asked for', async () => {
    const upstream = new Upstream();
    const { uplinks } = opened([uplinkOf('main', { url: upstream.url })]);
    for (let asked = 0; asked < 2 * FAILURES_MAX; asked++) expect(await uplinks.packument(`ui-${asked}`)).toBeNull();
    expect(upstream.asked).toHaveLength(2 * FAILURES_MAX);
  });
});

describe('credentials', () => {
  it('are shown to the uplink, and to nobody it leads to, not even back again', async () => {
    const [main, other] = [new Upstream(), new Upstream()];
    const document = packumentOf(main.url, 'ui', { '1.0.0': {} });
    main.on('/ui', () => leadTo(`${other.url}/there`)).on('/back', () => Response.json(document));
    other.on('/there', () => leadTo(`${main.url}/back`));
    const { uplinks } = opened([uplinkOf('main', { url: main.url }, 'Bearer secret')]);
    expect(await uplinks.packument('ui')).not.toBeNull();
    const shown = [...main.asked, ...other.asked].map(({ path, headers }) => [path, headers.get('authorization')]);
    expect(shown).toEqual([
      ['/ui', 'Bearer secret'],
      ['/back', null],
      ['/there', null],
    ]);
  });

  it('are in no message and no line of the log', async () => {
    const main = new Upstream().on('/ui', () => new Response('', { status: 401 }));
    const { uplinks, lines } = opened([uplinkOf('main', { url: main.url }, 'Bearer very-secret')]);
    const error = await uplinks.packument('ui').catch((caught: unknown) => caught);
    expect(Bun.inspect(error, { depth: 10 }) + JSON.stringify(lines)).not.toContain('very-secret');
  });

  it('are not taken from https to http', async () => {
    const asked: string[] = [];
    const send = async (url: string): Promise<Response> => {
      asked.push(url);
      return leadTo('http://127.0.0.1:1/ui');
    };
    const { uplinks } = opened([uplinkOf('main', { url: 'https://packages.example' }, 'Bearer secret')], { send });
    expect(await faultOf(uplinks.packument('ui'))).toBe('it redirects from https to http');
    expect(asked).toEqual(['https://packages.example/ui']);
  });
});

function leadTo(location: string): Response {
  return new Response('', { status: 302, headers: { location } });
}

function failing(times: number, status: number, document: object, headers: Record<string, string> = {}): Answer {
  let left = times;
  return () => (left-- > 0 ? new Response('', { status, headers }) : Response.json(document));
}
