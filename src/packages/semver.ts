/**
 * npm's own reading of versions and ranges, loaded when it is first needed: a registry that serves no packages keeps
 * none of it in memory.
 * @module
 */
import { createRequire } from 'node:module';

type Semver = typeof import('semver');

let loaded: Semver | null = null;

/** @example semver().valid('1.0.0') */
export function semver(): Semver {
  loaded ??= createRequire(import.meta.url)('semver') as Semver;
  return loaded;
}
