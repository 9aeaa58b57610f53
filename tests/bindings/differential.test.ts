/** The same random inputs to the three cores at once: a difference in one byte is a fault of one of them. @module */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Backend, Region, Ring } from '../../bindings/backend.ts';
import { wordsOfConfig } from '../../bindings/cell-words.ts';
import { HEADER_NAMES } from '../fixtures/make-vectors.ts';
import { CORES, REFERENCE } from './cores.ts';
import { outcomeOf } from './outcomes.ts';
import { AT, cellOf, slotBytes } from './swaps.ts';

const word = fc.integer({ min: 0, max: 0xffff_ffff });
const config = fc.uint8Array({ minLength: 13, maxLength: 13 });
const validConfig = fc
  .tuple(config, fc.nat(1), fc.nat(3), fc.integer({ min: 1, max: 255 }), fc.integer({ min: 1, max: 255 }))
  .map(([bytes, version, mode, rows, cols]) => {
    bytes.set([mode, rows, cols, 0], 9);
    return bytes.with(0, version);
  });
const value = fc.oneof(fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }), fc.bigInt({ min: -2n, max: 300n }));

/** All cores answer alike; the reference's answer is handed on. */
function alike(work: (core: Backend) => unknown): unknown {
  const [expected, ...others] = CORES.map((core) => outcomeOf(() => work(core)));
  for (const outcome of others) expect(outcome).toEqual(expected);
  return expected;
}

test('hashes of any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), word, (bytes, seed) => {
      alike((core) => core.crc64(bytes));
      alike((core) => core.crc64ByteTable(bytes));
      alike((core) => core.murmur3(bytes, seed));
    }),
    { seed: 13, numRuns: 300 },
  );
});

test('buckets of any feature and key', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  );
  fc.assert(
    fc.property(text, text, (feature, key) => {
      alike((core) => core.rolloutBucket(feature, key));
    }),
    { seed: 13, numRuns: 1000 },
  );
});

test('checks, records and headers of any config', () => {
  fc.assert(
    fc.property(fc.oneof(config, validConfig, fc.uint8Array({ maxLength: 20 })), (bytes) => {
      alike((core) => core.configCheck(bytes));
      alike((core) => core.recordSeal(bytes));
      alike((core) => core.recordOpen(core.recordSeal(bytes)));
      for (const name of HEADER_NAMES) {
        alike((core) => core.headerFormat(name, bytes));
        alike((core) => core.headerParse(name, REFERENCE.headerFormat(name, bytes)));
      }
    }),
    { seed: 13, numRuns: 400 },
  );
});

test('headers that came together, of one config, of several, or of any text', () => {
  const formatted = fc.tuple(fc.oneof(config, validConfig), fc.nat(6));
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 70 }),
    fc.stringMatching(/^(0x)?[0-9a-fA-F]{0,9}$/),
    fc.stringMatching(/^[0-9a-f]{62,66}$/),
    formatted.map(([bytes, header]) => REFERENCE.headerFormat(HEADER_NAMES[header]!, bytes)),
  );
  const others = fc.array(fc.option(text, { nil: undefined, freq: 3 }), { minLength: 7, maxLength: 7 });
  const kept = fc.array(fc.boolean(), { minLength: 7, maxLength: 7 });
  fc.assert(
    fc.property(validConfig, others, kept, (bytes, odd, keep) => {
      const values = HEADER_NAMES.map((name, i) => (keep[i] ? REFERENCE.headerFormat(name, bytes) : odd[i]));
      alike((core) => {
        const { said, fields, errors } = core.headersParse(values);
        return { said, fields, errors: errors.map((error) => error.toJSON()) };
      });
    }),
    { seed: 13, numRuns: 1000 },
  );
});

test('frames of any bytes, each alone and many together', () => {
  const header = fc.tuple(fc.nat(9), fc.constantFrom(0, 4, 5, 9, 13, 14, 15, 255));
  const rest = fc.uint8Array({ minLength: 11, maxLength: 11 });
  const zeros = fc.nat(11);
  const likely = fc.tuple(header, rest, zeros).map(([[type, offset], bytes, from]) => {
    const frame = Uint8Array.from([type, offset, 0, 0, 0, ...bytes.slice(0, 8).fill(0, from)]);
    return [...frame, frame.reduce((xor, byte) => xor ^ byte, 0)];
  });
  const any = fc.uint8Array({ minLength: 14, maxLength: 14 }).map((bytes) => [...bytes]);
  const tail = fc.uint8Array({ maxLength: 13 });
  fc.assert(
    fc.property(fc.array(fc.oneof({ weight: 9, arbitrary: likely }, any), { maxLength: 150 }), tail, (frames, left) => {
      const together = alike((core) => core.framesDecode(Uint8Array.from([...frames.flat(), ...left])));
      const alone = [...frames, ...(left.length > 0 ? [left] : [])].map((bytes) => {
        const outcome = outcomeOf(() => REFERENCE.frameDecode(Uint8Array.from(bytes)));
        return 'code' in outcome ? outcome.details : outcome.result;
      });
      expect(together).toEqual({ result: alone });
    }),
    { seed: 13, numRuns: 200 },
  );
});

test('checks of many configs', () => {
  const configs = fc.array(fc.oneof(config, validConfig), { maxLength: 400 });
  fc.assert(
    fc.property(configs, (all) => {
      const bytes = Uint8Array.from(all.flatMap((one) => [...one]));
      const faults = alike((core) => core.configsCheck(bytes));
      expect(faults).toEqual({ result: Uint32Array.from(all, (one) => REFERENCE.configCheck(one)) });
    }),
    { seed: 13, numRuns: 100 },
  );
});

test('changes and counts of many configs', () => {
  const configs = fc.array(config, { maxLength: 300 }).map((all) => Uint8Array.from(all.flatMap((one) => [...one])));
  const bytes = fc.oneof(configs, fc.uint8Array({ maxLength: 60 }));
  fc.assert(
    fc.property(bytes, word, word, word, (all, set, clear, toggle) => {
      alike((core) => {
        const own = all.slice();
        return [core.flagsApply(own, { set, clear, toggle }), own];
      });
      alike((core) => core.flagsCount(all, { on: set, off: clear }));
      alike((core) => core.flagsCount(all, { on: set & clear & toggle, off: 0 }));
    }),
    { seed: 13, numRuns: 200 },
  );
});

test('frames of any numbers', () => {
  const type = fc.oneof(fc.integer({ min: 0, max: 8 }), fc.integer({ min: -1, max: 600 }));
  const offset = fc.oneof(fc.constantFrom(0, 4, 5, 9, 13, 14, 15), fc.integer({ min: -1, max: 2 ** 33 }));
  fc.assert(
    fc.property(fc.record({ type, offset, value }), (frame) => {
      alike((core) => core.frameEncode(frame));
    }),
    { seed: 13, numRuns: 2000 },
  );
});

interface Planned {
  readonly slot: number;
  readonly config: Uint8Array;
  readonly rollouts: Uint16Array | null;
  readonly kind: number;
  readonly readNs: number | null;
  /** Now and then a writer that saw something else. */
  readonly stale: number;
}

const planned: fc.Arbitrary<Planned> = fc.record({
  slot: fc.nat(2),
  config: fc.oneof(config, validConfig, fc.constant(new Uint8Array(13))),
  rollouts: fc.option(fc.uint16Array({ minLength: 32, maxLength: 32, max: 10_000 }), { freq: 3 }),
  kind: fc.nat(255),
  readNs: fc.option(word),
  stale: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: word }),
});

/** Revisions near each wrap, and slots that begin empty. */
const start = fc.constantFrom(0, 1, 0xff_fff0, 0xffff_fff8, 2 ** 40 - 5);

test('slots, to the last of their 128 bytes, and rings after the same swaps', () => {
  fc.assert(
    fc.property(start, fc.array(planned, { maxLength: 160 }), (revision, plan) => {
      const runs = CORES.map((core) => run(core, revision, plan));
      for (const other of runs.slice(1)) expect(other).toEqual(runs[0]);
    }),
    { seed: 13, numRuns: 60 },
  );
});

function run(core: Backend, revision: number, plan: readonly Planned[]) {
  const region = core.slotsCreate(3);
  const ring = core.ringCreate();
  const seed = { revision, config: new Uint8Array(13).fill(1), modifiedAt: AT, rolloutsRevision: revision };
  const seeded = core.slotSeed(region, 1, { ...seed, rollouts: new Uint16Array(32).fill(3) });
  const taken = plan.map((step, i) => swap(core, region, ring, step, i));
  const images = [0, 1, 2].map((slot) => core.slotRead(region, slot));
  const bytes = [0, 1, 2].map((slot) => slotBytes(region, slot));
  const entries = ring.entries();
  region.close();
  ring.close();
  return { seeded, taken, images, bytes, entries };
}

function swap(core: Backend, region: Region, ring: Ring, step: Planned, i: number): number {
  const expected = cellOf(region, step.slot);
  expected[step.stale % 4]! ^= step.stale;
  const { rollouts, kind, readNs } = step;
  const request = { expected, desired: wordsOfConfig(step.config), rollouts, at: AT + i, kind, readNs, timed: false };
  return core.slotSwap(region, step.slot, request, ring);
}
