/**
 * `npm login` in a browser: the terminal is given two addresses, opens one and asks the other until a user who has
 * signed in with his browser has allowed it. What another site makes a browser send allows nothing.
 * @module
 */
import { z } from 'zod';
import type { Identities } from '../../auth/identities.ts';
import type { Principal } from '../../auth/rights.ts';
import { ConfigError } from '../../errors/errors.ts';
import type { RegistryContext } from '../context.ts';
import { readForm } from '../form.ts';
import { answerPage } from '../pages/layout.ts';
import { WEB_LOGIN_PATH, webLoginEndPage, webLoginNobodyPage, webLoginPage } from '../pages/web-login-page.ts';
import { parseOpenBody } from '../parse.ts';
import { route, type Route } from '../route.ts';
import type { SessionCookies } from '../session-cookie.ts';
import type { AccountServices } from './account-routes.ts';
import type { WebLogins } from './web-logins.ts';
import { PACKAGE_TAG } from './npm-params.ts';

const DONE_PATH = '/-/v1/done';
const RETRY_AFTER_S = '2';
const TICKET = z.string().max(64).optional();
const TITLE = 'Let a terminal sign in';
const PAGE = { 200: { description: 'A page', contentType: 'text/html' } };
/** Who may allow it is looked at in the routes: only what a browser has signed in with counts. */
const PAGE_TAG = 'pages';

export interface WebLoginServices extends AccountServices {
  readonly identity: AccountServices['identity'] & {
    readonly identities: Identities;
    readonly cookies: SessionCookies;
  };
  readonly webLogins: WebLogins;
  /** Where clients reach the registry. */
  readonly origin: () => string;
}

export function webLoginRoutes(services: WebLoginServices): readonly Route[] {
  return [beginRoute(services), doneRoute(services), pageRoute(services), allowRoute(services)];
}

function beginRoute({ accounts, webLogins, origin, identity }: WebLoginServices): Route {
  return route({
    method: 'post',
    path: '/-/v1/login',
    operationId: 'beginNpmLogin',
    tag: PACKAGE_TAG,
    summary: 'Begin to sign in with a browser, as npm does',
    description: 'Answers 404 where only a name and a password will do: clients then ask for them.',
    access: 'public',
    isSecret: true,
    takesAnyQuery: true,
    readsBody: { hostname: z.string().optional(), create: z.boolean().optional() },
    answers: {
      200: {
        description: 'The page to open, and where to ask whether it was allowed',
        schema: z.object({ loginUrl: z.string(), doneUrl: z.string() }),
      },
    },
    errors: ['ERR_NOT_FOUND', 'ERR_CONTENT_TYPE'],
    handle: async ({ c }) => {
      const { hostname, create } = (
        await parseOpenBody(c, { hostname: z.string().optional(), create: z.boolean().optional() })
      ).known;
      const hasUsers = (await identity.identities.fresh()).users.size > 0;
      // No page makes a user: in the terminal, npm asks for a name and a password then.
      if (!hasUsers || (create === true && accounts.isRegistrationOpen)) throw notHere();
      const countedBy = identity.addressOf(c.req.raw, c.env.peer);
      const { ticket, secret } = webLogins.begin({ address: c.get('address'), countedBy, hostname: hostname ?? null });
      c.header('cache-control', 'no-store');
      // In queries, which are in no log of ours.
      return c.json({
        loginUrl: `${origin()}${WEB_LOGIN_PATH}?ticket=${ticket}`,
        doneUrl: `${origin()}${DONE_PATH}?secret=${secret}`,
      });
    },
  });
}

function doneRoute({ accounts, webLogins, identity: { identities } }: WebLoginServices): Route {
  return route({
    method: 'get',
    path: DONE_PATH,
    operationId: 'finishNpmLogin',
    tag: PACKAGE_TAG,
    summary: 'Whether a sign-in was allowed: the token, once',
    access: 'public',
    isSecret: true,
    query: { secret: TICKET },
    answers: {
      200: { description: 'It was', schema: z.object({ token: z.string() }) },
      202: { description: 'Not yet: ask again after `Retry-After` seconds', schema: z.object({}) },
    },
    errors: ['ERR_NOT_FOUND'],
    handle: async ({ c, query: { secret = '' } }) => {
      c.header('cache-control', 'no-store');
      const allowed = webLogins.poll(secret);
      if (allowed === 'waiting') return c.json({}, 202, { 'retry-after': RETRY_AFTER_S });
      const user = allowed === null ? undefined : (await identities.fresh()).users.get(allowed.user)?.value;
      // Whoever was signed out everywhere since has not allowed it any more.
      if (allowed === null || user === undefined || user.isDisabled || user.epoch !== allowed.epoch) throw over();
      return c.json({ token: await accounts.tokenFor(allowed.user, 'npm login, in a browser') });
    },
  });
}

function pageRoute({ webLogins }: WebLoginServices): Route {
  return route({
    method: 'get',
    path: WEB_LOGIN_PATH,
    tag: PAGE_TAG,
    summary: 'Let a terminal sign in, with a browser',
    access: 'signed-in',
    query: { ticket: TICKET },
    answers: PAGE,
    handle: async ({ c, principal, query: { ticket = '' } }) => {
      const login = webLogins.find(ticket);
      if (login === null) return await answerPage(c, TITLE, webLoginEndPage(false), 404);
      const user = userOf(principal);
      if (user === null) return await answerPage(c, TITLE, webLoginNobodyPage(), 403);
      const isSameAddress = login.address !== null && login.address === c.get('address');
      return await answerPage(c, TITLE, webLoginPage({ ...login, ticket, user, isSameAddress }));
    },
  });
}

function allowRoute({ webLogins, identity }: WebLoginServices): Route {
  return route({
    method: 'post',
    path: WEB_LOGIN_PATH,
    tag: PAGE_TAG,
    summary: 'What the page for letting a terminal sign in sends',
    access: 'signed-in',
    isSecret: true,
    answers: PAGE,
    handle: async ({ c, principal }) => {
      identity.cookies.requireOwnPage(c.req.raw);
      const { ticket } = await readForm(c, ['ticket']);
      const user = userOf(principal);
      if (user === null) return await answerPage(c, TITLE, webLoginNobodyPage(), 403);
      const epoch = await epochOf(c, identity.identities, user);
      const isAllowed = webLogins.allow(ticket, { user, epoch });
      return await answerPage(c, TITLE, webLoginEndPage(isAllowed), isAllowed ? 200 : 404);
    },
  });
}

/** null for whoever runs the registry, and for a token: it makes no others. */
function userOf({ kind, user }: Principal): string | null {
  return kind === 'user' ? user : null;
}

/** After the form was read, which takes time: he is looked at once more. Errors: ERR_UNAUTHENTICATED. */
async function epochOf(c: RegistryContext, identities: Identities, user: string): Promise<number> {
  await c.get('admitAgain')?.();
  const { value } = (await identities.fresh()).users.get(user) ?? { value: { epoch: -1 } };
  return value.epoch;
}

function notHere(): ConfigError {
  return new ConfigError('ERR_NOT_FOUND', {
    message: 'Nobody can be let in with a browser here now',
    hint: 'Use a name and a password: npm login --auth-type=legacy, or npm adduser --auth-type=legacy.',
    details: { what: 'web login' },
  });
}

function over(): ConfigError {
  return new ConfigError('ERR_NOT_FOUND', {
    message: 'This sign-in is over: it took too long, or its token was fetched before',
    hint: 'Begin again: npm login.',
    details: { what: 'web login' },
  });
}
