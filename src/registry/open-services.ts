/**
 * What the app of a running registry is made of, opened over one data directory: who asks, what is limited, what is
 * seen, what is held in memory and kept in step with the journal. Answers no request.
 * @module
 */
import manifest from '../../package.json' with { type: 'json' };
import type { SendForKeys } from '../auth/id-tokens.ts';
import { Flags } from '../flags/flags.ts';
import type { Upstream } from '../proxy/upstream.ts';
import type { Settings } from '../env/env.ts';
import { addressKey } from '../http/client-address.ts';
import type { Journal } from '../journal/journal.ts';
import { PACKUMENT_LIMIT_BYTES } from '../packages/uplinks/documents.ts';
import type { ConfigOperations } from '../live/operations.ts';
import type { ProductionConfig } from '../live/production-config.ts';
import { isRefusal } from '../live/recorder.ts';
import type { Logger } from '../logging/logger.ts';
import { requestLog } from '../logging/request-log.ts';
import type { Tracing } from '../logging/tracing.ts';
import type { Figures } from '../metrics/figures.ts';
import type { AppOptions } from './app.ts';
import { BoundFeatures } from './bound-features.ts';
import { ConfigCache } from './config-cache.ts';
import { Identifier, type IdentifierOptions } from './identify.ts';
import { identityServices, publicUrlOf, type IdentitySettings } from './identity-services.ts';
import { JournalFollower } from './journal-follower.ts';
import { limitsFor, type LimitSettings } from './limits.ts';
import { isLoopback } from './loopback.ts';
import { Accounts } from './npm/accounts.ts';
import { WebLogins } from './npm/web-logins.ts';
import { openPackageServices, type PackageServices, type PackageServicesOptions } from './npm/package-services.ts';
import { openUplinks, type UplinkServices } from './npm/open-uplinks.ts';
import { openTrust, type TrustServices } from './npm/open-trust.ts';
import { RegistryMetrics } from './metrics.ts';
import type { OpenedIdentity } from './open-identity.ts';
import type { Send } from '../metrics/webhooks.ts';
import { addressOf } from './pipeline.ts';
import type { OriginFor } from './origins.ts';
import { repeated } from './repeated.ts';
import type { ServerState } from './routes/status-routes.ts';
import { openAlerting } from './seeing.ts';
import { StreamPlaces } from './stream-places.ts';
import { openStreams } from './streams.ts';
import { LastEvaluated } from './last-evaluated.ts';
import { openOfrep } from './open-ofrep.ts';
import { makeDue, openChanges } from './open-changes.ts';
import { openUpstream, type UpstreamSettings } from './upstream.ts';

const ANSWERS = 'idempotency';
/** Of what is kept of other registries. */
const CACHE_LIMIT_BYTES = 10 * 1024 ** 3;
const SECOND_MS = 1000;
const HOUR_MS = 60 * 60 * SECOND_MS;

/** What was opened is closed in the opposite order. */
export type Undo = (() => Promise<void>)[];

export interface Opened {
  readonly settings: IdentitySettings &
    LimitSettings &
    UpstreamSettings &
    Pick<Settings, 'host' | 'port' | 'corsOrigins' | 'packageLimit' | 'isRegistrationOpen'> &
    Partial<Pick<Settings, 'upstream' | 'isOffline' | 'cacheLimit'>> &
    Pick<PackageServicesOptions, 's3'>;
  readonly operations: ConfigOperations;
  readonly directory: string;
  /** The config that the registry obeys. */
  readonly own: ProductionConfig;
  /** Makes the log's level what `own` says. */
  readonly obey: () => void;
  readonly identity: OpenedIdentity;
  readonly logger: Logger;
  readonly tracing: Tracing | null;
  readonly isStopping: () => boolean;
  /** Where clients reach it, by the host that a request names; known once it listens. */
  readonly origin: OriginFor;
  /** Whether a URL leads to this registry. */
  readonly isItself: (url: string) => boolean;
}

interface Services {
  readonly options: AppOptions;
  readonly identifier: Identifier;
  readonly cache: ConfigCache;
}

interface Asked extends Pick<AppOptions, 'limits' | 'figures'> {
  readonly identifier: Identifier;
  readonly follower: JournalFollower;
  readonly packages: PackageServices['packages'];
}

/** Errors: ERR_SETTING for a provider that is half set up, ERR_STORE, those of the journal. */
export async function openServices(
  opened: Opened,
  loopback: IdentifierOptions['loopback'],
  undo: Undo,
): Promise<Services> {
  const { settings, operations, own, identity, logger } = opened;
  const log = (line: string): void => logger.warn(line);
  const { journal } = operations.store;
  const limits = limitsFor(settings);
  const services = identityServices({
    identity,
    settings,
    addressOf: ({ headers }, peer) => addressKey(addressOf(headers, peer, limits.proxies) ?? ''),
    log,
  });
  const identifier = new Identifier({
    ...services,
    authenticator: identity.authenticator,
    loopback,
    isPrivate: () => own.flags.private_registry,
    clientOf: ({ headers }, peer) => addressOf(headers, peer, limits.proxies),
    onRefusal: (why) => logger.info('credentials refused', { why }),
  });
  undo.push(repeated({ interval_ms: HOUR_MS, work: () => sweep(identity), onFailure: log }));
  const { metrics, started, alerting, cache, follower, upstream } = await openSeeing(opened, undo);
  const { figures } = metrics;
  const packages = openPackages(opened, follower, undo);
  const elsewhere = openElsewhere(opened, { packages: packages.packages, follower, figures }, undo);
  const asked = await openAsked(opened, { identifier, limits, figures, follower, packages: packages.packages }, undo);
  const options: AppOptions = {
    operations,
    ...asked,
    packages,
    ...trustOf(opened, packages, elsewhere, upstream),
    ...elsewhere,
    ...toldOf(opened),
    corsOrigins: settings.corsOrigins,
    own,
    metrics,
    alerting,
    limits,
    log,
    cache,
    identity: services,
    accounts: new Accounts({ identity: services, isRegistrationOpen: settings.isRegistrationOpen }),
    webLogins: new WebLogins(),
    origin: opened.origin,
    answers: answersIn(identity),
    identify: (request, peer) => identifier.identify(request, peer),
    status: { version: manifest.version, pid: process.pid, started, now: Date.now },
    server: serverState(opened),
    figures,
    flush: () => journal.flush(),
    sealExport: async (bytes) => (own.flags.encryption ? await identity.keys.seal.sealBytes(bytes) : null),
  };
  return { options, identifier, cache };
}

/** Whom packages come from: asked for over the registry's own connections. */
function trustOf(
  { identity: { keyring }, origin, settings, logger }: Opened,
  { packages }: PackageServices,
  { uplinks }: UplinkServices,
  upstream: Upstream,
): TrustServices {
  const send: SendForKeys = (url, init) => upstream.fetch(url, init);
  const isLocal = isLoopback(settings.host);
  const log = (line: string): void => logger.warn(line);
  return openTrust({ packages, keyring, send, origin, keysElsewhere: () => uplinks.keys(), isLocal, log });
}

/** A change of the level counts from the next line on, whoever made it. */
function toldOf({ logger, obey }: Pick<Opened, 'logger' | 'obey'>): Pick<AppOptions, 'requestLog' | 'debug'> {
  const line = requestLog(logger);
  return {
    requestLog: (...told) => {
      obey();
      line(...told);
    },
    debug: (text, fields) => {
      obey();
      logger.debug(text, fields);
    },
  };
}

/** What is published here, held rendered while nothing changes it. */
function openPackages(opened: Opened, follower: JournalFollower, undo: Undo): PackageServices {
  const { settings, operations, directory, own, identity, origin } = opened;
  const services = openPackageServices({
    directory,
    journal: operations.store.journal,
    head: () => operations.store.head(),
    own,
    identity,
    origin,
    isCurrent: () => follower.isCurrent,
    limit_bytes: settings.packageLimit,
    s3: settings.s3 ?? null,
  });
  undo.push(() => services.blobs.close());
  follower.add(services.cache);
  return services;
}

/** Other registries that packages are taken from. */
function openElsewhere(
  { settings, operations, directory, own, identity, origin, isItself, logger }: Opened,
  { packages, follower, figures }: Pick<Asked, 'packages' | 'follower' | 'figures'>,
  undo: Undo,
): UplinkServices {
  const { upstream = 'none', isOffline = false, cacheLimit = CACHE_LIMIT_BYTES, packageLimit } = settings;
  const body_bytes = Math.max(packageLimit, PACKUMENT_LIMIT_BYTES);
  const limits = { idle_ms: HOUR_MS, total_ms: HOUR_MS, body_bytes: body_bytes + 1 };
  const sender = openUpstream(settings, () => own.config, figures, limits);
  undo.push(async () => sender.close());
  const services = openUplinks({
    directory,
    journal: operations.store.journal,
    keyring: identity.keyring,
    own,
    settings: { upstream, isOffline, cacheLimit, packageLimit },
    ownedAmong: (names) => packages.ownedAmong(names),
    origin,
    isItself,
    send: (url, { redirect: _manual, ...init }) => sender.fetch(url, { ...init, follow: false }),
    tell: (line, fields) => logger.warn(line, fields),
  });
  undo.push(() => services.uplinks.close());
  follower.add(services.declaredUplinks);
  follower.add(services.packageFilters);
  return services;
}

/** What flags answer, who hears of changes, and what is yet to change. */
async function openAsked(
  { settings, operations, own, identity, logger }: Opened,
  { identifier, limits, figures, follower, packages }: Asked,
  undo: Undo,
): Promise<Pick<AppOptions, 'flags' | 'lastEvaluated' | 'changes' | 'streams' | 'ofrep'>> {
  const log = (line: string): void => logger.warn(line);
  const { journal } = operations.store;
  const flags = new Flags(journal, () => operations.store.head());
  await openBound({ operations, flags, log }, follower, undo);
  const changes = openChanges({
    operations,
    flags,
    own,
    identities: identity.identities,
    now: Date.now,
    random: Math.random,
  });
  undo.push(async () => changes.close());
  // Before the streams, which ask for what is yet to come.
  follower.add(changes.requests);
  const onFailure = (failure: string): void => log(`a change cannot be made on time: ${failure}`);
  undo.push(makeDue(changes, { figures: figures.changeRequests, now: Date.now, onFailure }));
  const { upcoming } = changes;
  const places = new StreamPlaces(figures.rateLimited.connections);
  const streamed = { operations, flags, own, identifier, limits, places, figures, packages, upcoming, log };
  const streams = openStreams(streamed, undo);
  follower.add(streams);
  const lastEvaluated = new LastEvaluated({ scratch: identity.scratch });
  undo.push(lastEvaluated.start((failure) => log(`when flags were asked for is not written down: ${failure}`)));
  const [ofrep, closeOfrep] = await openOfrep({
    operations,
    flags,
    identity,
    own,
    places,
    figures,
    log,
    isCurrent: () => follower.isCurrent,
    publicUrl: publicUrlOf(settings),
    evaluated: (config, key) => lastEvaluated.evaluated(config, key),
  });
  undo.push(closeOfrep);
  follower.add(ofrep);
  return { flags, lastEvaluated, changes, streams, ofrep };
}

/** Bits that follow flags, from now on. */
async function openBound(
  { operations, flags, log }: Pick<Opened, 'operations'> & { flags: Flags; log: (line: string) => void },
  follower: JournalFollower,
  undo: Undo,
): Promise<void> {
  const onFailure = (failure: string): void => log(`a bit does not follow its flag: ${failure}`);
  const bound = new BoundFeatures({ operations, flags, onFailure });
  undo.push(() => bound.close());
  // What comes while the flags are read is told of too.
  follower.add(bound);
  await bound.load();
  operations.guardWith(
    (stream, touched) => bound.check(stream, touched),
    (config, feature) => bound.binds(config, feature),
  );
  undo.push(repeated({ interval_ms: SECOND_MS, work: () => bound.look(), onFailure }));
}

/** Figures, alerts and the configs in memory: all that follows the journal. */
async function openSeeing({ settings, operations, directory, own, identity, logger }: Opened, undo: Undo) {
  const { store } = operations;
  const { journal } = store;
  const log = (line: string): void => logger.warn(line);
  const started = Date.now();
  const metrics = new RegistryMetrics(manifest.version, started);
  undo.push(timeAppends(journal, metrics.figures));
  // Taken before anything is read: what comes after is told of, also if it has been read.
  const { seq: seen } = await journal.head();
  const upstream = openUpstream(settings, () => own.config, metrics.figures);
  undo.push(async () => upstream.close());
  const send: Send = (url, init) => upstream.fetch(url, init);
  const alerting = openAlerting({ directory, journal, keyring: identity.keyring, metrics, warn: log, send });
  await alerting.start();
  undo.push(() => alerting.observability.stop());
  const onFailure = (failure: unknown): void => log(`the journal cannot be followed: ${String(failure)}`);
  const follower = new JournalFollower({
    journal,
    seen,
    head: () => store.head(),
    onFailure: (failure) => log(`what the journal says could not be taken in, and is read anew: ${failure}`),
  });
  undo.push(() => follower.close());
  const cache = new ConfigCache({
    operations,
    isEnabled: () => own.flags.cache_enabled,
    isCurrent: () => follower.isCurrent,
    reads: metrics.figures.configReads,
  });
  follower.add(cache);
  follower.add({
    follow: (entries) => alerting.follow(entries, onFailure),
    forget: () => void alerting.refresh().catch(onFailure),
  });
  undo.push(repeated({ interval_ms: SECOND_MS, work: () => follower.look(), onFailure }));
  return { metrics, started, alerting, cache, follower, upstream };
}

/** What an entry is refused for is no failure of the journal. */
function timeAppends(journal: Journal, { journal: { appends, failures } }: Figures): () => Promise<void> {
  const stop = journal.onAnswered((duration_ms, error) => {
    if (error === null) appends.observe(duration_ms / 1000);
    else if (!isRefusal(error)) failures.value++;
  });
  return async () => stop();
}

function serverState({ operations: { store }, isStopping }: Opened): ServerState {
  return { isStopping, isBoardCurrent: () => store.isShown, board: () => store.board() };
}

function sweep({ keyring, scratch }: OpenedIdentity): void {
  keyring.sweep();
  scratch.sweep();
}

function answersIn({ scratch }: OpenedIdentity): AppOptions['answers'] {
  return {
    get: (key) => scratch.get(ANSWERS, key),
    set: (key, value, expiresAt) => scratch.set(ANSWERS, key, value, expiresAt),
  };
}
