/**
 * Signing in and out with a browser: forms, redirects and the session cookie. What another site could make a browser
 * send is refused before anything else is looked at: also a sign-in, for nobody should act as somebody else unknowing.
 * @module
 */
import { z } from 'zod';
import { oidcSubject, userForIdentity } from '../../auth/oidc-identity.ts';
import { localPath, type OidcSignIn } from '../../auth/oidc.ts';
import { ConfigError, isConfigError, type AnyConfigError } from '../../errors/errors.ts';
import type { RegistryContext } from '../context.ts';
import { readForm } from '../form.ts';
import { STATUS } from '../problem.ts';
import { route, type Route } from '../route.ts';
import type { KeyServices } from '../routes/key-routes.ts';
import { credentialOf, type SessionServices } from '../routes/session-routes.ts';
import { cookieOf } from '../session-cookie.ts';
import type { Session } from '../sign-ins.ts';
import type { OpenedIdentity } from '../open-identity.ts';
import { answerPage } from './layout.ts';
import {
  LOGIN_PATH,
  loginPage,
  OIDC_CALLBACK_PATH,
  OIDC_START_PATH,
  SETUP_PATH,
  setupPage,
  type LoginPage,
} from './sign-in-page.ts';

const TAG = 'pages';
const HOME = '/_dashboard';
const OIDC_COOKIE = 'c13_oidc';
const PAGE = { 200: { description: 'A page', contentType: 'text/html' } };
const REDIRECT = { 303: { description: 'Signed in: go on there' } };
const RETURN_TO = z.string().max(1024).optional();

export interface PageServices extends SessionServices {
  readonly identity: SessionServices['identity'] &
    KeyServices['identity'] &
    Pick<OpenedIdentity, 'identities' | 'users'> & {
      readonly oidc: { readonly issuer: string; readonly signIn: OidcSignIn } | null;
    };
}

export function signInRoutes(services: PageServices): readonly Route[] {
  return [...loginRoutes(services), ...setupRoutes(services), ...oidcRoutes(services)];
}

function loginRoutes(services: PageServices): readonly Route[] {
  const { signIns, addressOf, cookies, authenticator } = services.identity;
  return [
    route({
      method: 'get',
      path: LOGIN_PATH,
      tag: TAG,
      summary: 'Sign in, with a browser',
      access: 'public',
      query: { returnTo: RETURN_TO },
      answers: PAGE,
      handle: async ({ c, query: { returnTo = HOME } }) => await showLogin(c, services, { returnTo }),
    }),
    route({
      method: 'post',
      path: LOGIN_PATH,
      tag: TAG,
      summary: 'What the page for signing in sends',
      access: 'public',
      writes: false,
      isSecret: true,
      answers: REDIRECT,
      handle: async ({ c }) => {
        const { user, password, returnTo } = await readForm(c, ['user', 'password', 'returnTo']);
        try {
          cookies.requireOwnPage(c.req.raw);
          const session = await signIns.withPassword(user, password, addressOf(c.req.raw, c.env.peer));
          return enter(c, services, session, returnTo);
        } catch (error) {
          return await showLogin(c, services, { user, returnTo }, asFault(error, 'The name or the password is wrong.'));
        }
      },
    }),
    route({
      method: 'post',
      path: '/_dashboard/logout',
      tag: TAG,
      summary: 'What the button for signing out sends',
      access: 'public',
      writes: false,
      answers: { 303: { description: 'Signed out: to the page for signing in' } },
      handle: async ({ c }) => {
        cookies.requireOwnPage(c.req.raw);
        const credential = credentialOf(c, cookies);
        if (credential !== null && c.get('principal').kind === 'user') await authenticator.signOut(credential);
        setCookie(c, cookies.removal(cookies.name));
        return c.redirect(LOGIN_PATH, 303);
      },
    }),
  ];
}

function setupRoutes(services: PageServices): readonly Route[] {
  const { signIns, addressOf, cookies } = services.identity;
  return [
    route({
      method: 'get',
      path: SETUP_PATH,
      tag: TAG,
      summary: 'Make the first administrator, with a browser',
      access: 'public',
      query: { secret: z.string().max(64).optional() },
      answers: PAGE,
      handle: ({ c, query: { secret = '' } }) =>
        answerPage(c, 'The first administrator', setupPage({ secret, user: '', fault: null })),
    }),
    route({
      method: 'post',
      path: SETUP_PATH,
      tag: TAG,
      summary: 'What the page for the first administrator sends',
      access: 'public',
      isSecret: true,
      answers: REDIRECT,
      handle: async ({ c }) => {
        const { secret, user, password, again } = await readForm(c, ['secret', 'user', 'password', 'again']);
        try {
          cookies.requireOwnPage(c.req.raw);
          if (password !== again) throw notTheSame();
          const session = await signIns.withSetupLink(secret, user, password, addressOf(c.req.raw, c.env.peer));
          return enter(c, services, session, HOME);
        } catch (error) {
          const { text, status } = asFault(error, LINK_IS_OVER);
          return answerPage(c, 'The first administrator', setupPage({ secret, user, fault: text }), status);
        }
      },
    }),
  ];
}

const LINK_IS_OVER =
  'This link is not good: it was used, is older than a day, or a newer one was made. ' +
  'Whoever runs the registry makes another with: c13 setup-link';

function oidcRoutes(services: PageServices): readonly Route[] {
  const { signIns, cookies, identities, users, oidc } = services.identity;
  if (oidc === null) return [];
  const name = cookies.prefixed(OIDC_COOKIE);
  return [
    route({
      method: 'get',
      path: OIDC_START_PATH,
      tag: TAG,
      summary: 'Sign in with the OpenID Connect provider',
      access: 'public',
      query: { returnTo: RETURN_TO },
      answers: { 303: { description: 'To the provider' } },
      handle: async ({ c, query: { returnTo = HOME } }) => {
        try {
          const { url, cookie: value } = await oidc.signIn.begin(returnTo);
          setCookie(c, cookies.text({ name, value, expiresAt: null }));
          return c.redirect(url, 303);
        } catch (error) {
          return await showLogin(c, services, {}, asFault(error, ''));
        }
      },
    }),
    route({
      method: 'get',
      path: OIDC_CALLBACK_PATH,
      tag: TAG,
      summary: 'Where the provider sends the browser back to',
      access: 'public',
      takesAnyQuery: true,
      answers: REDIRECT,
      handle: async ({ c }) => {
        setCookie(c, cookies.removal(name));
        try {
          const { identity, returnTo } = await oidc.signIn.finish(c.req.url, cookieOf(c.req.raw.headers, name));
          const known = [...(await identities.fresh()).users.values()];
          const { user, mustLink } = userForIdentity(
            identity,
            known.map(({ key, value }) => ({ ...value, name: key })),
          );
          const linked = { oidcSubject: oidcSubject(identity) };
          const write = { actor: user.name, reason: `signed in with ${identity.issuer} for the first time` };
          if (mustLink) await users.update(user.name, linked, write);
          return enter(c, services, await signIns.vouchedFor(user.name), returnTo);
        } catch (error) {
          return await showLogin(c, services, {}, asFault(error, 'You cannot sign in here now.'));
        }
      },
    }),
  ];
}

/** Always a new session, whatever cookie was there before. */
function enter(c: RegistryContext, services: PageServices, { token, expiresAt }: Session, returnTo: string): Response {
  const { cookies } = services.identity;
  setCookie(c, cookies.text({ name: cookies.name, value: token, expiresAt }));
  return c.redirect(ownPathOr(returnTo, HOME), 303);
}

function setCookie(c: RegistryContext, text: string): void {
  c.header('set-cookie', text, { append: true });
}

interface Fault {
  readonly text: string;
  readonly status: 400 | 401 | 403 | 409 | 413 | 415 | 422 | 429 | 503;
}

async function showLogin(
  c: RegistryContext,
  { identity: { identities, oidc } }: PageServices,
  { user = '', returnTo = HOME }: Partial<Pick<LoginPage, 'user' | 'returnTo'>>,
  fault: Fault | null = null,
): Promise<Response> {
  const hasUsers = (await identities.fresh()).users.size > 0;
  const page = {
    user,
    returnTo: ownPathOr(returnTo, HOME),
    fault: fault?.text ?? null,
    issuer: oidc?.issuer ?? null,
    hasUsers,
  };
  return await answerPage(c, 'Sign in', loginPage(page), fault?.status ?? 200);
}

/** For people: what is wrong and what to do. What is no ConfigError is a fault of ours, and goes on. */
function asFault(error: unknown, refused: string): Fault {
  if (!isConfigError(error) || STATUS[error.code] === 500) throw error;
  const text = error.code === 'ERR_UNAUTHENTICATED' ? refused : sentences(error);
  return { text, status: STATUS[error.code] as Fault['status'] };
}

function sentences({ message, hint }: AnyConfigError): string {
  return `${message.replace(/\.$/, '')}. ${hint}`;
}

function ownPathOr(path: string, other: string): string {
  try {
    return localPath(path);
  } catch (error) {
    if (!isConfigError(error)) throw error;
    return other;
  }
}

function notTheSame(): ConfigError {
  return new ConfigError('ERR_PASSWORD', {
    message: 'The two passwords are not the same',
    hint: 'Type the same one twice.',
    details: { rule: 'again' },
  });
}
