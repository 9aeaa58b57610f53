/**
 * The one error base of the project. Every failure a caller can meet has a stable `code`, says what is
 * wrong and where, and carries a `hint` that says what to do. Codes never change meaning: they are part of
 * the HTTP answers, the CLI's `--json` output and the library's contract.
 * @module
 */

/** What each code carries besides its message. A code is added here, once, and is then known everywhere. */
export interface ErrorDetails {
  // the 13 bytes and their forms
  ERR_CONFIG_LENGTH: { length: number; expected: number };
  ERR_CONFIG_INVALID: { issues: readonly { code: string; path: string; message: string }[] };
  ERR_RECORD_MAGIC: { found: string };
  ERR_RECORD_CHECKSUM: { found: string; computed: string };
  ERR_RECORD_RESERVED: { offset: number };
  ERR_FRAME: { fault: string };
  ERR_HEADER: { header: string; value: string };
  ERR_OUT_OF_RANGE: { field: string; value: unknown; min: number; max: number };
  ERR_WRONG_TYPE: { field: string; expected: string; found: string };
  ERR_UNKNOWN_FIELD: { field: string; known: readonly string[] };
  // features and templates
  ERR_UNKNOWN_FEATURE: { feature: string; known: readonly string[]; nearest: string | null };
  ERR_FEATURE_CONFLICT: { feature: string; bit: number; conflict: string };
  ERR_FEATURE_NAME: { feature: string };
  ERR_UNKNOWN_TEMPLATE: { template: string; known: readonly string[]; nearest: string | null };
  ERR_TEMPLATE_INVALID: { template: string };
  ERR_MIGRATION: { from: number; to: number };
  ERR_NAME: { name: string };
  // the core and the machine
  ERR_ABI_MISMATCH: { file: string; found: string; expected: string };
  ERR_CORE_MISSING: { tried: readonly string[] };
  ERR_CORE: { result: number };
  ERR_UNSUPPORTED: { what: string; platform: string };
  ERR_NEEDS_BUN: { what: string };
  ERR_OUT_OF_MEMORY: { size_bytes: number };
  ERR_BOARD: { path: string; fault: string };
  ERR_BOARD_FULL: { path: string; capacity: number };
  ERR_PTY: { fault: string; errno: number };
  ERR_CLOSED: { what: string };
  // the journal
  ERR_REVISION_CONFLICT: { stream: string; expected: number; actual: number };
  ERR_JOURNAL_FOREIGN: { path: string };
  ERR_JOURNAL_DAMAGED: { path: string; seq: number | null };
  ERR_JOURNAL_TOO_NEW: { path: string; version: number; supported: number };
  ERR_JOURNAL_WRITE: { path: string; sqlite: string };
  ERR_JOURNAL_ENTRY_TYPE: { seq: number; type: string };
  ERR_REPLICA: { path: string };
  ERR_REDACT: { seq: number };
  ERR_ENTRY_NOT_FOUND: { what: string };
  ERR_NOT_PERSISTENT: { what: string };
  ERR_BACKUP: { path: string };
  // the border
  ERR_SETTING: { setting: string; value: string };
  ERR_DATA_IN_USE: { path: string };
  ERR_BODY_TOO_LARGE: { limit_bytes: number };
  ERR_BODY_TIMEOUT: { limit_ms: number };
  ERR_BODY_JSON: { position: number | null };
  ERR_DUPLICATE_KEY: { key: string };
  ERR_CONTENT_TYPE: { found: string | null };
  ERR_BAD_REQUEST: { parameter: string };
  ERR_NOT_FOUND: { what: string };
  ERR_METHOD: { method: string; allowed: readonly string[] };
  ERR_PRECONDITION: { expected: string; actual: string };
  ERR_FORBIDDEN: { rule: string };
  ERR_NOT_LOOPBACK: { host: string };
  ERR_ADDRESS_IN_USE: { host: string; port: number };
  ERR_REGISTRY_UNREACHABLE: { url: string };
  ERR_UPSTREAM: { url: string; fault: string };
  ERR_USAGE: { argument: string };
  // identity, and how much of it
  ERR_UNAUTHENTICATED: { why: string };
  ERR_PASSWORD: { rule: string };
  ERR_KEYS: { path: string };
  ERR_STORE: { path: string; fault: string };
  ERR_OIDC: { fault: string };
  ERR_RATE_LIMITED: { policy: string; retryAfter_s: number };
  ERR_BUSY: { limit: number };
  ERR_IDEMPOTENCY: { fault: string };
  ERR_MAINTENANCE: { config: string };
  // flags, streams and change requests
  ERR_FLAG_INVALID: { flag: string; path: string; fault: string };
  ERR_CONTEXT: { path: string; fault: string };
  ERR_IMPORT: { format: string; fault: string };
  ERR_STREAM: { fault: string };
  ERR_UPGRADE_REQUIRED: { protocol: string };
  ERR_REVISION_GONE: { stream: string; revision: number };
  ERR_APPROVAL_REQUIRED: { stream: string };
  ERR_SELF_APPROVAL: { id: string };
  ERR_CHANGE_REQUEST_STATE: { id: string; state: string };
  // packages
  ERR_PACKAGE_NAME: { name: string; fault: string };
  ERR_PACKAGE_VERSION: { version: string };
  ERR_PACKAGE_INVALID: { package: string; path: string; fault: string };
  ERR_PACKAGE_EXISTS: { package: string; version: string };
  ERR_PACKAGE_BLOCKED: { package: string; version: string | null; filter: string };
  ERR_TARBALL: { package: string; fault: string };
  ERR_INTEGRITY: { what: string; expected: string; found: string };
  ERR_BLOB: { hash: string; fault: string };
  ERR_UPLINK: { uplink: string; package: string; fault: string };
  ERR_OTP: { why: 'missing' | 'wrong' };
  ERR_INTERNAL: { id: string };
}

export type ErrorCode = keyof ErrorDetails;

interface ErrorText<C extends ErrorCode> {
  /** What is wrong and where, one sentence. */
  message: string;
  /** What to do about it, one sentence. */
  hint: string;
  details: ErrorDetails[C];
  cause?: unknown;
}

/**
 * @example
 * try {
 *   config.enableFeature(name);
 * } catch (error) {
 *   if (isConfigError(error) && error.code === 'ERR_UNKNOWN_FEATURE') suggest(error.details.nearest);
 *   else throw error;
 * }
 */
export class ConfigError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name: string = 'ConfigError';
  readonly code: C;
  readonly hint: string;
  readonly details: ErrorDetails[C];

  constructor(code: C, { message, hint, details, cause }: ErrorText<C>) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.hint = hint;
    this.details = details;
  }

  /** The shape that crosses a border: HTTP, a worker, `--json`. Causes stay inside. */
  toJSON(): { code: C; message: string; hint: string; details: ErrorDetails[C] } {
    return { code: this.code, message: this.message, hint: this.hint, details: this.details };
  }
}

/** Narrow with `switch (error.code)`: each case knows its `details`. */
export type AnyConfigError = { [C in ErrorCode]: ConfigError<C> }[ErrorCode];

export function isConfigError(error: unknown): error is AnyConfigError {
  return error instanceof ConfigError;
}

/** Rebuilds an error that crossed a worker or HTTP border as data. */
export function configErrorFrom(data: ReturnType<ConfigError['toJSON']>): AnyConfigError {
  return new ConfigError(data.code, data) as AnyConfigError;
}
