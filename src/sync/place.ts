/**
 * Where the slot of one config lies: in memory of this process alone, or on a board that processes share. Whoever reads
 * or writes the slot does not care which; only the views may be replaced under it, and it is told when.
 * @module
 */
import type { Backend, Region } from '../../bindings/backend.ts';

export interface Place {
  readonly kind: 'memory' | 'board';
  readonly region: Region;
  /** Number of the slot in the region. */
  readonly slot: number;
  /** Called before each change: makes sure that others will see it. Throws ERR_BOARD when they cannot. */
  prepare(): void;
  /** Keeps the state as it is now, to be read on when the shared memory is taken away. */
  remember(): void;
  /** Called when `region` or `slot` are other ones than before. */
  onMoved(listener: () => void): void;
  close(): void;
}

/** Slots of one allocation; the next one is made when all are taken. */
const SLOTS_PER_REGION = 64;

const free = new WeakMap<Backend, { region: Region; slot: number }[]>();

/** A slot in private memory: 128 bytes of a region that configs of this process share. */
export function openMemoryPlace(backend: Backend): Place {
  const slots = free.get(backend) ?? [];
  free.set(backend, slots);
  if (slots.length === 0) {
    const region = backend.slotsCreate(SLOTS_PER_REGION);
    for (let slot = SLOTS_PER_REGION - 1; slot >= 0; slot--) slots.push({ region, slot });
  }
  const { region, slot } = slots.pop()!;
  return {
    kind: 'memory',
    region,
    slot,
    prepare() {},
    remember() {},
    onMoved() {},
    close() {
      const start = slot * (region.bytes.length / region.slotCount);
      region.bytes.fill(0, start, start + region.bytes.length / region.slotCount);
      slots.push({ region, slot });
    },
  };
}
