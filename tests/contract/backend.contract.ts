/**
 * What every core does, whichever runs it: native, WebAssembly and plain TypeScript answer this suite alike. Each
 * core's test calls it with a way to open one.
 * @module
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../bindings/backend.ts';
import { codeOf, outcomeOf, unhex, utf8 } from '../bindings/outcomes.ts';
import { columnsContract } from './backend-columns.contract.ts';
import { messagesContract } from './backend-messages.contract.ts';
import { slotsContract } from './backend-slots.contract.ts';

const DEFAULT = unhex('019ad10e930000000001185000');

export function backendContract(name: string, open: () => Backend): void {
  describe(`backend contract: ${name}`, () => {
    hashesContract(open);
    valuesContract(open);
    flagsContract(open);
    slotsContract(open);
    columnsContract(open);
    messagesContract(open);
  });
}

function opened(open: () => Backend): { readonly core: Backend } {
  let core: Backend;
  beforeAll(() => {
    core = open();
  });
  return {
    get core() {
      return core;
    },
  };
}

function hashesContract(open: () => Backend): void {
  describe('hashes', () => {
    const on = opened(open);

    it('says what it is and what computes its checksums', () => {
      expect(['native', 'wasm', 'reference']).toContain(on.core.kind);
      expect(['pclmul', 'vpclmul', 'pmull', 'tables']).toContain(on.core.crc64Kernel);
    });

    it('computes CRC-64/NVME, unsigned, of nothing and of much', () => {
      expect(on.core.crc64(utf8('123456789'))).toBe(0xae8b14860a799888n);
      expect(on.core.crc64(new Uint8Array(0))).toBe(0n);
      const much = new Uint8Array(1_000_003).fill(0xa5);
      expect(on.core.crc64(much)).toBe(on.core.crc64ByteTable(much));
      expect(on.core.crc64ByteTable(utf8('123456789'))).toBe(0xae8b14860a799888n);
    });

    it('hashes a part of a larger buffer', () => {
      const whole = utf8('..123456789..');
      expect(on.core.crc64(whole.subarray(2, 11))).toBe(0xae8b14860a799888n);
      expect(on.core.murmur3(whole.subarray(2, 11), 1)).toBe(on.core.murmur3(utf8('123456789'), 1));
    });

    it('computes MurmurHash3, unsigned, of nothing and of much', () => {
      expect(on.core.murmur3(new Uint8Array(0), 0)).toBe(0);
      expect(on.core.murmur3(new Uint8Array(0), 0xffffffff)).toBe(0x81f16f39);
      expect(on.core.murmur3(utf8('ab'), 0x9747b28c)).toBe(0x74875592);
      expect(on.core.murmur3(utf8('ππππππππ'), 0x9747b28c)).toBe(0xd58063c1);
      expect(on.core.murmur3(new Uint8Array(100_000), 7)).toBeGreaterThanOrEqual(0);
    });

    it('puts a key into one of 10,000 buckets, by feature and key together', () => {
      const buckets = Array.from({ length: 2000 }, (_, i) => on.core.rolloutBucket('new_checkout', `user-${i}`));
      for (const bucket of buckets) expect(Number.isInteger(bucket) && bucket >= 0 && bucket < 10_000).toBe(true);
      expect(new Set(buckets).size).toBeGreaterThan(1700);
      expect(on.core.rolloutBucket('a', 'b:c')).toBe(on.core.rolloutBucket('a:b', 'c'));
      expect(on.core.rolloutBucket('', '')).toBe(
        Math.floor((on.core.murmur3(utf8(':'), 0x9747b28c) * 10_000) / 2 ** 32),
      );
    });
  });
}

function valuesContract(open: () => Backend): void {
  describe('config and record', () => {
    const on = opened(open);

    it('names each fault of a config by its own bit', () => {
      expect(on.core.configCheck(DEFAULT)).toBe(0);
      const faults: [at: number, value: number, bits: number][] = [
        [0, 0, 0],
        [0, 2, 1],
        [0, 255, 1],
        [9, 3, 0],
        [9, 4, 2],
        [10, 0, 4],
        [10, 255, 0],
        [11, 0, 8],
        [12, 1, 16],
      ];
      for (const [at, value, bits] of faults) expect(on.core.configCheck(DEFAULT.with(at, value)), `${at}`).toBe(bits);
      expect(on.core.configCheck(new Uint8Array(13))).toBe(4 | 8);
      expect(on.core.configCheck(new Uint8Array(13).fill(255))).toBe(1 | 2 | 16);
    });

    it('checks many configs in one call, each as by itself', () => {
      const configs = [DEFAULT, new Uint8Array(13), new Uint8Array(13).fill(255), DEFAULT.with(9, 4), DEFAULT];
      for (const count of [0, 1, 2, 5, 200, 5000]) {
        const all = Array.from({ length: count }, (_, i) => configs[i % configs.length]!);
        const bytes = Uint8Array.from([7, ...all.flatMap((config) => [...config]), 7]);
        const before = bytes.slice();
        expect([...on.core.configsCheck(bytes.subarray(1, -1))]).toEqual(all.map((one) => on.core.configCheck(one)));
        expect(bytes).toEqual(before);
      }
    });

    it.each([1, 12, 14, 27])('refuses to check %i bytes of configs', (length) => {
      const details = { length, expected: Math.ceil(length / 13) * 13 };
      const outcome = outcomeOf(() => on.core.configsCheck(new Uint8Array(length)));
      expect(outcome).toEqual({ code: 'ERR_CONFIG_LENGTH', details });
    });

    it.each([0, 12, 14, 26])('refuses a config of %i bytes', (length) => {
      const details = { length, expected: 13 };
      const config = new Uint8Array(length);
      expect(outcomeOf(() => on.core.configCheck(config))).toEqual({ code: 'ERR_CONFIG_LENGTH', details });
      expect(outcomeOf(() => on.core.recordSeal(config))).toEqual({ code: 'ERR_CONFIG_LENGTH', details });
      expect(outcomeOf(() => on.core.headerFormat('x-bun-config-dump', config))).toEqual({
        code: 'ERR_CONFIG_LENGTH',
        details,
      });
    });

    it('seals 13 bytes into the documented record and opens it again', () => {
      const record = on.core.recordSeal(DEFAULT);
      expect(record).toHaveLength(32);
      expect(record.subarray(0, 4)).toEqual(Uint8Array.of(0x43, 0x31, 0x33, 1));
      expect(record.subarray(4, 17)).toEqual(DEFAULT);
      expect(record.subarray(17, 24)).toEqual(new Uint8Array(7));
      expect(new DataView(record.buffer, record.byteOffset).getBigUint64(24, true)).toBe(
        on.core.crc64(record.slice(0, 24)),
      );
      expect(on.core.recordOpen(record)).toEqual(DEFAULT);
    });

    it('seals any 13 bytes: validity is a question of its own', () => {
      const odd = new Uint8Array(13).fill(0xee);
      expect(on.core.recordOpen(on.core.recordSeal(odd))).toEqual(odd);
    });

    it('hands out bytes of their own each time', () => {
      const first = on.core.recordSeal(DEFAULT);
      const kept = first.slice();
      on.core.recordSeal(new Uint8Array(13).fill(9));
      on.core.recordOpen(on.core.recordSeal(new Uint8Array(13).fill(8)));
      expect(first).toEqual(kept);
      const config = on.core.recordOpen(first);
      on.core.recordOpen(on.core.recordSeal(new Uint8Array(13)));
      expect(config).toEqual(DEFAULT);
    });

    it('refuses a record by its first fault', () => {
      const record = on.core.recordSeal(DEFAULT);
      expect(outcomeOf(() => on.core.recordOpen(record.subarray(0, 31)))).toEqual({
        code: 'ERR_CONFIG_LENGTH',
        details: { length: 31, expected: 32 },
      });
      expect(codeOf(() => on.core.recordOpen(new Uint8Array(0)))).toBe('ERR_CONFIG_LENGTH');
      expect(codeOf(() => on.core.recordOpen(new Uint8Array(33)))).toBe('ERR_CONFIG_LENGTH');
      expect(codeOf(() => on.core.recordOpen(new Uint8Array(100_000)))).toBe('ERR_CONFIG_LENGTH');
      expect(outcomeOf(() => on.core.recordOpen(new Uint8Array(32)))).toEqual({
        code: 'ERR_RECORD_MAGIC',
        details: { found: '00000000' },
      });
      const damaged = record.with(8, record[8]! ^ 1);
      expect(outcomeOf(() => on.core.recordOpen(damaged))).toEqual({
        code: 'ERR_RECORD_CHECKSUM',
        details: {
          found: hex64(new DataView(record.buffer, record.byteOffset).getBigUint64(24, true)),
          computed: hex64(on.core.crc64(damaged.slice(0, 24))),
        },
      });
      const reserved = record.with(20, 1);
      new DataView(reserved.buffer).setBigUint64(24, on.core.crc64(reserved.slice(0, 24)), true);
      expect(outcomeOf(() => on.core.recordOpen(reserved))).toEqual({
        code: 'ERR_RECORD_RESERVED',
        details: { offset: 17 },
      });
    });
  });
}

function flagsContract(open: () => Backend): void {
  describe('flags of many configs', () => {
    const on = opened(open);
    const configs = (...flags: number[]): Uint8Array => {
      const bytes = new Uint8Array(flags.length * 13).fill(0x77);
      flags.forEach((word, i) => new DataView(bytes.buffer).setUint32(i * 13 + 5, word, true));
      return bytes;
    };

    it('sets, then clears, then toggles, in place, and counts what became different', () => {
      const bytes = configs(0b0100, 0, 0xffff_ffff);
      const change = { set: 0b0011, clear: 0b0110, toggle: 0x8000_0001 };
      expect(on.core.flagsApply(bytes, change)).toBe(3);
      expect(bytes).toEqual(configs(0x8000_0000, 0x8000_0000, 0x7fff_fff8));
      expect(on.core.flagsApply(bytes, { set: 0, clear: 0, toggle: 0 })).toBe(0);
      expect(on.core.flagsApply(bytes, { set: 0x8000_0000, clear: 0, toggle: 0 })).toBe(1);
    });

    it('takes masks as signed numbers too, as JavaScript computes them', () => {
      const bytes = configs(0);
      expect(on.core.flagsApply(bytes, { set: 1 << 31, clear: 0, toggle: 0 })).toBe(1);
      expect(on.core.flagsCount(bytes, { on: 1 << 31, off: ~(1 << 31) })).toBe(1);
    });

    it('counts those with all of `on` and none of `off`', () => {
      const bytes = configs(0b01, 0b11, 0b10, 0xffff_ffff, 0);
      expect(on.core.flagsCount(bytes, { on: 0b01, off: 0 })).toBe(3);
      expect(on.core.flagsCount(bytes, { on: 0b01, off: 0b10 })).toBe(1);
      expect(on.core.flagsCount(bytes, { on: 0, off: 0 })).toBe(5);
      expect(on.core.flagsCount(bytes, { on: 1, off: 1 })).toBe(0);
    });

    it('handles none, and more than fits any scratch', () => {
      expect(on.core.flagsApply(new Uint8Array(0), { set: 1, clear: 0, toggle: 0 })).toBe(0);
      expect(on.core.flagsCount(new Uint8Array(0), { on: 0, off: 0 })).toBe(0);
      const many = configs(...Array.from({ length: 20_000 }, (_, i) => i));
      expect(on.core.flagsApply(many, { set: 1, clear: 0, toggle: 0 })).toBe(10_000);
      expect(on.core.flagsCount(many, { on: 1, off: 0 })).toBe(20_000);
    });

    it('changes a part of a larger buffer and nothing around it', () => {
      const bytes = configs(0, 0, 0);
      on.core.flagsApply(bytes.subarray(13, 26), { set: 5, clear: 0, toggle: 0 });
      expect(bytes).toEqual(configs(0, 5, 0));
    });

    it.each([1, 12, 14, 25, 3000])('refuses %i bytes and changes none', (length) => {
      const bytes = new Uint8Array(length).fill(1);
      const details = { length, expected: Math.ceil(length / 13) * 13 };
      const change = { set: 0xffff_ffff, clear: 0, toggle: 0 };
      expect(outcomeOf(() => on.core.flagsApply(bytes, change))).toEqual({ code: 'ERR_CONFIG_LENGTH', details });
      expect(outcomeOf(() => on.core.flagsCount(bytes, { on: 0, off: 0 }))).toEqual({
        code: 'ERR_CONFIG_LENGTH',
        details,
      });
      expect(bytes).toEqual(new Uint8Array(length).fill(1));
    });
  });
}

function hex64(value: bigint): string {
  return value.toString(16).padStart(16, '0');
}
