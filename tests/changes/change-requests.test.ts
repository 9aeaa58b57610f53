/** A change request that was erased is gone, whoever erased it, and others are made on time. @module */
import { describe, expect, it, onTestFinished } from 'vitest';
import { openLocalJournal } from '../../src/journal/local.ts';
import { JournalFollower } from '../../src/registry/journal-follower.ts';
import { openWorld, switching } from '../registry/change-fixtures.ts';
import { HOUR_MS, START } from '../registry/change-world.ts';

const ANN = { actor: 'ann', reason: 'it was a secret' };

describe('a change request that was erased', () => {
  it.each([
    ['here', 'own'],
    ['by another process', 'foreign'],
  ])('%s is gone: what was proposed, and what was scheduled', async (_, by) => {
    const world = await openWorld();
    const { journal } = world.operations.store;
    const other = openLocalJournal({ path: journal.path });
    onTestFinished(() => other.close());
    const { seq: seen } = await journal.head();
    let told = seen;
    const follower = new JournalFollower({ journal, seen, head: () => told, onFailure: expect.unreachable });
    onTestFinished(() => follower.close());
    follower.add(world.requests);
    const at = START + HOUR_MS;
    const proposed = await world.propose('paul', { operations: switching({ slow: true }), expiresAt: at });
    const scheduled = await world.propose('olaf', { operations: switching({ fast: true }), at });
    const kept = await world.propose('olaf', { operations: switching({ cache_enabled: true }), at });
    expect((await world.requests.open()).length).toBe(3);
    for (const id of [proposed, scheduled]) {
      const { entries } = await journal.read({ stream: `change_request:${id}`, limit: 1, order: 'desc' });
      await (by === 'own' ? journal : other).redact(entries[0]!.seq, ANN);
    }
    world.clock.now += 2 * HOUR_MS;
    if (by === 'foreign') await world.application.look();
    told = await world.head();
    await follower.look();
    await world.application.look();
    expect(await world.look(kept)).toMatchObject({ state: 'applied', on: expect.arrayContaining(['cache_enabled']) });
    expect(await world.requests.open()).toEqual([]);
    expect(await world.requests.find(scheduled)).toBeNull();
    const head = await world.head();
    await world.application.look();
    expect(await world.head()).toBe(head);
  });
});
