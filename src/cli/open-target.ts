/**
 * Chooses where a command works, by what was said and never by trying: a database file when --database names one, else
 * the registry. A registry that does not answer is an error; the file beside it is not opened instead.
 * @module
 */
import { dirname } from 'node:path';
import { readFileSync } from 'node:fs';
import type { IdentityTarget } from './identity-target.ts';
import type { SharedOptions } from './options.ts';
import type { Target } from './target.ts';
import { parseSetting, processVariables, readSetting, SETTINGS } from '../env/env.ts';
import { ConfigError } from '../errors/errors.ts';

type Where = Pick<SharedOptions, 'url' | 'database' | 'data' | 'tokenFile' | 'insecure'>;

/**
 * Throws ERR_SETTING for a bad URL, what opening the database throws, and what `openClient` throws. Loads only what it
 * opens.
 */
export async function openTarget(options: Where, signal: AbortSignal): Promise<Target> {
  const database = await databaseOf(options);
  if (database !== null) {
    const { openDatabaseTarget } = await import('./database-target.ts');
    return await openDatabaseTarget(database);
  }
  const { HttpTarget } = await import('./http-target.ts');
  return new HttpTarget(await openClient(options, signal));
}

/** As `openTarget`, for users, grants, tokens and keys: on a database, those of the directory it lies in. */
export async function openIdentityTarget(options: Where, signal: AbortSignal): Promise<IdentityTarget> {
  const database = await databaseOf(options);
  if (database !== null) {
    const { openDatabaseIdentity } = await import('./database-identity.ts');
    return await openDatabaseIdentity(database);
  }
  const { HttpIdentity } = await import('./http-identity.ts');
  return new HttpIdentity(await openClient(options, signal));
}

/**
 * With the token of --token-file, else of C13_TOKEN, else of `c13 login`. Errors: ERR_SETTING, ERR_USAGE for a token
 * that others could read on its way, ERR_KEYS.
 */
export async function openClient(options: Where, signal: AbortSignal) {
  const { isLocal, RegistryClient, requireSafeWay } = await import('./registry-client.ts');
  const url = registryOf(options);
  const token = tokenOf(options) ?? (await storedToken(url)) ?? (isLocal(url) ? await proof() : null);
  if (token !== null) requireSafeWay(url, options.insecure === true);
  const { askText, isTerminal } = await import('./ask.ts');
  const askCode = isTerminal() ? () => askText('Code of your second factor', 'a terminal') : null;
  return new RegistryClient({ url, signal, token, askCode });
}

/** The registry's address: of --url, else C13_URL, else where C13_HOST and C13_PORT say. Throws ERR_SETTING. */
export function registryOf({ url }: Where): string {
  if (url !== undefined) return parseSetting('registryUrl', url, '--url');
  const { registryUrl, host, port } = SETTINGS;
  const isSaid = ({ variable }: { variable: string }): boolean => (processVariables()[variable] ?? '') !== '';
  return isSaid(registryUrl) || !(isSaid(host) || isSaid(port)) ? readSetting('registryUrl') : registryOfThisMachine();
}

/** Where a registry with the same variables listens. Throws ERR_SETTING. */
function registryOfThisMachine(): string {
  const [host, port] = [readSetting('host'), readSetting('port')];
  if (port === 0) {
    throw new ConfigError('ERR_SETTING', {
      message: 'C13_PORT is 0: which port the registry has taken is not known',
      hint: 'Set C13_URL to what it printed when it started, or name it with --url.',
      details: { setting: 'C13_PORT', value: '0' },
    });
  }
  // What listens everywhere listens here.
  const here = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${here.includes(':') ? `[${here}]` : here}:${port}`;
}

/** The directory that --data or --database name; null: neither. */
export function directoryOf({ data, database }: Where): string | null {
  if (data !== undefined) return parseSetting('dataDirectory', data, '--data');
  return database === undefined ? null : dirname(database);
}

/** The data directory whose key opens what is sealed: that of --data or --database, else of C13_DATA. */
export function keyDirectoryOf(options: Where): string {
  return directoryOf(options) ?? readSetting('dataDirectory');
}

/** What the user has given by himself; null: nothing. */
function tokenOf({ tokenFile }: Where): string | null {
  const text = tokenFile === undefined ? readSetting('token') : tokenIn(tokenFile);
  return text === '' ? null : text;
}

function tokenIn(path: string): string {
  try {
    return parseSetting('token', readFileSync(path, 'utf8').trim(), '--token-file');
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError('ERR_USAGE', {
      message: `--token-file: ${(cause as Error).message}`,
      hint: 'Name a file that holds the token and nothing else.',
      details: { argument: '--token-file' },
      cause,
    });
  }
}

async function storedToken(url: string): Promise<string | null> {
  const { credentialsFile, readCredential } = await import('./credentials.ts');
  return readCredential(credentialsFile(processVariables()), url)?.token ?? null;
}

/** The database that --data or --database names; null: neither. */
export async function databaseOf({ data, database }: Where): Promise<string | null> {
  if (data === undefined) return database ?? null;
  const { databaseIn } = await import('../live/data-directory.ts');
  return databaseIn(parseSetting('dataDirectory', data, '--data'));
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
