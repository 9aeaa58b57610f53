/** What is read of the storage that a real Verdaccio has written, and of storages that are damaged. @module */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openVerdaccio, readKeptPackage } from '../../../src/packages/import/verdaccio.ts';

const KEPT = join(import.meta.dirname, '..', '..', 'fixtures', 'verdaccio');

function copied(): string {
  const directory = mkdtempSync(join(tmpdir(), 'c13-verdaccio-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  cpSync(KEPT, directory, { recursive: true });
  return directory;
}

/** In a folder that somebody has set up for some packages; `change` changes the metadata. */
function kept(change: (metadata: any) => unknown): string {
  const directory = copied();
  const folder = join(directory, 'storage', 'shelf', '@old', 'thing');
  mkdirSync(folder, { recursive: true });
  const versions = { '1.0.0': { name: '@old/thing', dist: { shasum: 'ab' } }, 'not-one': {}, '2.0.0-rc.1': {} };
  const attached = { _distfiles: { 'thing-1.0.0.tgz': {} }, _attachments: { 'thing-1.0.0.tgz': { version: '1.0.0' } } };
  const tags = { latest: ['0.9.0', '1.0.0'], bad: 5 };
  const metadata = { name: '@old/thing', versions, time: {}, 'dist-tags': tags, ...attached };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(change(metadata)));
  writeFileSync(join(folder, 'thing-1.0.0.tgz'), 'x');
  return folder;
}

it('finds packages and who could sign in, from the storage and from the directory it is in', async () => {
  const [outer, inner] = [await openVerdaccio(KEPT), await openVerdaccio(join(KEPT, 'storage'))];
  expect(inner).toEqual(outer);
  expect(outer.users).toEqual(['ann', 'bob']);
  const names = outer.folders.map((folder) => folder.slice(join(KEPT, 'storage').length + 1));
  expect(names).toEqual(['@acme/ui', 'bun-plain', 'npm-gone', 'npm-plain', 'secret-x', 'up-lib', 'up-tool']);
});

it('reads versions in the order of their times, the latest at the end', async () => {
  const { name, versions, tags, readme } = await readKeptPackage(join(KEPT, 'storage', '@acme', 'ui'));
  expect([name, versions.map(({ version }) => version)]).toEqual(['@acme/ui', ['1.1.0-beta.1', '1.0.0']]);
  expect(tags['latest']).toBe('1.0.0');
  expect(readme).toMatch(/^#/);
  const plain = (await readKeptPackage(join(KEPT, 'storage', 'npm-plain'))).versions;
  expect(plain[0]).toMatchObject({
    publishedAt: Date.parse('2026-11-20T19:12:45.401Z'),
    isTimeKnown: true,
    isCached: false,
    deprecated: 'use 1.1.0',
    shasum: 'c1a226eb8f844ff0789fde62823ffc13963875e0',
  });
});

it('tells copies of others from what was published there', async () => {
  const { versions } = await readKeptPackage(join(KEPT, 'storage', 'up-lib'));
  expect(versions.map(({ version, isCached, file }) => [version, isCached, file !== null])).toEqual([
    ['1.0.0', true, false],
    ['1.1.0', true, true],
  ]);
});

it('reads very old metadata: tags that are lists, no times, no integrity', async () => {
  const folder = kept((metadata) => metadata);
  const { name, versions, tags, strange } = await readKeptPackage(folder);
  expect([name, tags, strange]).toEqual(['@old/thing', { latest: '1.0.0' }, ['not-one']]);
  expect(versions.at(-1)).toMatchObject({ version: '1.0.0', integrity: null, shasum: 'ab', isTimeKnown: false });
  // Published there, whoever has the same.
  expect(versions.at(-1)!.isCached).toBe(false);
  expect(versions.at(-1)!.publishedAt).toBeGreaterThan(0);
  expect((await openVerdaccio(join(folder, '..', '..', '..', '..'))).folders).toContain(folder);
});

it.each([
  ['another name', (metadata: object) => ({ ...metadata, name: '@old/other' }), /holds the metadata of "@old\/other"/],
  ['no name', (metadata: object) => ({ ...metadata, name: undefined }), /Invalid package name/],
  ['a way out', (metadata: object) => ({ ...metadata, name: '../../etc' }), /Invalid package name/],
  ['no object', () => 7, /holds no object/],
])('refuses a folder with %s', async (_, change, message) => {
  await expect(readKeptPackage(kept(change))).rejects.toMatchObject({
    code: 'ERR_IMPORT',
    message: expect.stringMatching(message),
  });
});

it('says so where there is no package, or no directory', async () => {
  const empty = mkdtempSync(join(tmpdir(), 'c13-empty-'));
  onTestFinished(() => rmSync(empty, { recursive: true }));
  for (const directory of [empty, join(empty, 'nowhere')]) {
    await expect(openVerdaccio(directory)).rejects.toMatchObject({ code: 'ERR_IMPORT' });
  }
});
