/** Follows one config of a registry: a line for each change, as it happens. @module */
import type { Command } from 'commander';
import { differences } from '../change-text.ts';
import { EXIT_DONE, EXIT_INTERRUPTED, Stopped } from '../failure.ts';
import { openClient } from '../open-target.ts';
import { REGISTRY, takes } from '../options.ts';
import { type Answer, writeErr, writeOut } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { clean } from '../text.ts';
import { parseWhole } from '../values.ts';
import { openConfigStream } from '../../client/config-stream.ts';
import type { StreamedConfig } from '../../client/stream-state.ts';
import { defineFeatures } from '../../config/features.ts';
import { DEFAULT_NAME, parseConfigName } from '../../config/name.ts';
import type { AnyConfigError } from '../../errors/errors.ts';

interface WatchOptions {
  readonly count?: number;
}

export function addWatch(program: Command): void {
  takes(program.command('watch'), ...REGISTRY)
    .description('follow a config of a registry, until Ctrl-C; with --json, a line of JSON for each change')
    .argument('[config]', 'service or service/environment', DEFAULT_NAME)
    .option('--count <number>', 'end after so many lines; the first is the config as it is', (text) =>
      parseWhole(text, '--count', 1),
    )
    .action(run(watch));
}

async function watch(session: Session, config: string, { count = Infinity }: WatchOptions): Promise<Answer> {
  const { name } = parseConfigName(config);
  const client = await openClient(session.options, session.interrupt.signal);
  // Who may not, or asks for what is not there, hears it now; a stream that breaks is opened again.
  await client.json(`/api/v1/configs/${encodeURIComponent(name)}`);
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  session.interrupt.signal.addEventListener('abort', () => resolve());
  const lines = new Lines(session, name, count, resolve);
  const stream = openConfigStream({
    url: client.url,
    name,
    token: client.token ?? undefined,
    onChange: (now) => lines.tell(now),
    onError: (error) => (isFinal(error) ? reject(error) : lines.warn(error)),
  });
  await ended.finally(() => stream.close());
  await lines.written;
  // All of the answer has been written by now.
  if (session.interrupt.signal.aborted) throw new Stopped(`${name} is watched no longer`, EXIT_INTERRUPTED);
  throw new Stopped('', EXIT_DONE);
}

function isFinal({ code }: AnyConfigError): boolean {
  return code === 'ERR_UNAUTHENTICATED';
}

/** What is written, in the order in which it happened. */
class Lines {
  written: Promise<void> = Promise.resolve();
  readonly #session: Session;
  readonly #name: string;
  readonly #enough: () => void;
  #left: number;
  #last: StreamedConfig | null = null;

  constructor(session: Session, name: string, count: number, enough: () => void) {
    this.#session = session;
    this.#name = name;
    this.#left = count;
    this.#enough = enough;
  }

  tell(now: StreamedConfig): void {
    if (this.#left === 0) return;
    const line = this.#session.options.json === true ? this.#json(now) : this.#text(now);
    if (this.#session.options.quiet !== true) this.written = this.written.then(() => writeOut(`${line}\n`));
    this.#last = now;
    this.#left--;
    if (this.#left === 0) this.#enough();
  }

  warn({ message, hint }: AnyConfigError): void {
    const line = `${this.#session.printer.err.yellow('warning:')} ${clean(message)} — ${clean(hint)}\n`;
    this.written = this.written.then(() => writeErr(line));
  }

  #json({ revision, config, rollouts, features }: StreamedConfig): string {
    return JSON.stringify({ name: this.#name, revision, config, rollouts, features });
  }

  #text(now: StreamedConfig): string {
    const [past, names] = [this.#last, defineFeatures(now.features)];
    const before = past ?? now;
    const words = differences(before.config, now.config, names, '->');
    const isOn = names.enabledIn(now.config.featureFlags).join(' ');
    const rollouts = Object.entries(now.rollouts).map(([feature, percent]) => `${feature} ${percent}%`);
    const isRolled =
      past === null ? rollouts.length > 0 : JSON.stringify(past.rollouts) !== JSON.stringify(now.rollouts);
    const said = [
      ...(past === null ? [isOn === '' ? 'no features' : isOn] : words),
      ...(isRolled ? [`rollouts: ${rollouts.join(' ') || 'none'}`] : []),
    ];
    return clean(`${this.#name} ${now.revision}  ${said.join(' ') || 'nothing that is seen here'}`);
  }
}
