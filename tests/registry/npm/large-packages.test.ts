/** Packages that are too large to be held: they pass through a registry that stays small, or leave nothing. @module */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createGzip } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { headOf, startWithAdmin } from '../identity-fixtures.ts';
import { startProgram, type RunningProgram } from '../fixtures.ts';

const MiB = 1024 * 1024;
const ALONE = { C13_UPSTREAM: 'none' };

/** A tar header, as far as readers look at it. */
function header(name: string, size: number): Buffer {
  const block = Buffer.alloc(512);
  block.write(name);
  block.write('0000644\0', 100);
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  block.write('        0', 148);
  block.write('ustar\x0000', 257);
  block.write(
    `${block
      .reduce((sum, byte) => sum + byte)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
  return block;
}

function* tar(packageJson: string, size_bytes: number): Generator<Buffer> {
  yield header('package/package.json', packageJson.length);
  yield Buffer.from(packageJson.padEnd(512, '\0'));
  yield header('package/data.bin', size_bytes);
  for (let left = size_bytes; left > 0; left -= 65_536)
    yield Buffer.from(crypto.getRandomValues(new Uint8Array(65_536)));
  yield Buffer.alloc(1024);
}

/** A publish as it goes over the line: nobody ever holds all of it. */
async function* publishPieces(name: string, version: string, size_bytes: number, hash = createHash('sha512')) {
  const manifest = JSON.stringify({ name, version });
  const gzip = createGzip({ level: 0 });
  const feed = async (): Promise<void> => {
    for (const piece of tar(manifest, size_bytes)) {
      if (!gzip.write(piece)) await new Promise((resolve) => gzip.once('drain', resolve));
    }
    gzip.end();
  };
  const feeding = feed();
  yield Buffer.from(`{"name":"${name}","_attachments":{"${name}-${version}.tgz":{"data":"`);
  let rest = Buffer.alloc(0);
  for await (const chunk of gzip as AsyncIterable<Buffer>) {
    hash.update(chunk);
    const bytes = Buffer.concat([rest, chunk]);
    rest = bytes.subarray(bytes.length - (bytes.length % 3));
    yield Buffer.from(bytes.subarray(0, bytes.length - rest.length).toString('base64'));
  }
  yield Buffer.from(rest.toString('base64'));
  const dist = { integrity: `sha512-${hash.digest('base64')}` };
  yield Buffer.from(`"}},"versions":{"${version}":${JSON.stringify({ name, version, dist })}}}`);
  await feeding;
}

function peak_MiB({ child }: RunningProgram): number {
  const [, kib] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))!;
  return Number(kib) / 1024;
}

/** Of everything that lies in the store, the drafts included. */
function blobSizes(registry: RunningProgram): number[] {
  const directory = join(registry.data, 'blobs');
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  const sizes = files.map((one) => statSync(join(one.parentPath, one.name)).size);
  return sizes.filter((size_bytes) => size_bytes > 64 * 1024);
}

describe('a publish', () => {
  it.skipIf(process.platform !== 'linux')(
    'of nearly 100 MiB leaves the registry small, and is answered as it came',
    async () => {
      const registry = await startProgram(undefined, [], ALONE);
      const hash = createHash('sha512');
      const body = publishPieces('big', '1.0.0', 96 * MiB, hash) as unknown as BodyInit;
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${registry.url}/big`, { method: 'PUT', body, headers });
      expect(await answer.json()).toMatchObject({ success: true, id: 'big' });
      expect(peak_MiB(registry)).toBeLessThan(150);
      const { body: version } = await registry.call('GET', '/big/1.0.0');
      const seen = createHash('sha512');
      const tarball = await fetch(`${registry.url}/big/-/big-1.0.0.tgz`);
      for await (const piece of tarball.body!) seen.update(piece);
      expect(`sha512-${seen.digest('base64')}`).toBe(version.dist.integrity);
      expect(blobSizes(registry)).toHaveLength(1);
      expect(peak_MiB(registry)).toBeLessThan(150);
    },
    60_000,
  );

  it('that breaks off leaves nothing, and the next one is taken', async () => {
    const { registry, ann } = await startWithAdmin(undefined, [], ALONE);
    const { hostname, port } = new URL(registry.url);
    const head = await headOf(ann);
    const socket = connect(Number(port), hostname);
    socket.write(
      `PUT /big HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer ${ann.token}\r\nContent-Length: 50000000\r\n\r\n`,
    );
    let sent = 0;
    for await (const piece of publishPieces('big', '1.0.0', 20 * MiB)) {
      sent += piece.length;
      if (sent > 10 * MiB) break;
      if (!socket.write(piece)) await new Promise((resolve) => socket.once('drain', resolve));
    }
    await expect.poll(() => blobSizes(registry).length).toBe(1);
    socket.resetAndDestroy();
    await expect.poll(() => blobSizes(registry), { timeout: 10_000 }).toEqual([]);
    expect((await ann.call('GET', '/big')).status).toBe(404);
    expect(await headOf(ann)).toBe(head);
    const body = publishPieces('big', '1.0.0', MiB) as unknown as BodyInit;
    const headers = { authorization: `Bearer ${ann.token}` };
    expect((await fetch(`${registry.url}/big`, { method: 'PUT', body, headers })).status).toBe(201);
  }, 60_000);

  it('of somebody who may not, or over the limit, is refused before its body is there', async () => {
    const { registry, ann } = await startWithAdmin(undefined, [], { ...ALONE, C13_PACKAGE_LIMIT: '100000' });
    const { body: token } = await ann.call('POST', '/api/v1/tokens', { name: 'ro', readOnly: true });
    const answers: Record<string, string> = {};
    const asked = {
      'a reader': [token.secret, 5_000_000],
      nobody: ['', 5_000_000],
      'too large': [ann.token, 9_000_000],
    } as const;
    for (const [who, [secret, length]] of Object.entries(asked)) {
      const { hostname, port } = new URL(registry.url);
      const socket = connect(Number(port), hostname);
      const credential = secret === '' ? '' : `Authorization: Bearer ${secret}\r\n`;
      socket.write(`PUT /big HTTP/1.1\r\nHost: here\r\n${credential}Content-Length: ${length}\r\n\r\n{`);
      const chunk = await new Promise((resolve) => socket.once('data', resolve));
      answers[who] = String(chunk).split('\r\n')[0]!.slice('HTTP/1.1 '.length);
      socket.destroy();
    }
    expect(answers).toEqual({
      'a reader': '403 Forbidden',
      nobody: '401 Unauthorized',
      'too large': '413 Payload Too Large',
    });
    expect(blobSizes(registry)).toEqual([]);
  }, 60_000);
});
