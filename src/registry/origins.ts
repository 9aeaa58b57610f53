/**
 * Where clients reach the registry, for the addresses that it answers. A name that a request gives itself is repeated
 * only if it is one of those that certainly mean this registry: never whatever `Host` says.
 * @module
 */
import { isLoopback } from './loopback.ts';
import { isAnyAddress, originOf } from './owner-access.ts';

/** What clients of the same machine call it; they show a token to the very name that it was given for. */
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];
const HTTP_PORT = 80;

/** By the `Host` of a request; without one, or for one that is not known, the one name that there always is. */
export type OriginFor = (host?: string | null) => string;

export interface Listening {
  /** What the settings say; null: nothing. */
  readonly publicUrl: string | null;
  readonly host: string;
  readonly port: number;
}

/**
 * @example
 * originsOf({ publicUrl: null, host: '127.0.0.1', port: 4873 })('localhost:4873') // 'http://localhost:4873'
 */
export function originsOf({ publicUrl, host, port }: Listening): OriginFor {
  const own = publicUrl ?? originOf(host, port);
  if (publicUrl !== null || !isLoopback(host)) return () => own;
  const named = new Map(LOOPBACK_NAMES.map((name) => [`${name}:${port}`, `http://${name}:${port}`]));
  if (port === HTTP_PORT) for (const name of LOOPBACK_NAMES) named.set(name, `http://${name}`);
  return (asked) => (asked == null ? own : (named.get(asked) ?? named.get(asked.toLowerCase()) ?? own));
}

/** Whether a URL leads to the registry itself, by any of the names that are known of it. */
export function isItself(text: string, { publicUrl, host, port }: Listening): boolean {
  const url = new URL(text);
  const own = new URL(originOf(host, port));
  const known = publicUrl === null ? [own] : [own, new URL(publicUrl)];
  if (known.some((one) => one.hostname === url.hostname && one.port === url.port)) return true;
  return url.port === own.port && isLoopback(url.hostname) && (isLoopback(host) || isAnyAddress(host));
}
