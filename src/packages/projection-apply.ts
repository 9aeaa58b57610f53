/**
 * One entry of a package, written into its tables. Each entry says its whole effect, so each function here is a few
 * statements. Must not look at anything but the tables and the entry.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import type { Entry } from '../journal/journal.ts';
import type { Sql } from '../journal/projection.ts';
import type { PackageEntry, PublishEntry, SettingsEntry, StarEntry, TagsEntry, UnpublishEntry } from './entries.ts';
import { needs, needsNoMore } from './projection-needs.ts';
import { indexForSearch } from './search-words.ts';

interface Applied<T extends PackageEntry = PackageEntry> {
  /** Of the package's row. */
  readonly id: number;
  readonly name: string;
  readonly entry: Entry;
  readonly said: T;
}

/** Throws ERR_PACKAGE_EXISTS. */
export function applyPackageEntry(sql: Sql, { said, ...applied }: Applied): void {
  switch (said.type) {
    case 'package.publish':
      applyPublish(sql, { ...applied, said });
      break;
    case 'package.tags':
      applyTags(sql, { ...applied, said });
      break;
    case 'package.deprecate':
      applyDeprecations(sql, applied.id, applied.entry.seq, said.messages);
      break;
    case 'package.unpublish':
      applyUnpublish(sql, { ...applied, said });
      break;
    case 'package.settings':
      applySettings(sql, { ...applied, said });
      break;
    case 'package.star':
      return applyStar(sql, applied.id, said);
  }
  indexForSearch(sql, applied.id);
}

function applyPublish(sql: Sql, { id, name, entry, said }: Applied<PublishEntry>): void {
  const { version, manifest, dist, blob, attestations, tags, readme, access } = said;
  const { publishedAt = entry.at, publishedBy = entry.actor, trusted = null } = said;
  const fate = versionFate(sql, id, version);
  if (fate !== 'free') throw packageExists(name, version, fate);
  const [manifestText, distText, attestationsText] = [manifest, dist, attestations].map((part) => JSON.stringify(part));
  sql.run(
    'INSERT INTO package_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)',
    id,
    version,
    baseOf(version),
    entry.seq,
    manifestText!,
    distText!,
    blob,
    attestationsText!,
    publishedAt,
    publishedBy,
    trusted === null ? null : JSON.stringify(trusted),
    readme,
  );
  needs(sql, id, `version:${version}`, entry.seq);
  for (const hash of [blob, ...attestations.map((attestation) => attestation.blob)]) {
    sql.run('INSERT OR IGNORE INTO package_blobs VALUES (?, ?, ?, NULL)', hash, id, version);
  }
  sql.run('UPDATE packages SET created_at = min(created_at, ?) WHERE id = ?', publishedAt, id);
  recount(sql, id);
  for (const tag of tags) setTag(sql, id, tag, version, entry.seq);
  if (access === undefined) return;
  sql.run('UPDATE packages SET access = ? WHERE id = ?', access, id);
  needs(sql, id, 'access', entry.seq);
}

function applyTags(sql: Sql, { id, entry, said }: Applied<TagsEntry>): void {
  for (const tag of said.removed) {
    sql.run('DELETE FROM package_tags WHERE package = ? AND tag = ?', id, tag);
    needs(sql, id, `tag:${tag}`, entry.seq);
  }
  for (const [tag, version] of Object.entries(said.set)) setTag(sql, id, tag, version, entry.seq);
}

function setTag(sql: Sql, id: number, tag: string, version: string, seq: number): void {
  sql.run('INSERT INTO package_tags VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET version = ?', id, tag, version, version);
  needs(sql, id, `tag:${tag}`, seq);
}

function applyDeprecations(sql: Sql, id: number, seq: number, messages: Readonly<Record<string, string | null>>): void {
  for (const [version, message] of Object.entries(messages)) {
    const text = 'UPDATE package_versions SET deprecated = ? WHERE package = ? AND version = ?';
    if (sql.run(text, message, id, version).changes > 0) needs(sql, id, `deprecated:${version}`, seq);
  }
}

function applyUnpublish(sql: Sql, { id, entry, said }: Applied<UnpublishEntry>): void {
  const { seq, at, actor } = entry;
  for (const version of said.versions) {
    sql.run('DELETE FROM package_versions WHERE package = ? AND version = ?', id, version);
    const text = 'INSERT OR IGNORE INTO package_unpublished VALUES (?, ?, ?, ?, ?)';
    sql.run(text, id, version, baseOf(version), at, actor);
    sql.run('UPDATE package_blobs SET gone_at = ? WHERE package = ? AND version = ?', at, id, version);
    needsNoMore(sql, id, `deprecated:${version}`);
    needs(sql, id, `version:${version}`, seq);
  }
  recount(sql, id);
  sql.run('DELETE FROM package_tags WHERE package = ?', id);
  sql.run("UPDATE package_needs SET seq = ? WHERE package = ? AND what LIKE 'tag:%'", seq, id);
  for (const [tag, version] of Object.entries(said.tags)) setTag(sql, id, tag, version, seq);
}

function applySettings(sql: Sql, { id, entry, said }: Applied<SettingsEntry>): void {
  const { access, isPremium, trustedPublishers } = said.settings;
  const text = 'UPDATE packages SET access = ?, is_premium = ?, trusted = ? WHERE id = ?';
  sql.run(text, access, Number(isPremium), JSON.stringify(trustedPublishers), id);
  needs(sql, id, 'access', entry.seq);
  needs(sql, id, 'settings', entry.seq);
}

function applyStar(sql: Sql, id: number, { user, isStarred }: StarEntry): void {
  if (isStarred) sql.run('INSERT OR IGNORE INTO package_stars VALUES (?, ?)', user, id);
  else sql.run('DELETE FROM package_stars WHERE user = ? AND package = ?', user, id);
}

function recount(sql: Sql, id: number): void {
  const count = '(SELECT count(*) FROM package_versions WHERE package = packages.id)';
  sql.run(`UPDATE packages SET version_count = ${count} WHERE id = ?`, id);
}

/** Versions that differ in their build alone are one for every client. */
export function versionFate(sql: Sql, id: number, version: string): 'free' | 'there' | 'gone' {
  const base = baseOf(version);
  for (const [table, fate] of [
    ['package_versions', 'there'],
    ['package_unpublished', 'gone'],
  ] as const) {
    if (sql.get(`SELECT 1 AS found FROM ${table} WHERE package = ? AND base = ?`, id, base) !== null) return fate;
  }
  return 'free';
}

function baseOf(version: string): string {
  return version.split('+', 1)[0]!;
}

const FATES = { there: 'is there, and never changes', gone: 'was unpublished, and never comes back' };

export function packageExists(name: string, version: string, fate: 'there' | 'gone'): ConfigError {
  return new ConfigError('ERR_PACKAGE_EXISTS', {
    // Tools of releases look for these words.
    message: `You cannot publish over the previously published versions: ${version} of ${name} ${FATES[fate]}`,
    hint: 'Publish it under a new version.',
    details: { package: name, version },
  });
}
