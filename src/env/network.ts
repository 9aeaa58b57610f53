/** Settings that name others on the network, and how much they may ask: one grammar each. @module */
import { isIP, isIPv4 } from 'node:net';

const NETWORK = /^([^/]+)(?:\/(0|[1-9][0-9]{0,2}))?$/;
const RATE_MAX = 1_000_000_000;

/** `10.0.0.0/8, ::1`: addresses and networks; null where one is none. */
export function parseNetworks(text: string): readonly string[] | null {
  const networks = listOf(text);
  return networks.every(isNetwork) ? networks : null;
}

/** `https://a.example, http://10.0.0.7:4873`: origins in their canonical form; null where one is more or less. */
export function parseOrigins(text: string): readonly string[] | null {
  const urls = listOf(text).map((each) => URL.parse(each));
  const isOrigin = (url: URL | null): url is URL =>
    url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
  return urls.every(isOrigin) ? urls.map(({ origin }) => origin) : null;
}

/** Whose pages may read: `*` for all, `none`, or origins as above. */
export function parseReaders(text: string): readonly string[] | null {
  if (text === '*') return ['*'];
  return text === 'none' ? [] : parseOrigins(text);
}

export function parseRate(text: string): number | null {
  return /^[0-9]{1,10}$/.test(text) && Number(text) <= RATE_MAX ? Number(text) : null;
}

function isNetwork(text: string): boolean {
  const [, address = '', bits] = NETWORK.exec(text) ?? [];
  return isIP(address) !== 0 && Number(bits ?? 0) <= (isIPv4(address) ? 32 : 128);
}

function listOf(text: string): string[] {
  return text.trim() === '' ? [] : text.split(',').map((each) => each.trim());
}
