/** What the tests of what comes in share: archives made by hand, documents as clients send them. @module */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import type { Blobs } from '../../../src/packages/blobs/blobs.ts';
import { openFileBlobs } from '../../../src/packages/blobs/file-blobs.ts';
import { BLOCK_BYTES, tarFileHeader } from '../../../src/packages/intake/tar-header.ts';
import { tempDirectory } from '../blobs/fixtures.ts';

export const NAME = '@acme/ui';

export function openedBlobs(): { readonly blobs: Blobs; readonly path: string } {
  const path = join(tempDirectory(), 'blobs');
  const blobs = openFileBlobs(path);
  onTestFinished(() => blobs.close());
  return { blobs, path };
}

export interface Entry {
  readonly path: string;
  readonly body?: string | Uint8Array;
  readonly type?: string;
  /** What else is different about its header, before the checksum is made. */
  readonly change?: (block: Uint8Array) => void;
}

function bytesOf(body: string | Uint8Array): Uint8Array {
  return typeof body === 'string' ? Buffer.from(body) : body;
}

/** The block, with a checksum that is right. */
export function sealed(block: Uint8Array): Uint8Array {
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  Buffer.from(block.buffer, block.byteOffset).write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

export function entryBytes({ path, body = '', type = '0', change }: Entry): Uint8Array {
  const bytes = bytesOf(body);
  const block = tarFileHeader('', bytes.length);
  block.set(Buffer.from(path).subarray(0, 100));
  block[156] = type.charCodeAt(0);
  change?.(block);
  return Buffer.concat([
    sealed(block),
    bytes,
    new Uint8Array((BLOCK_BYTES - (bytes.length % BLOCK_BYTES)) % BLOCK_BYTES),
  ]);
}

/** `after` is what follows the two blocks that end it. */
export function tar(entries: readonly Entry[], after: Uint8Array = new Uint8Array(0)): Uint8Array {
  return Buffer.concat([...entries.map(entryBytes), new Uint8Array(2 * BLOCK_BYTES), after]);
}

export function pax(records: Readonly<Record<string, string>>, type = 'x'): Entry {
  const body = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    let size = rest + String(rest).length;
    if (String(size).length > String(rest).length) size += 1;
    return `${size} ${key}=${value}\n`;
  });
  return { path: 'PaxHeader', type, body: body.join('') };
}

export function packageJson(fields: object = {}): Entry {
  return { path: 'package/package.json', body: JSON.stringify({ name: NAME, version: '1.0.0', ...fields }) };
}

export function tarball(fields: object = {}, more: readonly Entry[] = []): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gzipSync(tar([packageJson(fields), ...more])));
}

function digest(algorithm: string, bytes: Uint8Array, encoding: 'hex' | 'base64'): string {
  return createHash(algorithm).update(bytes).digest(encoding);
}

export interface Changes {
  /** Of the document. */
  readonly root?: object;
  /** Of the version in it. */
  readonly version?: object;
  readonly dist?: object;
  /** More of them, or others. */
  readonly attachments?: Readonly<Record<string, unknown>>;
}

/** As npm sends it. */
export function documentOf(bytes: Uint8Array, changes: Changes = {}): Record<string, unknown> {
  const integrity = `sha512-${digest('sha512', bytes, 'base64')}`;
  const dist = { integrity, shasum: digest('sha1', bytes, 'hex'), tarball: 'http://a.example/wrong', ...changes.dist };
  const version = { name: NAME, version: '1.0.0', _id: `${NAME}@1.0.0`, readme: '# ui', dist, ...changes.version };
  const file = {
    content_type: 'application/octet-stream',
    data: Buffer.from(bytes).toString('base64'),
    length: bytes.length,
  };
  return {
    _id: NAME,
    name: NAME,
    'dist-tags': { latest: '1.0.0' },
    versions: { '1.0.0': version },
    access: null,
    _attachments: { [`${NAME}-1.0.0.tgz`]: file, ...changes.attachments },
    ...changes.root,
  };
}
