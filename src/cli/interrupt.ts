/**
 * Ctrl-C: the first asks the command to stop where nothing is half done, the second ends the process at once. Exit
 * codes are the shell's: 128 and the signal's number.
 * @module
 */
import { constants } from 'node:os';

type Stopping = 'SIGINT' | 'SIGTERM';

export class Interrupt {
  readonly #controller = new AbortController();
  readonly #handlers = (['SIGINT', 'SIGTERM'] as const).map((name) => [name, () => this.#stop(name)] as const);
  #exitCode: number | null = null;

  constructor() {
    for (const [name, handler] of this.#handlers) process.on(name, handler);
  }

  /** Aborted by the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** null while nobody interrupted. */
  get exitCode(): number | null {
    return this.#exitCode;
  }

  /** From here on a signal ends the process: for work that only reads and never looks up. */
  release(): void {
    for (const [name, handler] of this.#handlers) process.off(name, handler);
  }

  #stop(name: Stopping): void {
    const code = 128 + constants.signals[name];
    if (this.#exitCode !== null) process.exit(code);
    this.#exitCode = code;
    this.#controller.abort(new Error('the command was not finished'));
  }
}
