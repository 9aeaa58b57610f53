/**
 * Recomputing the chain of a journal. It reads the file itself, running registry or not, and changes nothing: also one
 * that can no longer be opened as a database.
 * @module
 */
import type { Command } from 'commander';
import { existingDatabase } from '../database-target.ts';
import { databaseOf } from '../open-target.ts';
import { takes } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { parseAnchor } from '../values.ts';
import { readSetting } from '../../env/env.ts';
import { ConfigError, isConfigError } from '../../errors/errors.ts';
import { verifyFile } from '../../journal/backup.ts';
import type { Anchor, VerifyReport } from '../../journal/journal.ts';
import { openSqliteJournal } from '../../journal/sqlite.ts';
import { databaseIn } from '../../live/data-directory.ts';

export function addVerify(program: Command): void {
  takes(program.command('verify'), 'database', 'data')
    .description("recompute the chain of a database's journal; exit code 1 when it is broken")
    .option('--anchor <seq:hash>', 'a head that was kept elsewhere: finds a rewritten past', parseAnchor)
    .action(run(verify));
}

async function verify(session: Session, { anchor }: { anchor?: Anchor }): Promise<Answer> {
  const path = existingDatabase((await databaseOf(session.options)) ?? databaseIn(readSetting('dataDirectory')));
  const report = await reportOf(session, path, anchor);
  const { ok, head, fault } = report;
  const answer: Answer = {
    data: { path, ...report },
    text: (style) =>
      ok ? `${style.green('intact')} ${path} (head ${head.seq}:${head.hash})` : `checked up to ${head.seq}`,
  };
  if (ok) return answer;
  const error = new ConfigError('ERR_JOURNAL_DAMAGED', {
    message: `${fault.kind}: ${fault.message}`,
    hint: 'Keep the file as it is for examination, and restore a backup that verifies: c13 restore --whole.',
    details: { path, seq: fault.seq },
  });
  return { ...answer, fault: error as NonNullable<Answer['fault']> };
}

/** Through a worker while the file is whole enough to be opened: with progress, and stopped by Ctrl-C. */
async function reportOf(session: Session, path: string, anchor?: Anchor): Promise<VerifyReport> {
  const journal = await openReadonly(path);
  // A pass over the bare file never looks up, and only reads: it may be ended at any moment.
  if (journal === null) {
    session.interrupt.release();
    return verifyFile(path, anchor);
  }
  using progress = session.progress('verify');
  try {
    return await journal.verify({
      ...(anchor === undefined ? {} : { anchor }),
      signal: session.interrupt.signal,
      onProgress: (checked, total) => progress.update(checked, total),
    });
  } finally {
    await journal.close();
  }
}

async function openReadonly(path: string) {
  const worker = () => new Worker(new URL('../../live/journal-worker.ts', import.meta.url).href);
  try {
    return await openSqliteJournal({ path, readonly: true, worker });
  } catch (error) {
    if (isConfigError(error) && error.code === 'ERR_JOURNAL_DAMAGED') return null;
    throw error;
  }
}
