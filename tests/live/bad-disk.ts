/**
 * A config and a store on a disk that fills up and gets room again, in a mount namespace of its own (`unshare -rm`).
 * Prints what it saw as JSON.
 * @module
 */
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openConfigStore } from '../../src/live/config-store.ts';
import { ConfigOperations } from '../../src/live/operations.ts';
import { createProductionConfig } from '../../src/live/production-config.ts';
import { codeOf } from './code-of.ts';

const disk = join(process.argv[2]!, 'disk');
const persistPath = join(disk, 'config.db');
const ballast = join(disk, 'ballast');
const saw: Record<string, unknown> = {};

function mount(...args: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(['mount', ...args]);
  if (exitCode !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr.toString()}`);
}

function fill(): void {
  for (let size = 1 << 20; size >= 1; size >>= 1) {
    try {
      for (;;) appendFileSync(ballast, new Uint8Array(size));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}

mkdirSync(disk);
mount('-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', disk);
const shares = process.argv[3] === 'board';
const config = createProductionConfig({ persistPath, name: 'shop', enableClusterSync: shares, actor: 'ann' });
// A store is on the board: a config in memory of its own has another database.
const store = await openConfigStore(shares ? persistPath : join(disk, 'store.db'));
const commit = (name: string, rows: number) =>
  store.commit(name, {
    kind: 'update',
    create: true,
    signature: { actor: 'store', reason: '' },
    change: (current) => ({ ...current, config: { ...current.config, rows } }),
  });
await config.persist('room');
await commit('stored', 30);
await commit('other', 20);
const BULK = [
  { name: 'made', set: { rows: 70 } },
  { name: 'other', delete: true },
  { name: 'stored', set: { rows: 40 } },
];

fill();
const before = config.revision;
// More than one page of the log, so that no entry finds room in what was allocated before.
while ((saw.persistWhileFull = await codeOf(config.persist('x'.repeat(3000)))) === 'none') fill();
config.enableFeature('metrics');
config.setTerminalSettings(2, 50, 120);
saw.stillFull = await codeOf(config.persist('x'.repeat(3000)));
saw.changedInMemory = [config.flags.metrics, config.rows, config.revision > before];
saw.readsHistory = (await config.getHistory()).length > 0;
saw.pending = config.pendingWrites > 0;
const operations = new ConfigOperations(store);
const write = { actor: 'store' };
const states = async (): Promise<string> => JSON.stringify(await operations.list());
const stored = await states();
saw.bulkWhileFull = await codeOf(operations.bulk(BULK, write));
saw.refusedWhileFull = [await codeOf(commit('stored', 50)), await codeOf(operations.delete('other', write))];
saw.unchanged = (await states()) === stored;

rmSync(ballast);
saw.bulkWithRoom = (await operations.bulk(BULK, write)).map(({ changed, config }) => [changed, config?.rows ?? null]);
saw.commitWithRoom = (await commit('stored', 60)).config.rows;
await config.persist('room again');
saw.pendingAfter = config.pendingWrites;
const history = await config.getHistory({ limit: 1000 });
saw.complete = history.length === config.revision && history.every(({ kind }) => kind !== 'unattributed');
saw.newest = [history[0]!.reason, history[0]!.config.rows];
const pastOf = async (name: string) =>
  (await store.history(name)).entries.map(({ kind, config: { rows } }) => [kind, rows]);
saw.pasts = [await pastOf('stored'), await pastOf('other'), await pastOf('made')];
saw.verified = (await store.journal.verify()).ok;
await config.close();
await store.close();
console.log(JSON.stringify(saw));
