/** Configs out of one database and into another. @module */
import type { Command } from 'commander';
import { exportConfigs, exportText } from '../../live/export.ts';
import { planImport, type ImportPlan } from '../import-plan.ts';
import { runImport } from '../import-run.ts';
import { formatOf, parseDocument, readBytes } from '../document.ts';
import { usageError } from '../failure.ts';
import { keyDirectoryOf } from '../open-target.ts';
import { READS_CONFIG, takes, TARGET } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import { isSealedDocument, openSealedDocument } from '../sealed-document.ts';
import type { Session } from '../session.ts';
import { clean, cleanLines, type Style } from '../text.ts';
import { parseExport } from '../transfer.ts';

export function addTransfers(program: Command): void {
  takes(program.command('export'), ...READS_CONFIG)
    .description('print all configs (or the one of --name) as a JSON document; sealed where the registry seals exports')
    .option('--open <file>', 'print what is in a sealed export instead; the key is that of --data, else of C13_DATA')
    .action(run(exportAll));
  takes(program.command('import'), ...TARGET, 'reason', 'actor', 'force')
    .description('make configs what a document says; judges all of it before the first change')
    .argument('<file>', 'what export printed, sealed or not, or the same as YAML; - reads stdin')
    .option('--dry-run', 'only show what would change')
    .action(run(importAll));
}

async function exportAll(session: Session, { open }: { open?: string }): Promise<Answer> {
  if (open !== undefined) return await opened(session, open);
  if (session.options.name !== undefined) return await exportOne(session);
  const target = await session.target();
  using progress = session.progress('export');
  const bytes = await progress.during(target.exportAll());
  return isSealedDocument(bytes) ? sealed(bytes) : documentAnswer(bytes);
}

/** It is read as any config is, and no file of everything: never sealed. */
async function exportOne(session: Session): Promise<Answer> {
  const target = await session.target();
  const document = await exportConfigs(target, [await target.get(session.name)]);
  return { data: document, text: () => cleanLines(exportText(document)) };
}

async function opened(session: Session, file: string): Promise<Answer> {
  const bytes = await readBytes(file);
  if (!isSealedDocument(bytes)) throw usageError('--open', `${file} is not sealed`, 'Read it as it is.');
  return documentAnswer(await openSealedDocument(bytes, keyDirectoryOf(session.options)));
}

function documentAnswer(bytes: Uint8Array): Answer {
  const text = new TextDecoder().decode(bytes);
  return { data: parseDocument(text, 'The export', 'json'), text: () => cleanLines(text) };
}

function sealed(bytes: Uint8Array): Answer {
  if (process.stdout.isTTY) {
    throw usageError('export', 'The export is sealed: no terminal shows it', 'Write it to a file: c13 export > file.');
  }
  const message = 'the export is sealed with the key of its data directory: encryption is on in the config registry';
  const hint = 'Open it with: c13 export --open <file> --data <directory>. An import opens it the same way.';
  return {
    data: { sealed: bytes.toBase64() },
    text: () => '',
    bytes,
    warnings: [{ code: 'SEALED', path: '', message, hint }],
  };
}

async function importAll(session: Session, file: string, { dryRun = false }: { dryRun?: boolean }): Promise<Answer> {
  const document = parseExport(
    await readExport(session, file),
    sourceOf(file),
    formatOf(file.replace(/\.sealed$/, '')),
  );
  const write = session.write();
  const target = await session.target();
  const plan = await planImport(target, document, write.force ?? false);
  using progress = session.progress('import');
  const imported = dryRun
    ? []
    : await runImport(target, plan, {
        write: { ...write, reason: write.reason ?? `import of ${sourceOf(file)}` },
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

async function readExport(session: Session, file: string): Promise<string> {
  const bytes = await readBytes(file);
  const isSealed = isSealedDocument(bytes);
  return new TextDecoder().decode(isSealed ? await openSealedDocument(bytes, keyDirectoryOf(session.options)) : bytes);
}

function sourceOf(file: string): string {
  return file === '-' ? 'stdin' : file;
}
