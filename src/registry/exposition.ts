/**
 * The registry's figures as Prometheus reads them, written by its client library; loaded when somebody first asks.
 * Figures of the store and the board are read when asked for, not kept.
 * @module
 */
import { readdirSync } from 'node:fs';
import { Counter, Gauge, Registry, type Metric } from 'prom-client';
import type { StoreStatus } from '../live/operations.ts';
import type { BoardFigures } from '../sync/board.ts';

export interface ExpositionOptions {
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly started: number;
  /** What is counted while the registry works. */
  readonly families: readonly Metric[];
}

export class Exposition {
  readonly #process = new Registry();
  readonly #inside = new Registry();

  constructor({ version, started, families }: ExpositionOptions) {
    describeProcess(this.#process, version, started);
    for (const family of families) this.#inside.registerMetric(family);
  }

  /** All figures, or those of the process alone when `store` is null. */
  async text(store: StoreStatus | null, board: BoardFigures | null): Promise<string> {
    const process = await this.#process.metrics();
    if (store === null) return process;
    return `${process}\n${await this.#inside.metrics()}\n${await storeFigures(store, board).metrics()}`;
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
  if (process.platform === 'linux') {
    gauge(registers, 'process_open_fds', 'Open file descriptors.', () => readdirSync('/proc/self/fd').length);
  }
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

function storeFigures({ journal, configs, sharing, core }: StoreStatus, board: BoardFigures | null): Registry {
  const registry = new Registry();
  const registers = [registry];
  gauge(registers, 'c13_journal_head_sequence', 'Entries in the journal.').set(journal.head.seq);
  gauge(registers, 'c13_journal_head_timestamp_seconds', 'Time of the newest entry.').set(journal.head.at / 1000);
  gauge(registers, 'c13_journal_size_bytes', 'Size of the database file.').set(journal.size_bytes);
  gauge(registers, 'c13_configs', 'Configs in the journal.').set(configs);
  gauge(registers, 'c13_board_shared', '1 when configs are shared between processes.').set(sharing === 'board' ? 1 : 0);
  if (board !== null) {
    gauge(registers, 'c13_board_slots', 'Configs on the board.').set(board.slots);
    gauge(registers, 'c13_board_capacity', 'Configs that the board has room for.').set(board.capacity);
    gauge(registers, 'c13_board_announced_sequence', "The journal's head as the board tells it.").set(board.announced);
  }
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
