/**
 * Structured logs: one line of JSON for each event, readable ones where a person looks on. Every text and every field
 * passes through the redaction before it becomes a line; nothing else may write lines of the log.
 * @module
 */
import { isatty } from 'node:tty';
import { pino, stdTimeFunctions, type Logger as Pino } from 'pino';
import { readSetting } from '../env/env.ts';
import type { LogLevel } from '../env/log-level.ts';
import { LineStream } from './line-stream.ts';
import { prettyStream } from './pretty.ts';
import { redact, redactText } from './redaction.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** Where lines go; each ends with a line feed. */
export interface LineSink {
  write(line: string): void;
  /** Resolves when everything up to now has left the process. */
  flush?(): Promise<void>;
  /** At once, for a line that may be the last. */
  flushSync?(): void;
}

export interface LoggerOptions {
  /** What is less than this is left out. Default: C13_LOG_LEVEL, `info`. */
  readonly level?: LogLevel;
  /** Default: stderr. */
  readonly sink?: LineSink;
}

const SEVERITY = { debug: 20, info: 30, warn: 40, error: 50, fatal: 60, silent: Infinity } as const satisfies Record<
  LogLevel,
  number
>;

const STDERR = 2;

/** Errors are plain data by then. */
const AS_IT_IS = { err: (value: unknown) => value };

/** One for all loggers, or their lines would cut into each other. */
let stderr: LineSink | null = null;

/** Shared by a logger and its children, so that one switch turns all of them. */
interface Family {
  readonly sink: LineSink;
  level: LogLevel;
  severity: number;
}

/**
 * A logger that names its lines. Secrets never reach the output, whatever they are handed in as. Throws ERR_SETTING
 * when C13_LOG_LEVEL is none.
 * @example
 * const logger = createLogger('@myapp');
 * logger.info('Application started', { version: '1.0.0' });
 */
export function createLogger(name: string, options: LoggerOptions = {}): Logger {
  const level = options.level ?? readSetting('logLevel');
  const sink = options.sink ?? (stderr ??= isatty(STDERR) ? prettyStream(STDERR) : new LineStream(STDERR));
  const base = { name: redactText(name) };
  const formatters = { level: (label: string) => ({ level: label }) };
  // What is left out is decided before anything is copied, so the writer below takes all.
  const writer = pino(
    { level: 'trace', base, formatters, serializers: AS_IT_IS, timestamp: stdTimeFunctions.epochTime },
    sink,
  );
  return new Logger(writer, { sink, level, severity: SEVERITY[level] });
}

export class Logger {
  readonly #writer: Pino;
  readonly #family: Family;
  /** What every line says, as JSON without its braces. */
  readonly #bound: string;

  /** Use `createLogger`. */
  constructor(writer: Pino, family: Family) {
    this.#writer = writer;
    this.#family = family;
    this.#bound = JSON.stringify(writer.bindings()).slice(1, -1);
  }

  debug(text: string, fields?: Fields): void {
    this.#log('debug', text, fields);
  }

  info(text: string, fields?: Fields): void {
    this.#log('info', text, fields);
  }

  warn(text: string, fields?: Fields): void {
    this.#log('warn', text, fields);
  }

  error(text: string, fields?: Fields): void {
    this.#log('error', text, fields);
  }

  /** For what ends the process: the line is out when this returns. */
  fatal(text: string, fields?: Fields): void {
    this.#log('fatal', text, fields);
    this.#family.sink.flushSync?.();
  }

  /** A logger whose lines all carry these fields. It shares the level. */
  child(fields: Fields): Logger {
    return new Logger(this.#writer.child(redact(fields) as Record<string, unknown>), this.#family);
  }

  /** What is less than this is left out, here and in every child. */
  get level(): LogLevel {
    return this.#family.level;
  }

  set level(level: LogLevel) {
    this.#family.level = level;
    this.#family.severity = SEVERITY[level];
  }

  /** Resolves when every line up to now has left the process. */
  async flush(): Promise<void> {
    await this.#family.sink.flush?.();
  }

  /** For lines on the hot path: `fields` is JSON without its braces, and went through the redaction already. */
  writeClean(level: Exclude<LogLevel, 'silent'>, text: string, fields: string): void {
    if (SEVERITY[level] < this.#family.severity) return;
    this.#family.sink.write(`{"level":"${level}","time":${Date.now()},${this.#bound},${fields},"msg":"${text}"}\n`);
  }

  #log(level: Exclude<LogLevel, 'silent'>, text: string, fields: Fields | undefined): void {
    if (SEVERITY[level] < this.#family.severity) return;
    if (fields === undefined) this.#writer[level](redactText(text));
    else this.#writer[level](redact(fields), redactText(text));
  }
}
