/** What npm alone does with packages that are there: owners, stars, access, signatures, taking back. @module */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { Client, Folder } from './client.ts';
import { does, fails, Place, publish, succeeds } from './place.ts';

const place = Place.open();
let npm!: Client;
let home!: Folder;

beforeAll(async () => {
  npm = place.client('npm');
  home = npm.folder('home');
  for (const version of ['1.0.0', '1.1.0']) await publish(npm, npm.package('@acme/ui', version));
});

it.each(['localhost', '127.0.0.1'])('installs from %s, where a token is for that very name', async (name) => {
  const client = place.clientWith('npm', place.tokenOf('bob'), name);
  const app = client.project('there', { '@acme/ui': '1.0.0' });
  await succeeds(client, 'install', app);
  expect(readFileSync(join(app.path, 'package-lock.json'), 'utf8')).toContain(`"resolved": "http://${name}:`);
});

it('says who maintains a package, and lets others in and out', async () => {
  await run('owner', 'add', 'ann', '@acme/ui');
  expect(await run('owner', 'add', 'bob', '@acme/ui')).toBe('+ bob (@acme/ui)\n');
  expect(await run('owner', 'ls', '@acme/ui')).toMatch(/^ann <.*>\nbob <.*>\n$/);
  const bob = place.client('npm', 'bob');
  await publish(bob, bob.package('@acme/ui', '1.2.0'));
  expect(await run('owner', 'rm', 'bob', '@acme/ui')).toBe('- bob (@acme/ui)\n');
  expect(await run('owner', 'ls', '@acme/ui')).toMatch(/^ann <.*>\n$/);
  expect(await fails(bob, 'publish', bob.package('@acme/ui', '1.3.0'))).toMatch(
    /E403[\s\S]*403 Forbidden - PUT \S+ - bob\/laptop may not publish package:@acme\/ui/,
  );
});

it('keeps stars', async () => {
  expect(await run('star', '@acme/ui')).toContain('(*) @acme/ui');
  expect(await run('stars')).toBe('@acme/ui\n');
  expect(await run('unstar', '@acme/ui')).toContain('( ) @acme/ui');
  expect(await run('stars')).not.toContain('@acme/ui');
});

it('says for whom a package is, and who may do what', async () => {
  await place.call('POST', '/api/v1/grants', { user: 'anonymous', role: 'viewer', pattern: 'package:*' });
  const nobody = place.client('npm', null);
  expect(await run('access', 'get', 'status', '@acme/ui')).toBe('@acme/ui: public\n');
  expect(await succeeds(nobody, 'view', nobody.folder('home'), ['@acme/ui', 'name'])).toBe('@acme/ui\n');
  await run('access', 'set', 'status=private', '@acme/ui');
  expect(await run('access', 'get', 'status', '@acme/ui')).toBe('@acme/ui: private\n');
  // Who may read the others learns of this one no more than of one that is not there.
  expect(await fails(nobody, 'view', nobody.folder('home'), ['@acme/ui'])).toMatch(/404 Not Found - GET \S+ - \w+/);
  await run('access', 'set', 'status=public', '@acme/ui');
  expect(await run('access', 'list', 'collaborators', '@acme/ui')).toMatch(/^ann: read-write\nbob: read-only\n$/m);
  expect(await run('access', 'list', 'packages', 'ann')).toContain('@acme/ui: read-write\n');
});

it('takes back what was said of a version', async () => {
  await run('deprecate', '@acme/ui@1.0.0', 'too old');
  expect(await run('view', '@acme/ui@1.0.0', 'deprecated')).toBe('too old\n');
  await run('undeprecate', '@acme/ui@1.0.0');
  expect(await run('view', '@acme/ui@1.0.0', 'deprecated', '--prefer-online')).toBe('');
});

it('installs what there was at a time', async () => {
  const { time } = (await place.call('GET', '/@acme%2fui')).body;
  const app = npm.project('earlier', { '@acme/ui': '^1.0.0' });
  await succeeds(npm, 'install', app, [`--before=${time['1.0.0']}`]);
  expect(app.installed('@acme/ui')).toBe('@acme/ui@1.0.0');
});

it('has signed all that it serves, as npm checks it', async () => {
  const app = npm.project('signed', { '@acme/ui': '1.1.0' });
  await succeeds(npm, 'install', app);
  const env = { NODE_OPTIONS: `--require=${join(import.meta.dirname, 'no-trust-root.cjs')}` };
  const { code, out } = await app.run(['audit', 'signatures'], { env });
  expect(code, out).toBe(0);
  expect(out).toContain('1 package has a verified registry signature');
});

it('unpublishes a version, which nobody can publish again, and a whole package', async () => {
  for (const version of ['1.0.0', '1.1.0']) await publish(npm, npm.package('gone', version));
  expect(await run('unpublish', 'gone@1.1.0')).toBe('- gone@1.1.0\n');
  const { body } = await place.call('GET', '/gone');
  expect([Object.keys(body.versions), body['dist-tags']]).toEqual([['1.0.0'], { latest: '1.0.0' }]);
  expect((await place.call('GET', '/gone/-/gone-1.1.0.tgz')).status).toBe(404);
  const again = npm.package('gone', '1.1.0');
  expect(await fails(npm, 'publish', again)).toContain(
    'You cannot publish over the previously published versions: 1.1.0',
  );
  expect(await run('unpublish', 'gone', '--force')).toContain('- gone\n');
  expect(await fails(npm, 'view', home, ['gone', '--prefer-online'])).toMatch(/E404[\s\S]*404 Unpublished on \d{4}-/);
});

it('hears why, when somebody may not take back', async () => {
  const bob = place.client('npm', 'bob');
  const { code, out } = await does(bob, 'unpublish', bob.folder('home'), ['@acme/ui@1.1.0']);
  expect(code, out).not.toBe(0);
  expect(out).toMatch(/403 Forbidden - PUT \S+ - bob\/laptop may not \w+ package:@acme\/ui/);
});

async function run(...args: string[]): Promise<string> {
  const { code, out } = await home.run(args);
  expect(code, out).toBe(0);
  return out;
}
