/**
 * npm's ways in and out: `npm login` and `npm adduser` with a name and a password (yarn's too), `npm logout`,
 * `npm whoami`, and who a user is. The document of a user is one of CouchDB's: clients read no more of it than is here.
 * @module
 */
import { z } from 'zod';
import type { Authenticator } from '../../auth/authenticator.ts';
import { may } from '../../auth/rights.ts';
import { hashOfSecret, parseTokenText } from '../../auth/token-text.ts';
import { ConfigError, isConfigError } from '../../errors/errors.ts';
import type { CodeChecks } from '../code-checks.ts';
import type { RegistryContext } from '../context.ts';
import type { IdentityOperations } from '../identity-operations.ts';
import { badRequest, parseOpenBody } from '../parse.ts';
import { route, type Route } from '../route.ts';
import { isSelf } from '../routes/identity-shapes.ts';
import {
  endToken,
  type Accounts,
  type AccountsOptions,
  type Credentials,
  type Entered,
  type From,
} from './accounts.ts';
import { PACKAGE_TAG } from './npm-params.ts';

const DOCUMENT = {
  document: z.string().meta({ description: '`org.couchdb.user:` and a name.', example: 'org.couchdb.user:ann' }),
};
const PREFIX = 'org.couchdb.user:';
const FIELDS = {
  name: z.string().optional(),
  password: z.string().optional(),
  email: z.string().nullable().optional(),
};
const ENTERED = {
  201: {
    description: 'A token, for 90 days',
    schema: z.object({ ok: z.string(), id: z.string(), rev: z.string(), token: z.string() }),
  },
};
const BASIC = /^basic +([A-Za-z0-9+/_-]+={0,2})$/i;

export interface AccountServices {
  readonly identity: AccountsOptions['identity'] & {
    readonly authenticator: Pick<Authenticator, 'signOut'>;
    readonly operations: IdentityOperations;
    readonly codes: Pick<CodeChecks, 'shown'>;
    readonly addressOf: (request: Request, peer: RegistryContext['env']['peer']) => string;
  };
  readonly accounts: Accounts;
}

export function accountRoutes(services: AccountServices): readonly Route[] {
  return [...waysIn(services), userRoute(services), whoamiRoute(), logoutRoute(services)];
}

function waysIn({ accounts, identity }: AccountServices): readonly Route[] {
  const common = { method: 'put', tag: PACKAGE_TAG, access: 'public', isSecret: true, takesAnyQuery: true } as const;
  return [
    route({
      ...common,
      path: '/-/user/:document',
      operationId: 'putNpmUser',
      summary: 'Sign in, as npm does (legacy)',
      description:
        'With an `email` it asks to register: that makes a user where registration is open; and, of whoever runs the ' +
        'registry before there is any user, the first administrator.',
      params: DOCUMENT,
      readsBody: FIELDS,
      answers: ENTERED,
      errors: [
        'ERR_NOT_FOUND',
        'ERR_CONTENT_TYPE',
        'ERR_UNAUTHENTICATED',
        'ERR_REVISION_CONFLICT',
        'ERR_NAME',
        'ERR_PASSWORD',
        'ERR_RATE_LIMITED',
        'ERR_BUSY',
      ],
      handle: async ({ c, params: { document } }) => {
        const { who, isNew } = await credentialsOf(c, document);
        const from = fromOf(c, identity);
        return answer(c, isNew ? await accounts.register(who, from) : await accounts.signIn(who, from));
      },
    }),
    route({
      ...common,
      path: '/-/user/:document/-rev/:rev',
      operationId: 'putNpmUserRevision',
      summary: 'Sign in, as npm does after a conflict',
      description: 'The name and the password are in the header `Authorization: Basic`.',
      params: { ...DOCUMENT, rev: z.string().meta({ example: '1-0' }) },
      answers: ENTERED,
      errors: ['ERR_NOT_FOUND', 'ERR_UNAUTHENTICATED', 'ERR_OTP', 'ERR_RATE_LIMITED', 'ERR_BUSY'],
      handle: async ({ c, params: { document } }) =>
        answer(c, await accounts.signIn(basicOf(c, nameOf(document)), fromOf(c, identity))),
    }),
  ];
}

function userRoute({ identity: { identities } }: AccountServices): Route {
  return route({
    method: 'get',
    path: '/-/user/:document',
    operationId: 'getNpmUser',
    tag: PACKAGE_TAG,
    summary: 'A user, as npm asks for one',
    description:
      'Whoever has not signed in hears the same of every name; an address is told to whoever may read the user.',
    access: 'public',
    takesAnyQuery: true,
    params: DOCUMENT,
    answers: {
      200: {
        description: 'The user',
        schema: z.object({ _id: z.string(), _rev: z.string(), name: z.string(), roles: z.array(z.string()) }),
      },
    },
    errors: ['ERR_NOT_FOUND'],
    handle: async ({ c, principal, params: { document } }) => {
      const name = nameOf(document);
      const shown = { _id: document, name, type: 'user', roles: [] };
      if (principal.user === null && principal.kind !== 'owner') return c.json({ ...shown, _rev: '1-0' });
      const user = (await identities.fresh()).users.get(name);
      if (user === undefined) throw noUser(name);
      const mayKnow = isSelf(principal, name) || may(principal, 'read', `user:${name}`);
      // Clients take any text for an address.
      const email = (mayKnow ? user.value.email : null) ?? '';
      return c.json({ ...shown, _rev: `${user.revision}-0`, email });
    },
  });
}

function whoamiRoute(): Route {
  return route({
    method: 'get',
    path: '/-/whoami',
    operationId: 'getNpmWhoami',
    tag: PACKAGE_TAG,
    summary: 'Who you are, as npm asks',
    access: 'signed-in',
    takesAnyQuery: true,
    answers: { 200: { description: 'Your name', schema: z.object({ username: z.string() }) } },
    handle: ({ c, principal: { user, actor } }) => c.json({ username: user ?? actor }),
  });
}

function logoutRoute(services: AccountServices): Route {
  return route({
    method: 'delete',
    path: '/-/user/token/:token',
    tag: PACKAGE_TAG,
    summary: 'Revoke a token, as npm logout does',
    description: 'Who has the token may end it. One that was ended before, or never was one, is answered like others.',
    access: 'public',
    // Ends what was let in, as signing out does: also while nothing else may change.
    writes: false,
    isSecret: true,
    takesAnyQuery: true,
    params: { token: z.string().meta({ description: 'The whole token.', example: 'c13_...' }) },
    answers: { 200: { description: 'It is worth nothing any more', schema: z.object({ ok: z.literal(true) }) } },
    handle: async ({ c, params: { token } }) => {
      await revoked(services, token);
      return c.json({ ok: true });
    },
  });
}

/** Where a request comes from, and what it shows of a second factor. */
export function fromOf(c: RegistryContext, { addressOf, codes }: AccountServices['identity']): From {
  const isOwner = c.get('principal').kind === 'owner';
  return { address: addressOf(c.req.raw, c.env.peer), shown: codes.shown(c), isOwner };
}

/** Ends it, if it is one. */
async function revoked({ identity }: AccountServices, text: string): Promise<void> {
  const { identities, operations, authenticator } = identity;
  if (!text.startsWith('c13_')) return await signedOut(authenticator, text);
  const parts = parseTokenText(text);
  const token = parts === null ? undefined : (await identities.fresh()).tokens.get(parts.id)?.value;
  if (parts !== null && token === undefined) return await signedOut(authenticator, text);
  if (parts === null || token === undefined || token.hash !== hashOfSecret(parts.secret)) return;
  await endToken(operations, parts.id, { actor: `${token.user}/${token.name}`, reason: 'npm logout' });
}

async function signedOut(authenticator: Pick<Authenticator, 'signOut'>, text: string): Promise<void> {
  try {
    await authenticator.signOut(`Bearer ${text}`);
  } catch (error) {
    if (!isConfigError(error) || error.code !== 'ERR_UNAUTHENTICATED') throw error;
  }
}

async function credentialsOf(c: RegistryContext, document: string): Promise<{ who: Credentials; isNew: boolean }> {
  const user = nameOf(document);
  const { known } = await parseOpenBody(c, FIELDS);
  const { name = user, password = '', email = null } = known;
  if (name !== user)
    throw badRequest('name', 'The name in the document is not the one in the address', 'Send one name.');
  return { who: { user, password }, isNew: email !== null && email !== '' };
}

/** Throws ERR_UNAUTHENTICATED for what is not of this user. */
function basicOf(c: RegistryContext, user: string): Credentials {
  const [, encoded = ''] = BASIC.exec(c.req.header('authorization') ?? '') ?? [];
  const text = Buffer.from(encoded, 'base64').toString();
  const end = text.indexOf(':');
  if (end > 0 && text.slice(0, end) === user) return { user, password: text.slice(end + 1) };
  throw new ConfigError('ERR_UNAUTHENTICATED', {
    message: 'The request does not say the password of the user whom it is about',
    hint: "Send the header 'Authorization: Basic ...' with the user's name and password.",
    details: { why: 'missing' },
  });
}

/** Of `org.couchdb.user:ann`. Throws ERR_NOT_FOUND. */
function nameOf(document: string): string {
  if (document.startsWith(PREFIX)) return document.slice(PREFIX.length);
  throw noUser(document);
}

function noUser(name: string): ConfigError {
  return new ConfigError('ERR_NOT_FOUND', {
    message: `There is no user ${JSON.stringify(name.slice(0, 80))}`,
    hint: 'Check the name; users are made with: c13 users create.',
    details: { what: `user ${name.slice(0, 80)}` },
  });
}

function answer(c: RegistryContext, { user, token, isNew }: Entered): Response {
  const ok = isNew ? `user '${user}' created` : `you are authenticated as '${user}'`;
  c.header('cache-control', 'no-store');
  return c.json({ ok, id: `${PREFIX}${user}`, rev: '1-0', token }, 201);
}
