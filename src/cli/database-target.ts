/**
 * A database file as target: opened in this process, written through its journal, seen at once by every process that
 * has it open. It never makes a database: a mistyped path is an error, not a new file.
 * @module
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Target } from './target.ts';
import { fieldsOfInput } from '../config/input.ts';
import { ConfigError } from '../errors/errors.ts';
import { openConfigStore } from '../live/config-store.ts';
import { core } from '../live/core.ts';
import { ConfigOperations } from '../live/operations.ts';

/** Throws ERR_NOT_FOUND when there is no file, and what `openConfigStore` throws. */
export async function openDatabaseTarget(path: string): Promise<Target> {
  return new DatabaseTarget(await openConfigStore(existingDatabase(path)));
}

/** The absolute path of a database that is there. Throws ERR_NOT_FOUND. */
export function existingDatabase(path: string): string {
  const file = resolve(path);
  if (existsSync(file)) return file;
  throw new ConfigError('ERR_NOT_FOUND', {
    message: `There is no database at ${file}`,
    hint: 'Correct the path of --database, or make a data directory with: c13 bootstrap --data <directory>.',
    details: { what: `database ${file}` },
  });
}

class DatabaseTarget extends ConfigOperations implements Target {
  readonly kind = 'database';

  get address(): string {
    return this.store.path;
  }

  override set: Target['set'] = async (name, input, write) =>
    await super.set(name, fieldsOfInput(input, core().backend), write);

  override validate: Target['validate'] = async (name, partial) =>
    await super.validate(name, fieldsOfInput(partial, core().backend));

  metrics(): Promise<string> {
    return Promise.reject(
      new ConfigError('ERR_USAGE', {
        message: 'A database file has no metrics: they are counted by a running registry',
        hint: 'Leave --database out, or name the registry with --url.',
        details: { argument: '--database' },
      }),
    );
  }

  async close(): Promise<void> {
    await this.store.close();
  }
}
