/**
 * What the app of a running registry is made of, opened over one data directory: who asks, what is limited, what is
 * seen, what is held in memory and kept in step with the journal. Answers no request.
 * @module
 */
import manifest from '../../package.json' with { type: 'json' };
import { Flags } from '../flags/flags.ts';
import type { Settings } from '../env/env.ts';
import { addressKey } from '../http/client-address.ts';
import type { Journal } from '../journal/journal.ts';
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
import { RegistryMetrics } from './metrics.ts';
import type { OpenedIdentity } from './open-identity.ts';
import type { Send } from '../metrics/webhooks.ts';
import { addressOf } from './pipeline.ts';
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
const SECOND_MS = 1000;
const HOUR_MS = 60 * 60 * SECOND_MS;

/** What was opened is closed in the opposite order. */
export type Undo = (() => Promise<void>)[];

export interface Opened {
  readonly settings: IdentitySettings &
    LimitSettings &
    UpstreamSettings &
    Pick<Settings, 'host' | 'port' | 'corsOrigins'>;
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
}

interface Services {
  readonly options: AppOptions;
  readonly identifier: Identifier;
  readonly cache: ConfigCache;
}

interface Asked extends Pick<AppOptions, 'limits' | 'figures'> {
  readonly identifier: Identifier;
  readonly follower: JournalFollower;
}

/** Errors: ERR_SETTING for a provider that is half set up, ERR_STORE, those of the journal. */
export async function openServices(
  opened: Opened,
  loopback: IdentifierOptions['loopback'],
  undo: Undo,
): Promise<Services> {
  const { settings, operations, own, obey, identity, logger } = opened;
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
    onRefusal: (why) => logger.info('credentials refused', { why }),
  });
  undo.push(repeated({ interval_ms: HOUR_MS, work: () => sweep(identity), onFailure: log }));
  const { metrics, started, alerting, cache, follower } = await openSeeing(opened, undo);
  const { figures } = metrics;
  const asked = await openAsked(opened, { identifier, limits, figures, follower }, undo);
  const line = requestLog(logger);
  const options: AppOptions = {
    operations,
    ...asked,
    corsOrigins: settings.corsOrigins,
    own,
    metrics,
    alerting,
    limits,
    log,
    cache,
    identity: services,
    answers: answersIn(identity),
    identify: (request, peer) => identifier.identify(request, peer),
    status: { version: manifest.version, pid: process.pid, started, now: Date.now },
    server: serverState(opened),
    figures,
    // A change of the level counts from the next line on, whoever made it.
    requestLog: (...told) => {
      obey();
      line(...told);
    },
    debug: (text, fields) => {
      obey();
      logger.debug(text, fields);
    },
    flush: () => journal.flush(),
    sealExport: async (bytes) => (own.flags.encryption ? await identity.keys.seal.sealBytes(bytes) : null),
  };
  return { options, identifier, cache };
}

/** What flags answer, who hears of changes, and what is yet to change. */
async function openAsked(
  { settings, operations, own, identity, logger }: Opened,
  { identifier, limits, figures, follower }: Asked,
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
  const streams = openStreams({ operations, flags, own, identifier, limits, places, figures, upcoming, log }, undo);
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
  return { metrics, started, alerting, cache, follower };
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
