/** Configs out of one database and into another. @module */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { exportConfigs, exportText } from '../../live/export.ts';
import { planImport, type ImportPlan } from '../import-plan.ts';
import { runImport } from '../import-run.ts';
import { usageError } from '../failure.ts';
import { READS_CONFIG, takes, TARGET } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { allConfigs } from '../target.ts';
import { clean, cleanLines, type Style } from '../text.ts';
import { parseExport } from '../transfer.ts';

export function addTransfers(program: Command): void {
  takes(program.command('export'), ...READS_CONFIG)
    .description('print all configs (or the one of --name) as a JSON document')
    .action(run(exportAll));
  takes(program.command('import'), ...TARGET, 'reason', 'actor', 'force')
    .description('make configs what a document says; judges all of it before the first change')
    .argument('<file>', 'what export printed; - reads stdin')
    .option('--dry-run', 'only show what would change')
    .action(run(importAll));
}

async function exportAll(session: Session): Promise<Answer> {
  const target = await session.target();
  using progress = session.progress('export');
  const views =
    session.options.name === undefined ? await progress.during(allConfigs(target)) : [await target.get(session.name)];
  const document = await exportConfigs(target, views);
  return { data: document, text: () => cleanLines(exportText(document)) };
}

async function importAll(session: Session, file: string, { dryRun = false }: { dryRun?: boolean }): Promise<Answer> {
  const document = parseExport(await readDocument(file));
  const write = session.write();
  const target = await session.target();
  const plan = await planImport(target, document, write.force ?? false);
  using progress = session.progress('import');
  const imported = dryRun
    ? []
    : await runImport(target, plan, {
        write: { ...write, reason: write.reason ?? `import of ${file === '-' ? 'stdin' : file}` },
        signal: session.interrupt.signal,
        onProgress: (done, total) => progress.update(done, total),
      });
  const configs = plan.configs.map(({ name, before, changes }) => ({
    name,
    from: before?.revision ?? 0,
    to: imported.find((done) => done.name === name)?.revision ?? null,
    changes,
  }));
  return {
    data: { dryRun, declarations: plan.declarations, configs, unchanged: plan.unchanged },
    text: (style) => planText(plan, dryRun, style),
  };
}

function planText({ declarations, configs, unchanged }: ImportPlan, dryRun: boolean, style: Style): string {
  const declared = declarations.map(
    ({ service, features }) =>
      `features of ${service}: ${Object.entries(features)
        .map(([feature, bit]) => `${feature}=${bit}`)
        .join(' ')}`,
  );
  const changed = configs.map(
    ({ name, before, changes }) => `${name}: ${[...(before === null ? ['new'] : []), ...changes].map(clean).join(' ')}`,
  );
  const what = dryRun ? style.yellow('would import') : style.green('imported');
  return [...declared.map(clean), ...changed, `${what} ${configs.length}, unchanged ${unchanged.length}`].join('\n');
}

async function readDocument(file: string): Promise<string> {
  if (file === '-') return await Bun.stdin.text();
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw usageError(file, `${file} cannot be read: ${(error as Error).message}`, 'Name a file, or - for stdin.');
  }
}
