/** What two readings come to, and what the timer around them hands on. @module */
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, test, vi } from 'vitest';
import { quantile, readFigures, sampleBetween, startSampling, type ReadingSources } from '../../src/metrics/sampler.ts';
import type { SampleValues } from '../../src/metrics/samples.ts';
import { newFigures } from './fixtures.ts';

function sources() {
  const { figures } = newFigures();
  const world = { clock_ms: 0, head: 10, cpu_ms: 0 };
  const from: ReadingSources = {
    figures,
    journal: async () => ({ head: world.head, size_bytes: world.head * 100 }),
    clock_ms: () => world.clock_ms,
    process: { cpu_ms: () => world.cpu_ms, residentMemory_bytes: () => 5_000_000 },
  };
  return { figures, world, from };
}

test('a sample is what happened between two readings', async () => {
  const { figures, world, from } = sources();
  figures.observe('GET', '/health', 200, 5);
  const before = await readFigures(from, 0);
  for (let i = 0; i < 98; i++) figures.observe('GET', '/health', 200, 0.0009);
  for (let i = 0; i < 2; i++) figures.observe('GET', '/health', 503, 0.2);
  figures.auth.expired.add(5);
  figures.rateLimited.address.add(20);
  figures.flagsEvaluated.add(1000);
  figures.clients.stream.set(3);
  figures.changeRequests.proposed.set(4);
  figures.changeRequests.failed.set(2);
  Object.assign(world, { clock_ms: 10_000, head: 40, cpu_ms: 2500 });
  const sample = sampleBetween(before, await readFigures(from, 12), figures);
  expect(sample).toMatchObject({
    requests_per_s: 10,
    errors_per_s: 0.2,
    journal_head: 40,
    appends_per_s: 3,
    journal_size_bytes: 4000,
    event_loop_lag_ms: 12,
    resident_memory_bytes: 5_000_000,
    cpu_percent: 25,
    clients: 3,
    flags_evaluated_per_s: 100,
    rate_limited_per_s: 2,
    auth_failures_per_s: 0.5,
    change_requests_proposed: 4,
    change_requests_failed: 2,
    append_p99_ms: NaN,
  });
  expect(sample.latency_p50_ms).toBeGreaterThanOrEqual(0.9);
  expect(sample.latency_p50_ms).toBeLessThan(0.9 * 1.25);
  expect(sample.latency_p99_ms).toBeGreaterThanOrEqual(200);
  expect(sample.latency_p99_ms).toBeLessThan(200 * 1.25);
});

test('a quantile is the bound that the exact one lies within', () => {
  const bounds = [1, 2, 5, 10, 100];
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1 }),
      fc.constantFrom(0.5, 0.9, 0.99, 1),
      (values, part) => {
        const counts = new Float64Array(bounds.length + 1);
        for (const value of values) counts[bounds.findIndex((bound) => value <= bound)]!++;
        const exact = values.toSorted((a, b) => a - b)[Math.ceil(part * values.length) - 1]!;
        expect(quantile(bounds, counts, part)).toBe(bounds.find((bound) => exact <= bound));
      },
    ),
    { seed: 13 },
  );
  expect(quantile(bounds, new Float64Array(6), 0.5)).toBeNaN();
});

describe('sampling', () => {
  it('hands on one each 15 seconds, leaves out what cannot be read, and ends', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { world, from } = sources();
    const taken: SampleValues[] = [];
    const failures: unknown[] = [];
    let isBroken = false;
    const journal = async () => (isBroken ? await Promise.reject(new Error('closed')) : await from.journal());
    const stop = startSampling(
      { ...from, journal },
      (values) => taken.push(values),
      (error) => failures.push(error),
    );
    const pass = async (seconds: number) => {
      for (let i = 0; i < seconds * 2; i++) {
        world.clock_ms += 500;
        await vi.advanceTimersByTimeAsync(500);
      }
    };
    await pass(31);
    expect([taken.length, failures.length]).toEqual([2, 0]);
    isBroken = true;
    await pass(15);
    expect([taken.length, failures.length]).toEqual([2, 1]);
    isBroken = false;
    world.clock_ms += 700;
    await pass(15);
    expect(taken).toHaveLength(3);
    expect(taken[2]!.event_loop_lag_ms).toBe(700);
    await stop();
    await pass(60);
    expect(taken).toHaveLength(3);
  });
});
