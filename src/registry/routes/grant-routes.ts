/** Grants: who has which role over what. @module */
import { z } from 'zod';
import { etagOf } from '../conditions.ts';
import { route, type Need, type Route } from '../route.ts';
import {
  GRANT,
  GRANT_CHANGES,
  grantOf,
  HELD_GRANT_FIELDS,
  PAGE,
  REASON,
  signed,
  type IdentityServices,
} from './identity-shapes.ts';
import { userOrNull } from './user-routes.ts';

const PATH = '/api/v1/grants';
const TAG = 'grants';
const ID = { id: z.string().meta({ description: 'The id of a grant.' }) };

interface Identified {
  readonly params: { readonly id: string };
}

const reads = ({ params: { id } }: Identified): readonly Need[] => [{ action: 'read', stream: `grant:${id}` }];
const administers = ({ params: { id } }: Identified): readonly Need[] => [
  { action: 'administer', stream: `grant:${id}` },
];

export function grantRoutes(services: IdentityServices): readonly Route[] {
  return [...manyGrants(services), ...oneGrant(services)];
}

function manyGrants({ identity: { operations } }: IdentityServices): readonly Route[] {
  return [
    route({
      method: 'get',
      path: PATH,
      tag: TAG,
      summary: 'All grants, or those of one user',
      access: () => [{ action: 'read', stream: 'grant:*' }],
      query: { user: z.string().optional(), ...PAGE },
      answers: {
        200: { description: 'A page', schema: z.object({ grants: z.array(GRANT), cursor: z.string().nullable() }) },
      },
      handle: async ({ c, query }) => {
        const { items: grants, cursor } = await operations.grants(query);
        return c.json({ grants, cursor });
      },
    }),
    route({
      method: 'post',
      path: PATH,
      tag: TAG,
      asksCode: true,
      summary: 'Grant a role',
      access: () => [{ action: 'administer', stream: 'grant:*' }],
      body: { ...HELD_GRANT_FIELDS, ...REASON },
      example: { user: 'anonymous', role: 'viewer', pattern: 'config:checkout/*' },
      answers: { 201: { description: 'The grant', schema: GRANT } },
      errors: ['ERR_NOT_FOUND', 'ERR_WRONG_TYPE', 'ERR_OUT_OF_RANGE'],
      handle: async ({ c, principal, body: { reason, user, ...grant } }) => {
        const made = await operations.createGrant({ user, ...grantOf(grant) }, { actor: principal.actor, reason });
        c.header('etag', etagOf(made));
        return c.json(made, 201);
      },
    }),
  ];
}

function oneGrant({ identity: { operations } }: IdentityServices): readonly Route[] {
  const path = `${PATH}/:id`;
  return [
    route({
      method: 'get',
      path,
      tag: TAG,
      summary: 'One grant',
      access: reads,
      params: ID,
      answers: { 200: { description: 'The grant', schema: GRANT } },
      errors: ['ERR_NOT_FOUND'],
      handle: async ({ c, params: { id } }) => {
        const grant = await operations.grant(id);
        c.header('etag', etagOf(grant));
        return c.json(grant);
      },
    }),
    route({
      method: 'patch',
      path,
      tag: TAG,
      asksCode: true,
      summary: 'Change a grant; its holder stays',
      access: administers,
      conditional: true,
      params: ID,
      body: { ...GRANT_CHANGES, ...REASON },
      answers: { 200: { description: 'The grant as it is now', schema: GRANT } },
      errors: ['ERR_NOT_FOUND', 'ERR_WRONG_TYPE', 'ERR_REVISION_CONFLICT'],
      handle: async ({ c, params: { id }, body: { reason, ...fields } }) => {
        const write = await signed(c, { reason }, () => userOrNull(operations.grant(id)));
        const grant = await operations.updateGrant(id, fields, write);
        c.header('etag', etagOf(grant));
        return c.json(grant);
      },
    }),
    route({
      method: 'delete',
      path,
      tag: TAG,
      asksCode: true,
      summary: 'Take a grant away',
      access: administers,
      conditional: true,
      params: ID,
      answers: { 204: { description: 'It is gone' } },
      errors: ['ERR_NOT_FOUND', 'ERR_REVISION_CONFLICT'],
      handle: async ({ c, params: { id } }) => {
        await operations.deleteGrant(id, await signed(c, {}, () => userOrNull(operations.grant(id))));
        return c.body(null, 204);
      },
    }),
  ];
}
