/**
 * From the document of a publish to a version: what clients really send is taken, and what does not agree is not.
 * @module
 */
import { describe, expect, it } from 'vitest';
import type { Blobs } from '../../../src/packages/blobs/blobs.ts';
import { bareTarball } from '../../../src/packages/intake/bare-tarball.ts';
import { publicationOf, publicationOfTarball } from '../../../src/packages/intake/publication.ts';
import { readDocument } from '../../../src/packages/intake/read-document.ts';
import type { Publication } from '../../../src/packages/package.ts';
import { all, LIMIT, pieces, sha512 } from '../blobs/fixtures.ts';
import { type Changes, documentOf, type Entry, NAME, openedBlobs, tarball } from './fixtures.ts';

async function published(blobs: Blobs, document: unknown, name = NAME): Promise<Publication> {
  const incoming = await readDocument(pieces(Buffer.from(JSON.stringify(document)), 1000), {
    blobs,
    limit_bytes: LIMIT,
  });
  try {
    return await publicationOf(name, incoming);
  } finally {
    await incoming.drop();
  }
}

describe('a publish', () => {
  it('becomes a version, its bytes in the store', async () => {
    const { blobs } = openedBlobs();
    const inner = { dependencies: { left: '^1.0.0' }, scripts: { test: 'x' }, keywords: ['a'] };
    const bytes = tarball(inner, [{ path: 'package/npm-shrinkwrap.json', body: '{}' }]);
    const sent = {
      _npmVersion: '11.0.0',
      _resolved: '/somewhere/ui.tgz',
      _from: 'file:ui.tgz',
      readmeFilename: 'README.md',
    };
    const publication = await published(blobs, documentOf(bytes, { version: { ...inner, ...sent } }));
    const document = documentOf(bytes) as { versions: { '1.0.0': { dist: { integrity: string; shasum: string } } } };
    const { integrity, shasum } = document.versions['1.0.0'].dist;
    expect(publication).toEqual({
      name: NAME,
      version: '1.0.0',
      manifest: { name: NAME, version: '1.0.0', ...inner, _npmVersion: '11.0.0', readmeFilename: 'README.md' },
      dist: {
        integrity,
        shasum,
        size_bytes: bytes.length,
        fileCount: 2,
        unpackedSize_bytes: JSON.stringify({ name: NAME, version: '1.0.0', ...inner }).length + 2,
        hasShrinkwrap: true,
      },
      blob: sha512(bytes),
      attestations: [],
      tags: ['latest'],
      readme: '# ui',
      access: undefined,
    });
    expect(await blobs.stat(publication.blob)).toEqual({ hash: sha512(bytes), size_bytes: bytes.length });
  });

  it.each<[string, Changes, Partial<Publication>]>([
    ['tags', { root: { 'dist-tags': { next: '1.0.0', beta: '1.0.0' } } }, { tags: ['next', 'beta'] }],
    ['no tag', { root: { 'dist-tags': undefined } }, { tags: ['latest'] }],
    ['access', { root: { access: 'restricted' } }, { access: 'restricted' }],
    ['a readme of its own', { root: { readme: 'outer' } }, { readme: 'outer' }],
    ['a readme that is none', { version: { readme: 'ERROR: No README data found!' } }, { readme: '' }],
    ['no _id', { root: { _id: undefined }, version: { _id: undefined } }, { version: '1.0.0' }],
    ['no dist', { version: { dist: undefined } }, { version: '1.0.0' }],
  ])('may bring %s', async (_, changes, expected) => {
    const { blobs } = openedBlobs();
    expect(await published(blobs, documentOf(tarball(), changes))).toMatchObject(expected);
  });

  it.each(['ui-1.0.0.tgz', 'acme-ui-1.0.0.tgz', '@acme/ui-1.0.0+build.5.tgz'])('may call its file %s', async (file) => {
    const { blobs } = openedBlobs();
    const { [`${NAME}-1.0.0.tgz`]: data } = documentOf(tarball())['_attachments'] as Record<string, unknown>;
    const document = documentOf(tarball(), { root: { _attachments: { [file]: data } } });
    expect(await published(blobs, document)).toMatchObject({ version: '1.0.0' });
  });

  it('has its readme cut at 64 KB, between characters', async () => {
    const { blobs } = openedBlobs();
    const { readme } = await published(blobs, documentOf(tarball(), { version: { readme: `a${'é'.repeat(40_000)}` } }));
    expect(Buffer.byteLength(readme)).toBe(64 * 1024 - 1);
    expect(readme.endsWith('é')).toBe(true);
  });
});

describe('what clients tidy', () => {
  const gyp: Entry = { path: 'package/binding.gyp', body: '{}' };
  const server: Entry = { path: 'package/server.js', body: '' };
  it.each<[string, object, object, readonly Entry[]]>([
    ['bin as text', { bin: './cli.js' }, { bin: { ui: 'cli.js' } }, []],
    ['bin with the scope', { bin: 'cli.js' }, { bin: { '@acme/ui': 'cli.js' } }, []],
    ['bin as a list', { bin: ['./bin/a.js'] }, { bin: { 'a.js': 'bin/a.js' } }, []],
    ['bin that leads out', { bin: { '../x': '../../cli.js' } }, { bin: { x: 'cli.js' } }, []],
    [
      'a directory of programs',
      { directories: { bin: './bin' } },
      { bin: { a: 'bin/a' }, directories: { bin: './bin' } },
      [],
    ],
    [
      'optional dependencies said twice',
      { optionalDependencies: { a: '1' } },
      { dependencies: { a: '1' }, optionalDependencies: { a: '1' } },
      [],
    ],
    [
      'bundled dependencies by their other name',
      { bundledDependencies: ['a'] },
      { bundleDependencies: ['a'], dependencies: { a: '*' } },
      [],
    ],
    [
      'all dependencies bundled',
      { bundleDependencies: true, dependencies: { a: '1' } },
      { bundleDependencies: ['a'], dependencies: { a: '1' } },
      [],
    ],
    ['a repository in short', { dependencies: { a: 'ann/a#v1' } }, { dependencies: { a: 'github:ann/a#v1' } }, []],
    [
      'a repository in full',
      { dependencies: { a: 'https://github.com/ann/a.git' } },
      { dependencies: { a: 'git+https://github.com/ann/a.git' } },
      [],
    ],
    [
      'a repository by ssh',
      { dependencies: { a: 'git@github.com:ann/a.git' } },
      { dependencies: { a: 'git+ssh://git@github.com/ann/a.git' } },
      [],
    ],
    ['a build by node-gyp', {}, { scripts: { install: 'node-gyp rebuild' }, gypfile: true }, [gyp]],
    ['a start script', { scripts: { test: 'x' } }, { scripts: { test: 'x', start: 'node server.js' } }, [server]],
    ['paths of programs in scripts', { scripts: { a: './node_modules/.bin/tsc' } }, { scripts: { a: 'tsc' } }, []],
    ['scripts that are no text', { scripts: { a: 1, b: 'x' } }, { scripts: { b: 'x' } }, []],
    ['a version with v', { version: 'v1.0.0' }, {}, []],
    ['a version with its build', { version: '1.0.0+5' }, {}, []],
    [
      'constructor, which is a package',
      { dependencies: { constructor: '1' } },
      { dependencies: { constructor: '1' } },
      [],
    ],
  ])('is the same still: %s', async (_, inner, outer, more) => {
    const { blobs } = openedBlobs();
    const publication = await published(blobs, documentOf(tarball(inner, more), { version: outer }));
    expect(publication).toMatchObject({ name: NAME, version: '1.0.0' });
  });

  it('is tidied for a client that does not: what is built by node-gyp says so', async () => {
    const { blobs } = openedBlobs();
    const inner = { scripts: { test: 'x' } };
    const { manifest } = await published(blobs, documentOf(tarball(inner, [gyp]), { version: inner }));
    expect(manifest).toMatchObject({ scripts: { test: 'x', install: 'node-gyp rebuild' }, gypfile: true });
    const declared = await published(
      blobs,
      documentOf(tarball({ gypfile: false }, [gyp]), { version: { gypfile: false } }),
    );
    expect(declared.manifest['scripts']).toBeUndefined();
  });
});

describe('what others see of a version', () => {
  it('is what its tarball says, and nothing that only the document does', async () => {
    const { blobs } = openedBlobs();
    const inner = { engines: { node: '>=20' }, os: ['linux'], license: 'MIT', _secret: 'x', _npmVersion: '1.0.0' };
    const outer = {
      engines: {},
      os: ['!linux'],
      cpu: ['x64'],
      libc: ['musl'],
      license: 'GPL-3.0',
      description: 'Another',
      acceptDependencies: { a: '*' },
      peerDependenciesMeta: { a: { optional: true } },
      exports: './evil.js',
      deprecated: 'mine',
      hasInstallScript: false,
      blurb: 'x'.repeat(1000),
    };
    const packed = { gitHead: 'abc', _nodeVersion: '24.0.0', _npmVersion: '11.0.0' };
    const { manifest } = await published(blobs, documentOf(tarball(inner), { version: { ...outer, ...packed } }));
    const { _secret, ...own } = inner;
    expect(manifest).toEqual({ name: NAME, version: '1.0.0', ...own, ...packed });
  });

  it.each<[object, object]>([
    [
      { author: 'Ann <a@b.example> (https://b.example)' },
      { author: { name: 'Ann', email: 'a@b.example', url: 'https://b.example' } },
    ],
    [{ author: 'Ann' }, { author: { name: 'Ann' } }],
    [{ contributors: ['Bob <b@b.example>'] }, { contributors: [{ name: 'Bob', email: 'b@b.example' }] }],
    [{ repository: 'acme/ui' }, { repository: { type: 'git', url: 'git+https://github.com/acme/ui.git' } }],
    [{ repository: 'https://git.example/ui' }, { repository: { type: 'git', url: 'https://git.example/ui' } }],
    [{ bugs: 'https://bugs.example' }, { bugs: { url: 'https://bugs.example' } }],
    [{ bugs: 'bugs@b.example' }, { bugs: { email: 'bugs@b.example' } }],
    [{ keywords: 'a, b' }, { keywords: ['a', 'b'] }],
    [
      { author: 7, repository: [], bugs: null },
      { author: 7, repository: [], bugs: null },
    ],
  ])('is written out where it was short: %j', async (inner, outer) => {
    const { blobs } = openedBlobs();
    expect((await published(blobs, documentOf(tarball(inner)))).manifest).toEqual({
      name: NAME,
      version: '1.0.0',
      ...outer,
    });
  });

  it('lists the programs of a directory as the client found them there', async () => {
    const { blobs } = openedBlobs();
    const inner = { directories: { bin: './bin' } };
    const { manifest } = await published(
      blobs,
      documentOf(tarball(inner), { version: { ...inner, bin: { a: 'bin/a' } } }),
    );
    expect(manifest).toMatchObject({ bin: { a: 'bin/a' } });
  });
});

describe('a publish is refused, and nothing is kept, for', () => {
  it('a package.json that is larger than readers of all versions can bear, and for 101 tags', async () => {
    const { blobs } = openedBlobs();
    const large = { description: 'x'.repeat(256 * 1024) };
    const tags = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`t${index}`, '1.0.0']));
    for (const document of [
      documentOf(tarball(large), { version: large }),
      documentOf(tarball(), { root: { 'dist-tags': tags } }),
    ]) {
      await expect(published(blobs, document)).rejects.toMatchObject({ code: 'ERR_PACKAGE_INVALID' });
    }
    expect(await all(blobs.list())).toEqual([]);
  });

  const other = { content_type: '', data: '', length: 0 };
  it.each<[string, string, Changes, object]>([
    ['another name', 'ERR_PACKAGE_INVALID', { root: { name: 'b' } }, {}],
    ['another _id', 'ERR_PACKAGE_INVALID', { root: { _id: 'b' } }, {}],
    ['another name of the version', 'ERR_PACKAGE_INVALID', { version: { name: 'b' } }, {}],
    ['another version within', 'ERR_PACKAGE_INVALID', { version: { version: '1.0.1' } }, {}],
    ['another _id of the version', 'ERR_PACKAGE_INVALID', { version: { _id: 'b@1' } }, {}],
    ['no versions', 'ERR_WRONG_TYPE', { root: { versions: undefined } }, {}],
    ['an empty one', 'ERR_PACKAGE_INVALID', { root: { versions: {} } }, {}],
    ['two versions', 'ERR_PACKAGE_INVALID', { root: { versions: { '1.0.0': {}, '1.0.1': {} } } }, {}],
    ['a version that is none', 'ERR_PACKAGE_VERSION', { root: { versions: { one: {} } } }, {}],
    ['a version with v', 'ERR_PACKAGE_VERSION', { root: { versions: { 'v1.0.0': {} } } }, {}],
    ['no tarball', 'ERR_PACKAGE_INVALID', { root: { _attachments: {} } }, {}],
    ['another tarball besides', 'ERR_PACKAGE_INVALID', { attachments: { 'ui-1.0.0.tgz': other } }, {}],
    ['a tarball of another version', 'ERR_PACKAGE_INVALID', { root: { _attachments: { 'ui-1.0.1.tgz': other } } }, {}],
    ['an unknown file', 'ERR_PACKAGE_INVALID', { attachments: { 'readme.txt': other } }, {}],
    ['data that is no text', 'ERR_PACKAGE_INVALID', { attachments: { [`${NAME}-1.0.0.tgz`]: { data: 1 } } }, {}],
    ['a tag that could be a version', 'ERR_PACKAGE_INVALID', { root: { 'dist-tags': { '1.x': '1.0.0' } } }, {}],
    ['a tag for another version', 'ERR_PACKAGE_INVALID', { root: { 'dist-tags': { latest: '2.0.0' } } }, {}],
    ['an unknown access', 'ERR_PACKAGE_INVALID', { root: { access: 'secret' } }, {}],
    ['another shasum', 'ERR_INTEGRITY', { dist: { shasum: 'a'.repeat(40) } }, {}],
    ['another integrity', 'ERR_INTEGRITY', { dist: { integrity: `sha512-${'A'.repeat(86)}==` } }, {}],
    ['an integrity that is none', 'ERR_INTEGRITY', { dist: { integrity: 'md5-abc' } }, {}],
    ['one wrong integrity of two', 'ERR_INTEGRITY', { dist: { integrity: `sha256-${'A'.repeat(43)}=` } }, {}],
    ['another name in the tarball', 'ERR_PACKAGE_INVALID', {}, { name: 'b' }],
    ['another version in the tarball', 'ERR_PACKAGE_INVALID', {}, { version: '1.0.1' }],
    ['no version in the tarball', 'ERR_PACKAGE_INVALID', {}, { version: undefined }],
    ['a dependency that is not shown', 'ERR_PACKAGE_INVALID', {}, { dependencies: { evil: '1' } }],
    [
      'a dependency of another version',
      'ERR_PACKAGE_INVALID',
      { version: { dependencies: { a: '1' } } },
      { dependencies: { a: '2' } },
    ],
    ['a dependency that is only shown', 'ERR_PACKAGE_INVALID', { version: { dependencies: { a: '1' } } }, {}],
    [
      'one from a host that only looks alike',
      'ERR_PACKAGE_INVALID',
      { version: { dependencies: { a: 'github:ann/a' } } },
      { dependencies: { a: 'git+https://github.com.evil.example/ann/a' } },
    ],
    ['an optional dependency that is not shown', 'ERR_PACKAGE_INVALID', {}, { optionalDependencies: { evil: '1' } }],
    ['another peer dependency', 'ERR_PACKAGE_INVALID', {}, { peerDependencies: { evil: '1' } }],
    [
      'a bundled dependency that is not shown',
      'ERR_PACKAGE_INVALID',
      { version: { dependencies: { a: '1' } } },
      { bundleDependencies: ['a'], dependencies: { a: '1' } },
    ],
    ['an install script that is not shown', 'ERR_PACKAGE_INVALID', {}, { scripts: { postinstall: 'evil' } }],
    [
      'another install script',
      'ERR_PACKAGE_INVALID',
      { version: { scripts: { install: 'good' } } },
      { scripts: { install: 'evil' } },
    ],
    ['a program that is not shown', 'ERR_PACKAGE_INVALID', {}, { bin: { ls: 'evil.js' } }],
    [
      'a program outside of its directory',
      'ERR_PACKAGE_INVALID',
      { version: { bin: { a: 'other/a' } } },
      { directories: { bin: 'bin' } },
    ],
  ])('%s', async (_, code, changes, inner) => {
    const { blobs } = openedBlobs();
    await expect(published(blobs, documentOf(tarball(inner), changes))).rejects.toMatchObject({
      name: 'ConfigError',
      code,
    });
    expect(await all(blobs.list())).toEqual([]);
  });

  it('a length that differs', async () => {
    const { blobs } = openedBlobs();
    const document = documentOf(tarball()) as { _attachments: Record<string, { length: number }> };
    document._attachments[`${NAME}-1.0.0.tgz`]!.length += 1;
    await expect(published(blobs, document)).rejects.toMatchObject({ code: 'ERR_PACKAGE_INVALID' });
  });

  it('a name in the address that is another, or cannot be published', async () => {
    const { blobs } = openedBlobs();
    const document = documentOf(tarball());
    await expect(published(blobs, document, '@acme/other')).rejects.toMatchObject({ code: 'ERR_PACKAGE_INVALID' });
    await expect(published(blobs, document, 'health')).rejects.toMatchObject({ code: 'ERR_PACKAGE_NAME' });
    await expect(published(blobs, document, 'UI')).rejects.toMatchObject({ code: 'ERR_PACKAGE_NAME' });
  });

  it('a tarball that is none', async () => {
    const { blobs } = openedBlobs();
    await expect(published(blobs, documentOf(Buffer.from('<html>')))).rejects.toMatchObject({
      code: 'ERR_TARBALL',
      details: { package: NAME, fault: 'it is not gzip' },
    });
  });

  it('says what differs, and how', async () => {
    const { blobs } = openedBlobs();
    const document = documentOf(tarball({ dependencies: { left: '2' } }), { version: { dependencies: { left: '1' } } });
    await expect(published(blobs, document)).rejects.toMatchObject({
      details: {
        path: 'dependencies.left',
        fault: 'the document says "1", the package.json in the tarball says "2"',
      },
    });
  });
});

it('takes more than one hash, each of which must be right', async () => {
  const { blobs } = openedBlobs();
  const bytes = tarball();
  const hashes = ['sha1', 'sha256', 'sha384', 'sha512'].map(
    (algorithm) => `${algorithm}-${new Bun.CryptoHasher(algorithm as 'sha1').update(bytes).digest('base64')}`,
  );
  expect(await published(blobs, documentOf(bytes, { dist: { integrity: hashes.join(' ') } }))).toMatchObject({
    name: NAME,
  });
});

describe('provenance', () => {
  const bytes = tarball();
  const file = `${NAME}-1.0.0.sigstore`;
  const subject = { name: 'pkg:npm/%40acme/ui@1.0.0', digest: { sha512: sha512(bytes) } };
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [subject],
    predicateType: 'https://slsa.dev/provenance/v1',
  };

  function bundleOf(stated: object, changes: object = {}): string {
    const payload = Buffer.from(JSON.stringify(stated)).toString('base64');
    const dsseEnvelope = { payload, payloadType: 'application/vnd.in-toto+json', signatures: [] };
    return JSON.stringify({ mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json', dsseEnvelope, ...changes });
  }

  const withBundle = (text: unknown): unknown =>
    documentOf(bytes, {
      attachments: { [file]: { content_type: 'application/vnd.dev.sigstore.bundle.v0.3+json', data: text, length: 1 } },
    });

  it('is kept as it came', async () => {
    const { blobs } = openedBlobs();
    const text = bundleOf({ ...statement, predicate: { by: 'é "workflow"' } });
    const { attestations } = await published(blobs, withBundle(text));
    expect(attestations).toEqual([
      { predicateType: 'https://slsa.dev/provenance/v1', blob: sha512(Buffer.from(text)) },
    ]);
    expect(await new Response(await blobs.body(attestations[0]!.blob)).text()).toBe(text);
  });

  it.each<[string, unknown]>([
    ['is no JSON', '{'],
    ['has a key twice', '{"a":1,"a":2}'],
    ['is no bundle', bundleOf(statement, { mediaType: 'text/plain' })],
    ['holds no statement', bundleOf(statement, { dsseEnvelope: { payload: '', payloadType: 'text/plain' } })],
    [
      'holds a statement that is no JSON',
      bundleOf(statement, { dsseEnvelope: { payload: 'AAAA', payloadType: 'application/vnd.in-toto+json' } }),
    ],
    ['speaks of nothing', bundleOf({ ...statement, subject: [] })],
    ['speaks of two things', bundleOf({ ...statement, subject: [subject, subject] })],
    [
      'speaks of another version',
      bundleOf({ ...statement, subject: [{ ...subject, name: 'pkg:npm/%40acme/ui@1.0.1' }] }),
    ],
    [
      'speaks of other bytes',
      bundleOf({ ...statement, subject: [{ ...subject, digest: { sha512: 'a'.repeat(128) } }] }),
    ],
    ['states nothing', bundleOf({ ...statement, predicateType: '' })],
  ])('is refused when it %s', async (_, text) => {
    const { blobs } = openedBlobs();
    await expect(published(blobs, withBundle(text))).rejects.toMatchObject({ code: 'ERR_PACKAGE_INVALID' });
    expect(await all(blobs.list())).toEqual([]);
  });
});

describe('a tarball alone', () => {
  it('tells of its version', async () => {
    const { blobs } = openedBlobs();
    const draft = await blobs.draft(
      pieces(bareTarball(Buffer.from('{"name":"ui","version":"v1.2.3","bin":"a.js"}'))),
      LIMIT,
    );
    const publication = await publicationOfTarball(draft, 'ui');
    expect(publication).toMatchObject({
      name: 'ui',
      version: '1.2.3',
      manifest: { name: 'ui', version: '1.2.3', bin: { ui: 'a.js' } },
      tags: ['latest'],
      readme: '',
      blob: draft.hash,
    });
    expect(await blobs.stat(draft.hash)).not.toBeNull();
  });

  it.each<[string, string]>([
    ['ERR_PACKAGE_NAME', '{"version":"1.0.0"}'],
    ['ERR_PACKAGE_VERSION', '{"name":"ui"}'],
    ['ERR_PACKAGE_VERSION', '{"name":"ui","version":"one"}'],
    ['ERR_PACKAGE_INVALID', '{"name":"other","version":"1.0.0"}'],
    ['ERR_TARBALL', 'name=ui'],
  ])('is refused with %s: %s', async (code, text) => {
    const { blobs } = openedBlobs();
    const draft = await blobs.draft(pieces(bareTarball(Buffer.from(text))), LIMIT);
    await expect(publicationOfTarball(draft, 'ui')).rejects.toMatchObject({ code });
    expect(await all(blobs.list())).toEqual([]);
  });
});
