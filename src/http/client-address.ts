/**
 * Who is at the other end, where proxies stand between: the address that the last proxy we trust saw, never what a
 * client says of itself. Whatever is malformed or contradicts itself leaves the peer of the socket.
 * @module
 */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** Longer headers than proxies have reason to write are not read. */
const HEADER_MAX = 4096;
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;
const WITH_PORT = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?$/i;
const FORWARDED_FOR = /(?:^|;)\s*for\s*=\s*("?)([^";]*)\1\s*(?=;|$)/gi;

/** The proxies whose word is taken. */
export class TrustedProxies {
  readonly #list = new BlockList();

  /** Addresses and networks such as `10.0.0.0/8`; they are known to be well-formed. */
  constructor(trusted: readonly string[]) {
    for (const each of trusted) {
      const [text = '', bits] = each.split('/');
      const address = canonicalAddress(text);
      if (address === null) throw new RangeError(`not an address: ${each}`);
      const family = isIPv4(address) ? 'ipv4' : 'ipv6';
      if (bits === undefined) this.#list.addAddress(address, family);
      else this.#list.addSubnet(address, Number(bits), family);
    }
  }

  has(address: string): boolean {
    return this.#list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
  }
}

/**
 * The client's address in canonical form: the peer, or where the peer is a trusted proxy, the rightmost address in
 * `X-Forwarded-For` or `Forwarded` that is none. If both headers are there they have to agree: a proxy writes one of
 * them, and the other comes from the client.
 * @example clientAddress('10.0.0.1', new Headers({ 'x-forwarded-for': '1.2.3.4, 192.0.2.7' }), trusted) // '192.0.2.7'
 */
export function clientAddress(peer: string, headers: Pick<Headers, 'get'>, trusted: TrustedProxies): string {
  const direct = canonicalAddress(peer);
  if (direct === null || !trusted.has(direct)) return direct ?? peer;
  const told = [fieldsOf(headers.get('x-forwarded-for')), forwardedFor(headers.get('forwarded'))]
    .filter((hops) => hops !== null)
    .map((hops) => rightmostUntrusted(hops, trusted));
  const [found = null] = told;
  return found !== null && told.every((address) => address === found) ? found : direct;
}

/**
 * What stands for a client when requests are counted: an IPv4 address, or the /64 of an IPv6 one, since whoever has one
 * address of it has all.
 * @example addressKey('2001:db8::1') // '2001:db8:0:0/64'
 */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array<string>(tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)).fill('0');
  return `${[...before, ...zeros, ...after].slice(0, 4).join(':')}/64`;
}

/** One form for each address: IPv4 also where it is mapped into IPv6, no zone; null for what is no address. */
export function canonicalAddress(text: string): string | null {
  if (isIPv4(text)) return text;
  const [address = ''] = text.split('%');
  if (!isIPv6(address)) return null;
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [, high, low] = MAPPED.exec(canonical) ?? [];
  if (high === undefined || low === undefined) return canonical;
  const [upper, lower] = [parseInt(high, 16), parseInt(low, 16)];
  return [upper >> 8, upper & 255, lower >> 8, lower & 255].join('.');
}

/** null where a hop that has to be looked at is no address. */
function rightmostUntrusted(hops: readonly string[], trusted: TrustedProxies): string | null {
  let address: string | null = null;
  for (const hop of hops.toReversed()) {
    const [, bracketed, plain] = WITH_PORT.exec(hop) ?? [];
    address = canonicalAddress(bracketed ?? plain ?? hop);
    if (address === null || !trusted.has(address)) return address;
  }
  return address;
}

function fieldsOf(header: string | null): string[] | null {
  if (header === null) return null;
  return header.length > HEADER_MAX ? [''] : header.split(',').map((field) => field.trim());
}

/** The `for` of each element (RFC 7239); one that has none, or two, is no address. */
function forwardedFor(header: string | null): string[] | null {
  return (
    fieldsOf(header)?.map((element) => {
      const found = [...element.matchAll(FORWARDED_FOR)];
      return found.length === 1 ? found[0]![2]! : '';
    }) ?? null
  );
}
