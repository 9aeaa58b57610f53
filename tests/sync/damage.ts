/** Damage to a board as another program's stray write would do it: in the file, past every core. @module */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { core } from '../../src/live/core.ts';
import { boardPathOf, NO_JOURNAL } from '../../src/sync/board.ts';

const SLOT_SIZE = 128;

/** Flips bits of one byte of a config's slot on the board of a database. */
export function flipByte(database: string, name: string, offset: number, bits = 0xff): void {
  const path = boardPathOf(database);
  const board = core().native!.openBoard(path, { journalId: NO_JOURNAL, capacity: 1, readOnly: true });
  const file = openSync(path, 'r+');
  try {
    // The slots are the end of the file.
    const slots = fstatSync(file).size - board.slotCount * SLOT_SIZE;
    const at = slots + board.find(name, false)! * SLOT_SIZE + offset;
    const byte = new Uint8Array(1);
    readSync(file, byte, 0, 1, at);
    byte[0]! ^= bits;
    writeSync(file, byte, 0, 1, at);
  } finally {
    closeSync(file);
    board.close();
  }
}
