/**
 * The cookie of somebody who signed in with a browser. It counts only where it is certain that our own pages made the
 * browser send it, and never where package managers speak: what they show is a header. Knows no token's form.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';

const NAME = 'c13_session';
/** Paths that people open, and what pages of ours may call. Everything else takes the header alone. */
const BROWSED = /^\/(?:_dashboard|api|docs|openapi\.json|metrics|-\/docs|-\/openapi\.json)(?:\/|$)/;

export interface Cookie {
  readonly name: string;
  readonly value: string;
  /** Milliseconds since 1970; null: when the browser is closed. */
  readonly expiresAt: number | null;
}

/** What is in our cookies is for one origin: this one, or where it is null, the one that was asked. */
export class SessionCookies {
  readonly #publicUrl: string | null;
  readonly #isSecure: boolean;
  /** With the prefix, browsers see to it that no neighbour of our domain and nothing unencrypted has set it. */
  readonly name: string;

  constructor(publicUrl: string | null) {
    this.#publicUrl = publicUrl;
    this.#isSecure = publicUrl?.startsWith('https:') ?? false;
    this.name = this.prefixed(NAME);
  }

  prefixed(name: string): string {
    return this.#isSecure ? `__Host-${name}` : name;
  }

  /**
   * The session that a request shows; null: none that counts here. Throws ERR_FORBIDDEN for one on a write that another
   * site may have made the browser send.
   */
  sessionOf(request: Request): string | null {
    const session = cookieOf(request.headers, this.name);
    if (session === null || !BROWSED.test(pathOf(request.url))) return null;
    if (request.method !== 'GET' && request.method !== 'HEAD') this.requireOwnPage(request);
    return session;
  }

  /** Throws ERR_FORBIDDEN unless a page of ours made the browser send this. */
  requireOwnPage({ headers }: Request): void {
    const own = this.#publicUrl ?? `http://${headers.get('host')}`;
    const [origin, site] = [headers.get('origin'), headers.get('sec-fetch-site')];
    if (origin !== null && origin !== own) throw foreign('origin', `${shown(origin)} instead of ${shown(own)}`);
    if (site !== null && site !== 'same-origin') throw foreign('site', `${shown(site)} instead of "same-origin"`);
    if (origin === null && site === null) throw foreign('origin', 'nothing says where it comes from');
  }

  /** As `Set-Cookie` says it. Scripts cannot read it, and other sites' forms do not bring it along. */
  text({ name, value, expiresAt }: Cookie): string {
    const expires = expiresAt === null ? '' : `; Expires=${new Date(expiresAt).toUTCString()}`;
    return `${name}=${value}; Path=/${expires}; HttpOnly; SameSite=Lax${this.#isSecure ? '; Secure' : ''}`;
  }

  /** Takes a cookie away. */
  removal(name: string): string {
    return this.text({ name, value: '', expiresAt: 0 });
  }
}

/** null when it is not there, or stands twice: then somebody else may have set one of them. */
export function cookieOf(headers: Headers, name: string): string | null {
  const pairs = (headers.get('cookie') ?? '').split(';').map((pair) => pair.trim());
  const values = pairs.filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1));
  const [value = ''] = values;
  return values.length === 1 && value !== '' ? value : null;
}

function pathOf(url: string): string {
  return url.replace(/^[a-z]+:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

function foreign(rule: 'origin' | 'site', what: string): ConfigError {
  return new ConfigError('ERR_FORBIDDEN', {
    message: `The request is refused: no page of this registry made the browser send it (${what})`,
    hint: 'Open the page again at its own address (C13_PUBLIC_URL, behind a proxy), or send a token in a header.',
    details: { rule },
  });
}
