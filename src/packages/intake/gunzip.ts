/**
 * The bytes within a gzip file, as they come, checked to the last one: one member and nothing behind it, because
 * readers differ on what a second one means. A file that is small goes in one step; larger ones never are in memory
 * whole.
 * @module
 */
import { Readable } from 'node:stream';
import { crc32, createInflateRaw, inflateRawSync } from 'node:zlib';
import type { Draft } from '../blobs/blobs.ts';
import { leaveGarbage } from './garbage.ts';

const SMALL_BYTES = 256 * 1024;
/** Of what a small file may become in one step. */
const SMALL_INFLATED_BYTES = 8 * 1024 * 1024;
const TRAILER_BYTES = 8;
const HEADER_BYTES = 10;
/** Of name and comment in the header. */
const HEADER_BYTES_MAX = 64 * 1024;
const FLAG = { crc: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 } as const;

/** What is wrong with the file, for whoever knows whose it is. */
export class GzipFault extends Error {
  override readonly name = 'GzipFault';
}

/** Calls `take` with all that is in the file, which may throw to end it. Throws GzipFault. */
export async function gunzip(draft: Draft, take: (bytes: Uint8Array) => void): Promise<void> {
  const check = new Check(take);
  if (draft.size_bytes <= SMALL_BYTES) {
    const file = await new Response(draft.read()).bytes();
    const inflated = inflatedAtOnce(file);
    if (inflated !== null) {
      check.take(inflated.bytes);
      check.end(file.subarray(inflated.end));
      return;
    }
  }
  await gunzipStream(draft, check);
}

/** null: it becomes too large for one step. */
function inflatedAtOnce(file: Uint8Array): { readonly bytes: Uint8Array; readonly end: number } | null {
  const start = headerEnd(file);
  try {
    const options = { maxOutputLength: SMALL_INFLATED_BYTES, info: true };
    // With `info` it tells also how much of the input it has read.
    const result: unknown = inflateRawSync(file.subarray(start), options);
    const { buffer, engine } = result as { buffer: Uint8Array; engine: { bytesWritten: number } };
    return { bytes: buffer, end: start + engine.bytesWritten };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return null;
    throw damaged(error);
  }
}

async function gunzipStream(draft: Draft, check: Check): Promise<void> {
  const start = headerEnd(await firstBytes(draft));
  const inflate = createInflateRaw();
  const source = Readable.from(draft.read(start));
  source.on('error', (error) => inflate.destroy(error));
  source.pipe(inflate);
  try {
    for await (const chunk of inflate) {
      check.take(chunk as Uint8Array);
      leaveGarbage((chunk as Uint8Array).length);
    }
  } catch (error) {
    throw isOfZlib(error) ? damaged(error) : error;
  } finally {
    source.destroy();
    inflate.destroy();
  }
  check.end(await lastBytes(draft, start + inflate.bytesWritten));
}

/** What the trailer says of all that came. */
class Check {
  readonly #take: (bytes: Uint8Array) => void;
  #crc = 0;
  #size = 0;

  constructor(take: (bytes: Uint8Array) => void) {
    this.#take = take;
  }

  take(bytes: Uint8Array): void {
    this.#take(bytes);
    this.#crc = crc32(bytes, this.#crc);
    this.#size += bytes.length;
  }

  end(trailer: Uint8Array): void {
    if (trailer.length < TRAILER_BYTES) throw new GzipFault('it is cut short');
    if (trailer.length > TRAILER_BYTES) throw new GzipFault('there is something behind its end');
    const view = new DataView(trailer.buffer, trailer.byteOffset, TRAILER_BYTES);
    const fits = view.getUint32(0, true) === this.#crc && view.getUint32(4, true) === this.#size % 2 ** 32;
    if (!fits) throw new GzipFault('it is damaged: its checksum is another');
  }
}

/** Where the compressed bytes begin. */
function headerEnd(file: Uint8Array): number {
  const flags = file[3] ?? 0;
  if (file[0] !== 0x1f || file[1] !== 0x8b || file[2] !== 8 || (flags & FLAG.reserved) !== 0) {
    throw new GzipFault('it is not gzip');
  }
  let at = HEADER_BYTES;
  if ((flags & FLAG.extra) !== 0) at += 2 + (file[at] ?? 0) + (file[at + 1] ?? 0) * 256;
  for (const flag of [FLAG.name, FLAG.comment]) if ((flags & flag) !== 0) at = endOfText(file, at);
  if ((flags & FLAG.crc) !== 0) at += 2;
  if (at > file.length) throw new GzipFault('it is cut short');
  return at;
}

function endOfText(file: Uint8Array, from: number): number {
  const end = file.indexOf(0, from);
  if (end === -1) throw new GzipFault('its header does not end');
  return end + 1;
}

async function firstBytes(draft: Draft): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of draft.read()) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= HEADER_BYTES_MAX) break;
  }
  return Buffer.concat(chunks);
}

/** From `from` on, and no more than shows that it is too many. */
async function lastBytes(draft: Draft, from: number): Promise<Uint8Array> {
  if (draft.size_bytes - from > TRAILER_BYTES) return new Uint8Array(TRAILER_BYTES + 1);
  return await new Response(draft.read(from)).bytes();
}

function isOfZlib(error: unknown): boolean {
  return error instanceof Error && String((error as NodeJS.ErrnoException).code).startsWith('Z_');
}

function damaged(error: unknown): unknown {
  const code = isOfZlib(error) ? String((error as NodeJS.ErrnoException).code) : null;
  if (code === null) return error;
  return new GzipFault(code === 'Z_BUF_ERROR' ? 'it is cut short' : 'it is damaged: it cannot be decompressed');
}
