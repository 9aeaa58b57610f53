/**
 * The words of packages, so that they are found: what `latest` says of itself, kept in tables of SQLite's own full-text
 * index. Written with every change of a package; asked by `search-index.ts`.
 * @module
 */
import type { Sql } from '../journal/projection.ts';
import { unscopedOf } from './name-parts.ts';
import type { PackageSettings } from './package.ts';

/** What is known of every package that can be found, in one number. */
export const FOUND = { restricted: 1, premium: 2, deprecated: 4, unstable: 8 } as const;

interface LatestRow {
  readonly name: string;
  readonly access: PackageSettings['access'];
  readonly isPremium: number;
  readonly version: string;
  readonly manifest: string;
  readonly deprecated: string | null;
}

/** What `latest` says. */
interface Words {
  readonly name: string;
  readonly keywords: string;
  readonly description: string;
  readonly people: string;
}

/** Characters of a description that are looked through. */
const DESCRIPTION_MAX = 1000;

export function createSearchTables(sql: Sql): void {
  sql.run(`CREATE VIRTUAL TABLE package_words USING fts5(name, keywords, description, people,
    tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3')`);
  sql.run("CREATE VIRTUAL TABLE package_grams USING fts5(parts, tokenize = 'trigram', detail = none)");
  // How many names hold each.
  sql.run("CREATE VIRTUAL TABLE package_grams_known USING fts5vocab('package_grams', 'row')");
}

/** Brings the words of a package in step with its `latest`; without one it is not found. */
export function indexForSearch(sql: Sql, id: number): void {
  const row = sql.get<LatestRow>(
    `SELECT name, access, is_premium AS isPremium, v.version, manifest, deprecated FROM packages
     JOIN package_tags AS t ON t.package = id AND tag = 'latest'
     JOIN package_versions AS v ON v.package = id AND v.version = t.version WHERE id = ?`,
    id,
  );
  if (row === null) return forget(sql, id);
  const words = wordsOf(row.name, row.manifest, publishersOf(sql, id));
  const known = sql.get<Words>('SELECT name, keywords, description, people FROM package_words WHERE rowid = ?', id);
  if (known === null) {
    sql.run('INSERT INTO package_grams (rowid, parts) VALUES (?, ?)', id, paddedParts(row.name).join(' '));
  }
  if (JSON.stringify(known) !== JSON.stringify(words)) {
    if (known !== null) sql.run('DELETE FROM package_words WHERE rowid = ?', id);
    const { name, keywords, description, people } = words;
    const text = 'INSERT INTO package_words (rowid, name, keywords, description, people) VALUES (?, ?, ?, ?, ?)';
    sql.run(text, id, name, keywords, description, people);
  }
  sql.run('UPDATE packages SET found_bits = ? WHERE id = ?', bitsOf(row), id);
}

function forget(sql: Sql, id: number): void {
  for (const table of ['package_words', 'package_grams']) sql.run(`DELETE FROM ${table} WHERE rowid = ?`, id);
  sql.run('UPDATE packages SET found_bits = NULL WHERE id = ?', id);
}

function bitsOf({ access, isPremium, deprecated, version }: LatestRow): number {
  const isPrerelease = /^[^+]*-/.test(version);
  return (
    (access === 'restricted' ? FOUND.restricted : 0) |
    (isPremium === 1 ? FOUND.premium : 0) |
    (deprecated === null ? 0 : FOUND.deprecated) |
    (isPrerelease ? FOUND.unstable : 0)
  );
}

function publishersOf(sql: Sql, id: number): string {
  const text = 'SELECT DISTINCT published_by AS actor FROM package_versions WHERE package = ? ORDER BY actor';
  return sql
    .all<{ actor: string }>(text, id)
    .map(({ actor }) => actor)
    .join(' ');
}

/** A manifest is anybody's JSON: what is not as it should be has no words. */
function wordsOf(name: string, manifestText: string, publishers: string): Words {
  const { keywords, description, author } = JSON.parse(manifestText) as Record<string, unknown>;
  const words = Array.isArray(keywords) ? keywords.filter((word) => typeof word === 'string').join(' ') : keywords;
  const text = (value: unknown): string => (typeof value === 'string' ? value : '').slice(0, DESCRIPTION_MAX);
  const who = typeof author === 'object' && author !== null && 'name' in author ? author.name : author;
  return { name, keywords: text(words), description: text(description), people: `${text(who)} ${publishers}`.trim() };
}

/** Its words, each marked where it begins and ends, so that short ones share something with what was meant. */
function paddedParts(name: string): string[] {
  return partsOf(name).map((part) => `^${part}$`);
}

/** @example partsOf('@acme/date-picker') // ['date-picker', 'acme', 'date', 'picker'] */
export function partsOf(name: string): string[] {
  const lower = name.toLowerCase();
  return [...new Set([unscopedOf(lower), ...lower.split(/[^a-z0-9]+/).filter((part) => part !== '')])];
}
