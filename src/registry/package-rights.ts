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
