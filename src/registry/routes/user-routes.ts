/** Users: who there is, and what each of them may do about himself. @module */
import { z } from 'zod';
import { requireRight } from '../../auth/rights.ts';
import { ConfigError, isConfigError } from '../../errors/errors.ts';
import { isPerson } from '../code-checks.ts';
import { etagOf } from '../conditions.ts';
import type { RegistryContext } from '../context.ts';
import { route, type Need, type Route } from '../route.ts';
import { PAGE, REASON, requireOwn, signed, USER, USER_FIELDS, type IdentityServices } from './identity-shapes.ts';

const PATH = '/api/v1/users';
const TAG = 'users';
const NAME = { name: z.string().meta({ description: 'The name of a user.', example: 'ann' }) };
const PASSWORD = z.string().meta({ description: '12 to 128 characters, not easy to guess.' });

interface Named {
  readonly params: { readonly name: string };
}

const administers = ({ params: { name } }: Named): readonly Need[] => [
  { action: 'administer', stream: streamOf(name) },
];

export function userRoutes(services: IdentityServices): readonly Route[] {
  return [...manyUsers(services), ...oneUser(services), ...ownRoutes(services), factorRoute(services)];
}

function manyUsers({ identity: { operations } }: IdentityServices): readonly Route[] {
  return [
    route({
      method: 'get',
      path: PATH,
      tag: TAG,
      summary: 'All users, by name',
      access: () => [{ action: 'read', stream: 'user:*' }],
      query: PAGE,
      answers: {
        200: { description: 'A page', schema: z.object({ users: z.array(USER), cursor: z.string().nullable() }) },
      },
      handle: async ({ c, query }) => {
        const { items: users, cursor } = await operations.users(query);
        return c.json({ users, cursor });
      },
    }),
    route({
      method: 'post',
      path: PATH,
      tag: TAG,
      summary: 'Make a user',
      description: 'He may do nothing until something is granted to him. The first user is made by the setup link.',
      access: () => [{ action: 'administer', stream: 'user:*' }],
      asksCode: true,
      isSecret: true,
      body: { name: z.string(), password: PASSWORD.nullable().optional(), ...USER_FIELDS, ...REASON },
      example: { name: 'bob', email: 'bob@example.com', password: 'four random words here' },
      answers: { 201: { description: 'The user', schema: USER } },
      errors: ['ERR_NAME', 'ERR_WRONG_TYPE', 'ERR_PASSWORD', 'ERR_BUSY', 'ERR_REVISION_CONFLICT'],
      handle: async ({ c, principal, body: { reason, ...fields } }) => {
        const made = await operations.createUser(fields, { actor: principal.actor, reason });
        return answerUser(c, made, 201);
      },
    }),
  ];
}

function oneUser({ identity: { operations } }: IdentityServices): readonly Route[] {
  const path = `${PATH}/:name`;
  return [
    route({
      method: 'get',
      path,
      tag: TAG,
      summary: 'One user',
      description: 'Anybody who signed in may see himself.',
      access: 'signed-in',
      params: NAME,
      answers: { 200: { description: 'The user', schema: USER } },
      errors: ['ERR_NOT_FOUND'],
      handle: async ({ c, principal, params: { name } }) => {
        requireOwn(principal, name, 'read', streamOf(name));
        return answerUser(c, await operations.user(name));
      },
    }),
    route({
      method: 'patch',
      path,
      tag: TAG,
      summary: 'Change a user',
      access: administers,
      asksCode: true,
      conditional: true,
      params: NAME,
      body: { ...USER_FIELDS, ...REASON },
      example: { displayName: 'Ann' },
      answers: { 200: { description: 'The user as it is now', schema: USER } },
      errors: ['ERR_NOT_FOUND', 'ERR_WRONG_TYPE', 'ERR_REVISION_CONFLICT'],
      handle: async ({ c, params: { name }, body: { reason, ...fields } }) => {
        const write = await signed(c, { reason }, () => userOrNull(operations.user(name)));
        return answerUser(c, await operations.updateUser(name, fields, write));
      },
    }),
    route({
      method: 'delete',
      path,
      tag: TAG,
      summary: 'Delete a user, with all his grants and tokens',
      access: administers,
      asksCode: true,
      conditional: true,
      params: NAME,
      answers: { 204: { description: 'He is gone' } },
      errors: ['ERR_NOT_FOUND', 'ERR_REVISION_CONFLICT'],
      handle: async ({ c, params: { name } }) => {
        await operations.deleteUser(name, await signed(c, {}, () => userOrNull(operations.user(name))));
        return c.body(null, 204);
      },
    }),
  ];
}

function ownRoutes({ identity: { operations, signIns, addressOf, codes } }: IdentityServices): readonly Route[] {
  return [
    route({
      method: 'put',
      path: `${PATH}/:name/password`,
      tag: TAG,
      summary: 'Set a password',
      description: 'Ends all sign-ins of the user. Who sets his own says the current one; an administrator need not.',
      access: 'signed-in',
      asksCode: 'itself',
      isSecret: true,
      params: NAME,
      body: {
        password: PASSWORD.nullable().meta({ expected: 'text, or null for none' }),
        current: z.string().optional().meta({ description: 'The password until now, where it is your own.' }),
        code: z.string().optional().meta({ description: 'Of your second factor, where you have one.' }),
        ...REASON,
      },
      answers: { 204: { description: 'It is set; sign in again' } },
      errors: ['ERR_NOT_FOUND', 'ERR_PASSWORD', 'ERR_OTP', 'ERR_BUSY', 'ERR_RATE_LIMITED'],
      handle: async ({ c, principal, params: { name }, body: { password, current, code, reason } }) => {
        const shown = codes.shown(c);
        const asked = { ...shown, code: code ?? shown.code };
        const isOwn = principal.user === name;
        // A client that signed him in has shown his password; a token for a program has not.
        if (!isOwn || !isPerson(principal)) requireRight(principal, 'administer', streamOf(name));
        if (isOwn) await confirm(signIns.confirmed(name, current ?? '', addressOf(c.req.raw, c.env.peer), asked));
        else await codes.requireForWrite(c, 'always', asked);
        await operations.setPassword(name, password, { actor: principal.actor, reason });
        return c.body(null, 204);
      },
    }),
    route({
      method: 'post',
      path: `${PATH}/:name/sign-out`,
      tag: TAG,
      summary: 'End all sign-ins of a user',
      description: 'API tokens stay: delete them, or disable the user.',
      access: 'signed-in',
      asksCode: true,
      params: NAME,
      body: REASON,
      answers: { 204: { description: 'They are ended' } },
      errors: ['ERR_NOT_FOUND'],
      handle: async ({ c, principal, params: { name }, body: { reason } }) => {
        requireOwn(principal, name, 'administer', streamOf(name));
        await operations.signOut(name, { actor: principal.actor, reason });
        return c.body(null, 204);
      },
    }),
  ];
}

/** For whoever has lost the app, and the recovery codes. */
function factorRoute({ identity: { operations, codes } }: IdentityServices): Route {
  return route({
    method: 'delete',
    path: `${PATH}/:name/second-factor`,
    tag: TAG,
    summary: 'Switch off the second factor of a user who has lost it',
    description:
      'Ends all his sign-ins; from then on the password is enough. Users do it themselves with their client.',
    access: administers,
    asksCode: 'always',
    params: NAME,
    body: REASON,
    answers: { 204: { description: 'He has none any more' } },
    errors: ['ERR_NOT_FOUND', 'ERR_RATE_LIMITED'],
    handle: async ({ c, principal, params: { name }, body: { reason } }) => {
      // Nobody's token takes his own away without it: his client does that.
      if (principal.user === name) await codes.require(name, codes.shown(c));
      await operations.resetSecondFactor(name, { actor: principal.actor, reason });
      return c.body(null, 204);
    },
  });
}

function answerUser(c: RegistryContext, user: { readonly revision: number }, status: 200 | 201 = 200): Response {
  c.header('etag', etagOf(user));
  return c.json(user, status);
}

export async function userOrNull<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found;
  } catch (error) {
    if (isConfigError(error) && error.code === 'ERR_NOT_FOUND') return null;
    throw error;
  }
}

/** He is known; what he does not know is a password. */
async function confirm(confirmed: Promise<unknown>): Promise<void> {
  try {
    await confirmed;
  } catch (error) {
    if (!isConfigError(error) || error.code !== 'ERR_UNAUTHENTICATED') throw error;
    throw new ConfigError('ERR_FORBIDDEN', {
      message: 'The current password is another one',
      hint: "Give it as 'current'; an administrator can set a new one without it.",
      details: { rule: 'current-password' },
    });
  }
}

function streamOf(name: string): string {
  return `user:${name}`;
}
