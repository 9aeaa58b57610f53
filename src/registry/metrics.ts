/**
 * The registry's figures in Prometheus' text format. Two sets: what describes the process, for anybody who probes it,
 * and what describes requests and data, for those who may come in. Figures of the store are read when asked for, not
 * kept.
 * @module
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { StoreStatus } from '../live/operations.ts';

const DURATION_BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

/** Requests for paths that are no route share one series, or a scanner would make as many as it asks for. */
const NO_ROUTE = 'none';

export class RegistryMetrics {
  readonly #process = new Registry();
  readonly #inside = new Registry();
  readonly #requests: Counter<'method' | 'route' | 'status'>;
  readonly #durations: Histogram<'method' | 'route'>;
  readonly contentType = this.#process.contentType;

  constructor(version: string, started: number) {
    describeProcess(this.#process, version, started);
    const registers = [this.#inside];
    this.#requests = new Counter({
      name: 'c13_http_requests_total',
      help: 'Requests answered.',
      labelNames: ['method', 'route', 'status'],
      registers,
    });
    this.#durations = new Histogram({
      name: 'c13_http_request_duration_seconds',
      help: 'Time from the request to its answer.',
      labelNames: ['method', 'route'],
      buckets: DURATION_BUCKETS_S,
      registers,
    });
  }

  observe(method: string, routePath: string, status: number, duration_s: number): void {
    const route = routePath.endsWith('*') ? NO_ROUTE : routePath;
    const known = route === NO_ROUTE ? 'any' : method;
    this.#requests.inc({ method: known, route, status });
    this.#durations.observe({ method: known, route }, duration_s);
  }

  /** All figures, or those of the process alone when `store` is null. */
  async text(store: StoreStatus | null): Promise<string> {
    const process = await this.#process.metrics();
    if (store === null) return process;
    return `${process}\n${await this.#inside.metrics()}\n${await storeFigures(store).metrics()}`;
  }
}

function describeProcess(registry: Registry, version: string, started: number): void {
  const registers = [registry];
  gauge(registers, 'process_start_time_seconds', 'Start of the process since 1970.').set(started / 1000);
  new Gauge({ name: 'c13_build_info', help: 'Version, as a label.', labelNames: ['version'], registers }).set(
    { version },
    1,
  );
  gauge(registers, 'process_resident_memory_bytes', 'Memory that is in RAM.', () => process.memoryUsage.rss());
  gauge(registers, 'process_heap_bytes', 'Memory of the JavaScript heap.', () => process.memoryUsage().heapUsed);
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system time.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
}

function storeFigures({ journal, configs, sharing, core }: StoreStatus): Registry {
  const registry = new Registry();
  const registers = [registry];
  gauge(registers, 'c13_journal_head_sequence', 'Entries in the journal.').set(journal.head.seq);
  gauge(registers, 'c13_journal_head_timestamp_seconds', 'Time of the newest entry.').set(journal.head.at / 1000);
  gauge(registers, 'c13_journal_size_bytes', 'Size of the database file.').set(journal.size_bytes);
  gauge(registers, 'c13_configs', 'Configs in the journal.').set(configs);
  gauge(registers, 'c13_board_shared', '1 when configs are shared between processes.').set(sharing === 'board' ? 1 : 0);
  new Gauge({ name: 'c13_core_info', help: 'Core, as labels.', labelNames: ['kind', 'crc64_kernel'], registers }).set(
    { kind: core.kind, crc64_kernel: core.crc64Kernel },
    1,
  );
  return registry;
}

function gauge(registers: Registry[], name: string, help: string, read?: () => number): Gauge {
  if (read === undefined) return new Gauge({ name, help, registers });
  return new Gauge({
    name,
    help,
    registers,
    collect() {
      this.set(read());
    },
  });
}
