/** Where a version comes from, as its publisher has had it attested: the bundles, byte for byte. @module */
import { z } from 'zod';
import { may } from '../../auth/rights.ts';
import { ConfigError } from '../../errors/errors.ts';
import { packageStream, type PackageState } from '../../packages/package.ts';
import { route, type Route } from '../route.ts';
import { mayReadPackage } from '../package-rights.ts';
import { unseen } from './package-access.ts';
import type { NpmServices, PackageServices } from './package-services.ts';
import { PACKAGE_TAG } from './npm-params.ts';

const SPEC = z.string().meta({ description: 'The name of a package, `@` and a version.', example: '@acme/ui@1.0.0' });
const ATTESTATIONS = z.object({
  attestations: z.array(z.object({ predicateType: z.string(), bundle: z.looseObject({}) })),
});

export function attestationRoutes({ packages }: NpmServices): readonly Route[] {
  return [
    route({
      method: 'get',
      path: '/-/npm/v1/attestations/:spec',
      tag: PACKAGE_TAG,
      summary: 'The attestations of one version: who built it, from what',
      access: 'granted',
      takesAnyQuery: true,
      params: { spec: SPEC },
      answers: { 200: { description: 'Sigstore bundles, as they were published', schema: ATTESTATIONS } },
      errors: ['ERR_NOT_FOUND', 'ERR_BLOB'],
      handle: async ({ c, principal, params: { spec } }) => {
        const [name, version] = partsOf(spec);
        const state = await packages.packages.state(name);
        const isGuarded = packages.own.flags.premium_types;
        if (!may(principal, 'read', packageStream(name))) throw unseen(c, name);
        const isSeen = state !== null && mayReadPackage(principal, name, state.settings, isGuarded);
        c.header('cache-control', 'private, no-cache');
        return c.body(await textOf(packages, isSeen ? state : null, version, spec), 200, {
          'content-type': 'application/json',
        });
      },
    }),
  ];
}

/** `@acme/ui@1.0.0`: a name may begin with the sign too. */
function partsOf(spec: string): [name: string, version: string] {
  const at = spec.lastIndexOf('@');
  if (at <= 0) throw none(spec);
  return [spec.slice(0, at), spec.slice(at + 1)];
}

/** They were read as JSON when they came, and are not read again. */
async function textOf(
  { blobs }: Pick<PackageServices, 'blobs'>,
  state: PackageState | null,
  version: string,
  spec: string,
): Promise<string> {
  const attestations = state?.versions.find((one) => one.version === version)?.attestations ?? [];
  if (attestations.length === 0) throw none(spec);
  const items = attestations.map(async ({ predicateType, blob }) => {
    const bundle = await new Response(await blobs.body(blob)).text();
    return `{"predicateType":${JSON.stringify(predicateType)},"bundle":${bundle}}`;
  });
  return `{"attestations":[${(await Promise.all(items)).join(',')}]}`;
}

function none(spec: string): ConfigError {
  return new ConfigError('ERR_NOT_FOUND', {
    message: `There are no attestations of ${JSON.stringify(spec.slice(0, 80))}`,
    hint: 'A version has them when it was published with provenance.',
    details: { what: `attestations of ${spec.slice(0, 80)}` },
  });
}
