/**
 * Calls into a worker: numbered requests, answers in any order, one end for all of them when the worker dies. Knows the
 * messages, not what they mean.
 * @module
 */

import { ConfigError } from '../errors/errors.ts';
import type { VerifyOptions } from './journal.ts';
import { fromWireError } from './wire.ts';
import type { Calls, Method, ToOwner, ToWorker } from './wire.ts';

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
  readonly onProgress: VerifyOptions['onProgress'];
}

/** `ref` and `unref` are Bun's: whether the worker keeps the process alive. */
type HoldingWorker = Worker & { ref(): void; unref(): void };

type CallOptions = { [K in 'onProgress' | 'signal']?: VerifyOptions[K] | undefined };

export class Remote {
  readonly #worker: HoldingWorker;
  readonly #path: string;
  readonly #onDeath: () => void;
  readonly #pending = new Map<number, Pending>();
  readonly #answers = new Set<Promise<unknown>>();
  #next = 1;
  #ended: ConfigError | null = null;

  constructor(worker: Worker, path: string, onDeath: () => void = () => {}) {
    this.#worker = worker as HoldingWorker;
    this.#path = path;
    this.#onDeath = onDeath;
    worker.addEventListener('message', ({ data }: MessageEvent<ToOwner>) => this.#receive(data));
    worker.addEventListener('error', (event) => this.#die(event.message));
    worker.addEventListener('close', () => this.#die('it ended'));
    this.#worker.unref();
  }

  get alive(): boolean {
    return this.#ended === null;
  }

  /** Throws `ERR_CLOSED` once nothing can be called any more. */
  guard(): void {
    if (this.#ended !== null) throw this.#ended;
  }

  /** Rejects with `ERR_CLOSED` after the end, with the signal's reason when aborted. */
  call<M extends Method>(method: M, args: Calls[M]['args'], options: CallOptions = {}): Promise<Calls[M]['value']> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    const answer = new Promise<Calls[M]['value']>((resolve, reject) => {
      const id = this.#next++;
      this.#worker.postMessage({ id, method, args } satisfies { id: number; method: M; args: Calls[M]['args'] });
      this.#add(id, { resolve, reject, onProgress: options.onProgress });
      options.signal?.addEventListener('abort', () => this.#abort(id, options.signal!.reason), { once: true });
    });
    this.#answers.add(answer);
    const settled = (): void => void this.#answers.delete(answer);
    answer.then(settled, settled);
    return answer;
  }

  /** A call after which no other is taken. */
  last<M extends Method>(method: M, args: Calls[M]['args']): Promise<Calls[M]['value']> {
    const answer = this.call(method, args);
    this.#ended = closedError(this.#path, 'it was closed', 'Open it again.');
    return answer;
  }

  /** Resolves when every call made so far has its answer, whatever it is. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#answers);
  }

  end(): void {
    this.#fail(closedError(this.#path, 'it was closed', 'Open it again.'));
    this.#worker.terminate();
  }

  #receive(message: ToOwner): void {
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    if (message.kind === 'progress') return pending.onProgress?.(message.done, message.total);
    this.#remove(message.id);
    if (message.kind === 'value') pending.resolve(message.value as never);
    else pending.reject(fromWireError(message.error));
  }

  #abort(id: number, reason: unknown): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#worker.postMessage({ abort: id } satisfies ToWorker);
    this.#remove(id);
    pending.reject(reason);
  }

  #die(why: string): void {
    const wasAlive = this.alive;
    const unknown =
      'Appends that were under way may or may not be on disk: open the journal again and read the streams.';
    this.#fail(closedError(this.#path, `its worker is gone: ${why}`, unknown));
    if (wasAlive) this.#onDeath();
  }

  #fail(error: ConfigError): void {
    this.#ended ??= error;
    const open = [...this.#pending];
    for (const [id, { reject }] of open) {
      this.#remove(id);
      reject(error);
    }
  }

  // The worker holds the process only while a call waits for its answer.
  #add(id: number, pending: Pending): void {
    if (this.#pending.size === 0) this.#worker.ref();
    this.#pending.set(id, pending);
  }

  #remove(id: number): void {
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#worker.unref();
  }
}

function closedError(path: string, why: string, hint: string): ConfigError {
  return new ConfigError('ERR_CLOSED', {
    message: `The journal ${path} answers no more: ${why}.`,
    hint,
    details: { what: path },
  });
}
