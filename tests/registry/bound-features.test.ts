/**
 * Bits that follow a flag: written with it, refused to everybody else, and put right when somebody changes them past
 * the registry, once for each such change.
 * @module
 */
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { owner, type Principal } from '../../src/auth/rights.ts';
import { databaseIn } from '../../src/live/data-directory.ts';
import { openApp, type TestApp } from './app-fixtures.ts';
import { ROOT, startProgram } from './fixtures.ts';

const SEED = 20260301;
const SHOP = '/api/v1/configs/shop';
const FLAG = `${SHOP}/flags/metrics`;
const VARIANTS = { on: true, off: false };

function definition(defaultVariant: 'on' | 'off', more: object = {}) {
  return { definition: { state: 'ENABLED', variants: VARIANTS, defaultVariant, ...more } };
}

async function openShop(app?: TestApp): Promise<TestApp> {
  const opened = app ?? (await openApp());
  expect((await opened.call('POST', '/api/v1/configs', { name: 'shop' })).status).toBe(201);
  return opened;
}

async function seen({ operations }: TestApp): Promise<[boolean, number]> {
  const [metrics] = (await operations.features('shop')).filter(({ feature }) => feature === 'metrics');
  return [metrics!.enabled, metrics!.rollout];
}

async function last({ operations }: TestApp, limit: number) {
  const { entries } = await operations.store.journal.read({ limit, order: 'desc' });
  return entries.map(({ stream, actor, reason }) => [stream, actor, reason]);
}

describe('the bit of a bound flag', () => {
  it('is what the flag says to everybody, after every change of it', async () => {
    const app = await openShop();
    await app.call('PATCH', `${SHOP}/features/metrics`, { rollout: 40 });
    const steps: [string, string, object | undefined, boolean][] = [
      ['PUT', FLAG, definition('on'), true],
      ['PATCH', FLAG, { definition: { targeting: { if: [{ '==': [{ var: 'a' }, 1] }, 'off'] } } }, false],
      ['PATCH', FLAG, { definition: { targeting: null } }, true],
      ['PATCH', FLAG, { definition: { state: 'DISABLED' } }, false],
      ['PATCH', FLAG, { definition: { state: 'ENABLED' } }, true],
      ['POST', `${FLAG}/archive`, {}, false],
      ['POST', `${FLAG}/restore`, {}, true],
      ['PUT', FLAG, definition('off'), false],
      ['PUT', FLAG, definition('on'), true],
      ['DELETE', FLAG, undefined, true],
    ];
    for (const [method, path, body, isOn] of steps) {
      const answer = await app.call(method, path, body);
      expect(answer.status, `${method} ${JSON.stringify(body)} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
      expect(await seen(app)).toEqual([isOn, 0]);
    }
    // Nothing of it was done later, by another hand.
    await app.bound.look();
    const { entries } = await app.operations.history('shop');
    expect(entries.map(({ actor }) => actor)).toEqual(entries.map(() => 'ann@loopback'));
    expect((await app.call('PATCH', `${SHOP}/features/metrics`, { enabled: false })).status).toBe(200);
  });

  it('is in one append with the flag, and when that cannot be both are as they were', async () => {
    const app = await openShop();
    const { journal } = app.operations.store;
    const appended: string[][] = [];
    const stop = journal.onAppend((entries) => void appended.push(entries.map(({ stream }) => stream)));
    await app.call('PUT', FLAG, { ...definition('on'), reason: 'now' });
    stop();
    expect(appended.map((streams) => streams.toSorted())).toEqual([['config:shop', 'flag:shop/metrics']]);
    expect((await last(app, 2)).map(([, actor, reason]) => [actor, reason])).toEqual([
      ['ann@loopback', 'now'],
      ['ann@loopback', 'now'],
    ]);
    const append = journal.append.bind(journal);
    const { seq } = await journal.head();
    journal.append = (entries) => (entries.length > 1 ? Promise.reject(new Error('no disk')) : append(entries));
    expect((await app.call('PUT', FLAG, definition('off'))).status).toBe(500);
    journal.append = append;
    expect((await app.call('GET', FLAG)).body).toMatchObject({ revision: 1, definition: { defaultVariant: 'on' } });
    expect(await seen(app)).toEqual([true, 0]);
    expect((await journal.read({ after: seq, stream: 'flag:shop/metrics', limit: 9, order: 'asc' })).entries).toEqual(
      [],
    );
  });

  it('is refused to every other write, and the journal has not moved', async () => {
    const app = await openShop();
    await app.call('PATCH', SHOP, { features: { debug: true } });
    await app.call('PUT', FLAG, definition('on'));
    const { seq } = await app.operations.store.journal.head();
    const attempts: [string, string, object][] = [
      ['PATCH', SHOP, { features: { metrics: false } }],
      ['PATCH', SHOP, { featureFlags: 0 }],
      ['PATCH', SHOP, { rollouts: { metrics: 10 } }],
      ['PATCH', `${SHOP}/features/metrics`, { enabled: false }],
      ['PATCH', `${SHOP}/features/metrics`, { rollout: 10 }],
      ['PUT', `${SHOP}/features`, { enabled: ['debug'] }],
      ['PUT', `${SHOP}/rollouts`, { rollouts: { metrics: 5 } }],
      ['POST', '/api/v1/configs/bulk', { changes: [{ name: 'shop', set: { features: { metrics: false } } }] }],
      ['POST', '/_dashboard/api/features?name=shop', { feature: 'metrics', enabled: false }],
      ['POST', '/_dashboard/api/config?name=shop', { featureFlags: 0 }],
      ['POST', '/api/v1/change-requests', { reason: 'x', operations: [{ name: 'shop', set: { featureFlags: 0 } }] }],
    ];
    for (const [method, path, body] of attempts) {
      const answer = await app.call(method, path, body);
      expect([answer.status, answer.body.code, answer.body.details?.rule], `${method} ${path}`).toEqual([
        403,
        'ERR_FORBIDDEN',
        'bound',
      ]);
    }
    expect((await app.operations.store.journal.head()).seq).toBe(seq);
    expect((await app.call('PATCH', SHOP, { features: { debug: false } })).status).toBe(200);
  });

  it.each([
    ['a template', 'template', { template: 'minimal' }, ['cache_enabled', 'logging', 'metrics']],
    ['a reset', 'reset', {}, ['metrics']],
    ['a past state', 'rollback', { revision: 1 }, ['metrics']],
  ])('stays as it is where %s changes the rest of its config', async (_, verb, body, enabled) => {
    const app = await openShop();
    await app.call('PATCH', SHOP, { features: { debug: true }, rollouts: { verbose: 20 }, rows: 77 });
    await app.call('PUT', FLAG, definition('on'));
    const bulk = await app.call('POST', `${SHOP}/${verb}`, body);
    expect([bulk.status, bulk.body.changed]).toEqual([200, true]);
    const { features, rollouts } = (await app.call('GET', SHOP)).body;
    expect(features.enabled.toSorted()).toEqual(enabled);
    expect(rollouts).toEqual(verb === 'template' ? { verbose: 20 } : {});
    expect(await seen(app)).toEqual([true, 0]);
  });

  it('needs the right to change the feature besides the flag', async () => {
    let caller: Principal = owner('root');
    const app = await openShop(await openApp(undefined, () => caller));
    const flags = { role: 'operator', pattern: 'flag:shop/*', sections: null } as const;
    const bob: Principal = { kind: 'user', actor: 'bob', user: 'bob', grants: [flags], scope: null, readOnly: false };
    const debug = { role: 'operator', pattern: 'config:shop', sections: ['feature:debug'] } as const;
    caller = bob;
    expect((await app.call('PUT', `${SHOP}/flags/banner`, definition('on'))).status).toBe(201);
    expect((await app.call('PUT', FLAG, definition('off'))).status).toBe(403);
    caller = { ...bob, grants: [flags, debug] };
    expect((await app.call('PUT', FLAG, definition('off'))).body).toMatchObject({ details: { rule: 'sections' } });
    caller = { ...bob, grants: [flags, { ...debug, sections: ['feature:metrics'] }] };
    expect((await app.call('PUT', FLAG, definition('off'))).status).toBe(201);
  });

  it('is of a boolean flag alone, and of no config that the registry obeys', async () => {
    const app = await openShop();
    const texts = { definition: { state: 'ENABLED', variants: { a: 'x' }, defaultVariant: 'a' } };
    expect((await app.call('PUT', FLAG, texts)).body).toMatchObject({ code: 'ERR_FLAG_INVALID', status: 422 });
    const own = await app.call('PUT', '/api/v1/configs/registry/flags/maintenance_mode', definition('on'));
    expect(own.body).toMatchObject({ status: 403, details: { rule: 'own config' } });
    expect((await app.call('PUT', '/api/v1/configs/registry/flags/banner', definition('on'))).status).toBe(201);
  });

  it('is not taken by a flag that was there before the feature, until somebody writes it who may', async () => {
    const app = await openShop();
    const path = `${SHOP}/flags/new_checkout`;
    await app.call('PUT', path, definition('on'));
    await app.call('PATCH', '/api/v1/services/shop/features', { declare: { new_checkout: 12 } });
    await app.bound.look();
    const isOn = async () => (await app.operations.get('shop')).features.enabled.includes('new_checkout');
    const isBound = async () => (await app.call('GET', path)).body;
    expect([await isOn(), await isBound()]).toEqual([false, expect.objectContaining({ isBound: false })]);
    await app.operations.set('shop', { features: { new_checkout: true } }, { actor: 'ann', permit() {} });
    await app.operations.set('shop', { features: { new_checkout: false } }, { actor: 'ann', permit() {} });
    await app.call('PATCH', path, { owner: 'shop' });
    expect([await isOn(), await isBound()]).toEqual([true, expect.objectContaining({ isBound: true })]);
  });

  it('is put right when a config is made again', async () => {
    const app = await openShop();
    await app.call('PATCH', '/api/v1/services/shop/features', { declare: { new_checkout: 12 } });
    await app.call('PUT', `${SHOP}/flags/new_checkout`, definition('on'));
    await app.bound.look();
    const isOn = async () => (await app.operations.get('shop')).features.enabled.includes('new_checkout');
    expect(await isOn()).toBe(true);
    expect((await app.call('DELETE', SHOP)).status).toBe(204);
    expect((await app.call('GET', `${SHOP}/flags`)).status).toBe(404);
    expect((await app.call('POST', '/api/v1/configs', { name: 'shop' })).status).toBe(201);
    await app.bound.look();
    expect([await isOn(), (await last(app, 1))[0]]).toEqual([
      true,
      ['config:shop', 'registry', 'bound to flag new_checkout'],
    ]);
  });
});

describe('a change past the registry', () => {
  const foreign = fc.record({
    feature: fc.constantFrom('metrics', 'debug', 'logging'),
    enabled: fc.boolean(),
    rollout: fc.constantFrom(0, 50),
    isAlone: fc.boolean(),
  });
  const flagged = fc.record({ key: fc.constantFrom('metrics', 'debug'), to: fc.constantFrom('on', 'off', null) });

  it('of a bound bit is put right, at most once', async () => {
    const app = await openShop();
    const { operations, bound, call } = app;
    const corrections = async () =>
      (await operations.history('shop', { limit: 1000 })).entries.filter(({ actor }) => actor === 'registry').length;
    let before = 0;
    const property = async (steps: readonly (object & { [field: string]: any })[]) => {
      let changes = 0;
      for (const step of steps) {
        if ('key' in step) {
          const path = `${SHOP}/flags/${step['key']}`;
          if (step['to'] === null) await call('DELETE', path);
          else await call('PUT', path, definition(step['to']));
          continue;
        }
        const { feature, enabled, rollout, isAlone } = step;
        // Without a permit to ask, as a program that has the file does it.
        const input = { features: { [feature]: enabled }, rollouts: { [feature]: rollout } };
        const { changed } = await operations.set('shop', input, { actor: 'elsewhere' });
        changes += Number(changed);
        if (isAlone) await bound.look();
      }
      await bound.look();
      const flags = (await call('GET', `${SHOP}/flags?kind=rich`)).body.flags;
      for (const { key, isBound } of flags) {
        const [view] = (await operations.features('shop')).filter(({ feature }) => feature === key);
        const { body } = await call('GET', `${SHOP}/flags/${key}`);
        expect([isBound, view!.enabled, view!.rollout]).toEqual([true, body.definition.defaultVariant === 'on', 0]);
      }
      const after = await corrections();
      expect(after - before).toBeLessThanOrEqual(changes);
      before = after;
    };
    const steps = fc.array(fc.oneof(foreign, flagged), { maxLength: 8 });
    await fc.assert(fc.asyncProperty(steps, property), { seed: SEED, numRuns: 25 });
    expect(before).toBeGreaterThan(5);
  });

  it('by another process on the board is put right while the registry runs, and when it starts', async () => {
    const registry = await startProgram();
    const { call, data } = registry;
    await call('POST', '/api/v1/configs', { name: 'shop' });
    await call('PUT', `${SHOP}/flags/debug`, definition('off'));
    const toggle = async (feature: string) => {
      const script = join(ROOT, 'tests/live/one-change.ts');
      const child = Bun.spawn([process.execPath, script, databaseIn(data), feature], {
        stdout: 'pipe',
        stderr: 'inherit',
      });
      expect(await child.exited).toBe(0);
    };
    const corrected = async (ask: typeof call, times: number) => {
      for (;;) {
        const { entries } = (await ask('GET', `${SHOP}/history`)).body;
        const ours = entries.filter(({ reason }: { reason: string }) => reason === 'bound to flag debug');
        if (ours.length >= times) return [ours.length, (await ask('GET', SHOP)).body.features.enabled];
      }
    };
    await toggle('debug');
    expect(await corrected(call, 1)).toEqual([1, []]);
    await toggle('debug');
    await toggle('logging');
    expect(await corrected(call, 2)).toEqual([2, ['logging']]);
    registry.child.kill('SIGKILL');
    await registry.child.exited;
    await toggle('debug');
    const again = await startProgram(data);
    expect(await corrected(again.call, 3)).toEqual([3, ['logging']]);
  }, 60_000);
});
