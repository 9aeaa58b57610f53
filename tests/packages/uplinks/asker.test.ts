/** One question to an uplink: attempts, rests, redirects, credentials, and leaving it alone. @module */
import { describe, expect, it } from 'vitest';
import { FAILURES_MAX, OPEN_MS } from '../../../src/packages/uplinks/circuit.ts';
import { Clock } from './clock.ts';
import type { Send } from '../../../src/packages/uplinks/answers.ts';
import { upstreamError } from '../../../src/proxy/upstream-error.ts';
import { faultOf, fetched, opened, uplinkOf } from './opened.ts';
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

  it('end when the registry stops, also in a rest', async () => {
    const upstream = new Upstream().on(
      '/ui',
      () => new Response('', { status: 503, headers: { 'retry-after': '10' } }),
    );
    const { uplinks, lines } = opened([uplinkOf('main', { url: upstream.url, retries: 3 })]);
    const fault = faultOf(uplinks.packument('ui'));
    await expect.poll(() => lines.length).toBe(1);
    await uplinks.close();
    expect(await fault).toBe('this registry is stopping');
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
    for (let failed = 1; failed < FAILURES_MAX; failed++) {
      upstream.on(`/ui-${failed}`, () => new Response('', { status: 500 }));
      await faultOf(uplinks.packument(`ui-${failed}`));
    }
    await faultOf(uplinks.packument('ui'));
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

  it('for one package alone is left to all others, however often that one is asked for', async () => {
    const upstream = new Upstream().serves('other', { '1.0.0': {} }).serves('broken', { '1.0.0': {}, '1.1.0': {} });
    for (const version of ['1.0.0', '1.1.0']) {
      upstream.on(`/broken/-/${version}.tgz`, () => new Response('', { status: 500 }));
    }
    const { uplinks } = opened([uplinkOf('main', { url: upstream.url, retries: 3 })]);
    for (let asked = 0; asked < FAILURES_MAX; asked++) {
      for (const version of ['1.0.0', '1.1.0'])
        expect(await faultOf(uplinks.tarball('broken', version))).toBe('it answered 500');
    }
    expect(await uplinks.packument('other')).not.toBeNull();
  });

  it('is not one whose documents lead to somebody who fails', async () => {
    const dead = await deadUrl();
    const upstream = new Upstream();
    const names = Array.from({ length: 2 * FAILURES_MAX }, (_, index) => `p-${index}`);
    for (const [index, name] of names.entries()) {
      upstream.serves(name, { '1.0.0': index % 2 === 0 ? { dist: { tarball: `${dead}/x.tgz` } } : {} });
      if (index % 2 === 1) upstream.on(`/${name}/-/1.0.0.tgz`, () => leadTo(`${dead}/y.tgz`));
    }
    const { uplinks } = opened([uplinkOf('main', { url: upstream.url })]);
    for (const name of names) expect(await faultOf(uplinks.tarball(name, '1.0.0'))).not.toContain('main');
    expect(await uplinks.packument('fresh')).toBeNull();
    expect(uplinks.rest_s({ name: 'main', url: upstream.url })).toBe(0);
  });

  it('still has what was kept of it', async () => {
    const upstream = new Upstream().serves('kept', { '1.0.0': {} }).on('/ui', () => new Response('', { status: 500 }));
    const { uplinks } = opened([uplinkOf('main', { url: upstream.url })]);
    await new Response((await uplinks.tarball('kept', '1.0.0'))?.body).text();
    for (let failed = 0; failed <= FAILURES_MAX; failed++) {
      upstream.on(`/ui-${failed}`, () => new Response('', { status: 500 }));
      await faultOf(uplinks.packument(`ui-${failed}`));
    }
    expect(uplinks.rest_s({ name: 'main', url: upstream.url })).toBe(30);
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

  it('are for what is below its address alone, whoever else is on the same server', async () => {
    const main = new Upstream();
    const document = packumentOf(`${main.url}/npm`, 'ui', { '1.0.0': {} });
    const others = ['/other/1.tgz', '/npm2/1.tgz', '/npm/..%2fother/1.tgz'];
    main.on('/npm/ui', () => Response.json(document));
    for (const [index, path] of others.entries()) {
      const dist = { tarball: `${main.url}${path}`, integrity: `sha512-${'A'.repeat(84)}${index}A==` };
      main.on(`/npm/x${index}`, () => Response.json(packumentOf(main.url, `x${index}`, { '1.0.0': { dist } })));
    }
    const { uplinks } = opened([uplinkOf('main', { url: `${main.url}/npm` }, 'Bearer secret')]);
    await faultOf(uplinks.tarball('ui', '1.0.0'));
    for (const index of others.keys()) await faultOf(uplinks.tarball(`x${index}`, '1.0.0'));
    const shown = main.asked.filter(({ headers }) => headers.has('authorization')).map(({ path }) => path);
    expect(shown).toEqual(['/npm/ui', '/npm/ui/-/1.0.0.tgz', '/npm/x0', '/npm/x1', '/npm/x2']);
    expect(main.paths().filter((path) => others.includes(path))).toEqual(others);
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

describe('an address that an uplink names', () => {
  it('is asked for in its name, where it is not its own', async () => {
    const [main, other] = [new Upstream(), new Upstream()];
    main.serves('ui', { '1.0.0': { dist: { tarball: `${other.url}/a.tgz` } } });
    other.on('/a.tgz', () => leadTo(`${other.url}/b.tgz`));
    const asked: [string, string | null][] = [];
    const send: Send = async (url, init) => {
      asked.push([url, init.namedBy]);
      return await fetched(url, init);
    };
    const { uplinks } = opened([uplinkOf('main', { url: main.url })], { send });
    await uplinks.tarball('ui', '1.0.0');
    expect(asked).toEqual([
      [`${main.url}/ui`, null],
      [`${other.url}/a.tgz`, main.url],
      [`${other.url}/b.tgz`, main.url],
    ]);
  });

  it('and that leads inside is not asked for again', async () => {
    const main = new Upstream().serves('ui', { '1.0.0': { dist: { tarball: 'http://169.254.169.254/secret' } } });
    let asked = 0;
    const send: Send = async (url, init) => {
      if (init.namedBy === null) return await fetched(url, init);
      asked++;
      throw upstreamError(new URL(url), 'private', 'it is inside');
    };
    const { uplinks } = opened([uplinkOf('main', { url: main.url, retries: 5 })], { send });
    expect(await faultOf(uplinks.tarball('ui', '1.0.0'))).toBe('it leads into a private network');
    expect(asked).toBe(1);
  });
});

function leadTo(location: string): Response {
  return new Response('', { status: 302, headers: { location } });
}

function failing(times: number, status: number, document: object, headers: Record<string, string> = {}): Answer {
  let left = times;
  return () => (left-- > 0 ? new Response('', { status, headers }) : Response.json(document));
}

describe('a question', () => {
  const limits = { timeout_ms: 15_000, retries: 2 };

  it('has one limit of time for all attempts', async () => {
    const upstream = new Upstream().on('/ui', () => new Promise(() => {}));
    const { uplinks, clock } = opened([uplinkOf('main', { url: upstream.url, ...limits })]);
    const began = clock.now();
    const fault = faultOf(uplinks.packument('ui'));
    for (const [index, passed_ms] of [15_000, 5000].entries()) {
      await upstream.hasBeenAsked(index + 1);
      clock.advance(passed_ms);
    }
    expect(await fault).toContain('no answer within');
    expect([clock.now() - began, upstream.asked.length, clock.running]).toEqual([20_000, 2, 0]);
  });

  it('may take longer where the uplink is declared so, and rests for nobody for longer than that', async () => {
    const upstream = new Upstream().on('/ui', () => new Promise(() => {}));
    const { uplinks, clock } = opened([uplinkOf('main', { url: upstream.url, timeout_ms: 40_000, retries: 2 })]);
    const fault = faultOf(uplinks.packument('ui'));
    await upstream.hasBeenAsked(1);
    clock.advance(40_000);
    expect(await fault).toBe('no answer within 40000 ms');
    expect(upstream.asked).toHaveLength(1);
  });
});
