/**
 * What SQLite's result codes mean to a caller of the journal. One table, so that no failure keeps a raw code only.
 * @module
 */

import { ConfigError, isConfigError } from '../errors/errors.ts';

const WRITE_HINTS: Readonly<Record<string, string>> = {
  SQLITE_FULL: 'Free space on the disk; appends work again as soon as there is some.',
  SQLITE_READONLY: 'Make the file and its directory writable for this user; reads go on.',
  SQLITE_CANTOPEN: 'Check that the directory exists and this user may write in it.',
  SQLITE_PERM: 'Make the file and its directory writable for this user.',
  SQLITE_BUSY: 'Another process held the journal too long: try again, or raise busyTimeoutMs.',
  SQLITE_LOCKED: 'Another connection held the journal too long: try again.',
  SQLITE_IOERR: 'The disk refused: look at the kernel log and at the space left; reads go on where they can.',
  SQLITE_NOMEM: 'The process is out of memory: give it more, then try again.',
  SQLITE_PROTOCOL: 'Processes raced for the journal: try again.',
};

/** The code of an SQLite failure (`SQLITE_FULL`), or null when the error is something else. */
export function sqliteCode(error: unknown): string | null {
  const code = error instanceof Error ? (error as Error & { code?: unknown }).code : undefined;
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : null;
}

/** Turns an SQLite failure into `ERR_JOURNAL_WRITE` or `ERR_JOURNAL_DAMAGED`; anything else comes back as it is. */
export function journalError(error: unknown, path: string): unknown {
  const code = sqliteCode(error);
  if (code === null || isConfigError(error)) return error;
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) return damaged(path, null, `SQLite says ${code}`, error);
  const family = Object.keys(WRITE_HINTS).find((known) => code === known || code.startsWith(`${known}_`));
  return family === undefined ? error : writeFailed(path, code, WRITE_HINTS[family]!, error);
}

/** True for a failure after which the whole transaction is lost, not one statement of it. */
export function losesTransaction(error: unknown): boolean {
  return isConfigError(error) && (error.code === 'ERR_JOURNAL_WRITE' || error.code === 'ERR_JOURNAL_DAMAGED');
}

export function writeFailed(path: string, sqlite: string, hint: string, cause?: unknown): ConfigError {
  return new ConfigError('ERR_JOURNAL_WRITE', {
    message: `The journal ${path} could not be written: ${sqlite}. Nothing of it was kept.`,
    hint,
    details: { path, sqlite },
    cause,
  });
}

/** `what` continues the sentence "The journal PATH is damaged: ...". */
export function damaged(path: string, seq: number | null, what: string, cause?: unknown): ConfigError {
  return new ConfigError('ERR_JOURNAL_DAMAGED', {
    message: `The journal ${path} is damaged${seq === null ? '' : ` at entry ${seq}`}: ${what}.`,
    hint: 'Keep the file as it is, run verify on it, and restore the newest backup that verifies.',
    details: { path, seq },
    cause,
  });
}
