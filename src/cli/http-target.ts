/**
 * A running registry as target. One request for each method, the answer handed on as it came; a problem becomes the
 * error it was made of, so that a command fails in the same words wherever it works.
 * @module
 */
import type { Target } from './target.ts';
import { formatVariables } from '../config/environment.ts';
import { asObject, KNOWN_FIELDS, parseConfigInput, unknownField } from '../config/input.ts';
import { CONFIG_FIELDS, DEFAULT_CONFIG, type RegistryConfig } from '../config/value.ts';
import { ConfigError, configErrorFrom } from '../errors/errors.ts';
import type { Write } from '../live/operations.ts';

const API = '/_dashboard/api';
const LOCAL = /^http:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i;
/** A registry that says nothing for so long is taken for dead; a backup of a large database may take a while. */
const TIMEOUT_MS = 120_000;

/** Bun's words for a connection that never was. */
const NEVER_CONNECTED = ['ConnectionRefused', 'FailedToOpenSocket', 'ENOTFOUND', 'EAI_AGAIN', 'ERR_INVALID_URL'];

type Query = Readonly<Record<string, string | number | undefined>>;

interface Ask {
  readonly method?: 'GET' | 'POST';
  readonly query?: Query;
  readonly body?: Readonly<Record<string, unknown>>;
  /** The revision a write is bound to. */
  readonly expected?: number | undefined;
}

/** True for the URL of a registry of this machine. */
export function isLocal(url: string): boolean {
  return LOCAL.test(url);
}

export class HttpTarget implements Target {
  readonly kind = 'registry';
  readonly address: string;
  readonly #signal: AbortSignal;
  readonly #token: string | null;
  readonly #route: Pick<BunFetchRequestInit, 'proxy'>;

  /**
   * `url` without a slash at its end. Nothing is sent before the first method is called; `signal` ends reads; `token`
   * proves who asks where the registry cannot see it.
   */
  constructor(url: string, signal: AbortSignal, token: string | null = null) {
    this.address = url;
    this.#signal = signal;
    this.#token = token;
    // What is for this machine is nobody else's to carry, whatever HTTP_PROXY says.
    this.#route = isLocal(url) ? { proxy: false } : {};
  }

  get: Target['get'] = (name) => this.#json('config', { query: { name } });

  async list(page: Parameters<Target['list']>[0]): ReturnType<Target['list']> {
    const { after, limit, on = [], off = [], service } = page ?? {};
    const names = (features: readonly string[]) => (features.length === 0 ? undefined : features.join(','));
    const query = { cursor: after === '' ? undefined : after, limit, on: names(on), off: names(off), service };
    return (await this.#json<{ configs: Awaited<ReturnType<Target['list']>> }>('configs', { query })).configs;
  }

  set: Target['set'] = async (name, input, write) =>
    await this.#write('config', name, { ...withoutSaid(asObject('config', input)), ...said(write) }, write);

  applyTemplate: Target['applyTemplate'] = (name, templateName, write) =>
    this.#write('config/template', name, { templateName, ...said(write) }, write);

  reset: Target['reset'] = (name, write) => this.#write('config/reset', name, said(write), write);

  rollback: Target['rollback'] = (name, { revision, seq, at }, write) =>
    this.#write('config/rollback', name, { revision, entry: seq, at, reason: write.reason }, write);

  migrate: Target['migrate'] = (name, to, write) => this.#write('config/migrate', name, { to, ...said(write) }, write);

  restore: Target['restore'] = (name, backup, write) =>
    this.#write('config/restore', name, { backup, reason: write.reason }, write);

  history: Target['history'] = (name, filter) => this.#json('config/history', { query: { name, ...filter } });

  analytics: Target['analytics'] = (name) => this.#json('config/analytics', { query: { name } });

  templates: Target['templates'] = async (name) =>
    (await this.#json<{ templates: Awaited<ReturnType<Target['templates']>> }>('config/templates', { query: { name } }))
      .templates;

  validate: Target['validate'] = (name, partial = {}) =>
    this.#json('config/validate', { method: 'POST', query: { name }, body: { config: partial } });

  features: Target['features'] = async (name) =>
    (await this.#json<{ features: Awaited<ReturnType<Target['features']>> }>('features', { query: { name } })).features;

  declare: Target['declare'] = async (name, declare) =>
    (
      await this.#json<{ declaration: Awaited<ReturnType<Target['declare']>> }>('features', {
        method: 'POST',
        query: { name },
        body: { declare },
      })
    ).declaration;

  environment: Target['environment'] = async (name, format) =>
    // A shell runs what is printed: it is made here, of values that were read, and never taken from what answers.
    formatVariables(configOf({ ...(await this.get(name)) }), format);

  backup: Target['backup'] = () => this.#json('config/backup', { method: 'POST' });

  backups: Target['backups'] = async () =>
    (await this.#json<{ backups: Awaited<ReturnType<Target['backups']>> }>('config/backups', {})).backups;

  status: Target['status'] = () => this.#json('status', {});

  async metrics(): Promise<string> {
    return await (await this.#answer('metrics', {})).text();
  }

  async close(): Promise<void> {}

  #write<T>(path: string, name: string, body: Readonly<Record<string, unknown>>, { expected }: Write): Promise<T> {
    return this.#json(path, { method: 'POST', query: { name }, body, expected });
  }

  /** What the answer holds is the registry's word; that it is an object is checked. */
  async #json<T>(path: string, ask: Ask): Promise<T> {
    const response = await this.#answer(path, ask);
    return asObject('answer', parseJson(await response.text(), this.address, response.status)) as T;
  }

  async #answer(path: string, { method = 'GET', query = {}, body, expected }: Ask): Promise<Response> {
    const url = new URL(`${this.address}${API}/${path}`);
    for (const [key, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(key, String(value));
    const headers = {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(this.#token === null ? {} : { authorization: `Bearer ${this.#token}` }),
      ...conditionOf(expected),
    };
    const response = await this.#send(url, { method, headers, body: body === undefined ? null : JSON.stringify(body) });
    if (response.ok) return response;
    throw problemOf(await response.text(), this.address, response.status);
  }

  async #send(url: URL, request: RequestInit): Promise<Response> {
    const limit = AbortSignal.timeout(TIMEOUT_MS);
    // A write that is given up on is neither done nor undone: it gets its answer, and the interrupt comes after it.
    const signal = request.method === 'GET' ? AbortSignal.any([this.#signal, limit]) : limit;
    try {
      return await fetch(url, { ...request, signal, redirect: 'error', ...this.#route });
    } catch (cause) {
      if (request.method === 'GET' && this.#signal.aborted) throw this.#signal.reason;
      if (request.method === 'POST' && wasSent(cause)) throw unanswered(this.address, cause);
      throw unreachable(this.address, `No registry answers at ${this.address}`, cause);
    }
  }
}

/** Why a change is made is no field of a config: the registry could not tell them apart. Throws ERR_UNKNOWN_FIELD. */
function withoutSaid(input: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  for (const field of ['reason', 'force']) if (Object.hasOwn(input, field)) throw unknownField(field, KNOWN_FIELDS);
  return input;
}

/** The fields of a config that a registry sent, each judged as from anybody. */
function configOf(view: Readonly<Record<string, unknown>>): RegistryConfig {
  const fields = CONFIG_FIELDS.map(({ name }) => [name, view[name] ?? null] as const);
  return parseConfigInput(Object.fromEntries(fields), DEFAULT_CONFIG);
}

/** Left out where they were not said. The registry knows who asks. */
function said({ reason, force }: Write): { reason?: string; force?: boolean } {
  return { ...(reason === undefined ? {} : { reason }), ...(force === undefined ? {} : { force }) };
}

function conditionOf(expected: number | undefined): Record<string, string> {
  if (expected === undefined) return {};
  return expected === 0 ? { 'if-none-match': '*' } : { 'if-match': `"${expected}"` };
}

function problemOf(text: string, url: string, status: number): Error {
  const { code, detail, hint, details } = asObject('problem', parseJson(text, url, status));
  if (typeof code !== 'string' || typeof detail !== 'string' || typeof hint !== 'string') throw strange(url, status);
  return configErrorFrom({
    code: code as never,
    message: detail,
    hint,
    details: asObject('details', details) as never,
  });
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
    hint: 'Start one with `bun run registry`, name another with --url, or work on its file with --database.',
    details: { url },
    cause,
  });
}
