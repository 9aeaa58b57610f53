/** The part of the core's contract about slots, rings and the memory they lie in. @module */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend, Region } from '../../bindings/backend.ts';
import { configOfWords, wordsOfConfig } from '../../bindings/cell-words.ts';
import { codeOf, outcomeOf, unhex } from '../bindings/outcomes.ts';
import { AT, cellOf, image, marked, request, slotBytes, swapTo } from '../bindings/swaps.ts';

const DEFAULT = unhex('019ad10e930000000001185000');

export function slotsContract(open: () => Backend): void {
  let core: Backend;
  beforeAll(() => {
    core = open();
  });

  describe('slots', () => {
    it('begin empty, with revision 0', () => {
      const region = core.slotsCreate(3);
      expect(region.slotCount).toBe(3);
      expect(region.bytes).toEqual(new Uint8Array(384));
      expect(region.words).toHaveLength(96);
      expect(core.slotRead(region, 2)).toEqual({ ...image(0, new Uint8Array(13)), modifiedAt: 0 });
      region.close();
    });

    it('show what was swapped in, in plain loads and whole, again and again', () => {
      const region = core.slotsCreate(2);
      for (let i = 1; i <= 40; i++) {
        const config = DEFAULT.with(10, i).with(8, 0x80);
        expect(core.slotSwap(region, 1, request(region, 1, config, { at: AT + i }), null)).toBe(i);
        expect(region.words[32 + 2]! >>> 31).toBe(1);
        expect(configOfWords(cellOf(region, 1))).toEqual(config);
        expect(core.slotRead(region, 1)).toEqual({ ...image(i, config, undefined, 0), modifiedAt: AT + i });
      }
      expect(slotBytes(region, 0)).toEqual(new Uint8Array(128));
      region.close();
    });

    it('lie as documented: cell, notify, time, seal, rollouts', () => {
      const region = core.slotsCreate(1);
      const rollouts = Uint16Array.from({ length: 32 }, (_, i) => i * 300);
      swapTo(core, region, DEFAULT);
      swapTo(core, region, DEFAULT, { rollouts });
      const view = new DataView(region.bytes.buffer, region.bytes.byteOffset, 128);
      expect(region.bytes.slice(0, 3)).toEqual(Uint8Array.of(2, 0, 0));
      expect(region.bytes.slice(3, 16)).toEqual(DEFAULT);
      expect(view.getUint32(16, true)).toBe(2);
      expect(view.getUint32(20, true)).toBe(0);
      expect(view.getBigUint64(24, true)).toBe(BigInt(AT));
      expect(view.getBigUint64(32, true)).toBe(2n);
      expect(view.getBigUint64(40, true)).toBe(core.crc64(DEFAULT));
      expect(region.bytes.slice(48, 60)).toEqual(new Uint8Array(12));
      expect(view.getUint32(60, true)).toBe(2);
      for (let i = 0; i < 32; i++) expect(view.getUint16(64 + 2 * i, true)).toBe(i * 300);
      region.close();
    });

    it('leave everything as it is when another writer was faster', () => {
      const region = core.slotsCreate(1);
      const ring = core.ringCreate();
      const stale = request(region, 0, marked(9), { rollouts: new Uint16Array(32).fill(5) });
      swapTo(core, region, DEFAULT, {}, ring);
      const before = slotBytes(region);
      expect(core.slotSwap(region, 0, stale, ring)).toBe(0);
      for (let word = 0; word < 4; word++) {
        const expected = cellOf(region);
        expected[word]! ^= 1;
        expect(core.slotSwap(region, 0, { ...stale, expected }, ring)).toBe(0);
      }
      expect(slotBytes(region)).toEqual(before);
      expect(ring.length).toBe(1);
      region.close();
      ring.close();
    });

    it('ignore the revision bits of what is desired', () => {
      const region = core.slotsCreate(1);
      const desired = wordsOfConfig(DEFAULT);
      desired[0]! |= 0xabcdef;
      expect(core.slotSwap(region, 0, request(region, 0, DEFAULT, { desired }), null)).toBe(1);
      expect(cellOf(region)[0]! & 0xff_ffff).toBe(1);
      region.close();
    });

    it('keep the full revision across the wrap of its 24 bits in the cell', () => {
      for (const start of [0xff_fffe, 0x1ff_fffe, 0xffff_fffe, 2 ** 40 - 2]) {
        const region = core.slotsCreate(1);
        expect(core.slotSeed(region, 0, image(start, DEFAULT))).toBe(true);
        for (let i = 1; i <= 4; i++) {
          expect(swapTo(core, region, DEFAULT.with(10, i))).toBe(start + i);
          expect(core.slotRead(region, 0)).toMatchObject({ revision: start + i, rolloutsRevision: start });
          expect(cellOf(region)[0]! & 0xff_ffff).toBe((start + i) % 2 ** 24);
        }
        region.close();
      }
    });

    it('keep their full revision when writers were killed before their seal', () => {
      const region = core.slotsCreate(1);
      core.slotSeed(region, 0, image(0x1ff_ffff, DEFAULT));
      for (const low of [0, 1, 2]) {
        region.words[0] = (wordsOfConfig(DEFAULT)[0]! | low) >>> 0;
        expect(core.slotRead(region, 0).revision).toBe(0x200_0000 + low);
      }
      expect(swapTo(core, region, marked(3))).toBe(0x200_0003);
      region.close();
    });

    it('are not misread when the seal is already that of a later write', () => {
      const region = core.slotsCreate(1);
      core.slotSeed(region, 0, image(0x200_0001, DEFAULT));
      for (const [low, revision] of [
        [0xff_ffff, 0x1ff_ffff],
        [0, 0x200_0000],
      ] as const) {
        region.words[0] = (wordsOfConfig(DEFAULT)[0]! | low) >>> 0;
        expect(core.slotRead(region, 0).revision).toBe(revision);
      }
      region.close();
    });

    it('keep rollouts with the revision that wrote them', () => {
      const region = core.slotsCreate(1);
      const ring = core.ringCreate();
      const rollouts = new Uint16Array(32).with(12, 1000).with(31, 10_000);
      swapTo(core, region, DEFAULT, { rollouts }, ring);
      swapTo(core, region, DEFAULT.with(10, 30), {}, ring);
      expect(core.slotRead(region, 0)).toMatchObject({ revision: 2, rolloutsRevision: 1, rollouts });
      swapTo(core, region, DEFAULT.with(10, 30), { rollouts: rollouts.with(12, 2000) }, ring);
      swapTo(core, region, DEFAULT.with(10, 30), { rollouts: rollouts.with(12, 2000) }, ring);
      expect(core.slotRead(region, 0)).toMatchObject({ revision: 4, rolloutsRevision: 4 });
      const [first, second, third, fourth] = ring.entries();
      expect(first).toMatchObject({ rolloutsChanged: (1 << 12) + 2 ** 31, changed: 0b1111011 });
      expect(second).toMatchObject({ rolloutsChanged: 0, changed: 1 << 4 });
      expect(third).toMatchObject({ rolloutsChanged: 1 << 12, changed: 1 << 6 });
      expect(fourth).toMatchObject({ rolloutsChanged: 0, changed: 0 });
      region.close();
      ring.close();
    });

    it('take their first state once', () => {
      const region = core.slotsCreate(1);
      const rollouts = new Uint16Array(32).with(3, 7);
      expect(core.slotSeed(region, 0, image(0, DEFAULT))).toBe(false);
      expect(slotBytes(region)).toEqual(new Uint8Array(128));
      expect(core.slotSeed(region, 0, image(2 ** 33 + 41, DEFAULT, rollouts, 2 ** 33 + 5))).toBe(true);
      const before = slotBytes(region);
      expect(core.slotSeed(region, 0, image(99, marked(1)))).toBe(false);
      expect(slotBytes(region)).toEqual(before);
      expect(core.slotRead(region, 0)).toEqual(image(2 ** 33 + 41, DEFAULT, rollouts, 2 ** 33 + 5));
      expect(region.words[4]).toBe(1);
      region.close();
    });

    it('that were left behind take the newer state, and none that is 2^23 changes away', () => {
      const region = core.slotsCreate(1);
      core.slotSeed(region, 0, image(0x1ff_fffe, DEFAULT));
      expect(swapTo(core, region, marked(1))).toBe(0x1ff_ffff);
      const before = slotBytes(region);
      for (const revision of [0x1ff_fffe, 0x1ff_ffff, 0x1ff_ffff + 2 ** 23]) {
        expect(core.slotSeed(region, 0, image(revision, marked(2)))).toBe(false);
      }
      expect(slotBytes(region)).toEqual(before);
      const newer = image(0x1ff_ffff + 2 ** 23 - 1, marked(3), new Uint16Array(32).with(31, 10_000), 0x200_0000);
      expect(core.slotSeed(region, 0, newer)).toBe(true);
      expect(core.slotRead(region, 0)).toEqual(newer);
      expect(swapTo(core, region, marked(4))).toBe(newer.revision + 1);
      region.close();
    });

    it('that were left behind take a newer state, and no other', () => {
      for (const start of [10, 0xff_fff0, 2 ** 33]) {
        const region = core.slotsCreate(1);
        core.slotSeed(region, 0, image(start, DEFAULT));
        swapTo(core, region, DEFAULT.with(10, 30));
        const before = slotBytes(region);
        for (const revision of [1, start, start + 1, start + 1 + 2 ** 23, start + 1 + 2 ** 24, start + 2 ** 40]) {
          expect(core.slotSeed(region, 0, image(revision, marked(1))), `${revision} on ${start}`).toBe(false);
          expect(slotBytes(region)).toEqual(before);
        }
        const rollouts = new Uint16Array(32).with(3, 500);
        for (const revision of [start + 2, start + 7, start + 7 + 2 ** 23]) {
          expect(core.slotSeed(region, 0, image(revision, marked(9), rollouts))).toBe(true);
          expect(core.slotRead(region, 0)).toEqual(image(revision, marked(9), rollouts));
          expect(swapTo(core, region, marked(8))).toBe(revision + 1);
        }
        region.close();
      }
    });

    it('stay empty when their seeder was killed before its last step, and are seeded again', () => {
      for (const killedAt of [7, 0x100_0007]) {
        const region = core.slotsCreate(1);
        core.slotSeed(region, 0, image(killedAt, marked(5)));
        region.words.fill(0, 0, 4);
        expect(core.slotRead(region, 0)).toMatchObject({ revision: 0, config: new Uint8Array(13) });
        expect(core.slotSeed(region, 0, image(5, DEFAULT))).toBe(true);
        expect(core.slotRead(region, 0)).toEqual(image(5, DEFAULT));
        expect(swapTo(core, region, marked(3))).toBe(6);
        region.close();
      }
    });

    it('say so when they were damaged', () => {
      const region = core.slotsCreate(1);
      swapTo(core, region, DEFAULT);
      region.bytes[9]! ^= 0x10;
      expect(codeOf(() => core.slotRead(region, 0))).toBe('ERR_RECORD_CHECKSUM');
      region.bytes[9]! ^= 0x10;
      expect(core.slotRead(region, 0).config).toEqual(DEFAULT);
      region.close();
    });

    it('are not changed when they were damaged: no new seal makes that good', () => {
      const region = core.slotsCreate(1);
      const ring = core.ringCreate();
      swapTo(core, region, DEFAULT);
      region.bytes[9]! ^= 0x10;
      const before = slotBytes(region);
      expect(codeOf(() => swapTo(core, region, marked(4), {}, ring))).toBe('ERR_RECORD_CHECKSUM');
      expect([slotBytes(region), ring.length]).toEqual([before, 0]);
      region.bytes[9]! ^= 0x10;
      expect(swapTo(core, region, marked(4), {}, ring)).toBe(2);
      expect(core.slotRead(region, 0).config).toEqual(marked(4));
      for (const one of [ring, region]) one.close();
    });

    it('take the time themselves when none is given', () => {
      const region = core.slotsCreate(1);
      const earliest = Date.now() - 1000;
      for (const at of [null, 0]) {
        swapTo(core, region, DEFAULT, { at });
        const { modifiedAt } = core.slotRead(region, 0);
        expect(modifiedAt).toBeGreaterThan(earliest);
        expect(modifiedAt).toBeLessThan(Date.now() + 1000);
      }
      region.close();
    });

    it.each([-1, 2, 2 ** 25, 2 ** 32, 0.5, Number.NaN])('refuse slot %d of two', (slot) => {
      const region = core.slotsCreate(2);
      const details = { field: 'slot', value: slot, min: 0, max: 1 };
      const wanted = request(region, 0, DEFAULT);
      for (const use of [
        () => core.slotRead(region, slot),
        () => core.slotSwap(region, slot, wanted, null),
        () => core.slotSeed(region, slot, image(1, DEFAULT)),
      ]) {
        expect(outcomeOf(use)).toEqual({ code: 'ERR_OUT_OF_RANGE', details });
      }
      expect(region.bytes).toEqual(new Uint8Array(256));
      region.close();
    });

    it.each([0, -1, 1.5, 2 ** 25, 2 ** 25 + 1, 2 ** 32, Number.NaN])('cannot be %d', (count) => {
      const details = { field: 'slot count', value: count, min: 1, max: 2 ** 25 - 1 };
      expect(outcomeOf(() => core.slotsCreate(count))).toEqual({ code: 'ERR_OUT_OF_RANGE', details });
    });

    it('stay where they are however much memory others take', () => {
      const region = core.slotsCreate(4);
      const ring = core.ringCreate();
      core.slotSwap(region, 3, request(region, 3, DEFAULT), ring);
      const columns = [core.columnsCreate(1_000_000), core.columnsCreate(1_000_000)];
      const others = core.slotsCreate(50_000);
      expect(configOfWords(cellOf(region, 3))).toEqual(DEFAULT);
      expect(core.slotRead(region, 3)).toEqual(image(1, DEFAULT, undefined, 0));
      expect(core.slotSwap(region, 3, request(region, 3, marked(2)), ring)).toBe(2);
      expect(region.bytes.slice(387, 400)).toEqual(marked(2));
      expect(ring.entries().map(({ revision }) => revision)).toEqual([1, 2]);
      for (const one of columns) one.close();
      others.close();
      region.close();
      ring.close();
    });

    it('can be hashed and scanned where they lie', () => {
      const region = core.slotsCreate(130_000);
      region.bytes.fill(0xff);
      const copied = region.bytes.slice();
      expect(core.crc64(region.bytes)).toBe(core.crc64(copied));
      expect(core.murmur3(region.bytes.subarray(0, 5000), 1)).toBe(core.murmur3(copied.subarray(0, 5000), 1));
      expect(core.flagsApply(region.bytes.subarray(0, 1_300_000), { set: 0, clear: 1, toggle: 0 })).toBe(100_000);
      expect(core.flagsCount(region.bytes.subarray(0, 1_300_000), { on: 2, off: 1 })).toBe(100_000);
      region.close();
    });

    it('close once or twice; what is read then is private zeros', () => {
      const region = core.slotsCreate(5);
      const wanted = request(region, 4, DEFAULT);
      core.slotSwap(region, 4, wanted, null);
      region.close();
      region.close();
      expect(region.bytes).toEqual(new Uint8Array(640));
      expect(region.words).toEqual(new Uint32Array(160));
      for (const use of closedUses(core, region)) {
        expect(outcomeOf(use)).toEqual({ code: 'ERR_CLOSED', details: { what: 'region' } });
      }
    });
  });

  describe('ring', () => {
    it('keeps the last hundred changes, oldest first', () => {
      const region = core.slotsCreate(1);
      const ring = core.ringCreate();
      expect(ring.length).toBe(0);
      expect(ring.entries()).toEqual([]);
      for (let i = 1; i <= 250; i++) {
        swapTo(core, region, marked(i % 256), { at: AT + i, kind: i % 9 }, ring);
        if (![1, 99, 100, 101, 199, 200, 250].includes(i)) continue;
        expect(ring.length).toBe(Math.min(i, 100));
        const entries = ring.entries();
        expect(entries.map(({ revision }) => revision)).toEqual(
          Array.from({ length: Math.min(i, 100) }, (_, k) => Math.max(0, i - 100) + k + 1),
        );
        expect(entries.at(-1)).toMatchObject({
          at: AT + i,
          kind: i % 9,
          before: marked((i - 1) % 256),
          after: marked(i % 256),
        });
      }
      region.close();
      ring.close();
    });

    it('names the fields that changed and what was measured', () => {
      const region = core.slotsCreate(1);
      const ring = core.ringCreate();
      swapTo(core, region, DEFAULT, {}, ring);
      const changes: [at: number, bit: number][] = [
        [0, 0],
        [1, 1],
        [4, 1],
        [5, 2],
        [8, 2],
        [9, 3],
        [10, 4],
        [11, 5],
      ];
      for (const [at] of changes) {
        const now = configOfWords(cellOf(region));
        swapTo(core, region, now.with(at, now[at]! ^ 0x80), { readNs: 0xffff_fff0 }, ring);
      }
      const entries = ring.entries().slice(1);
      expect(entries.map(({ changed }) => changed)).toEqual(changes.map(([, bit]) => 1 << bit));
      for (const entry of entries) expect(entry).toMatchObject({ readNs: 0xffff_fff0, writeNs: null });
      swapTo(core, region, DEFAULT, { timed: true }, ring);
      const { readNs, writeNs } = ring.entries().at(-1)!;
      expect(readNs).toBeNull();
      expect(writeNs === null || writeNs > 0).toBe(true);
      region.close();
      ring.close();
    });

    it('takes a kind of one byte and lets it touch nothing else', () => {
      const region = core.slotsCreate(1);
      const ring = core.ringCreate();
      swapTo(core, region, DEFAULT, { rollouts: new Uint16Array(32).fill(9) }, ring);
      swapTo(core, region, marked(1), { kind: 0xff }, ring);
      expect(outcomeOf(() => swapTo(core, region, marked(2), { kind: 256 }, ring))).toEqual({
        code: 'ERR_OUT_OF_RANGE',
        details: { field: 'kind', value: 256, min: 0, max: 255 },
      });
      expect(core.slotRead(region, 0)).toMatchObject({ revision: 2, rollouts: new Uint16Array(32).fill(9) });
      expect(ring.entries().map(({ kind }) => kind)).toEqual([1, 0xff]);
      region.close();
      ring.close();
    });

    it('can still be read when closed, but takes no more', () => {
      const region = core.slotsCreate(1);
      const ring = core.ringCreate();
      swapTo(core, region, DEFAULT, {}, ring);
      const entries = ring.entries();
      ring.close();
      ring.close();
      expect(ring.length).toBe(1);
      expect(ring.entries()).toEqual(entries);
      const before = slotBytes(region);
      expect(outcomeOf(() => swapTo(core, region, marked(1), {}, ring))).toEqual({
        code: 'ERR_CLOSED',
        details: { what: 'ring' },
      });
      expect(slotBytes(region)).toEqual(before);
      region.close();
    });
  });
}

function closedUses(core: Backend, region: Region): (() => unknown)[] {
  const [expected, desired] = [new Uint32Array(4), new Uint32Array(4)];
  const wanted = { expected, desired, rollouts: null, at: AT, kind: 0, readNs: null, timed: false };
  return [
    () => core.slotRead(region, 0),
    () => core.slotSwap(region, 0, wanted, null),
    () => core.slotSeed(region, 0, image(1, DEFAULT)),
  ];
}
