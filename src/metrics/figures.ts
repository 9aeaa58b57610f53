/**
 * Everything the registry counts while it works, by name. Whoever does the work adds to the series here; nobody looks
 * anything up for it. What can be read off when it is asked for (the journal's head, memory) is not kept here.
 * @module
 */
import { Families, Tally, Timing, type Level, type Registers } from './series.ts';

const REQUEST_BOUNDS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
const DISK_BOUNDS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];
const NETWORK_BOUNDS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Fine enough for quantiles: each bound a quarter above the one before, 0.1 ms to 90 s. */
const QUANTILE_BOUNDS_S = Array.from({ length: 62 }, (_, i) => 0.0001 * 1.25 ** i);

/** Requests for paths that are no route share one series, or a scanner would make as many as it asks for. */
const NO_ROUTE = 'none';
const ERROR_FROM = 500;

interface Answered {
  readonly duration: Timing;
  readonly byStatus: Map<number, Tally>;
}

export type Outcome = 'ok' | 'error';
export type AuthOutcome = 'ok' | 'anonymous' | 'refused' | 'expired' | 'revoked';
export type ClientKind = 'http' | 'websocket' | 'stream';
/** `hot`: before the router; `memory`: rendered before; `journal`: rendered now. */
export type ReadSource = 'hot' | 'memory' | 'journal';
export type Refusal = 'token' | 'address' | 'connections';
/** Why the registry ended a stream. */
export type StreamDrop = 'slow' | 'credentials' | 'bad' | 'failed';
/** `failed`: within a day. */
export type RequestState = 'proposed' | 'scheduled' | 'failed';
export type Severity = 'low' | 'medium' | 'high' | 'critical';

export class Figures {
  /** All requests together: what trends are made of. */
  readonly requests = new Tally();
  readonly requestErrors = new Tally();
  readonly requestDurations = new Timing(QUANTILE_BOUNDS_S);
  readonly journal: { readonly appends: Timing; readonly failures: Tally };
  readonly clients: Readonly<Record<ClientKind, Level>>;
  readonly flagsEvaluated: Tally;
  readonly configReads: Readonly<Record<ReadSource, Tally>>;
  readonly upstream: {
    readonly requests: Readonly<Record<Outcome, Tally>>;
    readonly duration: Timing;
    readonly dns: Readonly<Record<'hit' | 'miss' | 'stale', Tally>>;
  };
  readonly rateLimited: Readonly<Record<Refusal, Tally>>;
  readonly auth: Readonly<Record<AuthOutcome, Tally>>;
  readonly streamsDropped: Readonly<Record<StreamDrop, Tally>>;
  readonly changeRequests: Readonly<Record<RequestState, Level>>;
  readonly alertsFiring: Readonly<Record<Severity, Level>>;
  readonly webhooks: Readonly<Record<'delivered' | 'retried' | 'failed' | 'dropped', Tally>>;
  readonly #answered = new Map<string, Map<string, Answered>>();
  readonly #find: (method: string, route: string) => Answered;
  readonly #count: (method: string, route: string, status: number) => Tally;

  constructor(registry: Registers) {
    const families = new Families(registry);
    const requests = families.tallies('c13_http_requests_total', 'Requests answered.', ['method', 'route', 'status']);
    const durations = families.timings(
      'c13_http_request_duration_seconds',
      'Time from the request to its answer.',
      ['method', 'route'],
      REQUEST_BOUNDS_S,
    );
    this.#count = (method, route, status) => requests.of(method, route, String(status));
    this.#find = (method, route) => ({ duration: durations.of(method, route), byStatus: new Map() });
    this.journal = journalFigures(families);
    this.clients = levels(families, 'c13_clients', 'Requests under way and open streams.', 'kind', [
      'http',
      'websocket',
      'stream',
    ]);
    this.flagsEvaluated = families.tallies('c13_flags_evaluated_total', 'Flags evaluated for callers.', []).of();
    this.configReads = tallies(families, 'c13_config_reads_total', 'Single configs read, by what answered.', 'from', [
      'hot',
      'memory',
      'journal',
    ]);
    this.upstream = upstreamFigures(families);
    this.rateLimited = tallies(families, 'c13_rate_limited_total', 'Requests refused by a limit.', 'by', [
      'token',
      'address',
      'connections',
    ]);
    this.auth = tallies(families, 'c13_auth_total', 'Callers, by what became of their credentials.', 'outcome', [
      'ok',
      'anonymous',
      'refused',
      'expired',
      'revoked',
    ]);
    this.streamsDropped = tallies(families, 'c13_streams_dropped_total', 'Streams that the registry ended.', 'why', [
      'slow',
      'credentials',
      'bad',
      'failed',
    ]);
    this.changeRequests = requestFigures(families);
    this.alertsFiring = levels(families, 'c13_alerts_firing', 'Alerts that fire now.', 'severity', [
      'low',
      'medium',
      'high',
      'critical',
    ]);
    this.webhooks = tallies(families, 'c13_webhook_attempts_total', 'Deliveries to webhooks, by outcome.', 'outcome', [
      'delivered',
      'retried',
      'failed',
      'dropped',
    ]);
  }

  /** One answered request; `routePath` is the pattern, never the path; `isMeant`: whatever its status, no error. */
  observe(method: string, routePath: string, status: number, duration_s: number, isMeant = false): void {
    this.requests.value++;
    if (status >= ERROR_FROM && !isMeant) this.requestErrors.value++;
    this.requestDurations.observe(duration_s);
    const answered = this.#answered.get(routePath)?.get(method) ?? this.#first(method, routePath);
    answered.duration.observe(duration_s);
    const tally = answered.byStatus.get(status);
    if (tally !== undefined) tally.value++;
    else this.#firstStatus(answered, method, routePath, status);
  }

  #first(method: string, routePath: string): Answered {
    const byMethod = this.#answered.get(routePath) ?? new Map<string, Answered>();
    const answered = this.#find(...labelsOf(method, routePath));
    // A method that anybody can make up is not remembered by its name.
    if (KNOWN_METHODS.has(method)) byMethod.set(method, answered);
    this.#answered.set(routePath, byMethod);
    return answered;
  }

  #firstStatus({ byStatus }: Answered, method: string, routePath: string, status: number): void {
    const tally = this.#count(...labelsOf(method, routePath), status);
    byStatus.set(status, tally);
    tally.value++;
  }
}

const KNOWN_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

function labelsOf(method: string, routePath: string): [string, string] {
  if (routePath.endsWith('*')) return ['any', NO_ROUTE];
  return [KNOWN_METHODS.has(method) ? method : 'other', routePath];
}

function journalFigures(families: Families): Figures['journal'] {
  return {
    appends: families
      .timings('c13_journal_append_duration_seconds', 'Time until an append is on disk.', [], DISK_BOUNDS_S)
      .of(),
    failures: families.tallies('c13_journal_append_failures_total', 'Appends that failed.', []).of(),
  };
}

function requestFigures(families: Families): Figures['changeRequests'] {
  const help = 'Change requests that wait, and those that have failed within a day.';
  return levels(families, 'c13_change_requests', help, 'state', ['proposed', 'scheduled', 'failed']);
}

function upstreamFigures(families: Families): Figures['upstream'] {
  return {
    requests: tallies(families, 'c13_upstream_requests_total', 'Requests to other servers.', 'outcome', [
      'ok',
      'error',
    ]),
    duration: families
      .timings('c13_upstream_request_duration_seconds', 'Time of requests to other servers.', [], NETWORK_BOUNDS_S)
      .of(),
    dns: tallies(families, 'c13_upstream_dns_total', 'Host names looked up, by where the answer came from.', 'result', [
      'hit',
      'miss',
      'stale',
    ]),
  };
}

function tallies<K extends string>(
  families: Families,
  name: string,
  help: string,
  label: string,
  keys: readonly K[],
): Record<K, Tally> {
  const family = families.tallies(name, help, [label]);
  return Object.fromEntries(keys.map((key) => [key, family.of(key)])) as Record<K, Tally>;
}

function levels<K extends string>(
  families: Families,
  name: string,
  help: string,
  label: string,
  keys: readonly K[],
): Record<K, Level> {
  const family = families.levels(name, help, [label]);
  return Object.fromEntries(keys.map((key) => [key, family.of(key)])) as Record<K, Level>;
}
