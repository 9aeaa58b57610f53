/**
 * A running registry: its data, its app, its port, and what it does by the clock; closed in the opposite order.
 * @module
 */
import manifest from '../../package.json' with { type: 'json' };
import type { Settings } from '../env/env.ts';
import type { TracingSettings } from '../env/tracing-settings.ts';
import type { Journal } from '../journal/journal.ts';
import { removeAbandonedDrafts } from '../live/backups.ts';
import { databaseIn, openDataDirectory } from '../live/data-directory.ts';
import type { ConfigOperations } from '../live/operations.ts';
import { createProductionConfig } from '../live/production-config.ts';
import type { Sealer } from '../live/sealed.ts';
import type { Logger } from '../logging/logger.ts';
import type { RequestFacts } from '../logging/request-log.ts';
import { startTracing, type Tracing } from '../logging/tracing.ts';
import { createApp } from './app.ts';
import { bootstrap } from './bootstrap.ts';
import { Cors } from './cors.ts';
import { lockDirectory } from './data-lock.ts';
import { HotDoor } from './hot-door.ts';
import { hotEvaluation, hotEvaluationRoutes } from './hot-evaluation.ts';
import { HOT_READ_PATH, hotReads } from './hot-reads.ts';
import { publicUrlOf, type IdentitySettings } from './identity-services.ts';
import { hotPackageRoutes } from './npm/hot-packages.ts';
import { bodyLimitOf } from './npm/body-stream.ts';
import type { LimitSettings } from './limits.ts';
import type { UpstreamSettings } from './upstream.ts';
import type { PackageServicesOptions } from './npm/package-services.ts';
import { openIdentityIn, type OpenedIdentity } from './open-identity.ts';
import { openServices, type Opened, type Undo } from './open-services.ts';
import { REGISTRY_CONFIG } from './own-config.ts';
import { isItself, originsOf } from './origins.ts';
import { ownerAccess, setupUrl } from './owner-access.ts';
import { ended } from './pipeline.ts';
import { asConfigError, problemResponse } from './problem.ts';
import { makeSafe } from './safe-headers.ts';
import { serve, type Served } from './serve.ts';
import { withOfferedToken } from './streams.ts';
import { signUnattributed } from './unattributed.ts';

export interface RunningRegistry {
  readonly url: string;
  /** Where people reach it: what the settings say, else a name for where it listens. */
  readonly origin: string;
  readonly dataDirectory: string;
  /** Configs that this start has made. */
  readonly made: readonly string[];
  /** The link that makes the first administrator; null when there is a user. */
  readonly setup: string | null;
  /** Stops accepting, finishes what is under way, brings the journal to disk. */
  stop(): Promise<void>;
}

export interface RegistrySettings
  extends
    Pick<Settings, 'host' | 'port' | 'dataDirectory' | 'corsOrigins' | 'packageLimit' | 'isRegistrationOpen'>,
    IdentitySettings,
    LimitSettings,
    UpstreamSettings,
    Partial<Pick<Settings, 'upstream' | 'isOffline' | 'cacheLimit'>>,
    Pick<PackageServicesOptions, 's3'> {
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

async function open(settings: RegistrySettings, logger: Logger, undo: Undo): Promise<RunningRegistry> {
  const log = (line: string): void => logger.warn(line);
  removeAbandonedDrafts(databaseIn(settings.dataDirectory));
  const late: { own: Opened['own'] | null; identity: OpenedIdentity | null } = { own: null, identity: null };
  const { operations, directory, made } = await bootstrap(settings.dataDirectory, {
    sealer: sealerOf(() => late.identity!),
    seals: () => late.own!.flags.encryption,
  });
  undo.push(() => operations.store.close());
  const { own, obey } = openOwn(operations, logger, undo);
  late.own = own;
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
  if (tracing !== null) traceAppends(operations.store.journal, tracing);
  undo.push(async () => await tracing?.shutdown());
  let isStopping = false;
  const listening = { publicUrl: publicUrlOf(settings), host: settings.host, port: settings.port };
  let originFor = originsOf(listening);
  const reached = {
    origin: (host?: string | null) => originFor(host),
    isItself: (url: string) => isItself(url, listening),
  };
  const opened = { settings, operations, directory, own, obey, identity, logger, tracing, ...reached };
  const served = await openServer({ ...opened, isStopping: () => isStopping }, undo);
  listening.port = served.port;
  originFor = originsOf(listening);
  const origin = originFor();
  const setup = identity.identities.hasUsers ? null : setupUrl(origin, await identity.setupLink.create());
  const stop = async (): Promise<void> => {
    isStopping = true;
    await undoAll(undo);
  };
  return { url: served.url, origin, dataDirectory: directory, made, setup, stop };
}

/** Within a request's span, each append has one of its own: what a slow write waited for. */
function traceAppends(journal: Journal, tracing: Tracing): void {
  const append = journal.append.bind(journal);
  journal.append = (entries) => tracing.inner('journal append', () => append(entries));
}

/** The config that the registry obeys; `debug` raises the log's level while it is on. */
function openOwn({ store }: ConfigOperations, logger: Logger, undo: Undo): Pick<Opened, 'own' | 'obey'> {
  const own = createProductionConfig({ persistPath: store.path, name: REGISTRY_CONFIG });
  undo.push(async () => await own.close());
  const { level } = logger;
  const obey = (): void => void (logger.level = own.flags.debug ? 'debug' : level);
  obey();
  own.subscribe(obey);
  return { own, obey };
}

async function openServer(opened: Opened, undo: Undo): Promise<Served> {
  const { settings, own, tracing } = opened;
  const { host, port } = settings;
  const access = ownerAccess(host, opened.directory);
  const { options, identifier, cache } = await openServices(opened, access.identify, undo);
  const app = createApp(options);
  const { figures, limits } = options;
  const { identities } = opened.identity;
  const door = new HotDoor({
    identifyNow: (credentials) => identifier.identifyNow(credentials),
    moment: () => (identities.isFresh ? identities.version : null),
    limiter: limits.token,
    isUsual: () => tracing === null && !own.flags.verbose,
  });
  const answered = (route: string, facts: RequestFacts): void => {
    figures.auth.ok.value++;
    ended(options, own.flags, route, facts);
  };
  const read = hotReads({
    cache,
    door,
    answered: (facts) => {
      figures.configReads.hot.value++;
      answered(HOT_READ_PATH, facts);
    },
  });
  const { ofrep } = options;
  const evaluate = hotEvaluation({
    ofrep,
    door,
    cors: new Cors(options.corsOrigins, []),
    answered,
  });
  const served = serve({
    host,
    port,
    body_bytes: bodyLimitOf(settings.packageLimit),
    hot: {
      [HOT_READ_PATH]: { method: 'GET', answer: (request) => read(request, request.params['name']!) },
      ...hotEvaluationRoutes(evaluate),
      ...hotPackageRoutes({ packages: options.packages, door, answered }),
    },
    answer: (sent, from) => {
      const request = withOfferedToken(sent);
      if (tracing === null) return app.fetch(request, from);
      return tracing.span(request, async (span) => await app.fetch(request, { ...from, span }));
    },
    failed: (error) => safe(problemResponse(asConfigError(error, options.log))),
  });
  access.listensOn(served.port);
  undo.push(() => served.stop());
  const { hub } = options.streams;
  hub.publishWith((topic, data) => served.publish(topic, data));
  undo.push(async () => hub.close());
  return served;
}

function safe(response: Response): Response {
  makeSafe(response.headers);
  return response;
}

function sealerOf(identity: () => OpenedIdentity): Sealer {
  return {
    sealFile: (from, to) => identity().keys.seal.sealFile(from, to),
    openSealedFile: (from, to) => identity().keys.seal.openSealedFile(from, to),
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
