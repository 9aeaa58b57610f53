/**
 * The floor of the package registry: a bare `Bun.serve` that answers the bytes handed to it, with the same headers, and
 * takes a publish as every registry has to: it parses the document, decodes and hashes the tarball, and brings both to
 * the disk before it answers.
 */
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

interface Prepared {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** A file with the body; null: none. */
  readonly file: string | null;
}

const { answers, directory } = JSON.parse(Bun.argv[2]!) as { answers: Record<string, Prepared>; directory: string };
const routes = await Promise.all(
  Object.entries(answers).map(async ([path, { status, headers, file }]) => {
    const body = file === null ? null : new Uint8Array(await Bun.file(file).arrayBuffer());
    return [path, () => new Response(body, { status, headers })] as const;
  }),
);
const log = openSync(join(directory, 'log'), 'a');
const names = openSync(directory, 'r');
let published = 0;

/** On the disk, and so is its name: what was answered is there after a loss of power, and what is there is whole. */
function store(bytes: Uint8Array): void {
  const draft = join(directory, `draft-${++published}`);
  const file = openSync(draft, 'w');
  writeSync(file, bytes);
  fsyncSync(file);
  closeSync(file);
  renameSync(draft, join(directory, String(published)));
  fsyncSync(names);
}

async function publish(request: Request): Promise<Response> {
  const document = (await request.json()) as { _attachments: Record<string, { data: string }>; versions: object };
  const [{ data }] = Object.values(document._attachments) as [{ data: string }];
  const tarball = Buffer.from(data, 'base64');
  const integrity = new Bun.CryptoHasher('sha512').update(tarball).digest('base64');
  const shasum = new Bun.CryptoHasher('sha1').update(tarball).digest('hex');
  store(tarball);
  writeSync(log, `${JSON.stringify({ ...document, _attachments: null, integrity, shasum })}\n`);
  fsyncSync(log);
  return Response.json({ ok: true }, { status: 201 });
}

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  routes: { ...Object.fromEntries(routes), '/publish': { PUT: publish } },
  fetch: () => new Response(null, { status: 404 }),
});
console.log(server.port);
