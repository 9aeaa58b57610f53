/**
 * What every request goes through besides its route, from the outside in: it is told of (log, figures, trace), gets a
 * place among those under way, says who makes it, and is counted against a limit. A failure anywhere leaves as a
 * problem. Must know no route by its name.
 * @module
 */
import { ANONYMOUS, type Principal } from '../auth/rights.ts';
import { ConfigError, isConfigError, type AnyConfigError } from '../errors/errors.ts';
import { addressKey, clientAddress, type TrustedProxies } from '../http/client-address.ts';
import { compressResponse } from '../http/compression.ts';
import type { ConnectionLimit } from '../http/connection-limit.ts';
import type { Fields } from '../logging/logger.ts';
import {
  requestIdOf,
  targetOf,
  type RequestFacts,
  type RequestHeaders,
  type RequestLog,
} from '../logging/request-log.ts';
import type { AuthOutcome, Figures } from '../metrics/figures.ts';
import type { RateLimiter } from '../rate-limiting/rate-limiter.ts';
import { setRateLimitHeaders } from '../rate-limiting/rate-limit-headers.ts';
import { isConditional } from './conditions.ts';
import type { RegistryContext } from './context.ts';
import type { OwnConfig } from './own-config.ts';
import type { Peer } from './peer.ts';
import { isNpmPath, isPackagePath } from './npm/npm-paths.ts';
import { asConfigError, npmProblemResponse, problemResponse, STATUS } from './problem.ts';
import { makeSafe } from './safe-headers.ts';

export interface PipelineOptions {
  /** Who makes a request, anonymous if it says nothing. Throws ERR_UNAUTHENTICATED, ERR_FORBIDDEN. */
  readonly identify: (request: Request, peer: Peer | null) => Promise<Principal>;
  readonly own: OwnConfig;
  readonly figures: Figures;
  readonly requestLog: RequestLog;
  /** One line for the operator. */
  readonly log: (line: string) => void;
  /** What only somebody reads who looks for a fault. */
  readonly debug: (text: string, fields: Fields) => void;
  readonly limits: Limits;
  /** Resolves when everything asked of the journal so far is answered. */
  readonly flush: () => Promise<void>;
}

/** How much of the registry anybody gets. */
export interface Limits {
  readonly proxies: TrustedProxies;
  readonly underWay: ConnectionLimit;
  /** By whoever is known; null: any number. */
  readonly token: RateLimiter | null;
  /** By address, for whoever is not; null: any number. */
  readonly address: RateLimiter | null;
}

type Next = () => Promise<void>;

/** The pattern of what no route answers. */
const UNROUTED = '/*';

/** Counts, logs, encodes, and puts on every answer what protects a browser that shows it. */
export async function observed(c: RegistryContext, next: Next, options: PipelineOptions): Promise<void> {
  const began = performance.now();
  const { limits, figures, own } = options;
  const request = c.req.raw;
  c.set('requestId', requestIdOf(request.headers.get('x-request-id')));
  c.set('address', addressOf(request.headers, c.env.peer, limits.proxies));
  const { metrics, logging, verbose } = own.flags;
  await placed(c, next, limits.underWay, figures);
  // Nothing from here on may throw: what was asked for is done.
  finish(c);
  await encode(c);
  const { status } = c.res;
  const route = c.get('isUnrouted') === true ? UNROUTED : c.req.routePath;
  const { span } = c.env;
  if (span !== undefined) Object.assign(span, { route, address: c.get('address') });
  const facts = {
    id: c.get('requestId'),
    method: c.req.method,
    url: c.req.url,
    status,
    duration_ms: performance.now() - began,
    user: c.get('principal')?.actor || null,
    address: c.get('address'),
    code: status >= 400 ? c.get('failure') : undefined,
    isMeant: c.get('failure') === 'ERR_MAINTENANCE',
  };
  const headers = verbose ? { request: request.headers, response: c.res.headers } : null;
  ended(options, { metrics, logging }, route, facts, headers);
}

/** Counts and logs a request that has been answered, as the registry's own config says; `route` is the pattern. */
export function ended(
  { figures, requestLog }: Pick<PipelineOptions, 'figures' | 'requestLog'>,
  { metrics: isMeasured, logging: isLogged }: Pick<OwnConfig['flags'], 'metrics' | 'logging'>,
  route: string,
  facts: RequestFacts,
  headers: RequestHeaders | null = null,
): void {
  const { method, status, duration_ms, isMeant } = facts;
  if (isMeasured) figures.observe(method, route, status, duration_ms / 1000, isMeant);
  if (isLogged) requestLog(facts, headers);
}

/** The client's; null without a connection. */
export function addressOf(headers: Headers, peer: Peer | null, proxies: TrustedProxies): string | null {
  return peer === null ? null : clientAddress(peer.address, headers, proxies);
}

/** A slow client holds a place, and only so many. */
async function placed(c: RegistryContext, next: Next, underWay: ConnectionLimit, figures: Figures): Promise<void> {
  const key = addressKey(c.get('address') ?? '');
  try {
    underWay.acquire(key);
  } catch (error) {
    if (!isConfigError(error)) throw error;
    figures.rateLimited.connections.value++;
    c.set('failure', error.code);
    c.res = refusal(c, error);
    return;
  }
  figures.clients.http.set(underWay.size);
  try {
    await next();
  } finally {
    underWay.release(key);
    figures.clients.http.set(underWay.size);
  }
}

function finish(c: RegistryContext): void {
  const { headers } = c.res;
  makeSafe(headers);
  headers.set('x-request-id', c.get('requestId'));
  for (const [name, value] of c.get('limitHeaders') ?? []) headers.set(name, value);
}

/** HEAD has the headers of what GET answers, its length among them. */
async function encode(c: RegistryContext): Promise<void> {
  const isHead = c.req.method === 'HEAD';
  const { headers } = c.req.raw;
  const encoded = await compressResponse(isHead ? { method: 'GET', headers } : c.req.raw, c.res);
  const answer = isHead && encoded.body !== null ? await withoutBody(encoded) : encoded;
  if (answer === c.res) return;
  // Set through nothing, or the framework would put the headers of the plain response back.
  c.res = undefined;
  c.res = answer;
}

async function withoutBody(response: Response): Promise<Response> {
  if (isEndless(response)) {
    await response.body?.cancel();
    return new Response(null, response);
  }
  const { byteLength } = await response.arrayBuffer();
  const bare = new Response(null, response);
  bare.headers.set('content-length', String(byteLength));
  return bare;
}

/** Events come as long as somebody listens. */
function isEndless({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') === true;
}

/** Who cannot be let in may still ask what is public: the route decides. */
export async function identified(c: RegistryContext, next: Next, options: PipelineOptions): Promise<void> {
  c.set('identifyAgain', () => identify(c, options));
  await identify(c, options);
  options.figures.auth[outcomeOf(c)].value++;
  limited(c, options.limits, options.figures);
  await next();
}

/** Who watches whether the registry is well must not be told that it is not because others ask much. */
const PROBES = /^\/(?:-\/)?(?:health(?:\/|$)|ping$)/;

async function identify(c: RegistryContext, options: Pick<PipelineOptions, 'identify'>): Promise<void> {
  c.set('principal', ANONYMOUS);
  c.set('refusal', null);
  try {
    c.set('principal', await options.identify(c.req.raw, c.env.peer));
  } catch (error) {
    if (!isConfigError(error)) throw error;
    c.set('refusal', error);
  }
}

/** Throws ERR_RATE_LIMITED. */
function limited(c: RegistryContext, { token, address }: Limits, figures: Figures): void {
  if (PROBES.test(c.req.path)) return;
  const principal = c.get('principal');
  const isAnonymous = principal.kind === 'anonymous';
  const limiter = isAnonymous ? address : token;
  const key = countedBy(principal, c.get('address'));
  if (limiter === null || key === null) return;
  const answer = limiter.check(key);
  const headers = new Headers();
  setRateLimitHeaders(headers, limiter, answer);
  c.set('limitHeaders', headers);
  if (answer.allowed) return;
  figures.rateLimited[isAnonymous ? 'address' : 'token'].value++;
  throw new ConfigError('ERR_RATE_LIMITED', {
    message: `More than ${limiter.limit} requests within ${limiter.window_s} s`,
    hint: `Wait ${answer.retryAfter_s} s, as Retry-After says.`,
    details: { policy: limiter.policy, retryAfter_s: answer.retryAfter_s },
  });
}

/** A browser token is many people's: each address counts for itself. Null: there is nothing to count by. */
export function countedBy({ kind, actor, isBrowser = false }: Principal, address: string | null): string | null {
  // Whoever calls the app without a connection has none to be counted by.
  if (kind === 'anonymous') return address === null ? null : addressKey(address);
  return isBrowser && address !== null ? `${actor} ${addressKey(address)}` : actor;
}

function outcomeOf(c: RegistryContext): AuthOutcome {
  const refusal = c.get('refusal') as AnyConfigError | null;
  if (refusal === null) return c.get('principal').kind === 'anonymous' ? 'anonymous' : 'ok';
  if (refusal.code !== 'ERR_UNAUTHENTICATED') return 'refused';
  const { why } = refusal.details;
  return why === 'expired' || why === 'revoked' ? why : 'refused';
}

/** The caller hears one sentence for all that is wrong with credentials; which of it, the operator. */
function whyOf({ message, cause }: AnyConfigError): string {
  return isConfigError(cause) && cause.code === 'ERR_UNAUTHENTICATED' ? `${message}: ${cause.details.why}` : message;
}

/** What proxies log for a client that went away before its request was whole; nobody is there to read it. */
const CLIENT_GONE = 499;

/** The answer to a request that failed. */
export async function failed(
  c: RegistryContext,
  thrown: unknown,
  { log, debug, flush }: Pick<PipelineOptions, 'log' | 'debug' | 'flush'>,
): Promise<Response> {
  if (c.req.raw.signal.aborted && (thrown as Error).name === 'AbortError') {
    return new Response(null, { status: CLIENT_GONE });
  }
  const error = asConfigError(thrown, log);
  c.set('failure', error.code);
  debug('refused', { id: c.get('requestId'), code: error.code, why: whyOf(error) });
  if (isTold(c, error)) log(`${targetOf(c.req.url)} is refused (${error.code}): ${error.message}`);
  const isUnmet =
    error.code === 'ERR_PRECONDITION' || (error.code === 'ERR_REVISION_CONFLICT' && isConditional(c.req.raw.headers));
  if (!isUnmet) return refusal(c, error);
  // What overtook it may still be on its way to disk.
  await flush();
  return refusal(c, error, (await c.get('current')?.()) ?? null);
}

/** What somebody will be asked about: a package that could not be published, and what other registries did. */
function isTold({ req: { method, path } }: RegistryContext, { code }: AnyConfigError): boolean {
  if (code === 'ERR_UPLINK') return true;
  return method === 'PUT' && isPackagePath(path) && STATUS[code] !== 401;
}

/** npm's clients read no condition that does not hold: to them it is the conflict that it is. */
function refusal(c: RegistryContext, error: AnyConfigError, current?: unknown): Response {
  return isNpmPath(c.req.path) ? npmProblemResponse(error) : problemResponse(error, current);
}
