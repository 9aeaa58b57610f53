/**
 * The registry obeys its own config: two that really run and differ in one bit differ in exactly what that bit is there
 * for, and a bit that is flipped counts from the next request on, whoever flips it.
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSeal } from '../../src/auth/seal.ts';
import type { BuiltinFeature } from '../../src/config/features.ts';
import { databaseIn } from '../../src/live/data-directory.ts';
import { createProductionConfig } from '../../src/live/production-config.ts';
import { startProgram, tempDirectory } from './fixtures.ts';
import { PASSWORD, startWithAdmin, type Somebody } from './identity-fixtures.ts';
import { differences, elsewhere, furnish, observe, type Seen } from './own-bits-probes.ts';

const OWN = '/api/v1/configs/registry';

async function flip({ call }: Pick<Somebody, 'call'>, feature: BuiltinFeature, isOn: boolean): Promise<void> {
  const { status, body } = await call('PATCH', OWN, { features: { [feature]: isOn } });
  if (status !== 200) throw new Error(JSON.stringify(body));
}

/** One with the bit off, one with it on. */
async function seenWith(feature: BuiltinFeature): Promise<{ off: Seen; on: Seen; between: string[] }> {
  const seen: Seen[] = [];
  const env = elsewhere();
  for (const isOn of [false, true]) {
    const { registry, ann } = await startWithAdmin(undefined, [], env);
    await furnish(ann);
    // Both have as many changes behind them.
    await flip(ann, feature, !isOn);
    await flip(ann, feature, isOn);
    seen.push(await observe(registry, ann));
  }
  const [off, on] = seen as [Seen, Seen];
  return { off, on, between: differences(off, on) };
}

const statusOf = (seen: Seen, ...names: string[]): (number | undefined)[] =>
  names.map((name) => seen.probes[name]?.status);

describe('two registries that differ in one bit', () => {
  it('debug: one tells of every refusal why', async () => {
    const { between, on } = await seenWith('debug');
    expect(between).toEqual(['log.isDebugging']);
    expect(on.log.isDebugging).toBe(true);
  });

  it('verbose: one writes down headers', async () => {
    const { between, off, on } = await seenWith('verbose');
    expect(between).toEqual(['log.withHeaders']);
    // Those of the request that ended it.
    expect([off.log.withHeaders, on.log.withHeaders > 35]).toEqual([1, true]);
  });

  it('encryption: one seals backups and exports', async () => {
    const { between, off, on } = await seenWith('encryption');
    const headers = ['content-disposition', 'content-type', 'vary'].map((name) => `probes.an export.headers.${name}`);
    expect(between.toSorted()).toEqual(['backups.0', ...headers]);
    expect([off.backups, on.backups]).toEqual([['.db'], ['.db.sealed']]);
    expect(on.probes['an export']!.headers['content-type']).toBe('application/octet-stream');
  });

  it('metrics: one has no figures', async () => {
    const { between, off, on } = await seenWith('metrics');
    expect(between.filter((path) => !path.startsWith('probes.figures.'))).toEqual(['isHeld', 'isCounted']);
    expect([statusOf(off, 'figures'), statusOf(on, 'figures'), on.isCounted]).toEqual([[404], [200], true]);
  });

  it('logging: one writes no line for a request', async () => {
    const { between, off, on } = await seenWith('logging');
    expect(between).toEqual(['log.requests']);
    // The one that turned it off was under way when it was on.
    expect([off.log.requests < 10, on.log.requests > 35]).toEqual([true, true]);
  });

  it('maintenance_mode: one refuses every change, signs people in, and answers all that is read', async () => {
    const { between, on } = await seenWith('maintenance_mode');
    const refused = ['a change', 'a short change', 'a template', 'a user', 'a publish'];
    expect(Object.keys(on.probes).filter((name) => on.probes[name]!.code === 'ERR_MAINTENANCE')).toEqual(refused);
    expect(statusOf(on, ...refused)).toEqual([503, 503, 503, 503, 503]);
    const others = between.filter((path) => !refused.includes(path.split('.')[1]!));
    // What was not changed has another revision.
    expect(others).toEqual(['probes.a config for anybody.headers.etag']);
    expect(statusOf(on, 'a sign-in', 'a config', 'a judgement', 'a backup')).toEqual([200, 200, 200, 201]);
  });

  it('private_registry: one has nothing for anybody', async () => {
    const { between, off, on } = await seenWith('private_registry');
    const touched = [
      'a config for anybody',
      'configs for anybody',
      'a package for anybody',
      'a premium package for anybody',
      'its tarball for anybody',
      'a package of elsewhere for anybody',
      'a tarball of elsewhere for anybody',
    ];
    expect([...new Set(between.map((path) => path.split('.')[1]!))]).toEqual(touched);
    expect([statusOf(off, ...touched), statusOf(on, ...touched)]).toEqual([
      touched.map(() => 200),
      touched.map(() => 401),
    ]);
  });

  it('cache_enabled: one answers from memory', async () => {
    const { between, off, on } = await seenWith('cache_enabled');
    expect(between).toEqual(['isHeld']);
    expect([off.isHeld, on.isHeld]).toEqual([false, true]);
  });

  it('beta_feature: one has what the description marks', async () => {
    const { between, off, on } = await seenWith('beta_feature');
    const touched = ['a rule', 'a rule less'];
    expect([...new Set(between.map((path) => path.split('.')[1]!))]).toEqual(touched);
    expect([statusOf(off, ...touched), statusOf(on, ...touched)]).toEqual([
      [404, 404],
      [201, 204],
    ]);
  });

  it('binary_protocol: one speaks in frames', async () => {
    const { between, off, on } = await seenWith('binary_protocol');
    expect([...new Set(between.map((path) => path.split('.')[0]))]).toEqual(['stream']);
    expect([off.stream, on.stream]).toEqual([
      [7, 'error', 'pong'],
      [5, 'pong'],
    ]);
  });

  it('premium_types: one guards what is marked premium', async () => {
    const { between, off, on } = await seenWith('premium_types');
    const touched = ['a premium package for anybody', 'its tarball for anybody'];
    expect([...new Set(between.map((path) => path.split('.')[1]!))]).toEqual(touched);
    expect([statusOf(off, ...touched), statusOf(on, ...touched)]).toEqual([
      [200, 200],
      [404, 404],
    ]);
    expect(statusOf(on, 'a premium package', 'a package for anybody')).toEqual([200, 200]);
  });

  it('proxy_mode: one has what other registries have', async () => {
    const { between, off, on } = await seenWith('proxy_mode');
    const touched = ['a package of elsewhere for anybody', 'a tarball of elsewhere for anybody'];
    expect([...new Set(between.map((path) => path.split('.')[1]!))]).toEqual(touched);
    expect([statusOf(off, ...touched), statusOf(on, ...touched)]).toEqual([
      [404, 404],
      [200, 200],
    ]);
  });
});

describe('a bit that is flipped while it runs', () => {
  it('counts from the next request on, also when another process flips it and nothing is on disk yet', async () => {
    const { registry, ann } = await startWithAdmin(undefined, [], { C13_LOG_LEVEL: 'warn', ...elsewhere() });
    await furnish(ann);
    const other = createProductionConfig({ persistPath: databaseIn(registry.data), name: 'registry' });
    onTestFinished(() => other.close());
    const asked: Partial<Record<BuiltinFeature, () => Promise<number>>> = {
      metrics: async () => (await ann.call('GET', '/metrics')).status,
      maintenance_mode: async () => (await ann.call('PUT', '/api/v1/templates/team', { set: ['metrics'] })).status,
      private_registry: async () => (await registry.call('GET', '/api/v1/configs')).status,
      beta_feature: async () => (await ann.call('DELETE', '/api/v1/rules/NONE_SUCH')).body.detail.length,
      premium_types: async () => (await registry.call('GET', '/ui/1.0.0')).status,
      proxy_mode: async () => (await registry.call('GET', '/elsewhere/1.0.0')).status,
      encryption: async () => (await ann.call('POST', '/api/v1/backups', {})).body.name.length,
    };
    for (const [name, ask] of Object.entries(asked)) {
      const feature = name as BuiltinFeature;
      const was = await ask();
      other.toggleFeature(feature);
      const is = await ask();
      other.toggleFeature(feature);
      expect([is === was, await ask()], feature).toEqual([false, was === 201 ? 200 : was]);
    }
    const path = (name: string): string => `/api/v1/configs/shop/${name}`;
    for (const feature of ['debug', 'verbose'] as const) {
      await ann.call('GET', path(`before-${feature}`));
      other.enableFeature(feature);
      await ann.call('GET', path(`during-${feature}`));
      if (feature === 'verbose') other.disableFeature('debug');
      await ann.call('GET', path(`after-${feature}`));
    }
    registry.child.kill('SIGTERM');
    const log = await new Response(registry.child.stderr).text();
    const lines = log.split('\n').filter((line) => line.includes('"msg":"request"'));
    const has = (name: string, what = ''): boolean =>
      lines.some((line) => line.includes(path(name)) && line.includes(what));
    expect([has('before-debug'), has('during-debug'), has('after-debug')]).toEqual([false, true, true]);
    expect([has('before-verbose', '"response"'), has('during-verbose', '"response"')]).toEqual([false, true]);
    expect(has('after-verbose')).toBe(false);
  });
});

describe('encryption', () => {
  it('seals with the key of the data directory, and what was sealed is opened with it again', async () => {
    const { registry, ann } = await startWithAdmin();
    await ann.call('POST', '/api/v1/configs', { name: 'shop', rows: 30 });
    const plain = (await ann.call('GET', '/api/v1/exports')).body;
    await flip(ann, 'encryption', true);
    const headers = { authorization: `Bearer ${ann.token}` };
    const sealed = await (await fetch(`${registry.url}/api/v1/exports`, { headers })).bytes();
    expect(Buffer.from(sealed).includes('13byte-config')).toBe(false);
    const directory = tempDirectory();
    const [from, to] = [join(directory, 'export.sealed'), join(directory, 'export.json')];
    writeFileSync(from, sealed);
    const seal = await openSeal(join(registry.data, 'keys'));
    await seal.openSealedFile(from, to);
    const opened = JSON.parse(readFileSync(to, 'utf8'));
    expect(opened.configs.shop).toEqual(plain.configs.shop);
    const { body: backup } = await ann.call('POST', '/api/v1/backups', {});
    expect(backup.name).toMatch(/\.db\.sealed$/);
    expect(readFileSync(backup.path).includes('SQLite format')).toBe(false);
    await ann.call('PATCH', '/api/v1/configs/shop', { rows: 77 });
    const restored = await ann.call('POST', '/api/v1/configs/shop/restore', { backup: backup.name });
    expect(restored).toMatchObject({ status: 200, body: { config: { rows: 30 } } });
    const stranger = await openSeal(tempDirectory());
    await expect(stranger.openSealedFile(from, join(directory, 'no'))).rejects.toMatchObject({ code: 'ERR_KEYS' });
  });
});

describe('maintenance', () => {
  it('is ended over HTTP by somebody who signs in meanwhile, also where it was on from the start', async () => {
    const { registry, ann } = await startWithAdmin();
    await flip(ann, 'maintenance_mode', true);
    registry.child.kill('SIGTERM');
    await registry.child.exited;
    const again = await startProgram(registry.data);
    const login = await again.call('POST', '/api/v1/login', { user: 'ann', password: PASSWORD });
    const headers = { authorization: `Bearer ${login.body.token}` };
    const patch = (body: object) => again.call('PATCH', OWN, body, headers);
    expect((await patch({ rows: 40 })).body.code).toBe('ERR_MAINTENANCE');
    expect((await patch({ features: { maintenance_mode: false }, rows: 40 })).body.code).toBe('ERR_MAINTENANCE');
    expect((await patch({ features: { maintenance_mode: false } })).status).toBe(200);
    expect((await patch({ rows: 40 })).status).toBe(200);
  });
});
