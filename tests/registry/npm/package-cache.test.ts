/** Packages held rendered: made once, never older than the journal, within the room there is. @module */
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/journal/journal.ts';
import { DEFAULT_SETTINGS, type PackageState } from '../../../src/packages/package.ts';
import { PackageCache } from '../../../src/registry/npm/package-cache.ts';

function stateOf(name: string, revision: number, readme = ''): PackageState {
  const dates = { createdAt: 0, modifiedAt: revision };
  const settings = DEFAULT_SETTINGS;
  return { name, revision, ...dates, settings, tags: {}, versions: [], unpublished: [], stars: [], readme };
}

function open(budget_bytes = 1_000_000) {
  const world = { revision: 1, reads: 0, isCurrent: true, isEnabled: true, readme: '', isThere: true };
  const gates: Promise<void>[] = [];
  const cache = new PackageCache({
    stateOf: async (name) => {
      world.reads++;
      const state = world.isThere ? stateOf(name, world.revision, world.readme) : null;
      await gates[0];
      return state;
    },
    maintainersOf: async () => [],
    origin: () => 'http://here',
    isEnabled: () => world.isEnabled,
    isCurrent: () => world.isCurrent,
    budget_bytes,
  });
  const follow = (stream: string): void => {
    world.revision++;
    cache.follow([{ stream, type: 'x.y', seq: world.revision } as Entry]);
  };
  return { cache, world, gates, follow };
}

describe('a package', () => {
  it('is read once, however many ask at once and again, until it changes', async () => {
    const { cache, world, follow } = open();
    const all = await Promise.all(Array.from({ length: 10 }, () => cache.read('ui')));
    expect([new Set(all).size, world.reads]).toEqual([1, 1]);
    expect(await cache.read('ui')).toBe(all[0]);
    follow('package:other');
    follow('config:default');
    expect(await cache.read('ui')).toBe(all[0]);
    for (const [i, stream] of ['package:ui', 'grant:x', 'user:ann', 'identities:order'].entries()) {
      follow(stream);
      expect(cache.held('ui'), stream).toBeUndefined();
      expect((await cache.read('ui'))!.revision, stream).toBe(world.revision);
      expect(world.reads, stream).toBe(i + 2);
    }
  });

  it('that changes while it is read is not held, and not handed to who asks after the change', async () => {
    const { cache, world, gates, follow } = open();
    const gate = Promise.withResolvers<void>();
    gates.push(gate.promise);
    const before = cache.read('ui');
    follow('package:ui');
    const after = cache.read('ui');
    gate.resolve();
    expect([(await before)!.revision, (await after)!.revision]).toEqual([1, 2]);
    expect([cache.held('ui')!.revision, world.reads]).toEqual([2, 2]);
  });

  it('is not held while others may have changed it, while nothing shall be held, or where there is none', async () => {
    const { cache, world } = open();
    world.isThere = false;
    expect([await cache.read('ui'), cache.held('ui')]).toEqual([null, undefined]);
    world.isThere = true;
    for (const setting of ['isCurrent', 'isEnabled'] as const) {
      await cache.read('ui');
      world[setting] = false;
      expect(cache.held('ui')).toBeUndefined();
      const reads = world.reads;
      await cache.read('ui');
      await cache.read('ui');
      expect(world.reads).toBe(reads + 2);
      world[setting] = true;
    }
  });

  it('is encoded once for each encoding, and counts for what it then holds', async () => {
    const { cache, world } = open(60_000);
    world.readme = 'some words '.repeat(1000);
    const { full } = (await cache.read('ui'))!;
    expect(full.held('gzip')).toBeUndefined();
    const [first, second] = await Promise.all([full.bytes('gzip'), full.bytes('gzip')]);
    expect(first).toBe(second!);
    expect(full.held('gzip')).toBe(first!);
    expect(JSON.parse(new TextDecoder().decode(Bun.gunzipSync(first!)))).toMatchObject({ name: 'ui' });
    const names = Array.from({ length: 10 }, (_, i) => `p${i}`);
    for (const name of names) await cache.read(name);
    expect(cache.held('ui')).toBeUndefined();
    expect(names.filter((name) => cache.held(name) !== undefined).length).toBeLessThan(5);
    expect(cache.held('p9')).toBeDefined();
  });
});
