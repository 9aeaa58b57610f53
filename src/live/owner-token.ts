/**
 * A secret in the data directory that only its owner can read: whoever shows it has proved to be him, where the system
 * does not tell whose process a connection comes from. Holds no other right, and is never logged.
 * @module
 */
import { closeSync, existsSync, fchmodSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../errors/errors.ts';

const TOKEN_FILE = 'owner.token';
const TOKEN_BYTES = 32;
const TOKEN = /^[0-9a-f]{64}$/;

export function ownerTokenFileIn(directory: string): string {
  return join(directory, TOKEN_FILE);
}

/** The token, made at the first call (mode 0600). Throws ERR_SETTING for a file that holds something else. */
export function openOwnerToken(directory: string): string {
  const path = ownerTokenFileIn(directory);
  if (!existsSync(path)) makeToken(path);
  return parsedToken(path);
}

/** null where there is none. Throws ERR_SETTING for a file that holds something else. */
export function readOwnerToken(directory: string): string | null {
  const path = ownerTokenFileIn(directory);
  return existsSync(path) ? parsedToken(path) : null;
}

function parsedToken(path: string): string {
  const token = readFileSync(path, 'utf8').trim();
  if (TOKEN.test(token)) return token;
  throw new ConfigError('ERR_SETTING', {
    message: `${path} holds no token`,
    hint: 'Remove the file: the registry makes a new one at its next start.',
    details: { setting: path, value: '' },
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
