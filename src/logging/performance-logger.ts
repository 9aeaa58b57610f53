/** How long an operation took, as a line of the log. @module */
import { createLogger, type Fields, type Logger, type LoggerOptions } from './logger.ts';

export interface PerformanceOptions extends LoggerOptions {
  /** Nanoseconds, never going back. Default: the clock of the process. */
  readonly clock_ns?: () => number;
}

const NS_PER_MS = 1e6;

/**
 * Starts to measure at once. Throws ERR_SETTING when C13_LOG_LEVEL is none.
 * @example
 * const perfLogger = createPerformanceLogger('@myapp', 'database');
 * const result = await performDatabaseQuery();
 * perfLogger.finish('database', { rows: result.length });
 */
export function createPerformanceLogger(
  name: string,
  operation: string,
  { clock_ns = Bun.nanoseconds, ...options }: PerformanceOptions = {},
): PerformanceLogger {
  return new PerformanceLogger(createLogger(name, options).child({ operation }), clock_ns);
}

export class PerformanceLogger {
  readonly #logger: Logger;
  readonly #clock_ns: () => number;
  readonly #started_ns: number;

  /** Use `createPerformanceLogger`. */
  constructor(logger: Logger, clock_ns: () => number) {
    this.#logger = logger;
    this.#clock_ns = clock_ns;
    this.#started_ns = clock_ns();
  }

  /** Logs `what` with its `duration_ms` since the start, to the nanosecond, and returns that. */
  finish(what: string, fields: Fields = {}): number {
    const duration_ms = (this.#clock_ns() - this.#started_ns) / NS_PER_MS;
    this.#logger.info(what, { ...fields, duration_ms });
    return duration_ms;
  }
}
