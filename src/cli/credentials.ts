/**
 * The tokens that `c13 login` got, by the registry's address, in a file for its owner alone. What others could have
 * read or written is refused, not repaired. Nothing in it is ever printed.
 * @module
 */
import { chmodSync, closeSync, constants, fstatSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Variables } from '../env/env.ts';
import { ConfigError } from '../errors/errors.ts';

const DIRECTORY = '13byte-config';
const FILE = 'credentials.json';
const OTHERS = 0o077;
/** No link is followed, and a pipe does not keep us waiting. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface Credential {
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly user: string;
}

type Stored = Readonly<Record<string, Credential>>;

/** `$XDG_CONFIG_HOME/13byte-config/credentials.json`, else under `~/.config`. */
export function credentialsFile({ XDG_CONFIG_HOME, HOME }: Variables): string {
  const config = XDG_CONFIG_HOME?.startsWith('/') === true ? XDG_CONFIG_HOME : join(HOME || homedir(), '.config');
  return join(config, DIRECTORY, FILE);
}

/** What is kept for a registry; null: nothing. Throws ERR_KEYS for a file that is not its owner's alone, or damaged. */
export function readCredential(path: string, url: string): Credential | null {
  const stored = readAll(path);
  return Object.hasOwn(stored, keyOf(url)) ? stored[keyOf(url)]! : null;
}

/** Errors: those of `readCredential`. */
export function storeCredential(path: string, url: string, credential: Credential): void {
  writeAll(path, { ...readAll(path), [keyOf(url)]: credential });
}

/** Whether there was one. Errors: those of `readCredential`. */
export function forgetCredential(path: string, url: string): boolean {
  const { [keyOf(url)]: known, ...rest } = readAll(path);
  if (known !== undefined) writeAll(path, rest);
  return known !== undefined;
}

/** One spelling for one address. */
function keyOf(url: string): string {
  return new URL(url).href.replace(/\/+$/, '');
}

function readAll(path: string): Stored {
  const text = readOwn(path);
  if (text === null) return {};
  try {
    const data: unknown = JSON.parse(text);
    if (isStored(data)) return data;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw refused(path, 'holds no credentials', 'Remove it, and sign in again: c13 login.');
}

function isStored(data: unknown): data is Stored {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return false;
  return Object.values(data).every((each: unknown) => {
    const { token, expiresAt, user } = (each ?? {}) as Partial<Record<string, unknown>>;
    return typeof token === 'string' && typeof user === 'string' && Number.isSafeInteger(expiresAt);
  });
}

/** null where there is no file. */
function readOwn(path: string): string | null {
  const file = opened(path);
  if (file === null) return null;
  try {
    const { uid, mode } = fstatSync(file);
    const own = process.getuid?.();
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw refused(path, 'is no file');
    if (own !== undefined && uid !== own) throw refused(path, `belongs to user ${uid}`);
    if (own !== undefined && (mode & OTHERS) !== 0) {
      throw refused(
        path,
        'is open to other users',
        `If nobody read it: chmod 600 '${path}'; else sign out everywhere.`,
      );
    }
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

function opened(path: string): number | null {
  try {
    return openSync(path, READ);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw refused(path, code === 'ELOOP' ? 'is a link' : `cannot be opened: ${message}`, undefined, cause);
  }
}

/** There whole or not at all: whoever reads meanwhile sees the one before. */
function writeAll(path: string, stored: Stored): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.draft-${crypto.randomUUID()}`;
  try {
    const file = openSync(draft, 'wx', 0o600);
    try {
      chmodSync(draft, 0o600);
      writeSync(file, `${JSON.stringify(stored, null, 2)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
}

function refused(path: string, why: string, hint = 'Remove it, and sign in again.', cause?: unknown): ConfigError {
  return new ConfigError('ERR_KEYS', { message: `${path} ${why}`, hint, details: { path }, cause });
}
