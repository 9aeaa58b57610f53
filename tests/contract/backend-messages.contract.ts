/** The part of the core's contract about what is sent: frames and headers. @module */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Backend, Frame, HeaderName, HeaderValues } from '../../bindings/backend.ts';
import { codeOf, hex, outcomeOf, unhex } from '../bindings/outcomes.ts';

const CONFIG = unhex('01785634120bf00080020a6400');
const HEADER_NAMES: readonly HeaderName[] = [
  'x-bun-config-version',
  'x-bun-registry-hash',
  'x-bun-feature-flags',
  'x-bun-terminal-mode',
  'x-bun-terminal-rows',
  'x-bun-terminal-cols',
  'x-bun-config-dump',
];
/** What they say of CONFIG. */
const FIELDS = [1, 0x12345678, 0x8000f00b, 2, 10, 100];

const GOOD_FRAMES: readonly Frame[] = [
  { type: 1, offset: 4, value: 0n },
  { type: 1, offset: 4, value: 1n },
  { type: 1, offset: 5, value: 0xffff_ffffn },
  { type: 1, offset: 9, value: 0x8000_0000n },
  { type: 1, offset: 13, value: 3n },
  { type: 1, offset: 14, value: 1n },
  { type: 1, offset: 15, value: 255n },
  { type: 2, offset: 9, value: 0x1_ffff_ffffn },
  { type: 2, offset: 9, value: 0n },
  { type: 3, offset: 0, value: 0n },
  { type: 4, offset: 14, value: 50n | (120n << 8n) },
  { type: 4, offset: 14, value: 0xffffn },
  { type: 5, offset: 0, value: 0xffff_ffff_ffff_ffffn },
  { type: 6, offset: 0, value: 1n },
  { type: 7, offset: 0, value: 1n },
];

const BAD_FRAMES: readonly [Frame, string][] = [
  [{ type: 0, offset: 0, value: 0n }, 'type'],
  [{ type: 8, offset: 0, value: 0n }, 'type'],
  [{ type: 255, offset: 0, value: 0n }, 'type'],
  [{ type: 257, offset: 13, value: 2n }, 'type'],
  [{ type: -1, offset: 0, value: 0n }, 'type'],
  [{ type: 1.5, offset: 13, value: 2n }, 'type'],
  [{ type: 1, offset: 0, value: 0n }, 'offset'],
  [{ type: 1, offset: 6, value: 0n }, 'offset'],
  [{ type: 1, offset: 16, value: 0n }, 'offset'],
  [{ type: 1, offset: 2 ** 32 + 13, value: 2n }, 'offset'],
  [{ type: 1, offset: -1, value: 2n }, 'offset'],
  [{ type: 1, offset: 13.5, value: 2n }, 'offset'],
  [{ type: 1, offset: 4, value: 2n }, 'value'],
  [{ type: 1, offset: 5, value: 0x1_0000_0000n }, 'value'],
  [{ type: 1, offset: 13, value: 4n }, 'value'],
  [{ type: 1, offset: 13, value: 2n + (1n << 64n) }, 'value'],
  [{ type: 1, offset: 14, value: 0n }, 'value'],
  [{ type: 1, offset: 15, value: 256n }, 'value'],
  [{ type: 2, offset: 8, value: 0n }, 'offset'],
  [{ type: 2, offset: 9, value: 1n << 33n }, 'value'],
  [{ type: 2, offset: 9, value: -1n }, 'value'],
  [{ type: 3, offset: 1, value: 0n }, 'offset'],
  [{ type: 4, offset: 15, value: 0x0101n }, 'offset'],
  [{ type: 4, offset: 14, value: 0x0100n }, 'value'],
  [{ type: 4, offset: 14, value: 0x0001n }, 'value'],
  [{ type: 4, offset: 14, value: 0x10101n }, 'value'],
  [{ type: 5, offset: 4, value: 1n }, 'offset'],
  [{ type: 5, offset: 0, value: -1n }, 'value'],
  [{ type: 5, offset: 0, value: 1n << 64n }, 'value'],
];

/** The bytes a careless sender would make of a frame. */
function carelessly({ type, offset, value }: Frame): Uint8Array {
  const bytes = new Uint8Array(14);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, type);
  view.setUint32(1, offset, true);
  view.setBigUint64(5, value, true);
  bytes[13] = bytes.reduce((xor, byte) => xor ^ byte, 0);
  return bytes;
}

export function messagesContract(open: () => Backend): void {
  framesContract(open);
  headersContract(open);
  headerSetsContract(open);
}

function framesContract(open: () => Backend): void {
  let core: Backend;
  beforeAll(() => {
    core = open();
  });

  describe('frames', () => {
    it('encodes the documented frame that sets raw mode', () => {
      const bytes = Uint8Array.of(1, 13, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1 ^ 13 ^ 2);
      expect(core.frameEncode({ type: 1, offset: 13, value: 2n })).toEqual(bytes);
      expect(core.frameDecode(bytes)).toEqual({ type: 1, offset: 13, value: 2n });
    });

    it.each(GOOD_FRAMES)('carries %o there and back', (frame) => {
      expect(core.frameEncode(frame)).toEqual(carelessly(frame));
      expect(core.frameDecode(carelessly(frame))).toEqual(frame);
    });

    it.each(BAD_FRAMES)('refuses to encode %o: its %s', (frame, fault) => {
      expect(outcomeOf(() => core.frameEncode(frame))).toEqual({ code: 'ERR_FRAME', details: { fault } });
    });

    const sendable = BAD_FRAMES.filter(([{ type, offset, value }]) => {
      const fits = Number.isInteger(offset) && offset >= 0 && offset < 2 ** 32 && value === BigInt.asUintN(64, value);
      return fits && Number.isInteger(type) && type >= 0 && type < 256;
    });
    it.each(sendable)('refuses to decode %o: its %s', (frame, fault) => {
      expect(outcomeOf(() => core.frameDecode(carelessly(frame)))).toEqual({ code: 'ERR_FRAME', details: { fault } });
    });

    it('names a wrong length before all else, and a wrong checksum before the meaning', () => {
      const good = core.frameEncode({ type: 5, offset: 0, value: 7n });
      for (const length of [0, 1, 13, 15, 5000]) {
        const details = { fault: 'length' };
        expect(outcomeOf(() => core.frameDecode(new Uint8Array(length)))).toEqual({ code: 'ERR_FRAME', details });
      }
      for (let at = 0; at < 14; at++) {
        const details = { fault: 'checksum' };
        expect(outcomeOf(() => core.frameDecode(good.with(at, good[at]! ^ 0x10)))).toEqual({
          code: 'ERR_FRAME',
          details,
        });
      }
    });

    it.each([0, 1, 2, 63, 64, 65, 200])('decodes %i frames that lie one after another', (count) => {
      const frames = Array.from({ length: count }, (_, i) => GOOD_FRAMES[i % GOOD_FRAMES.length]!);
      expect(core.framesDecode(joined(frames.map(carelessly)))).toEqual(frames);
    });

    it('reports each bad frame in its place, and what is left over at the end', () => {
      const damaged = carelessly(GOOD_FRAMES[3]!).with(6, 1);
      const sent = sendable.flatMap(([frame]) => [carelessly(GOOD_FRAMES[0]!), carelessly(frame)]);
      const expected = sendable.flatMap(([, fault]) => [GOOD_FRAMES[0], { fault }]);
      const bytes = joined([...sent, damaged, Uint8Array.of(1, 13)]);
      expect(core.framesDecode(bytes)).toEqual([...expected, { fault: 'checksum' }, { fault: 'length' }]);
    });

    it('decodes frames out of the middle of a larger buffer, and leaves it as it was', () => {
      const bytes = joined([Uint8Array.of(9, 9, 9), ...GOOD_FRAMES.map(carelessly), Uint8Array.of(9)]);
      const before = bytes.slice();
      expect(core.framesDecode(bytes.subarray(3, -1))).toEqual(GOOD_FRAMES);
      expect(bytes).toEqual(before);
    });
  });
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function headersContract(open: () => Backend): void {
  let core: Backend;
  beforeAll(() => {
    core = open();
  });

  describe('headers', () => {
    const VALUES: readonly [HeaderName, string, number][] = [
      ['x-bun-config-version', '1', 1],
      ['x-bun-registry-hash', '0x12345678', 0x12345678],
      ['x-bun-feature-flags', '0x8000f00b', 0x8000f00b],
      ['x-bun-terminal-mode', '2', 2],
      ['x-bun-terminal-rows', '10', 10],
      ['x-bun-terminal-cols', '100', 100],
    ];

    it.each(VALUES)('writes and reads %s', (name, text, number) => {
      expect(core.headerFormat(name, CONFIG)).toBe(text);
      expect(core.headerParse(name, text)).toBe(number);
    });

    it('writes and reads the dump: a record in hex', () => {
      const text = core.headerFormat('x-bun-config-dump', CONFIG);
      expect(text).toBe(hex(core.recordSeal(CONFIG)));
      expect(core.headerParse('x-bun-config-dump', text)).toEqual(CONFIG);
    });

    it('reads unsigned numbers above 2^31', () => {
      expect(core.headerParse('x-bun-registry-hash', '0xffffffff')).toBe(0xffff_ffff);
    });

    const REFUSED: readonly [HeaderName, string][] = [
      ['x-bun-config-version', ''],
      ['x-bun-config-version', '2'],
      ['x-bun-config-version', '01'],
      ['x-bun-config-version', '+1'],
      ['x-bun-config-version', ' 1'],
      ['x-bun-config-version', '1\n'],
      ['x-bun-config-version', '１'],
      ['x-bun-registry-hash', '0x1234567'],
      ['x-bun-registry-hash', '0x123456789'],
      ['x-bun-registry-hash', '0X12345678'],
      ['x-bun-registry-hash', '0x1234567A'],
      ['x-bun-feature-flags', '0x0_00bff0'],
      ['x-bun-feature-flags', '305419896'],
      ['x-bun-terminal-mode', '4'],
      ['x-bun-terminal-mode', '-1'],
      ['x-bun-terminal-rows', '0'],
      ['x-bun-terminal-rows', '256'],
      ['x-bun-terminal-rows', '1000'],
      ['x-bun-terminal-cols', '4294967297'],
      ['x-bun-terminal-cols', '1e1'],
      ['x-bun-config-dump', ''],
      ['x-bun-config-dump', '00'.repeat(32)],
      ['x-bun-config-dump', 'é'.repeat(32)],
      ['x-bun-config-dump', '0'.repeat(100_000)],
    ];
    it.each(REFUSED)('refuses %s: %j', (name, value) => {
      const details = { header: name, value: value.slice(0, 80) };
      expect(outcomeOf(() => core.headerParse(name, value))).toEqual({ code: 'ERR_HEADER', details });
    });

    it('refuses a dump that is damaged, upper-case, or of an invalid config', () => {
      const text = core.headerFormat('x-bun-config-dump', CONFIG);
      const invalid = hex(core.recordSeal(CONFIG.with(10, 0)));
      for (const value of [text.replace('4331', '4332'), text.toUpperCase(), `${text}00`, text.slice(1), invalid]) {
        expect(
          codeOf(() => core.headerParse('x-bun-config-dump', value)),
          value,
        ).toBe('ERR_HEADER');
      }
    });

    it('refuses a header that is none', () => {
      const name = 'x-bun-nothing' as HeaderName;
      expect(codeOf(() => core.headerParse(name, '1'))).toBe('ERR_HEADER');
      expect(codeOf(() => core.headerFormat(name, CONFIG))).toBe('ERR_HEADER');
    });
  });
}

function headerSetsContract(open: () => Backend): void {
  let core: Backend;
  let whole: readonly string[];
  beforeAll(() => {
    core = open();
    whole = HEADER_NAMES.map((name) => core.headerFormat(name, CONFIG));
  });
  const codes = (values: HeaderValues) =>
    core.headersParse(values).errors.map(({ code, details }) => [code, details.header]);

  describe('headers that come together', () => {
    it('say a field each, or all by the dump, in every combination', () => {
      for (let given = 0; given < 128; given++) {
        const values = whole.map((value, i) => ((given >> i) & 1 ? value : undefined));
        const said = given & 64 ? 63 : given;
        const fields = FIELDS.map((field, i) => ((said >> i) & 1 ? field : 0));
        expect(core.headersParse(values)).toEqual({ said, fields, errors: [] });
      }
    });

    it('say nothing where none came', () => {
      expect(core.headersParse([])).toEqual({ said: 0, fields: [0, 0, 0, 0, 0, 0], errors: [] });
    });

    it('are each refused as when they come alone, the others read all the same', () => {
      const bad = ['2', '0X12345678', '0x8000F00B', '4', '0', '256', whole[6]!.replace('4331', '4332')];
      for (const [i, value] of bad.entries()) {
        const values = whole.slice(0, 6).with(Math.min(i, 5), i === 6 ? whole[5]! : value);
        const { said, errors } = core.headersParse(i === 6 ? [...values, value] : values);
        expect(said).toBe(i === 6 ? 63 : 63 & ~(1 << i));
        expect(errors.map((error) => error.toJSON())).toEqual([
          errorOf(() => core.headerParse(HEADER_NAMES[i]!, value)),
        ]);
      }
      expect(codes(bad)).toEqual(HEADER_NAMES.map((name) => ['ERR_HEADER', name]));
      expect(core.headersParse(bad)).toMatchObject({ said: 0, fields: [0, 0, 0, 0, 0, 0] });
    });

    it('are refused where they contradict the dump, which is believed', () => {
      const others = ['0', '0x00000000', '0x00000001', '1', '11', '101'];
      const { said, fields, errors } = core.headersParse([...others, whole[6]]);
      expect({ said, fields }).toEqual({ said: 63, fields: FIELDS });
      expect(errors.map(({ details }) => details)).toEqual(
        others.map((value, i) => ({ header: HEADER_NAMES[i], value })),
      );
      expect(errors[1]!.message).toBe('x-bun-registry-hash says 0, but x-bun-config-dump says 305419896');
    });

    it('contradict nothing where the dump itself is bad', () => {
      expect(codes(['0', undefined, undefined, undefined, '11', undefined, 'no dump'])).toEqual([
        ['ERR_HEADER', 'x-bun-config-dump'],
      ]);
    });

    it('leave nothing behind for the next that come', () => {
      core.headersParse(whole);
      expect(core.headersParse(['1'])).toEqual({ said: 1, fields: [1, 0, 0, 0, 0, 0], errors: [] });
      expect(codes([...whole.slice(0, 6), whole[6]!.slice(0, -1)])).toEqual([['ERR_HEADER', 'x-bun-config-dump']]);
      // One unit shorter than its bytes: where the last byte lies, the one of before must not be read.
      core.headersParse(whole);
      expect(codes([...whole.slice(0, 6), `${whole[6]!.slice(0, -1)}é`])).toEqual([
        ['ERR_HEADER', 'x-bun-config-dump'],
      ]);
    });

    // Each is a digit, or the x, once cut to its low byte.
    it.each(['\u0131', '\u{1f531}', '０', '1\0', '1'.repeat(64), '1'.repeat(65), '1'.repeat(255), '1'.repeat(100_000)])(
      'refuses %j for every header',
      (value) => {
        for (const header of HEADER_NAMES.keys()) {
          const values = HEADER_NAMES.map((_, i) => (i === header ? value : undefined));
          expect(codes(values)).toEqual([['ERR_HEADER', HEADER_NAMES[header]]]);
        }
      },
    );
  });
}

function errorOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return (error as { toJSON(): unknown }).toJSON();
  }
}
