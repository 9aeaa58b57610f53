/**
 * Blobs in a bucket of a real server, on a port of this machine; and what becomes of it when the storage misbehaves.
 * @module
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import S3rver from 's3rver';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Blobs } from '../../../src/packages/blobs/blobs.ts';
import { openS3Blobs, type S3Place } from '../../../src/packages/blobs/s3-blobs.ts';
import { blobsContract } from '../../contract/blobs.contract.ts';
import { codeOf } from '../../journal/fixtures.ts';
import { deadUrl } from '../uplinks/upstream.ts';
import { bytesOf, draftOf, kept, sha512, someBytes, tempDirectory } from './fixtures.ts';

const BUCKET = 'packages';
let server: S3rver;
let directory: string;
let port: number;
let count = 0;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'c13-s3-'));
  const options = { port: 0, address: '127.0.0.1', silent: true, directory, configureBuckets: [{ name: BUCKET }] };
  server = new S3rver(options);
  ({ port } = await server.run());
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

function placeAt(endpoint: string, prefix: string): S3Place {
  const keys = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER', sessionToken: undefined };
  return { bucket: BUCKET, prefix, endpoint, region: 'us-east-1', ...keys };
}

function open(prefix: string): Blobs {
  return openS3Blobs(placeAt(`http://127.0.0.1:${port}`, prefix), { drafts: tempDirectory() });
}

blobsContract('S3', async () => {
  const prefix = `test-${++count}/`;
  const blobs = open(prefix);
  const fileOf = (hash: string): string => join(directory, BUCKET, `${prefix}blobs/${hash}._S3rver_object`);
  return { blobs, spoil: (hash, bytes) => writeFileSync(fileOf(hash), bytes), close: () => blobs.close() };
});

/** A storage that answers as it likes. */
async function hostile(answer: (method: string, attempt: number) => Response | null): Promise<string> {
  const attempts = new Map<string, number>();
  const storage: Server = createServer(async (request, response) => {
    const method = request.method!;
    attempts.set(method, (attempts.get(method) ?? 0) + 1);
    request.resume();
    const given = answer(method, attempts.get(method)!);
    if (given === null) return;
    response.writeHead(given.status, Object.fromEntries(given.headers));
    response.end(method === 'HEAD' ? undefined : Buffer.from(await given.arrayBuffer()));
  });
  await new Promise<void>((resolve) => storage.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    storage.closeAllConnections();
    storage.close();
  });
  return `http://127.0.0.1:${(storage.address() as AddressInfo).port}`;
}

describe('a storage', () => {
  const bytes = someBytes(1000);
  const there = (size = bytes.length, etag = '"none"'): Response =>
    new Response(bytes.slice(0, size), {
      headers: { 'content-length': String(size), etag, 'last-modified': 'Fri, 20 Nov 2026 10:00:00 GMT' },
    });
  const openAt = (endpoint: string, waits: number[] = []): Blobs =>
    openS3Blobs(placeAt(endpoint, ''), {
      drafts: tempDirectory(),
      timeout_ms: 200,
      wait: async (ms) => void waits.push(ms),
    });

  it('that never answers is ERR_BLOB', async () => {
    const blobs = openAt(await hostile(() => null));
    await expect(blobs.stat(sha512(bytes))).rejects.toMatchObject({ code: 'ERR_BLOB' });
    await blobs.close();
  });

  it('that is busy is asked again, longer and longer, and not for ever', async () => {
    const waits: number[] = [];
    const busy = (): Response => new Response('<Error><Code>SlowDown</Code></Error>', { status: 503 });
    const recovers = openAt(await hostile((method, attempt) => (attempt < 3 ? busy() : there())), waits);
    expect(await recovers.stat(sha512(bytes))).toEqual({ hash: sha512(bytes), size_bytes: 1000 });
    expect(waits).toEqual([200, 800]);
    const stays = openAt(await hostile(busy));
    expect(await codeOf(stays.stat(sha512(bytes)))).toBe('ERR_BLOB');
    for (const blobs of [recovers, stays]) await blobs.close();
  });

  it('that says it has a blob, and has other bytes, is found out', async () => {
    const wrong = (): Response => new Response(bytes.toReversed(), { headers: there().headers });
    const cases: [string, (method: string) => Response][] = [
      ['none', (method) => (method === 'PUT' ? new Response('') : there())],
      ['ERR_BLOB', (method) => (method === 'PUT' ? new Response('') : method === 'HEAD' ? there() : wrong())],
      ['ERR_BLOB', (method) => (method === 'PUT' ? new Response('') : there(999))],
    ];
    for (const [code, answer] of cases) {
      const blobs = openAt(await hostile(answer));
      expect(await codeOf(kept(blobs, bytes))).toBe(code);
      await blobs.close();
    }
  });

  it('that refuses the credentials is not asked twice', async () => {
    const waits: number[] = [];
    const refusal = '<?xml version="1.0"?><Error><Code>InvalidAccessKeyId</Code><Message>no</Message></Error>';
    const blobs = openAt(await hostile(() => new Response(refusal, { status: 403 })), waits);
    const draft = await draftOf(blobs, bytes);
    await expect(draft.keep()).rejects.toMatchObject({ code: 'ERR_BLOB' });
    expect(waits).toEqual([]);
    await blobs.close();
  });

  it.each<[code: string | null, words: string]>([
    ['NoSuchBucket', 'there is no such bucket (C13_S3_URL)'],
    ['AccessDenied', 'these keys have no right'],
    ['RequestTimeTooSkewed', 'the clock of this machine is wrong'],
    ['SomethingElse', 'SomethingElse no'],
    [null, 'nobody listens at its address (C13_S3_URL)'],
  ])('that fails with %s says so in words', async (code, words) => {
    const refusal = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`;
    const refuses = async (): Promise<string> => await hostile(() => new Response(refusal, { status: 403 }));
    const blobs = openAt(code === null ? await deadUrl() : await refuses());
    const draft = await draftOf(blobs, bytes);
    await expect(draft.keep()).rejects.toMatchObject({ details: { fault: expect.stringContaining(words) } });
    await blobs.close();
  });
});

it('what comes in is gone from this machine when the store is closed', async () => {
  const drafts = tempDirectory();
  const blobs = openS3Blobs(placeAt(`http://127.0.0.1:${port}`, 'closed/'), { drafts });
  const { hash } = await kept(blobs, someBytes(400_000));
  await draftOf(blobs, someBytes(400_000, 'b'));
  expect(sha512(await bytesOf(blobs, hash))).toBe(hash);
  await blobs.close();
  expect(readdirSync(drafts)).toEqual([]);
});
