/**
 * The files of the key directory: for their owner alone, and there whole or not at all. A file that somebody else can
 * read is no secret any more, so it is refused instead of repaired. Knows nothing of what the files hold.
 * @module
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigError } from '../errors/errors.ts';

const OTHERS = 0o077;
const DRAFT = /\.draft-[0-9a-f-]{36}$/;
/** Nobody takes longer to write so little: what is older was left by a process that died. */
const DRAFT_ABANDONED_ms = 60_000;
/** No link is followed, and a pipe does not keep us waiting. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Makes the directory when missing (mode 0700). Throws ERR_KEYS for one that is not its owner's alone. */
export function openKeyDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw notWritten(path, cause as Error);
  }
  const stats = statSync(path);
  if (!stats.isDirectory()) throw refusedKeys(path, 'is no directory');
  requireOwner(path, stats, '700');
  sweepDrafts(path);
}

/** The names of what is in the directory. Throws ERR_KEYS when it cannot be read. */
export function listKeyFiles(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (cause) {
    throw refusedKeys(directory, `cannot be read: ${(cause as Error).message}`, undefined, cause);
  }
}

/** The file's text; null when there is none. Throws ERR_KEYS for one that is not its owner's alone, or no file. */
export function readKeyFile(path: string): string | null {
  const file = openedFile(path);
  if (file === null) return null;
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw refusedKeys(path, 'is no file');
    requireOwner(path, stats, '600');
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

/**
 * Writes the file (mode 0600), on disk when this returns. `keep`: one that is already there stays as it is. Throws
 * ERR_KEYS when it cannot be written.
 */
export function writeKeyFile(path: string, text: string, whenThere: 'keep' | 'replace'): void {
  const draft = `${path}.draft-${crypto.randomUUID()}`;
  try {
    writeDraft(draft, text);
    if (whenThere === 'replace') renameSync(draft, path);
    else linkUnlessThere(draft, path);
    syncDirectory(dirname(path));
  } catch (cause) {
    throw notWritten(path, cause as Error);
  } finally {
    rmSync(draft, { force: true });
  }
}

export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** ERR_KEYS about what lies at `path`. */
export function refusedKeys(path: string, why: string, hint?: string, cause?: unknown): ConfigError {
  return new ConfigError('ERR_KEYS', {
    message: `${path} ${why}`,
    hint: hint ?? 'Put the key back from a copy, or remove it: what it signed or sealed is then worth nothing.',
    details: { path },
    cause,
  });
}

function notWritten(path: string, cause: Error): ConfigError {
  return refusedKeys(
    path,
    `cannot be written: ${cause.message}`,
    'Let this user write there, and see that there is room.',
    cause,
  );
}

/** Where there are no user ids, there is nothing to check. */
function requireOwner(path: string, { uid, mode }: Stats, wanted: '600' | '700'): void {
  const own = process.getuid?.();
  if (own === undefined) return;
  const hint = `If nobody else can have read it: chmod ${wanted} '${path}'. Otherwise remove it.`;
  if (uid !== own) throw refusedKeys(path, `belongs to user ${uid}, and this is user ${own}`, hint);
  if ((mode & OTHERS) !== 0) throw refusedKeys(path, 'is open to other users', hint);
}

function openedFile(path: string): number | null {
  try {
    return openSync(path, READ);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw refusedKeys(path, code === 'ELOOP' ? 'is a link' : `cannot be opened: ${message}`, undefined, cause);
  }
}

function writeDraft(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    fchmodSync(file, 0o600);
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Of two processes that make one file at once, both go on with the first one's. */
function linkUnlessThere(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** A draft holds a key: one that was left behind must not outlive it. */
function sweepDrafts(directory: string): void {
  for (const name of readdirSync(directory).filter((name) => DRAFT.test(name))) {
    const path = join(directory, name);
    const modifiedAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (Date.now() - modifiedAt > DRAFT_ABANDONED_ms) rmSync(path, { force: true });
  }
}
