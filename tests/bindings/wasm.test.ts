/** The WebAssembly core keeps the contract, also when its memory moves. @module */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openWasm, openWasmSync } from '../../bindings/wasm.ts';
import { defaultWasmFile, openWasmFile } from '../../bindings/wasm-file.ts';
import { backendContract } from '../contract/backend.contract.ts';
import { codeOf, outcomeOf, unhex, utf8 } from './outcomes.ts';
import { cellOf, image, marked, request, swapTo } from './swaps.ts';

const DEFAULT = unhex('019ad10e930000000001185000');

backendContract('wasm', openWasmFile);

test('it opens from bytes and from a compiled module, at once or later', async () => {
  const bytes = readFileSync(defaultWasmFile());
  const module = await WebAssembly.compile(bytes);
  for (const core of [await openWasm(bytes), await openWasm(module), openWasmSync(bytes)]) {
    expect(core.crc64(utf8('123456789'))).toBe(0xae8b14860a799888n);
  }
});

test('every region follows when memory grows, and a view from before is empty', () => {
  const core = openWasmFile();
  const region = core.slotsCreate(2);
  swapTo(core, region, DEFAULT);
  const { words, bytes } = region;
  const columns = core.columnsCreate(2 ** 22);
  expect(words).toHaveLength(0);
  expect(bytes).toHaveLength(0);
  expect(core.slotRead(region, 0)).toEqual(image(1, DEFAULT, undefined, 0));
  expect(region.words).toHaveLength(64);
  expect(cellOf(region)[0]! & 0xff_ffff).toBe(1);
  columns.close();
  region.close();
});

test('a call whose own argument makes memory grow still gives the right answer', () => {
  const core = openWasmFile();
  const region = core.slotsCreate(1);
  swapTo(core, region, DEFAULT);
  const configs = new Uint8Array(13 * 1_000_000);
  expect(core.flagsApply(configs, { set: 1, clear: 0, toggle: 0 })).toBe(1_000_000);
  expect(configs[5]).toBe(1);
  expect(configs[13 * 999_999 + 5]).toBe(1);
  expect(core.slotSwap(region, 0, request(region, 0, marked(4)), null)).toBe(2);
  expect(region.bytes.slice(3, 16)).toEqual(marked(4));
});

test('memory that was given back is used again: nothing leaks', () => {
  const core = openWasmFile();
  const addresses = new Set<number>();
  for (let i = 0; i < 200; i++) {
    const region = core.slotsCreate(1000);
    expect(region.bytes.every((byte) => byte === 0)).toBe(true);
    addresses.add(region.bytes.byteOffset);
    region.bytes.fill(0xff);
    core.crc64(new Uint8Array(300_000));
    region.close();
  }
  expect(addresses.size).toBeLessThan(5);
});

test('it says when there is no memory, and goes on', () => {
  const core = openWasmFile();
  const region = core.slotsCreate(1);
  swapTo(core, region, DEFAULT);
  expect(outcomeOf(() => core.slotsCreate(2 ** 25 - 1))).toEqual({
    code: 'ERR_OUT_OF_MEMORY',
    details: { size_bytes: 2 ** 32 - 128 },
  });
  expect(core.slotRead(region, 0).config).toEqual(DEFAULT);
});

test('what is no module of ours is refused', async () => {
  const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  for (const bytes of [new Uint8Array(0), utf8('not a module'), empty]) {
    expect(codeOf(() => openWasmSync(bytes as Uint8Array<ArrayBuffer>))).toBe('ERR_CORE_MISSING');
    await expect(openWasm(bytes as Uint8Array<ArrayBuffer>)).rejects.toMatchObject({ code: 'ERR_CORE_MISSING' });
  }
});
