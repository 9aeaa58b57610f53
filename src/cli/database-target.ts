/**
 * A database file as target: opened in this process, written through its journal, seen at once by every process that
 * has it open. It never makes a database: a mistyped path is an error, not a new file.
 * @module
 */
import { accessSync, constants } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { deleteDeclared, findDeclared, listDeclared, saveDeclared } from './declared.ts';
import { sealerIn, sealOf } from './seal-key.ts';
import type { Target } from './target.ts';
import { BUILTIN_FEATURES } from '../config/features.ts';
import { fieldsOfInput } from '../config/input.ts';
import { ConfigError } from '../errors/errors.ts';
import { openConfigStore, type ConfigStore } from '../live/config-store.ts';
import { core } from '../live/core.ts';
import { ConfigOperations } from '../live/operations.ts';
import { REGISTRY_CONFIG } from '../registry/own-config.ts';

/** Throws ERR_NOT_FOUND when there is no file, and what `openConfigStore` throws. */
export async function openDatabaseTarget(path: string): Promise<Target> {
  return new DatabaseTarget(await openConfigStore(existingDatabase(path)));
}

/** The absolute path of a database that is there. Throws ERR_NOT_FOUND, ERR_FORBIDDEN for one that is not ours. */
export function existingDatabase(path: string): string {
  const file = resolve(path);
  try {
    accessSync(file, constants.R_OK);
    return file;
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    throw code === 'ENOENT' || code === 'ENOTDIR' ? noDatabase(file) : unreadable(file, code, cause);
  }
}

function noDatabase(file: string): ConfigError {
  return new ConfigError('ERR_NOT_FOUND', {
    message: `There is no database at ${file}`,
    hint: 'Correct the path of --database, or make a data directory with: c13 bootstrap --data <directory>.',
    details: { what: `database ${file}` },
  });
}

/** Whether it is there may be hidden, too. */
function unreadable(file: string, code: string, cause: unknown): ConfigError {
  const isRefused = code === 'EACCES' || code === 'EPERM';
  return new ConfigError('ERR_FORBIDDEN', {
    message: `${file} cannot be read: ${isRefused ? 'this user may not' : code}`,
    hint: isRefused
      ? 'Work as the user who runs the registry, or ask the registry itself: leave --database and --data out.'
      : 'Correct the path of --database.',
    details: { rule: 'file permissions' },
    cause,
  });
}

/** The bit of the registry's own config. */
const ENCRYPTION = BUILTIN_FEATURES.maskOf('encryption');

class DatabaseTarget extends ConfigOperations implements Target {
  readonly kind = 'database';

  readonly #sealing: { isOn: boolean };

  constructor(store: ConfigStore, sealing = { isOn: false }) {
    super(store, { sealer: sealerIn(dirname(store.path)), seals: () => sealing.isOn });
    this.#sealing = sealing;
  }

  get address(): string {
    return this.store.path;
  }

  override set: Target['set'] = async (name, input, write) =>
    await super.set(name, fieldsOfInput(input, core().backend), write);

  override validate: Target['validate'] = async (name, partial) =>
    await super.validate(name, fieldsOfInput(partial, core().backend));

  /** Sealed where the registry would do so. */
  override backup: Target['backup'] = async () => {
    this.#sealing.isOn = await this.#isEncrypted();
    return await super.backup();
  };

  /** Sealed where the registry would do so. */
  override exportAll: Target['exportAll'] = async () => {
    const document = await super.exportAll();
    return (await this.#isEncrypted()) ? await (await sealOf(dirname(this.address))).sealBytes(document) : document;
  };

  declaration: Target['declaration'] = async (name) => (await this.store.features(name)).declaration;

  declared: Target['declared'] = (kind) => listDeclared(this.declarations, kind);

  findDeclared: Target['findDeclared'] = (kind, key) => findDeclared(this.declarations, kind, key);

  saveDeclared: Target['saveDeclared'] = (kind, key, input, write) =>
    saveDeclared(this.declarations, kind, key, input, write);

  deleteDeclared: Target['deleteDeclared'] = (kind, key, write) => deleteDeclared(this.declarations, kind, key, write);

  metrics(): Promise<string> {
    return Promise.reject(unmeasured('metrics: they are counted by a running registry'));
  }

  alerts(): ReturnType<Target['alerts']> {
    return Promise.reject(unmeasured('alerts: a running registry watches its figures'));
  }

  async close(): Promise<void> {
    await this.store.close();
  }

  async #isEncrypted(): Promise<boolean> {
    const own = await this.store.find(REGISTRY_CONFIG);
    return own !== null && (own.config.featureFlags & ENCRYPTION) !== 0;
  }
}

function unmeasured(what: string): ConfigError {
  return new ConfigError('ERR_USAGE', {
    message: `A database file has no ${what}`,
    hint: 'Leave --database and --data out, or name the registry with --url.',
    details: { argument: '--database' },
  });
}
