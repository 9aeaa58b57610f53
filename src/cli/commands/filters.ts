/** Commands about package filters: list, set, remove. @module */
import { Argument, type Command } from 'commander';
import { usageError } from '../failure.ts';
import { group } from '../group.ts';
import { saidOf, uplinksOf, type FilterView } from '../http-uplinks.ts';
import { REGISTRY, takes } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { clean, table } from '../text.ts';
import { EFFECTS, type Effect, type FilterDeclaration } from '../../packages/filters/filter.ts';
import { isSingleLicence } from '../../packages/filters/licence.ts';

const UNITS_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

export function addFilters(program: Command): void {
  const filters = group(program, 'filters', 'which versions of other registries are let through');
  takes(filters.command('list'), ...REGISTRY)
    .description('list the package filters')
    .action(run(list));
  takes(filters.command('set'), ...REGISTRY, 'reason', 'ifRevision')
    .description('make a package filter, or replace one')
    .argument('<filter>', 'a name for it')
    .addArgument(
      new Argument('<effect>', 'block hides what it meets, only the rest; allow beats both').choices(EFFECTS),
    )
    .option('--names <pattern>', "of packages: '@tools/*'; '*' for all; all if another one is given")
    .option('--versions <range>', "'<2.0.0'; all if left out")
    .option('--licence <licence...>', 'SPDX identifiers: MIT Apache-2.0')
    .option('--min-age <time>', 'with block: what was published less than so long ago: 7d, 12h')
    .action(run(set));
  takes(filters.command('remove'), ...REGISTRY, 'ifRevision')
    .description('delete a package filter')
    .argument('<filter>')
    .action(run(remove));
}

type FilterCriteria = Omit<FilterDeclaration, 'effect'>;

interface SetOptions {
  readonly names?: string;
  readonly versions?: string;
  readonly licence?: readonly string[];
  readonly minAge?: string;
}

async function list(session: Session): Promise<Answer> {
  const filters = await (await uplinksOf(session)).filters();
  const rows = filters.map((filter) => [filter.name, filter.effect, filter.names, meaningOf(filter)]);
  return { data: { filters }, text: (style) => table(style, ['filter', 'effect', 'names', 'of them'], rows) };
}

async function set(session: Session, name: string, effect: Effect, options: SetOptions): Promise<Answer> {
  const filter = await (await uplinksOf(session)).putFilter(name, { effect, ...saidIn(options) }, saidOf(session));
  return {
    data: filter,
    text: (style) => `${style.green('set')} ${clean(`${name}: ${effect} ${filter.names}, ${meaningOf(filter)}`)}`,
  };
}

/** Throws ERR_USAGE for what is no licence or time, and where nothing is said of what the filter is about. */
function saidIn({ names, minAge, ...given }: SetOptions): FilterCriteria {
  const { versions = null, licence: licences = null } = given;
  const minAge_s = minAge === undefined ? null : secondsOf(minAge);
  const stranger = licences?.find((licence) => !isSingleLicence(licence));
  if (stranger !== undefined) {
    const hint = 'Write each as SPDX spells it: --licence MIT Apache-2.0 GPL-3.0-only.';
    throw usageError('--licence', `'${stranger}' is no SPDX identifier of a licence`, hint);
  }
  if (names === undefined && versions === null && licences === null && minAge_s === null) {
    const hint = "Give --names, --versions, --licence or --min-age; --names '*' where you mean every package.";
    throw usageError('--names', 'Nothing says what the filter is about', hint);
  }
  return { names: names ?? '*', versions, licences, minAge_s };
}

async function remove(session: Session, name: string): Promise<Answer> {
  await (await uplinksOf(session)).removeFilter(name, saidOf(session));
  return { data: { name }, text: () => `removed ${clean(name)}` };
}

function meaningOf({ versions, licences, minAge_s }: FilterView): string {
  const said = [
    ...(versions === null ? [] : [versions]),
    ...(licences === null ? [] : [licences.join(' or ')]),
    ...(minAge_s === null ? [] : [`younger than ${ageText(minAge_s)}`]),
  ];
  return said.length === 0 ? 'all' : said.join(', ');
}

function ageText(age_s: number): string {
  const [unit, size_s] = Object.entries(UNITS_S).findLast(([, seconds]) => age_s % seconds === 0)!;
  return `${age_s / size_s}${unit}`;
}

function secondsOf(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) return Number(count) * UNITS_S[unit]!;
  throw usageError('--min-age', `'${text}' is no time`, 'Say it as 30m, 12h, 7d or 2w.');
}
