/**
 * What a registry needs before its first request: the data directory (for its owner alone), the database, and the two
 * configs that are always there. Does nothing to what exists. Run as a program it does just that, and says what there
 * is.
 * @module
 */
import { isConfigError } from '../errors/errors.ts';
import { readSettings, type Settings } from '../env/env.ts';
import { DEFAULT_NAME } from '../config/name.ts';
import { openConfigStore } from '../live/config-store.ts';
import { databaseIn, openDataDirectory } from '../live/data-directory.ts';
import { ConfigOperations, type OperationsOptions } from '../live/operations.ts';
import { publicUrlOf } from './identity-services.ts';
import { openIdentityIn } from './open-identity.ts';
import { REGISTRY_CONFIG } from './own-config.ts';
import { originOf, setupUrl } from './owner-access.ts';

export const REGISTRY_ACTOR = 'registry';

const REGISTRY_FEATURES = ['metrics', 'logging', 'cache_enabled', 'binary_protocol', 'proxy_mode'];

export interface Bootstrapped {
  readonly operations: ConfigOperations;
  readonly directory: string;
  /** Configs that were made now. */
  readonly made: readonly string[];
}

/** Idempotent. Errors: ERR_SETTING (the directory), and those of `openConfigStore`. */
export async function bootstrap(dataDirectory: string, options: OperationsOptions = {}): Promise<Bootstrapped> {
  const directory = openDataDirectory(dataDirectory);
  const operations = new ConfigOperations(await openConfigStore(databaseIn(directory)), options);
  const features = Object.fromEntries(REGISTRY_FEATURES.map((feature) => [feature, true]));
  const wanted = { [DEFAULT_NAME]: {}, [REGISTRY_CONFIG]: { features } };
  const made: string[] = [];
  for (const [name, input] of Object.entries(wanted)) {
    if (await isThere(operations, name)) continue;
    await operations.set(name, input, { actor: REGISTRY_ACTOR, reason: 'first start' });
    made.push(name);
  }
  return { operations, directory, made };
}

async function isThere(operations: ConfigOperations, name: string): Promise<boolean> {
  return (await operations.store.find(name)) !== null;
}

async function main(): Promise<void> {
  const settings = readSettings();
  const { operations, directory, made } = await bootstrap(settings.dataDirectory);
  const setup = await firstSetupLink(operations, directory, settings);
  await operations.store.close();
  console.log(made.length === 0 ? `Everything is there: ${directory}` : `Made ${made.join(' and ')} in ${directory}`);
  console.log('Start the registry with: bun run registry');
  if (setup !== null) console.log(`To let others in, make the first administrator then: ${setup}`);
}

/** null when there is a user. */
async function firstSetupLink({ store }: ConfigOperations, directory: string, settings: Settings) {
  const { host, port } = settings;
  const publicUrl = publicUrlOf(settings);
  const { journal } = store;
  const onError = (error: unknown): void => console.error(error);
  const identity = await openIdentityIn({ directory, journal, publicUrl, onError, head: () => store.head() });
  try {
    if (identity.identities.hasUsers) return null;
    return setupUrl(publicUrl ?? originOf(host, port), await identity.setupLink.create());
  } finally {
    identity.close();
  }
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    if (!isConfigError(error)) throw error;
    console.error(`error: ${error.message.replace(/\.$/, '')}. ${error.hint}`);
    process.exitCode = 1;
  }
}
