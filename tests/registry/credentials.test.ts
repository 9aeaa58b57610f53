/** Where a request says who makes it: two headers, one meaning. @module */
import { describe, expect, it } from 'vitest';
import { authorizationOf, credentialsOf, plainAuthorizationOf } from '../../src/registry/credentials.ts';
import { headOf, startWithAdmin, withToken } from './identity-fixtures.ts';

const DEFAULT = '/api/v1/configs/default';

describe('the headers', () => {
  it.each([
    [{}, null],
    [{ authorization: 'Bearer a' }, 'Bearer a'],
    [{ 'x-api-key': 'a' }, 'Bearer a'],
    [{ 'x-api-key': '' }, 'Bearer '],
    [{ 'x-api-key': 'a', authorization: 'Bearer a' }, 'Bearer a'],
    [{ 'x-api-key': 'a', authorization: 'bearer   a' }, 'bearer   a'],
  ])('%j say %j', (headers, said) => expect(authorizationOf(new Headers(headers))).toBe(said));

  it.each([
    [{ 'x-api-key': 'a', authorization: 'Bearer b' }],
    [{ 'x-api-key': 'a', authorization: 'Basic a' }],
    [{ 'x-api-key': 'a', authorization: '' }],
    [{ 'x-api-key': '', authorization: 'Bearer a' }],
  ])('%j are refused', (headers) => {
    expect(() => authorizationOf(new Headers(headers))).toThrow(
      expect.objectContaining({ code: 'ERR_UNAUTHENTICATED' }),
    );
    expect(plainAuthorizationOf(credentialsOf(new Headers(headers)))).toBeNull();
  });
});

describe('X-API-Key', () => {
  it('is worth what Authorization is, before the router and behind it, and both only if they agree', async () => {
    const { registry, ann } = await startWithAdmin();
    const { body } = await ann.call('POST', '/api/v1/tokens', { name: 'ci' });
    const { body: narrow } = await ann.call('POST', '/api/v1/tokens', { name: 'ro', readOnly: true });
    const ask = async (headers: Record<string, string>, path = DEFAULT) =>
      await registry.call('GET', path, undefined, headers);
    const key = { 'x-api-key': body.secret };
    const hot = async () =>
      Number(/c13_config_reads_total\{from="hot"\} (\d+)/.exec((await ann.call('GET', '/metrics')).body)![1]);
    expect((await ask(key, '/api/v1/whoami')).body).toMatchObject({ actor: 'ann/ci', kind: 'token' });
    await ask(key);
    const before = await hot();
    for (let i = 0; i < 3; i++) expect((await ask(key)).status).toBe(200);
    expect(await hot()).toBe(before + 3);
    expect((await ask({ ...key, authorization: `Bearer ${body.secret}` })).status).toBe(200);
    for (const headers of [
      { ...key, authorization: `Bearer ${narrow.secret}` },
      { ...key, authorization: 'Bearer x' },
      { 'x-api-key': 'x', authorization: `Bearer ${body.secret}` },
      { 'x-api-key': `${body.secret}, ${body.secret}` },
      { 'x-api-key': `Bearer ${body.secret}` },
      { 'x-api-key': '' },
    ]) {
      const { status, body: answer } = await ask(headers);
      expect([status, answer.code], JSON.stringify(headers)).toEqual([401, 'ERR_UNAUTHENTICATED']);
    }
    expect(await hot()).toBe(before + 3);
    const head = await headOf(ann);
    const both = { ...key, authorization: `Bearer ${narrow.secret}` };
    expect((await registry.call('PATCH', DEFAULT, { rows: 40 }, both)).status).toBe(401);
    expect((await registry.call('PATCH', DEFAULT, { rows: 40 }, { 'x-api-key': narrow.secret })).status).toBe(403);
    expect(await headOf(ann)).toBe(head);
    expect((await registry.call('PATCH', DEFAULT, { rows: 40 }, key)).status).toBe(200);
  });

  it('carries a session too, ends it, and is not in the log', async () => {
    const { registry, ann } = await startWithAdmin();
    await ann.call('PATCH', '/api/v1/configs/registry', { features: { verbose: true } });
    const { body: token } = await ann.call('POST', '/api/v1/tokens', { name: 'ci' });
    const session = { 'x-api-key': ann.token };
    expect((await registry.call('GET', '/api/v1/whoami', undefined, session)).body).toMatchObject({ kind: 'user' });
    expect((await registry.call('POST', '/api/v1/logout', undefined, session)).status).toBe(204);
    expect((await ann.call('GET', '/api/v1/whoami')).status).toBe(401);
    expect((await registry.call('GET', DEFAULT, undefined, { 'x-api-key': token.secret })).status).toBe(200);
    expect((await withToken(registry, token.secret).call('GET', DEFAULT)).status).toBe(200);
    registry.child.kill('SIGTERM');
    const log = await new Response(registry.child.stderr).text();
    expect(log).toContain('x-api-key');
    expect([log.includes(token.secret), log.includes(ann.token)]).toEqual([false, false]);
  });
});
