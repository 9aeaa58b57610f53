/**
 * Where a store keeps what came in and is not kept yet. There is one registry on a data directory at a time, so what
 * lies there when the store is opened is what a dead process left.
 * @module
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export interface DraftDirectory {
  /** A path that nobody has had yet. */
  next(): string;
  /** Removes all that is in it. */
  close(): void;
}

/** Made where it is missing, and emptied. Errors: those of the file system. */
export function openDraftDirectory(path: string): DraftDirectory {
  const clear = (): void => {
    for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true, force: true });
  };
  mkdirSync(path, { recursive: true, mode: 0o700 });
  clear();
  let count = 0;
  return { next: () => join(path, String(++count)), close: clear };
}
