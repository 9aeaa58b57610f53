/** The registry's app over a real database, without a port: a request in, an answer out. @module */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { owner } from '../../src/auth/rights.ts';
import { BUILTIN_FEATURES, type BuiltinFeature } from '../../src/config/features.ts';
import { createApp } from '../../src/registry/app.ts';
import type { RegistryApp } from '../../src/registry/context.ts';
import { bootstrap } from '../../src/registry/bootstrap.ts';
import type { Admission } from '../../src/registry/loopback.ts';
import { RegistryMetrics } from '../../src/registry/metrics.ts';
import type { ConfigOperations } from '../../src/live/operations.ts';
import { contentOf, JSON_TYPE, tempDirectory, type Answer, type Call } from './fixtures.ts';

export interface TestApp {
  readonly app: RegistryApp;
  readonly operations: ConfigOperations;
  readonly lines: string[];
  readonly own: { flags: Record<BuiltinFeature, boolean> };
  readonly call: Call;
  readonly send: (method: string, path: string, init: RequestInit) => Promise<Answer>;
}

export async function openApp(admission: Admission = async () => {}): Promise<TestApp> {
  const { operations } = await bootstrap(join(tempDirectory(), 'data'));
  onTestFinished(() => operations.store.close());
  const lines: string[] = [];
  const off = Object.fromEntries(BUILTIN_FEATURES.names.map((name) => [name, false])) as Record<
    BuiltinFeature,
    boolean
  >;
  const own = { flags: { ...off, logging: true, metrics: true } };
  const app = createApp({
    operations,
    identify: async (request, peer) => {
      await admission(request, peer);
      return owner('ann@loopback');
    },
    status: { version: '1.2.3', pid: 7, started: 1000, now: () => 1500 },
    metrics: new RegistryMetrics('1.2.3', 1000),
    own,
    log: (line) => lines.push(line),
  });
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
  return { app, operations, lines, own, call, send };
}
