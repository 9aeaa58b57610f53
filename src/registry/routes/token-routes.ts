/**
 * API tokens: everybody's own, and for administrators those of all. A token makes and widens none, whatever it may
 * administer: it could make one that may do more than itself, or lives longer.
 * @module
 */
import { z } from 'zod';
import { may, requireRight, type Grant, type Principal } from '../../auth/rights.ts';
import { ConfigError } from '../../errors/errors.ts';
import { etagOf } from '../conditions.ts';
import type { TokenView } from '../identity-operations.ts';
import { TIME } from '../parse.ts';
import { route, type Route } from '../route.ts';
import {
  grantOf,
  isSelf,
  PAGE,
  REASON,
  requireOwn,
  SCOPE_GRANT,
  signed,
  TOKEN,
  type IdentityServices,
} from './identity-shapes.ts';
import { userOrNull } from './user-routes.ts';

const PATH = '/api/v1/tokens';
const ONE = `${PATH}/:id`;
const TAG = 'tokens';
const ALL = 'token:*';
const ID = { id: z.string().meta({ description: 'The id of a token: the part after `c13_`.' }) };
const NEW_TOKEN = {
  user: z.string().optional().meta({ description: 'Whose; your own when left out.' }),
  name: z.string().meta({ description: 'What it is for; changes are signed `ann/ci`.', example: 'ci' }),
  scope: z.array(SCOPE_GRANT).nullable().optional().meta({
    expected: 'a list of grants, or null',
    description: 'Limits what the user may do; null: not at all.',
  }),
  readOnly: z.boolean().optional(),
  isBrowser: z.boolean().optional().meta({
    description: 'For web pages and apps, where anybody may find it: it reads what is visible to clients alone.',
  }),
  cidrs: z
    .array(z.string())
    .nullable()
    .optional()
    .meta({
      expected: 'a list of networks, or null',
      description: 'The networks that it is taken from; null: any. It stays so.',
      example: ['10.0.0.0/8'],
    }),
  expiresAt: TIME.optional().meta({ description: 'Default: in 90 days. At most ten years from now.' }),
};

export function tokenRoutes(services: IdentityServices): readonly Route[] {
  return [...manyTokens(services), ...oneToken(services)];
}

function manyTokens({ identity: { operations } }: IdentityServices): readonly Route[] {
  return [
    route({
      method: 'get',
      path: PATH,
      tag: TAG,
      summary: 'Your tokens; for administrators all, or those of one user',
      access: 'signed-in',
      query: { user: z.string().optional(), ...PAGE },
      answers: {
        200: { description: 'A page', schema: z.object({ tokens: z.array(TOKEN), cursor: z.string().nullable() }) },
      },
      handle: async ({ c, principal, query: { user = everybodyOr(principal), ...page } }) => {
        if (user === undefined) requireRight(principal, 'read', ALL);
        else requireOwn(principal, user, 'read', ALL);
        const { items: tokens, cursor } = await operations.tokens({ user, ...page });
        return c.json({ tokens, cursor });
      },
    }),
    route({
      method: 'post',
      path: PATH,
      tag: TAG,
      asksCode: true,
      summary: 'Make a token',
      description:
        'Its secret is in this answer and nowhere else. It can never do more than its user, and goes with him.',
      access: 'signed-in',
      isSecret: true,
      body: { ...NEW_TOKEN, ...REASON },
      answers: { 201: { description: 'The token', schema: TOKEN.extend({ secret: z.string() }) } },
      errors: ['ERR_NOT_FOUND', 'ERR_WRONG_TYPE', 'ERR_OUT_OF_RANGE'],
      handle: async ({ c, principal, body: { reason, user = principal.user, ...fields } }) => {
        requireNoToken(principal);
        if (user === null) throw nobodys();
        requireOwn(principal, user, 'administer', ALL);
        const scope = scopeOf(fields.scope);
        const made = await operations.createToken({ ...fields, scope, user }, { actor: principal.actor, reason });
        c.header('etag', etagOf(made));
        return c.json(made, 201);
      },
    }),
  ];
}

function oneToken(services: IdentityServices): readonly Route[] {
  return [
    route({
      method: 'get',
      path: ONE,
      tag: TAG,
      summary: 'One token, without its secret',
      access: 'signed-in',
      params: ID,
      answers: { 200: { description: 'The token', schema: TOKEN } },
      errors: ['ERR_NOT_FOUND'],
      handle: async ({ c, principal, params: { id } }) => {
        const token = await ownToken(services, principal, id, 'read');
        c.header('etag', etagOf(token));
        return c.json(token);
      },
    }),
    ...tokenChanges(services),
  ];
}

function tokenChanges(services: IdentityServices): readonly Route[] {
  const { operations } = services.identity;
  return [
    route({
      method: 'patch',
      path: ONE,
      tag: TAG,
      asksCode: true,
      summary: 'Change what a token is called, and what it may do',
      access: 'signed-in',
      conditional: true,
      params: ID,
      body: { name: NEW_TOKEN.name.optional(), scope: NEW_TOKEN.scope, readOnly: NEW_TOKEN.readOnly, ...REASON },
      example: { readOnly: true },
      answers: { 200: { description: 'The token as it is now', schema: TOKEN } },
      errors: ['ERR_NOT_FOUND', 'ERR_WRONG_TYPE', 'ERR_REVISION_CONFLICT'],
      handle: async ({ c, principal, params: { id }, body: { reason, scope, ...fields } }) => {
        requireNoToken(principal);
        await ownToken(services, principal, id, 'administer');
        const write = await signed(c, { reason }, () => userOrNull(operations.token(id)));
        const token = await operations.updateToken(id, { ...fields, scope: scopeOf(scope) }, write);
        c.header('etag', etagOf(token));
        return c.json(token);
      },
    }),
    route({
      method: 'delete',
      path: ONE,
      tag: TAG,
      asksCode: true,
      summary: 'Revoke a token, from the next request on',
      access: 'signed-in',
      conditional: true,
      params: ID,
      answers: { 204: { description: 'It is worth nothing any more' } },
      errors: ['ERR_NOT_FOUND', 'ERR_REVISION_CONFLICT'],
      handle: async ({ c, principal, params: { id } }) => {
        await ownToken(services, principal, id, 'administer');
        await operations.deleteToken(id, await signed(c, {}, () => userOrNull(operations.token(id))));
        return c.body(null, 204);
      },
    }),
  ];
}

/** Throws ERR_FORBIDDEN, ERR_NOT_FOUND. Of what is not his, nobody learns whether it is there. */
async function ownToken(
  { identity: { operations } }: IdentityServices,
  principal: Principal,
  id: string,
  action: 'read' | 'administer',
): Promise<TokenView> {
  const token = await userOrNull(operations.token(id));
  if (token === null) requireRight(principal, action, `token:${id}`);
  else requireOwn(principal, token.user, action, `token:${id}`);
  return token ?? (await operations.token(id));
}

/** Throws ERR_FORBIDDEN. */
function requireNoToken({ kind, actor }: Principal): void {
  if (kind !== 'token') return;
  throw new ConfigError('ERR_FORBIDDEN', {
    message: `${actor} is a token, and a token makes no others and changes none: it could outlive and outdo itself`,
    hint: 'Sign in, and do it yourself.',
    details: { rule: 'rights' },
  });
}

type SentScope = readonly z.infer<typeof SCOPE_GRANT>[] | null | undefined;

function scopeOf(sent: SentScope): readonly Grant[] | null | undefined {
  return sent?.map(grantOf) ?? (sent as null | undefined);
}

/** Whose tokens are meant when nobody is named. */
function everybodyOr(principal: Principal): string | undefined {
  return isSelf(principal, principal.user ?? '') && !may(principal, 'read', ALL) ? principal.user! : undefined;
}

function nobodys(): ConfigError {
  return new ConfigError('ERR_BAD_REQUEST', {
    message: 'There is no user whose token it could be',
    hint: "Make the first administrator with the setup link, or name somebody as 'user'.",
    details: { parameter: 'user' },
  });
}
