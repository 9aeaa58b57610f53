/**
 * A change with an entry of another stream on a disk that is full, and again with room: in a mount namespace of its own
 * (`unshare -rm`). Prints what it saw as JSON.
 * @module
 */
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openConfigStore } from '../../src/live/config-store.ts';
import { ConfigOperations } from '../../src/live/operations.ts';
import { codeOf } from './code-of.ts';

const disk = join(process.argv[2]!, 'disk');
const ballast = join(disk, 'ballast');
mkdirSync(disk);
const { exitCode, stderr } = Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', disk]);
if (exitCode !== 0) throw new Error(stderr.toString());

function fill(): void {
  for (let size = 1 << 20; size >= 1; size >>= 1) {
    try {
      for (;;) appendFileSync(ballast, new Uint8Array(size));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}

const operations = new ConfigOperations(await openConfigStore(join(disk, 'config.db')));
const { journal } = operations.store;
const ann = { actor: 'ann' };
const note = { stream: 'note:one', type: 'test.changed', actor: 'ann', reason: '', expected: 0 } as const;
const make = (rows: number, size: number) =>
  operations.bulk([{ name: 'shop', set: { rows } }], { ...ann, also: [{ ...note, body: new Uint8Array(size) }] });
const saw: Record<string, unknown> = {};
await operations.set('shop', { rows: 20 }, ann);
fill();
// Larger than what was allocated before.
saw.whileFull = await codeOf(make(40, 5 << 20));
rmSync(ballast);
await operations.set('shop', { rows: 30 }, ann);
saw.rows = (await operations.get('shop')).rows;
saw.notes = await journal.streamHead('note:one');
const { entries } = await operations.history('shop');
saw.past = entries.map(({ kind, config: { rows } }) => `${kind} ${rows}`);
await make(50, 10);
saw.withRoom = await journal.streamHead('note:one');
saw.verified = (await operations.verify()).ok;
await operations.store.close();
console.log(JSON.stringify(saw));
