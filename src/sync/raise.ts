/**
 * Brings a slot to a state that is known from elsewhere (the journal, a board that was left) without ever going back:
 * revisions only rise, so whoever is behind is raised to whoever is ahead.
 * @module
 */
import type { Backend, Region, SlotImage } from '../../bindings/backend.ts';

/**
 * Gives the slot the state if it has none or an older one, and leaves it alone otherwise. The caller holds the place's
 * lock. Answers whether the slot was empty before.
 */
export function raiseSlot(backend: Backend, region: Region, slot: number, image: SlotImage): boolean {
  const wasEmpty = backend.slotRead(region, slot).revision === 0;
  return backend.slotSeed(region, slot, image) && wasEmpty;
}
