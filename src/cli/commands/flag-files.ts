/** Flags out of files of flagd and of other flag services, and into a file of flagd. @module */
import { type Command, Option } from 'commander';
import { readDocument } from '../document.ts';
import { flagsOf, saidOf } from '../flag-session.ts';
import type { Imported } from '../http-flags.ts';
import { REGISTRY, takes } from '../options.ts';
import { notesText, planText } from '../plan-text.ts';
import { type Answer, writeErr } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { clean, cleanLines } from '../text.ts';
import { usageError } from '../failure.ts';
import { ConfigError } from '../../errors/errors.ts';
import { type ConversionOptions, IMPORT_FORMATS, type ImportFormat } from '../../flags/import/conversion.ts';

/** Options that do nothing for a format. */
const MEANINGLESS: Readonly<Record<ImportFormat, Partial<Record<keyof ImportOptions, string>>>> = {
  flagd: {
    environment: '--environment',
    segments: '--segments',
    partial: '--partial',
    userKey: '--user-key',
    map: '--map',
  },
  unleash: { partial: '--partial' },
  launchdarkly: {},
};

export function addFlagFiles(flags: Command): void {
  takes(flags.command('export'), ...REGISTRY, 'name')
    .description('print the flags of a config as a flagd file')
    .option('--facts', 'with archived flags, and what is said about flags as metadata: to be imported again')
    .action(run(exportAll));
  takes(flags.command('import'), ...REGISTRY, 'name', 'reason', 'force', 'yes')
    .description('take flags from flagd, Unleash or LaunchDarkly; shows what would come over, and asks')
    .argument('<file>', 'JSON or YAML, as it was exported; - reads stdin')
    .addOption(new Option('--format <format>', 'told by its shape, if left out').choices(IMPORT_FORMATS))
    .option('--environment <environment>', 'which of those in the file')
    .option('--segments <file>', 'a second file, with the segments')
    .option('--partial', 'also flags of LaunchDarkly of which a rule has to be left out')
    .option('--user-key <field>', "the field of the source that is OpenFeature's targetingKey")
    .option('--map <field=path...>', 'other names of fields of the context: hostname=host.name')
    .option('--prefix <text>', 'put before every key')
    .option('--dry-run', 'only show what would come over')
    .action(run(importAll));
}

async function exportAll(session: Session, { facts = false }: { facts?: boolean }): Promise<Answer> {
  const file = await (await flagsOf(session)).export(facts);
  return { data: file, text: () => cleanLines(JSON.stringify(file, null, 2)) };
}

interface ImportOptions {
  readonly format?: ImportFormat;
  readonly environment?: string;
  readonly segments?: string;
  readonly partial?: boolean;
  readonly userKey?: string;
  readonly map?: readonly string[];
  readonly prefix?: string;
  readonly dryRun?: boolean;
}

async function importAll(session: Session, file: string, given: ImportOptions): Promise<Answer> {
  const { dryRun = false, segments, map, ...others } = given;
  const options: ConversionOptions = {
    ...pick(others),
    ...(map === undefined ? {} : { contextMap: mapOf(map) }),
    ...(segments === undefined ? {} : { segments: await textOf(segments) }),
  };
  const text = await textOf(file);
  const flags = await flagsOf(session);
  const plan = await waited(session, 'looking at the export', flags.import(text, { ...options, dryRun: true }));
  refuseMeaningless(plan.format, given);
  const open = plan.flags.filter(({ step }) => step === 'make' || step === 'replace');
  if (dryRun || open.length === 0) return imported(session, plan, { dryRun: true, isShown: false });
  const isShown = session.options.yes !== true;
  if (isShown) {
    const shown = [planText(plan, session.printer.err), notesText(plan)].filter((text) => text !== null);
    await writeErr(`${shown.join('\n\n')}\n\n`);
  }
  await session.confirm(`Write ${open.length} of ${plan.flags.length} flags to ${session.name}?`);
  const { reason, force } = saidOf(session);
  const said = { reason: reason ?? `import of ${file === '-' ? 'stdin' : file}`, force };
  // What was changed while somebody read the plan is not overwritten.
  const expected = Object.fromEntries(open.map(({ key, revision }) => [key, revision]));
  const writing = flags.import(text, { ...options, ...said, expected, dryRun: false });
  const result = await waited(session, `writing ${open.length} flags`, writing);
  return imported(session, result, { dryRun: false, isShown });
}

/** Throws ERR_USAGE for an option that would change nothing. */
function refuseMeaningless(format: ImportFormat, given: ImportOptions): void {
  const [option, name] = Object.entries(MEANINGLESS[format]).find(([field]) => Object.hasOwn(given, field)) ?? [];
  if (option === undefined || name === undefined) return;
  throw usageError(name, `${name} says nothing of a file of ${format}`, 'Leave it out.');
}

/** With what is being done, and for how long already, in sight; gone when it is done. */
async function waited<T>(session: Session, what: string, work: Promise<T>): Promise<T> {
  using progress = session.progress(what);
  return await progress.during(work);
}

interface Shown {
  readonly dryRun: boolean;
  readonly isShown: boolean;
}

/** Only the options of an import. */
function pick({ format, environment, partial, userKey, prefix }: ImportOptions): ConversionOptions {
  return { format, environment, partial, userKey, prefix };
}

/** YAML is made JSON: the registry knows no other. */
async function textOf(file: string): Promise<string> {
  return JSON.stringify(await readDocument(file));
}

function mapOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
      throw usageError('--map', `--map: '${pair}' is not of the form field=path`, 'Write hostname=host.name.');
    }),
  );
}

/** `isShown`: the plan was, when somebody was asked. */
function imported(session: Session, result: Imported, { dryRun, isShown }: Shown): Answer {
  const { format, flags, written } = result;
  const notes = isShown ? null : notesText(result);
  const what = dryRun ? `would write ${countOf(flags, ['make', 'replace'])}` : `wrote ${written}`;
  const last = `${what} of ${flags.length} flags of ${format} to ${session.name}`;
  const isInVain = flags.length > 0 && countOf(flags, ['skip']) === flags.length;
  return {
    data: { dryRun, ...result },
    text: (style) => {
      const end = dryRun ? style.yellow(clean(last)) : style.green(clean(last));
      return isShown ? end : `${planText(result, style)}\n\n${end}`;
    },
    ...(notes === null ? {} : { remark: () => notes }),
    ...(isInVain ? { fault: nothingTaken(format) } : {}),
  };
}

function countOf(flags: Imported['flags'], steps: readonly string[]): number {
  return flags.filter(({ step }) => steps.includes(step)).length;
}

function nothingTaken(format: string): ConfigError<'ERR_IMPORT'> & { code: 'ERR_IMPORT' } {
  return new ConfigError('ERR_IMPORT', {
    message: 'None of the flags can be taken',
    hint: 'The findings say why; --partial takes flags of LaunchDarkly also where a rule has to be left out.',
    details: { format, fault: 'none of the flags can be taken' },
  });
}
