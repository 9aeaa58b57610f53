/** Samples, alerts and webhooks together: what is told, and what a restart keeps. @module */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AlertRule } from '../../src/metrics/alerts.ts';
import { Observability } from '../../src/metrics/observability.ts';
import { SAMPLE_INTERVAL_MS } from '../../src/metrics/samples.ts';
import { newWebhookSecret } from '../../src/metrics/webhook-signature.ts';
import { newFigures, sampleOf } from './fixtures.ts';

const RULE: AlertRule = {
  name: 'slow',
  metric: 'clients',
  comparison: 'above',
  value: 10,
  for_s: 15,
  severity: 'high',
};

function open(path: string, clock: { now: number }) {
  const { figures, text } = newFigures();
  const warnings: string[] = [];
  const all = new Observability({
    figures,
    journal: async () => ({ head: 1, size_bytes: 1 }),
    path,
    now: () => clock.now,
    warn: (warning) => warnings.push(warning),
  });
  onTestFinished(() => all.stop());
  const take = (...values: number[]) => {
    for (const clients of values) all.take((clock.now += SAMPLE_INTERVAL_MS), sampleOf({ clients }));
  };
  return { all, take, text, warnings };
}

function place(): { path: string; clock: { now: number } } {
  const directory = mkdtempSync(join(tmpdir(), 'c13-seeing-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return { path: join(directory, 'samples'), clock: { now: 1_700_000_000_000 } };
}

/** A webhook that keeps what it is told. */
function receiver() {
  const events: any[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      events.push(await request.json());
      return new Response();
    },
  });
  onTestFinished(() => server.stop(true));
  const target = { name: 'ops', url: `http://127.0.0.1:${server.port}/`, secret: newWebhookSecret(), events: [] };
  return { target, events, told: async (count: number) => await expect.poll(() => events.length).toBe(count) };
}

describe('an alert', () => {
  it('is counted and told when it fires and when it is over', async () => {
    const { path, clock } = place();
    const { target, events, told } = receiver();
    const { all, take, text } = open(path, clock);
    all.start([RULE], [target]);
    take(5, 11);
    expect(all.alerts()).toMatchObject([{ state: 'pending', value: 11 }]);
    expect(await text()).toContain('c13_alerts_firing{severity="high"} 0\n');
    take(12);
    expect(await text()).toContain('c13_alerts_firing{severity="high"} 1\n');
    take(13, 3);
    expect([all.alerts(), await text()]).toEqual([
      [],
      expect.stringContaining('c13_alerts_firing{severity="high"} 0\n'),
    ]);
    await told(2);
    expect(events).toMatchObject([
      { type: 'alert.firing', data: { rule: RULE, value: 12 } },
      { type: 'alert.resolved', data: { rule: RULE, value: 3 } },
    ]);
    expect(all.samples.query({ metric: 'clients' }).map(({ mean }) => mean)).toEqual([5, 11, 12, 13, 3]);
  });

  it('that fires over a restart is told once, and its end too', async () => {
    const { path, clock } = place();
    const { target, events, told } = receiver();
    const before = open(path, clock);
    before.all.start([RULE], [target]);
    before.take(11, 12);
    await told(1);
    await before.all.stop();
    clock.now += 3600_000;
    const after = open(path, clock);
    after.all.start([RULE], [target]);
    expect(after.all.alerts()).toMatchObject([{ state: 'firing' }]);
    expect(await after.text()).toContain('c13_alerts_firing{severity="high"} 1\n');
    after.take(13, 5);
    await told(2);
    expect(events.map(({ type }) => type)).toEqual(['alert.firing', 'alert.resolved']);
    expect(after.all.samples.length).toBe(4);
  });
});

describe('samples that cannot be', () => {
  it('read are reported; the registry starts without them', async () => {
    const { path, clock } = place();
    writeFileSync(path, 'no samples');
    const { all, take, warnings } = open(path, clock);
    all.start([], []);
    expect(warnings).toEqual([expect.stringContaining('cannot be read')]);
    take(1);
    await all.stop();
    expect(warnings).toHaveLength(1);
  });

  it('saved are reported; the registry stops all the same', async () => {
    const { path, clock } = place();
    const { all, warnings } = open(join(path, 'not-there'), clock);
    all.start([], []);
    await all.stop();
    expect(warnings).toEqual([expect.stringContaining('cannot be saved')]);
  });
});
