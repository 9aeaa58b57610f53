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
import type { UplinkDocument } from './uplink-documents.ts';
import type { NpmServices, PackageServices } from './package-services.ts';

/** What there is to read of a package, wherever it comes from. */
export type SeenPackage = Pick<RenderedPackage, 'name' | 'full' | 'short'> & Pick<UplinkDocument, 'notice'>;

/** What is published here, and what other registries have. */
export type SeenServices = NpmServices & Pick<UplinkServices, 'uplinkDocuments' | 'whyNobody'>;

/** Errors: ERR_NOT_FOUND, ERR_UNAUTHENTICATED, ERR_UPLINK. */
export async function seen(c: RegistryContext, services: SeenServices, text: string): Promise<SeenPackage> {
  // Said of what is hidden too, so that it cannot be told from what is not there.
  const none = async (of: string): Promise<ConfigError> => noPackage(of, await services.whyNobody());
  const { name, here } = await seenHere(c, services.packages, text, none);
  if (here !== null) return here;
  c.env.patient?.();
  const found = await services.uplinkDocuments.read(name, c.req.header('host'));
  if (found === null) throw await none(name);
  return found;
}

/**
 * The same of what is published here; null: he could see it, and there is none. `none`: what is said of one that is not
 * there. Errors: as those of `seen`.
 */
export async function seenHere(
  c: RegistryContext,
  { cache, own }: PackageServices,
  text: string,
  none: (name: string) => ConfigError | Promise<ConfigError> = (of) => noPackage(of),
): Promise<{ readonly name: string; readonly here: RenderedPackage | null }> {
  const name = nameOf(text);
  const principal = c.get('principal');
  if (!may(principal, 'read', packageStream(name))) throw unseen(c, name);
  const here = await cache.read(name, c.req.header('host'));
  const isSeen = here === null || mayReadPackage(principal, name, here.settings, own.flags.premium_types);
  if (!isSeen) throw await none(name);
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
