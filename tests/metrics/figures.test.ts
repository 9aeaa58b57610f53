/** What is counted is what Prometheus reads, whoever asks and whatever the labels. @module */
import fc from 'fast-check';
import { Counter, Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { Family, Families, Tally } from '../../src/metrics/series.ts';
import { newFigures } from './fixtures.ts';

const BOUNDS = [0.001, 0.01, 0.1, 1];

describe('requests', () => {
  it('are counted by method, route and status, and timed', async () => {
    const { figures, text } = newFigures();
    figures.observe('GET', '/api/v1/configs/:name', 200, 0.0004);
    figures.observe('GET', '/api/v1/configs/:name', 200, 0.02);
    figures.observe('GET', '/api/v1/configs/:name', 500, 9);
    figures.observe('PUT', '/api/v1/configs/:name', 503, 0.001, true);
    const out = await text();
    const labels = 'method="GET",route="/api/v1/configs/:name"';
    expect(out).toContain(`c13_http_requests_total{${labels},status="200"} 2\n`);
    expect(out).toContain(`c13_http_requests_total{${labels},status="500"} 1\n`);
    expect(out).toContain(`c13_http_request_duration_seconds_bucket{${labels},le="0.0005"} 1\n`);
    expect(out).toContain(`c13_http_request_duration_seconds_bucket{${labels},le="0.025"} 2\n`);
    expect(out).toContain(`c13_http_request_duration_seconds_bucket{${labels},le="+Inf"} 3\n`);
    expect(out).toContain(`c13_http_request_duration_seconds_count{${labels}} 3\n`);
    expect(out).toContain('method="PUT",route="/api/v1/configs/:name",status="503"} 1\n');
    expect([figures.requests.value, figures.requestErrors.value]).toEqual([4, 1]);
  });

  it('for what is no route, or by what is no method, share a series', async () => {
    const { figures, text } = newFigures();
    for (let i = 0; i < 5; i++) figures.observe(`SCAN${i}`, '/*', 404, 0.001);
    for (let i = 0; i < 5; i++) figures.observe(`SCAN${i}`, '/health', 405, 0.001);
    const out = await text();
    expect(out).toContain('c13_http_requests_total{method="any",route="none",status="404"} 5\n');
    expect(out).toContain('c13_http_requests_total{method="other",route="/health",status="405"} 5\n');
    expect(out).not.toContain('SCAN');
  });
});

describe('series', () => {
  it('read as those of the client library do', async () => {
    const durations = fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { maxLength: 50 });
    const labels = fc.constantFrom('a', 'b "quoted"', 'c\\d', 'e\nf');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(labels, durations), { maxLength: 5 }), async (observed) => {
        const [ours, theirs] = [new Registry(), new Registry()];
        const timings = new Families(ours).timings('t', 'How long.', ['by'], BOUNDS);
        const tallies = new Families(ours).tallies('n', 'How many.', ['by']);
        const histogram = new Histogram({
          name: 't',
          help: 'How long.',
          labelNames: ['by'],
          buckets: BOUNDS,
          registers: [theirs],
        });
        const counter = new Counter({ name: 'n', help: 'How many.', labelNames: ['by'], registers: [theirs] });
        for (const [by, list] of observed) {
          for (const duration of list) {
            timings.of(by).observe(duration);
            histogram.observe({ by }, duration);
          }
          tallies.of(by).add(list.length);
          counter.inc({ by }, list.length);
        }
        const lines = async (registry: Registry) =>
          (await registry.metrics())
            .split('\n')
            .filter((line) => line !== '')
            .toSorted();
        const used = (line: string) => !line.startsWith('t') || observed.some(([, list]) => list.length > 0);
        const [mine, other] = [await lines(ours), await lines(theirs)];
        // Labels of a bucket come in another order; they are a set.
        const normal = (line: string) => line.replace(/\{le="([^"]*)",(.*)\}/, '{$2,le="$1"}');
        expect(mine.filter(used).map(normal).toSorted()).toEqual(other.filter(used).map(normal).toSorted());
      }),
      { seed: 13, numRuns: 50 },
    );
  });

  it('are bounded: what comes from outside cannot make more and more of them', async () => {
    const family = new Family('counter', 'n', 'How many.', ['by'], () => new Tally());
    for (let i = 0; i < 5000; i++) family.of(`value ${i}`).add();
    family.of('value 3').add();
    const { values } = await family.get();
    expect(values.length).toBeLessThanOrEqual(2001);
    expect(values.find(({ labels }) => labels['by'] === 'other')?.value).toBe(3000);
    expect(values.find(({ labels }) => labels['by'] === 'value 3')?.value).toBe(2);
  });

  it('of everything else are there from the start, at 0', async () => {
    const { figures, text } = newFigures();
    figures.upstream.dns.hit.add(3);
    figures.clients.websocket.add(2);
    figures.clients.websocket.add(-1);
    figures.alertsFiring.high.set(1);
    figures.journal.appends.observe(0.002);
    const out = await text();
    for (const line of [
      'c13_journal_append_duration_seconds_count 1',
      'c13_journal_append_failures_total 0',
      'c13_clients{kind="websocket"} 1',
      'c13_flags_evaluated_total 0',
      'c13_upstream_requests_total{outcome="error"} 0',
      'c13_upstream_dns_total{result="hit"} 3',
      'c13_rate_limited_total{by="address"} 0',
      'c13_auth_total{outcome="revoked"} 0',
      'c13_alerts_firing{severity="high"} 1',
      'c13_webhook_attempts_total{outcome="delivered"} 0',
    ]) {
      expect(out).toContain(`${line}\n`);
    }
  });
});
