/** Commands about what a rich flag was, and what the flags of a config share. @module */
import type { Command } from 'commander';
import { differingPaths } from '../differing-paths.ts';
import { readDocument } from '../document.ts';
import { flagsOf, saidOf } from '../flag-session.ts';
import type { FlagChange, FlagHistory, SharedSet } from '../http-flags.ts';
import { REGISTRY, takes } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { clean, cleanLines, facts, type Style, table, timeText, valueText } from '../text.ts';
import { parseWhole } from '../values.ts';
import { asObject } from '../../config/input.ts';

const READS = [...REGISTRY, 'name'] as const;
const HEAD = ['revision', 'time', 'kind', 'who', 'changed', 'why'];
/** Of what `shared --json` prints: all that nobody says. */
const KNOWN_BY_ITSELF = ['config', 'revision', 'modifiedAt', 'modifiedBy'];

export function addFlagPast(flags: Command): void {
  takes(flags.command('history'), ...READS)
    .description('list the changes of a rich flag, also of one that was deleted')
    .argument('<flag>')
    .option('--limit <number>', 'at most so many (100)', (text) => parseWhole(text, '--limit', 1))
    .option('--cursor <cursor>', 'the next page', (text) => parseWhole(text, '--cursor', 1))
    .action(run(history));
  takes(flags.command('shared'), ...READS, 'reason', 'ifRevision')
    .description('what the flags of a config share: evaluators, metadata; with a file, put it')
    .argument('[file]', 'JSON or YAML: { evaluators, metadata }, or what `shared --json` printed; - reads stdin')
    .action(run(shared));
}

async function history(session: Session, key: string, bounds: { limit?: number; cursor?: number }): Promise<Answer> {
  const flags = await flagsOf(session);
  const page = await flags.history(key, bounds);
  const { entries, cursor } = page;
  // What the oldest of the page changed is told by the one before it.
  const older = cursor === null ? [] : (await flags.history(key, { limit: 1, cursor: Number(cursor) })).entries;
  const all = [...entries, ...older];
  const rows = (arrow: string): string[][] => entries.map((entry, i) => rowOf(entry, all[i + 1] ?? null, arrow));
  const more = cursor === null ? [] : [clean(`older ones: --cursor ${cursor}`)];
  return {
    data: page satisfies FlagHistory,
    text: (style) => [table(style, HEAD, rows(style.arrow), 'changed', 'why', 'who'), ...more].join('\n'),
  };
}

function rowOf(entry: FlagChange, before: FlagChange | null, arrow: string): string[] {
  const { revision, timestamp, actor, reason, flag } = entry;
  const was = before?.flag ?? null;
  const kind = entry.kind === 'delete' ? 'delete' : was === null ? 'create' : 'update';
  const paths = flag === null || was === null ? [] : differingPaths('', was, flag);
  const texts = paths.map(({ path, before: old, after }) => {
    return `${path.slice(1)} ${valueText(path, old)}${arrow}${valueText(path, after)}`;
  });
  return [String(revision), timeText(timestamp), kind, actor, texts.join(', '), reason];
}

async function shared(session: Session, file: string | undefined): Promise<Answer> {
  const flags = await flagsOf(session);
  if (file === undefined) return shownSet(await flags.set());
  const given = asObject('flag set', await readDocument(file));
  const input = Object.fromEntries(Object.entries(given).filter(([field]) => !KNOWN_BY_ITSELF.includes(field)));
  const said = saidOf(session);
  const { revision } = given;
  const expected = said.expected ?? (typeof revision === 'number' ? revision : undefined);
  const set = await flags.putSet(input, { ...said, expected });
  const place = `what the flags of ${set.config} share (revision ${set.revision})`;
  return { data: set, text: (style) => `${style.green('saved')} ${clean(place)}` };
}

function shownSet(set: SharedSet): Answer {
  const { evaluators, metadata, modifiedAt, ...others } = set;
  const said = { ...others, modifiedAt: modifiedAt === null ? null : timeText(modifiedAt) };
  const content = JSON.stringify({ evaluators, metadata }, null, 2);
  return { data: set, text: (style: Style) => `${facts(style, said)}\n${cleanLines(content)}` };
}
