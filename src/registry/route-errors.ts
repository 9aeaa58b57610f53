/**
 * Which errors a route can answer, with which status: what every route can, what follows from what it takes, and what
 * it says of itself. The description lists them, and the tests hold every refusal against it.
 * @module
 */
import type { ErrorCode } from '../errors/errors.ts';
import { takesKey } from './idempotency.ts';
import { STATUS } from './problem.ts';
import type { Route } from './route.ts';

/** Of any request: a parameter or header that is wrong, too many at once, a registry that stops or is not well. */
const ANY: readonly ErrorCode[] = [
  'ERR_BAD_REQUEST',
  'ERR_HEADER',
  'ERR_RATE_LIMITED',
  'ERR_BUSY',
  'ERR_CLOSED',
  'ERR_STORE',
  'ERR_INTERNAL',
  'ERR_JOURNAL_DAMAGED',
];
const WITH_RIGHTS: readonly ErrorCode[] = ['ERR_UNAUTHENTICATED', 'ERR_FORBIDDEN'];
/** Of JSON that the route reads itself; some take it under any type, and let fields through that they do not know. */
const WITH_JSON: readonly ErrorCode[] = [
  'ERR_BODY_TOO_LARGE',
  'ERR_BODY_TIMEOUT',
  'ERR_BODY_JSON',
  'ERR_DUPLICATE_KEY',
  'ERR_WRONG_TYPE',
];
const WITH_BODY: readonly ErrorCode[] = [...WITH_JSON, 'ERR_CONTENT_TYPE', 'ERR_UNKNOWN_FIELD'];
const WITH_KEY: readonly ErrorCode[] = ['ERR_IDEMPOTENCY', 'ERR_BODY_TOO_LARGE', 'ERR_BODY_TIMEOUT'];
/** A reason that no entry can hold, and a journal or a board that takes none. */
const WRITING: readonly ErrorCode[] = [
  'ERR_NAME',
  'ERR_OUT_OF_RANGE',
  'ERR_MAINTENANCE',
  'ERR_JOURNAL_WRITE',
  'ERR_REPLICA',
  'ERR_BOARD',
  'ERR_BOARD_FULL',
];
const UNDER_CONDITION: readonly ErrorCode[] = ['ERR_PRECONDITION', 'ERR_REVISION_CONFLICT'];
/** A condition of the request that does not hold, instead of the code's own status. */
const UNMET = 412;

/** Codes by status, both ascending. */
export function errorsOf(route: Route): ReadonlyMap<number, readonly ErrorCode[]> {
  const codes = new Set<ErrorCode>([
    ...ANY,
    ...(route.access === 'public' ? [] : WITH_RIGHTS),
    ...(route.isBeta === true ? (['ERR_NOT_FOUND'] as const) : []),
    ...(route.params === undefined ? [] : (['ERR_NAME'] as const)),
    ...(route.body === undefined ? [] : WITH_BODY),
    ...((route.asksCode ?? false) !== false ? (['ERR_OTP'] as const) : []),
    ...(route.readsBody === undefined ? [] : WITH_JSON),
    ...(route.method === 'get' ? [] : WITH_KEY),
    ...(route.writes === false ? [] : WRITING),
    ...(route.conditional ? UNDER_CONDITION : []),
    ...(route.errors ?? []),
  ]);
  const byStatus = new Map<number, ErrorCode[]>();
  const add = (status: number, code: ErrorCode) => byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  for (const code of [...codes].toSorted()) add(STATUS[code], code);
  if (route.conditional) for (const code of UNDER_CONDITION) if (STATUS[code] !== UNMET) add(UNMET, code);
  return new Map([...byStatus].toSorted(([a], [b]) => a - b));
}

/** What of a request's headers a route looks at, besides who asks. */
export function headersOf(route: Route): {
  readonly ifMatch: boolean;
  readonly ifNoneMatch: boolean;
  readonly key: boolean;
} {
  const isCached = route.answers[304] !== undefined;
  return { ifMatch: route.conditional, ifNoneMatch: route.conditional || isCached, key: takesKey(route) };
}
