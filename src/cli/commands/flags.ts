/** Commands about flags on a registry: what there is, what they are made of, and what they answer. @module */
import { type Command, Option } from 'commander';
import { readDocument } from '../document.ts';
import { usageError } from '../failure.ts';
import { changed, factsOf, flagsOf, saidOf } from '../flag-session.ts';
import { group } from '../group.ts';
import type { Evaluated, FlagView, ListedFlags } from '../http-flags.ts';
import { REGISTRY, takes } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { clean, cleanLines, facts, type Style, table, timeText } from '../text.ts';
import { asObject } from '../../config/input.ts';
import { isConfigError } from '../../errors/errors.ts';
import type { FlagItem } from '../../registry/flag-list.ts';
import { addFlagFacts } from './flag-facts.ts';
import { addFlagFiles } from './flag-files.ts';

const READS = [...REGISTRY, 'name'] as const;
const WRITES = [...READS, 'reason', 'ifRevision'] as const;
/** Of what `show --json` prints: all that nobody says. */
const KNOWN_BY_ITSELF = ['config', 'key', 'archivedAt', 'isBound', 'lastEvaluatedAt', 'modifiedAt', 'modifiedBy'];

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
  takes(flags.command('set'), ...WRITES, 'force')
    .description('make or replace a flag')
    .argument('<flag>')
    .argument('<file>', "JSON or YAML: flagd's definition, or what `show --json` printed; - reads stdin")
    .action(run(set));
  for (const verb of ['archive', 'restore'] as const) {
    takes(flags.command(verb), ...WRITES, 'force')
      .description(verb === 'archive' ? 'keep a flag, but evaluate it no more' : 'take a flag out of the archive')
      .argument('<flag>')
      .action(run((session, key: string) => move(session, key, verb)));
  }
  takes(flags.command('delete'), ...WRITES, 'yes')
    .description('delete a flag; its history stays')
    .argument('<flag>')
    .action(run(remove));
  takes(flags.command('evaluate'), ...READS)
    .description('ask what a flag, or every flag, answers')
    .argument('[flag]')
    .option('--context <json>', 'for whom: \'{"targetingKey":"user-1","plan":"pro"}\'')
    .option('--key <text>', 'the targetingKey of the context')
    .action(run(evaluate));
  addFlagFacts(flags);
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
  return { data: { flags }, text: (style) => table(style, head, rows, 'tags') };
}

function stateText({ archivedAt, state, isConstant, rollout }: FlagItem): string {
  if (archivedAt !== null) return 'archived';
  if (state === 'DISABLED') return 'disabled';
  if (!isConstant) return rollout === null ? 'by rules' : `${rollout} %`;
  return 'all alike';
}

function shown(flag: FlagView): Answer {
  const { definition, modifiedAt, expiresAt, archivedAt, lastEvaluatedAt, ...others } = flag;
  const time = (at: number | null): string | null => (at === null ? null : timeText(at));
  const times = { expiresAt: time(expiresAt), archivedAt: time(archivedAt), lastEvaluatedAt: time(lastEvaluatedAt) };
  const said = { ...others, ...times, modifiedAt: timeText(modifiedAt) };
  const text = (style: Style): string => `${facts(style, said)}\n${cleanLines(JSON.stringify(definition, null, 2))}`;
  return { data: flag, text };
}

async function set(session: Session, key: string, file: string): Promise<Answer> {
  const flags = await flagsOf(session);
  const said = saidOf(session);
  const given = asObject('flag', await readDocument(file));
  if (typeof given['key'] === 'string' && given['key'] !== key) {
    throw usageError(key, `The file is the flag '${given['key']}'`, `Name it so, or take its key out of the file.`);
  }
  const kept = Object.entries(given).filter(([field]) => ![...KNOWN_BY_ITSELF, 'revision'].includes(field));
  // A definition alone says nothing about the flag: what is said about it stays.
  const isBare = !Object.hasOwn(given, 'definition');
  const before = isBare ? await found(flags.get(key)) : null;
  const input = isBare ? { ...factsOf(before), definition: Object.fromEntries(kept) } : Object.fromEntries(kept);
  const revision = isBare ? (before?.revision ?? 0) : given['revision'];
  const expected = said.expected ?? (typeof revision === 'number' ? revision : undefined);
  return changed(await flags.put(key, input, { ...said, expected }), 'saved');
}

/** null where there is none. */
async function found<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (isConfigError(error) && error.code === 'ERR_NOT_FOUND') return null;
    throw error;
  }
}

async function move(session: Session, key: string, verb: 'archive' | 'restore'): Promise<Answer> {
  const flag = await (await flagsOf(session)).move(key, verb, saidOf(session));
  return changed(flag, verb === 'archive' ? 'archived' : 'restored');
}

async function remove(session: Session, key: string): Promise<Answer> {
  const flags = await flagsOf(session);
  await session.confirm(`Delete the flag ${clean(key)} of ${session.name}?`);
  await flags.delete(key, saidOf(session));
  return { data: { key }, text: () => `deleted flag ${clean(key)}` };
}

async function evaluate(
  session: Session,
  key: string | undefined,
  { context = '{}', key: targetingKey }: { context?: string; key?: string },
): Promise<Answer> {
  const asked = { ...contextIn(context), ...(targetingKey === undefined ? {} : { targetingKey }) };
  const answers = await (await flagsOf(session)).evaluate(key ?? null, asked);
  const rows = answers.map((answer) => [answer.key, valueText(answer), answer.variant ?? '', whyText(answer)]);
  const text = (style: Style): string => table(style, ['flag', 'answers', 'variant', 'why'], rows, 'answers');
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
