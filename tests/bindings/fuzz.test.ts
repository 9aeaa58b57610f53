/**
 * Bytes from outside into everything that decodes them: an answer, or a documented error, never anything else.
 * @module
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HEADER_NAMES } from '../fixtures/make-vectors.ts';
import { CORES, REFERENCE } from './cores.ts';
import { codeOf, hex, outcomeOf, unhex } from './outcomes.ts';

const RUNS = { seed: 13, numRuns: 1500 };

/** Real bytes with a few changed, cut or added: closer to what passes than random ones. */
function mutated(real: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const change = fc.tuple(fc.nat(), fc.nat(255));
  return fc
    .tuple(real, fc.array(change, { maxLength: 4 }), fc.integer({ min: -2, max: 2 }))
    .map(([bytes, changes, longer]) => {
      const result = new Uint8Array(Math.max(0, bytes.length + longer));
      result.set(bytes.subarray(0, result.length));
      if (result.length > 0) for (const [at, value] of changes) result[at % result.length] = value;
      return result;
    });
}

const config = fc.uint8Array({ minLength: 13, maxLength: 13 });
const record = config.map((bytes) => REFERENCE.recordSeal(bytes));
const frame = fc
  .constantFrom('010d00000002000000000000000e', '0500000000070000000000000002', '020900000001000000010000000a')
  .map(unhex);
const signed = (bytes: Uint8Array): Uint8Array =>
  bytes.length === 14
    ? bytes.with(
        13,
        bytes.subarray(0, 13).reduce((xor, byte) => xor ^ byte, 0),
      )
    : bytes;

describe.each(CORES)('$kind', (core) => {
  test('recordOpen', () => {
    const codes = /^ERR_(CONFIG_LENGTH|RECORD_(MAGIC|CHECKSUM|RESERVED))$/;
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), mutated(record)), (bytes) => {
        const outcome = outcomeOf(() => core.recordOpen(bytes));
        if ('code' in outcome) expect(outcome.code).toMatch(codes);
        else expect(REFERENCE.recordSeal(outcome.result as Uint8Array)).toEqual(bytes);
      }),
      RUNS,
    );
  });

  test('frameDecode', () => {
    const faults = /^(length|checksum|type|offset|value)$/;
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 40 }), mutated(frame), mutated(frame).map(signed)), (bytes) => {
        const outcome = outcomeOf(() => core.frameDecode(bytes));
        if ('code' in outcome) {
          expect(outcome.code).toBe('ERR_FRAME');
          expect((outcome.details as { fault: string }).fault).toMatch(faults);
        } else {
          expect(core.frameEncode(outcome.result as ReturnType<typeof core.frameDecode>)).toEqual(bytes);
        }
      }),
      RUNS,
    );
  });

  test('headerParse', () => {
    const name = fc.constantFrom(...HEADER_NAMES);
    const text = fc.oneof(
      fc.string({ maxLength: 70 }),
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.stringMatching(/^\d{1,4}$/),
      fc.stringMatching(/^0[xX][0-9a-fA-F]{7,9}$/),
      mutated(record).map(hex),
    );
    fc.assert(
      fc.property(name, text, (header, value) => {
        const outcome = outcomeOf(() => core.headerParse(header, value));
        if ('code' in outcome) expect(outcome.code).toBe('ERR_HEADER');
        expect(outcome).toEqual(outcomeOf(() => REFERENCE.headerParse(header, value)));
      }),
      RUNS,
    );
  });

  test('configCheck', () => {
    fc.assert(
      fc.property(fc.oneof(config, fc.uint8Array({ maxLength: 30 })), (bytes) => {
        const outcome = outcomeOf(() => core.configCheck(bytes));
        if ('code' in outcome) expect([outcome.code, bytes.length === 13]).toEqual(['ERR_CONFIG_LENGTH', false]);
        else expect(outcome.result).toBe(REFERENCE.configCheck(bytes));
      }),
      RUNS,
    );
  });

  test('slotRead of any 128 bytes', () => {
    const region = core.slotsCreate(1);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 128, maxLength: 128 }), (bytes) => {
        region.bytes.set(bytes);
        expect([null, 'ERR_RECORD_CHECKSUM']).toContain(codeOf(() => core.slotRead(region, 0)));
        expect(region.bytes).toEqual(bytes);
      }),
      RUNS,
    );
    region.close();
  });
});
