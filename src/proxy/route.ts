/** Whether a request goes through a proxy, and which. @module */
import { BlockList, isIP, isIPv4 } from 'node:net';

export interface Proxies {
  /** For https and for http URLs: the proxy's URL; null: none. */
  readonly https: string | null;
  readonly http: string | null;
  /** Hosts that are reached without one. */
  readonly without: readonly string[];
}

export const NO_PROXIES: Proxies = { https: null, http: null, without: [] };

const NETWORK = /^([0-9a-f.:]+)\/([0-9]{1,3})$/i;

/**
 * The proxy of a URL; null where it is reached without one. This machine always is. An entry of `without` is `*`, an
 * address or a network of addresses, or a domain, which stands for the names below it too; each may end with a port.
 */
export function proxyFor(url: URL, { https, http, without }: Proxies): string | null {
  const proxy = url.protocol === 'https:' ? https : http;
  if (proxy === null) return null;
  const host = hostOf(url);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  if (host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127(\.\d+){3}$/.test(host))
    return null;
  return without.some((entry) => covers(entry.toLowerCase(), host, port)) ? null : proxy;
}

/** The host without the brackets that an IPv6 address has in a URL. */
export function hostOf({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

function covers(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  const [, network, bits] = NETWORK.exec(entry) ?? [];
  if (network !== undefined && bits !== undefined) return isIP(host) !== 0 && isWithin(network, Number(bits), host);
  const [, bracketed, named, entryPort] = /^(?:\[([^\]]*)\]|([^:]*))(?::([0-9]+))?$/.exec(entry) ?? [];
  if (entryPort !== undefined && entryPort !== port) return false;
  const name = (bracketed ?? named ?? entry).replace(/^\*?\./, '').replace(/\.$/, '');
  if (name === '') return false;
  return host === name || (isIP(host) === 0 && host.endsWith(`.${name}`));
}

/** A network that is none covers nothing. */
function isWithin(network: string, bits: number, host: string): boolean {
  const family = isIPv4(network) ? 'ipv4' : 'ipv6';
  if (isIP(network) === 0 || isIP(network) !== isIP(host) || bits > (family === 'ipv4' ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, bits, family);
  return list.check(host, family);
}
