/** The real Node of this machine, for tests that run under Bun. @module */
import { realpathSync } from 'node:fs';
import { basename, delimiter } from 'node:path';

/** Bun puts a stand-in of its own before a missing `node`; only the real one counts. */
export function realNode(): string {
  const found = (process.env['PATH'] ?? '').split(delimiter).map((folder) => Bun.which('node', { PATH: folder }));
  const real = found.find((path) => path !== null && !basename(realpathSync(path)).startsWith('bun'));
  if (real === undefined || real === null) throw new Error('Node is not on this machine: apt-get install nodejs');
  return real;
}
