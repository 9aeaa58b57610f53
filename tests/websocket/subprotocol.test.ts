/** Frames of a change, to the byte: published vectors, and that applying them to what was gives what is. @module */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frameDecode } from '../../bindings/frame.ts';
import { openReference } from '../../bindings/reference.ts';
import { DEFAULT_CONFIG, type RegistryConfig } from '../../src/config/value.ts';
import { parseClientMessage, selectProtocol, tokenOf } from '../../src/websocket/client-message.ts';
import { applyFrame, errorFrame, ERROR_FRAME, framesOf, heartbeatFrame } from '../../src/websocket/subprotocol.ts';

const SEED = { seed: 13 };
const core = openReference();
const hex = (before: RegistryConfig, after: RegistryConfig, revision: number): string[] | null =>
  framesOf(before, after, revision)?.map((frame) => core.frameEncode(frame).toHex()) ?? null;

const byte = (min: number, max: number) => fc.integer({ min, max });
const word = fc.integer({ min: 0, max: 0xffff_ffff });
const VALID: fc.Arbitrary<RegistryConfig> = fc.record({
  version: byte(0, 1),
  registryHash: word,
  featureFlags: word,
  terminalMode: byte(0, 3),
  rows: byte(1, 255),
  cols: byte(1, 255),
});

describe('framesOf', () => {
  const at = DEFAULT_CONFIG;

  it.each([
    ['nothing', at, ['050000000008000000000000000d']],
    ['raw mode', { ...at, terminalMode: 2 }, ['010d00000002000000000000000e', '050000000008000000000000000d']],
    ['a feature on', { ...at, featureFlags: 4 }, ['020900000004000000010000000e', '050000000008000000000000000d']],
    ['a size', { ...at, rows: 50, cols: 120 }, ['040e000000327800000000000040', '050000000008000000000000000d']],
  ])('says %s in the fewest frames', (_, after, expected) => {
    expect(hex(at, after, 8)).toEqual(expected);
  });

  it('says on and off in two frames, whatever else differs', () => {
    const before = { ...at, featureFlags: 0x8000_0001 };
    const types = framesOf(before, { ...before, featureFlags: 0x4000_0002, version: 0 }, 1)!.map(({ type }) => type);
    expect(types).toEqual([1, 2, 2, 5]);
  });

  it('leads from any valid config to any other, over the bytes that are sent', () => {
    fc.assert(
      fc.property(VALID, VALID, fc.maxSafeNat(), (before, after, revision) => {
        const sent = framesOf(before, after, revision)!.map((frame) => core.frameEncode(frame));
        const frames = sent.map((bytes) => frameDecode(bytes));
        expect(frames.reduce(applyFrame, before)).toEqual(after);
        expect(frames.at(-1)).toEqual({ type: 5, offset: 0, value: BigInt(revision) });
        expect(frames.slice(0, -1).filter(({ type }) => type === 2).length).toBeLessThanOrEqual(2);
        expect(sent.every((bytes) => bytes.length === 14)).toBe(true);
      }),
      SEED,
    );
  });

  it('has no frames for what validation refuses', () => {
    for (const bad of [{ version: 2 }, { terminalMode: 4 }, { rows: 0 }]) {
      expect(framesOf(at, { ...at, ...bad }, 1)).toBeNull();
    }
    expect(framesOf({ ...at, cols: 0 }, { ...at, cols: 0, rows: 30 }, 1)).toBeNull();
    // What is wrong before and after is not said again.
    expect(framesOf({ ...at, version: 9 }, { ...at, version: 9, terminalMode: 2 }, 1)).toHaveLength(2);
  });

  it('has an error frame for every fault, each with its number', () => {
    const numbers = Object.values(ERROR_FRAME);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const fault of Object.keys(ERROR_FRAME) as (keyof typeof ERROR_FRAME)[]) {
      expect(frameDecode(core.frameEncode(errorFrame(fault))).value).toBe(BigInt(ERROR_FRAME[fault]));
    }
    expect(core.frameEncode(heartbeatFrame(Number.MAX_SAFE_INTEGER)).length).toBe(14);
  });
});

describe('what a client sends', () => {
  it.each([
    ['{"type":"ping"}', { type: 'ping' }],
    ['{"type":"snapshot"}', { type: 'snapshot' }],
    ['{"revision":41,"type":"resume"}', { type: 'resume', revision: 41 }],
  ])('%s is taken', (text, message) => expect(parseClientMessage(text)).toEqual(message));

  it.each([
    ['json', 'x'],
    ['json', '[]'],
    ['json', 'null'],
    ['type', '{"type":"hello"}'],
    ['type', '{"type":"ping","more":1}'],
    ['type', '{"__proto__":{"type":"ping"}}'],
    ['revision', '{"type":"resume"}'],
    ['revision', '{"type":"resume","revision":-1}'],
    ['revision', '{"type":"resume","revision":1.5}'],
    ['revision', '{"type":"resume","revision":1,"x":1}'],
    ['length', 'x'.repeat(4097)],
    ['json', '['.repeat(4000)],
  ])('is refused, naming the fault: %s', (fault, text) => {
    expect(() => parseClientMessage(text)).toThrow(expect.objectContaining({ code: 'ERR_STREAM', details: { fault } }));
  });

  it('any text is a message or an ERR_STREAM', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          expect(['ping', 'snapshot', 'resume']).toContain(parseClientMessage(text).type);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_STREAM' });
        }
      }),
      SEED,
    );
  });

  it('offers subprotocols, and a token among them', () => {
    expect(selectProtocol(null)).toBeNull();
    expect(selectProtocol('x, bun.config.v1,c13.token.abc')).toBe('bun.config.v1');
    expect([tokenOf('x, c13.token.abc , bun.config.v1'), tokenOf('bun.config.v1')]).toEqual(['abc', '']);
    const refused = expect.objectContaining({ code: 'ERR_STREAM', details: { fault: 'subprotocol' } });
    expect(() => selectProtocol('c13.token.abc')).toThrow(refused);
  });
});
