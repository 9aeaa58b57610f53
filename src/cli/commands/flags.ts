/** Commands about flags on a registry: what there is, what they are made of, and what they answer. @module */
import { type Command, Option } from 'commander';
import { usageError } from '../failure.ts';
import { flagsOf } from '../flag-session.ts';
import { group } from '../group.ts';
import type { Evaluated, FlagView, ListedFlags } from '../http-flags.ts';
import { REGISTRY, takes } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { cleanLines, facts, type Style, table, timeText } from '../text.ts';
import { asObject } from '../../config/input.ts';
import type { FlagItem } from '../../registry/flag-list.ts';
import { addFlagChanges } from './flag-changes.ts';
import { addFlagFacts } from './flag-facts.ts';
import { addFlagFiles } from './flag-files.ts';
import { addFlagPast } from './flag-past.ts';

const READS = [...REGISTRY, 'name'] as const;

export function addFlags(program: Command): void {
  const flags = group(program, 'flags', 'rich flags: rules that answer a value; and facts about all flags');
  takes(flags.command('list'), ...READS)
    .description('list the flags of a config, features too')
    .addOption(new Option('--kind <kind>', 'only these').choices(['feature', 'rich']))
    .option('--tag <tag>', 'only those with this tag')
    .option('--owner <owner>', 'only those of this owner')
    .option('--search <text>', 'only those with this in their key or description')
    .addOption(new Option('--archived <which>', 'archived ones').choices(['true', 'false', 'all']).default('false'))
    .action(run(list));
  takes(flags.command('show'), ...READS)
    .description('show a flag')
    .argument('<flag>')
    .action(run(async (session, key: string) => shown(await (await flagsOf(session)).get(key))));
  addFlagChanges(flags);
  takes(flags.command('evaluate'), ...READS)
    .description('ask what a flag, or every flag, answers')
    .argument('[flag]')
    .option('--context <json>', 'for whom: \'{"targetingKey":"user-1","plan":"pro"}\'')
    .option('--key <text>', 'the targetingKey of the context')
    .action(run(evaluate));
  addFlagFacts(flags);
  addFlagPast(flags);
  addFlagFiles(flags);
}

async function list(session: Session, { search, ...wanted }: ListedFlags & { search?: string }): Promise<Answer> {
  const flags = await (await flagsOf(session)).list({ ...wanted, q: search });
  const rows = flags.map((flag) => [
    flag.key,
    flag.isBound ? 'bound' : flag.kind,
    flag.type,
    stateText(flag),
    flag.owner ?? '',
    flag.tags.join(' '),
    flag.lastEvaluatedAt === null ? '' : timeText(flag.lastEvaluatedAt),
  ]);
  const head = ['flag', 'kind', 'type', 'answers', 'owner', 'tags', 'last evaluated'];
  return { data: { flags }, text: (style) => table(style, head, rows, 'tags', 'owner') };
}

function stateText({ archivedAt, state, isConstant, rollout }: FlagItem): string {
  if (archivedAt !== null) return 'archived';
  if (state === 'DISABLED') return 'disabled';
  if (!isConstant) return rollout === null ? 'by rules' : `${rollout} %`;
  return 'same for all';
}

function shown(flag: FlagView): Answer {
  const { definition, modifiedAt, expiresAt, archivedAt, lastEvaluatedAt, ...others } = flag;
  const time = (at: number | null): string | null => (at === null ? null : timeText(at));
  const times = { expiresAt: time(expiresAt), archivedAt: time(archivedAt), lastEvaluatedAt: time(lastEvaluatedAt) };
  const said = { ...others, ...times, modifiedAt: timeText(modifiedAt) };
  const text = (style: Style): string => `${facts(style, said)}\n${cleanLines(JSON.stringify(definition, null, 2))}`;
  return { data: flag, text };
}

async function evaluate(
  session: Session,
  key: string | undefined,
  { context = '{}', key: targetingKey }: { context?: string; key?: string },
): Promise<Answer> {
  const asked = { ...contextIn(context), ...(targetingKey === undefined ? {} : { targetingKey }) };
  const answers = await (await flagsOf(session)).evaluate(key ?? null, asked);
  const rows = answers.map((answer) => [answer.key, valueText(answer), answer.variant ?? '', whyText(answer)]);
  const text = (style: Style): string => table(style, ['flag', 'answers', 'variant', 'why'], rows, 'answers', 'why');
  return { data: key === undefined ? { flags: answers } : answers[0], text };
}

function contextIn(text: string): Readonly<Record<string, unknown>> {
  try {
    return asObject('context', JSON.parse(text));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw usageError('--context', '--context is not JSON', 'Write it in quotes: \'{"targetingKey":"user-1"}\'.');
  }
}

function valueText({ errorCode, value }: Evaluated): string {
  if (errorCode !== undefined) return 'nothing';
  return value === undefined ? "the caller's default" : JSON.stringify(value);
}

function whyText({ reason = '', errorCode, errorDetails }: Evaluated): string {
  return errorCode === undefined ? reason : [errorCode, errorDetails ?? ''].filter((text) => text !== '').join(': ');
}
