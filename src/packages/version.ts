/**
 * Versions and dist-tags: what is one, which is higher, and which one `latest` falls back to. Pure; what a package has
 * is handed in.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import { semver } from './semver.ts';

export const LATEST = 'latest';
/** Characters of a dist-tag. */
const TAG_LENGTH_MAX = 128;
/** Characters of a version; semver's own bound. */
const VERSION_LENGTH_MAX = 256;
const TAG = /^[A-Za-z0-9][\w.~-]*$/;

/**
 * A version exactly as semver writes it: no `v`, no spaces, no `=`. Throws ERR_PACKAGE_VERSION.
 * @example parseVersion('1.0.0-rc.1+build.5')
 */
export function parseVersion(text: unknown): string {
  if (typeof text === 'string' && text.length <= VERSION_LENGTH_MAX && isStrict(text)) return text;
  const version = String(text).slice(0, 80);
  throw new ConfigError('ERR_PACKAGE_VERSION', {
    message: `Invalid version ${JSON.stringify(version)}: it is not semver`,
    hint: 'Use MAJOR.MINOR.PATCH, with -prerelease and +build where needed: 1.4.0, 2.0.0-rc.1.',
    details: { version },
  });
}

/** semver's `valid` forgives `v` and spaces and cuts the build off; what is left must begin the text. */
function isStrict(text: string): boolean {
  const version = semver().valid(text);
  return version !== null && (text === version || text.startsWith(`${version}+`));
}

/**
 * What may name a version: nothing that could be a range. Throws ERR_PACKAGE_INVALID.
 * @example parseTag('next', 'ui')
 */
export function parseTag(tag: unknown, name: string): string {
  const fault = tagFault(tag);
  if (fault === null) return tag as string;
  throw new ConfigError('ERR_PACKAGE_INVALID', {
    message: `Invalid dist-tag ${JSON.stringify(String(tag).slice(0, 80))} of ${name}: ${fault}`,
    hint: 'Use a word: next, beta, stable-2.',
    details: { package: name, path: 'dist-tags', fault },
  });
}

function tagFault(tag: unknown): string | null {
  if (typeof tag !== 'string') return 'it is not text';
  if (tag.length > TAG_LENGTH_MAX) return `it has more than ${TAG_LENGTH_MAX} characters`;
  if (!TAG.test(tag)) return 'it has characters that an address would have to escape';
  return semver().validRange(tag) === null ? null : 'it could be meant as a range of versions';
}

/**
 * What `latest` names when nobody says: the highest version that is no prerelease, or the highest of all; null of none.
 */
export function highestOf(versions: Iterable<string>): string | null {
  let highest: string | null = null;
  for (const version of versions) if (highest === null || isAbove(version, highest)) highest = version;
  return highest;
}

function isAbove(a: string, b: string): boolean {
  const { compare, prerelease } = semver();
  const [isAStable, isBStable] = [prerelease(a) === null, prerelease(b) === null];
  return isAStable === isBStable ? compare(a, b) > 0 : isAStable;
}
