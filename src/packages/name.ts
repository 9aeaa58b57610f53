/**
 * What packages are called, and what their tarballs are. A name becomes part of a stream, an address and a path of a
 * cache, so every name from outside passes here first. Knows nothing of what is published.
 * @module
 */
import validate from 'validate-npm-package-name';
import { badName, checkShape, RESERVED, unscopedOf } from './name-parts.ts';

export { scopeOf, unscopedOf } from './name-parts.ts';

const TARBALL_END = '.tgz';

/**
 * A name that a package may have anywhere: also the old ones of public registries (upper case, names of core modules).
 * Throws ERR_PACKAGE_NAME.
 * @example parsePackageName('@acme/ui') // '@acme/ui'
 */
export function parsePackageName(text: unknown): string {
  if (typeof text !== 'string') throw badName(String(text), 'it is not text');
  checkShape(text);
  const { errors = [] } = validate(text);
  if (errors[0] !== undefined) throw badName(text, errors[0]);
  return text;
}

/**
 * A name that can be published here: one that npm gives to new packages, and that is no address of this server. Throws
 * ERR_PACKAGE_NAME.
 * @example parseNewPackageName('health') // throws
 */
export function parseNewPackageName(text: unknown): string {
  const name = parsePackageName(text);
  const { warnings = [] } = validate(name);
  if (warnings[0] !== undefined) throw badName(name, warnings[0]);
  if (RESERVED.has(name)) throw badName(name, `this server answers /${name} itself`);
  return name;
}

/** @example tarballName('@acme/ui', '1.0.0') // 'ui-1.0.0.tgz' */
export function tarballName(name: string, version: string): string {
  return `${unscopedOf(name)}-${version}${TARBALL_END}`;
}

/**
 * The version that a tarball's file name speaks of; null where it is not one of this package. Whether it is a version
 * at all is not said.
 * @example versionOfTarball('@acme/ui', 'ui-1.0.0.tgz') // '1.0.0'
 */
export function versionOfTarball(name: string, file: string): string | null {
  const start = `${unscopedOf(name)}-`;
  if (!file.startsWith(start) || !file.endsWith(TARBALL_END)) return null;
  const version = file.slice(start.length, -TARBALL_END.length);
  return version === '' ? null : version;
}
