/** Follows one config of a registry: a line for each change, as it happens. @module */
import type { Command } from 'commander';
import { EXIT_DONE, EXIT_INTERRUPTED, Stopped, usageError } from '../failure.ts';
import { openClient } from '../open-target.ts';
import { REGISTRY, takes } from '../options.ts';
import { type Answer, writeErr, writeOut } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { clean } from '../text.ts';
import { parseWhole } from '../values.ts';
import { WatchLines } from '../watch-lines.ts';
import { openConfigStream, type ConfigStream } from '../../client/config-stream.ts';
import { DEFAULT_NAME, parseConfigName } from '../../config/name.ts';
import type { AnyConfigError } from '../../errors/errors.ts';

interface WatchOptions {
  readonly count?: number;
}

export function addWatch(program: Command): void {
  takes(program.command('watch'), ...REGISTRY, 'name')
    .description('follow a config of a registry, until Ctrl-C; with --json, a line of JSON for each thing that happens')
    .argument('[config]', 'service or service/environment, as with --name')
    .option('--count <number>', 'end after so many states of the config; the first is the one it is in', (text) =>
      parseWhole(text, '--count', 1),
    )
    .action(run(watch));
}

async function watch(session: Session, config: string | undefined, { count }: WatchOptions): Promise<Answer> {
  const { name } = parseConfigName(configOf(session, config));
  const client = await openClient(session.options, session.interrupt.signal);
  // Who may not, or asks for what is not there, hears it now; a stream that breaks is opened again.
  await client.json(`/api/v1/configs/${encodeURIComponent(name)}`);
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  session.interrupt.signal.addEventListener('abort', () => resolve());
  const output = new Output(session, count ?? Infinity, resolve);
  const lines = new WatchLines(name, session.options.json === true);
  const stream: ConfigStream = openConfigStream({
    url: client.url,
    name,
    token: client.token ?? undefined,
    onChange: (now) => output.state(lines.config(now)),
    onFlags: (keys) => output.write(lines.flags(keys)),
    onEvent: (event) => output.write(lines.event(event)),
    onError: (error) => (stream.isClosed ? reject(error) : output.warn(error)),
  });
  await ended.finally(() => stream.close());
  await output.written;
  // All of the answer has been written by now.
  if (session.interrupt.signal.aborted) throw new Stopped(`${name} is watched no longer`, EXIT_INTERRUPTED);
  throw new Stopped('', EXIT_DONE);
}

function configOf({ options }: Session, config: string | undefined): string {
  if (config === undefined || options.name === undefined) return config ?? options.name ?? DEFAULT_NAME;
  throw usageError('--name', 'The config is given twice', 'Write it as an argument or with --name.');
}

/** What is written, in the order in which it happened. */
class Output {
  written: Promise<void> = Promise.resolve();
  readonly #session: Session;
  readonly #enough: () => void;
  #left: number;

  constructor(session: Session, count: number, enough: () => void) {
    this.#session = session;
    this.#left = count;
    this.#enough = enough;
  }

  /** One of those that count. */
  state(line: string): void {
    this.write(line);
    this.#left--;
    if (this.#left === 0) this.#enough();
  }

  /** null: nothing. */
  write(line: string | null): void {
    if (line === null || this.#left <= 0 || this.#session.options.quiet === true) return;
    this.written = this.written.then(() => writeOut(`${line}\n`));
  }

  warn({ message, hint }: AnyConfigError): void {
    const line = `${this.#session.printer.err.yellow('warning:')} ${clean(message)} — ${clean(hint)}\n`;
    this.written = this.written.then(() => writeErr(line));
  }
}
