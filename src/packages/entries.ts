/**
 * What happened to a package, as its entries say it (frozen: stored). An entry tells the whole effect of what was done,
 * tags included: whoever reads it decides nothing. Reads and writes bodies; knows no table and no rule.
 *
 *     {"format":1,"version":"1.0.0","manifest":{...},"dist":{...},"blob":"<128 hex digits>",...}
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import { type Entry, MAX_BODY_BYTES } from '../journal/journal.ts';
import type { Attestation, Dist, Manifest, PackageSettings, TrustedPublisher } from './package.ts';

const FORMAT = 1;
const STREAM = 'package:';
const BLOB = /^[0-9a-f]{128}$/;

export interface PublishEntry {
  readonly type: 'package.publish';
  readonly version: string;
  readonly manifest: Manifest;
  readonly dist: Dist;
  readonly blob: string;
  readonly attestations: readonly Attestation[];
  /** That then name it, `latest` among them where it does. */
  readonly tags: readonly string[];
  readonly readme: string;
  readonly access?: PackageSettings['access'];
  /** Where it was published elsewhere before. */
  readonly publishedAt?: number;
  /** By whom it was published there; who has imported it is the actor of the entry. */
  readonly publishedBy?: string;
  /** Which trusted publisher it was: `claims` is what its token said, of what was asked for. */
  readonly trusted?: TrustedPublisher;
}

export interface TagsEntry {
  readonly type: 'package.tags';
  readonly set: Readonly<Record<string, string>>;
  readonly removed: readonly string[];
}

export interface DeprecateEntry {
  readonly type: 'package.deprecate';
  /** By version; null: not any more. */
  readonly messages: Readonly<Record<string, string | null>>;
}

export interface UnpublishEntry {
  readonly type: 'package.unpublish';
  readonly versions: readonly string[];
  /** All that are left. */
  readonly tags: Readonly<Record<string, string>>;
}

export interface SettingsEntry {
  readonly type: 'package.settings';
  /** Whole. */
  readonly settings: PackageSettings;
}

export interface StarEntry {
  readonly type: 'package.star';
  readonly user: string;
  readonly isStarred: boolean;
}

export type PackageEntry = PublishEntry | TagsEntry | DeprecateEntry | UnpublishEntry | SettingsEntry | StarEntry;

type Fields = Readonly<Record<string, unknown>>;

/** What to do about an entry that is too large. */
const TOO_LARGE: Readonly<Record<PackageEntry['type'], string>> = {
  'package.publish': 'Shorten its readme or its package.json.',
  'package.tags': 'Change fewer dist-tags at once.',
  'package.deprecate': 'Deprecate fewer versions at once, or say less of each.',
  'package.unpublish': 'Unpublish fewer versions at once, or remove dist-tags first.',
  'package.settings': 'Name fewer trusted publishers, or fewer claims of them.',
  'package.star': 'Sign in under a shorter name.',
};

/** The package that a stream is of; null when it is none's. */
export function packageOfStream(stream: string): string | null {
  return stream.startsWith(STREAM) ? stream.slice(STREAM.length) : null;
}

/** The body of an entry. Throws ERR_PACKAGE_INVALID for what is larger than an entry may be. */
export function encodePackageEntry(name: string, entry: PackageEntry): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify({ format: FORMAT, ...entry, type: undefined }));
  if (body.length <= MAX_BODY_BYTES) return body;
  const fault = `what is said of it has ${body.length} bytes; ${MAX_BODY_BYTES} is the most`;
  throw new ConfigError('ERR_PACKAGE_INVALID', {
    message: `Invalid package ${name}: ${fault}`,
    hint: TOO_LARGE[entry.type],
    details: { package: name, path: '', fault },
  });
}

/**
 * What an entry of a package says. Fields that this version does not know are passed over, those of settings too: so a
 * field may be added that says more, but never one that restricts. What restricts is a new type of entry, which an
 * older version refuses to read, rather than let in whom it keeps out.
 * Throws ERR_JOURNAL_ENTRY_TYPE for what this version cannot read.
 */
export function decodePackageEntry({
  seq,
  type,
  body,
}: Pick<Entry, 'seq' | 'type'> & { body: Uint8Array }): PackageEntry {
  const fields = fieldsOf(body);
  const is = Object.hasOwn(SHAPES, type) ? SHAPES[type as PackageEntry['type']] : null;
  if (fields !== null && is?.(fields) === true) return { ...fields, type } as unknown as PackageEntry;
  throw new ConfigError('ERR_JOURNAL_ENTRY_TYPE', {
    message: `Entry ${seq} ('${type}') is not of a package that this version can read`,
    hint: 'It was written by a newer version: update this one.',
    details: { seq, type },
  });
}

function fieldsOf(body: Uint8Array): Fields | null {
  try {
    const { format, ...fields } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as Fields;
    return format === FORMAT ? fields : null;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError) return null;
    throw error;
  }
}

const SHAPES: Readonly<Record<PackageEntry['type'], (fields: Fields) => boolean>> = {
  'package.publish': isPublish,
  'package.tags': ({ set, removed }) => isRecordOf(set, isText) && isListOf(removed, isText),
  'package.deprecate': ({ messages }) => isRecordOf(messages, (message) => message === null || isText(message)),
  'package.unpublish': ({ versions, tags }) => isListOf(versions, isText) && isRecordOf(tags, isText),
  'package.settings': ({ settings }) => isSettings(settings),
  'package.star': ({ user, isStarred }) => isText(user) && typeof isStarred === 'boolean',
};

function isPublish(fields: Fields): boolean {
  const { version, manifest, dist, blob, attestations, tags, readme } = fields;
  const { access, publishedAt, publishedBy, trusted } = fields;
  return (
    isText(version) &&
    isObject(manifest) &&
    isDist(dist) &&
    isBlob(blob) &&
    isListOf(attestations, isAttestation) &&
    isListOf(tags, isText) &&
    isText(readme) &&
    (access === undefined || isAccess(access)) &&
    (publishedAt === undefined || Number.isSafeInteger(publishedAt)) &&
    (publishedBy === undefined || isText(publishedBy)) &&
    (trusted === undefined || isTrusted(trusted))
  );
}

function isDist(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { integrity, shasum, size_bytes, fileCount, unpackedSize_bytes, hasShrinkwrap, signatures } = value;
  return (
    [integrity, shasum].every(isText) &&
    [size_bytes, fileCount, unpackedSize_bytes].every(Number.isSafeInteger) &&
    typeof hasShrinkwrap === 'boolean' &&
    isListOf(signatures, (signature) => isObject(signature) && isText(signature['keyid']) && isText(signature['sig']))
  );
}

function isSettings(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { access, isPremium, trustedPublishers } = value;
  return isAccess(access) && typeof isPremium === 'boolean' && isListOf(trustedPublishers, isTrusted);
}

function isTrusted(value: unknown): boolean {
  return isObject(value) && isText(value['id']) && isText(value['issuer']) && isRecordOf(value['claims'], isText);
}

function isAttestation(value: unknown): boolean {
  return isObject(value) && isText(value['predicateType']) && isBlob(value['blob']);
}

function isAccess(value: unknown): boolean {
  return value === 'public' || value === 'restricted';
}

function isBlob(value: unknown): boolean {
  return isText(value) && BLOB.test(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isListOf(value: unknown, is: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(is);
}

function isRecordOf(value: unknown, is: (item: unknown) => boolean): boolean {
  return isObject(value) && Object.values(value).every(is);
}
