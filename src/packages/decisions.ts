/**
 * What a change of a package comes to: its entries, decided on what the package is. The rules live here: what a tag may
 * name, what `latest` falls back to, what cannot be asked for. Pure, so that a lost race is decided again.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import type { PackageEntry, PublishEntry } from './entries.ts';
import { MESSAGE_LENGTH_MAX, type PackageSettings, type Publication, type Signature } from './package.ts';
import { packageExists } from './projection-apply.ts';
import type { PublishPlace } from './projection-queries.ts';
import { highestOf, LATEST, parseTag, parseVersion } from './version.ts';

/** Of a package. */
const TAGS_MAX = 1000;

/** What is known of a package when a change of it is decided. */
export interface Outline {
  readonly name: string;
  readonly settings: PackageSettings;
  readonly tags: ReadonlyMap<string, string>;
  /** What each version's installers are told. */
  readonly versions: ReadonlyMap<string, string | null>;
  readonly stars: ReadonlySet<string>;
}

/** Several changes that are made together or not at all, in this order. */
export interface PackageChanges {
  /** By version; null or '': not any more. */
  readonly deprecated?: Readonly<Record<string, string | null>>;
  readonly unpublished?: readonly string[] | 'all';
  readonly tags?: {
    /** Version by tag. */
    readonly set?: Readonly<Record<string, string>>;
    readonly removed?: readonly string[];
  };
  readonly settings?: (settings: PackageSettings) => PackageSettings;
  readonly star?: { readonly user: string; readonly isStarred: boolean };
}

/**
 * The entry of a publish. The first version of a package is `latest`, and so is one that is published without a tag,
 * unless it was published elsewhere before: then its tags were chosen there. `mayAdminister`: whether who publishes may
 * change who reads it, once it is there. Throws ERR_PACKAGE_EXISTS, ERR_PACKAGE_VERSION, ERR_PACKAGE_INVALID for what
 * can be no tag, ERR_FORBIDDEN for another access.
 */
export function publishEntryOf(
  publication: Publication,
  signature: Signature,
  place: PublishPlace,
  mayAdminister: boolean,
): PublishEntry {
  const { name, manifest, dist, blob, attestations, readme, access, publishedAt, publishedBy, trusted } = publication;
  const version = parseVersion(publication.version);
  if (place.fate !== 'free') throw packageExists(name, version, place.fate);
  const isOther = place.revision > 0 && access !== undefined && access !== place.access;
  if (isOther && !mayAdminister) throw otherAccess(name, place.access);
  const tags = new Set(publication.tags.map((tag) => parseTag(tag, name)));
  const isUntagged = tags.size === 0 && publishedAt === undefined;
  if (isUntagged || !place.tags.includes(LATEST)) tags.add(LATEST);
  requireFewTags(name, new Set([...place.tags, ...tags]));
  return {
    type: 'package.publish',
    version,
    manifest,
    dist: { ...dist, signatures: [signature] },
    blob,
    attestations,
    tags: [...tags],
    readme,
    ...(access === undefined || access === place.access ? {} : { access }),
    ...(publishedAt === undefined ? {} : { publishedAt }),
    ...(publishedBy === undefined ? {} : { publishedBy }),
    ...(trusted === undefined ? {} : { trusted }),
  };
}

function otherAccess(name: string, access: PackageSettings['access']): ConfigError<'ERR_FORBIDDEN'> {
  return new ConfigError('ERR_FORBIDDEN', {
    message: `${name} is ${access}, and who publishes a version cannot change that without maintaining the package`,
    hint: `Publish with --access ${access} (publishConfig.access), or have a maintainer change it: npm access set.`,
    details: { rule: 'access' },
  });
}

/**
 * The entries of changes; none where all of it is so already. Throws ERR_NOT_FOUND for a version or tag that is not
 * there, ERR_PACKAGE_INVALID for a tag that cannot be.
 */
export function entriesOf(changes: PackageChanges, outline: Outline): readonly PackageEntry[] {
  const unpublishing = unpublishEntriesOf(changes, outline);
  const left = unpublishing.reduce(withoutVersions, outline);
  return [
    ...deprecateEntriesOf(changes, outline),
    ...unpublishing,
    ...tagEntriesOf(changes, left),
    ...settingsEntriesOf(changes, outline),
    ...starEntriesOf(changes, outline),
  ];
}

function deprecateEntriesOf({ deprecated = {} }: PackageChanges, { name, versions }: Outline): PackageEntry[] {
  const wanted = Object.entries(deprecated).map(([version, text]) => [version, text === '' ? null : text] as const);
  for (const [version, text] of wanted) {
    requireVersion(name, version, versions);
    requireShort(name, version, text);
  }
  const messages = wanted.filter(([version, text]) => versions.get(version) !== text);
  if (messages.length === 0) return [];
  return [{ type: 'package.deprecate', messages: Object.fromEntries(messages) }];
}

function requireShort(name: string, version: string, message: string | null): void {
  if (message === null || message.length <= MESSAGE_LENGTH_MAX) return;
  const fault = `the message has ${message.length} characters; ${MESSAGE_LENGTH_MAX} is the most`;
  throw new ConfigError('ERR_PACKAGE_INVALID', {
    message: `Version ${version} of ${name} cannot be deprecated so: ${fault}`,
    hint: 'Say it in a line or two, with a link to the rest.',
    details: { package: name, path: `versions.${version}.deprecated`, fault },
  });
}

type UnpublishOnly = Extract<PackageEntry, { type: 'package.unpublish' }>;

function unpublishEntriesOf({ unpublished }: PackageChanges, outline: Outline): UnpublishOnly[] {
  if (unpublished === undefined || unpublished.length === 0) return [];
  const { name, versions } = outline;
  const gone = unpublished === 'all' ? [...versions.keys()] : [...new Set(unpublished)];
  if (gone.length === 0) throw notFound(`versions of ${name}`, `${name} has no version any more`);
  for (const version of gone) requireVersion(name, version, versions);
  return [{ type: 'package.unpublish', versions: gone, tags: tagsLeft(outline, new Set(gone)) }];
}

/** Tags that name none of those that go; `latest` then names the highest of what is left. */
function tagsLeft({ tags, versions }: Outline, gone: ReadonlySet<string>): Record<string, string> {
  const left = Object.fromEntries([...tags].filter(([, version]) => !gone.has(version)));
  const highest = highestOf([...versions.keys()].filter((version) => !gone.has(version)));
  return highest === null || left[LATEST] !== undefined ? left : { ...left, [LATEST]: highest };
}

function withoutVersions(outline: Outline, { versions, tags }: UnpublishOnly): Outline {
  const gone = new Set(versions);
  const left = [...outline.versions].filter(([version]) => !gone.has(version));
  return { ...outline, tags: new Map(Object.entries(tags)), versions: new Map(left) };
}

function tagEntriesOf({ tags = {} }: PackageChanges, outline: Outline): PackageEntry[] {
  const { name, versions } = outline;
  const removed = [...new Set(tags.removed)];
  for (const tag of removed) requireRemovable(tag, outline);
  const wanted = Object.entries(tags.set ?? {});
  for (const [tag, version] of wanted) requireVersion(name, version, versions, parseTag(tag, name));
  const set = wanted.filter(([tag, version]) => outline.tags.get(tag) !== version);
  if (set.length + removed.length === 0) return [];
  const left = [...outline.tags.keys()].filter((tag) => !removed.includes(tag));
  requireFewTags(name, new Set([...left, ...set.map(([tag]) => tag)]));
  return [{ type: 'package.tags', set: Object.fromEntries(set), removed }];
}

/** Each reader of the package gets all of them. */
function requireFewTags(name: string, { size }: ReadonlySet<string>): void {
  if (size <= TAGS_MAX) return;
  const fault = `it would have ${size} dist-tags; ${TAGS_MAX} is the most`;
  throw new ConfigError('ERR_PACKAGE_INVALID', {
    message: `${name} takes no more dist-tags: ${fault}`,
    hint: 'Remove those that nobody installs by: npm dist-tag rm.',
    details: { package: name, path: 'dist-tags', fault },
  });
}

function requireRemovable(tag: string, { name, tags }: Outline): void {
  if (!tags.has(tag)) throw notFound(`dist-tag ${tag.slice(0, 80)} of ${name}`);
  if (tag !== LATEST) return;
  const fault = 'every package has a latest';
  throw new ConfigError('ERR_PACKAGE_INVALID', {
    message: `The dist-tag latest of ${name} cannot be removed: ${fault}`,
    hint: 'Set it to another version instead.',
    details: { package: name, path: 'dist-tags.latest', fault },
  });
}

function settingsEntriesOf({ settings: change }: PackageChanges, { settings: before }: Outline): PackageEntry[] {
  const settings = change?.(before) ?? before;
  if (JSON.stringify(settings) === JSON.stringify(before)) return [];
  return [{ type: 'package.settings', settings }];
}

function starEntriesOf({ star }: PackageChanges, { stars }: Outline): PackageEntry[] {
  if (star === undefined || stars.has(star.user) === star.isStarred) return [];
  return [{ type: 'package.star', ...star }];
}

function requireVersion(name: string, version: string, known: ReadonlyMap<string, unknown>, tag?: string): void {
  if (known.has(version)) return;
  const what = `version ${version.slice(0, 80)} of ${name}`;
  throw notFound(what, tag === undefined ? undefined : `${tag} cannot name it: there is no ${what}`);
}

export function notFound(what: string, message = `There is no ${what}`): ConfigError {
  return new ConfigError('ERR_NOT_FOUND', {
    message,
    hint: 'Look at the package to see what there is.',
    details: { what },
  });
}
