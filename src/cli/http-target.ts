/**
 * A running registry as target: one request for each method.
 * @module
 */
import type { Ask, RegistryClient } from './registry-client.ts';
import type { Declared, DeclaredKind } from './declared.ts';
import type { Target } from './target.ts';
import { formatVariables } from '../config/environment.ts';
import { asObject, KNOWN_FIELDS, parseConfigInput, unknownField } from '../config/input.ts';
import { parseConfigName } from '../config/name.ts';
import { CONFIG_FIELDS, DEFAULT_CONFIG, type RegistryConfig } from '../config/value.ts';
import type { Write } from '../live/operations.ts';

const API = '/_dashboard/api';
const V1 = '/api/v1';

interface DeclaredPage {
  readonly templates?: readonly Declared[];
  readonly rules?: readonly Declared[];
  readonly cursor: string | null;
}

export class HttpTarget implements Target {
  readonly kind = 'registry';
  readonly address: string;
  readonly #client: RegistryClient;

  constructor(client: RegistryClient) {
    this.address = client.url;
    this.#client = client;
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

  /** As one change of many: the answer to that says the revision. */
  delete: Target['delete'] = async (name, { expected, ...write }) => {
    const outcomes = await this.bulk([{ name, delete: true, ...(expected === undefined ? {} : { expected }) }], write);
    return { name: outcomes[0]!.name, revision: outcomes[0]!.revision };
  };

  bulk: Target['bulk'] = async (changes, write) => {
    const ask: Ask = { method: 'POST', body: { changes, ...said(write) } };
    return (await this.#client.json<{ results: Awaited<ReturnType<Target['bulk']>> }>(`${V1}/configs/bulk`, ask))
      .results;
  };

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

  declaration: Target['declaration'] = async (name) => {
    const path = `${V1}/services/${encodeURIComponent(parseConfigName(name).service)}/features`;
    return (await this.#client.json<{ declaration: Awaited<ReturnType<Target['declaration']>> }>(path)).declaration;
  };

  async declared(kind: DeclaredKind): Promise<readonly Declared[]> {
    const found: Declared[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: DeclaredPage = await this.#client.json(`${V1}/${kind}s`, { query: { cursor } });
      found.push(...((kind === 'template' ? page.templates : page.rules) ?? []));
      ({ cursor } = page);
    }
    return found;
  }

  findDeclared: Target['findDeclared'] = (kind, key) => this.#client.json(declaredPath(kind, key));

  saveDeclared: Target['saveDeclared'] = (kind, key, input, { reason, expected }) => {
    const body = { ...asObject(kind, input), ...(reason === undefined ? {} : { reason }) };
    return this.#client.json(declaredPath(kind, key), { method: 'PUT', body, expected });
  };

  deleteDeclared: Target['deleteDeclared'] = async (kind, key, { reason, expected }) => {
    await this.#client.answer(declaredPath(kind, key), { method: 'DELETE', query: { reason }, expected });
  };

  environment: Target['environment'] = async (name, format) =>
    // A shell runs what is printed: it is made here, of values that were read, and never taken from what answers.
    formatVariables(configOf({ ...(await this.get(name)) }), format);

  backup: Target['backup'] = () => this.#json('config/backup', { method: 'POST' });

  backups: Target['backups'] = async () =>
    (await this.#json<{ backups: Awaited<ReturnType<Target['backups']>> }>('config/backups', {})).backups;

  /** As the registry gives it: sealed while it obeys `encryption`. */
  exportAll: Target['exportAll'] = async () => await (await this.#client.answer(`${V1}/exports`)).bytes();

  status: Target['status'] = () => this.#json('status', {});

  async metrics(): Promise<string> {
    return await (await this.#client.answer(`${API}/metrics`)).text();
  }

  alerts: Target['alerts'] = async () =>
    (await this.#client.json<{ alerts: Awaited<ReturnType<Target['alerts']>> }>(`${V1}/alerts`)).alerts;

  async close(): Promise<void> {}

  #write<T>(path: string, name: string, body: Readonly<Record<string, unknown>>, { expected }: Write): Promise<T> {
    return this.#json(path, { method: 'POST', query: { name }, body, expected });
  }

  #json<T>(path: string, ask: Ask): Promise<T> {
    return this.#client.json(`${API}/${path}`, ask);
  }
}

/** Why a change is made is no field of a config: the registry could not tell them apart. Throws ERR_UNKNOWN_FIELD. */
function withoutSaid(input: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  for (const field of ['reason', 'force']) if (Object.hasOwn(input, field)) throw unknownField(field, KNOWN_FIELDS);
  return input;
}

function declaredPath(kind: DeclaredKind, key: string): string {
  return `${V1}/${kind}s/${encodeURIComponent(key)}`;
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
