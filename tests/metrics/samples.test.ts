/** A day of samples: against a plain list, over a restart, with a clock that jumps, from damaged files. @module */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SampleFile } from '../../src/metrics/sample-file.ts';
import { SAMPLE_INTERVAL_MS, Samples } from '../../src/metrics/samples.ts';
import { sampleOf } from './fixtures.ts';

const T0 = 1_700_000_000_000 - (1_700_000_000_000 % 60_000);

function filled(count: number, samples = new Samples()): Samples {
  for (let i = 0; i < count; i++) samples.add(T0 + i * SAMPLE_INTERVAL_MS, sampleOf({ clients: i }));
  return samples;
}

function tempPath(): string {
  const directory = mkdtempSync(join(tmpdir(), 'c13-samples-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'samples');
}

describe('samples', () => {
  it('are those of the last 24 hours', () => {
    const samples = filled(6000);
    const points = samples.query({ metric: 'clients' });
    expect([samples.length, points.length]).toEqual([5760, 5760]);
    expect([points[0]!.mean, points.at(-1)!.mean]).toEqual([240, 5999]);
    expect(points.at(-1)!.at - points[0]!.at).toBe(24 * 3600_000 - SAMPLE_INTERVAL_MS);
  });

  it('answer as a plain list of them does', () => {
    const command = fc.record({
      elapsed: fc.integer({ min: 1, max: 100_000 }),
      value: fc.oneof(fc.constant(NaN), fc.integer({ min: -999, max: 999 })),
    });
    const query = fc.record({
      since: fc.integer({ min: -10_000, max: 1_000_000 }),
      until: fc.integer({ min: -10_000, max: 1_000_000 }),
      step_ms: fc.constantFrom(15_000, 60_000, 100_001),
    });
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), query, (commands, { since, until, step_ms }) => {
        const samples = new Samples(16);
        let list: { at: number; value: number }[] = [];
        let at = T0;
        for (const { elapsed, value } of commands) {
          at += elapsed;
          samples.add(at, sampleOf({ clients: value }));
          list = [...list, { at, value }].slice(-16);
        }
        const steps = Map.groupBy(
          list.filter((one) => one.at >= T0 + since && one.at < T0 + until && !Number.isNaN(one.value)),
          (one) => Math.floor(one.at / step_ms) * step_ms,
        );
        const wanted = [...steps].map(([start, group]) => {
          const values = group.map(({ value }) => value);
          const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
          return { at: start, mean: expect.closeTo(mean, 6), min: Math.min(...values), max: Math.max(...values) };
        });
        expect(samples.query({ metric: 'clients', since: T0 + since, until: T0 + until, step_ms })).toEqual(wanted);
      }),
      { seed: 13, numRuns: 200 },
    );
  });

  it('from a clock that was put back take the place of what claims to come later', () => {
    const samples = filled(10);
    samples.add(T0 + 4 * SAMPLE_INTERVAL_MS - 1, sampleOf({ clients: 99 }));
    expect(samples.query({ metric: 'clients' }).map(({ mean }) => mean)).toEqual([0, 1, 2, 3, 99]);
    samples.add(T0 + 4 * SAMPLE_INTERVAL_MS - 1, sampleOf({ clients: 98 }));
    expect(samples.query({ metric: 'clients' }).map(({ mean }) => mean)).toEqual([0, 1, 2, 3, 98]);
  });

  it('are of known figures, in steps that hold one', () => {
    expect(() => filled(1).query({ metric: 'client' })).toThrow(/is not sampled/);
    expect(() => filled(1).query({ metric: 'toString' })).toThrow(/is not sampled/);
    for (const step_ms of [0, -1, 14_999, NaN, 25 * 3600_000]) {
      expect(() => filled(1).query({ metric: 'clients', step_ms }), String(step_ms)).toThrow(/step_ms/);
    }
  });
});

describe('the file', () => {
  it('gives them to the next process, and is always whole', async () => {
    const path = tempPath();
    const before = filled(6000);
    const file = new SampleFile(path, before);
    await Promise.all([file.save(), file.save(), file.save()]);
    expect([statSync(path).mode & 0o777, existsSync(`${path}.draft`)]).toEqual([0o600, false]);
    const after = new Samples();
    expect(new SampleFile(path, after).load(Date.now())).toBeNull();
    expect(after.query({ metric: 'clients' })).toEqual(before.query({ metric: 'clients' }));
    expect([...after.since(T0 + 5999 * SAMPLE_INTERVAL_MS)]).toHaveLength(1);
  });

  it('that is not there is no fault; samples from the future are left out', async () => {
    const path = tempPath();
    const samples = new Samples();
    expect(new SampleFile(path, samples).load(0)).toBeNull();
    await new SampleFile(path, filled(10)).save();
    expect(new SampleFile(path, samples).load(T0 + 3 * SAMPLE_INTERVAL_MS)).toBeNull();
    expect(samples.length).toBe(4);
  });

  it('of another version is read by the names of its figures', () => {
    const bytes = filled(3).toBytes();
    const path = tempPath();
    const content = Buffer.from(bytes.subarray(0, bytes.length - 32));
    const renamed = Buffer.from(content.toString('latin1').replace('"clients"', '"klients"'), 'latin1');
    writeFileSync(path, Buffer.concat([renamed, new Bun.CryptoHasher('sha256').update(renamed).digest()]));
    const samples = new Samples();
    expect(new SampleFile(path, samples).load(Infinity)).toBeNull();
    expect(samples.query({ metric: 'clients' })).toEqual([]);
    expect(samples.query({ metric: 'requests_per_s' })).toHaveLength(3);
  });

  it('that is damaged anywhere is refused whole', async () => {
    const path = tempPath();
    await new SampleFile(path, filled(3)).save();
    const whole = readFileSync(path);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, flip, isCut) => {
        const damaged = Buffer.from(whole);
        damaged[at]! ^= flip;
        writeFileSync(path, isCut ? whole.subarray(0, at) : damaged);
        const samples = new Samples();
        expect(new SampleFile(path, samples).load(Infinity)).toMatch(/cannot be read/);
        expect(samples.length).toBe(0);
      }),
      { seed: 13, numRuns: 200 },
    );
  });

  it('stays as it was when the disk does not take the next one', async () => {
    const path = tempPath();
    const samples = filled(3);
    const file = new SampleFile(path, samples);
    await file.save();
    const draft = `${path}.draft`;
    Bun.spawnSync(['mkdir', draft]);
    await expect(file.save()).rejects.toThrow();
    expect(new SampleFile(path, new Samples()).load(Infinity)).toBeNull();
    Bun.spawnSync(['rmdir', draft]);
    await file.save();
  });
});
