/**
 * The main job of a package registry, done with one package manager: published, refused, tagged, looked at, installed
 * from nothing and from a lock file. The same for all of them, as far as each has a command for it.
 * @module
 */
import manifest from '../../package.json' with { type: 'json' };
import { beforeAll, describe, expect, it } from 'vitest';
import type { Kind } from './kinds.ts';
import { fails, prepare, publish, succeeds } from './place.ts';
import { refusing } from './refusals.ts';
import { BETA, PLAIN, SCOPED, Shop } from './shop.ts';

const NEEDS_BOTH = { [PLAIN]: '^1.0.0', [SCOPED]: '^1.0.0' };
const AS_BOTH = [`${PLAIN}@1.1.0`, `${SCOPED}@1.0.0`];

const RICH = {
  bin: './cli.js',
  author: 'Ann <ann@acme.example> (http://acme.example)',
  repository: 'github:acme/rich',
  optionalDependencies: { [PLAIN]: '^1.0.0' },
  peerDependencies: { nothing: '>=1' },
  peerDependenciesMeta: { nothing: { optional: true } },
  scripts: { test: 'node --test' },
  engines: { node: '>=18' },
  exports: { '.': './index.js' },
  publishConfig: { provenance: false },
};
/** pnpm hands its packages to npm: to the one that it was told. */
const MADE_BY_NPM: readonly Kind[] = ['npm', 'pnpm'];
const NPM_VERSION = manifest.devDependencies.npm;

/** Ends what hangs; a slow machine may take its time. */
const FILLING_MS = 240_000;

export function doesTheMainJob(kind: Kind): void {
  describe(kind, () => {
    const shop = new Shop(kind);
    beforeAll(async () => await shop.fill(), FILLING_MS);
    publishing(shop);
    telling(shop);
    installing(shop);
    refusing(shop);
  });
}

function publishing(shop: Shop): void {
  it('publishes versions, of which the registry tells where they lie', async () => {
    const { call, url } = shop.place;
    const plain = (await call('GET', `/${PLAIN}`)).body;
    expect(Object.keys(plain.versions)).toEqual(['1.0.0', '1.1.0', BETA]);
    expect(plain['dist-tags']).toEqual({ latest: '1.1.0', next: BETA });
    expect(plain.readme).toContain(`# ${PLAIN}`);
    const scoped = (await call('GET', `/${SCOPED.replace('/', '%2f')}`)).body.versions['1.0.0'];
    expect(scoped.dependencies).toEqual({ [PLAIN]: '^1.0.0' });
    expect(scoped.dist).toMatchObject({
      tarball: `${url}/${SCOPED}/-/ui-1.0.0.tgz`,
      integrity: expect.stringMatching(/^sha512-/),
      signatures: [{ keyid: expect.stringMatching(/^SHA256:/), sig: expect.any(String) }],
    });
  });

  it('publishes what people write into a package.json, as it tidies it', async () => {
    const { client, kind, place } = shop;
    await publish(client, client.package('rich', '1.0.0', RICH, { 'cli.js': '', 'binding.gyp': '{}' }));
    const { versions } = (await place.call('GET', '/rich')).body;
    expect(versions['1.0.0']).toMatchObject({
      bin: { rich: expect.stringMatching(/^(\.\/)?cli\.js$/) },
      optionalDependencies: { [PLAIN]: '^1.0.0' },
      peerDependencies: { nothing: '>=1' },
      scripts: { install: 'node-gyp rebuild' },
      hasInstallScript: true,
      ...(MADE_BY_NPM.includes(kind) ? { _npmVersion: NPM_VERSION } : {}),
    });
  });

  it('is refused the same version once more, hears why, and changes nothing', async () => {
    const before = (await shop.place.call('GET', `/${PLAIN}`)).body;
    const other = await prepare(shop.client, shop.client.package(PLAIN, BETA, { description: 'something else' }));
    const out = await fails(shop.client, 'republish', other, ['--tag', 'next']);
    expect(out).toContain(`You cannot publish over the previously published versions: ${BETA} of ${PLAIN} `);
    if (shop.can('publishMissing')) await succeeds(shop.client, 'publishMissing', other, ['--tag', 'next']);
    expect((await shop.place.call('GET', `/${PLAIN}`)).body).toEqual(before);
  });
}

function telling(shop: Shop): void {
  it('sees what there is', async () => {
    const { client, beta } = shop;
    if (shop.can('whoami')) expect(await succeeds(client, 'whoami', beta)).toMatch(/\bann\b/);
    const shown = await succeeds(client, 'view', beta, [SCOPED]);
    expect(shown).toContain('demo of @acme/ui');
    if (shop.can('ping')) expect(await succeeds(client, 'ping', beta)).toContain('PONG');
    if (!shop.can('search')) return;
    const found = await succeeds(client, 'search', beta, ['demo']);
    expect(found).toMatch(/^plain\n[\s\S]*Version 1\.1\.0 published \d{4}-\d\d-\d\d by ann\nMaintainers: ann\n/m);
    expect(found).toMatch(/^@acme\/ui$/m);
  });

  if (!shop.can('tags')) return;
  it('moves tags', async () => {
    const { client, beta } = shop;
    await succeeds(client, 'addTag', beta, [`${PLAIN}@1.0.0`, 'stable']);
    expect(await succeeds(client, 'tags', beta, [PLAIN])).toMatch(/\blatest\W+1\.1\.0\n[\s\S]*stable\W+1\.0\.0\n/);
    await succeeds(client, 'removeTag', beta, [PLAIN, 'stable']);
    const tags = await succeeds(client, 'tags', beta, [PLAIN]);
    expect(tags).toContain(BETA);
    expect(tags).not.toContain('stable');
  });
}

function installing(shop: Shop): void {
  it('installs from nothing, from a lock file alone, and what a tag names', async () => {
    const { client } = shop;
    const app = client.project('app', NEEDS_BOTH);
    const installed = () => [PLAIN, SCOPED].map((name) => app.installed(name));
    client.clearCache();
    await succeeds(client, 'install', app);
    expect(installed()).toEqual(AS_BOTH);
    client.clearCache();
    app.forgetModules();
    expect(installed()).toEqual([null, null]);
    await succeeds(client, 'installFrozen', app);
    expect(installed()).toEqual(AS_BOTH);
    expect(app.printedBy('acme-ui')).toBe('it runs\n');
    if (shop.can('outdated')) expect(await succeeds(client, 'outdated', app)).not.toContain(PLAIN);
    await succeeds(client, 'add', app, [`${PLAIN}@next`]);
    expect(app.installed(PLAIN)).toBe(`${PLAIN}@${BETA}`);
  });

  it('installs without a token where everybody may read', async () => {
    const { client, place } = shop;
    const grant = { user: 'anonymous', role: 'viewer', pattern: 'package:open' };
    expect((await place.call('POST', '/api/v1/grants', grant)).status).toBe(201);
    await publish(client, client.package('open', '1.0.0'));
    const nobody = place.client(shop.kind, null);
    const app = nobody.project('app', { open: '^1.0.0' });
    await succeeds(nobody, 'install', app);
    expect(app.installed('open')).toBe('open@1.0.0');
  });

  if (shop.can('audit')) {
    it('audits', async () => {
      const app = shop.client.project('audited', NEEDS_BOTH);
      await succeeds(shop.client, 'install', app);
      expect(await succeeds(shop.client, 'audit', app)).toMatch(NOTHING_FOUND);
    });
  }

  it('warns of what is deprecated', async () => {
    const { client, place } = shop;
    const old = client.package('old', '1.0.0');
    await publish(client, old);
    if (shop.can('deprecate')) await succeeds(client, 'deprecate', old, ['old@1', 'use plain instead']);
    else await place.call('PUT', '/old', { versions: { '1.0.0': { deprecated: 'use plain instead' } } });
    const document = (await place.call('GET', '/old')).body;
    expect(document.versions['1.0.0']).toMatchObject({ deprecated: 'use plain instead' });
    client.clearCache();
    const out = await succeeds(client, 'install', client.project('needs-old', { old: '1.0.0' }));
    // Bun says nothing of it, nor does Yarn 4 before it is asked.
    if (['npm', 'pnpm', 'yarn1'].includes(shop.kind)) expect(out).toContain('use plain instead');
  });
}

/** Every client's own words. */
const NOTHING_FOUND = /found 0 vulnerabilities|No vulnerabilities found|No known vulnerabilities|No audit suggestions/;
