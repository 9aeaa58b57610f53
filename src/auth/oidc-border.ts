/**
 * What passes between us and an OpenID Connect provider: requests that go nowhere they should not, answers that are not
 * endless, and every way to fail as an ERR_OIDC that says which, without repeating what a stranger has written.
 * @module
 */
import {
  AuthorizationResponseError,
  ClientError,
  type CustomFetchOptions,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client';
import { type AnyConfigError, ConfigError, isConfigError } from '../errors/errors.ts';

const ANSWER_BYTES_MAX = 1024 * 1024;

const FAULTS = {
  cookie: ['The sign-in was not begun in this browser, or too long ago', 'Begin again, and let cookies be kept.'],
  provider: ['The provider did not sign you in', 'Try again, or ask whoever runs the provider.'],
  code: ['The provider did not accept the code that it gave', 'Begin again: a code is good for one use.'],
  client: ['The provider does not accept what this registry shows it', 'Have the client id and its secret checked.'],
  'id-token': ['The provider says something that is not meant for us, or not now', 'Begin again.'],
  answer: ['The answer is not one that the provider would give to what we asked', 'Begin again, from our own page.'],
  unreachable: ['The provider does not answer', 'Try again later, or sign in with a password.'],
  subject: ['The provider does not say who you are in a way that can be kept', 'Ask whoever runs the provider.'],
  'no-user': [
    'Nobody here has your email address, or the provider has not verified it',
    'Ask an administrator to make a user with that address.',
  ],
  ambiguous: ['Several users here have your email address', 'Ask an administrator to leave it to one of them.'],
  disabled: ['Your user is disabled', 'Ask an administrator.'],
} as const;

export type OidcFault = keyof typeof FAULTS;

export function oidcFault(fault: OidcFault, cause?: unknown, more = ''): ConfigError {
  const [message, hint] = FAULTS[fault];
  return new ConfigError('ERR_OIDC', { message: message + more, hint, details: { fault }, cause });
}

/** What openid-client threw, in our words. What it did not throw stays as it is. */
export function oidcError(error: unknown): AnyConfigError | Error {
  if (isConfigError(error)) return error;
  if (error instanceof AuthorizationResponseError) return oidcFault('provider', error, known(error.error));
  if (error instanceof WWWAuthenticateChallengeError) return oidcFault('client', error);
  if (error instanceof ResponseBodyError) {
    return oidcFault(error.error === 'invalid_client' ? 'client' : 'code', error, known(error.error));
  }
  if (error instanceof ClientError)
    return isConfigError(error.cause) ? error.cause : oidcFault(faultOf(error.code), error);
  return error as Error;
}

/** Whether we may be sent there: https, or a provider on this machine. */
export function isReachable({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname));
}

/** Follows nobody elsewhere, and does not read on for ever. */
export async function guardedFetch(url: string, options: CustomFetchOptions): Promise<Response> {
  if (!isReachable(new URL(url))) throw oidcFault('answer');
  const answer = await reached(url, options);
  const { status, headers } = answer;
  const bytes = await readAtMost(answer, ANSWER_BYTES_MAX);
  return new Response(bytes.size === 0 ? null : bytes, { status, headers });
}

async function reached(url: string, options: CustomFetchOptions): Promise<Response> {
  try {
    return await fetch(url, options as RequestInit);
  } catch (cause) {
    throw oidcFault('unreachable', cause);
  }
}

async function readAtMost({ body }: Response, limit: number): Promise<Blob> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const part of body ?? []) {
    size += part.length;
    if (size > limit) throw oidcFault('answer');
    parts.push(part);
  }
  return new Blob(parts);
}

function faultOf(code: string | undefined): OidcFault {
  if (code === 'OAUTH_TIMEOUT' || code === 'OAUTH_RESPONSE_IS_NOT_CONFORM') return 'unreachable';
  const isAboutToken = code === 'OAUTH_JWT_CLAIM_COMPARISON_FAILED' || code === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED';
  return isAboutToken ? 'id-token' : 'answer';
}

/** The codes of RFC 6749 and OpenID Connect; the description beside them is anybody's text. */
function known(error: string): string {
  return /^[a-z_]{1,40}$/.test(error) ? ` (${error})` : '';
}
