/**
 * A registry behind a registry, both real processes: what is passed on, what is told nobody, what is let through.
 * @module
 */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Upstream } from '../../packages/uplinks/upstream.ts';
import { startProgram, type RunningProgram } from '../fixtures.ts';

const BULK = '/-/npm/v1/security/advisories/bulk';
const PROXY = { features: { proxy_mode: true, cache_enabled: true } };

async function behind(upstream: string, env: Record<string, string> = {}): Promise<RunningProgram> {
  const registry = await startProgram(undefined, [], { C13_UPSTREAM: upstream, ...env });
  expect((await registry.call('PATCH', '/api/v1/configs/registry', PROXY)).status).toBe(200);
  return registry;
}

async function publish({ call }: RunningProgram, name: string, version = '1.0.0'): Promise<void> {
  const { status, body } = await call('PUT', `/${encodeURIComponent(name)}`, { name, version });
  expect([status, body.error]).toEqual([201, undefined]);
}

describe('a registry behind another', () => {
  test('serves its packages as its own, keeps them, and lives on without it', async () => {
    const back = await startProgram();
    await publish(back, '@tools/ui');
    const front = await behind(back.url);
    const { status, body, headers } = await front.call('GET', '/@tools%2fui');
    expect([status, body['dist-tags']]).toEqual([200, { latest: '1.0.0' }]);
    const { tarball, integrity } = body.versions['1.0.0'].dist;
    expect(tarball).toBe(`${front.url}/@tools/ui/-/ui-1.0.0.tgz`);
    const again = await front.call('GET', '/@tools/ui', undefined, { 'if-none-match': headers.get('etag')! });
    expect(again.status).toBe(304);
    for (const _time of ['from there', 'from here']) {
      const bytes = await (await fetch(tarball)).bytes();
      expect(`sha512-${createHash('sha512').update(bytes).digest('base64')}`).toBe(integrity);
    }
    const found = await front.call('GET', '/-/v1/search?text=tools');
    expect(found.body.objects.map((hit: any) => hit.package.name)).toEqual(['@tools/ui']);
    expect((await front.call('GET', '/-/npm/v1/keys')).body.keys).toHaveLength(2);
    expect((await front.call('GET', '/@tools%2fui/1.0.0')).body.version).toBe('1.0.0');
    back.child.kill('SIGKILL');
    await back.child.exited;
    expect((await fetch(tarball)).status).toBe(200);
    expect((await front.call('GET', '/@tools%2fui')).status).toBe(200);
    expect((await front.call('GET', '/other')).body).toMatchObject({
      code: 'ERR_UPLINK',
      details: { uplink: 'default' },
    });
    await front.call('PATCH', '/api/v1/configs/registry', { features: { proxy_mode: false } });
    expect((await front.call('GET', '/@tools%2fui')).status).toBe(404);
  });

  test('tells nobody of scopes that are its own, not even in an audit', async () => {
    const upstream = new Upstream()
      .serves('@acme/y', { '6.6.6': {} })
      .on(BULK, () => Response.json({ ui: [{ id: 1 }] }));
    const front = await behind(upstream.url);
    await publish(front, '@acme/x');
    upstream.asked.length = 0;
    expect((await front.call('GET', '/@acme%2fy')).status).toBe(404);
    expect((await front.call('GET', '/@acme/y/-/y-6.6.6.tgz')).status).toBe(404);
    expect(upstream.asked).toEqual([]);
    const sent = Bun.gzipSync(JSON.stringify({ ui: ['1.0.0'], '@acme/x': ['1.0.0'], '@acme/y': ['1.0.0'] }));
    const headers = { 'content-encoding': 'gzip', 'content-type': 'application/json' };
    const answer = await fetch(front.url + BULK, { method: 'POST', body: sent, headers });
    expect(await answer.json()).toEqual({ ui: [{ id: 1 }] });
    expect(upstream.asked.map(({ body }) => body)).toEqual(['{"ui":["1.0.0"]}']);
    const post = async (text: string): Promise<number> =>
      (await fetch(front.url + BULK, { method: 'POST', body: Bun.gzipSync(text), headers })).status;
    expect(await post('['.repeat(31_000_000)), 'far more than was sent').toBe(413);
    expect(await post('['.repeat(60_000)), 'deep').toBe(400);
    const names = Array.from({ length: 5001 }, (_, index) => [`p${(index * 7919) % 99_991}`, ['1.0.0']]);
    expect(await post(JSON.stringify(Object.fromEntries(names)))).toBe(400);
    expect(await post(JSON.stringify(Object.fromEntries(names.slice(1))))).toBe(200);
    upstream.asked.length = 0;
    for (const text of ['@ACME/x', 'ui scope:acme']) {
      expect((await front.call('GET', `/-/v1/search?text=${encodeURIComponent(text)}`)).status).toBe(200);
    }
    expect((await front.call('GET', '/@ACME%2fnever')).status).toBe(404);
    expect(upstream.asked).toEqual([]);
    const broken = await fetch(front.url + BULK, { method: 'POST', body: sent.slice(0, 20), headers });
    expect([broken.status, ((await broken.json()) as { code: string }).code]).toEqual([400, 'ERR_HEADER']);
  });

  test('lets through what filters let through, and shows no credentials', async () => {
    const upstream = new Upstream().serves('ui', { '1.0.0': {}, '1.1.0': {} });
    const front = await behind('none');
    const uplink = { url: upstream.url, credentials: { token: 'very-secret' } };
    const made = await front.call('PUT', '/api/v1/uplinks/main', uplink);
    expect(made.body).toMatchObject({ name: 'main', url: upstream.url, patterns: ['*'], hasCredentials: true });
    await front.call('PUT', '/api/v1/package-filters/bad', { effect: 'block', names: 'ui', versions: '1.1.x' });
    expect((await front.call('GET', '/ui')).body).toMatchObject({ 'dist-tags': { latest: '1.0.0' } });
    const blocked = await front.call('GET', '/ui/-/ui-1.1.0.tgz');
    expect([blocked.status, blocked.body.code, blocked.body.details.filter]).toEqual([
      403,
      'ERR_PACKAGE_BLOCKED',
      'bad',
    ]);
    expect(upstream.asked[0]?.headers.get('authorization')).toBe('Bearer very-secret');
    expect((await front.call('POST', '/api/v1/uplinks/main/test', {})).body).toMatchObject({
      isReached: true,
      status: 404,
    });
    const listed = await front.call('GET', '/api/v1/uplinks');
    const audited = await front.call('GET', '/api/v1/audit');
    expect(JSON.stringify([listed.body, made.body, audited.body])).not.toContain('very-secret');
    expect((await front.call('DELETE', '/api/v1/package-filters/bad')).status).toBe(204);
    expect((await front.call('GET', '/ui')).body['dist-tags']).toEqual({ latest: '1.1.0' });
    expect((await front.call('DELETE', '/api/v1/uplinks/main')).status).toBe(204);
    expect((await front.call('GET', '/ui')).status).toBe(404);
  });
});
