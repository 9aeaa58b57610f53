/** Requests to real servers: connections, certificates, proxies, limits, redirects, and who gets a config. */
import { describe, expect, test } from 'vitest';
import { openNative } from '../../bindings/native.ts';
import { DEFAULT_CONFIG } from '../../src/config/value.ts';
import { DnsCache } from '../../src/proxy/dns.ts';
import { configHeaders } from '../../src/proxy/headers.ts';
import { withConfigHeaders } from '../../src/proxy/middleware.ts';
import { NO_PROXIES } from '../../src/proxy/route.ts';
import { Upstream, type UpstreamOptions } from '../../src/proxy/upstream.ts';
import { connectProxy, countingRelay, makeCertificate, serveOn, stuckPort } from './servers.ts';

const certificate = makeCertificate('DNS:up.example', 'IP:127.0.0.1');
const headers = configHeaders(DEFAULT_CONFIG, openNative());

function upstream(options: Partial<UpstreamOptions> = {}, addresses = ['127.0.0.1']): Upstream {
  const dns = new DnsCache({ resolve: async () => ({ addresses, ttl_s: 60 }) });
  return new Upstream({ dns, proxies: NO_PROXIES, ca: certificate.cert, ...options });
}

function fault(kind: string) {
  return { code: 'ERR_UPSTREAM', details: { fault: kind } };
}

/** Echoes what arrived. */
const echo = async (request: Request) =>
  Response.json({
    url: request.url,
    method: request.method,
    headers: [...request.headers],
    body: await request.text(),
  });

function ours(...origins: string[]): Pick<UpstreamOptions, 'sender'> {
  return { sender: { ours: new Set(origins), config: () => headers } };
}

const configSeen = (request: Request) =>
  Response.json([...request.headers.keys()].filter((name) => name.startsWith('x-bun')));

describe('connections', () => {
  test('go to the address that the cache has, with the name in Host and in TLS', async () => {
    const named = makeCertificate('DNS:up.example');
    const port = serveOn(echo, named);
    const answer = await upstream({ ca: named.cert }).fetch(`https://up.example:${port}/a?b`, {
      method: 'POST',
      body: 'text',
    });
    expect(await answer.json()).toMatchObject({ url: `https://up.example:${port}/a?b`, method: 'POST', body: 'text' });
  });

  test('are kept and used again, each over TLS', async () => {
    const relay = await countingRelay(serveOn(echo, certificate));
    const client = upstream();
    for (let i = 0; i < 5; i++) await (await client.fetch(`https://up.example:${relay.port}/`)).text();
    // One to see that the address accepts, and the one that is kept.
    expect(relay.count()).toBe(2);
    client.close();
    await (await client.fetch(`https://up.example:${relay.port}/`)).text();
    expect(relay.count()).toBe(4);
  });

  test('an address that refuses is passed over', async () => {
    const port = serveOn(echo);
    const answer = await upstream({}, ['127.0.0.99', '127.0.0.1']).fetch(`http://up.example:${port}/`);
    expect(answer.status).toBe(200);
  });

  test('an address in the URL needs no name', async () => {
    const dns = new DnsCache({ resolve: () => Promise.reject(new Error('never asked')) });
    const port = serveOn(echo, certificate);
    expect((await upstream({ dns }).fetch(`https://127.0.0.1:${port}/`)).status).toBe(200);
  });

  test('what moved elsewhere is found there', async () => {
    const dns = new DnsCache({ resolve: async () => ({ addresses: [address], ttl_s: 60 }) });
    let address = '127.0.0.1';
    const client = upstream({ dns });
    const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: echo });
    const { port } = server;
    await (await client.fetch(`http://up.example:${port}/`)).text();
    await server.stop(true);
    address = '127.0.0.2';
    const moved = Bun.serve({ port: port!, hostname: '127.0.0.2', fetch: echo });
    expect((await client.fetch(`http://up.example:${port}/`)).status).toBe(200);
    await moved.stop(true);
  });

  test.each([
    ['a name without address', 'dns', { dns: new DnsCache({ resolve: () => Promise.reject(new Error('no')) }) }],
    ['nobody who listens', 'connect', {}],
  ])('%s', async (_, kind, options) => {
    await expect(upstream(options).fetch('http://up.example:1/')).rejects.toMatchObject(fault(kind));
  });

  test.each([
    ['signed by nobody we trust', makeCertificate('DNS:up.example').cert],
    ['for another name', null],
  ])('a certificate %s', async (_, ca) => {
    const other = makeCertificate('DNS:other.example');
    const port = serveOn(echo, other);
    const wanted = upstream({ ca: ca ?? other.cert }).fetch(`https://up.example:${port}/`);
    await expect(wanted).rejects.toMatchObject(fault('tls'));
  });
});

describe('limits', () => {
  test('a server that takes no connections', async () => {
    const port = await stuckPort();
    const client = upstream({ limits: { connect_ms: 200 } });
    await expect(client.fetch(`http://up.example:${port}/`)).rejects.toMatchObject(fault('timeout'));
  });

  test('a server that never answers', async () => {
    const port = serveOn(() => new Promise(() => {}));
    const client = upstream({ limits: { idle_ms: 100 } });
    await expect(client.fetch(`http://up.example:${port}/`)).rejects.toMatchObject(fault('timeout'));
  });

  const dripping = (every_ms: number) =>
    new Response(
      new ReadableStream({
        async pull(controller) {
          controller.enqueue(new Uint8Array(100));
          await new Promise((resolve) => setTimeout(() => resolve(null), every_ms));
        },
      }),
    );

  test('a body that stops', async () => {
    const port = serveOn(() => dripping(1e6));
    const answer = await upstream({ limits: { idle_ms: 100 } }).fetch(`http://up.example:${port}/`);
    await expect(answer.bytes()).rejects.toMatchObject(fault('timeout'));
  });

  test('a body that drips for ever', async () => {
    const port = serveOn(() => dripping(5));
    const answer = await upstream({ limits: { total_ms: 200 } }).fetch(`http://up.example:${port}/`);
    await expect(answer.bytes()).rejects.toMatchObject(fault('timeout'));
  });

  test('a body that says it is too large, one that is, and one that swells', async () => {
    const bomb = Bun.gzipSync(new Uint8Array(10_000));
    const bodies: Record<string, () => Response> = {
      '/said': () => new Response(new Uint8Array(10_000)),
      '/is': () => dripping(0),
      '/swells': () => new Response(bomb, { headers: { 'content-encoding': 'gzip' } }),
    };
    const port = serveOn((request) => bodies[new URL(request.url).pathname]!());
    const client = upstream({ limits: { body_bytes: 1000 } });
    for (const path of Object.keys(bodies)) {
      const read = async () => await (await client.fetch(`http://up.example:${port}${path}`)).bytes();
      await expect(read(), path).rejects.toMatchObject(fault('size'));
    }
  });

  test('what was compressed is plain, and says so', async () => {
    const options = { headers: { 'content-encoding': 'gzip', 'content-type': 'text/plain' } };
    const port = serveOn(() => new Response(Bun.gzipSync('hello'), options));
    const answer = await upstream().fetch(`http://up.example:${port}/`);
    expect(Object.fromEntries(answer.headers)).not.toHaveProperty('content-encoding');
    expect(await answer.text()).toBe('hello');
  });

  test('the caller may lose patience first, before and within the answer', async () => {
    const port = serveOn(() => dripping(1e6));
    const reason = new Error('enough');
    await expect(upstream().fetch(`http://up.example:${port}/`, { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    const controller = new AbortController();
    const answer = await upstream().fetch(`http://up.example:${port}/`, { signal: controller.signal });
    const reader = answer.body!.getReader();
    await reader.read();
    const rest = reader.read();
    controller.abort(reason);
    await expect(rest).rejects.toBe(reason);
  });

  test('an answer without a body is whole', async () => {
    const port = serveOn(() => new Response(null, { status: 204 }));
    expect((await upstream().fetch(`http://up.example:${port}/`)).status).toBe(204);
    expect(await (await upstream().fetch(`http://up.example:${port}/`, { method: 'HEAD' })).text()).toBe('');
  });
});

describe('proxies', () => {
  test('https goes through CONNECT, http is forwarded; neither name is resolved here', async () => {
    const dns = new DnsCache({ resolve: () => Promise.reject(new Error('never asked')) });
    const proxy = await connectProxy();
    const proxies = { https: proxy.url.replace('//', '//ann:secret@'), http: proxy.url, without: [] };
    const [tls, plain] = [serveOn(echo, certificate), serveOn(echo)];
    const client = upstream({ dns, proxies });
    expect(await (await client.fetch(`https://up.example:${tls}/a`)).json()).toMatchObject({
      url: `https://up.example:${tls}/a`,
      headers: expect.not.arrayContaining([['proxy-authorization', expect.anything()]]),
    });
    expect((await client.fetch(`http://up.example:${plain}/b`)).status).toBe(200);
    expect(proxy.heads[0]).toMatch(new RegExp(`^CONNECT up\\.example:${tls} HTTP/1\\.1\r\n`));
    expect(proxy.heads[0]).toContain(`Proxy-Authorization: Basic ${btoa('ann:secret')}`);
    expect(proxy.heads[1]).toMatch(new RegExp(`^GET http://up\\.example:${plain}/b HTTP/1\\.1\r\n`));
  });

  test('are passed by where NO_PROXY says so', async () => {
    const proxy = await connectProxy();
    const port = serveOn(echo);
    const client = upstream({ proxies: { https: null, http: proxy.url, without: ['.example'] } });
    expect((await client.fetch(`http://up.example:${port}/`)).status).toBe(200);
    expect(proxy.heads).toEqual([]);
  });

  test.each([
    ['that refuses', '407 Proxy Authentication Required'],
    ['that fails', '502 Bad Gateway'],
  ])('a proxy %s', async (_, refusal) => {
    const proxy = await connectProxy(refusal);
    const client = upstream({ proxies: { https: proxy.url, http: null, without: [] } });
    await expect(client.fetch('https://up.example/')).rejects.toMatchObject(fault('proxy'));
  });
});

test('a proxy that is not there is said to be the fault', async () => {
  const client = upstream({ proxies: { https: 'http://ann:secret@127.0.0.1:1/', http: null, without: [] } });
  const wanted = client.fetch('https://up.example/');
  await expect(wanted).rejects.toMatchObject(fault('proxy'));
  await expect(wanted).rejects.toThrow(/^(?!.*secret).*no connection to the proxy http:\/\/127\.0\.0\.1:1$/);
});

test('every request is told of once', async () => {
  const outcomes: (number | string)[] = [];
  const client = upstream({ observe: ({ outcome, took_ms }) => outcomes.push(took_ms >= 0 ? outcome : -1) });
  const port = serveOn(() => new Response(null, { status: 404 }));
  await client.fetch(`http://up.example:${port}/`);
  await client.fetch('http://up.example:1/').catch(() => null);
  await client
    .fetch(`http://up.example:${port}/`, { signal: AbortSignal.abort(new Error('enough')) })
    .catch(() => null);
  expect(outcomes).toEqual([404, 'connect', 'aborted']);
});

describe('redirects', () => {
  test('are followed, and what belongs to one origin stays there', async () => {
    const other = serveOn(echo);
    const port = serveOn((request) =>
      new URL(request.url).pathname === '/a'
        ? new Response(null, { status: 302, headers: { location: '/b' } })
        : Response.redirect(`http://other.example:${other}/c`, 307),
    );
    const sent = { headers: { authorization: 'Bearer x', cookie: 'a=b', accept: 'text/plain' } };
    const seen = (await (await upstream().fetch(`http://up.example:${port}/a`, sent)).json()) as any;
    expect(seen.url).toBe(`http://other.example:${other}/c`);
    const names = Object.fromEntries(seen.headers);
    expect(names).toMatchObject({ accept: 'text/plain' });
    expect(names).not.toHaveProperty('authorization');
    expect(names).not.toHaveProperty('cookie');
  });

  test('are answered as they are to who does not follow, or writes', async () => {
    const port = serveOn(() => Response.redirect('http://other.example/', 307));
    expect((await upstream().fetch(`http://up.example:${port}/`, { follow: false })).status).toBe(307);
    expect((await upstream().fetch(`http://up.example:${port}/`, { method: 'PUT', body: 'x' })).status).toBe(307);
  });

  test.each(['file:///etc/passwd', 'javascript:1', 'http://', 'ftp://up.example/'])('not to %s', async (location) => {
    const port = serveOn(() => new Response(null, { status: 302, headers: { location } }));
    await expect(upstream().fetch(`http://up.example:${port}/`)).rejects.toMatchObject(fault('redirect'));
  });

  test('not from https to http, and not in circles', async () => {
    const down = serveOn(() => Response.redirect('http://up.example/', 302), certificate);
    await expect(upstream().fetch(`https://up.example:${down}/`)).rejects.toMatchObject(fault('redirect'));
    const circle = serveOn(() => new Response(null, { status: 302, headers: { location: '/' } }));
    await expect(upstream().fetch(`http://up.example:${circle}/`)).rejects.toMatchObject(fault('redirect'));
  });
});

describe('the config', () => {
  test('goes to a registry of ours, and to nobody else', async () => {
    const [friend, stranger] = [serveOn(configSeen), serveOn(configSeen)];
    const client = upstream(ours(`http://up.example:${friend}`));
    const seen = async (url: string) => await (await client.fetch(url)).json();
    expect((await seen(`http://up.example:${friend}/`)).toSorted()).toEqual(Object.keys(headers).toSorted());
    expect(await seen(`http://up.example:${stranger}/`)).toEqual([]);
    expect(await seen(`http://127.0.0.1:${friend}/`)).toEqual([]);
  });

  test('does not go along with a redirect to a stranger, and comes back with one to us', async () => {
    const stranger = serveOn(configSeen);
    const away = serveOn(() => Response.redirect(`http://stranger.example:${stranger}/`, 302));
    const client = upstream(ours(`http://up.example:${away}`));
    expect(await (await client.fetch(`http://up.example:${away}/`)).json()).toEqual([]);
    const friend = serveOn(configSeen);
    const home = serveOn(() => Response.redirect(`http://friend.example:${friend}/`, 302));
    const back = upstream(ours(`http://friend.example:${friend}`));
    expect(((await (await back.fetch(`http://up.example:${home}/`)).json()) as string[]).length).toBe(7);
  });

  test('is not what a caller says it is', () => {
    const sender = { ours: new Set(['https://ours.example']), config: () => headers };
    const given = { 'X-Bun-Terminal-Rows': '99', 'x-bun-other': '1', accept: '*/*' };
    expect(Object.fromEntries(withConfigHeaders(new URL('https://a.example'), given, sender))).toEqual({
      accept: '*/*',
    });
    const sent = Object.fromEntries(withConfigHeaders(new URL('https://ours.example/x'), given, sender));
    expect(sent).toEqual({ accept: '*/*', ...headers });
    for (const url of ['https://ours.example:444', 'http://ours.example', 'https://ours.example.evil.example']) {
      expect([...withConfigHeaders(new URL(url), {}, sender).keys()], url).toEqual([]);
    }
  });
});

describe('an address that somebody else names', () => {
  const closed = fault('private');

  test('is no way into the network that this machine stands in', async () => {
    let asked = 0;
    const port = serveOn(() => new Response(`${asked++}`));
    const resolve = async (host: string) => ({
      addresses: [host === 'open.example' ? '192.0.2.1' : '127.0.0.1'],
      ttl_s: 60,
    });
    const client = upstream({ dns: new DnsCache({ resolve }) });
    const from = { namedBy: 'https://open.example/registry' };
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '0x7f000001', 'inside.example']) {
      await expect(client.fetch(`http://${host}:${port}/`, from), host).rejects.toMatchObject(closed);
    }
    expect(asked).toBe(0);
    expect((await client.fetch(`http://inside.example:${port}/`)).status, 'named by nobody').toBe(200);
    const inside = { namedBy: 'http://inside.example/registry' };
    expect((await client.fetch(`http://inside.example:${port}/`, inside)).status, 'named by a neighbour').toBe(200);
  });

  test('is not dialled in a private network where it has a public address too', async () => {
    const port = serveOn(() => new Response('inside'));
    const resolve = async (host: string) => ({
      addresses: host === 'open.example' ? ['192.0.2.1'] : ['127.0.0.1', '192.0.2.1'],
      ttl_s: 60,
    });
    const client = upstream({ dns: new DnsCache({ resolve }), limits: { connect_ms: 50 } });
    const both = client.fetch(`http://both.example:${port}/`, { namedBy: 'https://open.example' });
    await expect(both).rejects.toMatchObject({
      code: 'ERR_UPSTREAM',
      details: { fault: expect.stringMatching(/^(?:timeout|connect)$/) },
    });
  });

  test('goes through no proxy either where it says so itself', async () => {
    const proxy = await connectProxy();
    const client = upstream({ proxies: { https: null, http: proxy.url, without: [] } });
    const from = { namedBy: 'http://open.example' };
    await expect(client.fetch('http://10.0.0.1/', from)).rejects.toMatchObject(closed);
    expect(proxy.heads).toEqual([]);
  });
});
