/**
 * A `package.json` as the registry keeps it, and as it can be compared: clients tidy it before they send it, each in
 * its own way, and mean the same by it.
 * @module
 */
import { posix } from 'node:path';
import type { Manifest } from '../package.ts';
import { writtenOut } from './short-forms.ts';
import type { TarballContents } from './tarball.ts';

/** What clients and registries add to it, besides all that begins with `_`. */
const ADDED: ReadonlySet<string> = new Set([
  'deprecated',
  'dist',
  'gitHead',
  'hasInstallScript',
  'integrity',
  'readme',
  'shasum',
]);

/** What of it a client may add: where and with what it was packed. */
const ADDED_BY_CLIENTS = ['gitHead', 'readmeFilename', '_nodeVersion', '_npmVersion'];
const ADDED_LENGTH_MAX = 100;

/** What others see of a package before they have it, in one form. */
export interface Promised {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly bundleDependencies: Readonly<Record<string, string>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
}

type Fields = Readonly<Record<string, unknown>>;
type Built = Pick<TarballContents, 'hasGypFile' | 'hasServerScript'>;
type Packed = Built & Pick<TarballContents, 'packageJson'>;

const NODE_GYP = 'node-gyp rebuild';

/**
 * What is kept of the `package.json` in the tarball: without what was added, its version as semver writes it, its
 * programs by name. Of the document that a client shows (`shown`), what only a client knows: how it was packed, and the
 * files in a directory of programs, which were held against that directory before.
 */
export function manifestOf(version: string, contents: Packed, shown: Fields = {}): Manifest {
  const { packageJson: fields } = contents;
  const own = Object.entries(fields).filter(([key]) => !ADDED.has(key) && !key.startsWith('_'));
  const added = ADDED_BY_CLIENTS.flatMap((key) => {
    const text = shown[key];
    return typeof text === 'string' && text.length <= ADDED_LENGTH_MAX ? [[key, text] as const] : [];
  });
  const kept = { ...writtenOut(Object.fromEntries(own)), ...Object.fromEntries(added) };
  const bin = programsOf(programsDirectory(fields) === null ? fields : { ...fields, bin: shown['bin'] });
  if (Object.keys(bin).length > 0) kept['bin'] = bin;
  else if (typeof kept['bin'] !== 'object') delete kept['bin'];
  if (isBuiltByGyp(fields, contents)) {
    kept['scripts'] = { ...objectOf(fields['scripts']), install: NODE_GYP };
    kept['gypfile'] = true;
  }
  return { ...kept, name: String(fields['name']), version };
}

export function promisedBy(fields: Fields, contents: Built): Promised {
  const optionalDependencies = sourcesOf(fields['optionalDependencies']);
  const bundled = bundledOf(fields);
  // Some clients add to the dependencies what is bundled, and what is optional.
  const all = { ...Object.fromEntries(bundled.map((name) => [name, '*'])), ...sourcesOf(fields['dependencies']) };
  const isRequired = ([name]: [string, string]): boolean => !Object.hasOwn(optionalDependencies, name);
  return {
    dependencies: Object.fromEntries(Object.entries(all).filter(isRequired)),
    optionalDependencies,
    peerDependencies: sourcesOf(fields['peerDependencies']),
    bundleDependencies: Object.fromEntries(bundled.map((name) => [name, 'bundled'])),
    bin: programsOf(fields),
    scripts: scriptsOf(fields, contents),
  };
}

/** Where programs are looked for when they are not listed; null: nowhere. */
export function programsDirectory(fields: Fields): string | null {
  const directory = objectOf(fields['directories'])['bin'];
  return typeof directory === 'string' && fields['bin'] === undefined ? `${rooted(directory)}/` : null;
}

/** Path by name. */
function programsOf({ bin, name }: Fields): Record<string, string> {
  const programs =
    typeof bin === 'string'
      ? [[String(name), bin]]
      : Array.isArray(bin)
        ? bin.map((path) => [String(path), path] as const)
        : Object.entries(objectOf(bin));
  return Object.fromEntries(
    programs.flatMap(([program, path]): [string, string][] => {
      const [base, target] = [posix.basename(rooted(program!)), typeof path === 'string' ? rooted(path) : ''];
      return base === '' || target === '' ? [] : [[base, target]];
    }),
  );
}

/** As it is below the package's folder, and never above. */
function rooted(path: string): string {
  return posix.join('/', path.replaceAll(/[\\:]/g, '/')).slice(1);
}

function scriptsOf(fields: Fields, contents: Built): Record<string, string> {
  const scripts = Object.fromEntries(
    textsOf(fields['scripts']).map(([key, text]) => [key, text.replace(/^(\.[/\\])?node_modules[/\\]\.bin[\\/]/, '')]),
  );
  if (isBuiltByGyp(fields, contents)) scripts['install'] = NODE_GYP;
  if (contents.hasServerScript) scripts['start'] ??= 'node server.js';
  return scripts;
}

/** Clients build these when they are installed, whether a script says so or not. */
function isBuiltByGyp({ scripts, gypfile }: Fields, { hasGypFile }: Built): boolean {
  const { install, preinstall } = objectOf(scripts);
  return hasGypFile && gypfile !== false && !install && !preinstall;
}

function bundledOf({ bundleDependencies, bundledDependencies, dependencies }: Fields): string[] {
  const bundled = bundleDependencies ?? bundledDependencies;
  if (bundled === true) return Object.keys(objectOf(dependencies));
  const names: unknown[] = Array.isArray(bundled) ? bundled : Object.keys(objectOf(bundled));
  return names.filter((name): name is string => typeof name === 'string' && name !== '');
}

function sourcesOf(dependencies: unknown): Record<string, string> {
  return Object.fromEntries(textsOf(dependencies).map(([name, source]) => [name, sourceOf(source)]));
}

const HOSTS: Readonly<Record<string, string>> = {
  'github.com': 'github',
  'gitlab.com': 'gitlab',
  'bitbucket.org': 'bitbucket',
};
const SHORT = /^(?:(github|gitlab|bitbucket):)?([\w.-]+\/[\w.-]+?)(?:\.git)?(#.*)?$/;
const LONG = /^(?:git\+)?(?:https?|ssh|git):\/\/(?:git@)?([\w.-]+)[/:]([\w.-]+\/[\w.-]+?)(?:\.git)?(#.*)?$/;
const SCP = /^git@([\w.-]+):([\w.-]+\/[\w.-]+?)(?:\.git)?(#.*)?$/;

/** A repository at the hosts that clients have short forms for, in one of its many forms; all else as it is. */
function sourceOf(source: string): string {
  const [, short, path, commit = ''] = SHORT.exec(source) ?? [];
  if (path !== undefined) return `${short ?? 'github'}:${path}${commit}`;
  const [, host = '', long, at = ''] = LONG.exec(source) ?? SCP.exec(source) ?? [];
  return long !== undefined && Object.hasOwn(HOSTS, host) ? `${HOSTS[host]}:${long}${at}` : source;
}

function textsOf(value: unknown): [string, string][] {
  return Object.entries(objectOf(value)).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
}

function objectOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
