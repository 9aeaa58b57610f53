/** Maintenance, walked over every route that there is: nothing changes but what ends it. @module */
import { describe, expect, it } from 'vitest';
import type { Route } from '../../src/registry/route.ts';
import { openApp, type TestApp } from './app-fixtures.ts';
import { JSON_TYPE } from './fixtures.ts';
import { prepared } from './prepared.ts';

/** What asks without changing anything of the data: judged, copied, tried out, or somebody's own coming and going. */
const NO_CHANGES = [
  // There are no teams: whatever is asked of them is answered so.
  'DELETE /-/org/:scope/user',
  'DELETE /-/team/:scope/:team',
  'DELETE /-/team/:scope/:team/package',
  'DELETE /-/team/:scope/:team/user',
  // npm's way to sign out.
  'DELETE /-/user/token/:token',
  // Questions that come with a body.
  'POST /-/npm/v1/security/advisories/bulk',
  'POST /-/npm/v1/security/audits',
  'POST /-/npm/v1/security/audits/quick',
  'POST /_dashboard/api/config/backup',
  'POST /_dashboard/api/config/validate',
  'POST /_dashboard/login',
  'POST /_dashboard/logout',
  'POST /api/v1/backups',
  'POST /api/v1/configs/:name/ofrep/v1/evaluate/flags',
  'POST /api/v1/configs/:name/ofrep/v1/evaluate/flags/:key',
  'POST /api/v1/configs/:name/validate',
  'POST /api/v1/login',
  'POST /api/v1/logout',
  // What is stored is read, and nothing of it changed.
  'POST /api/v1/packages/scrub',
  'POST /api/v1/uplinks/:name/test',
  'POST /api/v1/webhooks/:name/test',
  'POST /ofrep/v1/evaluate/flags',
  'POST /ofrep/v1/evaluate/flags/:key',
  'PUT /-/org/:scope/team',
  'PUT /-/org/:scope/user',
  'PUT /-/team/:scope/:team/package',
  'PUT /-/team/:scope/:team/user',
];
/** Takes somebody else's request, and may be what ends the maintenance: the tests of change requests have it. */
const APPROVAL = 'POST /api/v1/change-requests/:id/approve';
/** Bodies of routes that give no example. */
const BODIES: Readonly<Record<string, object>> = {
  'POST /_dashboard/api/config': { rows: 40 },
  'POST /_dashboard/api/features': { feature: 'debug', enabled: true },
  'POST /_dashboard/api/config/migrate': { to: 0 },
  'POST /_dashboard/api/config/restore': { backup: '2026-03-01T12-00-00.000Z.db' },
  'POST /_dashboard/api/config/rollback': { revision: 1 },
  'POST /_dashboard/api/config/template': { templateName: 'minimal' },
};
const PARTS: Readonly<Record<string, string>> = { id: 'nobody', name: 'ann', service: 'checkout' };

const keyOf = ({ method, path }: Route): string => `${method.toUpperCase()} ${path}`;

function pathOf({ path, params = {} }: Route): string {
  return path.replace(/:([a-zA-Z]+)/g, (_, part: string) => {
    const example = params[part]?.meta()?.['example'] as string | undefined;
    return encodeURIComponent(example ?? PARTS[part]!);
  });
}

async function openMaintained(): Promise<TestApp> {
  const app = await openApp();
  await prepared(app);
  app.own.flags.maintenance_mode = true;
  return app;
}

describe('maintenance', () => {
  it('is asked of every route that is more than a read', async () => {
    const { routes } = await openApp();
    const others = routes.filter(({ method, writes }) => method !== 'get' && writes === false);
    expect(others.map(keyOf).toSorted()).toEqual(NO_CHANGES);
    // The callback of a provider signs somebody in; it is a GET because the provider's redirect is one.
    expect(routes.filter(({ method, writes }) => method === 'get' && writes !== false)).toEqual([]);
  });

  it('refuses every change, with one code, and the journal does not move', async () => {
    const { routes, send, operations } = await openMaintained();
    const before = await operations.store.journal.head();
    const changing = routes.filter((route) => route.writes !== false && keyOf(route) !== APPROVAL);
    expect(changing.length).toBeGreaterThan(25);
    for (const route of changing) {
      const key = keyOf(route);
      const body = JSON.stringify(BODIES[key] ?? route.example ?? {});
      const {
        status,
        body: problem,
        headers,
      } = await send(route.method.toUpperCase(), pathOf(route), {
        headers: JSON_TYPE,
        ...(route.method === 'delete' ? {} : { body }),
      });
      expect([status, problem.code, headers.get('cache-control')], `${key} ${JSON.stringify(problem)}`).toEqual([
        503,
        'ERR_MAINTENANCE',
        'no-store',
      ]);
      expect(headers.get('retry-after'), key).toBe('60');
    }
    expect(await operations.store.journal.head()).toEqual(before);
  });

  it('lets through what ends it and does nothing else, by each way there is', async () => {
    const off = { maintenance_mode: false };
    const ways: readonly [string, string, object][] = [
      ['PATCH', '/api/v1/configs/registry', { features: off }],
      ['PATCH', '/api/v1/configs/registry/features/maintenance_mode', { enabled: false }],
      ['POST', '/_dashboard/api/config?name=registry', { features: off }],
      ['POST', '/_dashboard/api/features?name=registry', { feature: 'maintenance_mode', enabled: false }],
      ['POST', '/api/v1/configs/bulk', { changes: [{ name: 'registry', set: { features: off } }] }],
    ];
    const app = await openApp();
    for (const [method, path, body] of ways) {
      app.own.flags.maintenance_mode = false;
      await app.call('PATCH', '/api/v1/configs/registry', { features: { maintenance_mode: true } });
      app.own.flags.maintenance_mode = true;
      const answer = await app.call(method, path, body);
      expect([answer.status, answer.body.detail], path).toEqual([200, undefined]);
      const more = { ...body, ...('features' in body ? { rows: 41 } : {}) };
      if ('features' in body) expect((await app.call(method, path, more)).status, path).toBe(503);
    }
    const { features } = (await app.call('GET', '/api/v1/configs/registry')).body;
    expect(features.enabled).not.toContain('maintenance_mode');
  });

  it('is ended by nothing that changes something else with it', async () => {
    const { call, operations } = await openMaintained();
    const before = await operations.store.journal.head();
    const off = { maintenance_mode: false };
    for (const [method, path, body] of [
      ['PATCH', '/api/v1/configs/registry', { features: { ...off, debug: true } }],
      ['PATCH', '/api/v1/configs/registry', { features: off, rollouts: { debug: 5 } }],
      ['PATCH', '/api/v1/configs/default', { features: off }],
      ['POST', '/api/v1/configs/registry/template', { template: 'minimal' }],
      ['POST', '/api/v1/configs/registry/reset', {}],
      [
        'POST',
        '/api/v1/configs/bulk',
        {
          changes: [
            { name: 'registry', set: { features: off } },
            { name: 'default', set: { rows: 9 } },
          ],
        },
      ],
    ] as const) {
      const answer = await call(method, path, body);
      expect([answer.status, answer.body.code], JSON.stringify([path, body])).toEqual([503, 'ERR_MAINTENANCE']);
    }
    expect(await operations.store.journal.head()).toEqual(before);
  });
});
