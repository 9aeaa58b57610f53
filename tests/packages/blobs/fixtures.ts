/** What the tests of blobs share: bytes in pieces, a directory that goes away, the code of an error. @module */
import { createCipheriv, createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Blobs, BlobHash, Draft, StoredBlob } from '../../../src/packages/blobs/blobs.ts';

export const LIMIT = 64 * 1024 * 1024;

export function tempDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'c13-blobs-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** In pieces of `size_bytes`. */
export async function* pieces(bytes: Uint8Array, size_bytes = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size_bytes) yield bytes.slice(at, at + size_bytes);
}

/** The same for the same seed, and like no other. */
export function someBytes(size_bytes: number, seed = 'a'): Uint8Array<ArrayBuffer> {
  const key = createHash('sha256').update(seed).digest().subarray(0, 16);
  const stream = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  return new Uint8Array(stream.update(Buffer.alloc(size_bytes)));
}

export function sha512(bytes: Uint8Array): BlobHash {
  return createHash('sha512').update(bytes).digest('hex');
}

export function draftOf(blobs: Blobs, bytes: Uint8Array): Promise<Draft> {
  return blobs.draft(pieces(bytes), LIMIT);
}

export async function kept(blobs: Blobs, bytes: Uint8Array): Promise<StoredBlob> {
  return await (await draftOf(blobs, bytes)).keep();
}

export async function bytesOf(
  blobs: Blobs,
  hash: BlobHash,
  range?: { start: number; end: number },
): Promise<Uint8Array> {
  return await new Response(await blobs.body(hash, range)).bytes();
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
