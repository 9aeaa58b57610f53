/**
 * The hub on real sockets and a real journal, looked after by hand: who does not read, who is told, what breaks.
 * @module
 */
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { BUILTIN_FEATURES } from '../../src/config/features.ts';
import { Flags } from '../../src/flags/flags.ts';
import { core } from '../../src/live/core.ts';
import { bootstrap } from '../../src/registry/bootstrap.ts';
import { serve } from '../../src/registry/serve.ts';
import type { Entry } from '../../src/journal/journal.ts';
import { ConfigError } from '../../src/errors/errors.ts';
import type { Connection, Visitor } from '../../src/websocket/connection.ts';
import { Hub } from '../../src/websocket/hub.ts';
import { ERROR_FRAME, type ServerMessage } from '../../src/websocket/subprotocol.ts';
import { tempDirectory } from '../registry/fixtures.ts';
import { handshake, Probe, textFrame, type RawSocket } from './probe.ts';

const QUERY = 'name=default';
const MEGABYTE = 1024 * 1024;

const VISITOR = { refused: () => null, spend: () => {}, write: async () => false, mayKnow: () => true, left: () => {} };

async function openHub(behaviour: Partial<Visitor> = {}) {
  const { operations } = await bootstrap(join(tempDirectory(), 'data'));
  const { store } = operations;
  onTestFinished(() => store.close());
  const told = { dropped: [] as string[], left: 0, sockets: 0, log: [] as string[], looks: 0, reads: 0 };
  const seen = { mask: 0 };
  const hub = new Hub({
    journal: {
      query: (...asked) => {
        told.reads++;
        return store.journal.query(...asked);
      },
    },
    core: core().backend,
    look: async () => {
      told.looks++;
      return { features: BUILTIN_FEATURES, mask: seen.mask, flags: [] };
    },
    upcoming: async () => [],
    now: Date.now,
    isBinary: () => true,
    counted: (sockets) => void (told.sockets = sockets),
    dropped: (why) => void told.dropped.push(why),
    log: (line) => void told.log.push(line),
  });
  const visitor = { ...VISITOR, left: () => void told.left++, ...behaviour };
  const connections: Connection[] = [];
  const served = serve({
    host: '127.0.0.1',
    port: 0,
    hot: {},
    failed: () => new Response(null, { status: 500 }),
    answer: async (_, { upgrade }) => {
      const connection = (await hub.join('default', 'all')).connect(visitor, null);
      connections.push(connection);
      return new Response(null, { status: upgrade(connection, null) ? 101 : 400 });
    },
  });
  onTestFinished(() => served.stop());
  hub.publishWith((topic, data) => served.publish(topic, data));
  const entries: Entry[] = [];
  store.journal.onAppend((some) => void entries.push(...some));
  const after = async (work: Promise<unknown>): Promise<readonly Entry[]> => {
    await work;
    return entries.splice(0);
  };
  const write = (input: Readonly<Record<string, unknown>>) =>
    after(operations.set('default', input, { actor: 'ann', reason: 'test' }));
  const set = (rows: number): Promise<readonly Entry[]> => write({ rows });
  const flags = new Flags(store.journal, () => store.head());
  return { hub, store, flags, seen, url: served.url, told, connections, set, write, after };
}

/** What the other side of a socket has done is seen a turn of the loop later. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A client that asks and reads nothing, until the hub has had enough of it. */
async function droppedAsSlow(url: string, { dropped }: { readonly dropped: readonly string[] }): Promise<RawSocket> {
  const slow = await handshake(url, QUERY);
  slow.pause();
  const asks = Buffer.concat(Array.from({ length: 200 }, () => textFrame('{"type":"snapshot"}')));
  while (dropped.length === 0) {
    slow.write(asks);
    await turn();
  }
  return slow;
}

it('a client that never reads: a few seconds are its own, then the connection is gone, counted once', async () => {
  const { hub, url, told, connections } = await openHub();
  const slow = await droppedAsSlow(url, told);
  const [connection] = connections;
  // Nobody publishes to it, nothing more is kept for it, and it holds its place as long as it holds a buffer.
  const waiting_bytes = connection!.waiting_bytes;
  expect(waiting_bytes).toBeGreaterThan(MEGABYTE);
  expect([told.sockets, told.left]).toEqual([0, 0]);
  for (let second = 1; second < 5; second++) await hub.sweep();
  // Changes of users are no seconds.
  for (let change = 0; change < 10; change++) await hub.sweep(true);
  hub.heartbeat();
  expect([connection!.waiting_bytes, told.left]).toEqual([waiting_bytes, 0]);
  await hub.sweep();
  expect([connection!.waiting_bytes, told.left, told.sockets]).toEqual([0, 1, 0]);
  for (let second = 0; second < 3; second++) await hub.sweep();
  expect([told.dropped, told.left]).toEqual([['slow'], 1]);
  // What the system had taken is still there to be read, and nothing behind it: no reason either.
  slow.resume();
  await slow.ended;
  expect(slow.text()).not.toContain('wait to be read');
});

it('a client that reads after all hears why it has to go', async () => {
  const { hub, url, told, connections } = await openHub();
  const slow = await droppedAsSlow(url, told);
  await hub.sweep();
  slow.resume();
  while (connections[0]!.waiting_bytes > 0) await turn();
  await hub.sweep();
  await slow.ended;
  // A close frame, its code, and the reason.
  const at = slow.bytes().lastIndexOf('more than');
  expect([slow.bytes()[at - 4], slow.bytes().readUInt16BE(at - 2)]).toEqual([0x88, 4408]);
  expect([told.dropped, told.left]).toEqual([['slow'], 1]);
});

it('a stop waits for nobody who does not read', async () => {
  const { hub, url, told } = await openHub();
  await droppedAsSlow(url, told);
  hub.close();
  expect(told.left).toBe(1);
});

/** Over his limit, and how often he was told so. */
function limited() {
  const spent = { count: 0 };
  const spend = (): void => {
    spent.count++;
    throw new ConfigError('ERR_RATE_LIMITED', {
      message: 'More than 1 requests and messages within 60 s',
      hint: 'Wait 1 s.',
      details: { policy: 'token', retryAfter_s: 1 },
    });
  };
  return { spent, spend };
}

const TOO_MANY = { type: 7, value: BigInt(ERROR_FRAME.busy) };

it('of what is over the limit the first within a second is answered, and a flood is ended, with a reason', async () => {
  const { spent, spend } = limited();
  const { hub, url, told } = await openHub({ spend });
  const probe = await Probe.open(url, QUERY, {}, []);
  const ask = async (times: number): Promise<void> => {
    const from = spent.count;
    for (let i = 0; i < times; i++) probe.say({ type: 'ping' });
    while (spent.count < from + times) await turn();
  };
  const answer = [TOO_MANY, { type: 'error', code: 'ERR_RATE_LIMITED' }];
  for (let second = 1; second <= 3; second++) {
    probe.forget();
    await ask(60);
    await ask(140);
    // Changes of users are no seconds.
    await hub.sweep(true);
    await ask(50);
    hub.heartbeat();
    await probe.frames(1);
    expect(probe.heard).toMatchObject([...answer, { type: 5 }]);
    await hub.sweep();
  }
  expect([probe.closed, told.dropped]).toEqual([null, []]);
  for (let i = 0; i < 300; i++) probe.say({ type: 'ping' });
  expect(await probe.end()).toEqual({ code: 1008, reason: '256 messages within a second were too many' });
  expect([told.dropped, told.sockets, told.left]).toEqual([['bad'], 0, 1]);
  expect(spent.count).toBe(3 * 250 + 256);
});

it('64 messages are worked on at once; who sends on and on is ended although all of his are taken', async () => {
  const writes: (() => void)[] = [];
  const write = (): Promise<boolean> => new Promise((resolve) => writes.push(() => resolve(true)));
  const { hub, url, told } = await openHub({ write });
  const probe = await Probe.open(url, QUERY, {}, []);
  const send = (times: number): void => {
    for (let i = 0; i < times; i++) probe.frame({ type: 1, offset: 13, value: 2n });
  };
  send(66);
  expect(await probe.message('error')).toMatchObject({ code: 'ERR_BUSY', message: /^64 messages/ });
  hub.heartbeat();
  await probe.frames(1);
  expect(probe.heard.slice(1)).toMatchObject([TOO_MANY, { type: 'error' }, { type: 5 }]);
  send(300);
  expect((await probe.end()).code).toBe(1008);
  expect([told.dropped, writes.length]).toEqual([['bad'], 1]);
  // What was taken is not done for one who is gone.
  writes[0]!();
  await turn();
  expect(writes).toHaveLength(1);
});

it('who resumes in a loop has the journal read ten times a second, and is ended', async () => {
  const { hub, url, told, set } = await openHub();
  for (let rows = 40; rows < 60; rows++) hub.follow(await set(rows));
  const probe = await Probe.open(url, QUERY, {}, []);
  const before = told.reads;
  const resume = (from: number): void => probe.say({ type: 'resume', revision: 1 + (from % 20) });
  const resumed = (): number => probe.heard.filter(({ type }) => type === 'resumed').length;
  for (let second = 1; second <= 2; second++) {
    probe.forget();
    for (let i = 0; i < 30; i++) resume(i);
    expect(await probe.message('error')).toMatchObject({ code: 'ERR_BUSY', message: /^10 times/ });
    probe.say({ type: 'ping' });
    await probe.message('pong');
    expect([resumed(), told.reads - before]).toEqual([10, 10 * second]);
    await hub.sweep();
  }
  // However patiently: never so many at once that others than those are refused.
  while (probe.closed === null) {
    probe.forget();
    for (let i = 0; i < 30; i++) resume(i);
    probe.say({ type: 'ping' });
    await probe.until(() => probe.closed ?? probe.heard.find(({ type }) => type === 'pong'));
  }
  expect(probe.closed).toEqual({ code: 1008, reason: '256 messages within a second were too many' });
  expect([told.dropped, told.reads - before]).toEqual([['bad'], 30]);
});

it('the heartbeat tells sockets at which revision they are, and nobody else', async () => {
  const { hub, url, set } = await openHub();
  const probes = await Promise.all([1, 2].map(() => Probe.open(url, QUERY, {}, [])));
  const heard: ServerMessage[] = [];
  const joining = await hub.join('default', 'all');
  const leave = joining.listen({ visitor: VISITOR, tell: (message) => heard.push(message), end: () => {} });
  onTestFinished(() => leave());
  for (const probe of probes) probe.forget();
  hub.heartbeat();
  for (const probe of probes) expect(await probe.frames(1)).toEqual([{ type: 5, offset: 0, value: 1n }]);
  hub.follow(await set(77));
  hub.heartbeat();
  for (const probe of probes) {
    await probe.until(() => (probe.heard.length >= 4 ? true : null));
    expect(probe.heard).toMatchObject([{ value: 1n }, { type: 4 }, { type: 5, value: 2n }, { type: 5, value: 2n }]);
  }
  expect(heard).toMatchObject([{ type: 'change', revision: 2 }]);
});

it('a journal that cannot be read ends the room with 1011; who comes later finds another', async () => {
  const { hub, store, url, told, set } = await openHub();
  const probe = await Probe.open(url, QUERY, {}, []);
  const ended: string[] = [];
  const joining = await hub.join('default', 'all');
  joining.listen({ visitor: VISITOR, tell: () => {}, end: (reason) => void ended.push(reason) });
  // Of two changes the second alone is told of: what lies between has to be read.
  await set(50);
  const second = await set(51);
  await store.close();
  hub.follow(second);
  expect(await probe.end()).toEqual({ code: 1011, reason: 'the change could not be read' });
  expect([ended, told.dropped, told.sockets, told.left]).toEqual([['failed'], ['failed', 'failed'], 0, 1]);
  expect(told.log).toEqual([expect.stringMatching(/^the stream of 'default' cannot go on: /)]);
  await expect(hub.join('default', 'all')).rejects.toMatchObject({ code: 'ERR_CLOSED' });
});

it('many flags at once are looked at once, and told of together, a thousand keys to a message', async () => {
  const { hub, store, flags, told, after } = await openHub();
  const heard: ServerMessage[] = [];
  const joining = await hub.join('default', 'all');
  const leave = joining.listen({ visitor: VISITOR, tell: (message) => heard.push(message), end: () => {} });
  onTestFinished(() => leave());
  const definition = { state: 'ENABLED', variants: { a: 1 }, defaultVariant: 'a' };
  const change = { kind: 'put', input: { definition } } as const;
  const keys = Array.from({ length: 1100 }, (_, i) => `f${i}`);
  const made = await Promise.all(
    keys.map((key) => flags.entryOf('default', key, change, { actor: 'ann', isFeature: () => false })),
  );
  const entries = [
    ...(await after(store.journal.append(made.slice(0, 900)))),
    ...(await after(store.journal.append(made.slice(900)))),
  ];
  const looks = told.looks;
  hub.follow(entries);
  while (heard.length < 2) await turn();
  await turn();
  expect([told.looks - looks, heard]).toEqual([
    1,
    [
      { type: 'flags', keys: keys.slice(0, 1000) },
      { type: 'flags', keys: keys.slice(1000) },
    ],
  ]);
});

it('what is hidden by the time it is told of is not told of, although the change came before', async () => {
  const { hub, flags, seen, write, after } = await openHub();
  seen.mask = 4;
  const heard: ServerMessage[] = [];
  const joining = await hub.join('default', 'browser');
  const leave = joining.listen({ visitor: VISITOR, tell: (message) => heard.push(message), end: () => {} });
  onTestFinished(() => leave());
  const entries = [
    ...(await write({ features: { debug: true } })),
    ...(await after(flags.putFacts('default', 'debug', { clientVisible: false }, { actor: 'ann' }))),
  ];
  seen.mask = 0;
  hub.follow(entries);
  while (!heard.some((one) => one.type === 'change' && one.revision === 2)) await turn();
  expect(heard).toMatchObject([
    { type: 'features', features: {} },
    { type: 'change', revision: 1, config: { featureFlags: 0 } },
    { type: 'change', revision: 2, config: { featureFlags: 0 } },
  ]);
});
