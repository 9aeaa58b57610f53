/**
 * The document that clients read of a package, made of what the journal says: whole, and short for those who only
 * install. Pure: the same state gives the same bytes, so they can be kept and served until the state changes.
 * @module
 */
import { hasInstallScript, installedOf, picked, tarballUrl } from './installed.ts';
import type { Dist, PackageState, PackageVersion } from './package.ts';
import { trustedPublisherOf, userOf } from './publisher.ts';
import { revisionText } from './revision.ts';
import { LATEST } from './version.ts';

/** As clients show him; '' where no address is known, for they print what is there. */
export interface Maintainer {
  readonly name: string;
  readonly email: string;
}

export interface RenderOptions {
  /** Where clients reach this server, without a slash at the end; with a path, if it lies below one. */
  readonly origin: string;
  /** Who may publish it. */
  readonly maintainers: readonly Maintainer[];
}

/** JSON, both. */
export interface Packument {
  readonly full: string;
  /** `application/vnd.npm.install-v1+json` */
  readonly abbreviated: string;
}

type Fields = Record<string, unknown>;

/** Of the manifest that `latest` names, at the head of the whole document. */
const HEAD_FIELDS = [
  'description',
  'keywords',
  'license',
  'author',
  'contributors',
  'homepage',
  'repository',
  'bugs',
  'readmeFilename',
] as const;
const PROVENANCE = /^https:\/\/slsa\.dev\/provenance\//;

/**
 * Both documents, in one pass over the versions.
 * @example renderPackument(state, { origin: 'http://127.0.0.1:4873', maintainers: [{ name: 'ann' }] }).abbreviated
 */
export function renderPackument(state: PackageState, options: RenderOptions): Packument {
  const full: Fields = {};
  const short: Fields = {};
  for (const version of state.versions) {
    const dist = distOf(state.name, version, options.origin);
    full[version.version] = fullVersion(version, dist, options.maintainers);
    short[version.version] = shortVersion(version, dist);
  }
  const [name, tags, modified] = [state.name, tagsOf(state), isoOf(state.modifiedAt)];
  return {
    full: JSON.stringify({ ...headOf(state, options), versions: full }),
    abbreviated: JSON.stringify({ name, 'dist-tags': tags, modified, versions: short }),
  };
}

function headOf(state: PackageState, { maintainers }: RenderOptions): Fields {
  const { name, revision, tags, versions, stars, readme } = state;
  const latest = versions.find(({ version }) => version === tags[LATEST]) ?? versions.at(-1);
  return {
    _id: name,
    _rev: revisionText(name, revision),
    name,
    ...picked(latest?.manifest ?? {}, HEAD_FIELDS),
    'dist-tags': tagsOf(state),
    maintainers,
    time: timesOf(state, maintainers),
    users: Object.fromEntries(stars.map((user) => [user, true])),
    readme,
    _attachments: {},
  };
}

/** `latest` first: people read it too. */
function tagsOf({ tags }: PackageState): Fields {
  const { [LATEST]: latest, ...others } = tags;
  return latest === undefined ? others : { [LATEST]: latest, ...others };
}

/** A time for every version, and for a package of which nothing is left, when that happened. */
function timesOf(state: PackageState, maintainers: readonly Maintainer[]): Fields {
  const { createdAt, modifiedAt, versions, unpublished } = state;
  const times = Object.fromEntries(versions.map(({ version, publishedAt }) => [version, isoOf(publishedAt)]));
  const all = { created: isoOf(createdAt), modified: isoOf(modifiedAt), ...times };
  const last = unpublished.at(-1);
  if (versions.length > 0 || last === undefined) return all;
  const gone = unpublished.map(({ version }) => version);
  const said = { name: userOf(last.by), time: isoOf(last.at), tags: {}, maintainers, versions: gone };
  return { ...all, unpublished: said };
}

function fullVersion(version: PackageVersion, dist: Fields, maintainers: readonly Maintainer[]): Fields {
  const { manifest } = version;
  return {
    ...manifest,
    _id: `${manifest.name}@${version.version}`,
    maintainers,
    _npmUser: publisherOf(version, maintainers),
    dist,
    ...markedOf(version),
  };
}

function publisherOf({ publishedBy, trusted }: PackageVersion, maintainers: readonly Maintainer[]): Fields {
  const user = userOf(publishedBy);
  const shown = maintainers.find(({ name }) => name === user) ?? { name: user, email: '' };
  return { ...shown, ...(trusted === null ? {} : { trustedPublisher: trustedPublisherOf(trusted) }) };
}

function shortVersion(version: PackageVersion, dist: Fields): Fields {
  return { ...installedOf(version.manifest), dist, ...markedOf(version) };
}

/** What both documents say of a version beside its manifest. */
function markedOf({ manifest, dist, deprecated }: PackageVersion): Fields {
  return {
    _hasShrinkwrap: dist.hasShrinkwrap,
    ...(hasInstallScript(manifest) ? { hasInstallScript: true } : {}),
    ...(deprecated === null ? {} : { deprecated }),
  };
}

function distOf(name: string, { version, dist, attestations }: PackageVersion, origin: string): Fields {
  const provenance = attestations.find(({ predicateType }) => PROVENANCE.test(predicateType));
  const url = `${origin}/-/npm/v1/attestations/${name.replace('/', '%2f')}@${version}`;
  return {
    ...knownOf(dist),
    tarball: tarballUrl(origin, name, version),
    signatures: dist.signatures,
    ...(attestations.length === 0
      ? {}
      : { attestations: { url, ...(provenance && { provenance: { predicateType: provenance.predicateType } }) } }),
  };
}

function knownOf({ integrity, shasum, fileCount, unpackedSize_bytes }: Dist): Fields {
  return { integrity, shasum, fileCount, unpackedSize: unpackedSize_bytes };
}

function isoOf(at: number): string {
  return new Date(at).toISOString();
}
