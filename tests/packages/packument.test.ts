/** The documents that clients read: every field of them, and what they cost. @module */
import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS, type PackageState, type PackageVersion } from '../../src/packages/package.ts';
import { renderPackument } from '../../src/packages/packument.ts';
import { revisionText } from '../../src/packages/revision.ts';
import { publicationOf } from './packages-fixtures.ts';

const OPTIONS = {
  origin: 'https://npm.example.org/base',
  maintainers: [{ name: 'ann', email: 'ann@example.org' }],
};
const DAY_ms = 86_400_000;

function versionOf(version: string, also: object = {}, more: Partial<PackageVersion> = {}): PackageVersion {
  const { manifest, dist, blob } = publicationOf('@acme/ui', version, { also });
  const signatures = [{ keyid: 'SHA256:k', sig: 's' }];
  return {
    version,
    manifest,
    dist: { ...dist, signatures },
    blob,
    attestations: [],
    publishedAt: DAY_ms,
    publishedBy: 'ann/ci',
    trusted: null,
    deprecated: null,
    ...more,
  };
}

function stateOf(versions: readonly PackageVersion[], more: Partial<PackageState> = {}): PackageState {
  return {
    name: '@acme/ui',
    revision: 7,
    createdAt: DAY_ms,
    modifiedAt: 2 * DAY_ms,
    settings: DEFAULT_SETTINGS,
    tags: { latest: versions.at(-1)?.version ?? '' },
    versions,
    unpublished: [],
    stars: [],
    readme: '',
    ...more,
  };
}

const INSTALLED = {
  dependencies: { a: '^1.0.0' },
  optionalDependencies: { b: '1' },
  devDependencies: { c: '1' },
  peerDependencies: { d: '1' },
  peerDependenciesMeta: { d: { optional: true } },
  acceptDependencies: { a: '^2.0.0' },
  bin: { ui: 'cli.js' },
  directories: { bin: 'bin' },
  engines: { node: '>=20' },
  cpu: ['x64'],
  os: ['linux'],
  libc: ['glibc'],
  funding: 'https://example.org',
};
const SAID = {
  description: 'Buttons',
  keywords: ['ui'],
  license: 'MIT',
  author: { name: 'Ann' },
  contributors: [{ name: 'Bob' }],
  homepage: 'https://example.org',
  repository: { type: 'git', url: 'git+https://example.org/ui.git' },
  bugs: { url: 'https://example.org/bugs' },
};

describe('the whole document', () => {
  it('says everything', () => {
    const one = versionOf('1.0.0', { main: 'index.js' }, { deprecated: 'use 1.1.0', publishedBy: 'bob' });
    const two = versionOf(
      '1.1.0',
      { ...SAID, ...INSTALLED, scripts: { postinstall: 'node setup.js' } },
      { attestations: [{ predicateType: 'https://slsa.dev/provenance/v1', blob: 'a'.repeat(128) }] },
    );
    const more = { tags: { beta: '1.0.0', latest: '1.1.0' }, stars: ['bob'], readme: '# ui' };
    const full = JSON.parse(renderPackument(stateOf([one, two], more), OPTIONS).full);
    const { maintainers } = OPTIONS;
    const distOf = ({ version, dist }: PackageVersion): object => ({
      integrity: dist.integrity,
      shasum: dist.shasum,
      fileCount: 2,
      unpackedSize: 200,
      tarball: `https://npm.example.org/base/@acme/ui/-/ui-${version}.tgz`,
      signatures: dist.signatures,
    });
    expect(full).toEqual({
      _id: '@acme/ui',
      _rev: revisionText('@acme/ui', 7),
      name: '@acme/ui',
      ...SAID,
      'dist-tags': { latest: '1.1.0', beta: '1.0.0' },
      maintainers,
      time: {
        created: '1970-01-02T00:00:00.000Z',
        modified: '1970-01-03T00:00:00.000Z',
        '1.0.0': '1970-01-02T00:00:00.000Z',
        '1.1.0': '1970-01-02T00:00:00.000Z',
      },
      users: { bob: true },
      readme: '# ui',
      _attachments: {},
      versions: {
        '1.0.0': {
          ...one.manifest,
          _id: '@acme/ui@1.0.0',
          maintainers,
          _npmUser: { name: 'bob', email: '' },
          _hasShrinkwrap: false,
          deprecated: 'use 1.1.0',
          dist: distOf(one),
        },
        '1.1.0': {
          ...two.manifest,
          _id: '@acme/ui@1.1.0',
          maintainers,
          _npmUser: maintainers[0],
          _hasShrinkwrap: false,
          hasInstallScript: true,
          dist: {
            ...distOf(two),
            attestations: {
              url: 'https://npm.example.org/base/-/npm/v1/attestations/@acme%2fui@1.1.0',
              provenance: { predicateType: 'https://slsa.dev/provenance/v1' },
            },
          },
        },
      },
    });
  });

  it('shows a workflow whole, and who vouched for it', () => {
    const publishedBy = 'trusted:acme/ui@refs/heads/main';
    const shown = [
      ['https://token.actions.githubusercontent.com', 'github'],
      ['https://oidc.circleci.com/org/7', 'circleci'],
      ['https://gitlab.com.example:8443/x', 'gitlab.com.example:8443'],
      ['nobody', 'nobody'],
    ].map(([issuer = '', provider]) => {
      const one = versionOf('1.0.0', {}, { publishedBy, trusted: { id: '7f', issuer, claims: {} } });
      const { full } = renderPackument(stateOf([one]), OPTIONS);
      return [JSON.parse(full).versions['1.0.0']._npmUser, provider];
    });
    for (const [user, id] of shown) {
      expect(user).toEqual({ name: publishedBy, email: '', trustedPublisher: { id, oidcConfigId: 'oidc:7f' } });
    }
    const unpublished = [{ version: '1.0.0', at: DAY_ms, by: publishedBy }];
    const gone = JSON.parse(renderPackument(stateOf([], { tags: {}, unpublished }), OPTIONS).full);
    expect(gone.time.unpublished.name).toBe(publishedBy);
  });

  it('cannot be told by a manifest what the registry knows', () => {
    const lie = {
      _id: 'x',
      dist: { tarball: 'http://evil' },
      _npmUser: { name: 'root' },
      maintainers: [],
      deprecated: 1,
    };
    const version = versionOf('1.0.0', { ...lie, _hasShrinkwrap: true }, { deprecated: 'old' });
    const full = JSON.parse(renderPackument(stateOf([version]), OPTIONS).full).versions['1.0.0'];
    expect(full).toMatchObject({ _id: '@acme/ui@1.0.0', _npmUser: { name: 'ann' }, deprecated: 'old' });
    expect([full.dist.tarball.startsWith(OPTIONS.origin), full._hasShrinkwrap]).toEqual([true, false]);
    expect(full.maintainers).toEqual(OPTIONS.maintainers);
  });

  it('says of what is gone when it went', () => {
    const gone = [{ version: '1.0.0', at: 3 * DAY_ms, by: 'ann' }];
    const full = JSON.parse(renderPackument(stateOf([], { unpublished: gone, tags: {} }), OPTIONS).full);
    expect(full).toMatchObject({ 'dist-tags': {}, versions: {} });
    expect(full.time.unpublished).toEqual({
      name: 'ann',
      time: '1970-01-04T00:00:00.000Z',
      tags: {},
      maintainers: OPTIONS.maintainers,
      versions: ['1.0.0'],
    });
  });
});

describe('the short document', () => {
  it('has what is needed to install, and nothing else', () => {
    const version = versionOf('1.0.0', {
      ...SAID,
      ...INSTALLED,
      bundledDependencies: ['a'],
      scripts: { install: 'x' },
    });
    const { abbreviated } = renderPackument(stateOf([version], { readme: '# ui' }), OPTIONS);
    const short = JSON.parse(abbreviated);
    expect(Object.keys(short).toSorted()).toEqual(['dist-tags', 'modified', 'name', 'versions']);
    expect([short.name, short.modified, short['dist-tags']]).toEqual([
      '@acme/ui',
      '1970-01-03T00:00:00.000Z',
      { latest: '1.0.0' },
    ]);
    const { dist, ...fields } = short.versions['1.0.0'];
    expect(fields).toEqual({
      name: '@acme/ui',
      version: '1.0.0',
      ...INSTALLED,
      bundleDependencies: ['a'],
      _hasShrinkwrap: false,
      hasInstallScript: true,
    });
    expect(dist.tarball).toBe('https://npm.example.org/base/@acme/ui/-/ui-1.0.0.tgz');
  });

  it.each<[object, object]>([
    [{ bundleDependencies: true, dependencies: { a: '1', b: '2' } }, { bundleDependencies: ['a', 'b'] }],
    [{ bundleDependencies: false }, {}],
    [{ bundleDependencies: [] }, {}],
    [{ gypfile: true }, { hasInstallScript: true }],
    [{ scripts: { test: 'x' } }, {}],
    [{ scripts: 'install' }, {}],
  ])('of %j says %j', (also, said) => {
    const { abbreviated } = renderPackument(stateOf([versionOf('1.0.0', also)]), OPTIONS);
    const { bundleDependencies, hasInstallScript } = JSON.parse(abbreviated).versions['1.0.0'];
    expect({ bundleDependencies, hasInstallScript }).toEqual({
      bundleDependencies: undefined,
      hasInstallScript: undefined,
      ...said,
    });
  });
});

it('a version is looked at once, however many there are', () => {
  let looks = 0;
  const counted = (version: PackageVersion): PackageVersion =>
    new Proxy(version, {
      get: (target, key) => {
        if (key === 'manifest') looks += 1;
        return Reflect.get(target, key);
      },
    });
  const looksAt = (count: number): number => {
    looks = 0;
    renderPackument(stateOf(Array.from({ length: count }, (_, i) => counted(versionOf(`1.${i}.0`)))), OPTIONS);
    return looks;
  };
  const [few, many] = [looksAt(100), looksAt(1000)];
  expect(many - 1).toBe((few - 1) * 10);
});
