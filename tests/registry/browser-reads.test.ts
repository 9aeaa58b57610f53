/** What pages see of a config: the visible features as they are, and of the others nothing at all. @module */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BUILTIN_FEATURES,
  BUILTIN_MASK,
  FEATURE_COUNT,
  FeatureSet,
  FIRST_USER_BIT,
} from '../../src/config/features.ts';
import { verifyChecksum } from '../../src/config/metadata.ts';
import { decodeConfig } from '../../src/config/value.ts';
import { NO_FACTS, type FlagFacts } from '../../src/flags/flag.ts';
import { visibleMask } from '../../src/flags/visibility.ts';
import type { ConfigSnapshot } from '../../src/live/commit.ts';
import { core } from '../../src/live/core.ts';
import { viewOf } from '../../src/live/operations.ts';
import { browserView } from '../../src/registry/browser-reads.ts';

const BITS = Array.from({ length: FEATURE_COUNT }, (_, bit) => bit);
const USER_BITS = BITS.slice(FIRST_USER_BIT);

const word = fc.integer({ min: 0, max: 0xffffffff });
const rollouts = fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: FEATURE_COUNT, maxLength: FEATURE_COUNT });

const has = (mask: number, bit: number): boolean => ((mask >>> bit) & 1) === 1;

function snapshotOf(featureFlags: number, basisPoints: readonly number[]): ConfigSnapshot {
  const config = { ...decodeConfig(new Uint8Array(13)), featureFlags };
  return { name: 'shop', revision: 7, config, rollouts: Uint16Array.from(basisPoints), modifiedAt: 1000 };
}

/** Features of the names, on the bits of the mask; `prefix` tells two sets apart. */
function declared(mask: number, prefix: string): Record<string, number> {
  return Object.fromEntries(USER_BITS.filter((bit) => has(mask, bit)).map((bit) => [`${prefix}_${bit}`, bit]));
}

function factsFor(features: FeatureSet, visible: number): ReadonlyMap<string, FlagFacts> {
  return new Map(
    features.names.map((name) => [name, { ...NO_FACTS, clientVisible: has(visible, features.bitOf(name)) }]),
  );
}

/** What a page reads, from facts to text. */
function read(snapshot: ConfigSnapshot, features: FeatureSet, visible: number): string {
  const mask = visibleMask({ features, facts: factsFor(features, visible), flags: new Map() });
  return JSON.stringify(browserView(snapshot, features, mask));
}

describe('what a browser token reads of a config', () => {
  it('is the same to the byte, whatever is hidden: bits, rollouts, names, and which of them have one', () => {
    fc.assert(
      fc.property(
        word,
        word,
        word,
        rollouts,
        rollouts,
        word,
        word,
        (visible, a, b, someRollouts, others, named, other) => {
          const here = { ...declared(visible & named, 'seen') };
          const some = new FeatureSet({ ...here, ...declared(~visible & named, 'secret') });
          const another = new FeatureSet({ ...here, ...declared(~visible & other, 'different') });
          // Undeclared bits are hidden, whatever is said.
          const seen = visible & (BUILTIN_MASK | (named & ~BUILTIN_MASK));
          const flags = ((a & seen) | (b & ~seen)) >>> 0;
          const mixed = someRollouts.map((basisPoints, bit) => (has(seen, bit) ? basisPoints : others[bit]!));
          const one = read(snapshotOf(a, someRollouts), some, visible);
          expect(read(snapshotOf(flags, mixed), another, visible)).toBe(one);
          expect(one).not.toMatch(/secret|different|feature_/);
        },
      ),
      { numRuns: 1000, seed: 42 },
    );
  });

  it('is what is visible as it is, under a checksum of its own', () => {
    fc.assert(
      fc.property(word, word, rollouts, (visible, flags, basisPoints) => {
        const features = new FeatureSet(declared(~0, 'mine'));
        const snapshot = snapshotOf(flags, basisPoints);
        const view = JSON.parse(read(snapshot, features, visible)) as ReturnType<typeof viewOf>;
        const whole = viewOf(snapshot, features);
        verifyChecksum(view, core().backend);
        expect(view.featureFlags).toBe((flags & visible) >>> 0);
        expect(
          view.hex
            .slice(2)
            .match(/../g)!
            .map((pair) => Number.parseInt(pair, 16)),
        ).toHaveLength(13);
        const isSeen = (name: string): boolean => has(visible, features.bitOf(name));
        expect(view.features.enabled).toEqual(whole.features.enabled.filter(isSeen));
        expect(view.features.disabled).toEqual(whole.features.disabled.filter(isSeen));
        const seen = Object.entries(whole.rollouts).filter(([name]) => isSeen(name));
        expect(view.rollouts).toEqual(Object.fromEntries(seen));
        const { revision, lastModified, version, terminalMode } = view;
        expect({ revision, lastModified, version, terminalMode }).toEqual({
          revision: whole.revision,
          lastModified: whole.lastModified,
          version: whole.version,
          terminalMode: whole.terminalMode,
        });
      }),
      { numRuns: 500, seed: 42 },
    );
  });

  it('is nothing of its features while nothing is said of them', () => {
    const view = JSON.parse(
      read(
        snapshotOf(
          0xffffffff,
          BITS.map(() => 5000),
        ),
        BUILTIN_FEATURES,
        0,
      ),
    ) as object;
    expect(view).toMatchObject({ featureFlags: 0, features: { enabled: [], disabled: [] }, rollouts: {} });
  });
});
