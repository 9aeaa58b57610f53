/**
 * How somebody is turned away. Why is for the log; who asked hears one sentence for all of it, but for credentials that
 * were good once: what could have been told apart would tell a stranger how to go on.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';

/**
 * `password` stands for all of a failed sign-in: no such user, disabled, without a password, another password.
 * `expired` is said of credentials only that are genuine otherwise.
 */
export type Refusal = 'malformed' | 'unknown' | 'expired' | 'revoked' | 'disabled' | 'tampered' | 'password' | 'link';

const HINT = 'Sign in, or send `Authorization: Bearer <token>`.';
/** Where another hint tells a stranger no more: he knows himself what he has tried. */
const HINTS: Readonly<Record<string, string>> = {
  expired: 'Sign in again, or make a new token.',
  password: 'Check the name and the password; an administrator can set a new one.',
};

/** ERR_UNAUTHENTICATED with the reason in `details.why`, which must not leave the registry: see `tellable`. */
export function unauthenticated(why: Refusal, cause?: unknown): ConfigError<'ERR_UNAUTHENTICATED'> {
  return refusal(why, HINTS[why] ?? HINT, cause);
}

/**
 * What a caller may hear of an error: one of ours without the reason, all others as they are.
 * @example if (isConfigError(error)) return problem(tellable(error));
 */
export function tellable(error: ConfigError): ConfigError {
  if (error.code !== 'ERR_UNAUTHENTICATED') return error;
  const { why } = (error as ConfigError<'ERR_UNAUTHENTICATED'>).details;
  return refusal(why === 'expired' ? 'expired' : 'refused', HINTS[why] ?? HINT);
}

function refusal(why: string, hint: string, cause?: unknown): ConfigError<'ERR_UNAUTHENTICATED'> {
  return new ConfigError('ERR_UNAUTHENTICATED', {
    message: why === 'expired' ? 'These credentials have expired' : 'These credentials are not accepted',
    hint,
    details: { why },
    cause,
  });
}
