/**
 * The key of a data directory, for what its registry has sealed: backups and exports. One that is not there is made
 * only to seal with, never to open.
 * @module
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openKeyDirectory } from '../auth/key-files.ts';
import { openSeal, type Seal } from '../auth/seal.ts';
import { ConfigError } from '../errors/errors.ts';
import type { Sealer } from '../live/sealed.ts';

const KEYS_DIRECTORY = 'keys';
const KEY_FILE = 'seal.key';

export function hasSealKey(dataDirectory: string): boolean {
  return existsSync(join(dataDirectory, KEYS_DIRECTORY, KEY_FILE));
}

/** Errors: ERR_KEYS, also where there is none. */
export async function existingSeal(dataDirectory: string): Promise<Seal> {
  const keys = join(dataDirectory, KEYS_DIRECTORY);
  if (hasSealKey(dataDirectory)) return await openSeal(keys);
  throw new ConfigError('ERR_KEYS', {
    message: `There is no key in ${keys}, and nothing that is sealed opens without it`,
    hint: `Name the data directory of the registry that sealed it, or put a copy of its ${KEY_FILE} there.`,
    details: { path: join(keys, KEY_FILE) },
  });
}

/** Throws ERR_KEYS. */
export async function sealOf(dataDirectory: string): Promise<Seal> {
  const keys = join(dataDirectory, KEYS_DIRECTORY);
  openKeyDirectory(keys);
  return await openSeal(keys);
}

/** Looks for the key when it is first needed. */
export function sealerIn(dataDirectory: string): Sealer {
  return {
    sealFile: async (from, to) => await (await sealOf(dataDirectory)).sealFile(from, to),
    openSealedFile: async (from, to) => await (await existingSeal(dataDirectory)).openSealedFile(from, to),
  };
}
