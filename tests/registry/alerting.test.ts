/** Alert rules, webhooks and trends as an operator uses them: a running registry, and a server that is told. @module */
import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createProductionConfig } from '../../src/live/production-config.ts';
import { startProgram, type RunningProgram } from './fixtures.ts';

interface Told {
  readonly type: string;
  readonly data: any;
  readonly headers: Headers;
  readonly text: string;
}

/** Keeps what it is told, in order. */
function receiver() {
  const told: Told[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      const text = await request.text();
      told.push({ ...JSON.parse(text), headers: request.headers, text });
      return new Response(null, { status: 204 });
    },
  });
  onTestFinished(() => server.stop(true));
  const types = async (...expected: string[]) =>
    await expect.poll(() => told.map(({ type }) => type), { timeout: 10_000 }).toEqual(expected);
  return { url: `http://127.0.0.1:${server.port}/hook`, told, types };
}

/** As Standard Webhooks has it, worked out anew. */
function isSigned({ headers, text }: Told, secret: string): boolean {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const signed = `${headers.get('webhook-id')}.${headers.get('webhook-timestamp')}.${text}`;
  return headers.get('webhook-signature') === `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
}

/** As the header writes flags. */
function hex(flags: number): string {
  return `0x${flags.toString(16).padStart(8, '0')}`;
}

async function stop({ child }: RunningProgram): Promise<void> {
  child.kill('SIGTERM');
  await child.exited;
}

describe('a webhook', () => {
  it('hears of changes by anybody on this host, once each, signed, also after a restart', async () => {
    const { url, told, types } = receiver();
    const first = await startProgram();
    const made = await first.call('PUT', '/api/v1/webhooks/ops', { url, events: ['config.changed'] });
    expect([made.status, made.body]).toEqual([201, expect.objectContaining({ name: 'ops', url, revision: 1 })]);
    const { secret } = made.body;
    const body = { name: 'checkout', features: { debug: true }, reason: 'to see' };
    expect((await first.call('POST', '/api/v1/configs', body)).status).toBe(201);
    await types('config.changed');
    expect(told[0]).toMatchObject({ data: { name: 'checkout', revision: 1, kind: 'create', reason: 'to see' } });
    const elsewhere = createProductionConfig({ persistPath: join(first.data, 'journal.db'), name: 'checkout' });
    elsewhere.enableFeature('metrics');
    await elsewhere.close();
    await types('config.changed', 'config.changed');
    await stop(first);
    const second = await startProgram(first.data);
    await second.call('PATCH', '/api/v1/configs/checkout', { rows: 50 });
    await types('config.changed', 'config.changed', 'config.changed');
    expect(told.map((each) => isSigned(each, secret))).toEqual([true, true, true]);
    // What became of a delivery is known when its answer is there.
    await expect
      .poll(async () => (await second.call('GET', '/api/v1/webhooks/ops/deliveries')).body.deliveries)
      .toMatchObject([{ type: 'config.changed', outcome: 'delivered', status: 204, attempt: 1 }]);
  });

  it('shows its secret once: no answer, no entry and no file but the keyring has it', async () => {
    const { url, told, types } = receiver();
    const registry = await startProgram();
    const { secret } = (await registry.call('PUT', '/api/v1/webhooks/ops', { url })).body;
    const again = await registry.call('PUT', '/api/v1/webhooks/ops', { url, events: ['alert.firing'] });
    expect([again.status, again.body.secret]).toEqual([200, undefined]);
    const answers = await Promise.all(
      ['webhooks', 'webhooks/ops', 'audit', 'webhooks/ops/deliveries'].map((path) =>
        registry.call('GET', `/api/v1/${path}`),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(JSON.stringify(answers.map(({ body }) => body))).not.toContain(secret);
    const renewed = (await registry.call('POST', '/api/v1/webhooks/ops/secret')).body.secret;
    expect(renewed).not.toBe(secret);
    expect((await registry.call('POST', '/api/v1/webhooks/ops/test')).status).toBe(202);
    await types('test');
    expect([isSigned(told[0]!, secret), isSigned(told[0]!, renewed)]).toEqual([false, true]);
    await stop(registry);
    const files = readdirSync(registry.data, { withFileTypes: true }).filter((file) => file.isFile());
    const holders = files.filter(({ name }) => readFileSync(join(registry.data, name)).includes(renewed));
    expect(holders.map(({ name }) => name)).toEqual(['keyring.db']);
    expect(files.filter(({ name }) => readFileSync(join(registry.data, name)).includes(secret))).toEqual([]);
  });

  it('hears nothing any more once it is deleted, and is refused where it makes no sense', async () => {
    const { url, told } = receiver();
    const { call } = await startProgram();
    await call('PUT', '/api/v1/webhooks/ops', { url });
    const stale = await call('DELETE', '/api/v1/webhooks/ops', undefined, { 'if-match': '"7"' });
    expect([stale.status, stale.body.current]).toEqual([412, expect.objectContaining({ key: 'ops', revision: 1 })]);
    expect((await call('DELETE', '/api/v1/webhooks/ops')).status).toBe(204);
    await call('PATCH', '/api/v1/configs/checkout', { rows: 50 });
    expect((await call('POST', '/api/v1/webhooks/ops/test')).status).toBe(404);
    expect((await call('DELETE', '/api/v1/webhooks/ops')).status).toBe(404);
    expect(told).toEqual([]);
    const refused = [
      { url: 'ftp://files' },
      { url: 'http://ann:secret@127.0.0.1/' },
      { url, events: ['package.renamed'] },
      { url, secret: 'whsec_mine' },
      {},
    ];
    for (const body of refused) {
      expect((await call('PUT', '/api/v1/webhooks/bad', body)).status, JSON.stringify(body)).toBe(400);
    }
    expect((await call('PUT', '/api/v1/webhooks/Bad Name', { url })).status).toBe(400);
  });

  it('carries the config of the registry to registries of ours, and to nobody else; both are counted', async () => {
    const [ours, stranger] = [receiver(), receiver()];
    const { call } = await startProgram(undefined, [], { C13_PEERS: new URL(ours.url).origin });
    for (const [name, { url }] of [['ours', ours] as const, ['stranger', stranger] as const]) {
      await call('PUT', `/api/v1/webhooks/${name}`, { url });
      await call('POST', `/api/v1/webhooks/${name}/test`);
    }
    await ours.types('test');
    await stranger.types('test');
    const { body: config } = await call('GET', '/api/v1/configs/registry');
    expect(ours.told[0]!.headers.get('x-bun-feature-flags')).toBe(hex(config.featureFlags));
    expect([...stranger.told[0]!.headers.keys()].filter((name) => name.startsWith('x-bun-'))).toEqual([]);
    const counted = async () => (await call('GET', '/metrics')).body;
    await expect.poll(counted).toMatch(/^c13_upstream_requests_total\{outcome="ok"\} 2$/m);
  });
});

describe('an alert rule', () => {
  it('is made, changed under a condition, listed and deleted', async () => {
    const { call } = await startProgram();
    const rule = { metric: 'latency_p99_ms', comparison: 'above', value: 50, for_s: 300, severity: 'high' };
    const made = await call('PUT', '/api/v1/alert-rules/slow', rule, { 'if-none-match': '*' });
    expect([made.status, made.headers.get('etag')]).toEqual([200, '"1"']);
    expect(made.body).toMatchObject({ name: 'slow', revision: 1, ...rule });
    expect((await call('PUT', '/api/v1/alert-rules/slow', rule, { 'if-none-match': '*' })).status).toBe(412);
    const changed = await call('PUT', '/api/v1/alert-rules/slow', { ...rule, value: 80 }, { 'if-match': '"1"' });
    expect(changed.body).toMatchObject({ revision: 2, value: 80 });
    expect((await call('GET', '/api/v1/alert-rules')).body.rules).toEqual([changed.body]);
    await call('PUT', '/api/v1/alert-rules/slower', { ...rule, value: 500 });
    const first = (await call('GET', '/api/v1/alert-rules?limit=1')).body;
    const { rules, cursor } = (await call('GET', `/api/v1/alert-rules?limit=1&cursor=${first.cursor}`)).body;
    expect([first.rules[0].name, first.cursor, rules[0].name, cursor]).toEqual(['slow', 'slow', 'slower', null]);
    for (const wrong of [{ metric: 'nothing' }, { severity: 'dreadful' }, { for_s: -1 }, { value: 'much' }, { x: 1 }]) {
      const { status, body } = await call('PUT', '/api/v1/alert-rules/bad', { ...rule, ...wrong });
      expect([status, typeof body.code], JSON.stringify(wrong)).toEqual([400, 'string']);
    }
    expect((await call('DELETE', '/api/v1/alert-rules/slow')).status).toBe(204);
    expect((await call('GET', '/api/v1/alert-rules/slow')).status).toBe(404);
    expect((await call('GET', '/api/v1/alerts')).body).toEqual({ alerts: [] });
  });
});

describe('trends', () => {
  it('answer what is sampled, and nothing else', async () => {
    const { call } = await startProgram();
    expect((await call('GET', '/api/v1/samples?metric=requests_per_s')).body).toEqual({
      metric: 'requests_per_s',
      points: [],
    });
    expect((await call('GET', '/api/v1/samples?metric=nothing')).status).toBe(400);
    expect((await call('GET', '/api/v1/samples?metric=clients&step_ms=1')).status).toBe(400);
  });
});
