/**
 * What of a version those need who only install it, and where its tarball is: the same for packages that are published
 * here and for those of other registries. Pure.
 * @module
 */
import { tarballName } from './name.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Of a manifest, in the short document. */
const INSTALLED = [
  'name',
  'version',
  'dependencies',
  'optionalDependencies',
  'devDependencies',
  'peerDependencies',
  'peerDependenciesMeta',
  'acceptDependencies',
  'bin',
  'directories',
  'engines',
  'cpu',
  'os',
  'libc',
  'funding',
] as const;
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall'];

/** What the manifest says of it; what it does not say is left out. */
export function installedOf(manifest: Fields): Record<string, unknown> {
  return { ...picked(manifest, INSTALLED), ...bundledOf(manifest) };
}

/** Under one of its two names, as a list of names; `true` stands for all dependencies. */
function bundledOf({ bundleDependencies, bundledDependencies, dependencies }: Fields): Fields {
  const bundled = bundleDependencies ?? bundledDependencies;
  const names = bundled === true ? Object.keys(dependencies ?? {}) : bundled;
  return Array.isArray(names) && names.length > 0 ? { bundleDependencies: names } : {};
}

/** With `gypfile`, what is native is built when it is installed. */
export function hasInstallScript({ scripts, gypfile }: Fields): boolean {
  if (gypfile === true) return true;
  return (
    typeof scripts === 'object' && scripts !== null && INSTALL_SCRIPTS.some((name) => Object.hasOwn(scripts, name))
  );
}

/** Where a tarball is fetched from; `origin` without a slash at its end. */
export function tarballUrl(origin: string, name: string, version: string): string {
  return `${origin}/${name}/-/${tarballName(name, version)}`;
}

/** The fields that are there. */
export function picked(manifest: Fields, fields: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    fields.flatMap((field) => (manifest[field] === undefined ? [] : [[field, manifest[field]]])),
  );
}
