/**
 * What all ways of signing in with a browser end in: a new session and a way on, or the page again with what was wrong.
 * @module
 */
import { z } from 'zod';
import { localPath, type OidcSignIn } from '../../auth/oidc.ts';
import { isConfigError, type AnyConfigError } from '../../errors/errors.ts';
import type { RegistryContext } from '../context.ts';
import type { OpenedIdentity } from '../open-identity.ts';
import { STATUS } from '../problem.ts';
import type { KeyServices } from '../routes/key-routes.ts';
import type { SessionServices } from '../routes/session-routes.ts';
import type { Session } from '../sign-ins.ts';
import { answerPage } from './layout.ts';
import { loginPage, type LoginPage } from './sign-in-page.ts';

export const TAG = 'pages';
export const HOME = '/_dashboard';
export const REDIRECT = { 303: { description: 'Signed in: go on there' } };
export const RETURN_TO = z.string().max(1024).optional();

export interface PageServices extends SessionServices {
  readonly identity: SessionServices['identity'] &
    KeyServices['identity'] &
    Pick<OpenedIdentity, 'identities' | 'users' | 'grants' | 'setupLink'> & {
      readonly oidc: { readonly issuer: string; readonly signIn: OidcSignIn } | null;
    };
}

/** Always a new session, whatever cookie was there before. */
export function enter(
  c: RegistryContext,
  services: PageServices,
  { token, expiresAt }: Session,
  returnTo: string,
): Response {
  const { cookies } = services.identity;
  setCookie(c, cookies.text({ name: cookies.name, value: token, expiresAt }));
  return c.redirect(ownPathOr(returnTo, HOME), 303);
}

export function setCookie(c: RegistryContext, text: string): void {
  c.header('set-cookie', text, { append: true });
}

interface Fault {
  readonly text: string;
  readonly status: 400 | 401 | 403 | 409 | 413 | 415 | 422 | 429 | 503;
}

export async function showLogin(
  c: RegistryContext,
  { identity: { identities, oidc } }: PageServices,
  { user = '', returnTo = HOME, asksCode = false }: Partial<Pick<LoginPage, 'user' | 'returnTo' | 'asksCode'>>,
  fault: Fault | null = null,
): Promise<Response> {
  const hasUsers = (await identities.fresh()).users.size > 0;
  const page = {
    user,
    returnTo: ownPathOr(returnTo, HOME),
    asksCode,
    fault: fault?.text ?? null,
    issuer: oidc?.issuer ?? null,
    hasUsers,
  };
  return await answerPage(c, 'Sign in', loginPage(page), fault?.status ?? 200);
}

/** For people: what is wrong and what to do. What is no ConfigError is a fault of ours, and goes on. */
export function asFault(error: unknown, refused: string): Fault {
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
