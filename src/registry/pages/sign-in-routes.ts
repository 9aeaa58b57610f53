/**
 * Signing in and out with a browser: forms, redirects and the session cookie. What another site could make a browser
 * send is refused before anything else is looked at: also a sign-in, for nobody should act as somebody else unknowing.
 * @module
 */
import { z } from 'zod';
import { ConfigError, isConfigError } from '../../errors/errors.ts';
import { readForm } from '../form.ts';
import { route, type Route } from '../route.ts';
import { credentialOf } from '../routes/session-routes.ts';
import { asFault, enter, HOME, REDIRECT, RETURN_TO, setCookie, showLogin, TAG, type PageServices } from './entering.ts';
import { answerPage } from './layout.ts';
import { oidcRoutes } from './oidc-routes.ts';
import { LOGIN_PATH, noSetupPage, SETUP_PATH, setupPage } from './sign-in-page.ts';

const PAGE = { 200: { description: 'A page', contentType: 'text/html' } };

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
        const { user, password, returnTo, code } = await readForm(c, ['user', 'password', 'returnTo', 'code']);
        try {
          cookies.requireOwnPage(c.req.raw);
          const address = addressOf(c.req.raw, c.env.peer);
          return enter(c, services, await signIns.withPassword(user, password, address, code || null), returnTo);
        } catch (error) {
          const asksCode = code !== '' || isCodeMissing(error);
          const fault = isCodeMissing(error)
            ? { text: 'Type your password again, and the code of your app or a recovery code.', status: 401 as const }
            : asFault(error, 'The name or the password is wrong.');
          return await showLogin(c, services, { user, returnTo, asksCode }, fault);
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
  const { signIns, addressOf, cookies, identities } = services.identity;
  return [
    route({
      method: 'get',
      path: SETUP_PATH,
      tag: TAG,
      summary: 'Make the first administrator, with a browser',
      access: 'public',
      query: { secret: z.string().max(64).optional() },
      answers: PAGE,
      handle: async ({ c, query: { secret = '' } }) => {
        const hasUsers = (await identities.fresh()).users.size > 0;
        const canBegin = !hasUsers && secret !== '';
        const page = canBegin ? setupPage({ secret, user: '', fault: null }) : noSetupPage(hasUsers);
        return await answerPage(c, 'The first administrator', page);
      },
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

/** He knows the password, and has a second factor. */
function isCodeMissing(error: unknown): boolean {
  return isConfigError(error) && error.code === 'ERR_OTP' && error.details.why === 'missing';
}

const LINK_IS_OVER =
  'This link is not good: it was used, is older than a day, or a newer one was made. ' +
  'Whoever runs the registry makes another with: c13 setup-link';

function notTheSame(): ConfigError {
  return new ConfigError('ERR_PASSWORD', {
    message: 'The two passwords are not the same',
    hint: 'Type the same one twice.',
    details: { rule: 'again' },
  });
}
