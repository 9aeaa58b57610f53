/**
 * A registry on a disk that fills up and empties again, and one on a disk that is read-only. Runs in a mount namespace
 * of its own (`unshare -rm`), so that the disk is real and goes away with the process. Prints what it saw as JSON.
 * @module
 */
import { mkdirSync, rmSync, writeFileSync, writeSync, openSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { createProductionConfig } from '../../src/index.ts';
import { verifyFile } from '../../src/journal/backup.ts';
import { call, readUntil, spawnProgram } from './fixtures.ts';

const directory = process.argv[2]!;
const disk = join(directory, 'disk');
const saw: Record<string, unknown> = {};

function mount(...args: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(['mount', ...args]);
  if (exitCode !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr.toString()}`);
}

function fillUp(path: string): void {
  const file = openSync(path, 'w');
  for (let size = 1024 * 1024; size >= 1; size = Math.floor(size / 2)) {
    try {
      for (;;) writeSync(file, new Uint8Array(size));
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOSPC') throw error;
    }
  }
  closeSync(file);
}

mkdirSync(disk);
mount('-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', disk);
const data = join(disk, 'data');
const child = spawnProgram(data, ['--port', '0']);
const url = /listens on (\S+)/.exec(await readUntil(child.stdout, /Page: \S+\n/))![1]!;
const ask = async (method: string, path: string, body?: unknown) => await call(url, method, path, body);

await ask('POST', 'features', { feature: 'debug', enabled: false, reason: 'before' });
const other = createProductionConfig({ persistPath: join(data, 'journal.db'), enableClusterSync: true });
fillUp(join(disk, 'ballast'));
// The log has room of its own for some entries.
let flips = 0;
let answer = await ask('POST', 'features', { feature: 'debug', enabled: true, reason: 'flip 0' });
while (answer.status === 200 && flips < 2000) {
  flips += 1;
  answer = await ask('POST', 'features', { feature: 'debug', enabled: flips % 2 === 0, reason: `flip ${flips}` });
}
saw.refused = { status: answer.status, code: answer.body.code, sqlite: answer.body.details.sqlite };
const stored = (await ask('GET', 'config')).body;
saw.isBack = stored.features.enabled.includes('debug') === (flips % 2 === 1) && other.flags.debug === (flips % 2 === 1);
const again = await ask('POST', 'features', { feature: 'metrics', enabled: true });
saw.again = [again.status, again.body.code];
saw.metricsStayedOff = !other.flags.metrics;
saw.reads = [(await ask('GET', 'config/history?limit=3')).status, (await ask('GET', 'status')).status];
saw.sameState = (await ask('GET', 'config')).body.revision === stored.revision;
const backup = await ask('POST', 'config/backup');
saw.backup = [backup.status, backup.body.code];

rmSync(join(disk, 'ballast'));
const after = await ask('POST', 'features', { feature: 'metrics', enabled: true, reason: 'room again' });
saw.after = [after.status, other.flags.metrics];
const { entries } = (await ask('GET', 'config/history?limit=3')).body;
saw.story = entries.map((entry: { kind: string; reason: string }) => [entry.kind, entry.reason.replace(/\d+/, 'N')]);
await other.close();
child.kill('SIGTERM');
saw.exit = await child.exited;
saw.verified = verifyFile(join(data, 'journal.db')).ok;

const sealed = join(directory, 'sealed');
mkdirSync(sealed);
writeFileSync(join(data, 'note'), '');
mount('--bind', disk, sealed);
mount('-o', 'remount,ro,bind', sealed);
const refused = spawnProgram(join(sealed, 'data'), ['--port', '0']);
saw.sealed = [await refused.exited, (await new Response(refused.stderr).text()).split('\n').length];
saw.sealedSays = await new Response(spawnProgram(join(sealed, 'data'), ['--port', '0']).stderr).text();
console.log(JSON.stringify(saw));
process.exit(0);
