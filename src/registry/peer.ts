/**
 * Whose process is at the other end of a loopback connection, as Linux tells it in /proc/net/tcp{,6}. Reading that
 * table takes milliseconds, so each connection is looked up once, off the event loop, and those that come together
 * share a reading, which begins after all of them have asked. It is known again by our own end of it: as long as the
 * descriptor found then still holds the same socket, the other end cannot have become somebody else's.
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

type Family = Peer['family'];
type Read = (path: string) => Promise<string>;

export class PeerOwners {
  readonly #known = new Map<string, Known>();
  readonly #readings: Readonly<Record<Family, Reading>>;

  /** `read`: the text of a file, as it is when it is asked for. */
  constructor(ownPort: number, read: Read = textOf) {
    const reading = (path: string): Reading => new Reading(async () => new Sockets(await read(path), ownPort));
    this.#readings = { IPv4: reading('/proc/net/tcp'), IPv6: reading('/proc/net/tcp6') };
  }

  /** The user id of the peer's process; null where it cannot be told (no such table, no such connection). */
  async uidOf(peer: Peer): Promise<number | null> {
    const key = `${peer.address} ${peer.port}`;
    const known = this.#known.get(key);
    if (known !== undefined && linkOf(known.descriptor) === known.socket) return known.uid;
    this.#known.delete(key);
    const found = (await this.#readings[peer.family].next()).find(peer);
    if (found !== null) this.#remember(key, found);
    return found?.uid ?? null;
  }

  #remember(key: string, known: Known): void {
    if (this.#known.size >= KNOWN_MAX) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(key, known);
  }
}

/** Looks for all who have asked before it begins to; who asks while it does waits for the next time. */
class Reading {
  readonly #look: () => Promise<Sockets>;
  #underWay: Promise<unknown> = Promise.resolve();
  #next: Promise<Sockets> | null = null;

  constructor(look: () => Promise<Sockets>) {
    this.#look = look;
  }

  next(): Promise<Sockets> {
    this.#next ??= this.#after(this.#underWay);
    return this.#next;
  }

  async #after(before: Promise<unknown>): Promise<Sockets> {
    // How that one ended is told to those who asked for it.
    await Promise.allSettled([before]);
    this.#underWay = this.#next!;
    this.#next = null;
    return await this.#look();
  }
}

/** Nothing where there is no such table. */
async function textOf(path: string): Promise<string> {
  return process.platform === 'linux' ? await readFile(path, 'latin1') : '';
}

interface Row {
  readonly local: string;
  readonly remote: string;
  readonly uid: number;
  readonly socket: string;
}

/** The connections of one port, and what of them this process holds, at one moment. */
class Sockets {
  /** By the remote end: those of the port itself. */
  readonly #ours = new Map<string, Row[]>();
  /** By both ends: those to it. */
  readonly #theirs = new Map<string, Row>();
  readonly #descriptors = ownDescriptors();

  constructor(table: string, port: number) {
    const ownPort = `:${hex(port, 4)}`;
    for (const line of table.split('\n')) {
      const row = line.includes(ownPort) ? rowOf(line) : null;
      if (row === null) continue;
      if (row.local.endsWith(ownPort)) this.#ours.set(row.remote, [...(this.#ours.get(row.remote) ?? []), row]);
      if (row.remote.endsWith(ownPort)) this.#theirs.set(`${row.local} ${row.remote}`, row);
    }
  }

  /** Both ends have a row; ours is the one whose socket this process holds, theirs says who. */
  find({ address, port }: Peer): Known | null {
    const theirs = `${addressInTable(address)}:${hex(port, 4)}`;
    for (const { local, socket } of this.#ours.get(theirs) ?? []) {
      const descriptor = this.#descriptors.get(socket);
      const other = this.#theirs.get(`${theirs} ${local}`);
      // Others were answered between the reading and this.
      const isHeld = descriptor !== undefined && linkOf(descriptor) === socket;
      if (isHeld && other !== undefined) return { uid: other.uid, descriptor, socket };
    }
    return null;
  }
}

/** A row with inode 0 is what a connection leaves behind: no process holds it, and its user id is 0 whosever it was. */
function rowOf(line: string): Row | null {
  const [, local, remote, , , , , uid, , inode] = line.trim().split(/\s+/);
  if (inode === undefined || inode === '0') return null;
  return { local: local!, remote: remote!, uid: Number(uid), socket: `socket:[${inode}]` };
}

/** By what they hold. */
function ownDescriptors(): ReadonlyMap<string | null, string> {
  if (process.platform !== 'linux') return new Map();
  const paths = readdirSync(DESCRIPTORS).map((name) => `${DESCRIPTORS}/${name}`);
  return new Map(paths.map((path) => [linkOf(path), path]));
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
