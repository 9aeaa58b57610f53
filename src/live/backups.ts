/**
 * Backups of a database: files beside it, named by their time so that they sort. A backup is verified before anything
 * is taken from it, and nothing is ever overwritten without keeping what was there. One may be sealed: then no plain
 * copy of it stays.
 * @module
 */
import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { configStream } from '../config/name.ts';
import { STRUCTURE_RULES } from '../config/rules.ts';
import { validate } from '../config/validation.ts';
import { decodeConfig } from '../config/value.ts';
import { ConfigError, isConfigError } from '../errors/errors.ts';
import { verifyFile } from '../journal/backup.ts';
import { copyDatabase, placeWhole } from '../journal/copy.ts';
import { openEngine } from '../journal/engine.ts';
import type { Backup, Entry, Head, Journal } from '../journal/journal.ts';
import { openUnchecked } from '../journal/open.ts';
import { openSqliteJournal } from '../journal/sqlite.ts';
import type { Draft } from './commit.ts';
import { boardPathOf } from '../sync/board.ts';
import { backupsOf } from './data-directory.ts';
import { decodeChange, isBlank, type ConfigChange } from './change.ts';
import { PROJECTIONS } from './projections.ts';
import {
  isPlainLeftover,
  isSealed,
  sealedBackup,
  sealedPath,
  withOpened,
  withPlainPath,
  type Sealer,
} from './sealed.ts';

export interface BackupFile {
  /** What `restore` takes. */
  readonly name: string;
  readonly size_bytes: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Whether a key is needed to open it. */
  readonly sealed: boolean;
}

const BUSY_TIMEOUT_MS = 5000;
const DRAFT_NAME = /\.db(?:\.sealed)?\.draft-[0-9a-f-]+(?:-journal|-wal|-shm)?$/;
const DRAFT_AGE_MAX_MS = 60 * 60 * 1000;
const BACKUP_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*\.db(?:\.sealed)?$/;

/** The time in the last name that was given: two backups of one millisecond are two files. */
let lastNamed = 0;

/** A path for a new backup, `backups/2026-03-01T12-00-00.000Z.db` beside the database; the directory is made. */
export function backupPath(database: string, now = Date.now()): string {
  lastNamed = Math.max(now, lastNamed + 1);
  const at = new Date(lastNamed);
  const directory = backupsOf(database);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return join(directory, `${at.toISOString().replaceAll(':', '-')}.db`);
}

/** A new backup of the database, sealed if there is a sealer. Throws ERR_BACKUP, and what the sealer throws. */
export async function backUp(
  { journal, path: database }: { readonly journal: Journal; readonly path: string },
  sealer?: Sealer,
): Promise<Backup> {
  const path = backupPath(database);
  if (sealer === undefined) return await journal.backup(path);
  const sealed = sealedPath(path);
  return await withPlainPath(path, async (plain) => {
    const { head } = await journal.backup(plain);
    await sealer.sealFile(plain, sealed);
    return { path: sealed, size_bytes: statSync(sealed).size, head };
  });
}

/** Newest first. */
export async function listBackups(database: string): Promise<BackupFile[]> {
  const directory = backupsOf(database);
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => BACKUP_NAME.test(name))
    .flatMap((name) => {
      // Gone meanwhile, or no file: links lead elsewhere, and pipes never end.
      const file = lstatSync(join(directory, name), { throwIfNoEntry: false });
      if (!file?.isFile()) return [];
      return [{ name, size_bytes: file.size, createdAt: Math.floor(file.mtimeMs), sealed: isSealed(name) }];
    })
    .sort((a, b) => b.name.localeCompare(a.name));
}

/**
 * Removes what killed backups have left. What is half written and younger than an hour may still be growing; what holds
 * in plain what is to be sealed goes at once, also from under somebody who is at work: he can begin again.
 */
export function removeAbandonedDrafts(database: string, now = Date.now()): void {
  const directory = backupsOf(database);
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    const isPlain = isPlainLeftover(name);
    const file = isPlain || DRAFT_NAME.test(name) ? lstatSync(path, { throwIfNoEntry: false }) : undefined;
    if (file?.isFile() && (isPlain || now - file.mtimeMs > DRAFT_AGE_MAX_MS)) rmSync(path, { force: true });
  }
}

/**
 * What config `name` was in a backup of the list. Errors: ERR_BACKUP (no such backup, it does not verify, or it is
 * sealed and nobody can open it), ERR_NOT_FOUND, and what the sealer throws.
 */
export async function openBackup(database: string, backup: string, name: string, sealer?: Sealer): Promise<Draft> {
  const path = join(backupsOf(database), backup);
  const isFile = lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
  if (!BACKUP_NAME.test(backup) || !isFile) throw noBackup(backup);
  return await withOpened(path, sealer, async (plain) => await readBackup(plain, backup, name));
}

async function readBackup(path: string, backup: string, name: string): Promise<Draft> {
  const journal = await openSqliteJournal({
    path,
    readonly: true,
    worker: () => new Worker(new URL('./journal-worker.ts', import.meta.url).href),
  });
  try {
    return await stateIn(journal, backup, name);
  } finally {
    await journal.close();
  }
}

async function stateIn(journal: Journal, backup: string, name: string): Promise<Draft> {
  const report = await journal.verify();
  if (!report.ok) throw damagedBackup(backup, report.fault.message);
  // From the entry, which the chain covers; the projection's tables beside it could have been written by anybody.
  const entry = await journal.latest(configStream(name));
  if (entry !== null && entry.body !== null) {
    const change = decodeChange(entry.seq, entry.type, entry.body);
    if (!(await isGoneAfter(journal, entry, change))) return wholeState(backup, change);
  }
  throw new ConfigError('ERR_NOT_FOUND', {
    message: `The backup ${backup} has no config '${name}'`,
    hint: 'Choose a later backup, or one of the configs that existed then.',
    details: { what: `config ${name} in ${backup}` },
  });
}

/** Whether a change left the config deleted: by itself, or by leaving a deletion as it was. */
async function isGoneAfter(journal: Journal, { stream, revision }: Entry, change: ConfigChange): Promise<boolean> {
  for (let at = revision, { kind, before, after } = change; isBlank(after);) {
    if (kind === 'delete') return true;
    if (kind !== 'persist' || before === null || !isBlank(before)) return false;
    const { entries } = await journal.read({ stream, revision: --at, limit: 1, order: 'desc' });
    if (entries[0] === undefined || entries[0].body === null) return false;
    ({ kind, before, after } = decodeChange(entries[0].seq, entries[0].type, entries[0].body));
  }
  return false;
}

/** It is written although rules may speak against it, so that its bytes make sense must be known first. */
function wholeState(backup: string, { after }: ConfigChange): Draft {
  const config = decodeConfig(after.config);
  const { isValid, errors } = validate(config, {}, STRUCTURE_RULES);
  if (!isValid) throw damagedBackup(backup, errors.map(({ message }) => message).join('; '));
  return { config, rollouts: after.rollouts };
}

/**
 * Puts a backup in the place of a database that no process has open. What was there is kept beside it, and its path
 * answered. Errors: ERR_BACKUP when the backup or the copy of it does not verify, when the copy cannot be written, when
 * the backup is sealed, or when a database is in the way and `replace` is false; after an error the database is as it
 * was.
 */
export function restoreDatabase(
  backup: string,
  database: string,
  replace: boolean,
): { head: Head; kept: string | null } {
  const source = resolve(backup);
  if (!existsSync(source)) throw noBackup(backup);
  if (isSealed(source)) throw sealedBackup(backup);
  const target = resolve(database);
  if (existsSync(target) && !replace) throw inTheWay(target);
  try {
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    return restoreFrom(source, target, backup);
  } catch (error) {
    if (isConfigError(error)) throw error;
    throw notRestored(target, error);
  }
}

function restoreFrom(source: string, target: string, backup: string): { head: Head; kept: string | null } {
  const copy = `${target}.restoring-${crypto.randomUUID()}`;
  try {
    const head = copyVerified(source, copy, backup);
    rebuildProjections(copy);
    const kept = putInPlace(copy, target);
    // What the board shows is the database that was there; whoever opens the restored one makes it anew.
    rmSync(boardPathOf(target), { force: true });
    return { head, kept };
  } finally {
    rmSync(copy, { force: true });
  }
}

/** A copy by SQLite itself: what still lies in the backup's log comes with it. Answers the head of the copy. */
function copyVerified(source: string, copy: string, backup: string): Head {
  const report = verifyFile(source);
  if (!report.ok) throw damagedBackup(backup, report.fault.message);
  let head = report.head;
  using connection = openUnchecked(source, BUSY_TIMEOUT_MS);
  copyDatabase(connection, copy, (draft) => {
    // The head that was verified must be in the copy; entries after it are those of a process that writes meanwhile.
    const copied = verifyFile(draft, report.head);
    if (!copied.ok) throw damagedBackup(backup, `its copy: ${copied.fault.message}`);
    head = copied.head;
  });
  return head;
}

/** The chain covers the entries alone: the tables made from them are made again. Throws ERR_JOURNAL_FOREIGN. */
function rebuildProjections(copy: string): void {
  using engine = openEngine({ path: copy, projections: PROJECTIONS });
  for (const { name } of PROJECTIONS) engine.drop(name);
  for (const _ of engine.catchUp());
}

/** The database goes aside only when its successor is whole and on disk, and comes back when that cannot be named. */
function putInPlace(copy: string, target: string): string | null {
  const kept = existsSync(target) ? setAside(target) : null;
  try {
    placeWhole(target, (draft) => renameSync(copy, draft), 'refuse');
  } catch (error) {
    if (kept !== null && !existsSync(target)) moveDatabase(kept, target);
    throw error;
  }
  return kept;
}

function setAside(database: string): string {
  const kept = `${database}.before-restore-${new Date().toISOString().replaceAll(':', '-')}`;
  moveDatabase(database, kept);
  return kept;
}

/** The log belongs to the file: both move, or the next open would read one with the other. */
function moveDatabase(from: string, to: string): void {
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(from + suffix)) renameSync(from + suffix, to + suffix);
  }
}

function inTheWay(target: string): ConfigError {
  return new ConfigError('ERR_BACKUP', {
    message: `There is a database at ${target}`,
    hint: 'Stop the processes that use it and restore with --force: the database is kept beside the restored one.',
    details: { path: target },
  });
}

function notRestored(target: string, cause: unknown): ConfigError {
  return new ConfigError('ERR_BACKUP', {
    message: `Nothing was restored to ${target}: ${(cause as Error).message}`,
    hint: 'Choose a directory that this user can write, on a disk with space.',
    details: { path: target },
    cause,
  });
}

function noBackup(backup: string): ConfigError {
  return new ConfigError('ERR_BACKUP', {
    message: `There is no backup '${backup.slice(0, 200)}'`,
    hint: 'List the backups to see their names.',
    details: { path: backup.slice(0, 200) },
  });
}

function damagedBackup(backup: string, fault: string): ConfigError {
  return new ConfigError('ERR_BACKUP', {
    message: `The backup ${backup} does not verify: ${fault}`,
    hint: 'Use another backup; this one was changed or damaged after it was made.',
    details: { path: backup },
  });
}
