/**
 * Where one process keeps what came in and is not kept yet. A directory of its own, locked while the process lives, so
 * that whoever opens the store next can tell the dead one's leavings from an upload under way.
 * @module
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tryLock } from '../../journal/lock.ts';

const LOCK_END = '.lock';

export interface DraftDirectory {
  /** A path that nobody has had yet. */
  next(): string;
  /** Removes it with all that is in it. */
  close(): void;
}

/** Sweeps what dead processes left under `path`, and makes a directory there. */
export function openDraftDirectory(path: string): DraftDirectory {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(path)) if (name.endsWith(LOCK_END)) sweep(path, name);
  const { own, lockPath, lock } = claim(path);
  mkdirSync(own, { mode: 0o700 });
  let count = 0;
  return {
    next: () => join(own, String(++count)),
    close: () => {
      rmSync(own, { recursive: true, force: true });
      rmSync(lockPath, { force: true });
      lock.release();
    },
  };
}

/** Who sweeps at this very moment may take the new lock for a dead one's: then another name is tried. */
function claim(path: string) {
  for (;;) {
    const own = join(path, crypto.randomUUID());
    const lockPath = `${own}${LOCK_END}`;
    const lock = tryLock(lockPath);
    if (lock !== null && existsSync(lockPath)) return { own, lockPath, lock };
    lock?.release();
  }
}

function sweep(path: string, name: string): void {
  const lockPath = join(path, name);
  const lock = tryLock(lockPath);
  if (lock === null) return;
  rmSync(lockPath.slice(0, -LOCK_END.length), { recursive: true, force: true });
  rmSync(lockPath, { force: true });
  lock.release();
}
