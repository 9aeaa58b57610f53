/**
 * What this registry shows to its uplinks. It is kept beside the journal, with the origin that it is for: a declaration
 * that leads elsewhere, however it came about, takes no credentials along.
 * @module
 */
import { ConfigError } from '../../errors/errors.ts';
import type { SideStore } from '../../journal/side-store.ts';

/** In the keyring: by an uplink's name. */
const SPACE = 'uplink';
const TOKEN = /^[\x21-\x7e]{1,4096}$/;
const USER = /^[^:\p{Cc}]{1,255}$/u;
const PASSWORD = /^\P{Cc}{1,1024}$/u;

export type Credentials = { readonly token: string } | { readonly user: string; readonly password: string };

/** Throws ERR_WRONG_TYPE, without what was given. */
export function parseCredentials(input: unknown): Credentials {
  const { token, user, password, ...rest } = (typeof input === 'object' && input !== null ? input : {}) as Fields;
  if (Object.keys(rest).length === 0) {
    if (isText(token, TOKEN) && user === undefined && password === undefined) return { token };
    if (isText(user, USER) && isText(password, PASSWORD) && token === undefined) return { user, password };
  }
  const expected = 'a token, or a user and a password';
  throw new ConfigError('ERR_WRONG_TYPE', {
    message: `Invalid credentials: must be ${expected}`,
    hint: 'Give { token } or { user, password }; null takes away what is there.',
    details: { field: 'credentials', expected, found: typeof input },
  });
}

export class KeptCredentials {
  readonly #keyring: SideStore;

  constructor(keyring: SideStore) {
    this.#keyring = keyring;
  }

  /** The value of `Authorization` for an uplink at this address; null: none. Errors: ERR_STORE. */
  find(name: string, url: string | null): string | null {
    const text = this.#keyring.get(SPACE, name);
    if (text === null || url === null) return null;
    const { origin, authorization } = JSON.parse(text) as { origin: string; authorization: string };
    return origin === new URL(url).origin ? authorization : null;
  }

  /** Errors: ERR_STORE. */
  set(name: string, url: string, credentials: Credentials): void {
    const { origin } = new URL(url);
    this.#keyring.set(SPACE, name, JSON.stringify({ origin, authorization: authorizationOf(credentials) }));
  }

  delete(name: string): void {
    this.#keyring.delete(SPACE, name);
  }
}

type Fields = Readonly<Record<string, unknown>>;

function authorizationOf(credentials: Credentials): string {
  if ('token' in credentials) return `Bearer ${credentials.token}`;
  return `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`;
}

function isText(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value);
}
