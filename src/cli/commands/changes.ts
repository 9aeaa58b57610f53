/** Commands that change one config: set, rollout, template, reset, rollback, migrate, delete. @module */
import { type Command, Option } from 'commander';
import { rolloutOf, written } from '../answers.ts';
import { hinting } from '../feature-hint.ts';
import { usageError } from '../failure.ts';
import { takes, TARGET, WRITES_CONFIG } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { clean, table, timeText } from '../text.ts';
import { asPair, parsePairs, parseTime, parseWhole } from '../values.ts';
import { parseConfigName } from '../../config/name.ts';
import type { Moment } from '../../live/past.ts';

export function addChanges(program: Command): void {
  takes(program.command('set'), ...WRITES_CONFIG, 'force')
    .description('change fields of a config; makes it when there is none')
    .argument('<field=value...>', 'rows=50, terminalMode=raw, features.debug=true, rollouts.new_checkout=10')
    .action(run(set));
  takes(program.command('rollout'), ...WRITES_CONFIG, 'force')
    .description('turn a feature on for a part of the users')
    .argument('<feature>')
    .argument('<percent>', '0-100, at most 2 decimals')
    .action(run(rollout));
  takes(program.command('template'), ...WRITES_CONFIG, 'force')
    .description('list the templates, or apply one')
    .argument('[template]')
    .action(run(template));
  takes(program.command('reset'), ...WRITES_CONFIG, 'yes')
    .description('put a config back to the defaults')
    .action(run(reset));
  takes(program.command('rollback'), ...WRITES_CONFIG)
    .description('put an earlier state back, as a change of its own')
    .argument('[revision]', 'revision of the config', (text) => parseWhole(text, 'revision', 1))
    .option('--revision <number>', 'the same', (text) => parseWhole(text, '--revision', 1))
    .addOption(
      new Option('--entry <seq>', 'the state after this entry of the journal').argParser((text) =>
        parseWhole(text, '--entry', 1),
      ),
    )
    .option('--at <time>', 'the state at a time', (text) => parseTime(text, '--at'))
    .action(run(rollback));
  takes(program.command('migrate'), ...WRITES_CONFIG)
    .description('bring a config to another version, after a backup')
    .argument('<version>', '0 legacy, 1 modern', (text) => parseWhole(text, 'version', 0))
    .action(run(migrate));
  takes(program.command('delete'), ...TARGET, 'reason', 'actor', 'ifRevision', 'yes')
    .description('take a config away; its history stays, and the next write makes it again')
    .argument('<config>', 'service or service/environment')
    .action(run(remove));
}

async function set(session: Session, pairs: string[]): Promise<Answer> {
  const input = parsePairs(pairs);
  const target = await session.target();
  const work = target.set(session.name, input, session.write());
  return written(`set ${pairs.join(' ')}`, await hinting(target, session.name, work, asPair));
}

async function rollout(session: Session, feature: string, percent: string): Promise<Answer> {
  const write = session.write();
  const input = { rollouts: Object.fromEntries([[feature, percent]]) };
  const result = await (await session.target()).set(session.name, input, write);
  return written(`${feature} is on for ${rolloutOf(result.config, feature)} %`, result);
}

async function template(session: Session, name: string | undefined): Promise<Answer> {
  const target = await session.target();
  if (name !== undefined) {
    return written(`applied ${name}`, await target.applyTemplate(session.name, name, session.write()));
  }
  const { reason, actor, ifRevision, force } = session.options;
  if ([reason, actor, ifRevision, force].some((given) => given !== undefined)) {
    throw usageError('template', 'Only applying a template is a change', 'Name the template to apply.');
  }
  const templates = await target.templates(session.name);
  const rows = templates.map((known) => [known.name, String(known.terminalMode ?? ''), known.description ?? '']);
  return { data: { templates }, text: (style) => table(style, ['template', 'terminal', 'for'], rows) };
}

async function reset(session: Session): Promise<Answer> {
  const write = session.write();
  await session.confirm(`Put every field of '${session.name}' back to its default?`);
  return written('reset', await (await session.target()).reset(session.name, write));
}

interface RollbackOptions {
  readonly revision?: number;
  readonly entry?: number;
  readonly at?: number;
}

async function rollback(session: Session, positional: number | undefined, options: RollbackOptions): Promise<Answer> {
  const { revision, entry, at } = options;
  const given: Moment[] = [
    ...(positional === undefined ? [] : [{ revision: positional }]),
    ...(revision === undefined ? [] : [{ revision }]),
    ...(entry === undefined ? [] : [{ seq: entry }]),
    ...(at === undefined ? [] : [{ at }]),
  ];
  const [moment] = given;
  if (moment === undefined || given.length > 1) {
    throw usageError('rollback', 'Name one state to put back', 'Give a revision, --entry <seq> or --at <time>.');
  }
  const write = session.write();
  return written(
    `put back ${momentText(moment)}`,
    await (await session.target()).rollback(session.name, moment, write),
  );
}

function momentText({ revision, seq, at }: Moment): string {
  if (revision !== undefined) return `revision ${revision}`;
  return seq === undefined ? `what was at ${timeText(at ?? 0)}` : `what was after entry ${seq}`;
}

async function migrate(session: Session, version: number): Promise<Answer> {
  const write = session.write();
  using progress = session.progress('migrate');
  const target = await session.target();
  const result = await progress.during(target.migrate(session.name, version, write));
  const answer = written(`migrated to version ${version}`, result);
  const steps = result.log.flatMap(({ description, changes }) => [
    description,
    ...changes.map(({ field, before, after }) => `  ${field} ${before} -> ${after}`),
  ]);
  const backup = result.backup === null ? [] : [`backup before it: ${result.backup.path}`];
  return { ...answer, text: (style) => [answer.text(style), ...[...steps, ...backup].map(clean)].join('\n') };
}

async function remove(session: Session, config: string): Promise<Answer> {
  const write = session.write();
  const { name } = parseConfigName(config);
  await session.confirm(`Delete '${name}'? Processes that still have it read the defaults.`);
  const gone = await (await session.target()).delete(name, write);
  return { data: gone, text: (style) => `${style.green('deleted')} ${clean(`${name} (revision ${gone.revision})`)}` };
}
