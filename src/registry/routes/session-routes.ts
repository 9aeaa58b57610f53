/** Signing in and out for programs: JSON in, a token out, and no cookies. @module */
import { z } from 'zod';
import type { Authenticator } from '../../auth/authenticator.ts';
import type { Principal } from '../../auth/rights.ts';
import { ConfigError } from '../../errors/errors.ts';
import type { RegistryContext } from '../context.ts';
import { authorizationOf } from '../credentials.ts';
import { route, type Route } from '../route.ts';
import type { SessionCookies } from '../session-cookie.ts';
import { PLAIN_GRANT, SESSION, type IdentityServices } from './identity-shapes.ts';

const TAG = 'sign-in';
const CREDENTIALS = { user: z.string().meta({ example: 'ann' }), password: z.string() };
const CODE = z.string().optional().meta({
  description: 'Of the second factor, where the user has one: from the app, or a recovery code.',
  example: '123456',
});
const SIGNED_IN = { description: 'A session, for eight hours', schema: SESSION };

const WHOAMI = z
  .object({
    kind: z.enum(['owner', 'user', 'token', 'anonymous']),
    actor: z.string().meta({ description: 'As changes are signed: `ann`, `ann/ci`, `ann@loopback`.' }),
    user: z.string().nullable(),
    grants: z.array(PLAIN_GRANT),
    scope: z.array(PLAIN_GRANT).nullable(),
    readOnly: z.boolean(),
  })
  .meta({ id: 'Principal' });

export interface SessionServices extends IdentityServices {
  readonly identity: IdentityServices['identity'] & {
    readonly authenticator: Pick<Authenticator, 'signOut'>;
    readonly cookies: SessionCookies;
  };
}

export function sessionRoutes(services: SessionServices): readonly Route[] {
  return [...waysIn(services), ...whileIn(services)];
}

function waysIn({ identity: { signIns, addressOf } }: SessionServices): readonly Route[] {
  return [
    route({
      method: 'post',
      path: '/api/v1/login',
      tag: TAG,
      summary: 'Sign in with a name and a password',
      access: 'public',
      writes: false,
      isSecret: true,
      body: { ...CREDENTIALS, code: CODE },
      answers: { 200: SIGNED_IN },
      errors: ['ERR_UNAUTHENTICATED', 'ERR_OTP', 'ERR_RATE_LIMITED', 'ERR_BUSY'],
      handle: async ({ c, body: { user, password, code = null } }) =>
        c.json(await signIns.withPassword(user, password, addressOf(c.req.raw, c.env.peer), code)),
    }),
    route({
      method: 'post',
      path: '/api/v1/setup',
      tag: TAG,
      summary: 'Make the first administrator, with the secret of the setup link',
      access: 'public',
      isSecret: true,
      body: { secret: z.string(), ...CREDENTIALS },
      answers: { 201: SIGNED_IN },
      errors: ['ERR_UNAUTHENTICATED', 'ERR_FORBIDDEN', 'ERR_NAME', 'ERR_PASSWORD', 'ERR_RATE_LIMITED', 'ERR_BUSY'],
      handle: async ({ c, body: { secret, user, password } }) =>
        c.json(await signIns.withSetupLink(secret, user, password, addressOf(c.req.raw, c.env.peer)), 201),
    }),
  ];
}

function whileIn({ identity: { authenticator, cookies } }: SessionServices): readonly Route[] {
  return [
    route({
      method: 'post',
      path: '/api/v1/logout',
      tag: TAG,
      summary: 'End this session',
      access: 'signed-in',
      writes: false,
      answers: { 204: { description: 'The token is worth nothing any more' } },
      errors: ['ERR_BAD_REQUEST'],
      handle: async ({ c, principal }) => {
        if (principal.kind === 'owner') throw notSignedIn();
        await authenticator.signOut(credentialOf(c, cookies) ?? '');
        return c.body(null, 204);
      },
    }),
    route({
      method: 'get',
      path: '/api/v1/whoami',
      tag: TAG,
      summary: 'Who you are to the registry, and what you may do',
      access: 'signed-in',
      answers: { 200: { description: 'You', schema: WHOAMI } },
      handle: ({ c, principal }) => c.json(shown(principal)),
    }),
  ];
}

/** What was shown, as a header would show it; null: nothing. */
export function credentialOf({ req }: RegistryContext, cookies: SessionCookies): string | null {
  const header = authorizationOf(req.raw.headers);
  if (header !== null) return header;
  const session = cookies.sessionOf(req.raw);
  return session === null ? null : `Bearer ${session}`;
}

function shown({ kind, actor, user, grants, scope, readOnly }: Principal): z.infer<typeof WHOAMI> {
  const plain = (list: Principal['grants']) =>
    list.map(({ role, pattern, sections, needsApproval = false }) => ({
      role,
      pattern,
      sections: sections === null ? null : [...sections],
      ...(needsApproval ? { needsApproval } : {}),
    }));
  return { kind, actor, user, grants: plain(grants), scope: scope === null ? null : plain(scope), readOnly };
}

function notSignedIn(): ConfigError {
  return new ConfigError('ERR_BAD_REQUEST', {
    message: 'You never signed in: while there is no user, whoever runs the registry is let in',
    hint: 'Make the first administrator with the setup link.',
    details: { parameter: 'authorization' },
  });
}
