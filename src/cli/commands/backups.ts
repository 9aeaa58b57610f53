/** Copies of the database, and the ways back out of them. @module */
import { existsSync, realpathSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { written } from '../answers.ts';
import { usageError } from '../failure.ts';
import { usersOf } from '../file-users.ts';
import { takes, TARGET, WRITES_CONFIG } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { clean, sizeText, table, timeText } from '../text.ts';
import { ConfigError, configErrorFrom } from '../../errors/errors.ts';
import type { restoreDatabase } from '../../live/backups.ts';
import { backupsOf } from '../../live/data-directory.ts';

export function addBackups(program: Command): void {
  takes(program.command('backup'), ...TARGET)
    .description('make a verified copy of the database, beside it')
    .action(run(backup));
  takes(program.command('backups'), ...TARGET)
    .description('list the backups, newest first')
    .action(run(backups));
  takes(program.command('restore'), ...WRITES_CONFIG, 'force', 'yes')
    .description('put one config back from a backup; with --whole, the whole database while nobody uses it')
    .argument('<backup>', 'a name from the list; with --whole, a path too')
    .option('--whole', 'replace the database file (--database) by the backup; --force when there is one')
    .action(run(restore));
}

async function backup(session: Session): Promise<Answer> {
  const target = await session.target();
  using progress = session.progress('backup');
  const made = await progress.during(target.backup());
  const { path, size_bytes, head } = made;
  return {
    data: { name: basename(path), path, size_bytes, head },
    text: (style) =>
      `${style.green('backup')} ${clean(`${path} (${sizeText(size_bytes)}, head ${head.seq}:${head.hash})`)}`,
  };
}

async function backups(session: Session): Promise<Answer> {
  const found = await (await session.target()).backups();
  const rows = found.map(({ name, createdAt, size_bytes }) => [name, timeText(createdAt), sizeText(size_bytes)]);
  return { data: { backups: found }, text: (style) => table(style, ['backup', 'made', 'size'], rows) };
}

async function restore(session: Session, backup: string, { whole }: { whole?: boolean }): Promise<Answer> {
  if (whole === true) return await restoreWhole(session, backup);
  if (session.options.force !== undefined) {
    throw usageError('--force', '--force belongs to --whole', 'Leave it out: one config is put back as a change.');
  }
  const write = session.write();
  await session.confirm(`Put '${session.name}' back to what it is in ${backup}?`);
  using progress = session.progress('restore');
  const target = await session.target();
  return written(`restored from ${backup}`, await progress.during(target.restore(session.name, backup, write)));
}

async function restoreWhole(session: Session, backup: string): Promise<Answer> {
  const { database, name, reason, actor, ifRevision, force } = session.options;
  if (database === undefined) {
    throw usageError('--database', '--whole replaces a database file', 'Name the file with --database.');
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
  const { head, kept } = await progress.during(restoreInWorker(path, file, force ?? false));
  const data = { database: file, backup: path, head, kept };
  const keptText = kept === null ? [] : [`what was there: ${kept}`];
  return {
    data,
    text: (style) => [`${style.green('restored')} ${file} (head ${head.seq}:${head.hash})`, ...keptText].join('\n'),
  };
}

type Restored = ReturnType<typeof restoreDatabase>;

async function restoreInWorker(...request: Parameters<typeof restoreDatabase>): Promise<Restored> {
  const worker = new Worker(new URL('../restore-worker.ts', import.meta.url).href);
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
