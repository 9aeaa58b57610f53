/** When flags were last asked for: noted for nothing, written by the clock, there again after a restart. @module */
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSideStore, type SideStore } from '../../src/journal/side-store.ts';
import { LastEvaluated } from '../../src/registry/last-evaluated.ts';
import { codeOf } from '../journal/fixtures.ts';
import { tempDirectory } from './fixtures.ts';

const SEED = 20260301;

function scratchIn(directory: string): SideStore {
  const scratch = openSideStore({ path: join(directory, 'scratch.db'), durable: false });
  onTestFinished(() => scratch.close());
  return scratch;
}

describe('when a flag was last evaluated', () => {
  it('is never, then now, then when it was written', () => {
    let now = 1000;
    const scratch = scratchIn(tempDirectory());
    const times = new LastEvaluated({ scratch, now: () => now });
    expect([times.of('shop', 'banner'), times.since]).toEqual([null, 1000]);
    times.evaluated('shop', 'banner');
    now = 4000;
    expect([times.of('shop', 'banner'), times.of('shop', 'other'), times.of('mail', 'banner')]).toEqual([
      4000,
      null,
      null,
    ]);
    times.flush();
    now = 9000;
    times.flush();
    expect(times.of('shop', 'banner')).toBe(4000);
    times.evaluated('shop', 'banner');
    times.flush();
    expect(times.of('shop', 'banner')).toBe(9000);
  });

  it('is what it was for whoever opens the file next, also since when anybody looked', () => {
    const directory = tempDirectory();
    const steps = fc.array(
      fc.record({ config: fc.constantFrom('a', 'a/b', 'b'), key: fc.constantFrom('x', '"', '_9'), ends: fc.boolean() }),
      { maxLength: 40 },
    );
    let now = 10;
    const scratch = scratchIn(directory);
    const model = new Map<string, number>();
    let times = new LastEvaluated({ scratch, now: () => now });
    fc.assert(
      fc.property(steps, (some) => {
        for (const { config, key, ends } of some) {
          now++;
          times.evaluated(config, key);
          times.flush();
          model.set(`${config} ${key}`, now);
          if (ends) times = new LastEvaluated({ scratch, now: () => now });
          for (const [place, at] of model) {
            const [known = '', name = ''] = place.split(' ');
            expect(times.of(known, name)).toBe(at);
          }
          expect(times.since).toBe(10);
        }
      }),
      { seed: SEED, numRuns: 30 },
    );
  });

  it('waits while the file cannot be used, and is written later', async () => {
    const directory = tempDirectory();
    const scratch = scratchIn(directory);
    let isBroken = true;
    const together: SideStore['together'] = (writes) => {
      if (isBroken) scratch.close();
      return scratch.together(writes);
    };
    const store = { get: scratch.get.bind(scratch), set: scratch.set.bind(scratch), together };
    const times = new LastEvaluated({ scratch: store, now: () => 7 });
    times.evaluated('shop', 'banner');
    expect(await codeOf(Promise.try(() => times.flush()))).toBe('ERR_STORE');
    isBroken = false;
    const again = scratchIn(directory);
    store.get = again.get.bind(again);
    store.set = again.set.bind(again);
    store.together = again.together.bind(again);
    times.flush();
    expect(again.get('last-evaluated', 'shop')).toBe('[["banner",7]]');
  });

  it('is written when nobody evaluates any more', async () => {
    const scratch = scratchIn(tempDirectory());
    const times = new LastEvaluated({ scratch, now: () => 7 });
    const failures: string[] = [];
    const stop = times.start((failure) => void failures.push(failure));
    times.evaluated('shop', 'banner');
    await stop();
    expect([failures, new LastEvaluated({ scratch, now: () => 9 }).of('shop', 'banner')]).toEqual([[], 7]);
  });
});
