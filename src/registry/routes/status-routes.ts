/** How the registry does: for machines that watch it (health, metrics) and for people (status). @module */
import { Hono } from 'hono';
import { ConfigError } from '../../errors/errors.ts';
import type { StoreStatus } from '../../live/operations.ts';
import type { RegistryEnv, Services } from '../context.ts';
import type { RegistryMetrics } from '../metrics.ts';
import { parseQuery } from '../parse.ts';

export interface RegistryStatus extends StoreStatus {
  readonly version: string;
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly started: number;
  readonly uptime_ms: number;
  /** Who signs what is written without an identity. */
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

export async function readStatus({ operations, status, actor }: StatusServices): Promise<RegistryStatus> {
  const { version, pid, started, now } = status;
  return { version, pid, started, uptime_ms: now() - started, actor, ...(await operations.status()) };
}

/** Nothing in these is secret: they answer anybody. */
export function healthRoutes({ operations }: StatusServices): Hono<RegistryEnv> {
  const routes = new Hono<RegistryEnv>();
  for (const path of ['/health', '/-/health']) {
    routes.get(path, async (c) => {
      // Reads the journal: a registry that cannot is not healthy, however well it answers.
      await operations.store.journal.head();
      return c.json({ status: 'ok' });
    });
  }
  routes.get('/-/ping', (c) => c.json({}));
  return routes;
}

export function statusRoutes(services: StatusServices): Hono<RegistryEnv> {
  const { operations, metrics, own } = services;
  const routes = new Hono<RegistryEnv>();

  routes.get('/status', async (c) => {
    parseQuery(c, {});
    return c.json(await readStatus(services));
  });

  routes.get('/metrics', async (c) => {
    parseQuery(c, {});
    if (!own.flags.metrics) throw switchedOff();
    const text = await metrics.text(c.get('admitted') ? await operations.status() : null);
    return c.body(text, 200, { 'content-type': metrics.contentType });
  });

  return routes;
}

function switchedOff(): ConfigError {
  return new ConfigError('ERR_NOT_FOUND', {
    message: "The registry's own feature 'metrics' is off",
    hint: "Turn it on in the config 'registry'.",
    details: { what: 'metrics' },
  });
}
