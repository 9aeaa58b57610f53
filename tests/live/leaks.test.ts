/** Opening and closing gives everything back: slots, descriptors, mappings, threads. @module */
import { CHANGE_KIND } from '../../bindings/abi.gen.ts';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openWasmFile } from '../../bindings/wasm-file.ts';
import { ConfigSlot } from '../../src/live/config-slot.ts';
import { firstImage } from '../../src/live/images.ts';
import { createProductionConfig } from '../../src/live/production-config.ts';
import { openMemoryPlace } from '../../src/sync/place.ts';
import { codeOf, tempDirectory } from '../journal/fixtures.ts';
import { placeOptions } from './fixtures.ts';

function held() {
  const maps = readFileSync('/proc/self/maps', 'utf8').split('\n');
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    threads: readdirSync('/proc/self/task').length,
    boards: maps.filter((line) => /board|config\.db/.test(line)).length,
  };
}

/** Threads and descriptors of an ended worker go when the system has cleaned up after it. */
async function eventually(check: () => boolean): Promise<void> {
  for (let turn = 0; turn < 100_000 && !check(); turn++) await new Promise(setImmediate);
}

describe('2000 configs, opened and closed', () => {
  it.each([
    ['memory', 1400],
    ['board', 500],
    ['journal', 50],
    ['journal and board', 50],
  ] as const)(
    'in %s, leave nothing behind after %i',
    async (kind, count) => {
      const options = placeOptions(kind);
      const cycle = async (i: number): Promise<void> => {
        const config = createProductionConfig({ ...options, name: `config-${i % 7}` });
        config.toggleFeature('metrics');
        await config.close();
      };
      for (let i = 0; i < 5; i++) await cycle(i);
      const before = held();
      for (let i = 0; i < count; i++) await cycle(i);
      const isBack = (): boolean => {
        const { descriptors, threads, boards } = held();
        return descriptors <= before.descriptors && threads <= before.threads + 1 && boards <= before.boards;
      };
      await eventually(isBack);
      expect([isBack(), held(), before]).toEqual([true, expect.anything(), expect.anything()]);
    },
    120_000,
  );

  it('that could not be opened leave nothing behind', async () => {
    const persistPath = join(tempDirectory(), 'config.db');
    const first = createProductionConfig({ persistPath, features: { mine: 12 } });
    first.enableFeature('mine');
    await first.close();
    const refuse = () => codeOf(() => createProductionConfig({ persistPath, features: { other: 12 } }));
    await refuse();
    const before = held();
    for (let i = 0; i < 20; i++) expect(await refuse()).toBe('ERR_FEATURE_CONFLICT');
    const isBack = (): boolean => held().threads <= before.threads && held().descriptors <= before.descriptors;
    await eventually(isBack);
    expect([isBack(), held(), before]).toEqual([true, expect.anything(), expect.anything()]);
  });
});

describe('slots in WebAssembly memory', () => {
  it('are still read right after the memory grew', () => {
    const backend = openWasmFile();
    const slot = new ConfigSlot(backend, openMemoryPlace(backend), { ring: true, timed: false });
    slot.raise(firstImage());
    slot.swapWord(CHANGE_KIND.update, 2, ~0, 0x40);
    backend.slotsCreate(200_000);
    expect([slot.words[2], slot.revision, slot.read().config[5]]).toEqual([0x40, 2, 0x40]);
    slot.swapWord(CHANGE_KIND.update, 2, ~0, 0x80);
    expect([slot.words[2], slot.revision]).toEqual([0xc0, 3]);
    slot.close();
    expect([slot.words[2], slot.revision]).toEqual([0xc0, 3]);
  });
});
