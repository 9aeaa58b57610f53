/**
 * The journal's view of packages: what each is now. Applied in the transaction that appends, so what these tables say
 * is on disk. Entries tell whole effects; nothing is decided here but what must never be: a version that is there, or
 * was and is gone, does not come again, whoever says so.
 * @module
 */
import type { Entry } from '../journal/journal.ts';
import type { Projection, Sql } from '../journal/projection.ts';
import { redactedSeq } from '../journal/redaction.ts';
import { checkShape, scopeOf } from './name-parts.ts';
import { decodePackageEntry, packageOfStream } from './entries.ts';
import { applyPackageEntry } from './projection-apply.ts';
import { refuseErasing } from './projection-needs.ts';
import { blobsOf, listOf, outlineOf, ownedOf, placeOf, starredBy, storedOf } from './projection-queries.ts';
import { foundNames, nearNames, shownOf } from './search-index.ts';
import { createSearchTables } from './search-words.ts';

export const packagesProjection = {
  name: 'packages',
  version: 2,
  create,
  apply,
  queries: {
    stored: storedOf,
    outline: outlineOf,
    place: placeOf,
    owned: ownedOf,
    list: listOf,
    count: (sql: Sql, _params: null): number =>
      sql.get<{ count: number }>('SELECT count(*) AS count FROM packages WHERE version_count > 0')!.count,
    blobs: blobsOf,
    starredBy,
    found: foundNames,
    near: nearNames,
    shown: shownOf,
  },
} satisfies Projection;

function create(sql: Sql): void {
  sql.run(`CREATE TABLE packages (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, scope TEXT,
    revision INTEGER NOT NULL, created_at INTEGER NOT NULL, modified_at INTEGER NOT NULL, access TEXT NOT NULL,
    is_premium INTEGER NOT NULL, trusted TEXT NOT NULL, version_count INTEGER NOT NULL, found_bits INTEGER)`);
  sql.run('CREATE INDEX packages_by_scope ON packages (scope)');
  sql.run('CREATE INDEX packages_found ON packages (name, found_bits) WHERE found_bits IS NOT NULL');
  sql.run(`CREATE TABLE package_versions (package INTEGER NOT NULL, version TEXT NOT NULL, base TEXT NOT NULL,
    seq INTEGER NOT NULL, manifest TEXT NOT NULL, dist TEXT NOT NULL, blob TEXT NOT NULL, attestations TEXT NOT NULL,
    published_at INTEGER NOT NULL, published_by TEXT NOT NULL, trusted TEXT, deprecated TEXT, readme TEXT NOT NULL,
    PRIMARY KEY (package, version))`);
  sql.run('CREATE INDEX package_versions_by_base ON package_versions (package, base)');
  sql.run('CREATE INDEX package_versions_by_seq ON package_versions (package, seq)');
  sql.run('CREATE INDEX package_versions_by_publisher ON package_versions (package, published_by)');
  sql.run(`CREATE TABLE package_unpublished (package INTEGER NOT NULL, version TEXT NOT NULL, base TEXT NOT NULL,
    at INTEGER NOT NULL, by TEXT NOT NULL, PRIMARY KEY (package, version))`);
  sql.run(`CREATE TABLE package_tags (package INTEGER NOT NULL, tag TEXT NOT NULL, version TEXT NOT NULL,
    PRIMARY KEY (package, tag)) WITHOUT ROWID`);
  sql.run(`CREATE TABLE package_stars (user TEXT NOT NULL, package INTEGER NOT NULL,
    PRIMARY KEY (user, package)) WITHOUT ROWID`);
  sql.run('CREATE INDEX package_stars_by_package ON package_stars (package)');
  sql.run(`CREATE TABLE package_blobs (hash TEXT NOT NULL, package INTEGER NOT NULL, version TEXT NOT NULL,
    gone_at INTEGER, PRIMARY KEY (hash, package, version)) WITHOUT ROWID`);
  sql.run('CREATE INDEX package_blobs_by_version ON package_blobs (package, version)');
  sql.run(`CREATE TABLE package_needs (package INTEGER NOT NULL, what TEXT NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (package, what)) WITHOUT ROWID`);
  sql.run('CREATE INDEX package_needs_by_seq ON package_needs (seq)');
  createSearchTables(sql);
}

function apply(sql: Sql, entry: Entry): void {
  const erased = redactedSeq(entry);
  if (erased !== null) return refuseErasing(sql, erased);
  const name = packageOfStream(entry.stream);
  if (name === null) return;
  const { body } = entry;
  const said = body === null ? null : decodePackageEntry({ ...entry, body });
  checkShape(name);
  const id = moved(sql, name, entry);
  if (said !== null) applyPackageEntry(sql, { id, name, entry, said });
}

/** The package's row, made with the first entry of its stream. */
function moved(sql: Sql, name: string, { revision, at }: Entry): number {
  sql.run(
    `INSERT INTO packages VALUES (NULL, ?, ?, ?, ?, ?, 'public', 0, '[]', 0, NULL)
     ON CONFLICT (name) DO UPDATE SET revision = excluded.revision, modified_at = excluded.modified_at`,
    name,
    scopeOf(name),
    revision,
    at,
    at,
  );
  return sql.get<{ id: number }>('SELECT id FROM packages WHERE name = ?', name)!.id;
}
