/** How the registry does: for machines that watch it (health, metrics) and for people (status). @module */
import { z } from 'zod';
import { may } from '../../auth/rights.ts';
import { ConfigError } from '../../errors/errors.ts';
import type { StoreStatus } from '../../live/operations.ts';
import { healthOf } from '../../metrics/health.ts';
import type { BoardFigures } from '../../sync/board.ts';
import type { Services } from '../context.ts';
import type { RegistryMetrics } from '../metrics.ts';
import { route, type Need, type Route } from '../route.ts';

export interface RegistryStatus extends StoreStatus {
  readonly version: string;
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly started: number;
  readonly uptime_ms: number;
  /** Who asked, as his changes are signed. */
  readonly actor: string;
}

export interface StatusSource {
  readonly version: string;
  readonly pid: number;
  readonly started: number;
  readonly now: () => number;
}

interface StatusServices extends Services {
  readonly status: StatusSource;
  readonly metrics: RegistryMetrics;
  readonly own: { readonly flags: { readonly metrics: boolean } };
  /** One line for the operator. */
  readonly log: (line: string) => void;
  /** The server around these routes; without one, nothing stops it. */
  readonly server?: ServerState;
}

/** What the server knows of itself. */
export interface ServerState {
  readonly isStopping: () => boolean;
  /** Whether the board shows what the journal holds; true where there is no board. */
  readonly isBoardCurrent: () => boolean | Promise<boolean>;
  /** null where there is no board. */
  readonly board: () => BoardFigures | null;
}

export async function readStatus({ operations, status }: StatusServices, actor: string): Promise<RegistryStatus> {
  const { version, pid, started, now } = status;
  return { version, pid, started, uptime_ms: now() - started, actor, ...(await operations.status()) };
}

const readsStatus = (): readonly Need[] => [{ action: 'read', stream: 'status:registry' }];

const UNWELL = 503;
const STATE = z.enum(['ok', 'failing']);
const HEALTH = z.object({ status: STATE, checks: z.record(z.string(), STATE) }).meta({ id: 'Health' });
const HEALTH_ANSWERS = {
  200: { description: 'It can', schema: HEALTH },
  [UNWELL]: { description: 'It cannot; checks tell why', schema: HEALTH },
};

/** Nothing in these is secret: they answer anybody. Each is there a second time where no package can be in its way. */
export function healthRoutes(services: StatusServices): readonly Route[] {
  const ready = readiness(services);
  const health = ['/health', '/health/ready', '/-/health', '/-/health/ready'].map((path) =>
    route({
      method: 'get',
      path,
      tag: 'health',
      summary: 'Whether the registry can do its work',
      access: 'public',
      answers: HEALTH_ANSWERS,
      handle: async ({ c }) => {
        const found = await ready();
        return c.json(found, found.status === 'ok' ? 200 : UNWELL);
      },
    }),
  );
  const live = ['/health/live', '/-/health/live'].map((path) =>
    route({
      method: 'get',
      path,
      tag: 'health',
      summary: 'Whether the process answers: one that does not has to be started anew',
      access: 'public',
      answers: { 200: { description: 'It does', schema: HEALTH } },
      handle: ({ c }) => c.json({ status: 'ok', checks: {} }),
    }),
  );
  const ping = route({
    method: 'get',
    path: '/-/ping',
    tag: 'health',
    summary: 'Whether anybody answers',
    access: 'public',
    takesAnyQuery: true,
    answers: { 200: { description: 'An empty object', schema: z.object({}) } },
    handle: ({ c }) => c.json({}),
  });
  return [...health, ...live, ping];
}

function readiness({ operations, server, log }: StatusServices) {
  const checks = {
    // A registry that cannot read its journal is not well, however well it answers.
    journal: async () => (await operations.store.journal.head()).seq >= 0,
    serving: () => server?.isStopping() !== true,
    board: () => server?.isBoardCurrent() ?? true,
  };
  return healthOf(checks, { failed: (check, why) => log(`not ready: ${check}: ${why}`) });
}

export function statusRoutes(services: StatusServices): readonly Route[] {
  const status = route({
    method: 'get',
    path: '/_dashboard/api/status',
    tag: 'short forms',
    summary: 'What runs here, and how far the journal is',
    access: readsStatus,
    answers: { 200: { description: 'The status' } },
    handle: async ({ c, principal }) => c.json(await readStatus(services, principal.actor)),
  });
  return [status, ...['/_dashboard/api/metrics', '/metrics', '/-/metrics'].map((path) => metricsRoute(path, services))];
}

function metricsRoute(path: string, { operations, metrics, own, server }: StatusServices): Route {
  return route({
    method: 'get',
    path,
    tag: path.startsWith('/_dashboard/') ? 'short forms' : 'health',
    summary: "Figures in Prometheus' text format; those of the process alone for anybody",
    access: 'public',
    answers: { 200: { description: 'The figures', contentType: 'text/plain' } },
    errors: ['ERR_NOT_FOUND'],
    handle: async ({ c, principal }) => {
      if (!own.flags.metrics) throw switchedOff();
      const isInside = may(principal, 'read', 'status:registry');
      const text = await metrics.text(isInside ? await operations.status() : null, server?.board() ?? null);
      return c.body(text, 200, { 'content-type': metrics.contentType });
    },
  });
}

function switchedOff(): ConfigError {
  return new ConfigError('ERR_NOT_FOUND', {
    message: "The registry's own feature 'metrics' is off",
    hint: "Turn it on in the config 'registry'.",
    details: { what: 'metrics' },
  });
}
