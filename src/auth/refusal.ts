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

/** ERR_UNAUTHENTICATED with the reason in `details.why`, which must not leave the registry: see `tellable`. */
export function unauthenticated(why: Refusal, cause?: unknown): ConfigError<'ERR_UNAUTHENTICATED'> {
  return refusal(why, why === 'expired', cause);
}

/**
 * What a caller may hear of an error: one of ours without the reason, all others as they are.
 * @example if (isConfigError(error)) return problem(tellable(error));
 */
export function tellable(error: ConfigError): ConfigError {
  if (error.code !== 'ERR_UNAUTHENTICATED') return error;
  const isExpired = (error as ConfigError<'ERR_UNAUTHENTICATED'>).details.why === 'expired';
  return refusal(isExpired ? 'expired' : 'refused', isExpired);
}

function refusal(why: string, isExpired: boolean, cause?: unknown): ConfigError<'ERR_UNAUTHENTICATED'> {
  return new ConfigError('ERR_UNAUTHENTICATED', {
    message: isExpired ? 'These credentials have expired' : 'These credentials are not accepted',
    hint: isExpired ? 'Sign in again, or make a new token.' : 'Sign in, or send `Authorization: Bearer <token>`.',
    details: { why },
    cause,
  });
}
