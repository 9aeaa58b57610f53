/**
 * The packages that are published here, kept in the journal: published, tagged, deprecated, unpublished here, and
 * nowhere else. Each change is decided on what the package is, and decided again when somebody else was faster.
 * Tarballs are in the blob store before they are spoken of here; who may do what is asked before.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import type { Journal, NewEntry } from '../journal/journal.ts';
import { retried, type ResourceWrite } from '../journal/resources.ts';
import { encodePackageEntry, type PackageEntry } from './entries.ts';
import { entriesOf, notFound, type Outline, type PackageChanges, publishEntryOf } from './decisions.ts';
import { parseNewPackageName } from './name.ts';
import { OwnedNames } from './owned.ts';
import {
  packageStream,
  type PackageSettings,
  type PackageState,
  type Publication,
  type Signature,
  type TrustedPublisher,
} from './package.ts';
import { packagesProjection } from './projection.ts';
import type { NamedBlob, PackageSummary, StoredOutline, StoredPackage } from './projection-queries.ts';
import { searchPackages, type SearchQuery, type SearchResult } from './search.ts';
import { trustedPublishersOf } from './trusted-publishers.ts';
import { parseVersion } from './version.ts';

export type { PackageChanges } from './decisions.ts';
export type { NamedBlob, PackageSummary } from './projection-queries.ts';
export type { SearchHit, SearchQuery, SearchResult } from './search.ts';

/** Of a user. */
const STARS_MAX = 1000;

export interface PackagesOptions {
  readonly journal: Journal;
  /** Signs `name@version:integrity` for those who install it. */
  readonly sign: (text: string) => Promise<Signature> | Signature;
  /** How far the journal is, in one load. */
  readonly head: () => number;
}

/** How a change ended: the revision that the package then has, also where nothing was to be done. */
export interface Changed {
  readonly revision: number;
}

export interface PublishWrite extends ResourceWrite {
  /** Whether who publishes may change who reads the package; default: he may not, once it is there. */
  readonly mayAdminister?: boolean;
}

/**
 * Errors of all that change: ERR_REVISION_CONFLICT only where `write.expected` was given, ERR_JOURNAL_WRITE; and of all
 * but `publish`: ERR_NOT_FOUND for a package, version or tag that is not there.
 * @example
 * const packages = new Packages({ journal, sign, head });
 * await packages.publish(publication, { actor: 'ann/ci' });
 */
export class Packages {
  readonly #journal: Journal;
  readonly #sign: PackagesOptions['sign'];
  readonly #owned: OwnedNames;
  /** Changes of one package, one after the other: among themselves they lose no race. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor({ journal, sign, head }: PackagesOptions) {
    this.#journal = journal;
    this.#sign = sign;
    this.#owned = new OwnedNames(journal, head);
  }

  /** null: nothing was ever published here under this name. */
  async state(name: string): Promise<PackageState | null> {
    const stored = await this.#journal.query(packagesProjection, 'stored', name);
    return stored === null ? null : stateOf(stored);
  }

  /**
   * Errors: ERR_PACKAGE_NAME, ERR_PACKAGE_VERSION, ERR_PACKAGE_EXISTS, ERR_PACKAGE_INVALID, ERR_FORBIDDEN for another
   * access than the package has.
   */
  async publish(publication: Publication, { mayAdminister = false, ...write }: PublishWrite): Promise<Changed> {
    const name = parseNewPackageName(publication.name);
    const version = parseVersion(publication.version);
    const signature = await this.#sign(`${name}@${version}:${publication.dist.integrity}`);
    return await this.#inTurn(name, write, async () => {
      const place = await this.#journal.query(packagesProjection, 'place', { name, version });
      return await this.#append(name, place, write, () => [
        publishEntryOf(publication, signature, place, mayAdminister),
      ]);
    });
  }

  /** Errors also: ERR_PACKAGE_INVALID for what can be no tag, and for taking `latest` away. */
  async tag(name: string, tags: NonNullable<PackageChanges['tags']>, write: ResourceWrite): Promise<Changed> {
    return await this.change(name, { tags }, write);
  }

  /** `messages` by version; null or '': not deprecated any more. */
  async deprecate(
    name: string,
    messages: Readonly<Record<string, string | null>>,
    write: ResourceWrite,
  ): Promise<Changed> {
    return await this.change(name, { deprecated: messages }, write);
  }

  /** They never come back. Tags that named them go; `latest` then names the highest that is left. */
  async unpublish(name: string, versions: readonly string[] | 'all', write: ResourceWrite): Promise<Changed> {
    return await this.change(name, { unpublished: versions }, write);
  }

  /** `change` may be called again when somebody else was faster. */
  async changeSettings(
    name: string,
    change: (settings: PackageSettings) => PackageSettings,
    write: ResourceWrite,
  ): Promise<Changed> {
    return await this.change(name, { settings: change }, write);
  }

  /** Errors also: ERR_PACKAGE_INVALID for one star too many of a user. */
  async star(name: string, user: string, isStarred: boolean, write: ResourceWrite): Promise<Changed> {
    if (isStarred) requireFewStars(name, user, await this.starredBy(user));
    return await this.change(name, { star: { user, isStarred } }, write);
  }

  /** Several changes in one append: all of them or none. Errors: those of each. */
  async change(name: string, changes: PackageChanges, write: ResourceWrite): Promise<Changed> {
    return await this.#inTurn(name, write, async () => {
      const stored = await this.#journal.query(packagesProjection, 'outline', name);
      if (stored === null) throw notFound(`package ${name.slice(0, 80)}`);
      return await this.#append(name, stored, write, () => entriesOf(changes, knownOf(stored)));
    });
  }

  /** Whether the name is ours, so that nobody else is asked for it: see `OwnedNames`. */
  async isOwned(name: string): Promise<boolean> {
    return await this.#owned.has(name);
  }

  /** Those of the names that are ours, asked for at once. */
  async ownedAmong(names: readonly string[]): Promise<ReadonlySet<string>> {
    return await this.#owned.among(names);
  }

  async search(query: SearchQuery): Promise<SearchResult> {
    return await searchPackages(this.#journal, query);
  }

  /** Those that have a version, by name, from after `after`. */
  async list({ after = '', limit = 100 }: { after?: string; limit?: number } = {}): Promise<PackageSummary[]> {
    return await this.#journal.query(packagesProjection, 'list', { after, limit });
  }

  async count(): Promise<number> {
    return await this.#journal.query(packagesProjection, 'count', null);
  }

  /**
   * Every blob that a version names, by hash, from after `after`; with `goneSince` (ms since 1970) also of versions
   * that were unpublished since.
   */
  async blobs({
    after = '',
    limit = 1000,
    goneSince = null,
  }: { after?: string; limit?: number; goneSince?: number | null } = {}): Promise<NamedBlob[]> {
    return await this.#journal.query(packagesProjection, 'blobs', { after, limit, goneSince });
  }

  /** Whom it trusts to publish it without a user; nobody where it has no version. */
  async trustedPublishers(name: string): Promise<readonly TrustedPublisher[]> {
    return await trustedPublishersOf(this.#journal, name);
  }

  /** Names of packages that a user has starred. */
  async starredBy(user: string): Promise<string[]> {
    return await this.#journal.query(packagesProjection, 'starredBy', user);
  }

  async #inTurn<T>(name: string, write: ResourceWrite, attempt: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(name) ?? Promise.resolve();
    const work = before.then(() => retried(write, attempt));
    const turn = work.then(
      () => undefined,
      () => undefined,
    );
    this.#turns.set(name, turn);
    try {
      return await work;
    } finally {
      if (this.#turns.get(name) === turn) this.#turns.delete(name);
    }
  }

  /** Nothing is decided on another revision than the one that was said. */
  async #append(
    name: string,
    { revision }: { readonly revision: number },
    { actor, reason = '', expected }: ResourceWrite,
    decide: () => readonly PackageEntry[],
  ): Promise<Changed> {
    const stream = packageStream(name);
    if (expected !== undefined && expected !== revision) throw conflict(stream, expected, revision);
    const entries = decide().map((entry, index): NewEntry => {
      const body = encodePackageEntry(name, entry);
      return { stream, type: entry.type, actor, reason, body, expected: revision + index };
    });
    if (entries.length === 0) return { revision };
    return { revision: (await this.#journal.append(entries)).at(-1)!.revision };
  }
}

function requireFewStars(name: string, user: string, starred: readonly string[]): void {
  if (starred.length < STARS_MAX || starred.includes(name)) return;
  const fault = `${user} has starred ${starred.length} packages, and ${STARS_MAX} is the most`;
  throw new ConfigError('ERR_PACKAGE_INVALID', {
    message: `${name} is not starred: ${fault}`,
    hint: 'Take a star back: npm unstar.',
    details: { package: name, path: 'users', fault },
  });
}

function settingsOf({ access, isPremium, trusted }: StoredOutline | StoredPackage): PackageSettings {
  return { access, isPremium: isPremium === 1, trustedPublishers: JSON.parse(trusted) };
}

function knownOf(stored: StoredOutline): Outline {
  return {
    name: stored.name,
    settings: settingsOf(stored),
    tags: new Map(stored.tags),
    versions: new Map(stored.versions.map(({ version, deprecated }) => [version, deprecated])),
    stars: new Set(stored.stars),
  };
}

function stateOf(stored: StoredPackage): PackageState {
  const { name, revision, createdAt, modifiedAt, unpublished, stars, readme } = stored;
  const versions = stored.versions.map(({ manifest, dist, attestations, trusted, ...row }) => ({
    ...row,
    manifest: JSON.parse(manifest),
    dist: JSON.parse(dist),
    attestations: JSON.parse(attestations),
    trusted: trusted === null ? null : JSON.parse(trusted),
  }));
  const tags = Object.fromEntries(stored.tags);
  const settings = settingsOf(stored);
  return { name, revision, createdAt, modifiedAt, settings, tags, versions, unpublished, stars, readme };
}

function conflict(stream: string, expected: number, actual: number): ConfigError {
  return new ConfigError('ERR_REVISION_CONFLICT', {
    message: `Expected revision ${expected} of ${stream}, but it is at ${actual}`,
    hint: 'Somebody else changed it: look at the current state, then try again with its revision.',
    details: { stream, expected, actual },
  });
}
