/**
 * How clients reach a registry, and what it says of those that it reaches itself: a real process, asked by the names
 * that a machine has for itself.
 * @module
 */
import { describe, expect, test } from 'vitest';
import { Upstream } from '../../packages/uplinks/upstream.ts';
import { startProgram, type RunningProgram } from '../fixtures.ts';
import { startWithAdmin } from '../identity-fixtures.ts';
import { pathOf, publish } from './package-fixtures.ts';

const BULK = '/-/npm/v1/security/advisories/bulk';

function tarballOf(body: any): string {
  return body.versions['1.0.0'].dist.tarball as string;
}

async function on({ call }: RunningProgram, features: Record<string, boolean>): Promise<void> {
  expect((await call('PATCH', '/api/v1/configs/registry', { features })).status).toBe(200);
}

/** Closes its tests' way out of the registry: it ends with the program. */
async function linesOf({ child }: RunningProgram): Promise<string> {
  child.kill('SIGTERM');
  return await new Response(child.stderr).text();
}

describe('a registry that listens on loopback', () => {
  test('names tarballs as it is called, if that is a name of this machine alone', async () => {
    const upstream = new Upstream().serves('theirs', { '1.0.0': {} });
    const { registry, ann } = await startWithAdmin(undefined, [], { C13_UPSTREAM: upstream.url });
    await ann.call('PATCH', '/api/v1/configs/registry', { features: { proxy_mode: true, cache_enabled: true } });
    await publish(ann.call, 'ui', '1.0.0');
    const { port } = new URL(registry.url);
    const token = (await ann.call('POST', '/api/v1/tokens', { name: 'ci' })).body.secret as string;
    const ask = async (name: string, host: string): Promise<[string, string | null]> => {
      const headers = { host, authorization: `Bearer ${token}` };
      const answer = await fetch(registry.url + pathOf(name), { headers });
      return [tarballOf(await answer.json()), answer.headers.get('etag')];
    };
    for (const name of ['ui', 'theirs']) {
      // The second time from what is held, where the server hands the request over.
      for (const _time of [1, 2, 3]) {
        const tags = new Set<string | null>();
        for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]) {
          const [tarball, etag] = await ask(name, host);
          expect(tarball).toBe(`http://${host}/${name}/-/${name}-1.0.0.tgz`);
          tags.add(etag);
        }
        expect(tags.size).toBe(3);
        for (const host of ['evil.example', `evil.example:${port}`, 'localhost:1', `127.0.0.2:${port}`, 'localhost']) {
          expect((await ask(name, host))[0], host).toBe(`${registry.url}/${name}/-/${name}-1.0.0.tgz`);
        }
      }
    }
    await publish(ann.call, 'ui', '1.1.0');
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`]) {
      const headers = { host, authorization: `Bearer ${token}` };
      const body = (await (await fetch(registry.url + pathOf('ui'), { headers })).json()) as any;
      expect(Object.keys(body.versions), 'nothing old is held under any name').toEqual(['1.0.0', '1.1.0']);
    }
  });

  test('is called as its setting says, where there is one', async () => {
    const registry = await startProgram(undefined, [], { C13_PUBLIC_URL: 'https://packages.example' });
    await registry.call('PUT', '/ui', { name: 'ui', version: '1.0.0' });
    const { port } = new URL(registry.url);
    const answer = await registry.call('GET', '/ui', undefined, { host: `localhost:${port}` });
    expect(tarballOf(answer.body)).toBe('https://packages.example/ui/-/ui-1.0.0.tgz');
  });
});

describe('uplinks', () => {
  test('are never the registry itself', async () => {
    const registry = await startProgram(undefined, [], { C13_PUBLIC_URL: 'https://packages.example' });
    const { port } = new URL(registry.url);
    const own = [`http://localhost:${port}`, `http://[::1]:${port}/`, registry.url, 'https://packages.example/x'];
    for (const url of own) {
      const { status, body } = await registry.call('PUT', '/api/v1/uplinks/self', { url });
      expect([url, status, body.code, body.details?.field]).toEqual([url, 400, 'ERR_WRONG_TYPE', 'url']);
    }
    const other = `http://localhost:${port === '1' ? 2 : 1}`;
    expect((await registry.call('PUT', '/api/v1/uplinks/other', { url: other })).status).toBe(200);
  });

  test('that are not asked say so, and are not asked', async () => {
    const upstream = new Upstream().serves('ui', { '1.0.0': {} });
    const registry = await startProgram(undefined, [], { C13_UPSTREAM: upstream.url });
    await on(registry, { proxy_mode: false });
    const listed = await registry.call('GET', '/api/v1/uplinks');
    expect(listed.body.whyNobody).toContain('proxy_mode');
    expect(listed.body.default).toEqual({ url: upstream.url, reason: null });
    const tested = await registry.call('POST', '/api/v1/uplinks/default/test', {});
    expect(tested.body).toMatchObject({ isReached: false, status: null });
    expect(tested.body.fault).toContain('proxy_mode');
    expect((await registry.call('GET', '/ui')).body.hint).toContain('No uplink is asked: the feature proxy_mode');
    expect(upstream.asked).toEqual([]);
    await on(registry, { proxy_mode: true });
    expect((await registry.call('GET', '/api/v1/uplinks')).body.whyNobody).toBeNull();
    expect((await registry.call('GET', '/nothing')).body.hint).not.toContain('No uplink');
    const offline = await startProgram(undefined, [], { C13_UPSTREAM: upstream.url, C13_OFFLINE: 'on' });
    await on(offline, { proxy_mode: true });
    expect((await offline.call('POST', '/api/v1/uplinks/default/test', {})).body.fault).toContain('C13_OFFLINE');
    expect(upstream.asked.map(({ path }) => path)).toEqual(['/nothing']);
  });

  test('that there are none of say why', async () => {
    const registry = await startProgram(undefined, [], { C13_UPSTREAM: 'none' });
    await on(registry, { proxy_mode: true });
    const { body } = await registry.call('GET', '/api/v1/uplinks');
    expect(body).toEqual({
      uplinks: [],
      whyNobody: expect.stringContaining('C13_UPSTREAM is none'),
      default: { url: null, reason: expect.stringContaining('C13_UPSTREAM is none') },
    });
    expect((await registry.call('GET', '/nothing')).body.hint).toContain('No uplink is asked: C13_UPSTREAM is none');
    await registry.call('PUT', '/api/v1/uplinks/ours', { url: null, patterns: ['@acme/*'] });
    expect((await registry.call('GET', '/api/v1/uplinks')).body).toMatchObject({
      whyNobody: expect.stringContaining('none is switched on'),
      default: { url: null, reason: 'uplinks are declared' },
    });
  });

  test('that do not audit are an error, not a clean bill', async () => {
    for (const status of [404, 405, 410]) {
      const upstream = new Upstream().on(BULK, () => new Response('', { status }));
      const registry = await startProgram(undefined, [], { C13_UPSTREAM: upstream.url });
      await on(registry, { proxy_mode: true });
      const answer = await registry.call('POST', BULK, { ui: ['1.0.0'] });
      expect([answer.status, answer.body.code]).toEqual([502, 'ERR_UPLINK']);
      await on(registry, { proxy_mode: false });
      expect((await registry.call('POST', BULK, { ui: ['1.0.0'] })).body, 'nobody to ask').toEqual({});
    }
  });

  test('of whose versions a filter hides all say which', async () => {
    const upstream = new Upstream().serves('ui', { '1.0.0': {}, '1.1.0': {} });
    const registry = await startProgram(undefined, [], { C13_UPSTREAM: upstream.url });
    await on(registry, { proxy_mode: true });
    await registry.call('PUT', '/api/v1/package-filters/some', { effect: 'block', names: 'ui', versions: '1.1.x' });
    expect((await registry.call('GET', '/ui')).headers.get('npm-notice')).toBeNull();
    await registry.call('PUT', '/api/v1/package-filters/all', { effect: 'block', names: 'ui' });
    const { status, headers, body } = await registry.call('GET', '/ui');
    expect([status, body.versions]).toEqual([200, {}]);
    expect(headers.get('npm-notice')).toContain('all');
  });
});

test('the log says why a publish was refused, and what an uplink did', async () => {
  const upstream = new Upstream().on('/down', () => new Response('', { status: 401 }));
  const registry = await startProgram(undefined, [], { C13_UPSTREAM: upstream.url });
  await on(registry, { proxy_mode: true });
  expect((await registry.call('PUT', '/ui', { name: 'ui', version: 'one' })).status).toBe(400);
  expect((await registry.call('GET', '/down')).status).toBe(502);
  const text = await linesOf(registry);
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const requests = lines.filter(({ msg }) => msg === 'request').map(({ path, code }) => [path, code]);
  expect(requests).toContainEqual(['/ui', 'ERR_PACKAGE_VERSION']);
  expect(requests).toContainEqual(['/down', 'ERR_UPLINK']);
  const told = lines.filter(({ level }) => level !== 'info').map(({ msg }) => String(msg));
  expect(told.filter((line) => line.includes('ERR_PACKAGE_VERSION') && line.includes('one'))).toHaveLength(1);
  expect(told.filter((line) => line.includes('/down') && line.includes('refuses us'))).toHaveLength(1);
});
