/**
 * The networks that a token is taken from: an address (`192.0.2.7`) or a network (`10.0.0.0/8`, `2001:db8::/32`). Knows
 * of no request; whose address it is, others have found out.
 * @module
 */
import { BlockList, isIP, isIPv4 } from 'node:net';

const NETWORK = /^([0-9a-f:.]{2,45})(?:\/(0|[1-9][0-9]{0,2}))?$/i;
/** IPv4 written as IPv6: an address is never told so, and nothing would be in such a network. */
const MAPPED = /^::ffff:/;

/** Lists that do not change any more, by themselves. */
const known = new WeakMap<readonly string[], BlockList>();

/** What is one, in small letters; null for what is none. */
export function networkOrNull(text: unknown): string | null {
  const [, address = '', bits] = (typeof text === 'string' && NETWORK.exec(text)) || [];
  const family = isIP(address);
  if (family === 0 || Number(bits ?? 0) > (family === 4 ? 32 : 128)) return null;
  if (family === 6 && MAPPED.test(new URL(`http://[${address}]/`).hostname.slice(1, -1))) return null;
  return (text as string).toLowerCase();
}

/** Whether an address, in its canonical form, is in one of these networks; nobody's address is in none. */
export function isWithin(networks: readonly string[], address: string | null): boolean {
  if (address === null || isIP(address) === 0) return false;
  let list = known.get(networks);
  if (list === undefined) known.set(networks, (list = listOf(networks)));
  return list.check(address, familyOf(address));
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const each of networks) {
    const [address = '', bits] = each.split('/');
    if (bits === undefined) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(bits), familyOf(address));
  }
  return list;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}
