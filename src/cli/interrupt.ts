/**
 * Ctrl-C: the first asks the command to stop where nothing is half done, a later one ends the process at once. Exit
 * codes are the shell's: 128 and the signal's number. A terminal signals the command and the runner that started it,
 * and the runner hands its signal on: what comes with the first is the same key press.
 * @module
 */
import { constants } from 'node:os';

const SAME_KEY_PRESS_MS = 300;

type Stopping = 'SIGINT' | 'SIGTERM';

export class Interrupt {
  readonly #controller = new AbortController();
  readonly #handlers = (['SIGINT', 'SIGTERM'] as const).map((name) => [name, () => this.#stop(name)] as const);
  #exitCode: number | null = null;
  #since_ms = 0;

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
    if (this.#exitCode !== null) {
      if (performance.now() - this.#since_ms > SAME_KEY_PRESS_MS) process.exit(code);
      return;
    }
    this.#exitCode = code;
    this.#since_ms = performance.now();
    this.#controller.abort(new Error('the command was not finished'));
  }
}
