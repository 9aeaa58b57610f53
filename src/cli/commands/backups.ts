/** Copies of the database, and the ways back out of them. @module */
import { basename } from 'node:path';
import type { Command } from 'commander';
import { written } from '../answers.ts';
import { usageError } from '../failure.ts';
import { takes, TARGET, WRITES_CONFIG } from '../options.ts';
import type { Answer } from '../printer.ts';
import { restoreWhole } from '../restore-whole.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { clean, sizeText, table, timeText } from '../text.ts';

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
    .option('--whole', 'replace the database (--database, --data) by the backup; --force when there is one')
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
