/** A room tells nobody of what was erased, and those who are there that it is gone. @module */
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { BUILTIN_FEATURES } from '../../src/config/features.ts';
import { core } from '../../src/live/core.ts';
import { bootstrap } from '../../src/registry/bootstrap.ts';
import { Hub } from '../../src/websocket/hub.ts';
import { Room } from '../../src/websocket/room.ts';
import type { ServerMessage, Upcoming } from '../../src/websocket/subprotocol.ts';
import { tempDirectory } from '../registry/fixtures.ts';

const NOW = 1000;

it('lets go of what an erasure may have taken: flags, and what is scheduled', async () => {
  const { operations } = await bootstrap(join(tempDirectory(), 'data'));
  const { journal } = operations.store;
  onTestFinished(() => operations.store.close());
  const patch = { on: 1, off: 0, rollouts: {}, fields: {} };
  const world = { flags: ['kept', 'secret'], upcoming: [{ id: 'a', at: NOW + 1, patch }] as Upcoming[] };
  const told: ServerMessage[] = [];
  const isTold = Promise.withResolvers<void>();
  const room = new Room({
    name: 'default',
    audience: 'all',
    journal,
    core: core().backend,
    look: async () => ({ features: BUILTIN_FEATURES, mask: 0, flags: world.flags }),
    upcoming: async () => world.upcoming,
    now: () => NOW,
    tell: ({ message }) => {
      told.push(message);
      if (message.type === 'cancelled') isTold.resolve();
    },
    failed: isTold.reject,
  });
  await room.open();
  expect(room.scheduled().length).toBe(1);
  const [old] = await journal.append([
    { stream: 'x:y', type: 'x.y', actor: 'ann', reason: '', body: new Uint8Array(1), expected: 0 },
  ]);
  world.flags = ['kept'];
  world.upcoming = [];
  const erasure = await journal.redact(old!.seq, { actor: 'ann', reason: '' });
  expect(room.concerns(erasure.stream)).toBe(true);
  room.follow([erasure]);
  await isTold.promise;
  expect(told).toEqual([
    { type: 'flags', keys: ['kept', 'secret'] },
    { type: 'cancelled', id: 'a' },
  ]);
  expect(room.scheduled()).toEqual([]);
});

it('ends for all who listen when entries could not be taken in, and whoever comes back begins anew', async () => {
  const { operations } = await bootstrap(join(tempDirectory(), 'data'));
  onTestFinished(() => operations.store.close());
  const told: string[] = [];
  const hub = new Hub({
    journal: operations.store.journal,
    core: core().backend,
    look: async () => ({ features: BUILTIN_FEATURES, mask: 0, flags: [] }),
    upcoming: async () => [],
    now: () => NOW,
    isBinary: () => false,
    counted: () => {},
    dropped: (why) => void told.push(why),
    log: (line) => void told.push(line),
  });
  onTestFinished(() => hub.close());
  const visitor = {
    refused: () => null,
    spend: () => {},
    write: async () => false,
    mayKnow: () => true,
    left: () => {},
  };
  const { room, listen } = await joined();
  listen((why) => told.push(`ended: ${why}`));
  hub.forget();
  expect(told).toEqual([expect.stringContaining("'default' cannot go on"), 'failed', 'ended: failed']);
  expect((await joined()).room).not.toBe(room);

  async function joined() {
    const joining = await hub.join('default', 'all');
    return { room: joining.room, listen: (end: (why: string) => void) => joining.listen({ visitor, tell() {}, end }) };
  }
});
