/**
 * What a package's tarball holds, found by walking through it once within limits. Refuses whatever could write outside
 * of the package's folder, fill a disk, or be one package to this client and another to that one: nothing is unpacked
 * here.
 * @module
 */
import { ConfigError } from '../../errors/errors.ts';
import { findJsonFault } from '../../config/json-fault.ts';
import type { Draft } from '../blobs/blobs.ts';
import { Gathered } from './gathered.ts';
import { gunzip, GzipFault } from './gunzip.ts';
import { requirePlainKeys } from './plain-keys.ts';
import { TarFault } from './tar-header.ts';
import { type TarEntry, TarReader } from './tar-reader.ts';

export interface TarballLimits {
  /** Of the archive, decompressed. */
  readonly unpacked_bytes: number;
  /** How many times its own size a tarball may become, once that is more than 16 MB. */
  readonly ratio: number;
  readonly entryCount: number;
  readonly path_bytes: number;
  /** Of all paths: they are held while the tarball is read. */
  readonly paths_bytes: number;
  readonly packageJson_bytes: number;
}

export const TARBALL_LIMITS: TarballLimits = {
  unpacked_bytes: 1024 * 1024 * 1024,
  ratio: 200,
  entryCount: 100_000,
  path_bytes: 1024,
  paths_bytes: 16 * 1024 * 1024,
  packageJson_bytes: 1024 * 1024,
};

export interface TarballContents {
  /** As it stands in the tarball. */
  readonly packageJson: Readonly<Record<string, unknown>>;
  readonly fileCount: number;
  /** Of all files. */
  readonly unpackedSize_bytes: number;
  readonly hasShrinkwrap: boolean;
  /** For both of these clients add scripts by themselves. */
  readonly hasGypFile: boolean;
  readonly hasServerScript: boolean;
}

/**
 * Reads the draft once. Throws ERR_TARBALL, saying what is wrong.
 * @example (await inspectTarball(draft, '@acme/ui')).packageJson.version
 */
export async function inspectTarball(draft: Draft, name: string, limits = TARBALL_LIMITS): Promise<TarballContents> {
  const inspection = new Inspection(draft.size_bytes, limits);
  try {
    await gunzip(draft, (bytes) => inspection.take(bytes));
    return inspection.end();
  } catch (error) {
    if (error instanceof TarFault || error instanceof GzipFault) throw badTarball(name, error.message);
    throw error;
  }
}

const FREE_BYTES = 16 * 1024 * 1024;
const PACKAGE_JSON = 'package.json';
const SHRINKWRAP = 'npm-shrinkwrap.json';

class Inspection {
  readonly #limits: TarballLimits;
  readonly #limit_bytes: number;
  readonly #reader: TarReader;
  readonly #packageJson = new Gathered();
  /** Of files, as they would be called in the package's folder. */
  readonly #paths = new Set<string>();
  #entryCount = 0;
  #paths_bytes = 0;
  #unpackedSize_bytes = 0;
  #read_bytes = 0;
  #folder: string | null = null;

  constructor(size_bytes: number, limits: TarballLimits) {
    this.#limits = limits;
    this.#limit_bytes = Math.min(limits.unpacked_bytes, Math.max(FREE_BYTES, size_bytes * limits.ratio));
    this.#reader = new TarReader({
      entry: (entry) => this.#entry(entry),
      data: (bytes) => this.#packageJson.push(bytes),
    });
  }

  take(bytes: Uint8Array): void {
    this.#read_bytes += bytes.length;
    if (this.#read_bytes > this.#limit_bytes) throw new TarFault(`it becomes larger than ${this.#limit_bytes} bytes`);
    this.#reader.take(bytes);
  }

  end(): TarballContents {
    this.#reader.end();
    if (!this.#paths.has(PACKAGE_JSON)) throw new TarFault('it has no package.json in its folder');
    const paths = [...this.#paths];
    return {
      packageJson: parsePackageJson(this.#packageJson.bytes()),
      fileCount: paths.length,
      unpackedSize_bytes: this.#unpackedSize_bytes,
      hasShrinkwrap: this.#paths.has(SHRINKWRAP),
      hasGypFile: paths.some((path) => /^[^/]*\.gyp$/.test(path)),
      hasServerScript: this.#paths.has('server.js'),
    };
  }

  #entry({ path, kind, size_bytes }: TarEntry): boolean {
    this.#entryCount += 1;
    this.#paths_bytes += Buffer.byteLength(path);
    const { entryCount, path_bytes, paths_bytes, packageJson_bytes } = this.#limits;
    if (this.#entryCount > entryCount) throw new TarFault(`it has more than ${entryCount} entries`);
    if (Buffer.byteLength(path) > path_bytes) throw new TarFault(`it has a path of more than ${path_bytes} bytes`);
    if (this.#paths_bytes > paths_bytes) throw new TarFault(`its paths have more than ${paths_bytes} bytes`);
    if (kind === 'link') throw new TarFault(`${path} is a link, which clients leave out`);
    if (kind === 'device') throw new TarFault(`${path} is neither file nor directory`);
    const inner = this.#innerOf(path, kind);
    if (kind === 'directory') return false;
    if (this.#paths.has(inner)) throw new TarFault(`it has ${inner} twice`);
    this.#paths.add(inner);
    this.#unpackedSize_bytes += size_bytes;
    if (inner !== PACKAGE_JSON) return requireOtherName(inner);
    if (size_bytes > packageJson_bytes)
      throw new TarFault(`its package.json is larger than ${packageJson_bytes} bytes`);
    return true;
  }

  /** Clients take the first folder off, whatever it is called. */
  #innerOf(path: string, kind: TarEntry['kind']): string {
    const segments = (kind === 'directory' ? path.replace(/\/$/, '') : path).split('/');
    if (/(^|[\\/])\.\.([\\/]|$)/.test(path)) {
      throw new TarFault(`${path} leads out of the package`);
    }
    if (/^(?:[\\/]|[A-Za-z]:)/.test(path)) throw new TarFault(`${path} is an absolute path`);
    if (segments.some((segment) => segment === '' || segment === '.') || /\p{Cc}/u.test(path)) {
      throw new TarFault(`${JSON.stringify(path)} is not how a path is written`);
    }
    // To Windows, a colon ends the name of a file, and a backslash is one more folder.
    if (/[\\:]/.test(path)) throw new TarFault(`${path} is not one file everywhere: it has a colon or a backslash`);
    const [folder, ...inner] = segments;
    this.#folder ??= folder!;
    if (folder !== this.#folder) throw new TarFault(`it has two folders, ${this.#folder} and ${folder}`);
    if (inner.length === 0 && kind === 'file') throw new TarFault(`${path} is in no folder`);
    return inner.join('/');
  }
}

/** Where case, the form of a letter or dots at the end are ignored, it would be written over the real one. */
function requireOtherName(inner: string): false {
  const folded = inner.normalize('NFKC').toUpperCase().toLowerCase();
  const name = folded.replace(/[. ]+(?=\/|$)/g, '');
  if (name === PACKAGE_JSON) throw new TarFault(`it has a ${inner}, which is package.json to some`);
  return false;
}

function parsePackageJson(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const text = packageJsonText(bytes);
  const fault = findJsonFault(text);
  if (fault?.kind === 'deep') throw new TarFault('its package.json is nested too deep');
  if (fault?.kind === 'syntax') throw new TarFault(`its package.json is not JSON, from character ${fault.position} on`);
  if (fault !== null)
    throw new TarFault(`its package.json has the key ${JSON.stringify(fault.key.slice(0, 80))} twice`);
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new TarFault('its package.json is no object');
  }
  requirePlainKeys(parsed);
  return parsed as Readonly<Record<string, unknown>>;
}

function packageJsonText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new TarFault('its package.json is not UTF-8');
  }
}

/** ERR_TARBALL about the tarball of a package. */
function badTarball(name: string, fault: string): ConfigError<'ERR_TARBALL'> {
  return new ConfigError('ERR_TARBALL', {
    message: `The tarball of ${name} is refused: ${fault}`,
    hint: 'Pack it with `npm pack`, `bun pm pack`, `pnpm pack` or `yarn pack`, and send that.',
    details: { package: name, fault },
  });
}
