/**
 * What the words of packages are asked: which names there are to what is looked for, best first. Treats all packages
 * alike; who may see which is not known here.
 * @module
 */
import { nearest } from '../errors/nearest.ts';
import type { Sql } from '../journal/projection.ts';
import { scopeOf, unscopedOf } from './name-parts.ts';
import { FOUND, partsOf } from './search-words.ts';

/** What is looked for, taken apart. All in lower case. */
export interface SearchTerms {
  /** Each must be found, as the beginning of a word or inside the name. */
  readonly words: readonly string[];
  /** One of these must be among the keywords. */
  readonly keywords: readonly string[];
  /** Must be the author or somebody who published it. */
  readonly people: readonly string[];
  /** With the `@`. */
  readonly scope: string | null;
  /** null: both. */
  readonly isDeprecated: boolean | null;
  /** Whether `latest` is a prerelease; null: both. */
  readonly isUnstable: boolean | null;
}

/** Names that were found, and of each what `FOUND` has bits for. */
export interface FoundNames {
  readonly names: readonly string[];
  readonly bits: Uint8Array;
}

interface FoundRow {
  readonly name: string;
  readonly bits: number;
  /** Of the text; lower is better. null: found by its name alone. */
  readonly rank: number | null;
}

/** What is shown of one that was found. */
export interface ShownRow {
  readonly name: string;
  readonly version: string;
  readonly manifest: string;
  readonly publishedAt: number;
  readonly publishedBy: string;
  readonly deprecated: string | null;
  readonly modifiedAt: number;
}

/** Names that a misspelt word is compared with. */
const NEAR_MAX = 200;
/** Characters of the parts that a word is compared by. */
const GRAM = 3;
/** Beyond so many, what a text says is not weighed: words that are everywhere tell nothing apart, and it takes long. */
const WEIGHED_MAX = 1000;
/** Best first: the name itself, names that begin so, names that hold it, and what the text says. */
export function foundNames(sql: Sql, terms: SearchTerms): FoundNames {
  const { words, isDeprecated, isUnstable, scope } = terms;
  const rows = new Map(namesWith(sql, terms).map((row) => [row.name, row]));
  for (const row of textsWith(sql, terms)) rows.set(row.name, row);
  const said = words.join(' ');
  const found = [...rows.values()]
    .filter(({ bits }) => isDeprecated === null || ((bits & FOUND.deprecated) !== 0) === isDeprecated)
    .filter(({ bits }) => isUnstable === null || ((bits & FOUND.unstable) !== 0) === isUnstable)
    .filter(({ name }) => scope === null || scopeOf(name) === scope)
    .map((row) => ({ row, tier: tierOf(row, words, said) }));
  // What is equal stays in the order of names: it came so.
  return foundOf(found.sort((a, b) => a.tier - b.tier || (a.row.rank ?? 0) - (b.row.rank ?? 0)).map(({ row }) => row));
}

/** Steps of two, so that what is deprecated comes last of its like. */
function tierOf({ name, bits }: FoundRow, words: readonly string[], said: string): number {
  const isDeprecated = (bits & FOUND.deprecated) === 0 ? 0 : 1;
  if (said === '') return isDeprecated;
  const own = unscopedOf(name);
  if (name === said) return 0;
  if (own === said) return 2 + isDeprecated;
  if (name.startsWith(said) || own.startsWith(said)) return 4 + isDeprecated;
  return (words.every((word) => name.includes(word)) ? 6 : 8) + isDeprecated;
}

/** By name alone, where nothing but words is asked for: names hold what no word begins with. */
function namesWith(sql: Sql, { words, keywords, people }: SearchTerms): FoundRow[] {
  if (keywords.length + people.length > 0) return [];
  const held = words.map(() => 'AND instr(name, ?)').join(' ');
  const text = `SELECT name, found_bits AS bits, NULL AS rank FROM packages WHERE found_bits IS NOT NULL ${held}`;
  return sql.all(`${text} ORDER BY name`, ...words);
}

/** A single letter begins too much: it is looked for in names alone. */
function textsWith(sql: Sql, { words, keywords, people }: SearchTerms): FoundRow[] {
  const [long, short] = [words.filter(isLong), words.filter((word) => !isLong(word))];
  const match = [
    ...long.map((word) => `${quoted(word)} *`),
    ...columnMatch('keywords', keywords),
    ...columnMatch('people', people),
  ].join(' AND ');
  if (match === '') return [];
  const { count } = sql.get<{ count: number }>(
    'SELECT count(*) AS count FROM package_words WHERE package_words MATCH ?',
    match,
  )!;
  const rank = count > WEIGHED_MAX ? '0' : 'bm25(package_words, 10, 4, 1, 2)';
  const rows = sql.all<FoundRow>(
    `SELECT p.name, found_bits AS bits, ${rank} AS rank FROM package_words
     JOIN packages AS p ON p.id = package_words.rowid WHERE package_words MATCH ? ORDER BY p.name`,
    match,
  );
  return rows.filter(({ name }) => short.every((word) => name.includes(word)));
}

function columnMatch(column: string, words: readonly string[]): string[] {
  const known = words.filter((word) => /[\p{L}\p{N}]/u.test(word)).map(quoted);
  return known.length === 0 ? [] : [`${column} : (${known.join(' OR ')})`];
}

function isLong(word: string): boolean {
  return (word.match(/[\p{L}\p{N}]/gu)?.length ?? 0) > 1;
}

function quoted(word: string): string {
  return `"${word.replaceAll('"', '""')}"`;
}

const HOLDERS = 'SELECT doc FROM package_grams_known WHERE term = ?';

/** Names that were perhaps meant: each word is near to a part of them. Nearest first. */
export function nearNames(sql: Sql, { words, scope }: Pick<SearchTerms, 'words' | 'scope'>): FoundNames {
  const grams = telling(sql, [...new Set(words.flatMap((word) => gramsOf(`^${word}$`)))]);
  if (grams.length === 0) return foundOf([]);
  const rows = sql.all<FoundRow>(
    `SELECT name, found_bits AS bits, NULL AS rank FROM package_grams JOIN packages ON id = package_grams.rowid
     WHERE package_grams MATCH ? ORDER BY package_grams.rank LIMIT ?`,
    grams.map(quoted).join(' OR '),
    NEAR_MAX,
  );
  const isNear = (name: string): boolean => words.every((word) => nearest(word, partsOf(name)) !== null);
  return foundOf(rows.filter(({ name }) => (scope === null || scopeOf(name) === scope) && isNear(name)));
}

/** Those that few names hold, rarest first: as many as are soon weighed, and one at least. */
function telling(sql: Sql, grams: readonly string[]): string[] {
  const known = grams
    .map((gram) => ({ gram, count: sql.get<{ doc: number }>(HOLDERS, gram)?.doc ?? 0 }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => a.count - b.count);
  let sum = 0;
  return known.filter(({ count }, i) => (sum += count) <= WEIGHED_MAX || i === 0).map(({ gram }) => gram);
}

function gramsOf(text: string): string[] {
  return Array.from({ length: Math.max(0, text.length - GRAM + 1) }, (_, i) => text.slice(i, i + GRAM));
}

/** Flat: there may be ten thousand of them, and they go from one thread to another. */
function foundOf(rows: readonly FoundRow[]): FoundNames {
  return { names: rows.map(({ name }) => name), bits: Uint8Array.from(rows, ({ bits }) => bits) };
}

/** In the order of the names given. */
export function shownOf(sql: Sql, names: readonly string[]): ShownRow[] {
  const text = `SELECT name, v.version, manifest, published_at AS publishedAt, published_by AS publishedBy, deprecated,
    modified_at AS modifiedAt FROM packages JOIN package_tags AS t ON t.package = id AND tag = 'latest'
    JOIN package_versions AS v ON v.package = id AND v.version = t.version WHERE name = ?`;
  return names.flatMap((name) => sql.get<ShownRow>(text, name) ?? []);
}
