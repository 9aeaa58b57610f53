/**
 * One block that says what follows in a tar archive. Stricter than the tools that unpack: a block that two of them read
 * differently would be one package here and another one there, so it is refused.
 * @module
 */

export const BLOCK_BYTES = 512;

export type EntryKind = 'file' | 'directory' | 'link' | 'device' | 'pax' | 'pax for all' | 'long name' | 'long link';

export interface TarHeader {
  readonly path: string;
  readonly kind: EntryKind;
  /** Of what follows, before it is filled up to a whole block. */
  readonly size_bytes: number;
}

/** What is wrong with the archive, for whoever knows whose it is. */
export class TarFault extends Error {
  override readonly name = 'TarFault';
}

/** By type flag; all others are refused. 0 and 7 are files of old and of other systems. */
const KINDS: Readonly<Record<string, EntryKind>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'link',
  '3': 'device',
  '4': 'device',
  '6': 'device',
  '5': 'directory',
  x: 'pax',
  g: 'pax for all',
  L: 'long name',
  K: 'long link',
};

const CHECKSUM = { at: 148, size: 8 } as const;
const SPACE = 0x20;
const OCTAL = /^ *([0-7]+)[ \0]*$/;
/** The second is GNU's own, which has no prefix. */
const MAGIC = /^(ustar\x0000|ustar {2}\0)$/;

/** Throws TarFault. */
export function parseTarHeader(block: Uint8Array): TarHeader {
  if (octal(block, CHECKSUM.at, CHECKSUM.size) !== checksum(block)) throw new TarFault('a header has a wrong checksum');
  const flag = latin1(block, 156, 1);
  const kind = KINDS[flag];
  if (kind === undefined) throw new TarFault(`it has an entry of the unknown type ${JSON.stringify(flag)}`);
  const magic = latin1(block, 257, 8);
  if (!MAGIC.test(magic)) throw new TarFault('a header is of no known format');
  const prefix = magic.startsWith('ustar\0') ? text(block, 345, 155) : '';
  const name = text(block, 0, 100);
  const path = prefix === '' ? name : `${prefix}/${name}`;
  return { path, kind: isFolder(kind, path) ? 'directory' : kind, size_bytes: octal(block, 124, 12) };
}

/** A file, `mtime` the one that npm gives all: the same bytes make the same archive. The path is short and ASCII. */
export function tarFileHeader(path: string, size_bytes: number): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK_BYTES);
  const put = (at: number, value: string): void => void new TextEncoder().encodeInto(value, block.subarray(at));
  put(0, path);
  put(100, '000644 \0');
  put(108, '000000 \0');
  put(116, '000000 \0');
  put(124, `${size_bytes.toString(8).padStart(11, '0')} `);
  put(136, '03560116604 ');
  put(156, '0');
  put(257, 'ustar\x0000');
  put(CHECKSUM.at, `${checksum(block).toString(8).padStart(6, '0')}\0 `);
  return block;
}

/** As old archives write a directory. */
function isFolder(kind: EntryKind, path: string): boolean {
  return kind === 'file' && path.endsWith('/');
}

/** As if the checksum itself were blank. */
function checksum(block: Uint8Array): number {
  let sum = CHECKSUM.size * SPACE;
  for (let i = 0; i < BLOCK_BYTES; i += 1) {
    if (i < CHECKSUM.at || i >= CHECKSUM.at + CHECKSUM.size) sum += block[i]!;
  }
  return sum;
}

/** Not base 256, in which some write sizes beyond 8 GB: nothing here is that large. */
function octal(block: Uint8Array, at: number, size: number): number {
  const digits = OCTAL.exec(latin1(block, at, size))?.[1];
  if (digits === undefined) throw new TarFault('a header has a number that is not octal');
  return Number.parseInt(digits, 8);
}

function latin1(block: Uint8Array, at: number, size: number): string {
  return Buffer.from(block.buffer, block.byteOffset + at, size).toString('latin1');
}

/** Up to the first zero. */
function text(block: Uint8Array, at: number, size: number): string {
  const field = block.subarray(at, at + size);
  const end = field.indexOf(0);
  return utf8(end === -1 ? field : field.subarray(0, end));
}

export function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new TarFault('it has a name that is not UTF-8');
  }
}
