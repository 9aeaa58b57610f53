/** The past of a config, newest first. @module */
import type { Command } from 'commander';
import { changesText } from '../change-text.ts';
import { hinting } from '../feature-hint.ts';
import { READS_CONFIG, takes } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { featuresOf } from '../target.ts';
import { clean, table, timeText } from '../text.ts';
import { parseTime, parseWhole } from '../values.ts';
import type { FeatureSet } from '../../config/features.ts';
import type { ChangedField } from '../../config/value.ts';
import { HISTORY_LIMIT_DEFAULT, type HistoryEntry, type HistoryFilter } from '../../live/history.ts';

interface HistoryOptions {
  readonly field?: string;
  readonly since?: number;
  readonly until?: number;
  readonly by?: string;
  readonly limit?: number;
  readonly cursor?: number;
}

export function addHistory(program: Command): void {
  takes(program.command('history'), ...READS_CONFIG, 'actor')
    .description('list the changes of a config: what, who, when, why')
    .option('--field <field>', 'only changes of this field')
    .option('--since <time>', 'only from then on', (text) => parseTime(text, '--since'))
    .option('--until <time>', 'only until then', (text) => parseTime(text, '--until'))
    .option('--limit <number>', `at most so many (${HISTORY_LIMIT_DEFAULT})`, (text) => parseWhole(text, '--limit', 1))
    .option('--cursor <cursor>', 'the next page', (text) => parseWhole(text, '--cursor', 1))
    .action(run(history));
}

async function history(session: Session, options: HistoryOptions): Promise<Answer> {
  const target = await session.target();
  const filtered = target.history(session.name, filterOf(session, options));
  const page = await hinting(target, session.name, filtered, isInTheFlags);
  const features = await featuresOf(target, session.name);
  const rows = (arrow: string) => page.entries.map((entry) => rowOf(entry, features, arrow));
  const more = page.cursor === null ? [] : [`older ones: --cursor ${page.cursor}`];
  return {
    data: page,
    text: (style) =>
      [
        table(style, ['revision', 'time', 'kind', 'who', 'changed', 'why'], rows(style.arrow), 'changed'),
        ...more.map(clean),
      ].join('\n'),
  };
}

function isInTheFlags(feature: string): string {
  return `Whether ${feature} is on is in featureFlags, how far it is rolled out in rollouts: ask for one of these.`;
}

function filterOf({ options: { actor } }: Session, options: HistoryOptions): HistoryFilter {
  const { field, ...rest } = options;
  return {
    ...rest,
    ...(actor === undefined ? {} : { actor }),
    // What is no field is refused by name below.
    ...(field === undefined ? {} : { field: field as ChangedField }),
  };
}

function rowOf(entry: HistoryEntry, features: FeatureSet, arrow: string): string[] {
  const { revision, timestamp, kind, actor, reason } = entry;
  return [String(revision), timeText(timestamp), kind, actor ?? '', changesText(entry, features, arrow), reason];
}
