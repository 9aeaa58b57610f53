/**
 * From what a client sent to a version that can be published: everything that is said about it agrees, its tarball is
 * one, and its bytes are in the blob store. Whether it may be published, and is new, is not known here.
 * @module
 */
import { asObject } from '../../config/input.ts';
import type { BlobHash, Draft } from '../blobs/blobs.ts';
import { integrityOf } from '../integrity.ts';
import { parseNewPackageName, parsePackageName, unscopedOf } from '../name.ts';
import type { Attestation, Manifest, Publication } from '../package.ts';
import { semver } from '../semver.ts';
import { LATEST, parseTag, parseVersion } from '../version.ts';
import { invalidPackage, requireAgreement } from './agreement.ts';
import { predicateTypeOf } from './attestation.ts';
import { checkIntegrity } from './check-integrity.ts';
import { manifestOf } from './manifest.ts';
import type { Attachment, Incoming } from './read-document.ts';
import { inspectTarball, type TarballContents } from './tarball.ts';

/** What registries show of a readme; the rest of it is not kept. */
const README_BYTES_MAX = 64 * 1024;
/** Of each version: readers of a package get all of them at once. */
const MANIFEST_BYTES_MAX = 256 * 1024;
const TAGS_MAX = 100;
const NO_README = /^ERROR: No README data found!/;

type Fields = Readonly<Record<string, unknown>>;

/**
 * The one version in the document of a publish. Keeps its blobs when all is well; `incoming.drop()` is the caller's to
 * call, whatever happens. Errors: ERR_PACKAGE_NAME, ERR_PACKAGE_VERSION, ERR_PACKAGE_INVALID, ERR_INTEGRITY,
 * ERR_TARBALL, ERR_BLOB, ERR_WRONG_TYPE.
 * @example await packages.publish(await publicationOf('@acme/ui', incoming), write);
 */
export async function publicationOf(name: string, { document, attachments }: Incoming): Promise<Publication> {
  parseNewPackageName(name);
  for (const field of ['name', '_id']) requireSame(name, field, document[field], name);
  const { version, shown } = versionIn(name, document);
  const tags = tagsIn(name, version, document['dist-tags']);
  const access = accessIn(name, document['access']);
  const { tarball, provenance } = filesIn(name, version, attachments);
  const { draft, length } = tarball;
  if (length !== null && length !== draft.size_bytes) {
    throw invalidPackage(
      name,
      '_attachments',
      `its length is said to be ${length}, and it has ${draft.size_bytes} bytes`,
    );
  }
  await checkIntegrity(draft, asObject('dist', shown['dist'] ?? {}), `${name}@${version}`);
  const contents = await inspectTarball(draft, name);
  requireAgreement(name, version, shown, contents);
  const manifest = boundedManifest(manifestOf(version, contents, shown));
  const attestations = await attestationsIn(provenance, { name, version, hash: draft.hash });
  await draft.keep();
  return {
    name,
    version,
    manifest,
    ...storedAs(draft, contents),
    attestations,
    tags,
    readme: readmeIn(document['readme'], shown['readme']),
    access,
  };
}

/**
 * The version that a tarball alone tells of: a bare `package.json`. It must be of `name`. Keeps its blob. Errors: as
 * those of `publicationOf`.
 */
export async function publicationOfTarball(draft: Draft, name: string): Promise<Publication> {
  const contents = await inspectTarball(draft, name);
  requireSame(name, 'name', parsePackageName(contents.packageJson['name']), name);
  const version = parseVersion(cleaned(contents.packageJson['version']));
  const manifest = boundedManifest(manifestOf(version, contents));
  await draft.keep();
  return {
    name,
    version,
    manifest,
    ...storedAs(draft, contents),
    attestations: [],
    tags: [LATEST],
    readme: '',
    access: undefined,
  };
}

/** Throws ERR_PACKAGE_INVALID. */
function boundedManifest(manifest: Manifest): Manifest {
  const size_bytes = Buffer.byteLength(JSON.stringify(manifest));
  if (size_bytes <= MANIFEST_BYTES_MAX) return manifest;
  const { name, version } = manifest;
  throw invalidPackage(
    name,
    `versions.${version}`,
    `its package.json has ${size_bytes} bytes; ${MANIFEST_BYTES_MAX} is the most`,
    'Put what is long into a file of its own.',
  );
}

/** As clients do before they publish: `v1.0.0` is 1.0.0. What is no version stays what it is. */
function cleaned(version: unknown): unknown {
  return typeof version === 'string' ? (semver().clean(version, { loose: true }) ?? version) : version;
}

function storedAs(
  { hash, shasum, size_bytes }: Draft,
  { fileCount, unpackedSize_bytes, hasShrinkwrap }: TarballContents,
): Pick<Publication, 'blob' | 'dist'> {
  const integrity = integrityOf(hash);
  return { blob: hash, dist: { integrity, shasum, size_bytes, fileCount, unpackedSize_bytes, hasShrinkwrap } };
}

function versionIn(name: string, document: Fields): { readonly version: string; readonly shown: Fields } {
  const versions = Object.entries(asObject('versions', document['versions']));
  const [first] = versions;
  if (first === undefined || versions.length > 1) {
    throw invalidPackage(name, 'versions', `it has ${versions.length}; a publish has one`);
  }
  const version = parseVersion(first[0]);
  const shown = asObject(`versions/${version}`, first[1]);
  requireSame(name, `versions.${version}.name`, shown['name'], name, true);
  requireSame(name, `versions.${version}.version`, shown['version'], version, true);
  requireSame(name, `versions.${version}._id`, shown['_id'], `${name}@${version}`);
  return { version, shown };
}

function requireSame(name: string, path: string, found: unknown, expected: string, isNeeded = false): void {
  if (found === expected || (!isNeeded && (found === undefined || found === null))) return;
  const said = found === undefined ? 'nothing' : String(JSON.stringify(found)).slice(0, 200);
  throw invalidPackage(name, path, `it says ${said}, and ${expected} is what is published`);
}

function tagsIn(name: string, version: string, given: unknown): string[] {
  const tags = Object.entries(asObject('dist-tags', given ?? {}));
  if (tags.length > TAGS_MAX) {
    throw invalidPackage(
      name,
      'dist-tags',
      `it has ${tags.length}; ${TAGS_MAX} is the most`,
      'Publish with one or a few.',
    );
  }
  for (const [tag, named] of tags) {
    parseTag(tag, name);
    requireSame(name, `dist-tags.${tag}`, named, version, true);
  }
  return tags.length === 0 ? [LATEST] : tags.map(([tag]) => tag);
}

function accessIn(name: string, access: unknown): Publication['access'] {
  if (access === undefined || access === null) return undefined;
  if (access === 'public' || access === 'restricted') return access;
  throw invalidPackage(name, 'access', 'it is neither public nor restricted');
}

/** Clients call the file by the whole name, or as `npm pack` does; some add the build that they leave out elsewhere. */
function filesIn(
  name: string,
  version: string,
  attachments: ReadonlyMap<string, Attachment>,
): { readonly tarball: Attachment; readonly provenance: readonly (readonly [string, Attachment])[] } {
  const stems = [name, unscopedOf(name), name.replace(/^@/, '').replace('/', '-')].map((stem) => `${stem}-${version}`);
  const named = (end: string) =>
    [...attachments].filter(([file]) =>
      stems.some((stem) => file === `${stem}${end}` || withoutBuild(file) === `${stem}${end}`),
    );
  const [tarballs, provenance] = [named('.tgz'), named('.sigstore')];
  for (const file of attachments.keys()) {
    const isKnown = [...tarballs, ...provenance].some(([known]) => known === file);
    if (!isKnown) throw invalidPackage(name, '_attachments', `it has ${JSON.stringify(file.slice(0, 200))}`);
  }
  const [first] = tarballs;
  if (first === undefined || tarballs.length > 1 || provenance.length > 1) {
    throw invalidPackage(name, '_attachments', `it has ${tarballs.length} tarballs of ${version}; a publish has one`);
  }
  return { tarball: first[1], provenance };
}

function withoutBuild(file: string): string {
  return file.replace(/\+[\w.-]*(?=\.(tgz|sigstore)$)/, '');
}

async function attestationsIn(
  provenance: readonly (readonly [string, Attachment])[],
  subject: { readonly name: string; readonly version: string; readonly hash: BlobHash },
): Promise<Attestation[]> {
  const attestations: Attestation[] = [];
  for (const [file, { draft }] of provenance) {
    const predicateType = await predicateTypeOf(draft, file, subject);
    attestations.push({ predicateType, blob: (await draft.keep()).hash });
  }
  return attestations;
}

/** The first that is one. */
function readmeIn(...readmes: readonly unknown[]): string {
  const readme = readmes.find(
    (text): text is string => typeof text === 'string' && text !== '' && !NO_README.test(text),
  );
  if (readme === undefined) return '';
  const room = new Uint8Array(README_BYTES_MAX);
  const { read } = new TextEncoder().encodeInto(readme, room);
  return readme.slice(0, read);
}
