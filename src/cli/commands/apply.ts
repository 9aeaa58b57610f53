/** Many changes from files, all or none. @module */
import { type Command, Option } from 'commander';
import { changesIn, planChanges, type PlannedChange } from '../apply-plan.ts';
import { DOCUMENT_FORMATS, type DocumentFormat, formatOf, readDocument } from '../document.ts';
import { takes, TARGET } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { clean, type Style } from '../text.ts';
import type { Validation } from '../../config/validation.ts';
import { parseBulk } from '../../live/bulk.ts';
import type { BulkOutcome } from '../../live/operations.ts';

interface ApplyOptions {
  readonly dryRun?: boolean;
  readonly format?: DocumentFormat;
}

export function addApply(program: Command): void {
  takes(program.command('apply'), ...TARGET, 'reason', 'actor', 'force')
    .description('make all changes that files say, in one transaction, or none of them')
    .argument('<file...>', 'JSON, NDJSON or YAML, by their ending; - reads stdin')
    .addOption(
      new Option('--format <format>', 'what the files are, whatever they are called').choices(DOCUMENT_FORMATS),
    )
    .option('--dry-run', 'only show what would change')
    .action(run(apply));
}

async function apply(session: Session, files: string[], { dryRun = false, format }: ApplyOptions): Promise<Answer> {
  const documents: unknown[] = [];
  for (const file of files) documents.push(await readDocument(file, format ?? formatOf(file)));
  const { expected: _, ...write } = session.write();
  const changes = parseBulk(changesIn(documents));
  const target = await session.target();
  const plan = await planChanges(target, changes, write.force ?? false);
  const results = dryRun
    ? []
    : await target.bulk(
        plan.map(({ change }) => change),
        write,
      );
  return {
    data: { dryRun, changes: plan.map((planned, i) => reported(planned, results[i])) },
    warnings: (dryRun ? plan : results).flatMap(warningsOf),
    text: (style) => planText(plan, dryRun, style),
  };
}

function reported({ name, verb, before, changes }: PlannedChange, result: BulkOutcome | undefined) {
  return { name, verb, from: before?.revision ?? 0, to: result?.revision ?? null, changes };
}

/** Of which config: there are many. */
function warningsOf({ name, warnings }: Pick<PlannedChange, 'name' | 'warnings'>): Validation['warnings'] {
  return warnings.map((issue) => ({ ...issue, message: `${name}: ${issue.message}` }));
}

function planText(plan: readonly PlannedChange[], dryRun: boolean, style: Style): string {
  const changed = plan.filter(
    ({ verb, before, changes }) => verb === 'delete' || before === null || changes.length > 0,
  );
  const lines = changed.map((planned) => clean(`${planned.name}: ${wordsOf(planned).join(' ')}`));
  const what = dryRun ? style.yellow('would apply') : style.green('applied');
  return [...lines, `${what} ${changed.length}, unchanged ${plan.length - changed.length}`].join('\n');
}

function wordsOf({ verb, before, change, changes }: PlannedChange): string[] {
  if (verb === 'delete') return ['deleted'];
  const named = verb === 'set' ? [] : [verb === 'template' ? `template ${change.template}` : verb];
  return [...(before === null ? ['new'] : []), ...named, ...changes];
}
