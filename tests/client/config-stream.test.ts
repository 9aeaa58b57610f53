/** The client that follows a config, against a registry that really runs, is killed, and comes back. @module */
import { describe, expect, it, onTestFinished } from 'vitest';
import { openReference } from '../../bindings/reference.ts';
import { openConfigStream, type ConfigStream } from '../../src/client/config-stream.ts';
import type { ConfigStreamOptions, StreamEvent } from '../../src/client/config-stream.ts';
import { StreamState, type StreamedConfig } from '../../src/client/stream-state.ts';
import { DEFAULT_CONFIG } from '../../src/config/value.ts';
import { framesOf, type ServerMessage } from '../../src/websocket/subprotocol.ts';
import { startProgram } from '../registry/fixtures.ts';
import { makeUser, startWithAdmin, type Somebody } from '../registry/identity-fixtures.ts';

const SHOP = '/api/v1/configs/shop';
const HOUR_MS = 3_600_000;
const core = openReference();

/** A stream, and the way to wait for what it tells. */
function follow(options: Omit<ConfigStreamOptions, 'onChange'>) {
  const seen: StreamedConfig[] = [];
  const errors: string[] = [];
  const events: StreamEvent[] = [];
  let wake = (): void => {};
  const stream: ConfigStream = openConfigStream({
    ...options,
    onChange: (config) => {
      seen.push(config);
      wake();
    },
    onError: ({ code }) => {
      errors.push(code);
      wake();
    },
    onEvent: (event) => {
      events.push(event);
      options.onEvent?.(event);
      wake();
    },
  });
  onTestFinished(() => stream.close());
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { stream, seen, errors, events, until };
}

async function set({ call }: Pick<Somebody, 'call'>, body: object): Promise<number> {
  const { status, body: written } = await call('PATCH', SHOP, body);
  if (status !== 200) throw new Error(JSON.stringify(written));
  return written.config.revision;
}

describe('openConfigStream', () => {
  it('has the config as it is, and each change whole', async () => {
    const { registry, ann } = await startWithAdmin();
    await ann.call('POST', '/api/v1/configs', { name: 'shop', rows: 30 });
    const { stream, seen, until } = follow({ url: registry.url, name: 'shop', token: ann.token });
    expect([stream.current, stream.isEnabled('debug')]).toEqual([null, false]);
    await stream.ready;
    expect(stream.current).toMatchObject({ revision: 1, config: { rows: 30 } });
    const revision = await set(ann, { rows: 50, features: { debug: true }, rollouts: { metrics: 100 } });
    await until(() => stream.current!.revision === revision);
    expect(seen.map((one) => one.revision)).toEqual([1, revision]);
    expect([stream.isEnabled('debug'), stream.isEnabled('metrics')]).toEqual([true, false]);
    expect([stream.isEnabledFor('metrics', 'ann'), stream.isEnabledFor('logging', 'ann')]).toEqual([true, false]);
    expect(() => stream.isEnabled('metrix')).toThrow(expect.objectContaining({ code: 'ERR_UNKNOWN_FEATURE' }));
    const { body } = await ann.call('GET', SHOP);
    expect(`0x${stream.current!.bytes.toHex()}`).toBe(body.hex);
  });

  it('comes back after a kill and has what it missed', async () => {
    const { registry, ann } = await startWithAdmin();
    await ann.call('POST', '/api/v1/configs', { name: 'shop', rows: 30 });
    const { stream, seen, until } = follow({ url: registry.url, name: 'shop', token: ann.token });
    await stream.ready;
    registry.child.kill('SIGKILL');
    await registry.child.exited;
    const again = await startProgram(registry.data, ['--port', new URL(registry.url).port]);
    const headers = { authorization: `Bearer ${ann.token}` };
    const call: Somebody['call'] = (method, path, body) => again.call(method, path, body, headers);
    await set({ call }, { rows: 31 });
    const revision = await set({ call }, { rows: 31, cols: 99 });
    await until(() => stream.current!.revision === revision);
    expect(seen.at(-1)).toMatchObject({ config: { rows: 31, cols: 99 } });
  });

  it('flips what is scheduled at its moment, also while nobody is there to tell it', async () => {
    const { registry, ann } = await startWithAdmin();
    await ann.call('POST', '/api/v1/configs', { name: 'shop', rows: 30 });
    // Far ahead by its own clock: what counts is the server's. Its moment comes when the connection is lost.
    let ahead_ms = 24 * HOUR_MS;
    const clock = (): number => Date.now() + ahead_ms;
    const onEvent = ({ type }: StreamEvent): void => void (type === 'lost' && (ahead_ms += 2 * HOUR_MS));
    const { stream, seen, until } = follow({ url: registry.url, name: 'shop', token: ann.token, clock, onEvent });
    await stream.ready;
    const at = Date.now() + HOUR_MS;
    const operations = [{ name: 'shop', set: { features: { debug: true }, rollouts: { metrics: 30 } } }];
    const asked = await ann.call('POST', '/api/v1/change-requests', { operations, at });
    expect(asked.body).toMatchObject({ state: 'scheduled' });
    const cancelled = await ann.call('POST', '/api/v1/change-requests', {
      operations: [{ name: 'shop', set: { rows: 99 } }],
      at: at + 60_000,
    });
    await ann.call('POST', `/api/v1/change-requests/${cancelled.body.id}/cancel`, {});
    // What was told before this has been heard.
    const revision = await set(ann, { rows: 31 });
    await until(() => stream.current!.revision === revision);
    registry.child.kill('SIGKILL');
    await registry.child.exited;
    await until(() => stream.isEnabled('debug'));
    expect(seen).toMatchObject([
      { revision: 1 },
      { revision, config: { rows: 31, featureFlags: 0 }, rollouts: {}, ahead: [] },
      { revision, config: { rows: 31, featureFlags: 4 }, rollouts: { metrics: 30 }, ahead: [asked.body.id] },
    ]);
  });

  it('flips nothing early, however its own clock goes, and tells what happens beside', async () => {
    const { registry, ann } = await startWithAdmin();
    await ann.call('POST', '/api/v1/configs', { name: 'shop', rows: 30 });
    const request = { operations: [{ name: 'shop', set: { features: { debug: true } } }], at: Date.now() + HOUR_MS };
    const { id } = (await ann.call('POST', '/api/v1/change-requests', request)).body;
    const clock = (): number => Date.now() + 24 * HOUR_MS;
    const { seen, events, until } = follow({ url: registry.url, name: 'shop', token: ann.token, clock });
    await until(() => events.length === 2);
    await ann.call('POST', `/api/v1/change-requests/${id}/cancel`, {});
    await ann.call('DELETE', SHOP);
    await until(() => events.length === 4);
    registry.child.kill('SIGKILL');
    await until(() => events.length === 5);
    expect(events).toMatchObject([
      { type: 'connected' },
      { type: 'scheduled', id, at: request.at, patch: { on: 4 } },
      { type: 'cancelled', id },
      { type: 'deleted', revision: 2 },
      { type: 'lost' },
    ]);
    expect(seen.map(({ revision, config }) => [revision, config.featureFlags])).toEqual([
      [1, 0],
      [2, 0],
    ]);
  });

  it('says so when its token is revoked, and does not come back', async () => {
    const { registry, ann } = await startWithAdmin();
    const { body } = await ann.call('POST', '/api/v1/tokens', { name: 'app' });
    const { stream, errors, until } = follow({ url: registry.url, name: 'default', token: body.secret });
    await stream.ready;
    await ann.call('DELETE', `/api/v1/tokens/${body.id}`);
    await until(() => errors.length > 0);
    expect(errors).toEqual(['ERR_UNAUTHENTICATED']);
    expect(stream.isClosed).toBe(true);
  });

  it('says why it is not let in, and does not ask again', async () => {
    const { registry, ann } = await startWithAdmin();
    const bob = await makeUser(registry, ann, 'bob');
    const refusals = [
      ['default', 'nonsense', 'ERR_UNAUTHENTICATED'],
      ['default', bob.token, 'ERR_FORBIDDEN'],
      ['nobody', ann.token, 'ERR_NOT_FOUND'],
    ] as const;
    for (const [name, token, code] of refusals) {
      const { stream, errors } = follow({ url: registry.url, name, token });
      await expect(stream.ready).rejects.toMatchObject({ code });
      expect([errors, stream.isClosed, stream.current]).toEqual([[code], true, null]);
    }
  });

  it('says once that nobody is there, or lets no WebSocket through, and goes on', async () => {
    const { registry, ann } = await startWithAdmin();
    registry.child.kill('SIGKILL');
    await registry.child.exited;
    const { stream, errors, until } = follow({ url: registry.url, name: 'default', token: ann.token });
    await until(() => errors.length > 0);
    const port = Number(new URL(registry.url).port);
    let tries = 0;
    const proxy = Bun.serve({
      port,
      hostname: '127.0.0.1',
      fetch: ({ url }) => new Response('{}', { status: url.includes('/_dashboard/ws') && ++tries > 0 ? 400 : 200 }),
    });
    onTestFinished(() => proxy.stop(true));
    await until(() => errors.length > 1);
    const before = tries;
    while (tries < before + 2) await new Promise<void>((resolve) => setImmediate(resolve));
    expect([errors, stream.isClosed]).toEqual([['ERR_REGISTRY_UNREACHABLE', 'ERR_STREAM'], false]);
    await proxy.stop(true);
    await startProgram(registry.data, ['--port', String(port)]);
    await stream.ready;
    expect(stream.current).toMatchObject({ ahead: [] });
  });

  it('closed before it knew anything, keeps nobody waiting', async () => {
    const { stream, errors } = follow({ url: 'http://127.0.0.1:1', name: 'default' });
    stream.close();
    await expect(stream.ready).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    expect([errors, stream.isClosed]).toEqual([[], true]);
  });
});

describe('StreamState', () => {
  const at = DEFAULT_CONFIG;
  const known = { name: 'shop', config: at, rollouts: {}, features: { debug: 2 }, serverTime: 0 };
  const snapshot = (revision: number): ServerMessage => ({ type: 'snapshot', revision, ...known });
  const feed = (state: StreamState, after: object, revision: number) =>
    framesOf(at, { ...at, ...after }, revision)!.map((frame) => state.takeFrame(core.frameEncode(frame)));

  it('counts frames only once the heartbeat closes them', () => {
    const state = new StreamState();
    expect([state.at(0), feed(state, {}, 1)]).toEqual([null, ['snapshot']]);
    state.take(snapshot(1));
    const [update, toggle, heartbeat] = framesOf(at, { ...at, terminalMode: 2, featureFlags: 4 }, 2)!;
    for (const frame of [update!, toggle!]) state.takeFrame(core.frameEncode(frame));
    state.take({ type: 'rollouts', revision: 2, rollouts: { debug: 5 } });
    expect(state.at(0)).toMatchObject({ revision: 1, config: at, rollouts: {} });
    state.takeFrame(core.frameEncode(heartbeat!));
    expect(state.at(0)).toMatchObject({
      revision: 2,
      config: { terminalMode: 2, featureFlags: 4 },
      rollouts: { debug: 5 },
    });
  });

  it('asks once for what it missed, and takes the answer whatever its revision', () => {
    const state = new StreamState();
    state.take(snapshot(1));
    expect(feed(state, { rows: 9 }, 5)).toEqual([null, 'resume']);
    expect(feed(state, { rows: 9 }, 6)).toEqual([null, null]);
    expect(state.at(0)).toMatchObject({ revision: 1, config: at });
    state.take({ ...snapshot(6), type: 'resumed', from: 1 } as ServerMessage);
    feed(state, { rows: 10 }, 6);
    expect(state.at(0)).toMatchObject({ revision: 6, config: { rows: 10 } });
    expect(feed(state, {}, 3)).toEqual([null]);
    expect(state.revision).toBe(6);
  });

  it('has what is scheduled from its moment on, until the stream says what became of it', () => {
    const state = new StreamState();
    state.take(snapshot(1));
    const patch = { on: 4, off: 0, rollouts: { debug: 0, metrics: 50 }, fields: { rows: 99 } };
    state.take({ type: 'scheduled', id: 'a', at: 1000, patch });
    state.take({ type: 'scheduled', id: 'b', at: 2000, patch: { ...patch, on: 0, off: 4 } });
    expect([state.nextAfter(0), state.nextAfter(1000), state.nextAfter(2000)]).toEqual([1000, 2000, null]);
    expect(state.at(999)!.config.featureFlags).toBe(0);
    expect(state.at(1000)).toMatchObject({ config: { featureFlags: 4, rows: 99 }, rollouts: { metrics: 50 } });
    expect(state.at(2000)!.config.featureFlags).toBe(0);
    // Only what makes a difference is ahead of the revision.
    expect([999, 1000, 2000].map((time) => state.at(time)!.ahead)).toEqual([[], ['a'], ['a', 'b']]);
    const made = { config: { ...at, featureFlags: 4, rows: 99 }, rollouts: { metrics: 50 } };
    state.take({ type: 'change', revision: 2, ...made });
    expect(state.at(1000)).toMatchObject({ revision: 2, ahead: [], ...made });
    state.take({ type: 'change', revision: 3, config: at, rollouts: {} });
    state.take({ type: 'cancelled', id: 'b' });
    expect(state.at(2000)!.config.featureFlags).toBe(4);
    state.take({ type: 'done', id: 'a' });
    expect(state.at(2000)!.config).toEqual(at);
    // Who comes back is told anew what is scheduled.
    state.take({ type: 'scheduled', id: 'c', at: 1, patch });
    state.disconnected();
    expect(state.at(1)!.config.featureFlags).toBe(4);
    state.take(snapshot(1));
    expect(state.at(1)!.config).toEqual(at);
  });
});
