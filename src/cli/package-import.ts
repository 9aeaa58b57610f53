/**
 * Packages out of the storage of a Verdaccio into a running registry, version by version. Each is compared with its
 * hash before it is sent, and with what is there already: begun again, it goes on where it ended. What cannot be taken
 * is said and left; the storage is only read.
 * @module
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { HttpPackages } from './http-packages.ts';
import { isConfigError } from '../errors/errors.ts';
import { readKeptPackage, type KeptPackage, type KeptStorage, type KeptVersion } from '../packages/import/verdaccio.ts';
import { tarballName } from '../packages/name.ts';
import type { PackageView } from '../registry/routes/v1/package-shapes.ts';

export interface PackageFinding {
  /** A package, or the folder of what is none. */
  readonly name: string;
  /** null: it is about the package. */
  readonly version: string | null;
  readonly fault: string;
}

export interface PackageImport {
  readonly dryRun: boolean;
  readonly packages: number;
  /** `name@version`, in the order in which they came. */
  readonly imported: readonly string[];
  /** Versions that were there already, byte for byte. */
  readonly there: number;
  /** Copies from other registries that were left. */
  readonly cached: number;
  /** Versions whose time is that of a file. */
  readonly guessedTimes: number;
  readonly findings: readonly PackageFinding[];
  /** Who could sign in there; they are not taken. */
  readonly users: readonly string[];
}

export interface PackageImportRun {
  readonly withCached: boolean;
  readonly dryRun: boolean;
  readonly reason: string | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/** What is wrong with one version, and not with the way there. */
const REFUSALS: readonly string[] = [
  'ERR_PACKAGE_NAME',
  'ERR_PACKAGE_VERSION',
  'ERR_PACKAGE_INVALID',
  'ERR_PACKAGE_EXISTS',
  'ERR_TARBALL',
  'ERR_INTEGRITY',
  'ERR_BODY_TOO_LARGE',
  'ERR_DUPLICATE_KEY',
  'ERR_WRONG_TYPE',
];

/** Errors: those of reading and writing packages, and the signal's reason: what came until then stays. */
export async function importPackages(
  packages: HttpPackages,
  { folders, users }: KeptStorage,
  run: PackageImportRun,
): Promise<PackageImport> {
  const importing = new Importing(packages, run);
  for (const [index, folder] of folders.entries()) {
    await importing.take(folder);
    run.onProgress(index + 1, folders.length);
  }
  const { imported, there, cached, guessedTimes, findings } = importing;
  return { dryRun: run.dryRun, packages: folders.length, imported, there, cached, guessedTimes, findings, users };
}

class Importing {
  readonly imported: string[] = [];
  readonly findings: PackageFinding[] = [];
  there = 0;
  cached = 0;
  guessedTimes = 0;
  readonly #packages: HttpPackages;
  readonly #run: PackageImportRun;

  constructor(packages: HttpPackages, run: PackageImportRun) {
    this.#packages = packages;
    this.#run = run;
  }

  async take(folder: string): Promise<void> {
    const kept = await this.#read(folder);
    if (kept === null) return;
    const { name, strange } = kept;
    const wanted = kept.versions.filter(({ isCached }) => this.#run.withCached || !isCached);
    this.cached += kept.versions.length - wanted.length;
    for (const version of strange) this.#find(name, version, 'it is no version');
    if (wanted.length === 0) return;
    const before = await this.#packages.find(name);
    const taken = new Set<string>();
    for (const version of wanted) {
      this.#run.signal.throwIfAborted();
      if (await this.#takeVersion(kept, version, before)) taken.add(version.version);
    }
    await this.#deprecate(name, wanted, taken, before);
  }

  async #read(folder: string): Promise<KeptPackage | null> {
    try {
      return await readKeptPackage(folder);
    } catch (error) {
      if (!isConfigError(error) || error.code !== 'ERR_IMPORT') throw error;
      this.#find(folder, null, error.details.fault);
      return null;
    }
  }

  /** Whether it is there afterwards. */
  async #takeVersion(kept: KeptPackage, one: KeptVersion, before: PackageView | null): Promise<boolean> {
    const { name } = kept;
    const { version, file } = one;
    if (file === null) return this.#find(name, version, 'its tarball is not there');
    const bytes = await readFile(file);
    const hashes = hashesOf(bytes);
    const differing = differenceOf(one, hashes);
    if (differing !== null) return this.#find(name, version, `its tarball is damaged: ${differing}`);
    const known = before?.versions.find((found) => found.version === version);
    if (known?.integrity === hashes.integrity) {
      this.there++;
      return true;
    }
    if (known !== undefined) return this.#find(name, version, 'the registry has another of this name and version');
    const isGone = before?.unpublished.some((gone) => gone.version === version) === true;
    if (isGone) return this.#find(name, version, 'the registry had it, and it was unpublished there');
    const document = documentOf(kept, one, bytes, hashes, tagsOf(kept, version, before));
    return await this.#send(name, one, document);
  }

  async #send(name: string, { version, isTimeKnown }: KeptVersion, document: Blob): Promise<boolean> {
    const { dryRun, reason } = this.#run;
    try {
      if (!dryRun) await this.#packages.import(name, document, reason);
    } catch (error) {
      if (!isConfigError(error) || !REFUSALS.includes(error.code)) throw error;
      return this.#find(name, version, error.message);
    }
    this.imported.push(`${name}@${version}`);
    if (!isTimeKnown) this.guessedTimes++;
    return true;
  }

  /** Of those that are there, whoever installs them is told what he was told; what is said already stays. */
  async #deprecate(
    name: string,
    wanted: readonly KeptVersion[],
    taken: ReadonlySet<string>,
    before: PackageView | null,
  ): Promise<void> {
    const said = new Set(before?.versions.filter(({ deprecated }) => deprecated !== null).map((one) => one.version));
    const messages = wanted.flatMap(({ version, deprecated }) =>
      deprecated !== null && taken.has(version) && !said.has(version) ? [[version, deprecated] as const] : [],
    );
    if (messages.length === 0 || this.#run.dryRun) return;
    await this.#packages.deprecate(name, Object.fromEntries(messages), { reason: this.#run.reason });
  }

  #find(name: string, version: string | null, fault: string): false {
    this.findings.push({ name, version, fault });
    return false;
  }
}

interface Hashes {
  readonly integrity: string;
  readonly shasum: string;
}

function hashesOf(bytes: Uint8Array): Hashes {
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  return { integrity, shasum: createHash('sha1').update(bytes).digest('hex') };
}

/** Of hashes that old registries did not make, none is compared. */
function differenceOf({ integrity, shasum }: KeptVersion, found: Hashes): string | null {
  if (integrity?.startsWith('sha512-') === true && integrity !== found.integrity) {
    return `its integrity is ${found.integrity}, not ${integrity}`;
  }
  return shasum !== null && shasum !== found.shasum ? `its shasum is ${found.shasum}, not ${shasum}` : null;
}

/** Tags that name it, but those that name something newer in the registry by now. */
function tagsOf({ tags, versions }: KeptPackage, version: string, before: PackageView | null): readonly string[] {
  const known = new Set(versions.map((one) => one.version));
  const isMoved = (tag: string): boolean => {
    const now = before?.tags[tag];
    return now !== undefined && !known.has(now);
  };
  return Object.keys(tags).filter((tag) => tags[tag] === version && !isMoved(tag));
}

/** As a client sends it, with the time besides. */
function documentOf(
  { name, readme }: KeptPackage,
  { version, manifest, publishedAt }: KeptVersion,
  bytes: Buffer,
  dist: Hashes,
  tags: readonly string[],
): Blob {
  const { deprecated: _, ...published } = manifest;
  const _id = `${name}@${version}`;
  const attachment = { content_type: 'application/octet-stream', data: bytes.toString('base64'), length: bytes.length };
  const document = {
    _id: name,
    name,
    'dist-tags': Object.fromEntries(tags.map((tag) => [tag, version])),
    versions: { [version]: { ...published, _id, name, version, dist } },
    time: { [version]: new Date(publishedAt).toISOString() },
    readme,
    _attachments: { [tarballName(name, version)]: attachment },
  };
  return new Blob([JSON.stringify(document)]);
}
