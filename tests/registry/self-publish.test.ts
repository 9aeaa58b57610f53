/**
 * This package, published to a registry of this package, installed from there into a fresh project, and used. What it
 * depends on comes through the registry from the one that this machine uses; where that does not answer, what was
 * published is compared, and a note says that nothing was installed.
 * @module
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { ROOT, tempDirectory } from './fixtures.ts';
import { startWithAdmin } from './identity-fixtures.ts';

const FLIP = `
import { createProductionConfig } from '13byte-config';
const options = { persistPath: './config.db', name: 'checkout', features: { new_checkout: 12 } };
const config = createProductionConfig(options);
config.enableFeature('new_checkout');
await config.persist('installed from our own registry');
config.close();
const again = createProductionConfig(options);
await again.load();
const isKept = again.isFeatureEnabled('new_checkout');
again.disableFeature('new_checkout');
console.log(JSON.stringify([isKept, again.isFeatureEnabled('new_checkout'), again.flags.debug]));
again.close();
`;

async function bun(cwd: string, args: readonly string[], env: Record<string, string> = {}) {
  const child = Bun.spawn([process.execPath, ...args], {
    cwd,
    env: { ...Bun.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { exitCode: await child.exited, stdout, stderr };
}

it('is published, installed from there, and flips a flag', async () => {
  // As when nobody says anything: the registry that this machine uses.
  const { registry, ann } = await startWithAdmin(undefined, [], { C13_UPSTREAM: '' });
  const made = await ann.call('POST', '/api/v1/tokens', {
    name: 'ci',
    scope: [{ role: 'publisher', pattern: `package:${manifest.name}` }],
  });
  const script = ['scripts/self-publish.ts', '--registry', registry.url];
  const help = { exitCode: 0, stdout: expect.stringMatching(/^usage: .*--registry/) };
  expect(await bun(ROOT, [...script, '--help'])).toMatchObject(help);
  expect(await bun(ROOT, script, { C13_TOKEN: '' })).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/C13_TOKEN is not set/),
  });
  const published = await bun(ROOT, script, { C13_TOKEN: made.body.secret });
  expect(published).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^published 13byte-config@/) });
  const again = await bun(ROOT, script, { C13_TOKEN: made.body.secret });
  expect([again.exitCode, again.stderr]).toEqual([1, expect.stringMatching(/already|exists|409/i)]);

  const shown = await ann.call('GET', `/${manifest.name}`);
  expect(shown.body.versions[manifest.version]).toMatchObject({ dependencies: manifest.dependencies });
  if ((await ann.call('GET', '/semver')).status !== 200) {
    process.stderr.write(
      'the registry of this machine does not answer: this package was published, and not installed\n',
    );
    return;
  }

  const project = tempDirectory();
  const { host } = new URL(registry.url);
  writeFileSync(join(project, '.npmrc'), `registry=${registry.url}/\n//${host}/:_authToken=${ann.token}\n`);
  const dependencies = { [manifest.name]: manifest.version };
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'fresh', private: true, dependencies }));
  writeFileSync(join(project, 'flip.ts'), FLIP);
  const cache = { BUN_INSTALL_CACHE_DIR: join(project, 'cache') };
  const installed = await bun(project, ['install'], cache);
  expect({ exitCode: installed.exitCode, said: installed.stderr }).toMatchObject({ exitCode: 0 });
  const lock = await Bun.file(join(project, 'bun.lock')).text();
  expect(lock).toContain(`${manifest.name}@${manifest.version}`);
  const flipped = await bun(project, ['flip.ts'], { C13_DATA: join(project, 'data') });
  expect(flipped).toMatchObject({ exitCode: 0, stderr: '', stdout: '[true,false,false]\n' });
}, 120_000);
