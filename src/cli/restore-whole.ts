/**
 * Replacing a whole database by a backup, while nobody uses it. A sealed backup is opened first, with the key of the
 * data directory that it is restored to or, where that has none yet, of the one it lies in.
 * @module
 */
import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { usageError } from './failure.ts';
import { usersOf } from './file-users.ts';
import { databaseOf } from './open-target.ts';
import type { Answer } from './printer.ts';
import { existingSeal, hasSealKey } from './seal-key.ts';
import type { Session } from './session.ts';
import { ConfigError, configErrorFrom } from '../errors/errors.ts';
import type { restoreDatabase } from '../live/backups.ts';
import { backupsOf } from '../live/data-directory.ts';
import { isSealed, withPlainPath } from '../live/sealed.ts';

type Restored = ReturnType<typeof restoreDatabase>;

export async function restoreWhole(session: Session, backup: string): Promise<Answer> {
  const { name, reason, actor, ifRevision, force } = session.options;
  const database = await databaseOf(session.options);
  if (database === null) {
    throw usageError(
      '--database',
      '--whole replaces a database file',
      'Name it with --database, or its directory with --data.',
    );
  }
  if ([name, reason, actor, ifRevision].some((given) => given !== undefined)) {
    throw usageError(
      '--whole',
      '--whole is no change of a config',
      'Leave out --name, --reason, --actor, --if-revision.',
    );
  }
  // The file itself, whatever links lead to it: whoever has it open is known by its real path.
  const file = existsSync(database) ? realpathSync(database) : resolve(database);
  const users = usersOf(file);
  if (users.length > 0) throw inUse(file, users);
  await session.confirm(`Replace ${file} by ${backup}?`);
  const path = backup.includes('/') ? resolve(backup) : join(backupsOf(file), backup);
  using progress = session.progress('restore');
  const { head, kept } = await progress.during(restoreOpened(path, file, force ?? false));
  const data = { database: file, backup: path, head, kept };
  const keptText = kept === null ? [] : [`what was there: ${kept}`];
  return {
    data,
    text: (style) => [`${style.green('restored')} ${file} (head ${head.seq}:${head.hash})`, ...keptText].join('\n'),
  };
}

/** The same, opened first if it is sealed. What is opened lies where a registry that starts would clear it away. */
async function restoreOpened(backup: string, file: string, replace: boolean): Promise<Restored> {
  if (!isSealed(backup) || !existsSync(backup)) return await restoreInWorker(backup, file, replace);
  const own = dirname(file);
  const seal = await existingSeal(hasSealKey(own) ? own : dirname(dirname(backup)));
  mkdirSync(backupsOf(file), { recursive: true, mode: 0o700 });
  return await withPlainPath(join(backupsOf(file), basename(backup)), async (plain) => {
    await seal.openSealedFile(backup, plain);
    return await restoreInWorker(plain, file, replace);
  });
}

async function restoreInWorker(...request: Parameters<typeof restoreDatabase>): Promise<Restored> {
  const worker = new Worker(new URL('./restore-worker.ts', import.meta.url).href);
  try {
    const { promise, resolve, reject } = Promise.withResolvers<Restored>();
    worker.onmessage = ({ data }) =>
      data.error === undefined ? resolve(data.restored) : reject(configErrorFrom(data.error));
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(request);
    return await promise;
  } finally {
    worker.terminate();
  }
}

function inUse(database: string, users: readonly number[]): ConfigError {
  return new ConfigError('ERR_BACKUP', {
    message: `${database} is in use by process ${users.join(', ')}`,
    hint: 'Stop what uses it, then restore again.',
    details: { path: database },
  });
}
