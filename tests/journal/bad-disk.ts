/**
 * A journal on a disk that fills up, empties again, and turns read-only. Runs in a mount namespace of its own
 * (`unshare -rm`), so that the disk is real and goes away with the process. Prints what it saw as JSON.
 * @module
 */

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { verifyFile } from '../../src/journal/backup.ts';
import { openEngine } from '../../src/journal/engine.ts';
import { openLocalJournal } from '../../src/journal/local.ts';
import { latestBodies } from './fixtures-projection.ts';

const directory = process.argv[2]!;
const disk = join(directory, 'disk');
const path = join(disk, 'journal.db');
const saw: Record<string, unknown> = {};

function mount(...args: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(['mount', ...args]);
  if (exitCode !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr.toString()}`);
}

async function outcome(action: () => unknown): Promise<unknown> {
  try {
    await action();
    return 'done';
  } catch (error) {
    const { code, details } = error as { code: string; details: { sqlite?: string } };
    return code === undefined ? String(error) : { code, sqlite: details.sqlite };
  }
}

mkdirSync(disk);
mount('-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk);
writeFileSync(join(disk, 'ballast'), new Uint8Array(512 * 1024));
const journal = openLocalJournal({ path, projections: [latestBodies] });
const entry = (expected: number) => ({
  stream: 'a',
  expected,
  type: 't',
  actor: 'a',
  reason: '',
  body: new Uint8Array(20_000),
});
let acknowledged = 0;
while (
  (saw.full = await outcome(async () => {
    await journal.append([entry(acknowledged)]);
    acknowledged += 1;
  })) === 'done'
);
saw.acknowledged = acknowledged;
saw.batchWhileFull = await Promise.all(
  [entry(acknowledged), entry(acknowledged + 1)].map((one) => outcome(() => journal.append([one]))),
);
// Larger than SQLite's cache, so that the disk refuses in the middle of the transaction and not at its end.
const large = { ...entry(0), stream: 'large', body: new Uint8Array(6 * 1024 * 1024) };
const small = { ...entry(0), stream: 'small', body: new Uint8Array(1) };
saw.largeWhileFull = await Promise.all([small, large, small].map((one) => outcome(() => journal.append([one]))));
saw.headWhileFull = (await journal.head()).seq;
saw.readWhileFull = (await journal.read({ limit: 5, order: 'desc' })).entries.length;
saw.verifyWhileFull = (await journal.verify()).ok;
saw.backupWhileFull = await outcome(() => journal.backup(join(disk, 'copy.db')));
saw.newWhileFull = await outcome(() => openEngine({ path: join(disk, 'new.db') }));
saw.files = readdirSync(disk).sort();
rmSync(join(disk, 'ballast'));
saw.afterRoom = (await journal.append([entry(acknowledged)]))[0]!.seq;
saw.projection = ((await journal.query(latestBodies, 'one', 'a')) as { entries: number }).entries;
await journal.close();
saw.verified = verifyFile(path).ok;

const sealed = join(directory, 'sealed');
mkdirSync(sealed);
mount('--bind', disk, sealed);
mount('-o', 'remount,ro,bind', sealed);
const sealedPath = join(sealed, 'journal.db');
saw.openSealed = await outcome(() => openEngine({ path: sealedPath }));
saw.createSealed = await outcome(() => openEngine({ path: join(sealed, 'new.db') }));
const reader = openEngine({ path: sealedPath, readonly: true, projections: [latestBodies] });
saw.readSealed = reader.head().seq;
saw.querySealed = (reader.query('latest_bodies', 'one', 'a') as { entries: number }).entries;
saw.appendSealed = await outcome(() => reader.append([entry(0)]));
reader.close();
console.log(JSON.stringify(saw));
