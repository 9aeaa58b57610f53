/** To the OpenID Connect provider and back: who it vouches for is signed in, if he is a user here. @module */
import { oidcSubject, userForIdentity } from '../../auth/oidc-identity.ts';
import { route, type Route } from '../route.ts';
import { cookieOf } from '../session-cookie.ts';
import { asFault, enter, HOME, REDIRECT, RETURN_TO, setCookie, showLogin, TAG, type PageServices } from './entering.ts';
import { OIDC_CALLBACK_PATH, OIDC_START_PATH } from './sign-in-page.ts';

const OIDC_COOKIE = 'c13_oidc';

export function oidcRoutes(services: PageServices): readonly Route[] {
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
            known.map(({ key: name, value, revision }) => ({ ...value, name, revision })),
          );
          const linked = { oidcSubject: oidcSubject(identity) };
          const reason = `signed in with ${identity.issuer} for the first time`;
          // Of two that would be linked with him at once, one is.
          const write = { actor: user.name, reason, expected: user.revision };
          if (mustLink) await users.update(user.name, linked, write);
          return enter(c, services, await signIns.vouchedFor(user.name), returnTo);
        } catch (error) {
          return await showLogin(c, services, {}, asFault(error, 'You cannot sign in here now.'));
        }
      },
    }),
  ];
}
