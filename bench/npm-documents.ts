/** Documents as `npm publish` sends them, made before any clock runs. */
import { gzipSync } from 'node:zlib';
import { packTar } from 'modern-tar';

export interface PublishOptions {
  readonly name: string;
  readonly version: string;
  /** Beside `package.json`. */
  readonly files?: Readonly<Record<string, Uint8Array | string>>;
  readonly manifest?: object;
}

/** The JSON of a publish, its tarball in base64 within. */
export async function publishDocument({ name, version, files = {}, manifest = {} }: PublishOptions): Promise<string> {
  const said = { name, version, ...manifest };
  const all = { 'package.json': JSON.stringify(said, null, 2), ...files };
  const entries = Object.entries(all).map(([path, body]) => ({
    header: { name: `package/${path}`, size: Buffer.byteLength(body), type: 'file' as const, mode: 0o644 },
    body,
  }));
  const tarball = gzipSync(await packTar(entries));
  const integrity = `sha512-${new Bun.CryptoHasher('sha512').update(tarball).digest('base64')}`;
  const shasum = new Bun.CryptoHasher('sha1').update(tarball).digest('hex');
  const file = `${name}-${version}.tgz`;
  const dist = { integrity, shasum, tarball: `http://127.0.0.1/${name}/-/${file}` };
  return JSON.stringify({
    _id: name,
    name,
    'dist-tags': { latest: version },
    versions: { [version]: { ...said, _id: `${name}@${version}`, dist } },
    access: null,
    _attachments: {
      [file]: { content_type: 'application/octet-stream', data: tarball.toString('base64'), length: tarball.length },
    },
  });
}

/** A `package.json` of the usual size: about 1.2 KB. */
export function usualManifest(seed: number): object {
  const dependencies = Object.fromEntries(
    Array.from({ length: 12 }, (_, i) => [`dependency-${(seed * 7 + i * 13) % 97}`, `^${i}.${seed % 10}.0`]),
  );
  return {
    description: `Package ${seed} of a measurement: parses, formats and sends what it is told`,
    keywords: ['measure', 'package', `number-${seed % 50}`],
    license: 'MIT',
    author: { name: 'Ann Example', email: 'ann@example.com' },
    repository: { type: 'git', url: 'git+https://git.example/ann/package.git' },
    main: './dist/index.js',
    types: './dist/index.d.ts',
    exports: { '.': { types: './dist/index.d.ts', import: './dist/index.js', require: './dist/index.cjs' } },
    scripts: { build: 'tsc -p .', test: 'node --test', lint: 'lint .' },
    engines: { node: '>=20' },
    dependencies,
    devDependencies: { typescript: '^7.0.0', '@types/node': '^22.0.0' },
  };
}
