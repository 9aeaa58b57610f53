/** The command that takes packages over from another registry's storage. @module */
import type { Command } from 'commander';
import { importPackages, type PackageImport } from '../package-import.ts';
import { packagesOf } from '../package-session.ts';
import { REGISTRY, takes } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { clean, countText, type Style, table } from '../text.ts';
import { ConfigError } from '../../errors/errors.ts';
import { openVerdaccio } from '../../packages/import/verdaccio.ts';

export function addPackageImport(packages: Command): void {
  takes(packages.command('import'), ...REGISTRY, 'reason', 'yes')
    .summary('take packages over from a Verdaccio')
    .description('take packages over from the storage of a Verdaccio; begun again, it goes on where it ended')
    .requiredOption('--from-verdaccio <directory>', 'its storage: a folder for each package')
    .option('--with-cached', 'also copies of what other registries have, which are ours from then on')
    .option('--dry-run', 'only show what would come, and compare the tarballs with their hashes')
    .action(run(importAll));
}

interface ImportOptions {
  readonly fromVerdaccio: string;
  readonly withCached?: boolean;
  readonly dryRun?: boolean;
}

async function importAll(session: Session, options: ImportOptions): Promise<Answer> {
  const { fromVerdaccio, withCached = false, dryRun = false } = options;
  const kept = await openVerdaccio(fromVerdaccio);
  const packages = await packagesOf(session);
  if (!dryRun) await session.confirm(`Take ${countText(kept.folders.length, 'package')} over from ${fromVerdaccio}?`);
  using progress = session.progress('import');
  const { reason = `import of ${fromVerdaccio}` } = session.options;
  return imported(
    await importPackages(packages, kept, {
      withCached,
      dryRun,
      reason,
      signal: session.interrupt.signal,
      onProgress: (done, total) => progress.update(done, total),
    }),
  );
}

function imported(result: PackageImport): Answer {
  const { findings, users, guessedTimes } = result;
  const notes = [
    ...(guessedTimes === 0
      ? []
      : [`${countText(guessedTimes, 'version has', 'versions have')} the time of a file: none was written down`]),
    ...(users.length === 0 ? [] : [`users are not taken, make them anew (c13 users create): ${users.join(' ')}`]),
  ];
  return {
    data: result,
    text: (style) => [...findingsText(style, result), summary(style, result)].join('\n\n'),
    ...(notes.length === 0 ? {} : { remark: () => notes.map(clean).join('\n') }),
    ...(findings.length === 0 ? {} : { fault: notAll(findings.length) }),
  };
}

function findingsText(style: Style, { findings }: PackageImport): string[] {
  if (findings.length === 0) return [];
  const rows = findings.map(({ name, version, fault }) => [version === null ? name : `${name}@${version}`, fault]);
  return [table(style, ['not taken', 'because'], rows)];
}

function summary(style: Style, { dryRun, imported: versions, packages, there, cached }: PackageImport): string {
  const done = dryRun ? style.yellow('would take') : style.green('took');
  const rest = [
    ...(there === 0 ? [] : [`${there} ${there === 1 ? 'was' : 'were'} there already`]),
    ...(cached === 0
      ? []
      : [`${countText(cached, 'is a copy', 'are copies')} of what others have, left behind (--with-cached)`]),
  ];
  return [`${done} ${countText(versions.length, 'version')} of ${countText(packages, 'package')}`, ...rest].join('; ');
}

function notAll(count: number): ConfigError<'ERR_IMPORT'> & { code: 'ERR_IMPORT' } {
  const fault = `${countText(count, 'thing')} could not be taken`;
  return new ConfigError('ERR_IMPORT', {
    message: fault,
    hint: 'What could is there; mend or leave the rest, and begin again: it goes on where it ended.',
    details: { format: 'verdaccio', fault },
  });
}
