/**
 * Walks through a tar archive as its bytes come, in pieces of any size, and hands out each entry with its path, long
 * names applied. Holds one block and what describes the next entry; which entries may be in a package is not known
 * here.
 * @module
 */
import { BLOCK_BYTES, parseTarHeader, TarFault, type TarHeader, utf8 } from './tar-header.ts';

/** At its end; some fill an archive up to whole records, the largest of which has a megabyte. */
const ZERO_BLOCKS_MAX = 4096;
/** Of what describes one entry: a path of a kilobyte and some times. */
const DESCRIPTION_BYTES_MAX = 64 * 1024;
/** `17 path=package/a\n`: how long it is, what it says, and what of it. */
const PAX_RECORD = /^([1-9][0-9]{0,5}) ([^=\n]+)=([^]*)\n$/;
/** What a description for all entries may say, as `git archive` does. */
const GLOBAL_KEYS: ReadonlySet<string> = new Set(['comment']);

export interface TarEntry {
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'link' | 'device';
  readonly size_bytes: number;
}

export interface TarVisitor {
  /** Its bytes are wanted or not. */
  entry(entry: TarEntry): boolean;
  /** Some of the wanted bytes of the entry before. */
  data(bytes: Uint8Array): void;
}

export class TarReader {
  readonly #visitor: TarVisitor;
  readonly #block = new Uint8Array(BLOCK_BYTES);
  #filled = 0;
  /** Of the entry's bytes, and of the zeros behind them. */
  #left = 0;
  #padding = 0;
  #isWanted = false;
  /** What describes the next entry, being gathered. */
  #description: { readonly kind: TarHeader['kind']; readonly bytes: Uint8Array; at: number } | null = null;
  #path: string | null = null;
  #size: number | null = null;
  #zeroBlocks = 0;

  constructor(visitor: TarVisitor) {
    this.#visitor = visitor;
  }

  /** The next bytes. Throws TarFault, and what the visitor throws. */
  take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#left > 0) at += this.#content(bytes.subarray(at, at + this.#left));
      else if (this.#padding > 0) at += this.#skip(bytes.length - at);
      else at += this.#header(bytes.subarray(at));
    }
  }

  /** There are no more. Throws TarFault for an archive that was cut short. */
  end(): void {
    if (this.#zeroBlocks < 2 || this.#filled > 0) throw new TarFault('it is cut short');
  }

  #content(part: Uint8Array): number {
    const description = this.#description;
    if (description !== null) {
      description.bytes.set(part, description.at);
      description.at += part.length;
    } else if (this.#isWanted) this.#visitor.data(part);
    this.#left -= part.length;
    if (this.#left === 0 && description !== null) this.#describe(description.kind, description.bytes);
    return part.length;
  }

  #skip(available: number): number {
    const size = Math.min(available, this.#padding);
    this.#padding -= size;
    return size;
  }

  #header(bytes: Uint8Array): number {
    const part = bytes.subarray(0, BLOCK_BYTES - this.#filled);
    this.#block.set(part, this.#filled);
    this.#filled += part.length;
    if (this.#filled < BLOCK_BYTES) return part.length;
    this.#filled = 0;
    if (this.#block.every((byte) => byte === 0)) this.#zero();
    else if (this.#zeroBlocks > 0) throw new TarFault('there is something behind its end');
    else this.#entry(parseTarHeader(this.#block));
    return part.length;
  }

  #zero(): void {
    this.#zeroBlocks += 1;
    if (this.#zeroBlocks > ZERO_BLOCKS_MAX) throw new TarFault('there is too much behind its end');
  }

  #entry({ kind, path, size_bytes }: TarHeader): void {
    if (kind === 'long link') throw new TarFault('it has a link');
    if (kind === 'pax' || kind === 'pax for all' || kind === 'long name') this.#expectDescription(kind, size_bytes);
    else {
      if (this.#size !== null && this.#size !== size_bytes) throw new TarFault(`${path} has two sizes`);
      if (kind !== 'file' && size_bytes !== 0) throw new TarFault(`${path} is a ${kind} that has bytes`);
      this.#isWanted = this.#visitor.entry({ path: this.#path ?? path, kind, size_bytes });
      this.#path = null;
      this.#size = null;
      this.#expect(size_bytes);
    }
  }

  #expectDescription(kind: TarHeader['kind'], size_bytes: number): void {
    if (size_bytes === 0 || size_bytes > DESCRIPTION_BYTES_MAX) {
      throw new TarFault(`what describes an entry has ${size_bytes} bytes, and may have 1 to ${DESCRIPTION_BYTES_MAX}`);
    }
    this.#description = { kind, bytes: new Uint8Array(size_bytes), at: 0 };
    this.#expect(size_bytes);
  }

  #expect(size_bytes: number): void {
    this.#left = size_bytes;
    this.#padding = (BLOCK_BYTES - (size_bytes % BLOCK_BYTES)) % BLOCK_BYTES;
  }

  #describe(kind: TarHeader['kind'], bytes: Uint8Array): void {
    this.#description = null;
    if (kind === 'long name') {
      const end = bytes.indexOf(0);
      this.#setPath(utf8(end === -1 ? bytes : bytes.subarray(0, end)));
      return;
    }
    for (const [key, value] of paxRecords(bytes)) {
      if (kind === 'pax for all' && !GLOBAL_KEYS.has(key)) throw new TarFault(`it says ${key} of all its entries`);
      if (key === 'path') this.#setPath(value);
      else if (key === 'size') this.#setSize(value);
      else if (key === 'linkpath') throw new TarFault('it has a link');
      else if (key.startsWith('GNU.sparse')) throw new TarFault('it has a file with holes');
    }
  }

  #setPath(path: string): void {
    if (this.#path !== null) throw new TarFault('an entry has two names');
    this.#path = path;
  }

  #setSize(value: string): void {
    if (this.#size !== null || !/^[0-9]{1,15}$/.test(value)) throw new TarFault('an entry has a size that is none');
    this.#size = Number(value);
  }
}

function* paxRecords(bytes: Uint8Array): Generator<readonly [string, string]> {
  for (let at = 0; at < bytes.length;) {
    const size = Number.parseInt(Buffer.from(bytes.subarray(at, at + 7)).toString('latin1'), 10);
    const isWithin = size > 0 && at + size <= bytes.length;
    const record = isWithin ? PAX_RECORD.exec(utf8(bytes.subarray(at, at + size))) : null;
    if (record === null || Number(record[1]) !== size) throw new TarFault('what describes an entry is damaged');
    yield [record[2]!, record[3]!];
    at += size;
  }
}
