/** The hub on real sockets and a real journal, looked after by hand: who does not read, who is told, what breaks. @module */
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { BUILTIN_FEATURES } from '../../src/config/features.ts';
import { core } from '../../src/live/core.ts';
import { bootstrap } from '../../src/registry/bootstrap.ts';
import { serve } from '../../src/registry/serve.ts';
import type { Entry } from '../../src/journal/journal.ts';
import type { Connection } from '../../src/websocket/connection.ts';
import { Hub } from '../../src/websocket/hub.ts';
import type { ServerMessage } from '../../src/websocket/subprotocol.ts';
import { tempDirectory } from '../registry/fixtures.ts';
import { handshake, Probe, textFrame, type RawSocket } from './probe.ts';

const QUERY = 'name=default';
const MEGABYTE = 1024 * 1024;

const VISITOR = { refused: () => null, spend: () => {}, write: async () => false, left: () => {} };

async function openHub() {
  const { operations } = await bootstrap(join(tempDirectory(), 'data'));
  const { store } = operations;
  onTestFinished(() => store.close());
  const told = { dropped: [] as string[], left: 0, sockets: 0, log: [] as string[] };
  const hub = new Hub({
    journal: store.journal,
    core: core().backend,
    look: async () => ({ features: BUILTIN_FEATURES, mask: 0, flags: [] }),
    upcoming: async () => [],
    now: Date.now,
    isBinary: () => true,
    counted: (sockets) => void (told.sockets = sockets),
    dropped: (why) => void told.dropped.push(why),
    log: (line) => void told.log.push(line),
  });
  const visitor = { ...VISITOR, left: () => void told.left++ };
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
  const set = async (rows: number): Promise<readonly Entry[]> => {
    await operations.set('default', { rows }, { actor: 'ann', reason: 'test' });
    return entries.splice(0);
  };
  return { hub, store, url: served.url, told, connections, set };
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

it('the heartbeat tells sockets at which revision they are, and nobody else', async () => {
  const { hub, url, set } = await openHub();
  const probes = await Promise.all([1, 2].map(() => Probe.open(url, QUERY, {}, [])));
  const heard: ServerMessage[] = [];
  const joining = await hub.join('default', 'all');
  const leave = joining.listen({ visitor: VISITOR, tell: (message) => heard.push(message), end: () => {} });
  onTestFinished(leave);
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
  expect([ended, told.dropped, told.sockets, told.left]).toEqual([['failed'], ['failed'], 0, 1]);
  expect(told.log).toEqual([expect.stringMatching(/^the stream of 'default' cannot go on: /)]);
  await expect(hub.join('default', 'all')).rejects.toMatchObject({ code: 'ERR_CLOSED' });
});
