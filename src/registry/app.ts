/**
 * The registry as a `fetch` function, without a port: tests call it as the server does. A request is admitted, routed,
 * parsed, done and answered; every failure leaves as a problem. What a route means is under routes/, and below that.
 * @module
 */
import { Hono } from 'hono';
import { getPath } from 'hono/utils/url';
import { ConfigError, isConfigError } from '../errors/errors.ts';
import { nearest } from '../errors/nearest.ts';
import { redactPath } from '../logging/redaction.ts';
import { core } from '../live/core.ts';
import type { Alerting } from './alerting.ts';
import type { RegistryApp, RegistryContext, RegistryEnv, ReadServices } from './context.ts';
import type { FlagServices } from './flag-list.ts';
import { guarded } from './guards.ts';
import type { RegistryMetrics } from './metrics.ts';
import { failed, identified, observed, type PipelineOptions } from './pipeline.ts';
import { admit, mount, type Route } from './route.ts';
import { Idempotency, type IdempotencyStore } from './idempotency.ts';
import { LOGIN_PATH } from './pages/sign-in-page.ts';
import { HOME, type PageServices } from './pages/entering.ts';
import { signInRoutes } from './pages/sign-in-routes.ts';
import { ofrepRoutes, type OfrepServices } from './routes/ofrep-routes.ts';
import { Cors } from './cors.ts';
import { backupRoutes } from './routes/backup-routes.ts';
import { isPackagePath, npmPath, PACKAGE_PATH } from './npm/npm-paths.ts';
import { attestationRoutes } from './npm/attestation-routes.ts';
import { exchangeRoutes } from './npm/exchange-routes.ts';
import { packageKeyRoutes } from './npm/key-routes.ts';
import { accessRoutes } from './npm/access-routes.ts';
import { accountRoutes } from './npm/account-routes.ts';
import { npmTokenRoutes } from './npm/token-routes.ts';
import { webLoginRoutes, type WebLoginServices } from './npm/web-login-routes.ts';
import { auditRoutes } from './npm/audit-routes.ts';
import type { UplinkServices } from './npm/open-uplinks.ts';
import { metadataRoutes } from './npm/metadata-routes.ts';
import type { TrustServices } from './npm/open-trust.ts';
import type { NpmServices } from './npm/package-services.ts';
import { profileRoutes } from './npm/profile-routes.ts';
import { publishRoutes } from './npm/publish-routes.ts';
import { revisionRoutes } from './npm/revision-routes.ts';
import { searchRoutes } from './npm/search-routes.ts';
import { tagRoutes } from './npm/tag-routes.ts';
import { tarballRoutes } from './npm/tarball-routes.ts';
import { configRoutes } from './routes/config-routes.ts';
import { featureRoutes } from './routes/feature-routes.ts';
import { identityRoutes } from './routes/identity-routes.ts';
import { pageRoutes } from './routes/page-routes.ts';
import { pastRoutes } from './routes/past-routes.ts';
import { referenceRoutes } from './routes/reference-routes.ts';
import { healthRoutes, statusRoutes, type ServerState, type StatusSource } from './routes/status-routes.ts';
import { streamRoutes, type StreamServices } from './routes/stream-routes.ts';
import { templateRoutes } from './routes/template-routes.ts';
import { alertRoutes } from './routes/v1/alert-routes.ts';
import { v1BulkRoutes } from './routes/v1/bulk-routes.ts';
import { changeRequestRoutes, type ChangeServices } from './routes/v1/change-request-routes.ts';
import { v1ChangeRoutes } from './routes/v1/change-routes.ts';
import { v1ConfigRoutes } from './routes/v1/config-routes.ts';
import { v1DeclaredRoutes } from './routes/v1/declared-routes.ts';
import { v1FeatureRoutes } from './routes/v1/feature-routes.ts';
import { v1FlagFileRoutes } from './routes/v1/flag-file-routes.ts';
import { v1FlagHistoryRoutes } from './routes/v1/flag-history-routes.ts';
import { v1FlagRoutes } from './routes/v1/flag-routes.ts';
import { v1FlagSetRoutes } from './routes/v1/flag-set-routes.ts';
import { v1JournalRoutes, type Exports } from './routes/v1/journal-routes.ts';
import { packageImportRoutes } from './routes/v1/package-import-routes.ts';
import { filterRoutes } from './routes/v1/filter-routes.ts';
import { uplinkRoutes } from './routes/v1/uplink-routes.ts';
import { v1PackageRoutes } from './routes/v1/package-routes.ts';
import { packageStorageRoutes } from './routes/v1/package-storage-routes.ts';
import { trustedRoutes } from './routes/v1/trusted-routes.ts';
import { v1PastRoutes } from './routes/v1/past-routes.ts';

/** Where `npm trust` asks, in all of its forms. */
const NPM_TRUST = /^\/-\/package\/[^/]+\/trust(?:\/|$)/;

export interface AppOptions
  extends
    ReadServices,
    ChangeServices,
    Exports,
    PipelineOptions,
    OfrepServices,
    FlagServices,
    NpmServices,
    Pick<WebLoginServices, 'accounts' | 'webLogins' | 'origin'>,
    TrustServices,
    UplinkServices,
    Pick<StreamServices, 'streams'> {
  readonly flags: FlagServices['flags'];
  readonly identity: PageServices['identity'];
  readonly alerting: Alerting;
  readonly status: StatusSource;
  readonly server?: ServerState;
  readonly metrics: RegistryMetrics;
  /** Where answers wait for those who ask again. */
  readonly answers: IdempotencyStore;
  /** Origins whose pages may read what is open to them; `*`: all. */
  readonly corsOrigins: readonly string[];
}

/**
 * @example
 * const app = createApp({ operations, identity, identify, own, limits, metrics, answers, ... });
 * const answer = await app.fetch(new Request('http://localhost/health'), { peer: null });
 */
export function createApp(options: AppOptions): RegistryApp {
  const app = new Hono<RegistryEnv>({ getPath: pathOf });
  const routes = routesOf(options);
  const cors = new Cors(options.corsOrigins, routes);
  app.use((c, next) => observed(c, next, options));
  app.use((c, next) => cors.around(c, next));
  app.use((c, next) => identified(c, next, options));
  const { own, answers, log } = options;
  const idempotency = new Idempotency(answers, (error) => log(`an answer is not kept: ${String(error)}`));
  const guards = { own, idempotency, codes: options.identity.codes, core: core().backend };
  const problem = async (c: RegistryContext, error: unknown): Promise<Response> =>
    isPageFor(c, error) ? toSignIn(c) : await failed(c, error, options);
  mount(app, routes, (c, route, answer) =>
    guarded(c, route, () => answer().catch((error: unknown) => problem(c, error)), guards),
  );
  const known = knownPaths(routes);
  app.notFound((c) => unrouted(c, known));
  app.onError((error, c) => problem(c as RegistryContext, error));
  return app;
}

/** All there is to ask. */
export function routesOf(options: AppOptions): readonly Route[] {
  const routes = [
    v1ConfigRoutes,
    v1BulkRoutes,
    v1ChangeRoutes,
    changeRequestRoutes,
    v1FeatureRoutes,
    v1FlagFileRoutes,
    v1FlagHistoryRoutes,
    v1FlagRoutes,
    v1FlagSetRoutes,
    v1PastRoutes,
    v1DeclaredRoutes,
    v1JournalRoutes,
    v1PackageRoutes,
    trustedRoutes,
    packageImportRoutes,
    packageStorageRoutes,
    uplinkRoutes,
    filterRoutes,
    alertRoutes,
    identityRoutes,
    healthRoutes,
    pageRoutes,
    signInRoutes,
    configRoutes,
    pastRoutes,
    templateRoutes,
    backupRoutes,
    featureRoutes,
    statusRoutes,
    streamRoutes,
    ofrepRoutes,
    auditRoutes,
    packageKeyRoutes,
    attestationRoutes,
    exchangeRoutes,
    profileRoutes,
    accountRoutes,
    npmTokenRoutes,
    webLoginRoutes,
    accessRoutes,
    searchRoutes,
    tagRoutes,
    revisionRoutes,
    publishRoutes,
    tarballRoutes,
    metadataRoutes,
  ].flatMap((some) => some(options));
  // What is ours comes first: no package is in its way.
  return [...referenceRoutes(options.status.version, () => routes), ...routes];
}

/** Where the Host is none that a URL can hold, the server hands on the path alone. */
function pathOf(request: Request): string {
  return npmPath(
    request.url.startsWith('/') ? getPath(new Request(`http://localhost${request.url}`)) : getPath(request),
  );
}

/** A person who opened a page without being signed in is shown where to, or how the first user is made. */
function isPageFor(c: RegistryContext, error: unknown): boolean {
  if (!isConfigError(error) || !['ERR_UNAUTHENTICATED', 'ERR_NOT_LOOPBACK'].includes(error.code)) return false;
  return /^\/(?:_dashboard(?!\/api\/)|docs|-\/docs)(?:\/|$)/.test(c.req.path) && isOfPerson(c);
}

/** Whether somebody looks at what is answered: browsers say so, programs do not. */
function isOfPerson({ req }: RegistryContext): boolean {
  return ['GET', 'HEAD'].includes(req.method) && /\btext\/html\b/.test(req.header('accept') ?? '');
}

function toSignIn(c: RegistryContext): Response {
  // Not by the whole URL: its Host may be none that a URL can hold.
  const [, search = ''] = /^[^?#]*(\?[^#]*)/.exec(c.req.url) ?? [];
  return c.redirect(`${LOGIN_PATH}?returnTo=${encodeURIComponent(c.req.path + search)}`, 303);
}

/** The methods of every path. */
function knownPaths(routes: readonly Route[]): ReadonlyMap<string, readonly string[]> {
  const known = new Map<string, string[]>();
  for (const { path, method } of routes) {
    const methods = known.get(path) ?? ['OPTIONS'];
    known.set(path, method === 'get' ? [...methods, 'GET', 'HEAD'] : [...methods, method.toUpperCase()]);
  }
  return known;
}

function unrouted(c: RegistryContext, known: ReadonlyMap<string, readonly string[]>): Response {
  if (['/', `${HOME}/`].includes(c.req.path) && isOfPerson(c)) return c.redirect(HOME, 303);
  c.set('isUnrouted', true);
  admit(c, 'granted');
  const { path, method } = c.req;
  const patterns = [...known.keys()].filter((pattern) => !pattern.startsWith(PACKAGE_PATH) || isPackagePath(path));
  const methods = patterns.flatMap((pattern) => (isOfPattern(path, pattern) ? known.get(pattern)! : []));
  const allowed = [...new Set(methods)];
  if (allowed.length === 0) throw noSuchPath(redactPath(path).slice(0, 200), [...known.keys()]);
  if (method === 'OPTIONS') return c.body(null, 204, { allow: allowed.join(', ') });
  throw new ConfigError('ERR_METHOD', {
    message: `${redactPath(path)} does not take ${method.slice(0, 20)}`,
    hint: `Use ${allowed.join(', ')}.`,
    details: { method: method.slice(0, 20), allowed },
  });
}

/** `/configs/checkout` is of `/configs/:name`. */
function isOfPattern(path: string, pattern: string): boolean {
  const [parts, wanted] = [path.split('/'), pattern.split('/')];
  return (
    parts.length === wanted.length &&
    wanted.every((part, i) => (part.startsWith(':') ? parts[i] !== '' : part === parts[i]))
  );
}

function noSuchPath(path: string, known: readonly string[]): ConfigError {
  if (NPM_TRUST.test(path)) throw noNpmTrust(path);
  const encoded = withEncodedName(path);
  const isEncodable = encoded !== path && known.some((pattern) => isOfPattern(encoded, pattern));
  const suggestion = isEncodable
    ? encoded
    : nearest(
        path,
        known.filter((pattern) => !pattern.startsWith(PACKAGE_PATH)),
      );
  return new ConfigError('ERR_NOT_FOUND', {
    message: `There is nothing at ${path}`,
    hint: [
      suggestion === null ? 'See /docs for all there is.' : `Did you mean ${suggestion}?`,
      ...(isEncodable ? ["The slash of a config's name is written %2F."] : []),
    ].join(' '),
    details: { what: path },
  });
}

/** `npm trust` knows some providers and not what their tokens say; here any issuer and any claim can be named. */
function noNpmTrust(path: string): ConfigError {
  return new ConfigError('ERR_NOT_FOUND', {
    message: 'Trusted publishers are not set with npm trust here',
    hint: 'Use c13 packages trust NAME CLAIM=TEXT --issuer URL; c13 packages trusted NAME lists them.',
    details: { what: path },
  });
}

/** The slash of `checkout/production`, written as it is, ends a part of the path: the likeliest slip of all. */
function withEncodedName(path: string): string {
  return path.replace(/^(\/api\/v1\/configs\/[^/]+)\//, '$1%2F');
}
