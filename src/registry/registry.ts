/**
 * A running registry: its data, its app, its port, and what it does by the clock; closed in the opposite order.
 * @module
 */
import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import { owner } from '../auth/rights.ts';
import type { Settings } from '../env/env.ts';
import { ConfigError } from '../errors/errors.ts';
import { tryLock, type Lock } from '../journal/lock.ts';
import { removeAbandonedDrafts } from '../live/backups.ts';
import { databaseIn, openDataDirectory } from '../live/data-directory.ts';
import type { ConfigOperations } from '../live/operations.ts';
import { openOwnerToken } from '../live/owner-token.ts';
import { createProductionConfig } from '../live/production-config.ts';
import { userName } from '../live/user.ts';
import { createApp } from './app.ts';
import { bootstrap, REGISTRY_ACTOR, REGISTRY_CONFIG } from './bootstrap.ts';
import { isLoopback, loopbackAdmission } from './loopback.ts';
import { RegistryMetrics } from './metrics.ts';
import { PeerOwners } from './peer.ts';
import { serve } from './serve.ts';

const LOCK_FILE = 'registry.lock';
const SIGN_INTERVAL_MS = 1000;
const SIGNATURE = { actor: REGISTRY_ACTOR, reason: 'found on the board without an entry' };

export interface RunningRegistry {
  readonly url: string;
  readonly dataDirectory: string;
  /** Configs that this start has made. */
  readonly made: readonly string[];
  /** Stops accepting, finishes what is under way, brings the journal to disk. */
  stop(): Promise<void>;
}

export type RegistrySettings = Pick<Settings, 'host' | 'port' | 'dataDirectory'>;

/**
 * Opens (or makes) the data and serves it. Errors: ERR_NOT_LOOPBACK, ERR_DATA_IN_USE, ERR_ADDRESS_IN_USE, ERR_SETTING,
 * and those of `openConfigStore`; nothing stays open then.
 */
export async function startRegistry(settings: RegistrySettings, log: (line: string) => void): Promise<RunningRegistry> {
  if (!isLoopback(settings.host)) throw notLoopback(settings.host);
  const lock = lockDirectory(openDataDirectory(settings.dataDirectory));
  const undo = [async () => lock.release()];
  try {
    return await open(settings, log, undo);
  } catch (error) {
    // What went wrong first is what the caller must hear of.
    await Promise.allSettled([undoAll(undo)]);
    throw error;
  }
}

type Undo = (() => Promise<void>)[];

async function open({ host, port, dataDirectory }: RegistrySettings, log: (line: string) => void, undo: Undo) {
  removeAbandonedDrafts(databaseIn(dataDirectory));
  const { operations, directory, made } = await bootstrap(dataDirectory);
  undo.push(() => operations.store.close());
  const persistPath = databaseIn(directory);
  const enableClusterSync = operations.store.sharing === 'board';
  const own = createProductionConfig({ persistPath, enableClusterSync, name: REGISTRY_CONFIG });
  undo.push(async () => await own.close());
  undo.push(signUnattributed(operations, log));
  const started = Date.now();
  const version = manifest.version;
  let peers: PeerOwners | null = null;
  const admission = loopbackAdmission({
    uid: process.getuid?.() ?? -1,
    uidOf: async (peer) => (await peers?.uidOf(peer)) ?? null,
    // Linux tells whose process asks: there a secret would only be one more thing to steal.
    token: process.platform === 'linux' ? null : openOwnerToken(directory),
  });
  const self = owner(loopbackActor());
  const app = createApp({
    operations,
    identify: async (request, peer) => {
      await admission(request, peer);
      return self;
    },
    status: { version, pid: process.pid, started, now: Date.now },
    metrics: new RegistryMetrics(version, started),
    own,
    log,
  });
  const served = serve(host, port, (request, from) => app.fetch(request, from));
  peers = new PeerOwners(served.port);
  undo.push(() => served.stop());
  return { url: served.url, dataDirectory: directory, made, stop: () => undoAll(undo) };
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

function lockDirectory(directory: string): Lock {
  const path = join(directory, LOCK_FILE);
  const lock = tryLock(path);
  if (lock !== null) {
    // On a read-only disk it is as it was made.
    if ((statSync(path).mode & 0o777) !== 0o600) chmodSync(path, 0o600);
    return lock;
  }
  throw new ConfigError('ERR_DATA_IN_USE', {
    message: `Another registry serves ${directory}`,
    hint: 'Use that one, stop it first, or give this one another directory with --data.',
    details: { path: directory },
  });
}

/** Changes of processes that died before they could sign: looked for while serving. Returns the way to stop. */
function signUnattributed({ store }: ConfigOperations, log: (line: string) => void): () => Promise<void> {
  let look: Promise<void> | null = null;
  let lastFailure = '';
  const onFailure = (error: unknown): void => {
    const failure = String(error);
    // A full disk fails every second the same way: said once.
    if (failure !== lastFailure) log(`cannot sign what was found without an entry: ${failure}`);
    lastFailure = failure;
  };
  const timer = setInterval(() => {
    look ??= store
      .signUnattributed(SIGNATURE)
      .then(() => void (lastFailure = ''), onFailure)
      .finally(() => (look = null));
  }, SIGN_INTERVAL_MS);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await look;
  };
}

/** `ann@loopback`: without identities, whoever comes in is this user. */
function loopbackActor(): string {
  return `${userName()}@loopback`;
}

function notLoopback(host: string): ConfigError {
  return new ConfigError('ERR_NOT_LOOPBACK', {
    message: `${host} can be reached from other machines, and this registry knows no users to tell apart`,
    hint: 'Listen on 127.0.0.1, ::1 or localhost.',
    details: { host },
  });
}
