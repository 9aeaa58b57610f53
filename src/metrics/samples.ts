/**
 * The last day in headline figures: one sample each 15 seconds, in memory whose size is fixed. Knows no timer and no
 * file: it is handed samples with their time, and gives out bytes that it can be made from again.
 * @module
 */
import { createHash } from 'node:crypto';
import { ConfigError } from '../errors/errors.ts';
import { nearest } from '../errors/nearest.ts';

/** What is sampled, in this order. New ones go to the end; the order in a file is told by its names. */
export const SAMPLED = {
  requests_per_s: 'Requests answered each second',
  errors_per_s: 'Answers of status 500 and above each second',
  latency_p50_ms: 'Half of the requests were answered within',
  latency_p99_ms: '99 of 100 requests were answered within',
  journal_head: 'Entries in the journal',
  appends_per_s: 'Entries appended each second',
  append_p99_ms: '99 of 100 appends were on disk within',
  append_failures_per_s: 'Appends that failed each second',
  journal_size_bytes: 'Size of the database file',
  event_loop_lag_ms: 'The longest that the event loop kept a timer waiting',
  resident_memory_bytes: 'Memory that is in RAM',
  cpu_percent: 'Processor time used, of one core',
  clients: 'Requests under way and open streams',
  flags_evaluated_per_s: 'Flags evaluated each second',
  rate_limited_per_s: 'Requests refused by a limit each second',
  auth_failures_per_s: 'Refused, expired and revoked credentials each second',
  upstream_errors_per_s: 'Requests to other servers that failed each second',
  change_requests_proposed: 'Change requests that wait for an approval',
  change_requests_failed: 'Change requests that have failed within a day',
} as const;

export type SampledMetric = keyof typeof SAMPLED;
/** NaN where there was nothing to measure. */
export type SampleValues = Readonly<Record<SampledMetric, number>>;

export const SAMPLED_METRICS = Object.keys(SAMPLED) as readonly SampledMetric[];
export const SAMPLE_INTERVAL_MS = 15_000;
/** 24 hours. */
const CAPACITY = (24 * 3600 * 1000) / SAMPLE_INTERVAL_MS;
const DIGEST_BYTES = 32;
const FORMAT = 'c13-samples';
const VERSION = 1;

/** What the samples of one step come to. */
export interface TrendPoint {
  /** Start of the step, milliseconds since 1970. */
  readonly at: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
}

export interface TrendQuery {
  readonly metric: string;
  /** Milliseconds since 1970, this one too. Default: the oldest sample. */
  readonly since?: number | undefined;
  /** Before this one. Default: after the newest sample. */
  readonly until?: number | undefined;
  /** Milliseconds, at least those between two samples. Default: each sample is a point of its own. */
  readonly step_ms?: number | undefined;
}

export class Samples {
  readonly #capacity: number;
  readonly #times: Float64Array;
  readonly #columns: Readonly<Record<SampledMetric, Float32Array>>;
  #first = 0;
  #length = 0;

  constructor(capacity = CAPACITY) {
    this.#capacity = capacity;
    this.#times = new Float64Array(capacity);
    this.#columns = Object.fromEntries(SAMPLED_METRICS.map((metric) => [metric, new Float32Array(capacity)])) as Record<
      SampledMetric,
      Float32Array
    >;
  }

  get length(): number {
    return this.#length;
  }

  /** Takes the place of the oldest when full. Samples that are not before it came from a clock that was put back. */
  add(at: number, values: SampleValues): void {
    while (this.#length > 0 && this.#times[this.#indexOf(this.#length - 1)]! >= at) this.#length--;
    if (this.#length === this.#capacity) this.#first = (this.#first + 1) % this.#capacity;
    else this.#length++;
    const index = this.#indexOf(this.#length - 1);
    this.#times[index] = at;
    for (const metric of SAMPLED_METRICS) this.#columns[metric][index] = values[metric];
  }

  /** Every sample with its time, oldest first. */
  *since(at: number): Generator<{ readonly at: number; readonly values: SampleValues }> {
    for (let i = this.#searchFrom(at); i < this.#length; i++) {
      const index = this.#indexOf(i);
      const values = Object.fromEntries(SAMPLED_METRICS.map((metric) => [metric, this.#columns[metric][index]!]));
      yield { at: this.#times[index]!, values: values as SampleValues };
    }
  }

  /**
   * One figure over time, oldest first; steps without a value are left out. Throws ERR_BAD_REQUEST for a metric that is
   * not sampled, ERR_OUT_OF_RANGE for a step that is shorter than samples lie apart.
   */
  query({ metric, since = -Infinity, until = Infinity, step_ms }: TrendQuery): TrendPoint[] {
    const column = this.#columns[parseSampledMetric(metric)];
    if (step_ms !== undefined) checkStep(step_ms);
    const points: (TrendPoint & { count: number })[] = [];
    for (let i = this.#searchFrom(since); i < this.#length; i++) {
      const index = this.#indexOf(i);
      if (this.#times[index]! >= until) break;
      const value = column[index]!;
      if (Number.isNaN(value)) continue;
      const at = startOfStep(this.#times[index]!, step_ms);
      const last = points.at(-1);
      if (last?.at === at) points[points.length - 1] = joined(last, value);
      else points.push({ at, mean: value, min: value, max: value, count: 1 });
    }
    return points.map(({ at, mean, min, max }) => ({ at, mean, min, max }));
  }

  /** Everything, for a file: a line of JSON, the times, the columns, and a SHA-256 of all that. */
  toBytes(): Uint8Array {
    const header = { format: FORMAT, version: VERSION, metrics: SAMPLED_METRICS, length: this.#length };
    const order = Array.from({ length: this.#length }, (_, i) => this.#indexOf(i));
    const times = Float64Array.from(order, (index) => this.#times[index]!);
    const columns = SAMPLED_METRICS.map((metric) => Float32Array.from(order, (index) => this.#columns[metric][index]!));
    const parts = [times, ...columns].map(({ buffer }) => Buffer.from(buffer));
    const content = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), ...parts]);
    return Buffer.concat([content, createHash('sha256').update(content).digest()]);
  }

  /** Adds what `toBytes` gave out, up to `now`; metrics that are sampled no more stay out. Throws when it is none. */
  addBytes(bytes: Uint8Array, now: number): void {
    const { metrics, length, body } = parseFile(bytes);
    const times = new Float64Array(body.slice(0, length * 8));
    const columns = metrics.map((_, i) => new Float32Array(body.slice(length * (8 + i * 4), length * (12 + i * 4))));
    for (let i = 0; i < length; i++) {
      if (times[i]! > now) return;
      const values = Object.fromEntries(
        SAMPLED_METRICS.map((metric) => [metric, columns[metrics.indexOf(metric)]?.[i] ?? NaN]),
      );
      this.add(times[i]!, values as SampleValues);
    }
  }

  #indexOf(position: number): number {
    return (this.#first + position) % this.#capacity;
  }

  /** The position of the first sample that is not before `at`. */
  #searchFrom(at: number): number {
    let [low, high] = [0, this.#length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#times[this.#indexOf(middle)]! < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Throws ERR_BAD_REQUEST. */
export function parseSampledMetric(metric: string): SampledMetric {
  if (Object.hasOwn(SAMPLED, metric)) return metric as SampledMetric;
  const meant = nearest(metric, SAMPLED_METRICS);
  throw new ConfigError('ERR_BAD_REQUEST', {
    message: `${JSON.stringify(metric.slice(0, 80))} is not sampled`,
    hint: meant === null ? `Use one of ${SAMPLED_METRICS.join(', ')}.` : `Did you mean ${meant}?`,
    details: { parameter: 'metric' },
  });
}

function startOfStep(at: number, step_ms: number | undefined): number {
  return step_ms === undefined ? at : Math.floor(at / step_ms) * step_ms;
}

function checkStep(step_ms: number): void {
  const max = CAPACITY * SAMPLE_INTERVAL_MS;
  if (step_ms >= SAMPLE_INTERVAL_MS && step_ms <= max) return;
  throw new ConfigError('ERR_OUT_OF_RANGE', {
    message: `Invalid step_ms: ${step_ms} (must be ${SAMPLE_INTERVAL_MS}-${max})`,
    hint: 'Leave it out for every sample.',
    details: { field: 'step_ms', value: step_ms, min: SAMPLE_INTERVAL_MS, max },
  });
}

function joined(point: TrendPoint & { count: number }, value: number): TrendPoint & { count: number } {
  const count = point.count + 1;
  return {
    at: point.at,
    mean: point.mean + (value - point.mean) / count,
    min: Math.min(point.min, value),
    max: Math.max(point.max, value),
    count,
  };
}

function parseFile(bytes: Uint8Array): { metrics: readonly string[]; length: number; body: ArrayBuffer } {
  const content = bytes.subarray(0, Math.max(0, bytes.length - DIGEST_BYTES));
  const digest = createHash('sha256').update(content).digest();
  if (!digest.equals(bytes.subarray(content.length))) throw new Error('its checksum is another one');
  const end = content.indexOf(10);
  // The digest is no secret: what it covers may still be anything.
  const { format, version, metrics, length } = JSON.parse(new TextDecoder().decode(content.subarray(0, end)));
  // A copy, so that its numbers are aligned.
  const body = new Uint8Array(content.subarray(end + 1)).buffer;
  if (format !== FORMAT || version !== VERSION) throw new Error(`its format is ${format} ${version}`);
  if (!Array.isArray(metrics) || !(length >= 0)) throw new Error('it does not say what it holds');
  if (body.byteLength !== length * (8 + metrics.length * 4)) throw new Error(`it holds ${body.byteLength} bytes`);
  return { metrics, length, body };
}
