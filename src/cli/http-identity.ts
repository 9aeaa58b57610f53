/** Users, grants, tokens and keys of a running registry: one request for each method. @module */
import type { IdentityTarget } from './identity-target.ts';
import type { RegistryClient } from './registry-client.ts';
import type { HeldQuery, Listed, PageQuery } from '../registry/identity-operations.ts';

const API = '/api/v1';

export class HttpIdentity implements IdentityTarget {
  readonly kind = 'registry';
  readonly #client: RegistryClient;

  constructor(client: RegistryClient) {
    this.#client = client;
  }

  /** A token of a user is not he himself. */
  async self(): Promise<string | null> {
    return (await this.#client.json<{ user: string | null }>(`${API}/whoami`)).user;
  }

  users: IdentityTarget['users'] = (query) => this.#page('users', query);

  user: IdentityTarget['user'] = (name) => this.#client.json(pathOf('users', name));

  createUser: IdentityTarget['createUser'] = (user, { reason }) =>
    this.#client.json(`${API}/users`, { method: 'POST', body: { ...user, reason } });

  updateUser: IdentityTarget['updateUser'] = (name, fields, { reason, expected }) =>
    this.#client.json(pathOf('users', name), { method: 'PATCH', body: { ...fields, reason }, expected });

  deleteUser: IdentityTarget['deleteUser'] = (name, { expected }) => this.#delete('users', name, expected);

  setPassword: IdentityTarget['setPassword'] = async (name, password, { reason }, current) => {
    const body = { password, reason, current };
    await this.#client.answer(`${pathOf('users', name)}/password`, { method: 'PUT', body });
  };

  signOut: IdentityTarget['signOut'] = async (name, { reason }) => {
    await this.#client.answer(`${pathOf('users', name)}/sign-out`, { method: 'POST', body: { reason } });
  };

  resetSecondFactor: IdentityTarget['resetSecondFactor'] = async (name, { reason }) => {
    await this.#client.answer(`${pathOf('users', name)}/second-factor`, { method: 'DELETE', body: { reason } });
  };

  grants: IdentityTarget['grants'] = (query) => this.#page('grants', query);

  createGrant: IdentityTarget['createGrant'] = (grant, { reason }) =>
    this.#client.json(`${API}/grants`, { method: 'POST', body: { ...grant, reason } });

  updateGrant: IdentityTarget['updateGrant'] = (id, fields, { reason, expected }) =>
    this.#client.json(pathOf('grants', id), { method: 'PATCH', body: { ...fields, reason }, expected });

  deleteGrant: IdentityTarget['deleteGrant'] = (id, { expected }) => this.#delete('grants', id, expected);

  tokens: IdentityTarget['tokens'] = (query) => this.#page('tokens', query);

  createToken: IdentityTarget['createToken'] = (token, { reason }) =>
    this.#client.json(`${API}/tokens`, { method: 'POST', body: { ...token, reason } });

  updateToken: IdentityTarget['updateToken'] = (id, fields, { reason, expected }) =>
    this.#client.json(pathOf('tokens', id), { method: 'PATCH', body: { ...fields, reason }, expected });

  deleteToken: IdentityTarget['deleteToken'] = (id, { expected }) => this.#delete('tokens', id, expected);

  keys: IdentityTarget['keys'] = async () => (await this.#client.json<KeyList>(`${API}/keys`)).keys;

  rotateKeys: IdentityTarget['rotateKeys'] = async () =>
    (await this.#client.json<KeyList>(`${API}/keys/rotate`, { method: 'POST' })).keys;

  async close(): Promise<void> {}

  async #page<T>(what: 'users' | 'grants' | 'tokens', query: HeldQuery & PageQuery = {}): Promise<Listed<T>> {
    const answer = await this.#client.json<Record<string, unknown>>(`${API}/${what}`, { query: { ...query } });
    return { items: answer[what] as T[], cursor: answer['cursor'] as string | null };
  }

  async #delete(what: 'users' | 'grants' | 'tokens', key: string, expected: number | undefined): Promise<void> {
    await this.#client.answer(pathOf(what, key), { method: 'DELETE', expected });
  }
}

interface KeyList {
  readonly keys: Awaited<ReturnType<IdentityTarget['keys']>>;
}

function pathOf(what: string, key: string): string {
  return `${API}/${what}/${encodeURIComponent(key)}`;
}
