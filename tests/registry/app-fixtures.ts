/** The registry's app over a real database, without a port: a request in, an answer out. @module */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { owner, type Principal } from '../../src/auth/rights.ts';
import { BUILTIN_FEATURES, type BuiltinFeature } from '../../src/config/features.ts';
import { Flags } from '../../src/flags/flags.ts';
import { BoundFeatures } from '../../src/registry/bound-features.ts';
import { LastEvaluated } from '../../src/registry/last-evaluated.ts';
import { createApp, routesOf, type AppOptions } from '../../src/registry/app.ts';
import type { RegistryApp } from '../../src/registry/context.ts';
import { bootstrap } from '../../src/registry/bootstrap.ts';
import type { Admission } from '../../src/registry/loopback.ts';
import { identityServices } from '../../src/registry/identity-services.ts';
import { openIdentityIn } from '../../src/registry/open-identity.ts';
import { ConfigCache } from '../../src/registry/config-cache.ts';
import { limitsFor } from '../../src/registry/limits.ts';
import type { OfrepService } from '../../src/registry/ofrep-service.ts';
import { openOfrep } from '../../src/registry/open-ofrep.ts';
import { openUplinks } from '../../src/registry/npm/open-uplinks.ts';
import { openTrust } from '../../src/registry/npm/open-trust.ts';
import { openPackageServices } from '../../src/registry/npm/package-services.ts';
import { openChanges } from '../../src/registry/open-changes.ts';
import { openAlerting } from '../../src/registry/seeing.ts';
import { Accounts } from '../../src/registry/npm/accounts.ts';
import { WebLogins } from '../../src/registry/npm/web-logins.ts';
import { RegistryMetrics } from '../../src/registry/metrics.ts';
import type { Limits } from '../../src/registry/pipeline.ts';
import type { Route } from '../../src/registry/route.ts';
import { StreamPlaces, type StreamPlaceLimits } from '../../src/registry/stream-places.ts';
import { Streams } from '../../src/registry/streams.ts';
import type { ConfigOperations } from '../../src/live/operations.ts';
import { contentOf, JSON_TYPE, tempDirectory, type Answer, type Call } from './fixtures.ts';

export interface TestApp {
  readonly app: RegistryApp;
  readonly routes: readonly Route[];
  readonly operations: ConfigOperations;
  readonly ofrep: OfrepService;
  readonly bound: BoundFeatures;
  readonly lastEvaluated: LastEvaluated;
  readonly lines: string[];
  readonly own: { flags: Record<BuiltinFeature, boolean> };
  readonly call: Call;
  readonly send: (method: string, path: string, init: RequestInit) => Promise<Answer>;
}

/** `identify` says who makes a request that was admitted; `limits`: none, unless they are given. */
export async function openApp(
  admission: Admission = async () => {},
  identify: (request: Request) => Principal = () => owner('ann@loopback'),
  limits: Limits = limitsFor({ trustedProxies: [], rateLimit: 0, anonymousRateLimit: 0 }),
  open: Partial<StreamPlaceLimits> = {},
): Promise<TestApp> {
  const { operations, directory } = await bootstrap(join(tempDirectory(), 'data'));
  onTestFinished(() => operations.store.close());
  const lines: string[] = [];
  const { identity, opened } = await openServices(directory, operations, lines);
  const off = Object.fromEntries(BUILTIN_FEATURES.names.map((name) => [name, false])) as Record<
    BuiltinFeature,
    boolean
  >;
  const own = { flags: { ...off, logging: true, metrics: true, beta_feature: true } };
  const metrics = new RegistryMetrics('1.2.3', 1000);
  const { journal } = operations.store;
  const warn = (line: string): void => void lines.push(line);
  const alerting = openAlerting({ directory, journal, keyring: opened.keyring, metrics, warn });
  const cache = new ConfigCache({
    operations,
    isEnabled: () => false,
    isCurrent: () => true,
    reads: metrics.figures.configReads,
  });
  const identified = async (request: Request): Promise<Principal> => identify(request);
  const flags = new Flags(journal, () => operations.store.head());
  const packages = openPackageServices({
    directory,
    journal,
    head: () => operations.store.head(),
    own,
    identity: opened,
    origin: () => 'http://localhost:4873',
    isCurrent: () => true,
    limit_bytes: 1024 * 1024,
  });
  onTestFinished(() => packages.blobs.close());
  onTestFinished(journal.onAppend((entries) => packages.cache.follow(entries)));
  const elsewhere = openUplinks({
    directory,
    journal,
    keyring: opened.keyring,
    own,
    settings: { upstream: 'none', isOffline: false, cacheLimit: 1024 * 1024, packageLimit: 1024 * 1024 },
    ownedAmong: (names) => packages.packages.ownedAmong(names),
    origin: () => 'http://localhost:4873',
    isItself: (url) => url.startsWith('http://localhost:4873'),
    send: (url, init) => fetch(url, init),
    tell: warn,
  });
  onTestFinished(() => elsewhere.uplinks.close());
  const places = new StreamPlaces(metrics.figures.rateLimited.connections, open);
  const streams = new Streams({
    operations,
    flags,
    own,
    limits,
    figures: metrics.figures,
    log: warn,
    upcoming: async () => [],
    packages: packages.packages,
    identifier: { identify: identified, identifyNow: () => null },
    places,
  });
  const [ofrep, closeOfrep] = await openOfrep({
    operations,
    flags,
    identity: opened,
    places,
    own,
    figures: metrics.figures,
    log: warn,
    publicUrl: null,
    isCurrent: () => true,
    evaluated: () => {},
  });
  onTestFinished(closeOfrep);
  onTestFinished(journal.onAppend((entries) => ofrep.follow(entries)));
  onTestFinished(journal.onAppend((entries) => streams.follow(entries)));
  const bound = await openBound(operations, flags, warn);
  const lastEvaluated = new LastEvaluated({ scratch: opened.scratch });
  const changes = openChanges({
    operations,
    flags,
    own,
    identities: opened.identities,
    now: Date.now,
    random: Math.random,
  });
  const answers = new Map<string, string>();
  const options: AppOptions = {
    operations,
    packages,
    ...elsewhere,
    ...openTrust({
      packages: packages.packages,
      keyring: opened.keyring,
      send: async (url) => await fetch(url),
      origin: () => 'http://localhost:4873',
      keysElsewhere: async () => [],
      isLocal: false,
      log: warn,
    }),
    flags,
    lastEvaluated,
    ofrep,
    corsOrigins: ['*'],
    changes,
    streams,
    identity,
    accounts: new Accounts({ identity, isRegistrationOpen: false }),
    webLogins: new WebLogins(),
    origin: () => 'http://localhost:4873',
    answers: { get: (key) => answers.get(key) ?? null, set: (key, value) => void answers.set(key, value) },
    identify: async (request, peer) => {
      await admission(request, peer);
      return identify(request);
    },
    status: { version: '1.2.3', pid: 7, started: 1000, now: () => 1500 },
    metrics,
    figures: metrics.figures,
    alerting,
    cache,
    requestLog: ({ method, url, status }) => lines.push(`${method} ${new URL(url).pathname} ${status}`),
    limits,
    flush: () => operations.store.journal.flush(),
    own,
    log: (line) => lines.push(line),
    debug: () => {},
  };
  const [app, routes] = [createApp(options), routesOf(options)];
  const send = async (method: string, path: string, init: RequestInit): Promise<Answer> => {
    const url = `http://localhost:4873${path.startsWith('/') ? path : `/_dashboard/api/${path}`}`;
    const answer = await app.fetch(new Request(url, { ...init, method }), { peer: null });
    return { status: answer.status, headers: answer.headers, body: await contentOf(answer) };
  };
  const call: Call = (method, path, body, headers) =>
    send(method, path, {
      headers: { ...(body === undefined ? {} : JSON_TYPE), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  return { app, routes, operations, bound, lastEvaluated, ofrep, lines, own, call, send };
}

async function openBound(operations: ConfigOperations, flags: Flags, onFailure: (failure: string) => void) {
  const bound = new BoundFeatures({ operations, flags, onFailure });
  onTestFinished(operations.store.journal.onAppend((entries) => bound.follow(entries)));
  onTestFinished(() => bound.close());
  await bound.load();
  operations.guardWith(
    (stream, touched) => bound.check(stream, touched),
    (config, feature) => bound.binds(config, feature),
  );
  return bound;
}

async function openServices(directory: string, { store }: ConfigOperations, lines: string[]) {
  const onError = (error: unknown): void => void lines.push(String(error));
  const { journal } = store;
  const opened = await openIdentityIn({ directory, journal, head: () => store.head(), publicUrl: null, onError });
  onTestFinished(() => opened.close());
  const settings = { publicUrl: '', oidcIssuer: '', oidcClientId: '', oidcClientSecretFile: '' };
  const log = (line: string): void => void lines.push(line);
  return { opened, identity: identityServices({ identity: opened, settings, addressOf: () => '127.0.0.1', log }) };
}
