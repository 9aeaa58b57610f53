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
  const { HttpTarget } = await import('./http-target.ts');
  return new HttpTarget(
    url === undefined ? readSetting('registryUrl') : parseSetting('registryUrl', url, '--url'),
    signal,
  );
}
