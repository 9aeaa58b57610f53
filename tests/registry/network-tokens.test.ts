/** Tokens that are taken from some networks alone, on a registry that runs behind a proxy it trusts. @module */
import { describe, expect, it, onTestFinished } from 'vitest';
import { startWithAdmin, withToken } from './identity-fixtures.ts';

const CONFIG = '/api/v1/configs/default';
const INSIDE = { 'x-forwarded-for': '192.0.2.7' };
const OUTSIDE = { 'x-forwarded-for': '198.51.100.7' };
const REFUSED = { code: 'ERR_FORBIDDEN', details: { rule: 'network' } };

async function start() {
  const { registry, ann } = await startWithAdmin(undefined, [], { C13_TRUSTED_PROXIES: '127.0.0.1' });
  const made = await ann.call('POST', '/api/v1/tokens', { name: 'ci', cidrs: ['192.0.2.0/24', '2001:db8::/32'] });
  expect([made.status, made.body.cidrs]).toEqual([201, ['192.0.2.0/24', '2001:db8::/32']]);
  return { registry, ann, id: made.body.id as string, ci: withToken(registry, made.body.secret) };
}

/** How a WebSocket ends that is opened from there: `open`, or the code it was closed with. */
async function listen(url: string, token: string, headers: Record<string, string>): Promise<string> {
  const options = { headers: { ...headers, authorization: `Bearer ${token}` } };
  const socket = new WebSocket(`${url.replace('http', 'ws')}/_dashboard/ws?name=default`, options as never);
  onTestFinished(() => socket.close());
  return await new Promise((resolve) => {
    socket.addEventListener('open', () => resolve('open'));
    socket.addEventListener('error', () => resolve('refused'));
  });
}

describe('a token of some networks', () => {
  it('is refused from elsewhere, also right after it was taken, and where a header only claims it', async () => {
    const { registry, ci } = await start();
    const from = async (headers: Record<string, string>) => await ci.call('GET', CONFIG, undefined, headers);
    expect((await from(INSIDE)).status).toBe(200);
    expect((await from({ 'x-forwarded-for': '2001:db8::7' })).status).toBe(200);
    const outside = await from(OUTSIDE);
    expect([outside.status, outside.body]).toMatchObject([403, REFUSED]);
    expect(outside.body.detail).toContain('198.51.100.7');
    // What a client has put before the address that the proxy saw.
    expect((await from({ 'x-forwarded-for': '192.0.2.7, 198.51.100.7' })).status).toBe(403);
    // The proxy itself is not there.
    expect((await from({})).body).toMatchObject(REFUSED);
    expect((await from(INSIDE)).status).toBe(200);
    const whole = await registry.call('GET', CONFIG, undefined, { 'x-api-key': ci.token, ...OUTSIDE });
    expect(whole.body).toMatchObject(REFUSED);
  });

  it('opens streams from there, which stay open when identities change, and none from elsewhere', async () => {
    const { registry, ann, ci } = await start();
    expect(await listen(registry.url, ci.token, OUTSIDE)).toBe('refused');
    const headers = { authorization: `Bearer ${ci.token}`, ...INSIDE };
    const answer = await fetch(`${registry.url}${CONFIG}/events`, { headers });
    expect(answer.status).toBe(200);
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    onTestFinished(async () => await reader.cancel());
    let text = '';
    const until = async (wanted: string): Promise<void> => {
      while (!text.includes(wanted)) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`the stream ended: ${text}`);
        text += value;
      }
    };
    await until('data:');
    await ann.call('POST', '/api/v1/users', { name: 'bob' });
    text = '';
    await ann.call('PATCH', CONFIG, { rows: 31 });
    await until('data:');
  });

  it('gives no ticket for events that is good elsewhere', async () => {
    const { registry, ci } = await start();
    const asked = await ci.call('POST', `${CONFIG}/ofrep/v1/evaluate/flags`, { context: {} }, INSIDE);
    expect(asked.status).toBe(200);
    const uri = asked.body.eventStreams[0].endpoint.requestUri as string;
    const outside = await registry.call('GET', uri, undefined, OUTSIDE);
    expect([outside.status, outside.body]).toMatchObject([403, REFUSED]);
    const inside = await fetch(registry.url + uri, { headers: INSIDE });
    expect(inside.status).toBe(200);
    await inside.body!.cancel();
  });

  it('keeps its networks when it is changed, and is made of networks alone', async () => {
    const { ann, ci, id } = await start();
    const changed = await ann.call('PATCH', `/api/v1/tokens/${id}`, { readOnly: true });
    expect(changed.body).toMatchObject({ readOnly: true, cidrs: ['192.0.2.0/24', '2001:db8::/32'] });
    expect((await ci.call('GET', CONFIG, undefined, OUTSIDE)).status).toBe(403);
    expect((await ann.call('PATCH', `/api/v1/tokens/${id}`, { cidrs: null })).status).toBe(400);
    for (const cidrs of [['10.0.0.0/33'], ['example.com'], [], [7], '10.0.0.0/8']) {
      const { status, body } = await ann.call('POST', '/api/v1/tokens', { name: 'x', cidrs });
      expect([status, body.code], JSON.stringify(cidrs)).toEqual([400, 'ERR_WRONG_TYPE']);
    }
  });
});
