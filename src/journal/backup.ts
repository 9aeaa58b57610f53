/**
 * Copies of a journal, and judgements on files at rest. A copy gets its name only after it was verified.
 * @module
 */

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError } from '../errors/errors.ts';
import { copyDatabase } from './copy.ts';
import type { Connection } from './database.ts';
import type { Anchor, Backup, Head, VerifyReport } from './journal.ts';
import { openUnchecked } from './open.ts';
import { drain } from './steps.ts';
import { verifyChain } from './verify.ts';

const BUSY_TIMEOUT_MS = 5000;

/**
 * Verifies a journal file that need not be good enough to open: cut off, edited, or a backup. Changes nothing.
 * `ERR_JOURNAL_FOREIGN`, `ERR_JOURNAL_TOO_NEW`; `ERR_JOURNAL_DAMAGED` when SQLite itself cannot read it.
 *
 * @example
 * const { ok, fault } = verifyFile('./backup.db', { seq: 41, hash: 'c0ffee...' });
 */
export function verifyFile(path: string, anchor?: Anchor): VerifyReport {
  const connection = openUnchecked(path, BUSY_TIMEOUT_MS);
  try {
    return drain(verifyChain(connection, anchor));
  } finally {
    connection.close();
  }
}

/** `ERR_BACKUP`: the path is taken or cannot be written, or the copy does not verify. */
export function writeBackup(connection: Connection, path: string): Backup {
  const target = resolve(path);
  try {
    let head: Head | null = null;
    copyDatabase(connection, target, (draft) => {
      const report = verifyFile(draft);
      if (!report.ok) throw new Error(`the copy does not verify: ${report.fault.message}`);
      head = report.head;
    });
    return { path: target, size_bytes: statSync(target).size, head: head! };
  } catch (error) {
    throw new ConfigError('ERR_BACKUP', {
      message: `No backup was written to ${target}: ${(error as Error).message}`,
      hint: 'Choose a path where no file is, on a disk with space; verify the journal if the copy failed.',
      details: { path: target },
      cause: error,
    });
  }
}
