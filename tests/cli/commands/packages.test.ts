/** Packages by the command line, on a registry that runs as a process of its own. @module */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Ran, type Registry, startRegistry, Workplace } from '../cli.ts';

const KEPT = join(import.meta.dirname, '..', '..', 'fixtures', 'verdaccio');

let place: Workplace;
let registry: Registry;
let kept: string;
beforeAll(async () => {
  place = await Workplace.open();
  registry = await startRegistry(place.data);
  kept = join(place.directory, 'verdaccio');
  cpSync(KEPT, kept, { recursive: true });
});
afterAll(async () => {
  await registry.stop();
  place[Symbol.dispose]();
});

function c13(...args: readonly string[]): Promise<Ran> {
  return place.c13(['packages', ...args, '--url', registry.url]);
}

async function json(...args: readonly string[]): Promise<any> {
  const { exitCode, stdout, stderr } = await c13(...args, '--json');
  if (exitCode !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

async function take(...args: readonly string[]): Promise<Ran & { readonly data: any }> {
  const ran = await c13('import', '--from-verdaccio', kept, '--yes', '--json', ...args);
  return { ...ran, data: JSON.parse(ran.stdout) };
}

/** A tarball with one byte more; the way back. */
function damage(file: string): () => void {
  const path = join(kept, 'storage', file);
  const bytes = readFileSync(path);
  writeFileSync(path, Buffer.concat([bytes, Buffer.from('x')]));
  return () => writeFileSync(path, bytes);
}

test('an import stops before what is damaged, and goes on where it ended', async () => {
  const mend = damage('npm-plain/npm-plain-1.0.0.tgz');
  const dry = await take('--dry-run');
  expect([dry.exitCode, dry.data.imported.length, (await json('list')).packages]).toEqual([1, 9, []]);
  const first = await take();
  expect([first.exitCode, first.data.imported.length, first.data.cached]).toEqual([1, 9, 3]);
  const fault = expect.stringMatching(/^its tarball is damaged: its integrity is sha512-\S+, not sha512-/);
  expect(first.data.findings).toEqual([{ name: 'npm-plain', version: '1.0.0', fault }]);
  expect(first.stderr).toMatch(/"code":"ERR_IMPORT"/);
  mend();
  // Somebody works with it already.
  await c13('tag', 'npm-plain', 'stable=1.1.0');
  const second = await take();
  expect([second.exitCode, second.data.imported, second.data.there]).toEqual([0, ['npm-plain@1.0.0'], 9]);
  expect(second.data.users).toEqual(['ann', 'bob']);
  const third = await take();
  expect([third.exitCode, third.data.imported, third.data.there]).toEqual([0, [], 10]);
});

test('what came is what was there: bytes, tags, times, messages', async () => {
  const metadata = JSON.parse(readFileSync(join(kept, 'storage/npm-plain/package.json'), 'utf8'));
  const shown = await json('show', 'npm-plain');
  expect(shown.tags).toEqual({ ...metadata['dist-tags'], stable: '1.1.0' });
  for (const { version, integrity, shasum, deprecated, publishedAt } of shown.versions) {
    const { dist, deprecated: said = null } = metadata.versions[version];
    expect([integrity, shasum, deprecated]).toEqual([dist.integrity, dist.shasum, said]);
    expect(new Date(publishedAt).toISOString()).toBe(metadata.time[version]);
  }
  const full = (await (await fetch(`${registry.url}/npm-plain`)).json()) as any;
  expect(full.readme).toBe(metadata.readme);
  const tarball = await fetch(full.versions['1.1.0'].dist.tarball);
  expect(Buffer.from(await tarball.bytes())).toEqual(readFileSync(join(kept, 'storage/npm-plain/npm-plain-1.1.0.tgz')));
});

test('an import leaves what the registry has by now, and says what is another', async () => {
  const published = await fetch(`${registry.url}/@acme%2fui`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: '@acme/ui', version: '2.0.0' }),
  });
  expect(published.status).toBe(201);
  await c13('unpublish', '@acme/ui@1.0.0', '--yes');
  const storage = join(kept, 'storage/bun-plain');
  rmSync(join(storage, 'bun-plain-1.1.1.tgz'));
  const again = await take('--with-cached');
  expect(again.data.imported).toEqual(['up-lib@1.1.0']);
  expect(again.data.findings).toEqual([
    { name: '@acme/ui', version: '1.0.0', fault: 'the registry had it, and it was unpublished there' },
    { name: 'bun-plain', version: '1.1.1', fault: 'its tarball is not there' },
    { name: 'up-lib', version: '1.0.0', fault: 'its tarball is not there' },
    { name: 'up-tool', version: '1.0.0', fault: 'its tarball is not there' },
  ]);
  expect((await json('show', '@acme/ui')).tags['latest']).toBe('2.0.0');
});

test('tags, messages, access, and the way out', async () => {
  expect((await c13('list', 'npm-*')).stdout).toMatch(/npm-gone +1\.0\.0 +1 .*\nnpm-plain +1\.1\.0 +2 /);
  expect((await c13('tag', 'npm-plain', 'next=1.1.0', '--remove', 'stable')).stdout).toMatch(
    /^changed npm-plain: latest=1\.1\.0 next=1\.1\.0 \(revision \d+\)\n$/,
  );
  expect((await c13('deprecate', 'npm-plain@<1.1', 'old')).stdout).toMatch(/^changed npm-plain: 1\.0\.0 deprecated/);
  expect((await json('deprecate', 'npm-plain', '--undo')).versions.map((one: any) => one.deprecated)).toEqual([
    null,
    null,
  ]);
  expect((await json('access', 'npm-plain', 'restricted')).access).toBe('restricted');
  expect((await json('premium', 'npm-plain', 'on')).isPremium).toBe(true);
  expect((await c13('unpublish', 'npm-gone')).stderr).toMatch(/Nobody is there to be asked/);
  expect((await c13('unpublish', 'npm-gone', '--yes')).stdout).toBe('took back all versions of npm-gone\n');
  for (const wrong of [
    ['tag', 'ui'],
    ['tag', 'ui', 'next'],
    ['deprecate', 'npm-plain'],
    ['deprecate', 'npm-plain@x y', 'm'],
  ]) {
    expect((await c13(...wrong)).exitCode, wrong.join(' ')).toBe(2);
  }
});

test('a shell completes the names of packages', async () => {
  const { stdout } = await place.c13(['complete', '--', 'packages', 'show', '--url', registry.url, 'npm']);
  const words = stdout.split('\n').map((line) => line.split('\t')[0]);
  expect(words).toContain('npm-plain');
  expect(words).not.toContain('secret-x');
});

test('and their dist-tags, uplinks and filters', async () => {
  const url = ['--url', registry.url];
  await place.c13(['uplinks', 'set', 'tools', 'http://127.0.0.1:9', ...url]);
  await place.c13(['filters', 'set', 'week', 'block', '--min-age', '7d', ...url]);
  const offered = async (...line: readonly string[]): Promise<readonly string[]> => {
    const { stdout } = await place.c13(['complete', '--', ...line]);
    return stdout.split('\n').flatMap((word) => (word.startsWith(':') || word === '' ? [] : [word.split('\t')[0]!]));
  };
  expect(await offered('packages', 'tag', ...url, 'npm-plain', 'ne')).toEqual(['next=']);
  expect(await offered('packages', 'tag', ...url, 'npm-plain', '--remove', '')).toEqual(['latest', 'next']);
  for (const command of ['test', 'remove', 'set']) {
    expect(await offered('uplinks', command, ...url, '')).toContain('tools');
  }
  expect(await offered('filters', 'remove', ...url, '')).toEqual(['week']);
});

test('what is another program of people is named', async () => {
  const { exitCode, stderr } = await c13('publish');
  expect([exitCode, stderr]).toEqual([2, "error: Unknown command 'publish' — That is: npm publish.\n"]);
});

test('help keeps to the width of a terminal', async () => {
  const { stdout } = await place.c13(['packages', '--help']);
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});

test('trusted publishers', async () => {
  const issuer = ['--issuer', 'https://ci.example'];
  const made = await json('trust', 'npm-plain', 'repository=acme/ui', 'ref=refs/tags/*', ...issuer);
  expect(made.claims).toEqual({ repository: 'acme/ui', ref: 'refs/tags/*' });
  expect((await c13('trusted', 'npm-plain')).stdout).toContain('repository=acme/ui ref=refs/tags/*');
  await c13('distrust', 'npm-plain', made.id);
  expect((await json('trusted', 'npm-plain')).trustedPublishers).toEqual([]);
});

test('scrub and collect', async () => {
  expect((await c13('scrub')).stdout).toMatch(/^whole \d+ blobs, /);
  expect((await c13('collect')).stdout).toMatch(/^found 0 of \d+ blobs that nothing needs, 0 B\n$/);
  const [{ integrity }] = (await json('show', 'secret-x')).versions;
  const hash = Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex');
  rmSync(join(place.data, 'blobs', hash.slice(0, 2), hash));
  const { exitCode, stdout, stderr } = await c13('scrub');
  expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/^error: 1 blob is damaged or missing/)]);
  expect(stdout).toMatch(/secret-x@1\.0\.0 +missing/);
});
