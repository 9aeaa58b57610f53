/**
 * Puts files in place whole or not at all: built under another name, made durable, then linked to the final one.
 * Must never replace a file.
 * @module
 */

import { closeSync, fsyncSync, linkSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Connection } from './database.ts';

/**
 * Writes a consistent, compact copy of an open database to a path where no file is. `examine` sees the finished copy
 * before it gets its name, and keeps it from getting it by throwing.
 */
export function copyDatabase(connection: Connection, target: string, examine?: (draft: string) => void): void {
  placeWhole(
    target,
    (draft) => {
      connection.run('VACUUM INTO ?', draft);
      examine?.(draft);
    },
    'refuse',
  );
}

/**
 * Lets `build` write a draft (an empty file, mode 0600), then gives it its name. Where a file already is, `refuse`
 * throws `EEXIST` and `keep` leaves that file as it is. The draft is gone afterwards, whatever happened.
 */
export function placeWhole(target: string, build: (draft: string) => void, whenThere: 'refuse' | 'keep'): void {
  const draft = `${target}.draft-${crypto.randomUUID()}`;
  try {
    closeSync(openSync(draft, 'wx', 0o600));
    build(draft);
    syncPath(draft);
    // A link fails where a rename would replace: two processes that create one journal end up with one of the two.
    linkSync(draft, target);
    syncPath(dirname(target));
  } catch (error) {
    if (whenThere !== 'keep' || (error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${draft}${suffix}`, { force: true });
  }
}

function syncPath(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
