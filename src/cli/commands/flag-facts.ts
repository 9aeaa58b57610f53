/** Commands about what people say about flags and features, and about flags that have done their work. @module */
import { type Command, Option } from 'commander';
import { usageError } from '../failure.ts';
import { changed, factsOf, flagsOf, saidOf, submit } from '../flag-session.ts';
import { REGISTRY, takes } from '../options.ts';
import type { Answer } from '../printer.ts';
import { type Asking, asking, isAsked } from '../proposals.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { facts, type Style, table, timeText } from '../text.ts';
import { parseMoment, parseWhole } from '../values.ts';

export function addFlagFacts(flags: Command): void {
  asking(takes(flags.command('facts'), ...REGISTRY, 'name', 'reason', 'ifRevision'))
    .description('say something about a flag or a feature; without options, what is said')
    .argument('<flag>')
    .option('--feature', 'it is a feature of the service, in all its configs')
    .option('--owner <text>', "who is asked about it; '' for nobody")
    .option('--description <text>', 'what it is for')
    .option('--tags <list>', 'checkout,release')
    .option('--expires <time>', 'when it should be gone: 2027-01-31, 90d from now, or never')
    .addOption(new Option('--visible', 'browser tokens see it').conflicts('hidden'))
    .option('--hidden', 'browser tokens do not')
    .action(run(say));
  takes(flags.command('stale'), ...REGISTRY, 'name')
    .description('flags that have likely done their work, and why')
    .option('--days <number>', 'unchanged or not asked for so long (30)', (text) => parseWhole(text, '--days', 1))
    .option('--everywhere', 'of all configs')
    .action(run(stale));
}

interface Said extends Asking {
  readonly feature?: boolean;
  readonly owner?: string;
  readonly description?: string;
  readonly tags?: string;
  readonly expires?: string;
  readonly visible?: boolean;
  readonly hidden?: boolean;
}

async function say(session: Session, key: string, given: Said): Promise<Answer> {
  const flags = await flagsOf(session);
  const input = factsInput(given);
  const isQuestion = Object.keys(input).length === 0;
  const said = saidOf(session);
  if (isAsked(given) && (isQuestion || given.feature === true)) {
    throw usageError(
      '--propose',
      'Only facts of a flag can be asked for',
      'Say them; those of features are said at once.',
    );
  }
  if (given.feature !== true) {
    if (isQuestion) return factsAnswer(factsOf(await flags.get(key)));
    return await submit(session, given, { key, change: { patch: input }, expected: said.expected }, async () =>
      changed(await flags.patch(key, input, said), 'noted', said.expected),
    );
  }
  if (!isQuestion) return factsAnswer(await flags.patchFeatureFacts(key, input, said));
  const known = await flags.featureFacts(key);
  if (known !== null) return factsAnswer(known);
  throw usageError(key, `The service has no feature '${key}'`, 'See: c13 feature list.');
}

function factsInput({ owner, description, tags, expires, visible, hidden }: Said): Record<string, unknown> {
  const input = {
    owner,
    description,
    tags: tags?.split(',').flatMap((tag) => (tag.trim() === '' ? [] : [tag.trim()])),
    expiresAt:
      expires === undefined ? undefined : expires === 'never' ? null : parseMoment(expires, '--expires', Date.now()),
    clientVisible: visible === true ? true : hidden === true ? false : undefined,
  };
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
}

function factsAnswer(known: Readonly<Record<string, unknown>>): Answer {
  const expiresAt = known['expiresAt'];
  const said = { ...known, expiresAt: typeof expiresAt === 'number' ? timeText(expiresAt) : null };
  return { data: known, text: (style) => facts(style, said) };
}

async function stale(session: Session, options: { days?: number; everywhere?: boolean }): Promise<Answer> {
  const flags = await (await flagsOf(session)).stale(options.days, options.everywhere === true);
  const rows = flags.map(({ config, key, reasons, owner }) => [config, key, reasons.join(', '), owner ?? '']);
  const text = (style: Style): string =>
    flags.length === 0 ? 'no flag is stale' : table(style, ['config', 'flag', 'why', 'owner'], rows, 'why', 'flag');
  return { data: { flags }, text };
}
