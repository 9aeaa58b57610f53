/** One line for each request: who asked for what, how it ended and how long it took. @module */
import type { Logger } from './logger.ts';
import { redact, redactQuery, redactText } from './redaction.ts';

export interface RequestFacts {
  readonly id: string;
  readonly method: string;
  /** As it came: a URL, or what follows its origin. */
  readonly url: string;
  readonly status: number;
  readonly duration_ms: number;
  /** Who asked; null while that is not known. */
  readonly user: string | null;
  /** Where the request came from; null without a connection. */
  readonly address: string | null;
}

/** What is logged of a request besides, where everything is. */
export interface RequestHeaders {
  readonly request: Headers;
  readonly response: Headers;
}

export type RequestLog = (facts: RequestFacts, headers?: RequestHeaders | null) => void;

const TARGET_MAX = 500;
const ID = /^[\w.-]{8,64}$/;

/**
 * @example
 * const log = requestLog(createLogger('registry'));
 * log({ id, method: 'GET', url: '/health', status: 200, duration_ms: 0.2, user: 'ann', address: '127.0.0.1' });
 */
export function requestLog(logger: Logger): RequestLog {
  return ({ id, method, url, status, duration_ms, user, address }, headers = null) => {
    const fields: Record<string, unknown> = {
      id,
      method,
      path: targetOf(url),
      status,
      duration_ms: Math.round(duration_ms * 1000) / 1000,
      user: user === null ? null : redactText(user),
      address,
    };
    if (headers !== null) {
      fields['request'] = redact(headers.request);
      fields['response'] = redact(headers.response);
    }
    // Every field is clean by now: copied once, not twice.
    logger.writeClean(status >= 500 ? 'error' : 'info', 'request', fields);
  };
}

/** The id that a proxy has given to the request, or a new one. */
export function requestIdOf(headers: Headers): string {
  const given = headers.get('x-request-id');
  return given !== null && ID.test(given) && redactText(given) === given ? given : crypto.randomUUID();
}

/** Path and query: cut, in printable ASCII, and without secrets. */
export function targetOf(url: string): string {
  const start = url.startsWith('/') ? 0 : url.indexOf('/', url.indexOf('://') + 3);
  const target = start === -1 ? '/' : url.slice(start);
  const query = target.indexOf('?');
  // First the secrets, then the cut: half a secret looks like none.
  const clean =
    query === -1 ? redactText(target) : `${redactText(target.slice(0, query))}?${redactQuery(target.slice(query + 1))}`;
  return clean.replace(/[^\x21-\x7e]/g, '?').slice(0, TARGET_MAX);
}
