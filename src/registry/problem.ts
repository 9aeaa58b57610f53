/**
 * Errors as answers: every code has one status, here. What is not a ConfigError is a fault of ours: it is logged with
 * an id, and the caller gets the id alone.
 * @module
 */
import { ConfigError, isConfigError, type AnyConfigError, type ErrorCode } from '../errors/errors.ts';

/** The status of each code. A new code does not compile before it has one. */
export const STATUS = {
  ERR_CONFIG_LENGTH: 400,
  ERR_CONFIG_INVALID: 422,
  ERR_RECORD_MAGIC: 400,
  ERR_RECORD_CHECKSUM: 400,
  ERR_RECORD_RESERVED: 400,
  ERR_FRAME: 400,
  ERR_HEADER: 400,
  ERR_OUT_OF_RANGE: 400,
  ERR_WRONG_TYPE: 400,
  ERR_UNKNOWN_FIELD: 400,
  ERR_UNKNOWN_FEATURE: 400,
  ERR_FEATURE_CONFLICT: 409,
  ERR_FEATURE_NAME: 400,
  ERR_UNKNOWN_TEMPLATE: 400,
  ERR_TEMPLATE_INVALID: 400,
  ERR_MIGRATION: 409,
  ERR_NAME: 400,
  ERR_ABI_MISMATCH: 500,
  ERR_CORE_MISSING: 500,
  ERR_CORE: 500,
  ERR_UNSUPPORTED: 501,
  ERR_NEEDS_BUN: 501,
  ERR_OUT_OF_MEMORY: 503,
  ERR_BOARD: 503,
  ERR_BOARD_FULL: 507,
  ERR_PTY: 500,
  ERR_CLOSED: 503,
  ERR_REVISION_CONFLICT: 409,
  ERR_JOURNAL_FOREIGN: 500,
  ERR_JOURNAL_DAMAGED: 500,
  ERR_JOURNAL_TOO_NEW: 500,
  ERR_JOURNAL_WRITE: 503,
  ERR_JOURNAL_ENTRY_TYPE: 500,
  ERR_REPLICA: 409,
  ERR_REDACT: 409,
  ERR_ENTRY_NOT_FOUND: 404,
  ERR_NOT_PERSISTENT: 409,
  ERR_BACKUP: 503,
  ERR_SETTING: 500,
  ERR_DATA_IN_USE: 409,
  ERR_BODY_TOO_LARGE: 413,
  ERR_BODY_TIMEOUT: 408,
  ERR_BODY_JSON: 400,
  ERR_DUPLICATE_KEY: 400,
  ERR_CONTENT_TYPE: 415,
  ERR_BAD_REQUEST: 400,
  ERR_NOT_FOUND: 404,
  ERR_METHOD: 405,
  ERR_PRECONDITION: 412,
  ERR_FORBIDDEN: 403,
  ERR_NOT_LOOPBACK: 403,
  ERR_ADDRESS_IN_USE: 409,
  ERR_REGISTRY_UNREACHABLE: 502,
  ERR_UPSTREAM: 502,
  ERR_USAGE: 400,
  ERR_UNAUTHENTICATED: 401,
  ERR_PASSWORD: 422,
  ERR_KEYS: 500,
  ERR_STORE: 503,
  ERR_OIDC: 403,
  ERR_RATE_LIMITED: 429,
  ERR_BUSY: 503,
  ERR_IDEMPOTENCY: 422,
  ERR_MAINTENANCE: 503,
  ERR_FLAG_INVALID: 422,
  ERR_CONTEXT: 400,
  ERR_IMPORT: 422,
  ERR_STREAM: 400,
  ERR_UPGRADE_REQUIRED: 426,
  ERR_REVISION_GONE: 410,
  ERR_APPROVAL_REQUIRED: 403,
  ERR_SELF_APPROVAL: 403,
  ERR_CHANGE_REQUEST_STATE: 409,
  ERR_PACKAGE_NAME: 400,
  ERR_PACKAGE_VERSION: 400,
  ERR_PACKAGE_INVALID: 422,
  ERR_PACKAGE_EXISTS: 409,
  ERR_PACKAGE_BLOCKED: 403,
  ERR_TARBALL: 422,
  ERR_INTEGRITY: 422,
  ERR_BLOB: 503,
  ERR_UPLINK: 502,
  ERR_OTP: 401,
  ERR_INTERNAL: 500,
} as const satisfies Record<ErrorCode, number>;

/** The body of an error's answer (RFC 9457), with ours beside the standard's members. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** What is wrong and where, one sentence. */
  readonly detail: string;
  readonly code: ErrorCode;
  /** What to do about it, one sentence. */
  readonly hint: string;
  readonly details: unknown;
  /** With 412: what is there instead of what was expected; null when there is no such config. */
  readonly current?: unknown;
}

/** Nobody knows how long a maintenance takes; asking once a minute costs neither side anything. */
const MAINTENANCE_RETRY_S = 60;
/** Characters of a message, and of what a caller sent, that an answer repeats. */
const MESSAGE_MAX = 2000;
const ECHO_MAX = 80;
/** The details that repeat what came from the caller. */
const ECHOED = [
  'feature',
  'template',
  'name',
  'field',
  'value',
  'found',
  'what',
  'parameter',
  'key',
  'setting',
  'package',
];

function shortened(details: object): object {
  return Object.fromEntries(
    Object.entries(details).map(([key, value]: [string, unknown]) => [
      key,
      typeof value === 'string' && ECHOED.includes(key) ? cut(value, ECHO_MAX) : value,
    ]),
  );
}

function cut(text: string, length: number): string {
  return text.slice(0, length).toWellFormed();
}

/** The same as npm's clients read it: of all of it, they show people `error`. */
export interface NpmProblem extends Problem {
  /** What is wrong, and what to do about it. */
  readonly error: string;
  /** The same, where npm reads that: when a workflow exchanges its identity token. */
  readonly message: string;
}

/** `current`, where given, makes a lost race a failed condition: 412, with what is there now. */
export function problemResponse(error: AnyConfigError, current?: unknown): Response {
  const problem = problemOf(error, current);
  const headers = refusalHeaders(error, problem.status, 'application/problem+json');
  if (problem.status === 401) headers.set('www-authenticate', 'Bearer realm="13-byte config"');
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

/**
 * The same for a client of npm's. It says what it wants to be shown for one-time passwords alone: where another scheme
 * is named, npm prints its own guess instead of what is wrong.
 */
export function npmProblemResponse(error: AnyConfigError): Response {
  const problem = problemOf(error);
  const headers = refusalHeaders(error, problem.status, 'application/json');
  if (error.code === 'ERR_OTP') headers.set('www-authenticate', 'OTP');
  const text = `${problem.detail.replace(/\.$/, '')}. ${problem.hint}`;
  const answer: NpmProblem = { error: text, message: text, ...problem };
  return new Response(JSON.stringify(answer), { status: problem.status, headers });
}

function problemOf(error: AnyConfigError, current?: unknown): Problem {
  return {
    type: `urn:13byte-config:error:${error.code}`,
    title: titleOf(error.code),
    status: current === undefined ? STATUS[error.code] : 412,
    detail: cut(error.message, MESSAGE_MAX),
    code: error.code,
    hint: error.hint,
    details: shortened(error.details),
    ...(current === undefined ? {} : { current }),
  };
}

function refusalHeaders(error: AnyConfigError, status: number, type: string): Headers {
  const headers = new Headers({ 'content-type': type, 'cache-control': 'no-store' });
  if (error.code === 'ERR_UPGRADE_REQUIRED') headers.set('upgrade', error.details.protocol);
  if (error.code === 'ERR_METHOD') headers.set('allow', error.details.allowed.join(', '));
  if (error.code === 'ERR_BUSY') headers.set('retry-after', '1');
  if (error.code === 'ERR_MAINTENANCE') headers.set('retry-after', String(MAINTENANCE_RETRY_S));
  if (error.code === 'ERR_RATE_LIMITED') headers.set('retry-after', String(error.details.retryAfter_s));
  // The rest of a refused body is never read, so the connection cannot carry another request.
  if (status === 408 || status === 413) headers.set('connection', 'close');
  return headers;
}

/** What a caller may know of any error; of one that is not ours, `log` gets the rest. */
export function asConfigError(error: unknown, log: (line: string) => void): AnyConfigError {
  if (isConfigError(error)) return error;
  const id = crypto.randomUUID();
  log(`error ${id}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return new ConfigError('ERR_INTERNAL', {
    message: `The registry failed to answer; its log has the cause under ${id}`,
    hint: 'Try again; if it stays, look for the id in the log of the registry.',
    details: { id },
  }) as AnyConfigError;
}

/** Of codes whose own words are no sentence. */
const TITLES: Readonly<Partial<Record<ErrorCode, string>>> = {
  ERR_CONFIG_LENGTH: 'Wrong length of a config',
  ERR_RECORD_MAGIC: 'Not a record',
  ERR_RECORD_CHECKSUM: 'Damaged record',
  ERR_RECORD_RESERVED: 'Reserved bytes of a record in use',
  ERR_FRAME: 'Damaged frame',
  ERR_HEADER: 'Invalid header',
  ERR_NAME: 'Invalid name',
  ERR_FEATURE_NAME: 'Invalid name of a feature',
  ERR_MIGRATION: 'Migration not possible',
  ERR_REPLICA: 'A replica takes no changes',
  ERR_REDACT: 'Erasing not possible',
  ERR_BACKUP: 'Backup not usable',
  ERR_SETTING: 'Invalid setting',
  ERR_BODY_JSON: 'Body is not JSON',
  ERR_CONTENT_TYPE: 'Unsupported content type',
  ERR_METHOD: 'Method not allowed',
  ERR_PRECONDITION: 'Precondition failed',
  ERR_NOT_LOOPBACK: 'Not from this machine',
  ERR_PTY: 'Terminal not usable',
  ERR_UPSTREAM: 'Upstream failed',
  ERR_USAGE: 'Wrong usage',
  ERR_PASSWORD: 'Password not accepted',
  ERR_KEYS: 'Keys not usable',
  ERR_STORE: 'Store not usable',
  ERR_OIDC: 'Sign-in at the provider failed',
  ERR_IDEMPOTENCY: 'Idempotency-Key used for another request',
  ERR_OTP: 'One-time password needed',
  ERR_INTERNAL: 'Internal error',
};

/** ERR_UNKNOWN_FEATURE: `Unknown feature` */
function titleOf(code: ErrorCode): string {
  const title = TITLES[code];
  if (title !== undefined) return title;
  const words = code.slice('ERR_'.length).toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
