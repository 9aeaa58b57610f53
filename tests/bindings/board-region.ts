/** What any slot of any region does, in short: for slots that lie on a board. @module */
import { expect } from 'vitest';
import type { Backend, Region } from '../../bindings/backend.ts';
import { codeOf } from './outcomes.ts';
import { image, marked, request } from './swaps.ts';

export function backendSlotsOf(core: Backend, region: Region, slot: number): void {
  const ring = core.ringCreate();
  expect(core.slotRead(region, slot).revision).toBe(0);
  expect(core.slotSeed(region, slot, image(41, marked(1)))).toBe(true);
  expect(core.slotSeed(region, slot, image(41, marked(2)))).toBe(false);
  const stale = request(region, slot, marked(3));
  expect(core.slotSwap(region, slot, request(region, slot, marked(4)), ring)).toBe(42);
  expect(core.slotSwap(region, slot, stale, ring)).toBe(0);
  expect(core.slotRead(region, slot)).toEqual(image(42, marked(4), undefined, 41));
  expect(ring.entries()).toMatchObject([{ revision: 42, before: marked(1), after: marked(4) }]);
  region.bytes[slot * 128 + 10]! ^= 1;
  expect(codeOf(() => core.slotRead(region, slot))).toBe('ERR_RECORD_CHECKSUM');
  region.bytes[slot * 128 + 10]! ^= 1;
  ring.close();
}
