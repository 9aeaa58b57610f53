/**
 * Where a request says who makes it: in `Authorization: Bearer`, or in `X-API-Key`, which means the same and is what
 * some clients send. Looks at nothing but headers, and lets nobody in.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';

/** What a request says of who makes it; null: it has no such header. */
export interface Credentials {
  readonly authorization: string | null;
  /** `X-API-Key` */
  readonly key: string | null;
}

export function credentialsOf(headers: Headers): Credentials {
  return { authorization: headers.get('authorization'), key: headers.get('x-api-key') };
}

/**
 * What it says, as an Authorization header has it; null: nothing. Throws ERR_UNAUTHENTICATED where the two headers
 * differ: who checked one of them must not have let in the other.
 * @example authorizationOf(new Headers({ 'x-api-key': 'c13_...' })); // 'Bearer c13_...'
 */
export function authorizationOf(headers: Headers): string | null {
  const { authorization, key } = credentialsOf(headers);
  const plain = plainAuthorizationOf({ authorization, key });
  if (plain !== null || authorization === null) return plain;
  if (authorization.replace(/^bearer +/i, '') === key) return authorization;
  throw new ConfigError('ERR_UNAUTHENTICATED', {
    message: 'The headers Authorization and X-API-Key say different things of who makes the request',
    hint: 'Send one of them.',
    details: { why: 'scheme' },
  });
}

/** The same where one header at most says it; null where none does, or both do. */
export function plainAuthorizationOf({ authorization, key }: Credentials): string | null {
  if (key === null) return authorization;
  return authorization === null ? `Bearer ${key}` : null;
}
