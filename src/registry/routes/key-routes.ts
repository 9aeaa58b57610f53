/** The keys that sign sessions: for administrators, and their public halves for everybody. @module */
import { z } from 'zod';
import type { Keys } from '../../auth/keys.ts';
import { route, type Route } from '../route.ts';
import type { IdentityServices } from './identity-shapes.ts';

const PATH = '/api/v1/keys';
const TAG = 'keys';
const STREAM = 'keys:signing';
/** Who meets a key id that he does not know looks again; until then he may keep what he has. */
const JWKS_CACHE = 'public, max-age=300';

const LIST = z.object({ keys: z.array(z.object({ kid: z.string(), isSigning: z.boolean() })) });

export interface KeyServices extends IdentityServices {
  readonly identity: IdentityServices['identity'] & { readonly keys: Pick<Keys, 'jwks'> };
}

export function keyRoutes({ identity: { operations, keys } }: KeyServices): readonly Route[] {
  return [
    route({
      method: 'get',
      path: PATH,
      tag: TAG,
      summary: 'The keys whose signatures are good, the newest first',
      access: () => [{ action: 'read', stream: STREAM }],
      answers: { 200: { description: 'Their ids', schema: LIST } },
      handle: async ({ c }) => c.json({ keys: await operations.keys() }),
    }),
    route({
      method: 'post',
      path: `${PATH}/rotate`,
      tag: TAG,
      asksCode: true,
      summary: 'Sign with a new key from now on',
      description: 'What the old ones signed stays good until it expires (12 hours at most); then they are removed.',
      access: () => [{ action: 'administer', stream: STREAM }],
      answers: { 200: { description: 'The keys, the new one first', schema: LIST } },
      handle: async ({ c }) => c.json({ keys: await operations.rotateKeys() }),
    }),
    route({
      method: 'get',
      path: '/.well-known/jwks.json',
      tag: TAG,
      summary: 'The public halves of the keys (RFC 7517), for services that verify sessions themselves',
      access: 'public',
      answers: { 200: { description: 'A JWK Set', contentType: 'application/jwk-set+json' } },
      handle: async ({ c }) =>
        c.body(JSON.stringify(await keys.jwks()), 200, {
          'content-type': 'application/jwk-set+json',
          'cache-control': JWKS_CACHE,
        }),
    }),
  ];
}
