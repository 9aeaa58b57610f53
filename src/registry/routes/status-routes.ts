/** How the registry does: for machines that watch it (health, metrics) and for people (status). @module */
import { may } from '../../auth/rights.ts';
import { ConfigError } from '../../errors/errors.ts';
import type { StoreStatus } from '../../live/operations.ts';
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
}

export async function readStatus({ operations, status }: StatusServices, actor: string): Promise<RegistryStatus> {
  const { version, pid, started, now } = status;
  return { version, pid, started, uptime_ms: now() - started, actor, ...(await operations.status()) };
}

const readsStatus = (): readonly Need[] => [{ action: 'read', stream: 'status:registry' }];

/** Nothing in these is secret: they answer anybody. */
export function healthRoutes({ operations }: StatusServices): readonly Route[] {
  const health = ['/health', '/-/health'].map((path) =>
    route({
      method: 'get',
      path,
      tag: 'health',
      summary: 'Whether the registry can do its work',
      access: 'public',
      answers: { 200: { description: 'It can' } },
      handle: async ({ c }) => {
        // Reads the journal: a registry that cannot is not healthy, however well it answers.
        await operations.store.journal.head();
        return c.json({ status: 'ok' });
      },
    }),
  );
  const ping = route({
    method: 'get',
    path: '/-/ping',
    tag: 'health',
    summary: 'Whether anybody answers',
    access: 'public',
    answers: { 200: { description: 'An empty object' } },
    handle: ({ c }) => c.json({}),
  });
  return [...health, ping];
}

export function statusRoutes(services: StatusServices): readonly Route[] {
  const { operations, metrics, own } = services;
  return [
    route({
      method: 'get',
      path: '/_dashboard/api/status',
      tag: 'health',
      summary: 'What runs here, and how far the journal is',
      access: readsStatus,
      answers: { 200: { description: 'The status' } },
      handle: async ({ c, principal }) => c.json(await readStatus(services, principal.actor)),
    }),
    route({
      method: 'get',
      path: '/_dashboard/api/metrics',
      tag: 'health',
      summary: "Figures in Prometheus' text format; those of the process alone for anybody",
      access: 'public',
      answers: { 200: { description: 'The figures', contentType: 'text/plain' } },
      handle: async ({ c, principal }) => {
        if (!own.flags.metrics) throw switchedOff();
        const isInside = may(principal, 'read', 'status:registry');
        const text = await metrics.text(isInside ? await operations.status() : null);
        return c.body(text, 200, { 'content-type': metrics.contentType });
      },
    }),
  ];
}

function switchedOff(): ConfigError {
  return new ConfigError('ERR_NOT_FOUND', {
    message: "The registry's own feature 'metrics' is off",
    hint: "Turn it on in the config 'registry'.",
    details: { what: 'metrics' },
  });
}
