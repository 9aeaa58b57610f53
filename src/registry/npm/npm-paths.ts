/**
 * Which addresses are those of npm's clients, and the one way in which they are written here. Clients write the name of
 * a scoped package in three ways (`/@s%2fp`, `/@s%2Fp`, `/@s/p`); behind this there is one. Knows no route.
 * @module
 */

import { RESERVED } from '../../packages/name-parts.ts';

/** Addresses of ours at the root; those that begin so are no new package's anyway. */
const OWN: ReadonlySet<string> = new Set(['', '.well-known', '_dashboard', ...RESERVED]);
/** Of those, what is there a second time below `/-/`, where no package can be in its way. */
const TWINS = new Set(['docs', 'health', 'metrics', 'openapi.json']);
/** How the patterns of routes begin that are of one package. */
export const PACKAGE_PATH = '/:package';
const SCOPED = /\/(?:@|%40)([^/%@]+)(?:\/|%2f)(?=[^/])/gi;

/**
 * Whether a client of npm's asks there, who reads errors in its own shape. Ours come first: no package is called as one
 * of them.
 * @example isNpmPath('/@acme%2fui') // true; of '/api/v1/configs': false
 */
export function isNpmPath(path: string): boolean {
  const [, first = '', second = ''] = path.split('/', 3);
  if (first === '-') return !TWINS.has(second);
  return !OWN.has(first);
}

/** Whether the address begins with the name of a package. */
export function isPackagePath(path: string): boolean {
  return isNpmPath(path) && !path.startsWith('/-/') && path !== '/-';
}

/**
 * The name of a scoped package as one part of the path; what is not npm's stays as it is.
 * @example npmPath('/@acme/ui/-/ui-1.0.0.tgz') // '/@acme%2Fui/-/ui-1.0.0.tgz'
 */
export function npmPath(path: string): string {
  const isScoped = path.includes('/@') || path.includes('/%40');
  return isScoped && isNpmPath(path) ? path.replace(SCOPED, '/@$1%2F') : path;
}
