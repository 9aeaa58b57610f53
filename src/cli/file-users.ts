/**
 * Which processes have a file open. Known on Linux, for the processes of this user; elsewhere nobody is found, and the
 * caller's warning has to do.
 * @module
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { resolve } from 'node:path';

/** Process ids, without our own. */
export function usersOf(path: string, proc = '/proc'): number[] {
  const file = resolve(path);
  if (process.platform !== 'linux') return [];
  return readdirSync(proc)
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .filter((pid) => filesOf(`${proc}/${pid}/fd`).includes(file))
    .map(Number);
}

/** A process that has ended meanwhile, or belongs to somebody else, has none that we can see. */
function filesOf(directory: string): string[] {
  const names = readable(() => readdirSync(directory)) ?? [];
  return names.flatMap((name) => readable(() => readlinkSync(`${directory}/${name}`)) ?? []);
}

function readable<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (/^(ENOENT|EACCES|EPERM|ESRCH)$/.test((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}
