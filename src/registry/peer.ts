/**
 * Whose process is at the other end of a loopback connection, as Linux tells it in /proc/net/tcp{,6}. Reading that
 * table takes milliseconds, so each connection is looked up once, off the event loop. It is known again by our own end
 * of it: as long as the descriptor found then still holds the same socket, the other end cannot have become somebody
 * else's.
 * @module
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** The other end of a connection, as the server sees it. */
export interface Peer {
  readonly address: string;
  readonly port: number;
  readonly family: 'IPv4' | 'IPv6';
}

interface Known {
  readonly uid: number;
  /** Our end: a link to `socket:[inode]`. */
  readonly descriptor: string;
  readonly socket: string;
}

const KNOWN_MAX = 4096;
const DESCRIPTORS = '/proc/self/fd';

export class PeerOwners {
  readonly #ownPort: number;
  readonly #known = new Map<string, Known>();

  constructor(ownPort: number) {
    this.#ownPort = ownPort;
  }

  /** The user id of the peer's process; null where it cannot be told (no such table, no such connection). */
  async uidOf(peer: Peer): Promise<number | null> {
    const key = `${peer.address} ${peer.port}`;
    const known = this.#known.get(key);
    if (known !== undefined && linkOf(known.descriptor) === known.socket) return known.uid;
    this.#known.delete(key);
    const found = await this.#lookUp(peer);
    if (found !== null) this.#remember(key, found);
    return found?.uid ?? null;
  }

  /** Both ends have a row; ours is the one whose socket this process holds, theirs says who. */
  async #lookUp(peer: Peer): Promise<Known | null> {
    const rows = await openSockets(peer.family);
    const theirs = `${addressInTable(peer.address)}:${hex(peer.port, 4)}`;
    const ownPort = `:${hex(this.#ownPort, 4)}`;
    for (const { local, socket } of rows.filter((row) => row.remote === theirs && row.local.endsWith(ownPort))) {
      const descriptor = ownDescriptor(socket);
      const other = rows.find((row) => row.local === theirs && row.remote === local);
      if (descriptor !== null && other !== undefined) return { uid: other.uid, descriptor, socket };
    }
    return null;
  }

  #remember(key: string, known: Known): void {
    if (this.#known.size >= KNOWN_MAX) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(key, known);
  }
}

interface Row {
  readonly local: string;
  readonly remote: string;
  readonly uid: number;
  readonly socket: string;
}

/** A row with inode 0 is what a connection leaves behind: no process holds it, and its user id is 0 whosever it was. */
async function openSockets(family: Peer['family']): Promise<Row[]> {
  if (process.platform !== 'linux') return [];
  const table = await readFile(family === 'IPv6' ? '/proc/net/tcp6' : '/proc/net/tcp', 'latin1');
  return table.split('\n').flatMap((line) => {
    const [, local, remote, , , , , uid, , inode] = line.trim().split(/\s+/);
    if (inode === undefined || inode === '0') return [];
    return [{ local: local!, remote: remote!, uid: Number(uid), socket: `socket:[${inode}]` }];
  });
}

function ownDescriptor(socket: string): string | null {
  const paths = readdirSync(DESCRIPTORS).map((name) => `${DESCRIPTORS}/${name}`);
  return paths.find((path) => linkOf(path) === socket) ?? null;
}

/** null for a descriptor that was closed meanwhile. */
function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

/** 127.0.0.1 is 0100007F there, ::1 four such words: each word in the machine's (little-endian) order. */
function addressInTable(address: string): string {
  const bytes = address.includes(':') ? bytesOfIpv6(address) : address.split('.').map(Number);
  const words = Array.from({ length: bytes.length / 4 }, (_, i) => bytes.slice(i * 4, i * 4 + 4).toReversed());
  return words
    .flat()
    .map((byte) => hex(byte, 2))
    .join('');
}

function bytesOfIpv6(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const zeros = Array<string>(tail === undefined ? 0 : 8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].map((group) => parseInt(group, 16)).flatMap((word) => [word >> 8, word & 255]);
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}
