/**
 * Which versions of a package the filters hide at a moment, and what its dist-tags then name. Pure: the time is handed
 * in, and when the answer will be another one by itself is part of it.
 * @module
 */
import type { Range } from 'semver';
import { matchesPattern } from '../../config/pattern.ts';
import { ConfigError } from '../../errors/errors.ts';
import type { Filter } from './filter.ts';
import { semver } from '../semver.ts';
import { canDoWith, licenceOf, licenceTreeOf, needsOneOf } from './licence.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What a packument has that filters speak of. */
export interface Filtered {
  /** Filter by version hidden. */
  readonly hidden: ReadonlyMap<string, string>;
  /** Milliseconds since 1970: when a version becomes old enough; Infinity: never. */
  readonly until: number;
}

const LATEST = 'latest';

/** Those of the filters that have anything to say of a package. */
export function filtersFor(filters: readonly Filter[], name: string): readonly Filter[] {
  return filters.filter(({ names }) => matchesPattern(names, name));
}

/**
 * Which filter hides a version; null: none. A version whose age is not known is as if it had come just now.
 * @example hiddenBy(filtersFor(all, 'ui'), { version: '1.0.0', manifest, publishedAt }, Date.now())
 */
export function hiddenBy(
  filters: readonly Filter[],
  of: { readonly version: string; readonly manifest: Fields; readonly publishedAt: number | null },
  now: number,
): string | null {
  const hides = filters.find((filter) => filter.effect !== 'allow' && isHiding(filter, of, now));
  if (hides === undefined) return null;
  return filters.some((filter) => filter.effect === 'allow' && meets(filter, of, now)) ? null : hides.name;
}

/** The same of a whole packument. */
export function filtered(filters: readonly Filter[], packument: Fields, now: number): Filtered {
  const hidden = new Map<string, string>();
  let until = Infinity;
  const ages_ms = filters.map(({ minAge_s }) => (minAge_s ?? 0) * 1000).filter((age_ms) => age_ms > 0);
  for (const [version, manifest] of Object.entries(fieldsOf(packument['versions']))) {
    const publishedAt = publishedAtOf(packument, version);
    const filter = hiddenBy(filters, { version, manifest: fieldsOf(manifest), publishedAt }, now);
    if (filter === null) continue;
    hidden.set(version, filter);
    const ripe = ages_ms.map((age_ms) => (publishedAt ?? Infinity) + age_ms).filter((at) => at > now);
    until = Math.min(until, ...ripe);
  }
  return { hidden, until };
}

/** A packument without what is hidden: of nothing else in it is anything changed. */
export function without(packument: Fields, hidden: Filtered['hidden']): Fields {
  if (hidden.size === 0) return packument;
  const kept = (fields: Fields): Fields =>
    Object.fromEntries(Object.entries(fields).filter(([key]) => !hidden.has(key)));
  const versions = kept(fieldsOf(packument['versions']));
  const tags = Object.entries(fieldsOf(packument['dist-tags'])).flatMap(([tag, target]) => {
    const version = typeof target === 'string' ? tagged(tag, target, versions) : null;
    return version === null ? [] : [[tag, version] as const];
  });
  const { time } = packument;
  return {
    ...packument,
    versions,
    'dist-tags': Object.fromEntries(tags),
    ...(time === undefined ? {} : { time: kept(fieldsOf(time)) }),
  };
}

/** ERR_PACKAGE_BLOCKED: a version that a filter hides. */
export function blockedError(name: string, version: string, filter: string): ConfigError<'ERR_PACKAGE_BLOCKED'> {
  return new ConfigError('ERR_PACKAGE_BLOCKED', {
    message: `${name}@${version} is not let through by the package filter ${filter}`,
    hint: 'Take another version, or ask an administrator of this registry.',
    details: { package: name, version, filter },
  });
}

/** When a version came; null: its packument does not say. */
export function publishedAtOf({ time }: Fields, version: string): number | null {
  const at = Date.parse(String(fieldsOf(time)[version]));
  return Number.isNaN(at) ? null : at;
}

/**
 * What a tag names when its version is hidden: nothing newer, nothing less stable if it can be helped, of the same
 * major version if there is one. Any other tag than `latest` stays within its major version, or goes.
 */
function tagged(tag: string, target: string, versions: Fields): string | null {
  if (versions[target] !== undefined) return target;
  const { compare, major, parse, prerelease } = semver();
  const wanted = parse(target);
  if (wanted === null) return null;
  const isSameMajor = (version: string): boolean => major(version) === wanted.major;
  const line = wanted.prerelease[0];
  const candidates = Object.keys(versions).filter((version) => {
    if (parse(version) === null || compare(version, target) > 0) return false;
    if (tag === LATEST) return true;
    const before = prerelease(version);
    return isSameMajor(version) && (before === null || before[0] === line);
  });
  const rank = (version: string): number => (prerelease(version) === null ? 2 : 0) + (isSameMajor(version) ? 1 : 0);
  return candidates.toSorted((a, b) => rank(b) - rank(a) || compare(b, a))[0] ?? null;
}

function isHiding(filter: Filter, of: Parameters<typeof hiddenBy>[1], now: number): boolean {
  return filter.effect === 'only' ? !meets(filter, of, now) : meets(filter, of, now);
}

function meets(
  { effect, versions, licences, minAge_s }: Filter,
  { version, manifest, publishedAt }: Parameters<typeof hiddenBy>[1],
  now: number,
): boolean {
  if (versions !== null && !isWithin(versions, version)) return false;
  if (minAge_s !== null && publishedAt !== null && publishedAt + minAge_s * 1000 <= now) return false;
  if (licences === null) return true;
  const tree = licenceTreeOf(licenceOf(manifest));
  return effect === 'block' ? needsOneOf(tree, licences) : canDoWith(tree, licences);
}

/** Of several filters many ask for the same range, for each version. */
const ranges = new Map<string, Range>();
const RANGES_MAX = 1000;

function isWithin(text: string, version: string): boolean {
  let range = ranges.get(text);
  if (range === undefined) {
    range = new (semver().Range)(text, { includePrerelease: true });
    if (ranges.size >= RANGES_MAX) ranges.clear();
    ranges.set(text, range);
  }
  return semver().parse(version) !== null && range.test(version);
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
