/** A config without a journal remembers its last 100 changes, rollouts included, however many there were. @module */
import { describe, expect, it } from 'vitest';
import { codeOf } from '../journal/fixtures.ts';
import { open, placeOptions, run } from './fixtures.ts';

describe('the past of a config in memory', () => {
  it('is right for every revision it still knows, after many changes of rollouts', async () => {
    const config = open({ name: 'many' });
    const percentAt = new Map<number, number>([[1, 0]]);
    for (let i = 1; i <= 1500; i++) {
      if (i % 3 === 0) config.toggleFeature('metrics');
      else config.setRollout('debug', i % 100);
      percentAt.set(config.revision, config.getRollout('debug'));
    }
    const last = config.revision;
    expect(await codeOf(config.rollback(last - 101))).toBe('ERR_ENTRY_NOT_FOUND');
    expect(await codeOf(config.rollback(1))).toBe('ERR_ENTRY_NOT_FOUND');
    expect(await codeOf(config.stateAt({ at: 1 }))).toBe('ERR_ENTRY_NOT_FOUND');
    expect(await config.getHistory()).toHaveLength(100);
    // Each rollback is a change too: newest first, so that what is asked for is still in the ring.
    for (const back of [99, 60, 31, 7]) {
      const revision = config.revision - back;
      const wanted = percentAt.get(revision)!;
      await config.rollback(revision);
      expect(config.getRollout('debug'), `revision ${revision}`).toBe(wanted);
      percentAt.set(config.revision, wanted);
    }
  });

  it('on a board knows the states before and after its own changes, whoever made them', async () => {
    const config = open({ ...placeOptions('board'), name: 'shop' });
    const other = open({ enableClusterSync: true, name: 'shop' });
    config.enableFeature('metrics');
    other.setRollout('debug', 40);
    config.enableFeature('logging');
    other.setRollout('debug', 70);
    config.disableFeature('metrics');
    await config.rollback(3);
    expect([config.flags.logging, config.getRollout('debug')]).toEqual([false, 40]);
    await config.rollback(4);
    expect([config.flags.logging, config.getRollout('debug')]).toEqual([true, 40]);
    await config.rollback(5);
    expect([config.flags.metrics, config.getRollout('debug')]).toEqual([true, 70]);
  });
});

describe('a program that ends by itself', () => {
  it('has everything on disk that it awaited, and what it only did is on its way', async () => {
    const { persistPath } = placeOptions('journal');
    await run('lone-change.ts', [persistPath!, 'logging', 'debug']);
    const config = open({ persistPath: persistPath!, name: 'shop', features: { new_checkout: 12 } });
    expect([config.revision, config.flags.logging, config.flags.debug]).toEqual([3, true, true]);
  });
});
