/**
 * What Verdaccio keeps in its storage directory: one folder a package, with its metadata and its tarballs. Reads it as
 * it is and says what cannot be taken; writes nothing, and decides nothing that a registry decides.
 * @module
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ConfigError, isConfigError } from '../../errors/errors.ts';
import { parsePackageName, tarballName } from '../name.ts';
import { parseVersion } from '../version.ts';

const METADATA = 'package.json';
/** Verdaccio's own list of what was published to it, by its old and its new name. */
const LISTS = ['.verdaccio-db.json', '.sinopia-db.json'];
const USERS = 'htpasswd';
/** A folder for each scope, below a folder that somebody has set up for some packages. */
const DEPTH_MAX = 4;

type Fields = Readonly<Record<string, unknown>>;

/** A version as Verdaccio has it; what it does not say is null. */
export interface KeptVersion {
  readonly version: string;
  /** Its tarball; null: it is not there. */
  readonly file: string | null;
  readonly integrity: string | null;
  readonly shasum: string | null;
  /** Milliseconds since 1970; where none is said, when the tarball or the package was written. */
  readonly publishedAt: number;
  readonly isTimeKnown: boolean;
  /** It came from another registry, and is a copy. */
  readonly isCached: boolean;
  readonly deprecated: string | null;
  /** As it was published, with what Verdaccio has added. */
  readonly manifest: Fields;
}

export interface KeptPackage {
  readonly name: string;
  /** In the order in which they were published, the one that `latest` names at the end. */
  readonly versions: readonly KeptVersion[];
  /** What is called a version and is none. */
  readonly strange: readonly string[];
  /** Version by dist-tag. */
  readonly tags: Readonly<Record<string, string>>;
  readonly readme: string;
}

/** The folders that hold a package, and who could sign in. */
export interface KeptStorage {
  readonly folders: readonly string[];
  readonly users: readonly string[];
}

/** Looks for packages, in the storage directory or in the one it lies in. Throws ERR_IMPORT where there is none. */
export async function openVerdaccio(directory: string): Promise<KeptStorage> {
  const storage = await storageIn(directory);
  const folders = await foldersIn(storage, DEPTH_MAX);
  if (folders.length === 0) throw fault(`there is no package in ${storage}`);
  const users = new Set([...(await usersIn(storage)), ...(await usersIn(dirname(storage)))]);
  return { folders, users: [...users].toSorted() };
}

/** One package. Throws ERR_IMPORT for what is none. */
export async function readKeptPackage(folder: string): Promise<KeptPackage> {
  const fields = await objectIn(join(folder, METADATA));
  const name = nameOf(fields, folder);
  const tags = tagsOf(fields);
  const all = Object.entries(objectOf(fields['versions']));
  const versions: KeptVersion[] = [];
  for (const [version, manifest] of all) {
    if (isVersion(version)) versions.push(await versionOf({ name, folder, fields }, version, objectOf(manifest)));
  }
  const strange = all.map(([version]) => version).filter((version) => !isVersion(version));
  const isLatest = ({ version }: KeptVersion): number => Number(version === tags['latest']);
  versions.sort((a, b) => isLatest(a) - isLatest(b) || a.publishedAt - b.publishedAt);
  return { name, versions, strange, tags, readme: textOf(fields['readme']) ?? '' };
}

async function storageIn(directory: string): Promise<string> {
  const inner = join(directory, 'storage');
  const isInner = await isThere(inner);
  const isStorage = (await Promise.all(LISTS.map((list) => isThere(join(directory, list))))).includes(true);
  return isInner && !isStorage ? inner : directory;
}

async function foldersIn(directory: string, depth: number): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((cause: unknown) => {
    throw fault(`${directory} cannot be listed`, cause);
  });
  const inner = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  const names = inner.map(({ name }) => join(directory, name)).toSorted();
  const below = depth > 1 ? await Promise.all(names.map((name) => foldersIn(name, depth - 1))) : [];
  const isPackage = entries.some((entry) => entry.isFile() && entry.name === METADATA);
  return [...(isPackage ? [directory] : []), ...below.flat()];
}

async function usersIn(directory: string): Promise<string[]> {
  const file = join(directory, USERS);
  if (!(await isThere(file))) return [];
  const lines = (await readFile(file, 'utf8')).split('\n');
  return lines.map((line) => line.slice(0, Math.max(0, line.indexOf(':'))).trim()).filter((user) => user !== '');
}

interface Place {
  readonly name: string;
  readonly folder: string;
  readonly fields: Fields;
}

async function versionOf({ name, folder, fields }: Place, version: string, manifest: Fields): Promise<KeptVersion> {
  const tarball = tarballName(name, version);
  const path = join(folder, tarball);
  const found = await stat(path).catch(() => null);
  const times = objectOf(fields['time']);
  const at = millisecondsOf(times[version]);
  const attached = objectOf(objectOf(fields['_attachments'])[tarball]);
  const { integrity, shasum } = objectOf(manifest['dist']);
  const written = millisecondsOf(times['modified']) ?? found?.mtimeMs ?? (await stat(join(folder, METADATA))).mtimeMs;
  return {
    version,
    file: found?.isFile() === true ? path : null,
    integrity: textOf(integrity),
    shasum: textOf(shasum) ?? textOf(attached['shasum']),
    publishedAt: Math.trunc(at ?? written),
    isTimeKnown: at !== null,
    // What was published there has its version beside its tarball, also where others have the same.
    isCached: Object.hasOwn(objectOf(fields['_distfiles']), tarball) && attached['version'] === undefined,
    deprecated: textOf(manifest['deprecated']),
    manifest,
  };
}

/** Very old ones have a list for each tag, the newest at its end. */
function tagsOf(fields: Fields): Record<string, string> {
  const tags = Object.entries(objectOf(fields['dist-tags'])).map(
    ([tag, value]) => [tag, textOf(Array.isArray(value) ? value.at(-1) : value)] as const,
  );
  return Object.fromEntries(tags.filter((one): one is readonly [string, string] => one[1] !== null));
}

/** Throws ERR_IMPORT where the folder is called otherwise. */
function nameOf({ name }: Fields, folder: string): string {
  const scope = basename(dirname(folder));
  const called = [basename(folder), ...(scope.startsWith('@') ? [`${scope}/${basename(folder)}`] : [])].at(-1)!;
  try {
    if (parsePackageName(name) === called) return called;
  } catch (cause) {
    if (isConfigError(cause)) throw fault(`${folder}: ${cause.message}`, cause);
    throw cause;
  }
  throw fault(`${folder} holds the metadata of ${JSON.stringify(name)}`);
}

function isVersion(text: string): boolean {
  try {
    return parseVersion(text) === text;
  } catch (error) {
    if (isConfigError(error)) return false;
    throw error;
  }
}

async function objectIn(path: string): Promise<Fields> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw fault(`${path} cannot be read: ${(cause as Error).message}`, cause);
  }
  if (typeof value === 'object' && value !== null) return objectOf(value);
  throw fault(`${path} holds no object`);
}

function objectOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function millisecondsOf(value: unknown): number | null {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isFinite(at) ? at : null;
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

function fault(text: string, cause?: unknown): ConfigError<'ERR_IMPORT'> {
  return new ConfigError('ERR_IMPORT', {
    message: `It cannot be taken: ${text}`,
    hint: 'Name the storage directory of a Verdaccio: it holds a folder for each package.',
    details: { format: 'verdaccio', fault: text.slice(0, 300) },
    cause,
  });
}
