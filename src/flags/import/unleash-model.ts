/**
 * The features of one environment, read out of any of Unleash's formats, which keep the same things in different
 * places: on the feature (version 1, and what clients fetch), or in lists of their own (the others).
 * @module
 */
import { noExport } from './failure.ts';
import { Source } from './source.ts';

export interface UnleashStrategy {
  readonly at: Source;
  readonly name: string;
  readonly segments: readonly number[];
}

export interface UnleashFeature {
  readonly name: string;
  readonly at: Source;
  readonly isEnabled: boolean;
  /** What is said of it in the environment; null: nothing. */
  readonly environment: Source | null;
  /** In the order in which they are asked. */
  readonly strategies: readonly UnleashStrategy[];
  readonly variants: readonly Source[];
  readonly dependencies: readonly Source[];
  /** null: the export does not speak of tags. */
  readonly tags: readonly string[] | null;
  readonly links: Source | null;
}

export interface UnleashModel {
  readonly features: ReadonlyMap<string, UnleashFeature>;
  /** Features whose name came before. */
  readonly repeated: readonly Source[];
  readonly segments: ReadonlyMap<number, Source>;
}

const GLOBAL = ':global:';

/** Throws ERR_IMPORT for an environment that is not there, and where it is not said which of several. */
export function readUnleash(root: Source, segmentsFile: Source | null, wanted: string | undefined): UnleashModel {
  const isOnFeature = root.get('featureStrategies').items().length === 0 && !root.has('featureEnvironments');
  const environment = isOnFeature ? null : environmentOf(root, wanted);
  const rows = rowsOf(root);
  const features = new Map<string, UnleashFeature>();
  const repeated: Source[] = [];
  for (const at of root.get('features').items()) {
    const name = at.get('name').text();
    if (name === null || features.has(name)) repeated.push(at);
    else features.set(name, environment === null ? onFeature(rows, at, name) : fromLists(rows, at, name, environment));
  }
  return { features, repeated, segments: segmentsOf(root, segmentsFile) };
}

function environmentOf(root: Source, wanted: string | undefined): string {
  const rows = [...root.get('featureEnvironments').items(), ...root.get('featureStrategies').items()];
  const known = [...new Set(rows.flatMap((row) => nameOf(row) ?? []))].toSorted();
  if (wanted !== undefined && (known.includes(wanted) || known.length === 0)) return wanted;
  if (wanted === undefined && known.length < 2) return known[0] ?? 'default';
  const what = wanted === undefined ? 'several environments' : `no environment ${JSON.stringify(wanted.slice(0, 80))}`;
  throw noExport('unleash', `The export has ${what}`, `Choose one of: ${known.join(', ')}.`);
}

function nameOf(row: Source): string | null {
  const name = row.get('environment').text();
  return name === GLOBAL ? 'default' : name;
}

function onFeature(rows: Rows, at: Source, name: string): UnleashFeature {
  return {
    name,
    at,
    isEnabled: at.get('enabled').isTrue,
    environment: at,
    strategies: inOrder(at.get('strategies').items()).map((strategy) => ({
      at: strategy,
      name: strategy.get('name').text() ?? '',
      segments: numbers(strategy.get('segments')),
    })),
    variants: at.get('variants').items(),
    dependencies: at.get('dependencies').items(),
    ...saidOf(rows, name),
  };
}

function fromLists(rows: Rows, at: Source, name: string, environment: string): UnleashFeature {
  const isHere = (row: Source): boolean => (nameOf(row) ?? environment) === environment;
  const row = rows.environments(name).find(isHere) ?? null;
  const own = row?.get('variants').items() ?? [];
  return {
    name,
    at,
    isEnabled: row?.get('enabled').isTrue ?? false,
    environment: row,
    strategies: inOrder(rows.strategies(name).filter(isHere)).map((strategy) => ({
      at: strategy,
      name: strategy.get('name').text() ?? strategy.get('strategyName').text() ?? '',
      segments: [
        ...numbers(strategy.get('segments')),
        ...rows.segments(String(strategy.get('id').value)).flatMap((link) => link.get('segmentId').number() ?? []),
      ],
    })),
    // Before version 4 a feature had the same variants in all environments.
    variants: own.length > 0 ? own : at.get('variants').items(),
    dependencies: rows.dependencies(name).flatMap((one) => one.get('dependencies').items()),
    ...saidOf(rows, name),
  };
}

function saidOf(rows: Rows, name: string): Pick<UnleashFeature, 'tags' | 'links'> {
  const tags = rows.tags?.(name).flatMap((row) => {
    const type = row.get('tagType').text() ?? row.get('type').text() ?? 'simple';
    const value = row.get('tagValue').text() ?? row.get('value').text();
    return value === null ? [] : [type === 'simple' ? value : `${type}:${value}`];
  });
  return { tags: tags ?? null, links: rows.links(name)[0]?.get('links') ?? null };
}

type RowsBy = (key: string) => readonly Source[];

/** The rows of the lists, by the feature they are about; links to segments by the strategy. */
interface Rows {
  readonly environments: RowsBy;
  readonly strategies: RowsBy;
  readonly tags: RowsBy | null;
  readonly dependencies: RowsBy;
  readonly links: RowsBy;
  readonly segments: RowsBy;
}

function rowsOf(root: Source): Rows {
  const by = (list: string, field: string): RowsBy => {
    const rows = Map.groupBy(root.get(list).items(), (row) => String(row.get(field).value));
    return (key) => rows.get(key) ?? [];
  };
  return {
    environments: by('featureEnvironments', 'featureName'),
    strategies: by('featureStrategies', 'featureName'),
    tags: root.has('featureTags') ? by('featureTags', 'featureName') : null,
    dependencies: by('dependencies', 'feature'),
    links: by('links', 'feature'),
    segments: by('featureStrategySegments', 'featureStrategyId'),
  };
}

function inOrder(strategies: readonly Source[]): Source[] {
  const order = (strategy: Source): number => strategy.get('sortOrder').number() ?? 0;
  return strategies.toSorted((a, b) => order(a) - order(b));
}

function numbers(list: Source): number[] {
  return list.items().flatMap((item) => item.number() ?? []);
}

/** Those of the second file replace those that have a name only. */
function segmentsOf(root: Source, file: Source | null): Map<number, Source> {
  const all = [...root.get('segments').items(), ...(file === null ? [] : unleashSegments(file))];
  return new Map(all.flatMap((at) => (at.get('id').number() === null ? [] : [[at.get('id').number()!, at] as const])));
}

/** The segments of a file of their own: `{ segments: [...] }`, or the list alone. */
function unleashSegments(file: Source): readonly Source[] {
  return file.has('segments') ? file.get('segments').items() : file.items();
}
