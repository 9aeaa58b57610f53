/** What entries of packages say, and which ones nobody can read. @module */
import { describe, expect, it } from 'vitest';
import {
  decodePackageEntry,
  encodePackageEntry,
  packageOfStream,
  type PackageEntry,
} from '../../src/packages/entries.ts';
import { MAX_BODY_BYTES } from '../../src/journal/journal.ts';
import { bytes, codeOf } from '../journal/fixtures.ts';
import { inMemory, publicationOf } from './packages-fixtures.ts';

const { name: _name, access: _access, ...publication } = publicationOf('ui', '1.0.0');
const PUBLISH: PackageEntry = {
  ...publication,
  type: 'package.publish',
  dist: { ...publication.dist, signatures: [{ keyid: 'k', sig: 's' }] },
  attestations: [{ predicateType: 'https://slsa.dev/provenance/v1', blob: 'a'.repeat(128) }],
};
const SETTINGS = {
  access: 'restricted',
  isPremium: true,
  trustedPublishers: [{ id: '1', issuer: 'https://ci', claims: { repository: 'acme/ui' } }],
} as const;

it.each<PackageEntry>([
  PUBLISH,
  { ...PUBLISH, access: 'restricted', publishedAt: 7, publishedBy: 'ann' },
  { ...PUBLISH, trusted: SETTINGS.trustedPublishers[0] },
  { type: 'package.tags', set: { next: '1.0.0' }, removed: ['beta'] },
  { type: 'package.deprecate', messages: { '1.0.0': 'old', '1.1.0': null } },
  { type: 'package.unpublish', versions: ['1.0.0'], tags: {} },
  { type: 'package.settings', settings: SETTINGS },
  { type: 'package.star', user: 'ann', isStarred: true },
])('an entry is what was written: $type', (entry) => {
  const body = encodePackageEntry('ui', entry);
  expect(JSON.parse(new TextDecoder().decode(body))).toMatchObject({ format: 1 });
  expect(decodePackageEntry({ seq: 1, type: entry.type, body })).toEqual(entry);
});

it.each<[string, PackageEntry]>([
  ['readme', { ...PUBLISH, readme: 'x'.repeat(MAX_BODY_BYTES) }],
  ['fewer versions', { type: 'package.deprecate', messages: { '1.0.0': 'x'.repeat(MAX_BODY_BYTES) } }],
  ['dist-tags', { type: 'package.tags', set: {}, removed: ['x'.repeat(MAX_BODY_BYTES)] }],
])('what is too large is told what to do: %s', (hint, entry) => {
  expect(() => encodePackageEntry('ui', entry)).toThrow(
    expect.objectContaining({ code: 'ERR_PACKAGE_INVALID', hint: expect.stringContaining(hint) }),
  );
});

it('a stream is of a package or of something else', () => {
  expect([packageOfStream('package:@acme/ui'), packageOfStream('packages:x'), packageOfStream('config:x')]).toEqual([
    '@acme/ui',
    null,
    null,
  ]);
});

describe('nobody can read', () => {
  const good = { format: 1, ...PUBLISH };
  it.each<[string, unknown]>([
    ['package.publish', { ...good, format: 2 }],
    ['package.publish', { ...good, format: undefined }],
    ...Object.keys(PUBLISH)
      .filter((field) => field !== 'type')
      .map((field): [string, unknown] => ['package.publish', { ...good, [field]: 7 }]),
    ['package.publish', { ...good, blob: '../../etc' }],
    ['package.publish', { ...good, access: 'secret' }],
    ['package.publish', { ...good, publishedAt: 'now' }],
    ['package.publish', { ...good, publishedBy: 7 }],
    ['package.publish', { ...good, trusted: { id: '1', issuer: 'https://ci' } }],
    ['package.publish', { ...good, dist: { ...PUBLISH.dist, signatures: [{}] } }],
    ['package.publish', { ...good, attestations: [{ predicateType: 'x', blob: 'y' }] }],
    ['package.tags', { format: 1, set: { next: 1 }, removed: [] }],
    ['package.tags', { format: 1, set: {}, removed: 'next' }],
    ['package.deprecate', { format: 1, messages: { '1.0.0': false } }],
    ['package.unpublish', { format: 1, versions: ['1.0.0'] }],
    ['package.settings', { format: 1, settings: { ...SETTINGS, trustedPublishers: [{ id: 1 }] } }],
    ['package.star', { format: 1, user: 'ann' }],
    ['package.renamed', { format: 1 }],
    ['toString', { format: 1 }],
    ['package.star', null],
    ['package.star', []],
    ['package.star', 'text'],
  ])('%s with %j', async (type, value) => {
    const { journal } = inMemory();
    const entry = {
      stream: 'package:ui',
      type,
      actor: 'evil',
      reason: '',
      body: bytes(JSON.stringify(value)),
      expected: 0,
    };
    expect(await codeOf(journal.append([entry]))).toBe('ERR_JOURNAL_ENTRY_TYPE');
    expect((await journal.head()).seq).toBe(0);
  });

  it.each([bytes('{'), bytes(''), new Uint8Array([0xff]), bytes('['.repeat(1_000_000))])(
    'what is no JSON',
    async (body) => {
      expect(await codeOf(() => decodePackageEntry({ seq: 1, type: 'package.star', body }))).toBe(
        'ERR_JOURNAL_ENTRY_TYPE',
      );
    },
  );

  it('a stream whose name is no package’s', async () => {
    const { journal } = inMemory();
    const body = encodePackageEntry('x', { type: 'package.star', user: 'ann', isStarred: true });
    const entry = { stream: 'package:../x', type: 'package.star', actor: 'evil', reason: '', body, expected: 0 };
    expect(await codeOf(journal.append([entry]))).toBe('ERR_PACKAGE_NAME');
  });
});
