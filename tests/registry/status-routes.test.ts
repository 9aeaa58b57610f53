/** Health that tells live from ready, and figures for those who may see them. @module */
import { join } from 'node:path';
import { Hono } from 'hono';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ANONYMOUS, owner, type Principal } from '../../src/auth/rights.ts';
import { openConfigStore } from '../../src/live/config-store.ts';
import { ConfigOperations } from '../../src/live/operations.ts';
import type { RegistryEnv } from '../../src/registry/context.ts';
import { RegistryMetrics } from '../../src/registry/metrics.ts';
import { mount } from '../../src/registry/route.ts';
import { healthRoutes, statusRoutes, type ServerState } from '../../src/registry/routes/status-routes.ts';
import { openApp } from './app-fixtures.ts';
import { tempDirectory } from './fixtures.ts';

const READY = ['/health', '/health/ready', '/-/health', '/-/health/ready'];
const LIVE = ['/health/live', '/-/health/live'];
const METRICS = ['/metrics', '/-/metrics', '/_dashboard/api/metrics'];

/** The routes over a real database and a server that is as it is told. */
async function openRoutes(principal: Principal) {
  const operations = new ConfigOperations(await openConfigStore(join(tempDirectory(), 'config.db')));
  onTestFinished(() => operations.store.close());
  const state = { isStopping: false, isBoardCurrent: true };
  const server: ServerState = {
    isStopping: () => state.isStopping,
    isBoardCurrent: () => state.isBoardCurrent,
    board: () => ({ slots: 2, capacity: 64, announced: 1 }),
  };
  const lines: string[] = [];
  const metrics = new RegistryMetrics('1.2.3', 1000);
  const status = { version: '1.2.3', pid: 7, started: 1000, now: () => 1500 };
  const services = {
    operations,
    status,
    metrics,
    own: { flags: { metrics: true } },
    server,
    log: (line: string) => void lines.push(line),
  };
  const app = new Hono<RegistryEnv>();
  app.use(async (c, next) => {
    c.set('principal', principal);
    await next();
  });
  mount(app, [...healthRoutes(services), ...statusRoutes(services)], (_c, _route, answer) => answer());
  const ask = async (path: string) => await app.fetch(new Request(`http://localhost${path}`), { peer: null });
  return { ask, state, operations, lines, metrics };
}

describe('health', () => {
  it('is ready while the journal can be read, nothing stops and the board is current', async () => {
    const { ask, state, lines } = await openRoutes(ANONYMOUS);
    const checksOf = async () =>
      await Promise.all(
        READY.map(async (path) => [path, (await ask(path)).status, await (await ask(path)).json()] as const),
      );
    const well = { status: 'ok', checks: { journal: 'ok', serving: 'ok', board: 'ok' } };
    for (const [path, status, body] of await checksOf()) expect([status, body], path).toEqual([200, well]);
    state.isStopping = true;
    for (const [path, status, body] of await checksOf()) {
      expect([status, body], path).toEqual([
        503,
        { status: 'failing', checks: { ...well.checks, serving: 'failing' } },
      ]);
    }
    state.isStopping = false;
    state.isBoardCurrent = false;
    for (const [path, status, body] of await checksOf()) {
      expect([status, body], path).toEqual([503, { status: 'failing', checks: { ...well.checks, board: 'failing' } }]);
    }
    expect(lines).toEqual(['not ready: serving: is not so', 'not ready: board: is not so']);
  });

  it('is live also when it is not ready, and says nothing of why to anybody', async () => {
    const { ask, operations, lines } = await openRoutes(ANONYMOUS);
    await operations.store.journal.close();
    const unready = await ask('/health');
    expect([unready.status, await unready.json()]).toEqual([
      503,
      { status: 'failing', checks: { journal: 'failing', serving: 'ok', board: 'ok' } },
    ]);
    expect(lines).toEqual([expect.stringMatching(/^not ready: journal: .*closed/i)]);
    for (const path of LIVE) {
      const live = await ask(path);
      expect([live.status, await live.json()], path).toEqual([200, { status: 'ok', checks: {} }]);
    }
  });
});

describe('figures', () => {
  it('are the same at each of their paths; of the process alone for whoever may not come in', async () => {
    for (const principal of [ANONYMOUS, owner('ann@loopback')]) {
      const { ask, metrics } = await openRoutes(principal);
      metrics.observe('GET', '/health', 200, 0.001);
      for (const path of METRICS) {
        const answer = await ask(path);
        const text = await answer.text();
        expect([answer.status, answer.headers.get('content-type')]).toEqual([
          200,
          'text/plain; version=0.0.4; charset=utf-8',
        ]);
        expect(text, path).toContain('process_resident_memory_bytes');
        for (const inside of [
          'c13_http_requests_total{',
          'c13_journal_head_sequence ',
          'c13_board_slots 2',
          'c13_clients',
        ]) {
          expect(text.includes(inside), `${path} ${inside}`).toBe(principal !== ANONYMOUS);
        }
      }
    }
  });

  it('of a real app are there under their short names', async () => {
    const { call, own } = await openApp();
    for (const path of METRICS) expect((await call('GET', path)).status, path).toBe(200);
    own.flags.metrics = false;
    onTestFinished(() => void (own.flags.metrics = true));
    for (const path of METRICS) expect((await call('GET', path)).status, path).toBe(404);
  });
});
