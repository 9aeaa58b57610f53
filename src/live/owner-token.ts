/**
 * A secret in the data directory that only its owner can read: whoever shows it has proved to be him, where the system
 * does not tell whose process a connection comes from. Holds no other right, and is never logged. A file that somebody
 * else may have put there, or can read, is no proof of anything.
 * @module
 */
import { closeSync, constants, existsSync, fchmodSync, fstatSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../errors/errors.ts';

const TOKEN_FILE = 'owner.token';
const TOKEN_BYTES = 32;
const TOKEN = /^[0-9a-f]{64}$/;
const OTHERS = 0o077;
/** No link is followed, and a pipe does not keep us waiting. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export function ownerTokenFileIn(directory: string): string {
  return join(directory, TOKEN_FILE);
}

/**
 * The token, made at the first call (mode 0600). Throws ERR_SETTING for a file that is not the owner's alone, or holds
 * no token.
 */
export function openOwnerToken(directory: string): string {
  const path = ownerTokenFileIn(directory);
  if (!existsSync(path)) makeToken(path);
  return parsedToken(path);
}

/** null where there is none. Throws ERR_SETTING for a file that is not the owner's alone, or no token. */
export function readOwnerToken(directory: string): string | null {
  const path = ownerTokenFileIn(directory);
  return existsSync(path) ? parsedToken(path) : null;
}

function parsedToken(path: string): string {
  const file = openedToken(path);
  try {
    const { uid, mode } = fstatSync(file);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw refused(path, 'is no file');
    if (process.getuid !== undefined && uid !== process.getuid()) throw refused(path, `belongs to user ${uid}`);
    if (process.getuid !== undefined && (mode & OTHERS) !== 0) throw refused(path, 'is open to other users');
    const token = readFileSync(file, 'utf8').trim();
    if (TOKEN.test(token)) return token;
    throw refused(path, 'holds no token');
  } finally {
    closeSync(file);
  }
}

function openedToken(path: string): number {
  try {
    return openSync(path, READ);
  } catch (cause) {
    const isLink = (cause as NodeJS.ErrnoException).code === 'ELOOP';
    throw refused(path, isLink ? 'is a link' : `cannot be opened: ${(cause as Error).message}`, cause);
  }
}

function refused(path: string, why: string, cause?: unknown): ConfigError {
  return new ConfigError('ERR_SETTING', {
    message: `${path} ${why}`,
    hint: 'Remove it: the registry makes a new one at its next start.',
    details: { setting: path, value: '' },
    cause,
  });
}

/** `wx`: of two starts at once, one makes it; the other fails here and is started again. */
function makeToken(path: string): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    fchmodSync(file, 0o600);
    writeSync(file, `${crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)).toHex()}\n`);
  } finally {
    closeSync(file);
  }
}
