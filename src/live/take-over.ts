/**
 * What follows when the journal has refused an entry of ours: somebody's acknowledged change stands where ours would.
 * The journal's newest state becomes the visible one again, by a change with an entry of its own. Must never leave a
 * state that no entry tells of to be built upon.
 * @module
 */
import { conflict, type ConfigSlot, type Swapped } from './config-slot.ts';
import type { Database } from './database.ts';
import { newestIn, type NewestState } from './past.ts';
import { entryOf, isRevisionConflict, type Signature } from './recorder.ts';

/** Far more often than others can write between our look at the journal and our entry. */
const ATTEMPTS_MAX = 100;

/**
 * Shows the journal's newest state and waits for the entry that says so. `onShown` is called in the turn in which it
 * becomes visible: changes from then on build on it. Errors: ERR_JOURNAL_WRITE (the entry stays queued), ERR_BOARD,
 * ERR_CLOSED.
 */
export async function takeOver(
  database: Database,
  name: string,
  slot: ConfigSlot,
  signature: Signature,
  onShown: () => void = () => {},
): Promise<void> {
  let { revision } = slot;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    revision = slot.revision;
    // Entries of ours that are under way may be newer than the refused one.
    await (await database.journal).flush();
    const newest = await newestIn(database, name);
    if (newest === null) return onShown();
    try {
      const change = showNewest(slot, newest, revision);
      onShown();
      if (change !== null) await database.recorder.recordNow([entryOf(name, change, signature)]);
      return;
    } catch (error) {
      // Somebody was faster, in the slot or in the journal: look at both again.
      if (!isRevisionConflict(error)) throw error;
    }
  }
  throw conflict(revision, slot.revision, `config:${name}`);
}

/** The change that had to be made for it, if any. Throws ERR_REVISION_CONFLICT when the slot is not at `expected`. */
function showNewest(slot: ConfigSlot, newest: NewestState, expected: number): Swapped | null {
  if (slot.place.kind === 'memory') {
    slot.replace(newest);
    return null;
  }
  slot.raise(newest);
  if (newest.revision > expected && slot.revision === newest.revision) return null;
  const { config, rollouts } = newest;
  const kind = newest.isDeleted ? 'delete' : 'revert';
  const swapped = slot.swap({ kind, expected }, (current) => ({ ...current, config, rollouts }));
  // The state that was shown at the journal's own revision is in no entry; what the change follows there is the
  // journal's.
  return swapped !== null && newest.revision === expected ? { ...swapped, before: newest } : swapped;
}
