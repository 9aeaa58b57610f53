/**
 * The flags of one environment, read out of what LaunchDarkly's REST API answers (one flag, a page, several pages) or
 * of what its SDKs load.
 * @module
 */
import { noExport } from './failure.ts';
import type { Findings } from './findings.ts';
import { REST_FLAG, REST_PAGE, SDK_FILE, SEGMENT, SEGMENTS_PAGE } from './launchdarkly-shape.ts';
import { checkShape } from './shape.ts';
import type { Source } from './source.ts';

export interface LaunchDarklyFlag {
  readonly key: string;
  readonly at: Source;
  /** Targets, rules and the rest of the environment; in what SDKs load, the flag itself. */
  readonly config: Source;
  readonly variations: readonly Source[];
  /** By variation. */
  readonly names: readonly string[];
}

export interface LaunchDarklyModel {
  readonly flags: ReadonlyMap<string, LaunchDarklyFlag>;
  readonly segments: ReadonlyMap<string, Source>;
  /** Flags of which only a value is known. */
  readonly values: readonly (readonly [string, Source])[];
}

/** Throws ERR_IMPORT for an environment that is not there, and where it is not said which of several. */
export function readLaunchDarkly(
  root: Source,
  segmentsFile: Source | null,
  wanted: string | undefined,
  findings: Findings,
): LaunchDarklyModel {
  const isSdk = root.has('flags') || root.has('flagValues');
  const flags = isSdk ? sdkFlags(root, findings) : restFlags(root, wanted, findings);
  const segments = [
    ...root.get('segments').entries(),
    ...(segmentsFile === null ? [] : segmentsOf(segmentsFile, findings)),
  ];
  return { flags, segments: new Map(segments), values: root.get('flagValues').entries() };
}

function sdkFlags(root: Source, findings: Findings): Map<string, LaunchDarklyFlag> {
  checkShape(root, SDK_FILE, findings);
  const flags = new Map<string, LaunchDarklyFlag>();
  for (const [key, at] of root.get('flags').entries()) {
    if (at.get('deleted').isTrue) findings.add('not-carried', key, at, 'It is deleted');
    else flags.set(key, flagOf(key, at, at, at.get('variations').items(), new Array<null>()));
    if (root.get('flagValues').has(key)) {
      findings.add('duplicate-key', key, root.get('flagValues', key), 'The key is in flags and in flagValues');
    }
  }
  return flags;
}

function restFlags(root: Source, wanted: string | undefined, findings: Findings): Map<string, LaunchDarklyFlag> {
  const items = itemsOf(root, findings);
  const environment = environmentOf(items, wanted);
  const flags = new Map<string, LaunchDarklyFlag>();
  for (const at of items) {
    checkShape(at, REST_FLAG, findings);
    const key = at.get('key').text();
    const config = at.get('environments', environment);
    if (key === null) findings.add('malformed', null, at, 'A flag has no key');
    else if (flags.has(key)) findings.add('duplicate-key', key, at, 'Another flag before it has this key');
    else {
      const variations = at.get('variations').items();
      const values = variations.map((variation) => variation.get('value'));
      const names = variations.map((variation) => variation.get('name').text());
      flags.set(key, flagOf(key, at, config, values, names));
      reportConfig(key, at, config, findings);
    }
  }
  return flags;
}

/** A page, pages in a list, or one flag. */
function itemsOf(root: Source, findings: Findings): Source[] {
  if (Array.isArray(root.value)) return root.items().flatMap((page) => itemsOf(page, findings));
  if (!root.has('items')) return [root];
  checkShape(root, REST_PAGE, findings);
  const items = root.get('items').items();
  const total = root.get('totalCount').number() ?? items.length;
  if (items.length < total) {
    const message = `The page has ${items.length} of ${total} flags; where others are given too, no flag is missing`;
    findings.add('incomplete-pages', null, root.get('totalCount'), message);
  }
  return [...items];
}

function environmentOf(items: readonly Source[], wanted: string | undefined): string {
  const known = [...new Set(items.flatMap((at) => Object.keys(at.get('environments').fields())))].toSorted();
  if (wanted !== undefined && known.includes(wanted)) return wanted;
  if (wanted === undefined && known.length === 1) return known[0]!;
  const hint = 'Ask the API for them: ?env=<environment>&summary=0.';
  if (known.length === 0) throw noExport('launchdarkly', 'The flags have no environments', hint);
  const what = wanted === undefined ? 'several environments' : `no environment ${JSON.stringify(wanted.slice(0, 80))}`;
  throw noExport('launchdarkly', `The export has ${what}`, `Choose one of: ${known.join(', ')}.`);
}

function reportConfig(key: string, at: Source, config: Source, findings: Findings): void {
  if (!config.isThere) {
    findings.add('environment-missing', key, at.get('environments'), 'It is not in this environment: it is off');
  } else if (!config.has('fallthrough') && !config.has('rules')) {
    const message = 'The export holds a summary only: ask the API for ?summary=0 and one env';
    findings.add('summary-only-export', key, config, message);
  }
}

function segmentsOf(file: Source, findings: Findings): (readonly [string, Source])[] {
  if (file.has('segments')) {
    for (const [, at] of file.get('segments').entries()) checkShape(at, SEGMENT, findings);
    return [...file.get('segments').entries()];
  }
  checkShape(file, SEGMENTS_PAGE, findings);
  return file
    .get('items')
    .items()
    .map((at) => [at.get('key').text() ?? '', at] as const);
}

function flagOf(
  key: string,
  at: Source,
  config: Source,
  variations: readonly Source[],
  given: readonly (string | null)[],
): LaunchDarklyFlag {
  const names: string[] = [];
  for (const [i, { value }] of variations.entries()) {
    const candidates = [given[i] ?? '', typeof value === 'boolean' ? String(value) : '', `variation-${i}`];
    const isFree = (name: string): boolean => name !== '' && !names.includes(name);
    names.push(candidates.find(isFree) ?? `variation-${i}-${names.length}`);
  }
  return { key, at, config, variations, names };
}
