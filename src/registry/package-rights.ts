/**
 * Who may know of a package: the one answer for metadata, tarballs, lists, searches and streams. Reads no store: what
 * it depends on is handed in.
 * @module
 */
import { may, type Principal } from '../auth/rights.ts';
import { packageStream, type PackageSettings } from '../packages/package.ts';

/** What of a package it depends on. */
type Guarded = Pick<PackageSettings, 'access' | 'isPremium'>;

/** `isPremiumGuarded`: the registry's own feature `premium_types`. */
export function mayReadPackage(
  principal: Principal,
  name: string,
  { access, isPremium }: Guarded,
  isPremiumGuarded: boolean,
): boolean {
  if (access === 'restricted' && principal.kind === 'anonymous') return false;
  if (!may(principal, 'read', packageStream(name))) return false;
  return !(isPremiumGuarded && isPremium) || may(principal, 'read', `premium:${name}`);
}

/** Whether there is any package that he could read, here or elsewhere. */
export function mayReadPackages(principal: Principal): boolean {
  const patterns = [...principal.grants, ...(principal.scope ?? [])].map(({ pattern }) => pattern);
  const streams = patterns.map((pattern) => (pattern.startsWith('package:') ? pattern : packageStream('any')));
  return streams.some((stream) => may(principal, 'read', stream));
}

/**
 * Whether he may publish the first package of a scope: from then on nobody else is asked for any of it. He may who
 * administers all of the scope, or who has a grant that names it.
 */
export function mayClaim(principal: Principal, scope: string, name: string): boolean {
  if (may(principal, 'administer', packageStream(`${scope}/*`))) return true;
  const named = principal.grants.filter(({ pattern }) => pattern.startsWith(packageStream(`${scope}/`)));
  return may({ ...principal, grants: named }, 'publish', packageStream(name));
}
