/**
 * Requests to a running registry, the answer handed on as it came; a problem becomes the error it was made of, so that
 * a command fails in the same words wherever it works. A token goes nowhere where somebody could read it on its way.
 * @module
 */
import { asObject } from '../config/input.ts';
import { ConfigError, configErrorFrom, isConfigError, type ErrorCode } from '../errors/errors.ts';

const LOCAL = /^http:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i;
/** A registry that says nothing for so long is taken for dead; a backup of a large database may take a while. */
const TIMEOUT_MS = 120_000;

/** Bun's words for a connection that never was. */
const NEVER_CONNECTED = [
  'ConnectionRefused',
  'ECONNREFUSED',
  'FailedToOpenSocket',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_INVALID_URL',
];

export interface Ask {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: Readonly<Record<string, unknown>>;
  /** A body that is JSON already, and may be large. */
  readonly document?: Blob;
  /** The revision a write is bound to. */
  readonly expected?: number | undefined;
}

export interface ClientOptions {
  /** Without a slash at its end. */
  readonly url: string;
  /** Ends reads. */
  readonly signal: AbortSignal;
  /** What proves who asks; null: nothing is shown. */
  readonly token?: string | null;
  /** Asks somebody for a code of the second factor; null: nobody is there. */
  readonly askCode?: (() => Promise<string>) | null;
}

/** True for the URL of a registry of this machine. */
export function isLocal(url: string): boolean {
  return LOCAL.test(url);
}

/** Throws ERR_USAGE where a secret would travel in the clear, unless somebody has said that it may. */
export function requireSafeWay(url: string, isInsecure: boolean): void {
  if (isInsecure || url.toLowerCase().startsWith('https:') || isLocal(url)) return;
  throw new ConfigError('ERR_USAGE', {
    message: `On the way to ${url} everybody could read the token: it is not encrypted`,
    hint: 'Use an https address, or say --insecure where you trust the network.',
    details: { argument: '--url' },
  });
}

export class RegistryClient {
  readonly url: string;
  readonly #signal: AbortSignal;
  readonly #token: string | null;
  readonly #askCode: (() => Promise<string>) | null;
  /** That was asked for: it counts for the rest of the command. */
  #code: string | null = null;
  readonly #route: Pick<BunFetchRequestInit, 'proxy'>;

  /** Nothing is sent before the first method is called. */
  constructor({ url, signal, token = null, askCode = null }: ClientOptions) {
    this.url = url;
    this.#signal = signal;
    this.#token = token;
    this.#askCode = askCode;
    // What is for this machine is nobody else's to carry, whatever HTTP_PROXY says.
    this.#route = isLocal(url) ? { proxy: false } : {};
  }

  /** For what is no request of this client: a stream. */
  get token(): string | null {
    return this.#token;
  }

  /** What the answer holds is the registry's word; that it is an object is checked. */
  async json<T>(path: string, ask: Ask = {}): Promise<T> {
    const response = await this.answer(path, ask);
    return asObject('answer', parseJson(await response.text(), this.url, response.status)) as T;
  }

  async answer(path: string, ask: Ask = {}): Promise<Response> {
    const { method = 'GET', query = {}, body, document, expected } = ask;
    const url = new URL(`${this.url}${path}`);
    for (const [key, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(key, String(value));
    const headers = {
      ...(body === undefined && document === undefined ? {} : { 'content-type': 'application/json' }),
      ...(this.#token === null ? {} : { authorization: `Bearer ${this.#token}` }),
      ...(this.#code === null ? {} : { 'npm-otp': this.#code }),
      ...conditionOf(expected),
    };
    const sent = document ?? (body === undefined ? null : JSON.stringify(body));
    const response = await this.#send(url, { method, headers, body: sent });
    if (response.ok) return response;
    const problem = problemOf(await response.text(), this.url, response.status);
    if (this.#askCode === null || this.#code !== null || !isCodeMissing(problem)) throw problem;
    this.#code = await this.#askCode();
    return await this.answer(path, ask);
  }

  async #send(url: URL, request: RequestInit): Promise<Response> {
    const limit = AbortSignal.timeout(TIMEOUT_MS);
    const isRead = request.method === 'GET';
    // A write that is given up on is neither done nor undone: it gets its answer, and the interrupt comes after it.
    const signal = isRead ? AbortSignal.any([this.#signal, limit]) : limit;
    try {
      return await fetch(url, { ...request, signal, redirect: 'error', ...this.#route });
    } catch (cause) {
      if (isRead && this.#signal.aborted) throw this.#signal.reason;
      if (!isRead && wasSent(cause)) throw unanswered(this.url, cause);
      throw unreachable(this.url, `No registry answers at ${this.url}`, cause);
    }
  }
}

function isCodeMissing(error: Error): boolean {
  return isConfigError(error) && error.code === 'ERR_OTP' && error.details.why === 'missing';
}

function conditionOf(expected: number | undefined): Record<string, string> {
  if (expected === undefined) return {};
  return expected === 0 ? { 'if-none-match': '*' } : { 'if-match': `"${expected}"` };
}

function problemOf(text: string, url: string, status: number): Error {
  const problem = asObject('problem', parseJson(text, url, status));
  if (typeof problem['errorCode'] === 'string') return evaluationFailure(problem);
  const { code, detail, hint, details: said } = problem;
  if (typeof code !== 'string' || typeof detail !== 'string' || typeof hint !== 'string') throw strange(url, status);
  const details = asObject('details', said);
  return configErrorFrom({
    code: code as ErrorCode,
    message: detail,
    hint: hintFor(code, details, hint, url),
    details: details as never,
  });
}

/** What cannot be evaluated is answered in the shape of the OpenFeature protocol. */
function evaluationFailure({ key, errorCode, errorDetails }: Readonly<Record<string, unknown>>): ConfigError {
  const fault = typeof errorDetails === 'string' ? errorDetails : String(errorCode);
  if (errorCode === 'FLAG_NOT_FOUND') {
    const what = `flag ${JSON.stringify(key)}`;
    return new ConfigError('ERR_NOT_FOUND', {
      message: `There is no ${what} in use`,
      hint: 'List them: c13 flags list.',
      details: { what },
    });
  }
  const hint = 'Correct the context, or see the flag: c13 flags show.';
  return new ConfigError('ERR_CONTEXT', { message: `Not evaluated: ${fault}`, hint, details: { path: '', fault } });
}

/** Who works with a command is helped by another, not by a header. */
function hintFor(code: string, details: Readonly<Record<string, unknown>>, hint: string, url: string): string {
  const { rule, stream, why } = details;
  if (code === 'ERR_APPROVAL_REQUIRED') {
    const isFlag = String(stream).startsWith('flag:');
    const how = isFlag ? 'with --propose (c13 flags set, archive, restore, delete, facts)' : 'with c13 requests create';
    return `Ask for it ${how}; it is made once it is approved.`;
  }
  if (code === 'ERR_OTP' && why === 'missing')
    return 'Run it at a terminal, which is asked for the code, or use a token for programs: c13 tokens.';
  if (code === 'ERR_UNAUTHENTICATED') return `Sign in: c13 login --url ${url}, or set C13_TOKEN.`;
  const isAboutRights = code === 'ERR_FORBIDDEN' && (rule === 'rights' || rule === 'sections');
  return isAboutRights ? `${hint} What you may do: c13 whoami.` : hint;
}

function parseJson(text: string, url: string, status: number): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw strange(url, status, cause);
  }
}

function strange(url: string, status: number, cause?: unknown): ConfigError {
  return unreachable(url, `What answers at ${url} (with ${status}) is no registry`, cause);
}

/** Whether the request may have reached somebody: all failures but those of finding and connecting. */
function wasSent(cause: unknown): boolean {
  const { code } = cause as { code?: unknown };
  return typeof code !== 'string' || !NEVER_CONNECTED.includes(code);
}

function unanswered(url: string, cause: unknown): ConfigError {
  return new ConfigError('ERR_REGISTRY_UNREACHABLE', {
    message: `The registry at ${url} went away before it answered: whether the change was made is not known`,
    hint: 'See the history before trying again.',
    details: { url },
    cause,
  });
}

function unreachable(url: string, message: string, cause: unknown): ConfigError {
  return new ConfigError('ERR_REGISTRY_UNREACHABLE', {
    message,
    hint: 'Start one with `c13 serve`, name another with --url, or work on its file with --database.',
    details: { url },
    cause,
  });
}
