/** What browsers see of a config: nothing of a feature that is hidden, whatever its bit and its rollout. @module */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_CONFIG } from '../../src/config/value.ts';
import { NO_FACTS } from '../../src/flags/flag.ts';
import { maskConfig, maskFlags, maskRollouts, visibleMask } from '../../src/flags/visibility.ts';
import { SEEDED } from '../config/arbitraries.ts';
import { FEATURES, flag, ON_OFF, source } from './fixtures.ts';

const SEEN = { ...NO_FACTS, clientVisible: true };
const word = fc.integer({ min: 0, max: 0xffffffff });

describe('the visible bits', () => {
  it.each([
    ['nothing said', {}, new Map(), []],
    [
      'one said to be visible',
      {},
      new Map([
        ['debug', SEEN],
        ['metrics', NO_FACTS],
      ]),
      ['debug'],
    ],
    ['a name that is no feature', {}, new Map([['gone', SEEN]]), []],
    ['a bound flag that is not', { debug: flag(ON_OFF) }, new Map([['debug', SEEN]]), []],
    ['a bound flag that is', { debug: flag(ON_OFF, { clientVisible: true }) }, new Map(), ['debug']],
    [
      'an archived one',
      { debug: flag(ON_OFF, { clientVisible: true, archivedAt: 1 }) },
      new Map([['debug', SEEN]]),
      [],
    ],
    ['the highest bit', {}, new Map([['new_checkout', SEEN]]), ['new_checkout']],
  ])('with %s', (_, flags, facts, names) => {
    expect(visibleMask(source(flags, { facts }))).toBe(FEATURES.masksOf(names));
  });
});

describe('a masked config', () => {
  it('is the same for any two that differ in hidden features only', () => {
    fc.assert(
      fc.property(word, word, word, (visible, flags, hidden) => {
        const other = ((flags & visible) | (hidden & ~visible)) >>> 0;
        const masked = maskConfig({ ...DEFAULT_CONFIG, featureFlags: flags }, visible);
        expect(masked).toEqual(maskConfig({ ...DEFAULT_CONFIG, featureFlags: other }, visible));
        expect(masked.featureFlags).toBe(maskFlags(flags, visible));
        expect(masked.featureFlags & ~visible).toBe(0);
        expect({ ...masked, featureFlags: 0 }).toEqual({ ...DEFAULT_CONFIG, featureFlags: 0 });
      }),
      SEEDED,
    );
  });

  it('has rollouts of visible features only', () => {
    const rollouts = Uint16Array.from({ length: 32 }, (_, bit) => bit + 1);
    const masked = maskRollouts(rollouts, 0x80000001);
    expect([...masked]).toEqual([1, ...Array.from({ length: 30 }, () => 0), 32]);
    expect([...rollouts]).toEqual(Array.from({ length: 32 }, (_, bit) => bit + 1));
  });
});
