/** The keys that sign packages: their public halves for everybody, and for administrators a new one. @module */
import { z } from 'zod';
import type { PackageKey } from '../../auth/signing.ts';
import { route, type Route } from '../route.ts';
import type { NpmServices } from './package-services.ts';
import { PACKAGE_TAG } from './npm-params.ts';

const CACHE = 'public, max-age=300';
const KEYS = z.object({
  keys: z.array(
    z.object({
      expires: z.string().nullable(),
      keyid: z.string(),
      keytype: z.string(),
      scheme: z.string(),
      key: z.string(),
    }),
  ),
});

export interface PackageKeyServices extends NpmServices {
  /** Of the registries that packages are taken from: what they signed is served as they did. */
  readonly keysElsewhere: () => Promise<readonly Omit<PackageKey, 'keytype' | 'scheme'>[]>;
}

export function packageKeyRoutes({ packages: { keys }, keysElsewhere }: PackageKeyServices): readonly Route[] {
  return [
    route({
      method: 'get',
      path: '/-/npm/v1/keys',
      tag: PACKAGE_TAG,
      summary: 'The keys with which clients check who signed a version',
      description: 'First those of this registry, then those of the registries that it takes packages from.',
      access: 'public',
      takesAnyQuery: true,
      answers: { 200: { description: 'Their public halves', schema: KEYS } },
      handle: async ({ c }) => {
        c.header('cache-control', CACHE);
        return c.json({ keys: [...keys.list(), ...(await keysElsewhere())] });
      },
    }),
    route({
      method: 'post',
      path: '/api/v1/keys/packages/rotate',
      tag: 'keys',
      asksCode: true,
      summary: 'Sign packages with a new key from now on',
      description: 'What the old ones signed stays good: their public halves stay in the list for ever.',
      access: () => [{ action: 'administer', stream: 'keys:packages' }],
      answers: { 200: { description: 'The keys, the new one first', schema: KEYS } },
      handle: ({ c }) => c.json({ keys: keys.rotate() }),
    }),
  ];
}
