/**
 * From a path to a connection on a journal: makes a new file whole, examines an existing one before touching it.
 * A file that is refused keeps every byte, and nothing appears beside it.
 * @module
 */

import { accessSync, constants, existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConfigError, isConfigError } from '../errors/errors.ts';
import { GENESIS_HASH } from './chain.ts';
import { placeWhole } from './copy.ts';
import { Connection } from './database.ts';
import { checkEnd } from './rows.ts';
import { APPLICATION_ID, SCHEMA_VERSION, migrate, schemaVersion } from './schema.ts';
import { damaged, sqliteCode, writeFailed } from './sqlite-error.ts';

const MEMORY = ':memory:';
const MAGIC = 'SQLite format 3\0';
const SMALLEST_PAGE_BYTES = 512;
/** Times a check that failed while another process changed the file is made again. */
const CHECK_ATTEMPTS = 8;

export interface FileOptions {
  readonly readonly: boolean;
  readonly busyTimeoutMs: number;
  /** A file that is gone is a failure (`ERR_JOURNAL_WRITE`), not a journal to be made. */
  readonly mustExist: boolean;
}

/** `ERR_JOURNAL_FOREIGN`, `_TOO_NEW`, `_DAMAGED`, `_WRITE`; for writing also `ERR_REPLICA`. */
export function openJournalFile(path: string, { readonly, busyTimeoutMs, mustExist }: FileOptions): Connection {
  if (path === MEMORY) return fillNew(new Connection(MEMORY, 'create', busyTimeoutMs));
  const absolute = resolve(path);
  if (!readonly && !existsSync(absolute)) {
    if (mustExist) throw writeFailed(path, 'removed', 'Put the file back, then close the journal and open it again.');
    createFile(absolute, busyTimeoutMs);
  }
  const real = realPath(absolute);
  checkFile(real, busyTimeoutMs);
  return readonly ? openToRead(real, busyTimeoutMs) : openToWrite(real, busyTimeoutMs);
}

/** Opens without looking at the entries, for a verification that is to say what is wrong with them. */
export function openUnchecked(path: string, busyTimeoutMs: number): Connection {
  const real = realPath(resolve(path));
  checkSize(real);
  const connection = hasLog(real) ? openToRead(real, busyTimeoutMs) : new Connection(real, 'immutable', busyTimeoutMs);
  try {
    checkFormat(connection);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function createFile(path: string, busyTimeoutMs: number): void {
  try {
    placeWhole(path, (draft) => fillNew(new Connection(draft, 'create', busyTimeoutMs)).close(), 'keep');
  } catch (error) {
    throw notWritable(path, error);
  }
}

function fillNew(connection: Connection): Connection {
  connection.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  migrate(connection);
  const insert = 'INSERT INTO meta (only, journal_id, head_seq, head_hash) VALUES (1, ?, 0, ?)';
  connection.run(insert, crypto.randomUUID(), GENESIS_HASH);
  return connection;
}

function openToWrite(path: string, busyTimeoutMs: number): Connection {
  try {
    accessSync(path, constants.W_OK);
    accessSync(dirname(path), constants.W_OK);
  } catch (error) {
    throw notWritable(path, error);
  }
  const connection = new Connection(path, 'write', busyTimeoutMs);
  try {
    refuseReplica(connection);
    migrate(connection);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function openToRead(path: string, busyTimeoutMs: number): Connection {
  try {
    const connection = new Connection(path, 'read', busyTimeoutMs);
    try {
      connection.pragma('schema_version');
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  } catch (error) {
    // Reading beside writers needs files beside the database. In a directory that takes none, and with no log of a
    // writer there, nobody writes.
    if (!isConfigError(error) || error.code !== 'ERR_JOURNAL_WRITE' || hasLog(path)) throw error;
    return new Connection(path, 'immutable', busyTimeoutMs);
  }
}

// Invariant: what is refused is untouched. So the file is examined through a connection that can write nothing, and
// without the files SQLite puts beside a database, unless a writer has already put them there.
function checkFile(path: string, busyTimeoutMs: number): void {
  for (let attempt = 1; ; attempt++) {
    const before = fingerprint(path);
    try {
      return checkContent(path, busyTimeoutMs);
    } catch (error) {
      // A process that wrote meanwhile made the check see two states of the file: look again.
      if (attempt === CHECK_ATTEMPTS || fingerprint(path) === before) throw error;
    }
  }
}

// Invariant: a file that may be a live database is never opened but through SQLite. Closing any other descriptor of it
// would drop the locks of every connection this process has on it (POSIX), and a live log could be deleted under them.
function checkSize(path: string): void {
  const stat = statSync(path);
  if (!stat.isFile()) throw foreign(path, 'it is no regular file');
  if (stat.size === 0) throw damaged(path, null, 'the file is empty, so it was cut off or never was a journal');
  if (stat.size >= SMALLEST_PAGE_BYTES) return;
  // Too small to be live, so it may be read.
  const start = readFileSync(path).toString('latin1').slice(0, MAGIC.length);
  if (!MAGIC.startsWith(start)) throw foreign(path, 'it is not an SQLite database');
  throw damaged(path, null, 'the file ends within its first page');
}

function checkFormat(connection: Connection): void {
  const { path } = connection;
  if (applicationId(connection) !== APPLICATION_ID) throw foreign(path, 'it is the database of another application');
  const version = schemaVersion(connection);
  if (version > SCHEMA_VERSION) throw tooNew(path, version);
}

function applicationId(connection: Connection): number {
  try {
    return Number(connection.pragma('application_id'));
  } catch (error) {
    if (isConfigError(error) && sqliteCode(error.cause) === 'SQLITE_NOTADB') {
      throw foreign(connection.path, 'it is not an SQLite database');
    }
    throw error;
  }
}

function checkContent(path: string, busyTimeoutMs: number): void {
  checkSize(path);
  const connection = new Connection(path, hasLog(path) ? 'read' : 'immutable', busyTimeoutMs);
  try {
    checkFormat(connection);
    refuseStrangers(connection);
    checkEnd(connection);
  } catch (error) {
    // A table that is not there: the file has our mark and not our content.
    if (sqliteCode(error) === 'SQLITE_ERROR') throw damaged(path, null, (error as Error).message, error);
    throw error;
  } finally {
    connection.close();
  }
}

/**
 * A trigger or a view that nobody here has made changes what statements do behind our back: an entry or a projection
 * would not say what was written.
 */
function refuseStrangers(connection: Connection): void {
  const stranger = connection.get<{ type: string; name: string }>(
    `SELECT type, name FROM sqlite_schema WHERE type IN ('trigger', 'view') AND NOT EXISTS (
       SELECT 1 FROM projections, json_each(projections.objects) AS made
       WHERE made.value ->> 0 = sqlite_schema.name AND made.value ->> 1 = sqlite_schema.type)`,
  );
  if (stranger === null) return;
  throw foreign(connection.path, `it has a ${stranger.type} that no journal makes (${JSON.stringify(stranger.name)})`);
}

function refuseReplica(connection: Connection): void {
  const { replica } = connection.get<{ replica: string | null }>('SELECT replica FROM meta')!;
  if (replica === null) return;
  throw new ConfigError('ERR_REPLICA', {
    message: `The journal ${connection.path} is a replica of ${replica}; only its host writes to it.`,
    hint: 'Open it read-only, or write through the registry.',
    details: { path: connection.path },
  });
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw notWritable(path, error);
    throw new ConfigError('ERR_ENTRY_NOT_FOUND', {
      message: `There is no journal at ${path}.`,
      hint: 'Check the path; opening it for writing makes a new one.',
      details: { what: path },
    });
  }
}

function hasLog(path: string): boolean {
  return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

function fingerprint(path: string): string {
  return ['', '-wal']
    .map((suffix) => {
      const stat = statSync(`${path}${suffix}`, { throwIfNoEntry: false, bigint: true });
      return stat === undefined ? 'none' : `${stat.ino}:${stat.size}:${stat.mtimeNs}`;
    })
    .join(' ');
}

function foreign(path: string, why: string): ConfigError {
  return new ConfigError('ERR_JOURNAL_FOREIGN', {
    message: `${path} is no journal: ${why}. It was not touched.`,
    hint: 'Give the path of a journal, or of a file that does not exist yet.',
    details: { path },
  });
}

function tooNew(path: string, version: number): ConfigError {
  return new ConfigError('ERR_JOURNAL_TOO_NEW', {
    message: `The journal ${path} has version ${version}; this program knows versions up to ${SCHEMA_VERSION}.`,
    hint: 'Use the newer program, or restore the copy it made beside the file before it changed it.',
    details: { path, version, supported: SCHEMA_VERSION },
  });
}

function notWritable(path: string, error: unknown): ConfigError {
  const hint = 'Check that the directory exists, has space left, and that this user may read and write there.';
  if (!isConfigError(error)) {
    const code = sqliteCode(error) ?? (error as NodeJS.ErrnoException).code ?? String(error);
    return writeFailed(path, code, hint, error);
  }
  return error.code === 'ERR_JOURNAL_WRITE' ? writeFailed(path, error.details.sqlite, hint, error) : error;
}
