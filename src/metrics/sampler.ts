/**
 * From what is counted since the start to what happened lately: two readings make one sample. The arithmetic is pure;
 * `startSampling` puts a timer around it.
 * @module
 */
import type { Figures } from './figures.ts';
import { SAMPLE_INTERVAL_MS, type SampleValues } from './samples.ts';
import type { Timing } from './series.ts';

/** What the counters say at one moment. */
export interface Reading {
  /** Milliseconds, never going back. */
  readonly clock_ms: number;
  readonly requests: number;
  readonly errors: number;
  readonly latencies: Float64Array;
  readonly appends: Float64Array;
  readonly appendFailures: number;
  readonly flagsEvaluated: number;
  readonly rateLimited: number;
  readonly authFailures: number;
  readonly upstreamErrors: number;
  readonly clients: number;
  readonly changesProposed: number;
  readonly changesFailed: number;
  readonly cpu_ms: number;
  readonly residentMemory_bytes: number;
  readonly eventLoopLag_ms: number;
  readonly journal: JournalFigures;
}

export interface JournalFigures {
  readonly head: number;
  readonly size_bytes: number;
}

/** What a reading takes from outside the figures. */
export interface ReadingSources {
  readonly figures: Figures;
  readonly journal: () => Promise<JournalFigures>;
  readonly clock_ms: () => number;
  readonly process: { cpu_ms(): number; residentMemory_bytes(): number };
}

export async function readFigures(
  { figures, journal, clock_ms, process }: ReadingSources,
  eventLoopLag_ms: number,
): Promise<Reading> {
  const head = await journal();
  const { rateLimited, auth, clients, changeRequests } = figures;
  return {
    clock_ms: clock_ms(),
    requests: figures.requests.value,
    errors: figures.requestErrors.value,
    latencies: figures.requestDurations.counts.slice(),
    appends: figures.journal.appends.counts.slice(),
    appendFailures: figures.journal.failures.value,
    flagsEvaluated: figures.flagsEvaluated.value,
    rateLimited: rateLimited.token.value + rateLimited.address.value + rateLimited.connections.value,
    authFailures: auth.refused.value + auth.expired.value + auth.revoked.value,
    upstreamErrors: figures.upstream.requests.error.value,
    clients: clients.http.value + clients.websocket.value + clients.stream.value,
    changesProposed: changeRequests.proposed.value,
    changesFailed: changeRequests.failed.value,
    cpu_ms: process.cpu_ms(),
    residentMemory_bytes: process.residentMemory_bytes(),
    eventLoopLag_ms,
    journal: head,
  };
}

/** What happened between two readings; `figures` says what the counts of durations mean. */
export function sampleBetween(before: Reading, after: Reading, figures: Figures): SampleValues {
  const elapsed_s = (after.clock_ms - before.clock_ms) / 1000;
  const perSecond = (read: (reading: Reading) => number): number => (read(after) - read(before)) / elapsed_s;
  const latencies = difference(after.latencies, before.latencies);
  const appends = difference(after.appends, before.appends);
  const milliseconds = (timing: Timing, counts: Float64Array, part: number): number =>
    quantile(timing.bounds_s, counts, part) * 1000;
  return {
    requests_per_s: perSecond(({ requests }) => requests),
    errors_per_s: perSecond(({ errors }) => errors),
    latency_p50_ms: milliseconds(figures.requestDurations, latencies, 0.5),
    latency_p99_ms: milliseconds(figures.requestDurations, latencies, 0.99),
    journal_head: after.journal.head,
    appends_per_s: perSecond(({ journal }) => journal.head),
    append_p99_ms: milliseconds(figures.journal.appends, appends, 0.99),
    append_failures_per_s: perSecond(({ appendFailures }) => appendFailures),
    journal_size_bytes: after.journal.size_bytes,
    event_loop_lag_ms: after.eventLoopLag_ms,
    resident_memory_bytes: after.residentMemory_bytes,
    cpu_percent: perSecond(({ cpu_ms }) => cpu_ms) / 10,
    clients: after.clients,
    flags_evaluated_per_s: perSecond(({ flagsEvaluated }) => flagsEvaluated),
    rate_limited_per_s: perSecond(({ rateLimited }) => rateLimited),
    auth_failures_per_s: perSecond(({ authFailures }) => authFailures),
    upstream_errors_per_s: perSecond(({ upstreamErrors }) => upstreamErrors),
    change_requests_proposed: after.changesProposed,
    change_requests_failed: after.changesFailed,
  };
}

/** The bound that `part` of the durations lie within; NaN without any, the highest bound for what lies beyond it. */
export function quantile(bounds: readonly number[], counts: Float64Array, part: number): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return NaN;
  let seen = 0;
  for (const [i, bound] of bounds.entries()) {
    seen += counts[i]!;
    if (seen >= part * total) return bound;
  }
  return bounds.at(-1)!;
}

function difference(after: Float64Array, before: Float64Array): Float64Array {
  return after.map((count, i) => count - before[i]!);
}

const LAG_PROBE_MS = 500;

/**
 * Hands a sample to `take` each 15 seconds until the returned function is called, which waits for the one under way.
 * `failed` hears of a reading that could not be made; its sample is left out.
 */
export function startSampling(
  sources: ReadingSources,
  take: (values: SampleValues) => void,
  failed: (error: unknown) => void,
): () => Promise<void> {
  let before: Reading | null = null;
  let underWay = Promise.resolve();
  let lag_ms = 0;
  let expected_ms = sources.clock_ms() + LAG_PROBE_MS;
  const probe = setInterval(() => {
    const now_ms = sources.clock_ms();
    lag_ms = Math.max(lag_ms, now_ms - expected_ms);
    expected_ms = now_ms + LAG_PROBE_MS;
  }, LAG_PROBE_MS);
  const sample = async (): Promise<void> => {
    try {
      const after = await readFigures(sources, lag_ms);
      lag_ms = 0;
      if (before !== null) take(sampleBetween(before, after, sources.figures));
      before = after;
    } catch (error) {
      failed(error);
    }
  };
  const next = (): void => void (underWay = underWay.then(sample));
  const timer = setInterval(next, SAMPLE_INTERVAL_MS);
  for (const one of [probe, timer]) one.unref();
  next();
  return async () => {
    for (const one of [probe, timer]) clearInterval(one);
    await underWay;
  };
}
