/** Publishes a tarball of 100 MB that it makes as it goes, and says how much memory that took. @module */
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { openFileBlobs } from '../../../src/packages/blobs/file-blobs.ts';
import { publicationOf } from '../../../src/packages/intake/publication.ts';
import { readDocument } from '../../../src/packages/intake/read-document.ts';
import { someBytes } from '../blobs/fixtures.ts';
import { entryBytes, NAME, packageJson, sealed } from './fixtures.ts';
import { tarFileHeader } from '../../../src/packages/intake/tar-header.ts';

const [path] = process.argv.slice(2) as [string];
const PIECE = someBytes(65_536);
const PIECES = 1600;

function* archive(): Generator<Uint8Array> {
  yield entryBytes(packageJson());
  yield sealed(tarFileHeader('package/large', PIECE.length * PIECES));
  for (let i = 0; i < PIECES; i += 1) yield PIECE;
  yield new Uint8Array(1024);
}

async function* body(): AsyncGenerator<Uint8Array> {
  const version = { name: NAME, version: '1.0.0' };
  yield Buffer.from(
    `{"name":"${NAME}","versions":{"1.0.0":${JSON.stringify(version)}},"_attachments":{"ui-1.0.0.tgz":{"data":"`,
  );
  let left = Buffer.alloc(0);
  for await (const chunk of Readable.from(archive()).pipe(createGzip({ level: 0 }))) {
    const bytes = Buffer.concat([left, chunk as Uint8Array]);
    const whole = bytes.length - (bytes.length % 3);
    yield Buffer.from(bytes.toString('base64', 0, whole));
    left = bytes.subarray(whole);
  }
  yield Buffer.from(`${left.toString('base64')}"}}}`);
}

const blobs = openFileBlobs(path);
const incoming = await readDocument(body(), { blobs, limit_bytes: 200_000_000 });
const { dist } = await publicationOf(NAME, incoming);
await incoming.drop();
await blobs.close();
console.log(JSON.stringify({ ...dist, memory_bytes: process.resourceUsage().maxRSS * 1024 }));
