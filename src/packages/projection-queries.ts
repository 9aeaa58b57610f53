/**
 * What is asked of the packages' tables. Reads only; what is returned is rows and the JSON in them as text: it is
 * parsed where it is used.
 * @module
 */
import type { Sql } from '../journal/projection.ts';
import type { PackageSettings } from './package.ts';
import { versionFate } from './projection-apply.ts';

/** A package as its row has it. */
interface PackageRow {
  readonly id: number;
  readonly name: string;
  readonly revision: number;
  readonly createdAt: number;
  readonly modifiedAt: number;
  readonly access: PackageSettings['access'];
  readonly isPremium: number;
  readonly trusted: string;
}

interface VersionRow {
  readonly version: string;
  readonly manifest: string;
  readonly dist: string;
  readonly blob: string;
  readonly attestations: string;
  readonly publishedAt: number;
  readonly publishedBy: string;
  readonly trusted: string | null;
  readonly deprecated: string | null;
}

type TagRow = readonly [tag: string, version: string];

/** All of one package. */
export interface StoredPackage extends PackageRow {
  readonly tags: readonly TagRow[];
  readonly versions: readonly VersionRow[];
  readonly unpublished: readonly { readonly version: string; readonly at: number; readonly by: string }[];
  readonly stars: readonly string[];
  readonly readme: string;
}

/** What a change of it is decided on: nothing of what versions hold. */
export interface StoredOutline extends PackageRow {
  readonly tags: readonly TagRow[];
  readonly versions: readonly { readonly version: string; readonly deprecated: string | null }[];
  readonly stars: readonly string[];
}

/** What a publish is decided on; `revision` 0: there was none of that name. */
export interface PublishPlace {
  readonly revision: number;
  readonly fate: 'free' | 'there' | 'gone';
  /** Its dist-tags. */
  readonly tags: readonly string[];
  readonly access: PackageSettings['access'];
}

export interface PackageSummary {
  readonly name: string;
  readonly revision: number;
  /** What `latest` names. */
  readonly latest: string | null;
  readonly versionCount: number;
  readonly createdAt: number;
  readonly modifiedAt: number;
  readonly access: PackageSettings['access'];
  readonly isPremium: boolean;
}

/** A blob, and one of the versions that name it. */
export interface NamedBlob {
  readonly hash: string;
  readonly name: string;
  readonly version: string;
}

const COLUMNS = `id, name, revision, created_at AS createdAt, modified_at AS modifiedAt, access,
  is_premium AS isPremium, trusted`;

export function storedOf(sql: Sql, name: string): StoredPackage | null {
  const row = rowOf(sql, name);
  if (row === null) return null;
  const { id } = row;
  return {
    ...row,
    tags: tagsOf(sql, id),
    versions: sql.all(
      `SELECT version, manifest, dist, blob, attestations, published_at AS publishedAt, published_by AS publishedBy,
       trusted, deprecated FROM package_versions WHERE package = ? ORDER BY seq`,
      id,
    ),
    unpublished: sql.all('SELECT version, at, by FROM package_unpublished WHERE package = ? ORDER BY at, rowid', id),
    stars: starsOf(sql, id),
    readme: readmeOf(sql, id),
  };
}

export function outlineOf(sql: Sql, name: string): StoredOutline | null {
  const row = rowOf(sql, name);
  if (row === null) return null;
  const text = 'SELECT version, deprecated FROM package_versions WHERE package = ? ORDER BY seq';
  return { ...row, tags: tagsOf(sql, row.id), versions: sql.all(text, row.id), stars: starsOf(sql, row.id) };
}

export function placeOf(sql: Sql, { name, version }: { name: string; version: string }): PublishPlace {
  const row = rowOf(sql, name);
  if (row === null) return { revision: 0, fate: 'free', tags: [], access: 'public' };
  const tags = tagsOf(sql, row.id).map(([tag]) => tag);
  const { revision, access } = row;
  return { revision, fate: versionFate(sql, row.id, version), tags, access };
}

/** Of these scopes and names without one, those that something was ever published under. */
export function ownedOf(sql: Sql, places: readonly string[]): string[] {
  const text = `SELECT value AS place FROM json_each(?) WHERE EXISTS (SELECT 1 FROM packages WHERE scope = value)
    OR EXISTS (SELECT 1 FROM packages WHERE name = value)`;
  return sql.all<{ place: string }>(text, JSON.stringify(places)).map(({ place }) => place);
}

export function listOf(sql: Sql, { after, limit }: { after: string; limit: number }): PackageSummary[] {
  const rows = sql.all<Omit<PackageSummary, 'isPremium'> & { isPremium: number }>(
    `SELECT name, revision, (SELECT version FROM package_tags WHERE package = id AND tag = 'latest') AS latest,
     version_count AS versionCount, created_at AS createdAt, modified_at AS modifiedAt, access, is_premium AS isPremium
     FROM packages WHERE version_count > 0 AND name > ? ORDER BY name LIMIT ?`,
    after,
    limit,
  );
  return rows.map(({ isPremium, ...row }) => ({ ...row, isPremium: isPremium === 1 }));
}

/** By hash, from after `after`: what versions name that are there, or were at `goneSince` (ms since 1970) or later. */
export function blobsOf(
  sql: Sql,
  { after, limit, goneSince }: { after: string; limit: number; goneSince: number | null },
): NamedBlob[] {
  return sql.all(
    `SELECT hash, min(name) AS name, version FROM package_blobs JOIN packages ON id = package
     WHERE hash > ? AND (gone_at IS NULL OR gone_at >= ?) GROUP BY hash ORDER BY hash LIMIT ?`,
    after,
    goneSince,
    limit,
  );
}

/** By name. */
export function starredBy(sql: Sql, user: string): string[] {
  const text = 'SELECT name FROM package_stars JOIN packages ON id = package WHERE user = ? AND version_count > 0';
  return sql.all<{ name: string }>(`${text} ORDER BY name`, user).map(({ name }) => name);
}

function rowOf(sql: Sql, name: string): PackageRow | null {
  return sql.get(`SELECT ${COLUMNS} FROM packages WHERE name = ?`, name);
}

function tagsOf(sql: Sql, id: number): TagRow[] {
  const rows = sql.all<{ tag: string; version: string }>(
    'SELECT tag, version FROM package_tags WHERE package = ? ORDER BY tag',
    id,
  );
  return rows.map(({ tag, version }) => [tag, version]);
}

function starsOf(sql: Sql, id: number): string[] {
  const rows = sql.all<{ user: string }>('SELECT user FROM package_stars WHERE package = ? ORDER BY user', id);
  return rows.map(({ user }) => user);
}

/** Of what `latest` names, else of the newest that has one. */
function readmeOf(sql: Sql, id: number): string {
  const latest = sql.get<{ readme: string }>(
    `SELECT readme FROM package_versions JOIN package_tags USING (package, version)
     WHERE package = ? AND tag = 'latest' AND readme <> ''`,
    id,
  );
  const text = "SELECT readme FROM package_versions WHERE package = ? AND readme <> '' ORDER BY seq DESC LIMIT 1";
  return (latest ?? sql.get<{ readme: string }>(text, id))?.readme ?? '';
}
