/**
 * Chooses where a command works, by what was said and never by trying: a database file when --database names one, else
 * the registry. A registry that does not answer is an error; the file beside it is not opened instead.
 * @module
 */
import type { SharedOptions } from './options.ts';
import type { Target } from './target.ts';
import { parseSetting, readSetting } from '../env/env.ts';

/** Throws ERR_SETTING for a bad URL, and what opening the database throws. Loads only what it opens. */
export async function openTarget({ url, database }: SharedOptions, signal: AbortSignal): Promise<Target> {
  if (database !== undefined) {
    const { openDatabaseTarget } = await import('./database-target.ts');
    return await openDatabaseTarget(database);
  }
  const { HttpTarget, isLocal } = await import('./http-target.ts');
  const address = url === undefined ? readSetting('registryUrl') : parseSetting('registryUrl', url, '--url');
  return new HttpTarget(address, signal, isLocal(address) ? await proof() : null);
}

/**
 * The data directory's token, for a registry of this machine on a system that does not tell it whose process asks.
 * Linux does, and there the secret is shown to nobody.
 */
async function proof(): Promise<string | null> {
  if (process.platform === 'linux') return null;
  const { readOwnerToken } = await import('../live/owner-token.ts');
  return readOwnerToken(readSetting('dataDirectory'));
}
