/**
 * What must never be written down: values under a secret's name, and texts that look like our tokens, whatever their
 * name. Works on copies, follows whatever it is given to the end, and never throws: a line of the log must not be what
 * fails a request.
 * @module
 */

export const REDACTED = '[redacted]';

/** A name with one of these words in it is a secret's: `x-api-key`, `clientSecret`, `refresh_token`. */
const SECRET_WORDS = new Set(
  (
    'authorization cookie cookies credential credentials jwt key keys otp passphrase passwd password passwords ' +
    'pwd secret secrets token tokens'
  ).split(' '),
);
/** Written together: `apikey`, `accesstoken`, `setcookie`. */
const SECRET_ENDING =
  /(?:authorization|cookies?|credentials?|password|passwd|passphrase|secret|token|apikey|privatekey)$/;
/** In the query of a URL these are secrets too: a sign-in passes them along. */
const SECRET_PARAMETERS = new Set(['code', 'state', 'nonce', 'code_verifier', 'ticket', 'sig', 'signature']);

const DEPTH_MAX = 12;
const ITEMS_MAX = 1000;
/** URLs in the queries of URLs. */
const NESTING_MAX = 4;
/** What is longer is cut: a line of the log is no place for it. */
const TEXT_MAX = 16 * 1024;

/** Most texts hold nothing of the kind, and these tell so in one go. */
const MARK = /c13_|whsec_|eyJ|-----BEGIN|[?@]|\b(?:bearer|basic)\s/i;
const NAME = /author|cookie|credential|jwt|key|pass|pwd|secret|token/i;
const ASSIGNMENT = /[:=]/;

const PRIVATE_KEY = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[^]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g;
const JWT = /eyJ[\w-]{4,}(?:\.[\w-]*){0,4}/g;
const WEBHOOK_SECRET = /whsec_[\w+/=-]+/g;
const OUR_TOKEN = /c13_[\w-]{12,}/g;
/** Words of names such as `c13_http_requests_total` are short; what was drawn by chance is not of short words. */
const PLAIN_NAME = /^c13(?:_[a-z]{1,14}|_[a-z]{1,5}\d{1,2}(?=_|$))+$/;
const SCHEME = /\b(bearer|basic)(\s+)([\w.~+/=-]{3,})/gi;
/** A header's whole line: cookies hold blanks and semicolons. */
const HEADER = /\b((?:set-)?cookie|(?:proxy-)?authorization)(\s*:\s*)(?=[^\s"'])[^\r\n]*/gi;
const USER_INFO = /(:\/\/)[^\s/?#"'<>]*@/g;
const QUERY = /\?[^\s"'<>`]+/g;
/** `"password": "a b"`, `token=abc`, `x-api-key: abc`: the name and what stands between; then the value. */
const ASSIGNED = /([\w.-]{2,64})(?:\\*["'])?\s{0,3}[:=]\s{0,3}/g;
/** A quote that is not closed holds all the rest, so that nothing is looked through twice. */
const VALUE =
  /"(?:\\.|[^"\\])*(?:"|\\?$)|'(?:\\.|[^'\\])*(?:'|\\?$)|\\+"(?:[^\\]|\\+[^"\\])*(?:\\+"|\\*$)|[^\s,;&"'})\]]+/y;

/** Whether what goes by this name is a secret. */
export function isSecretName(name: string): boolean {
  const known = judged.get(name);
  if (known !== undefined) return known;
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  const isSecret = words.some((word) => SECRET_WORDS.has(word) || SECRET_ENDING.test(word));
  if (judged.size < NAMES_MAX && name.length < 64) judged.set(name, isSecret);
  return isSecret;
}

/** Names repeat line by line. Bounded, because they may come from outside. */
const judged = new Map<string, boolean>();
const NAMES_MAX = 1000;

/** Where package managers write a token into the path, whatever it looks like; `%2F` counts as a slash here. */
const TOKEN_IN_PATH = /(\/-\/(?:user|npm\/v1\/tokens)\/token(?:\/|%2f)+)[^?#]+/i;

/** The path of a URL, without the secrets in it. */
export function redactPath(path: string): string {
  return redactText(path.includes('/-/') ? path.replace(TOKEN_IN_PATH, `$1${REDACTED}`) : path);
}

/** The text without the secrets in it; cut after 16 KB. */
export function redactText(text: string): string {
  return cleanText(text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX)}... [cut]`, 0);
}

/** `level`: URLs around this text. */
function cleanText(text: string, level: number): string {
  if (!MARK.test(text) && !(ASSIGNMENT.test(text) && NAME.test(text))) return text;
  if (level > NESTING_MAX) return REDACTED;
  const clean = text
    .replace(PRIVATE_KEY, REDACTED)
    .replace(HEADER, `$1$2${REDACTED}`)
    .replace(QUERY, (query) => `?${cleanQuery(query.slice(1), level)}`)
    .replace(USER_INFO, `$1${REDACTED}@`)
    .replace(SCHEME, (all: string, scheme: string, space: string, value: string) =>
      /^[a-z]+$/.test(value) ? all : `${scheme}${space}${REDACTED}`,
    )
    .replace(JWT, REDACTED)
    .replace(WEBHOOK_SECRET, REDACTED)
    .replace(OUR_TOKEN, (token) => (PLAIN_NAME.test(token) ? token : REDACTED));
  return withoutAssigned(clean);
}

/** Goes from name to name, not from value to value: what follows one name may be the next. */
function withoutAssigned(text: string): string {
  let clean = '';
  let end = 0;
  ASSIGNED.lastIndex = 0;
  for (let match = ASSIGNED.exec(text); match !== null; match = ASSIGNED.exec(text)) {
    const start = ASSIGNED.lastIndex;
    VALUE.lastIndex = start;
    if (!isSecretName(match[1]!) || text.startsWith(REDACTED, start) || !VALUE.test(text)) continue;
    clean += text.slice(end, start) + REDACTED;
    end = ASSIGNED.lastIndex = VALUE.lastIndex;
  }
  return clean + text.slice(end);
}

/** `page=2&token=abc` as `page=2&token=[redacted]`; names and values are read as the receiver reads them. */
export function redactQuery(query: string): string {
  return cleanQuery(query.slice(0, TEXT_MAX), 0);
}

function cleanQuery(query: string, level: number): string {
  return query
    .split('&')
    .map((pair) => {
      const end = pair.indexOf('=');
      const name = decoded(end === -1 ? pair : pair.slice(0, end));
      if (end !== -1 && isSecretParameter(name)) return `${pair.slice(0, end)}=${REDACTED}`;
      const plain = decoded(pair);
      if (cleanText(plain, level + 1) === plain) return pair;
      return end === -1 ? REDACTED : `${cleanText(pair.slice(0, end), level + 1)}=${REDACTED}`;
    })
    .join('&');
}

function isSecretParameter(name: string): boolean {
  return isSecretName(name) || SECRET_PARAMETERS.has(name.toLowerCase());
}

/** As often as it was written: what passes through several URLs is escaped several times. */
function decoded(text: string): string {
  let plain = text;
  for (let i = 0; i < NESTING_MAX && /[%+]/.test(plain); i++) {
    try {
      plain = decodeURIComponent(plain.replaceAll('+', ' '));
    } catch {
      return plain;
    }
  }
  return plain;
}

/**
 * A copy that can be written as JSON: without secrets, without circles, with errors, headers and bytes as plain data.
 * @example redact({ user: 'ann', password: 'x' }) // { user: 'ann', password: '[redacted]' }
 */
export function redact(value: unknown): unknown {
  return copyOf(value, []);
}

function copyOf(value: unknown, above: readonly object[]): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (above.includes(value)) return '[circular]';
  if (above.length >= DEPTH_MAX) return '[deeper]';
  try {
    return objectCopy(value, [...above, value]);
  } catch {
    // A getter or a toJSON of somebody's object failed.
    return '[unreadable]';
  }
}

function objectCopy(value: object, above: readonly object[]): unknown {
  if (value instanceof Error) return errorCopy(value, above);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof URL) return redactText(value.href);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (value instanceof Map || value instanceof Headers || value instanceof URLSearchParams) {
    return fieldsCopy([...value.entries()].slice(0, ITEMS_MAX), above);
  }
  if (Array.isArray(value) || value instanceof Set) {
    return [...value].slice(0, ITEMS_MAX).map((item: unknown) => copyOf(item, above));
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') return copyOf(value.toJSON(), above);
  return fieldsCopy(Object.entries(value).slice(0, ITEMS_MAX), above);
}

function fieldsCopy(fields: readonly (readonly [unknown, unknown])[], above: readonly object[]): object {
  const pairs = fields.map(([key, item]) => {
    const name = String(key);
    const isHidden = isSecretName(name) && item !== null && item !== undefined && typeof item !== 'boolean';
    return [redactText(name), isHidden ? REDACTED : copyOf(item, above)] as const;
  });
  return Object.fromEntries(pairs);
}

function errorCopy(error: Error, above: readonly object[]): object {
  const { name, message, stack, cause } = error;
  return {
    name,
    message: redactText(message),
    ...(fieldsCopy(Object.entries(error), above) as Record<string, unknown>),
    ...(stack === undefined ? {} : { stack: redactText(stack) }),
    ...(cause === undefined ? {} : { cause: copyOf(cause, above) }),
  };
}
