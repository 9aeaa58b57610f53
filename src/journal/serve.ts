/**
 * The worker's side: answers an owner's calls over a journal of its own. A worker's module, owned by a domain that
 * knows the projections, calls `serveJournal` once and does nothing else.
 * @module
 */

import { closed, openLocalJournal } from './local.ts';
import type { LocalJournal } from './local.ts';
import type { Projection } from './projection.ts';
import { toWireError } from './wire.ts';
import type { Calls, Method, Request, ToOwner, ToWorker } from './wire.ts';

declare const self: Worker;

/**
 * @example
 * // journal-worker.ts
 * serveJournal({ projections: [configs] });
 */
export function serveJournal({ projections }: { readonly projections: readonly Projection[] }): void {
  const served = new Served(projections, (message) => self.postMessage(message));
  self.onmessage = ({ data }: MessageEvent<ToWorker>) => served.receive(data);
}

type Handlers = { readonly [M in Method]: (id: number, ...args: Calls[M]['args']) => Promise<Calls[M]['value']> };

class Served {
  readonly #projections: readonly Projection[];
  readonly #post: (message: ToOwner) => void;
  readonly #aborts = new Map<number, AbortController>();
  #journal: LocalJournal | null = null;

  constructor(projections: readonly Projection[], post: (message: ToOwner) => void) {
    this.#projections = projections;
    this.#post = post;
  }

  receive(message: ToWorker): void {
    if ('abort' in message) this.#aborts.get(message.abort)?.abort();
    else
      this.#call(message).then(
        (value) => this.#answer(message.id, value),
        (error: unknown) => this.#post({ kind: 'error', id: message.id, error: toWireError(error) }),
      );
  }

  // A value that cannot be cloned is the error of its own call, not of the worker.
  #answer(id: number, value: unknown): void {
    try {
      this.#post({ kind: 'value', id, value });
    } catch (error) {
      this.#post({ kind: 'error', id, error: toWireError(error) });
    }
  }

  async #call({ id, method, args }: Request): Promise<unknown> {
    const handler = this.#handlers[method] as (id: number, ...args: unknown[]) => Promise<unknown>;
    return await handler(id, ...args);
  }

  readonly #handlers: Handlers = {
    open: async (_, options) => {
      this.#journal = openLocalJournal({ ...options, projections: this.#projections });
      return { id: this.#journal.id, path: this.#journal.path };
    },
    append: (_, entries) => this.#opened().append(entries),
    read: (_, query) => this.#opened().read(query),
    head: () => this.#opened().head(),
    streamHead: (_, stream) => this.#opened().streamHead(stream),
    latest: (_, stream, moment) => this.#opened().latest(stream, moment),
    query: (_, projection, name, params) => this.#opened().queryByName(projection, name, params),
    rebuild: (_, name) => this.#opened().rebuild({ name }),
    verify: (id, anchor) => this.#verify(id, anchor),
    redact: (_, seq, by) => this.#opened().redact(seq, by),
    backup: (_, path) => this.#opened().backup(path),
    close: () => this.#opened().close(),
  };

  async #verify(id: number, anchor: Calls['verify']['args'][0]): Promise<Calls['verify']['value']> {
    const abort = new AbortController();
    this.#aborts.set(id, abort);
    try {
      return await this.#opened().verify({
        ...(anchor === undefined ? {} : { anchor }),
        onProgress: (done, total) => this.#post({ kind: 'progress', id, done, total }),
        signal: abort.signal,
      });
    } finally {
      this.#aborts.delete(id);
    }
  }

  #opened(): LocalJournal {
    if (this.#journal === null) throw closed('that was never opened');
    return this.#journal;
  }
}
