/**
 * A config is never changed in place: whatever a core is handed stays as it was (but for the one operation that says
 * otherwise), and whatever it hands out is the caller's own. Memory that is shared says so by its type: a region.
 * @module
 */
import { describe, expect, test } from 'vitest';
import { configOfWords, copyCell, wordsOfConfig } from '../bindings/cell-words.ts';
import { CORES } from './bindings/cores.ts';
import { codeOf, unhex, utf8 } from './bindings/outcomes.ts';
import { AT, cellOf, image, request, slotBytes, swapTo } from './bindings/swaps.ts';

const DEFAULT = '019ad10e930000000001185000';

/** Bytes with others around them, and the check that none of all these has changed. */
function guarded(bytes: Uint8Array): { readonly bytes: Uint8Array; unchanged: () => void } {
  const whole = new Uint8Array(bytes.length + 32).fill(0xcd);
  whole.set(bytes, 16);
  const before = whole.slice();
  return { bytes: whole.subarray(16, 16 + bytes.length), unchanged: () => expect(whole).toEqual(before) };
}

describe.each(CORES)('$kind', (core) => {
  const config = unhex(DEFAULT);
  const record = core.recordSeal(config);
  const frame = core.frameEncode({ type: 1, offset: 13, value: 2n });

  const operations: readonly [name: string, input: Uint8Array, use: (bytes: Uint8Array) => unknown][] = [
    ['crc64', utf8('123456789'), (bytes) => core.crc64(bytes)],
    ['crc64 of much', new Uint8Array(9000).fill(3), (bytes) => core.crc64(bytes)],
    ['crc64ByteTable', utf8('123456789'), (bytes) => core.crc64ByteTable(bytes)],
    ['murmur3', utf8('123456789'), (bytes) => core.murmur3(bytes, 1)],
    ['configCheck', config, (bytes) => core.configCheck(bytes)],
    ['recordSeal', config, (bytes) => core.recordSeal(bytes)],
    ['recordOpen', record, (bytes) => core.recordOpen(bytes)],
    ['recordOpen of a damaged one', record.with(9, 9), (bytes) => codeOf(() => core.recordOpen(bytes))],
    ['flagsCount', new Uint8Array(1300), (bytes) => core.flagsCount(bytes, { on: 0, off: 1 })],
    ['flagsApply of a part of a config', new Uint8Array(20), (bytes) => codeOf(() => core.flagsApply(bytes, ALL))],
    ['frameDecode', frame, (bytes) => core.frameDecode(bytes)],
    ['headerFormat', config, (bytes) => core.headerFormat('x-bun-config-dump', bytes)],
  ];

  test.each(operations)('%s leaves its bytes as they were', (_, input, use) => {
    const { bytes, unchanged } = guarded(input);
    use(bytes);
    unchanged();
  });

  test('flagsApply changes features alone, and nothing around', () => {
    const whole = new Uint8Array(13 * 4 + 2).fill(0xee);
    core.flagsApply(whole.subarray(1, 53), { set: 0, clear: 0xffff_ffff, toggle: 0 });
    const expected = new Uint8Array(54).fill(0xee);
    for (let i = 0; i < 4; i++) expected.fill(0, 1 + 13 * i + 5, 1 + 13 * i + 9);
    expect(whole).toEqual(expected);
  });

  test('frames and queries may be frozen objects', () => {
    const change = Object.freeze({ set: 1, clear: 2, toggle: 4 });
    expect(core.flagsApply(new Uint8Array(13), change)).toBe(1);
    expect(core.flagsCount(new Uint8Array(13), Object.freeze({ on: 0, off: 0 }))).toBe(1);
    expect(core.frameEncode(Object.freeze({ type: 5, offset: 0, value: 1n }))).toHaveLength(14);
  });

  test('a swap keeps nothing of its request and changes nothing in it', () => {
    const region = core.slotsCreate(1);
    const ring = core.ringCreate();
    const wanted = Object.freeze(request(region, 0, config, { rollouts: new Uint16Array(32).fill(7), readNs: 5 }));
    const before = structuredClone(wanted);
    core.slotSwap(region, 0, wanted, ring);
    expect(wanted).toEqual(before);
    const [bytes, entries] = [slotBytes(region), ring.entries()];
    wanted.desired.fill(0);
    wanted.rollouts!.fill(0);
    expect(slotBytes(region)).toEqual(bytes);
    expect(ring.entries()).toEqual(entries);
    close(region, ring);
  });

  test('a seed keeps nothing of its image', () => {
    const region = core.slotsCreate(1);
    const seed = image(9, unhex(DEFAULT), new Uint16Array(32).fill(2));
    const before = structuredClone(seed);
    core.slotSeed(region, 0, seed);
    expect(seed).toEqual(before);
    seed.config.fill(0);
    seed.rollouts.fill(0);
    expect(core.slotRead(region, 0)).toEqual(before);
    close(region);
  });

  test('a region is the shared memory itself; images, entries and copied cells are not', () => {
    const region = core.slotsCreate(1);
    const ring = core.ringCreate();
    swapTo(core, region, config, { at: AT }, ring);
    const { words } = region;
    const [read, [entry], copied] = [core.slotRead(region, 0), ring.entries(), new Uint32Array(4)];
    copyCell(region.words, 0, copied);
    swapTo(core, region, config.with(10, 99), { at: AT + 1 }, ring);
    expect(configOfWords(words.subarray(0, 4))).toEqual(config.with(10, 99));
    expect(read).toEqual(image(1, config, undefined, 0));
    expect(configOfWords(copied)).toEqual(config);
    expect(entry).toMatchObject({ revision: 1, after: config });
    read.config.fill(0);
    read.rollouts.fill(1);
    entry!.after.fill(0);
    copied.fill(0);
    expect(configOfWords(cellOf(region))).toEqual(config.with(10, 99));
    expect(core.slotRead(region, 0).rollouts).toEqual(new Uint16Array(32));
    expect(ring.entries()[0]!.after).toEqual(config);
    close(region, ring);
  });

  test("a record, a config and a list handed out are the caller's own", () => {
    const [first, opened] = [core.recordSeal(config), core.recordOpen(record)];
    first.fill(0);
    opened.fill(0);
    expect(core.recordSeal(config)).toEqual(record);
    expect(core.recordOpen(record)).toEqual(config);
    const columns = core.columnsCreate(4);
    const flags = Uint32Array.of(1, 1, 0, 1);
    columns.writeAll(0, flags);
    expect(flags).toEqual(Uint32Array.of(1, 1, 0, 1));
    flags.fill(0);
    const listed = columns.list({ on: 1, off: 0 }, 0, 4);
    listed.fill(9);
    expect(columns.list({ on: 1, off: 0 }, 0, 4)).toEqual(Uint32Array.of(0, 1, 3));
    columns.close();
  });
});

test('words of a config are a copy, and a config of words too', () => {
  const config = unhex(DEFAULT);
  const words = wordsOfConfig(config);
  const back = configOfWords(words);
  words.fill(0);
  expect(back).toEqual(config);
  back.fill(0);
  expect(config).toEqual(unhex(DEFAULT));
});

const ALL = { set: 0xffff_ffff, clear: 0, toggle: 0 };

function close(...opened: readonly { close(): void }[]): void {
  for (const one of opened) one.close();
}
