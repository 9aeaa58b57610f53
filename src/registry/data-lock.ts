/** One registry for each data directory: whoever comes second is told so. @module */
import { join } from 'node:path';
import { ConfigError } from '../errors/errors.ts';
import { tryLock, type Lock } from '../journal/lock.ts';

const LOCK_FILE = 'registry.lock';

/** Throws ERR_DATA_IN_USE. */
export function lockDirectory(directory: string): Lock {
  const path = join(directory, LOCK_FILE);
  const lock = tryLock(path);
  if (lock !== null) return lock;
  throw new ConfigError('ERR_DATA_IN_USE', {
    message: `Another registry serves ${directory}`,
    hint: 'Use that one, stop it first, or give this one another directory with --data.',
    details: { path: directory },
  });
}
