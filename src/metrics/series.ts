/**
 * Figures that are counted on the hot path. A series is found once and then added to, without labels to look up; the
 * client library for Prometheus reads them when it is asked. Must not allocate when something is counted.
 * @module
 */
import type { Registry } from 'prom-client';

type Kind = 'counter' | 'gauge' | 'histogram';
type Labels = Readonly<Record<string, string | number>>;

interface Value {
  readonly metricName: string;
  readonly labels: Labels;
  readonly value: number;
}

/** What can be read of one series. */
interface Series {
  values(name: string, labels: Labels): Value[];
}

/** Beyond so many, what would be a series of its own is counted with all the others: labels may come from outside. */
const SERIES_MAX = 2000;
const OTHER = 'other';

/** A number that only grows. */
export class Tally implements Series {
  value = 0;

  add(count = 1): void {
    this.value += count;
  }

  values(metricName: string, labels: Labels): Value[] {
    return [{ metricName, labels, value: this.value }];
  }
}

/** A number that is what it is now. */
export class Level implements Series {
  value = 0;

  set(value: number): void {
    this.value = value;
  }

  add(difference: number): void {
    this.value += difference;
  }

  values(metricName: string, labels: Labels): Value[] {
    return [{ metricName, labels, value: this.value }];
  }
}

/** How long something took, in seconds: how often within each bound. */
export class Timing implements Series {
  /** Upper ends, ascending; the last counts lie beyond them all. */
  readonly bounds_s: readonly number[];
  readonly counts: Float64Array;
  sum_s = 0;

  constructor(bounds_s: readonly number[]) {
    this.bounds_s = bounds_s;
    this.counts = new Float64Array(bounds_s.length + 1);
  }

  observe(duration_s: number): void {
    const { bounds_s, counts } = this;
    let at = 0;
    while (at < bounds_s.length && duration_s > bounds_s[at]!) at++;
    counts[at]!++;
    this.sum_s += duration_s;
  }

  values(name: string, labels: Labels): Value[] {
    let total = 0;
    const buckets = [...this.bounds_s, '+Inf'].map((le, i) => {
      total += this.counts[i]!;
      return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: total };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: this.sum_s },
      { metricName: `${name}_count`, labels, value: total },
    ];
  }
}

/** All series of one name. */
export class Family<S extends Series> {
  readonly name: string;
  readonly help: string;
  readonly type: Kind;
  readonly #labelNames: readonly string[];
  readonly #make: () => S;
  readonly #series = new Map<string, { readonly labels: Labels; readonly series: S }>();

  constructor(kind: Kind, name: string, help: string, labelNames: readonly string[], make: () => S) {
    this.type = kind;
    this.name = name;
    this.help = help;
    this.#labelNames = labelNames;
    this.#make = make;
  }

  /** The series with these values of its labels, in their order. Keep it: this is not for the hot path. */
  of(...labelValues: string[]): S {
    const isFull = this.#series.size >= SERIES_MAX && !this.#series.has(labelValues.join('\n'));
    const values = isFull ? labelValues.map(() => OTHER) : labelValues;
    const key = values.join('\n');
    const known = this.#series.get(key);
    if (known !== undefined) return known.series;
    const labels = Object.fromEntries(this.#labelNames.map((name, i) => [name, values[i]!]));
    const series = this.#make();
    this.#series.set(key, { labels, series });
    return series;
  }

  /** What the client library asks each of its metrics for. */
  async get(): Promise<{ name: string; help: string; type: Kind; values: Value[] }> {
    const values = [...this.#series.values()].flatMap(({ labels, series }) => series.values(this.name, labels));
    return { name: this.name, help: this.help, type: this.type, values };
  }
}

/** Whoever shows what is counted. */
export type Registers = Pick<Registry, 'registerMetric'>;

/** Makes families and registers each. */
export class Families {
  readonly #registry: Registers;

  constructor(registry: Registers) {
    this.#registry = registry;
  }

  tallies(name: string, help: string, labelNames: readonly string[]): Family<Tally> {
    return this.#register(new Family('counter', name, help, labelNames, () => new Tally()));
  }

  levels(name: string, help: string, labelNames: readonly string[]): Family<Level> {
    return this.#register(new Family('gauge', name, help, labelNames, () => new Level()));
  }

  timings(name: string, help: string, labelNames: readonly string[], bounds_s: readonly number[]): Family<Timing> {
    return this.#register(new Family('histogram', name, help, labelNames, () => new Timing(bounds_s)));
  }

  #register<S extends Series>(family: Family<S>): Family<S> {
    // Of its metrics the library needs nothing but `name` and `get`.
    this.#registry.registerMetric(family as never);
    return family;
  }
}
