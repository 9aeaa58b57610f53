/**
 * The registry as a `fetch` function, without a port: tests call it as the server does. A request is admitted, routed,
 * parsed, done and answered; every failure leaves as a problem. What a route means is under routes/, and below that.
 * @module
 */
import { Hono } from 'hono';
import { getPath } from 'hono/utils/url';
import { ANONYMOUS, type Principal } from '../auth/rights.ts';
import type { BuiltinFeature } from '../config/features.ts';
import { ConfigError, isConfigError } from '../errors/errors.ts';
import { nearest } from '../errors/nearest.ts';
import { findConfig, isConditional } from './conditions.ts';
import type { RegistryApp, RegistryContext, RegistryEnv, Services } from './context.ts';
import type { RegistryMetrics } from './metrics.ts';
import type { Peer } from './peer.ts';
import { asConfigError, problemResponse } from './problem.ts';
import { admit, mount, type Route } from './route.ts';
import { backupRoutes } from './routes/backup-routes.ts';
import { configRoutes } from './routes/config-routes.ts';
import { featureRoutes } from './routes/feature-routes.ts';
import { pageRoutes } from './routes/page-routes.ts';
import { pastRoutes } from './routes/past-routes.ts';
import { healthRoutes, statusRoutes, type StatusSource } from './routes/status-routes.ts';
import { templateRoutes } from './routes/template-routes.ts';

const API = '/_dashboard/api';

export interface AppOptions extends Services {
  /** Who makes a request, anonymous if it says nothing. Throws ERR_UNAUTHENTICATED, ERR_FORBIDDEN. */
  readonly identify: (request: Request, peer: Peer | null) => Promise<Principal>;
  readonly status: StatusSource;
  readonly metrics: RegistryMetrics;
  /** What the registry's own config says of itself, read at every request. */
  readonly own: { readonly flags: Readonly<Record<BuiltinFeature, boolean>> };
  /** One line for the operator. */
  readonly log: (line: string) => void;
}

/**
 * @example
 * const app = createApp({ operations, identify, status, metrics, own, log: console.error });
 * const answer = await app.fetch(new Request('http://localhost/health'), { peer: null });
 */
export function createApp(options: AppOptions): RegistryApp {
  const app = new Hono<RegistryEnv>({ getPath: pathOf });
  app.use((c, next) => observed(c, next, options));
  app.use((c, next) => identified(c, next, options));
  const routes = routesOf(options);
  mount(app, routes, (_c, _route, answer) => answer());
  const known = knownPaths(routes);
  app.notFound((c) => unrouted(c, known));
  app.onError((error, c) => failed(c as RegistryContext, error, options));
  return app;
}

/** All there is to ask. */
function routesOf(options: AppOptions): readonly Route[] {
  return [
    healthRoutes,
    pageRoutes,
    configRoutes,
    pastRoutes,
    templateRoutes,
    backupRoutes,
    featureRoutes,
    statusRoutes,
  ].flatMap((routes) => routes(options));
}

type Next = () => Promise<void>;

/** Counts, logs, and puts on every answer what protects a browser that shows it. */
async function observed(c: RegistryContext, next: Next, { metrics, own, log }: AppOptions): Promise<void> {
  const started = performance.now();
  const { metrics: isMeasured, logging: isLogged } = own.flags;
  await next();
  // Nothing from here on may throw: what was asked for is done.
  const { headers, status } = c.res;
  headers.set('x-content-type-options', 'nosniff');
  headers.set('referrer-policy', 'no-referrer');
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store');
  if (!headers.has('content-security-policy')) {
    headers.set('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
  }
  const took_ms = performance.now() - started;
  if (isMeasured) metrics.observe(c.req.method, c.req.routePath, status, took_ms / 1000);
  if (isLogged) log(`${c.req.method} ${targetOf(c.req.url)} ${status} ${took_ms.toFixed(1)} ms`);
}

/** Where the Host is none that a URL can hold, the server hands on the path alone. */
function pathOf(request: Request): string {
  return request.url.startsWith('/') ? getPath(new Request(`http://localhost${request.url}`)) : getPath(request);
}

/** Path and query for the log: cut, and in printable ASCII. */
function targetOf(url: string): string {
  return url
    .replace(/^[a-z]+:\/\/[^/?#]*/i, '')
    .slice(0, 500)
    .replace(/[^\x21-\x7e]/g, '?');
}

/** Who cannot be let in may still ask what is public: the route decides. */
async function identified(c: RegistryContext, next: Next, { identify }: AppOptions): Promise<void> {
  c.set('principal', ANONYMOUS);
  c.set('refusal', null);
  try {
    c.set('principal', await identify(c.req.raw, c.env.peer));
  } catch (error) {
    if (!isConfigError(error)) throw error;
    c.set('refusal', error);
  }
  await next();
}

/** What proxies log for a client that went away before its request was whole; nobody is there to read it. */
const CLIENT_GONE = 499;

async function failed(c: RegistryContext, thrown: Error, { operations, log }: AppOptions): Promise<Response> {
  if (c.req.raw.signal.aborted && thrown.name === 'AbortError') return new Response(null, { status: CLIENT_GONE });
  const error = asConfigError(thrown, log);
  const isUnmet =
    error.code === 'ERR_PRECONDITION' || (error.code === 'ERR_REVISION_CONFLICT' && isConditional(c.req.raw.headers));
  if (!isUnmet) return problemResponse(error);
  // What overtook it may still be on its way to disk.
  await operations.store.journal.flush();
  return problemResponse(error, await findConfig(c.get('name'), operations));
}

/** The methods of every path that is not a pattern. */
function knownPaths(routes: readonly Route[]): ReadonlyMap<string, readonly string[]> {
  const known = new Map<string, string[]>();
  for (const { path, method } of routes) {
    const methods = known.get(path) ?? ['OPTIONS'];
    known.set(path, method === 'get' ? [...methods, 'GET', 'HEAD'] : [...methods, method.toUpperCase()]);
  }
  return known;
}

function unrouted(c: RegistryContext, known: ReadonlyMap<string, readonly string[]>): Response {
  admit(c, 'granted');
  const { path, method } = c.req;
  const allowed = known.get(path);
  if (allowed === undefined) throw noSuchPath(path.slice(0, 200), [...known.keys()]);
  if (method === 'OPTIONS') return c.body(null, 204, { allow: allowed.join(', ') });
  throw new ConfigError('ERR_METHOD', {
    message: `${path} does not take ${method.slice(0, 20)}`,
    hint: `Use ${allowed.join(', ')}.`,
    details: { method: method.slice(0, 20), allowed },
  });
}

function noSuchPath(path: string, known: readonly string[]): ConfigError {
  const suggestion = nearest(path, known);
  return new ConfigError('ERR_NOT_FOUND', {
    message: `There is nothing at ${path}`,
    hint: suggestion === null ? `See ${API}/status and the page at /_dashboard.` : `Did you mean ${suggestion}?`,
    details: { what: path },
  });
}
