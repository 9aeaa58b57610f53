/**
 * The package that somebody asks for, if he may see it: what is published here, else what other registries have.
 * Whoever may not see it, and whoever asks for what is not there, are answered the same.
 * @module
 */
import { may } from '../../auth/rights.ts';
import { ConfigError, isConfigError } from '../../errors/errors.ts';
import { parsePackageName } from '../../packages/name.ts';
import { packageStream } from '../../packages/package.ts';
import type { RegistryContext } from '../context.ts';
import { mayReadPackage } from '../package-rights.ts';
import { noPackage, unseen } from './package-access.ts';
import type { RenderedPackage } from './package-cache.ts';
import type { UplinkServices } from './open-uplinks.ts';
import type { NpmServices, PackageServices } from './package-services.ts';

/** What there is to read of a package, wherever it comes from. */
export type SeenPackage = Pick<RenderedPackage, 'name' | 'full' | 'short'>;

/** What is published here, and what other registries have. */
export type SeenServices = NpmServices & Pick<UplinkServices, 'uplinkDocuments'>;

/** Errors: ERR_NOT_FOUND, ERR_UNAUTHENTICATED, ERR_UPLINK. */
export async function seen(c: RegistryContext, services: SeenServices, text: string): Promise<SeenPackage> {
  const { name, here } = await seenHere(c, services.packages, text);
  const found = here ?? (await services.uplinkDocuments.read(name));
  if (found === null) throw noPackage(name);
  return found;
}

/** The same of what is published here; null: he could see it, and there is none. Errors: as those of `seen`. */
export async function seenHere(
  c: RegistryContext,
  { cache, own }: PackageServices,
  text: string,
): Promise<{ readonly name: string; readonly here: RenderedPackage | null }> {
  const name = nameOf(text);
  const principal = c.get('principal');
  if (!may(principal, 'read', packageStream(name))) throw unseen(c, name);
  const here = await cache.read(name);
  const isSeen = here === null || mayReadPackage(principal, name, here.settings, own.flags.premium_types);
  if (!isSeen) throw unseen(c, name);
  return { name, here };
}

/** What can be no name is nobody's. */
function nameOf(text: string): string {
  try {
    return parsePackageName(text);
  } catch (error) {
    if (isConfigError(error) && error.code === 'ERR_PACKAGE_NAME') throw noPackage(text);
    throw error;
  }
}

export function noVersion(name: string, version: string): ConfigError<'ERR_NOT_FOUND'> {
  const shown = version.slice(0, 80);
  return new ConfigError('ERR_NOT_FOUND', {
    message: `There is no version or dist-tag ${JSON.stringify(shown)} of ${name}`,
    hint: 'Look at the package to see what there is.',
    details: { what: `version ${shown} of ${name}` },
  });
}
