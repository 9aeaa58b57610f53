/**
 * A running registry: its data, its app, its port, and what it does by the clock; closed in the opposite order.
 * @module
 */
import manifest from '../../package.json' with { type: 'json' };
import type { Settings } from '../env/env.ts';
import type { TracingSettings } from '../env/tracing-settings.ts';
import { addressKey, clientAddress } from '../http/client-address.ts';
import { removeAbandonedDrafts } from '../live/backups.ts';
import { databaseIn, openDataDirectory } from '../live/data-directory.ts';
import type { ConfigOperations } from '../live/operations.ts';
import { createProductionConfig } from '../live/production-config.ts';
import type { Sealer } from '../live/sealed.ts';
import type { Logger } from '../logging/logger.ts';
import { requestLog } from '../logging/request-log.ts';
import { startTracing, type Tracing } from '../logging/tracing.ts';
import { createApp, type AppOptions } from './app.ts';
import { bootstrap } from './bootstrap.ts';
import { ConfigCache } from './config-cache.ts';
import { lockDirectory } from './data-lock.ts';
import { hotReads } from './hot-reads.ts';
import type { IdempotencyStore } from './idempotency.ts';
import { Identifier } from './identify.ts';
import { identityServices, publicUrlOf, type IdentitySettings } from './identity-services.ts';
import { JournalFollower } from './journal-follower.ts';
import { limitsFor, type LimitSettings } from './limits.ts';
import { RegistryMetrics } from './metrics.ts';
import { openIdentityIn, type OpenedIdentity } from './open-identity.ts';
import { REGISTRY_CONFIG } from './own-config.ts';
import { originOf, ownerAccess, setupUrl } from './owner-access.ts';
import type { Peer } from './peer.ts';
import { openAlerting } from './seeing.ts';
import { serve } from './serve.ts';
import { signUnattributed } from './unattributed.ts';

const ANSWERS = 'idempotency';

export interface RunningRegistry {
  readonly url: string;
  readonly dataDirectory: string;
  /** Configs that this start has made. */
  readonly made: readonly string[];
  /** The link that makes the first administrator; null when there is a user. */
  readonly setup: string | null;
  /** Stops accepting, finishes what is under way, brings the journal to disk. */
  stop(): Promise<void>;
}

export interface RegistrySettings
  extends Pick<Settings, 'host' | 'port' | 'dataDirectory'>, IdentitySettings, LimitSettings {
  readonly tracing: TracingSettings | null;
}

/**
 * Opens (or makes) the data and serves it. Errors: ERR_DATA_IN_USE, ERR_ADDRESS_IN_USE, ERR_SETTING, ERR_KEYS,
 * ERR_STORE, and those of `openConfigStore`; nothing stays open then.
 */
export async function startRegistry(settings: RegistrySettings, logger: Logger): Promise<RunningRegistry> {
  const lock = lockDirectory(openDataDirectory(settings.dataDirectory));
  const undo = [async () => lock.release()];
  try {
    return await open(settings, logger, undo);
  } catch (error) {
    // What went wrong first is what the caller must hear of.
    await Promise.allSettled([undoAll(undo)]);
    throw error;
  }
}

type Undo = (() => Promise<void>)[];
type Own = ReturnType<typeof openOwn>;

async function open(settings: RegistrySettings, logger: Logger, undo: Undo): Promise<RunningRegistry> {
  const log = (line: string): void => logger.warn(line);
  removeAbandonedDrafts(databaseIn(settings.dataDirectory));
  const late: { own: Own | null; identity: OpenedIdentity | null } = { own: null, identity: null };
  const { operations, directory, made } = await bootstrap(settings.dataDirectory, {
    sealer: sealerOf(() => late.identity!),
    seals: () => late.own!.flags.encryption,
  });
  undo.push(() => operations.store.close());
  const own = (late.own = openOwn(operations, logger, undo));
  undo.push(signUnattributed(operations, log));
  const identity = (late.identity = await openIdentityIn({
    directory,
    journal: operations.store.journal,
    publicUrl: publicUrlOf(settings),
    head: () => operations.store.head(),
    onError: (error) => log(`when tokens were used is not written down: ${String(error)}`),
  }));
  undo.push(async () => identity.close());
  const tracing = await startTracing(settings.tracing, { version: manifest.version, warn: log });
  undo.push(async () => await tracing?.shutdown());
  const served = await openServer({ settings, operations, directory, own, identity, logger, tracing }, undo);
  const origin = publicUrlOf(settings) ?? originOf(settings.host, served.port);
  const setup = identity.identities.hasUsers ? null : setupUrl(origin, await identity.setupLink.create());
  return { url: served.url, dataDirectory: directory, made, setup, stop: () => undoAll(undo) };
}

/** The config that the registry obeys; `debug` raises the log's level while it is on. */
function openOwn({ store }: ConfigOperations, logger: Logger, undo: Undo) {
  const own = createProductionConfig({ persistPath: store.path, name: REGISTRY_CONFIG });
  undo.push(async () => await own.close());
  const { level } = logger;
  const obey = (): void => void (logger.level = own.flags.debug ? 'debug' : level);
  obey();
  own.subscribe(obey);
  return own;
}

interface Opened {
  readonly settings: RegistrySettings;
  readonly operations: ConfigOperations;
  readonly directory: string;
  readonly own: Own;
  readonly identity: OpenedIdentity;
  readonly logger: Logger;
  readonly tracing: Tracing | null;
}

async function openServer(opened: Opened, undo: Undo) {
  const { settings, own, tracing } = opened;
  const { host, port } = settings;
  const access = ownerAccess(host, opened.directory);
  const { options, identifier, cache } = await openOptions(opened, access.identify, undo);
  const app = createApp(options);
  const { requestLog: log, figures, limits } = options;
  const read = hotReads({
    cache,
    identifyNow: (headers) => identifier.identifyNow(headers),
    limiter: limits.token,
    isUsual: () => tracing === null && !own.flags.verbose,
    answered: (request, id, { principal, status, duration_ms }) => {
      figures.configReads.hot.value++;
      const { metrics: isMeasured, logging: isLogged } = own.flags;
      if (isMeasured) figures.observe('GET', '/api/v1/configs/:name', status, duration_ms / 1000);
      if (!isLogged) return;
      log({ id, method: 'GET', url: request.url, status, duration_ms, user: principal.actor, address: null });
    },
  });
  const served = serve({
    host,
    port,
    read,
    answer: (request, from) =>
      tracing === null
        ? app.fetch(request, from)
        : tracing.span(request, async (span) => await app.fetch(request, { ...from, span })),
  });
  access.listensOn(served.port);
  undo.push(() => served.stop());
  return served;
}

async function openOptions(
  { settings, operations, directory, own, identity, logger }: Opened,
  loopback: ReturnType<typeof ownerAccess>['identify'],
  undo: Undo,
): Promise<{ options: AppOptions; identifier: Identifier; cache: ConfigCache }> {
  const log = (line: string): void => logger.warn(line);
  const { journal } = operations.store;
  const limits = limitsFor(settings);
  const addressOf = (request: Request, peer: Peer | null): string =>
    addressKey(clientAddress(peer?.address ?? '', request.headers, limits.proxies));
  const services = identityServices({ identity, settings, addressOf, log });
  const identifier = new Identifier({
    ...services,
    authenticator: identity.authenticator,
    loopback,
    isPrivate: () => own.flags.private_registry,
    onRefusal: (why) => logger.info('credentials refused', { why }),
  });
  const started = Date.now();
  const metrics = new RegistryMetrics(manifest.version, started);
  const alerting = openAlerting({ directory, journal, keyring: identity.keyring, metrics, warn: log });
  await alerting.start();
  undo.push(() => alerting.observability.stop());
  const cache: ConfigCache = new ConfigCache({
    operations,
    isEnabled: () => own.flags.cache_enabled,
    isCurrent: () => follower.isCurrent,
    reads: metrics.figures.configReads,
  });
  const onFailure = (error: unknown): void => log(`the journal cannot be followed: ${String(error)}`);
  const follower = new JournalFollower({
    journal,
    seen: (await journal.head()).seq,
    head: () => operations.store.head(),
    follow: (entries) => {
      cache.follow(entries);
      alerting.follow(entries, onFailure);
    },
    onFailure,
  });
  undo.push(() => follower.close());
  const options = {
    operations,
    own,
    metrics,
    alerting,
    limits,
    log,
    cache,
    identity: services,
    answers: answersIn(identity),
    identify: (request: Request, peer: Peer | null) => identifier.identify(request, peer),
    status: { version: manifest.version, pid: process.pid, started, now: Date.now },
    figures: metrics.figures,
    requestLog: requestLog(logger),
    flush: () => journal.flush(),
  };
  return { options, identifier, cache };
}

function sealerOf(identity: () => OpenedIdentity): Sealer {
  return {
    sealFile: (from, to) => identity().keys.seal.sealFile(from, to),
    openSealedFile: (from, to) => identity().keys.seal.openSealedFile(from, to),
  };
}

function answersIn({ scratch }: OpenedIdentity): IdempotencyStore {
  return {
    get: (key) => scratch.get(ANSWERS, key),
    set: (key, value, expiresAt) => scratch.set(ANSWERS, key, value, expiresAt),
  };
}

/** Every step is tried; the first failure is thrown when all are through. */
async function undoAll(undo: Undo): Promise<void> {
  const failures: unknown[] = [];
  for (const step of undo.splice(0).toReversed()) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
