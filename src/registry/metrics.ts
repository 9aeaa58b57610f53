/**
 * The registry's figures: counted from the start, and told in Prometheus' text format. Two sets: what describes the
 * process, for anybody who probes it, and what describes requests and data, for those who may come in.
 * @module
 */
import type { Metric } from 'prom-client';
import type { StoreStatus } from '../live/operations.ts';
import { Figures } from '../metrics/figures.ts';
import type { BoardFigures } from '../sync/board.ts';
import type { Exposition } from './exposition.ts';

export class RegistryMetrics {
  readonly contentType = 'text/plain; version=0.0.4; charset=utf-8';
  readonly #about: { readonly version: string; readonly started: number };
  readonly #families: Metric[] = [];
  /** What is counted while the registry works. */
  readonly figures = new Figures({ registerMetric: (family) => void this.#families.push(family) });
  #exposition: Promise<Exposition> | null = null;

  /** `started`: milliseconds since 1970. */
  constructor(version: string, started: number) {
    this.#about = { version, started };
  }

  /** One answered request. */
  observe(method: string, routePath: string, status: number, duration_s: number): void {
    this.figures.observe(method, routePath, status, duration_s);
  }

  /** All figures, or those of the process alone when `store` is null. */
  async text(store: StoreStatus | null, board: BoardFigures | null = null): Promise<string> {
    this.#exposition ??= this.#opened();
    return await (await this.#exposition).text(store, board);
  }

  async #opened(): Promise<Exposition> {
    // The library costs a start more than anything else that it does not need.
    const { Exposition } = await import('./exposition.ts');
    return new Exposition({ ...this.#about, families: this.#families });
  }
}
