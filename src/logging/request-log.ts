/** One line for each request: who asked for what, how it ended and how long it took. @module */
import { randomBytes } from 'node:crypto';
import type { ErrorCode } from '../errors/errors.ts';
import type { Logger } from './logger.ts';
import { redact, redactPath, redactQuery, redactText } from './redaction.ts';

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
  /** Why it was refused; undefined: it was not. */
  readonly code?: ErrorCode | undefined;
  /** Whether a status of 500 and above is what the operator wants, and no error. */
  readonly isMeant?: boolean;
}

/** What is logged of a request besides, where everything is. */
export interface RequestHeaders {
  readonly request: Headers;
  readonly response: Headers;
}

export type RequestLog = (facts: RequestFacts, headers?: RequestHeaders | null) => void;

const TARGET_MAX = 500;
const ID = /^[\w.-]{8,64}$/;
const REMEMBERED_MAX = 1000;
const PROCESS = randomBytes(8).toString('hex');
let requests = 0;

/**
 * @example
 * const log = requestLog(createLogger('registry'));
 * log({ id, method: 'GET', url: '/health', status: 200, duration_ms: 0.2, user: 'ann', address: '127.0.0.1' });
 */
export function requestLog(logger: Logger): RequestLog {
  const targets = new Remembered((url) => JSON.stringify(targetOf(url)));
  const users = new Remembered((user) => JSON.stringify(redactText(user)));
  return ({ id, method, url, status, duration_ms, user, address, code, isMeant = false }, headers = null) => {
    const level = status < 500 ? 'info' : isMeant ? 'warn' : 'error';
    // Ids, methods and addresses have no character that JSON would write otherwise.
    const fields =
      `"id":"${id}","method":"${method}","path":${targets.of(url)},"status":${status},` +
      `"duration_ms":${inMicroseconds(duration_ms)},"user":${user === null ? 'null' : users.of(user)},` +
      `"address":${address === null ? 'null' : `"${address}"`}${code === undefined ? '' : `,"code":"${code}"`}`;
    if (headers === null) return logger.writeClean(level, 'request', fields);
    const both = { request: redact(headers.request), response: redact(headers.response) };
    logger.writeClean(level, 'request', `${fields},${JSON.stringify(both).slice(1, -1)}`);
  };
}

/** What takes a look at every character is done once: most requests are like others. Holds a bounded number. */
class Remembered {
  readonly #make: (text: string) => string;
  readonly #made = new Map<string, string>();

  constructor(make: (text: string) => string) {
    this.#make = make;
  }

  of(text: string): string {
    const known = this.#made.get(text);
    if (known !== undefined) return known;
    const made = this.#make(text);
    if (this.#made.size >= REMEMBERED_MAX) this.#made.clear();
    if (text.length <= TARGET_MAX) this.#made.set(text, made);
    return made;
  }
}

const THOUSANDTHS = Array.from({ length: 1000 }, (_, part) => `.${String(part).padStart(3, '0')}`);

/** Milliseconds with three digits after the point: put together of whole numbers, which are texts sooner. */
function inMicroseconds(duration_ms: number): string {
  const duration_us = Math.round(duration_ms * 1000);
  return Math.floor(duration_us / 1000) + THOUSANDTHS[duration_us % 1000]!;
}

/** No two of one process are the same, and hardly two of several. */
function newId(): string {
  return `${PROCESS}-${++requests}`;
}

/** The id that a proxy has given to the request (`X-Request-Id`), or a new one. */
export function requestIdOf(given: string | null): string {
  return given !== null && ID.test(given) && redactText(given) === given ? given : newId();
}

/** Path and query: cut, in printable ASCII, and without secrets. */
export function targetOf(url: string): string {
  const start = url.startsWith('/') ? 0 : url.indexOf('/', url.indexOf('://') + 3);
  const target = start === -1 ? '/' : url.slice(start);
  const query = target.indexOf('?');
  // First the secrets, then the cut: half a secret looks like none.
  const clean =
    query === -1 ? redactPath(target) : `${redactPath(target.slice(0, query))}?${redactQuery(target.slice(query + 1))}`;
  return clean.replace(/[^\x21-\x7e]/g, '?').slice(0, TARGET_MAX);
}
