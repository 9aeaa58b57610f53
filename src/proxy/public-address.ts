/**
 * Which addresses anybody can reach: what somebody else names as the place of something is no way into the network that
 * this machine stands in. Resolves nothing.
 * @module
 */
import { BlockList, isIPv4 } from 'node:net';
import { canonicalAddress } from '../http/client-address.ts';

/** This machine, networks without a way out, links, and what is no single host's. */
const CLOSED: readonly (readonly [network: string, bits: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
  ['::', 96],
  ['64:ff9b:1::', 48],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 9],
  ['ff00::', 8],
];
/** An IPv4 address, as networks of IPv6 alone speak of it. */
const TRANSLATED = /^64:ff9b::(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,4})$/;

const closed = new BlockList();
for (const [network, bits] of CLOSED) closed.addSubnet(network, bits, isIPv4(network) ? 'ipv4' : 'ipv6');

/**
 * What is no address is not public.
 * @example isPublicAddress('169.254.169.254') // false
 */
export function isPublicAddress(text: string): boolean {
  const address = canonicalAddress(text);
  if (address === null) return false;
  const [, high = '0', low] = TRANSLATED.exec(address) ?? [];
  if (low !== undefined) return isPublicAddress(`::ffff:${high}:${low}`);
  return !closed.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}
