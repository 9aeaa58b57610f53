/**
 * Server-sent events as the body of an answer: fields in, the wire's lines out. Bounded: who does not read what he is
 * sent is dropped, so that no client makes the process remember for it. Knows nothing of what the events say.
 * @module
 */

/** What may wait for a client beyond what the system's own buffers hold. */
const WAITING_MAX_BYTES = 256 * 1024;
const HEARTBEAT = encoded(': hb\n\n');

/** Why a stream ended: the client went; it did not read; the server stops; or what `close` was told. */
export type StreamEnd = 'gone' | 'slow' | 'closing' | (string & {});

export interface EventStreamOptions {
  /** A comment is sent so often, so that nothing in between takes the connection for dead. */
  readonly heartbeat_ms: number;
  /** How long a client waits before it comes back. */
  readonly retry_ms: number;
  /** Ends the stream when aborted. */
  readonly closing?: AbortSignal | undefined;
  /** Called once, whoever ended it. */
  readonly onClose: (reason: StreamEnd) => void;
  /** Besides the content type. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ServerEvent {
  /** What a client that lost the connection names as the last it saw; one line. */
  readonly id?: string;
  /** One line; left out: `message`. */
  readonly event?: string;
  readonly data: string;
}

export interface EventStream {
  readonly response: Response;
  /** False once the stream has ended; sending may be what ends it. */
  send(event: ServerEvent): boolean;
  /** What was sent before still leaves. */
  close(reason: StreamEnd): void;
  readonly buffered_bytes: number;
}

/**
 * Whoever serves it must lift the connection's idle limit if `heartbeat_ms` is above it.
 * @example
 * const stream = eventStream({ heartbeat_ms: 15_000, retry_ms: 2000, closing, onClose: () => clients.delete(stream) });
 * stream.send({ id: '42', data: JSON.stringify({ revision: 42 }) });
 * return stream.response;
 */
export function eventStream(options: EventStreamOptions): EventStream {
  const sink = new Sink(options);
  const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', ...options.headers };
  const response = new Response(sink.body, { headers });
  // The first bytes carry the headers with them: a client knows at once that it is connected.
  sink.write(encoded(`retry: ${options.retry_ms}\n\n`));
  return {
    response,
    send: (event) => sink.write(encoded(linesOf(event))),
    close: (reason) => sink.close(reason),
    get buffered_bytes() {
      return sink.buffered_bytes;
    },
  };
}

class Sink {
  readonly body: ReadableStream<Uint8Array>;
  readonly #options: EventStreamOptions;
  readonly #heartbeat: ReturnType<typeof setInterval>;
  readonly #onClosing = (): void => this.close('closing');
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #isOpen = true;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    const start = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
      this.#controller = controller;
    };
    const source = { start, cancel: () => this.#ended('gone') };
    this.body = new ReadableStream(source, new ByteLengthQueuingStrategy({ highWaterMark: 0 }));
    this.#heartbeat = setInterval(() => this.write(HEARTBEAT), options.heartbeat_ms);
    // Whoever asked for the stream must have it before he hears that it has ended.
    if (options.closing?.aborted === true) queueMicrotask(this.#onClosing);
    else options.closing?.addEventListener('abort', this.#onClosing);
  }

  get buffered_bytes(): number {
    return this.#isOpen ? -(this.#controller.desiredSize ?? 0) : 0;
  }

  write(bytes: Uint8Array): boolean {
    if (!this.#isOpen) return false;
    this.#controller.enqueue(bytes);
    if (this.buffered_bytes <= WAITING_MAX_BYTES) return true;
    // Not closed but broken off: a close would wait for what waits.
    this.#controller.error(new Error('the client does not read'));
    this.#ended('slow');
    return false;
  }

  close(reason: StreamEnd): void {
    if (!this.#isOpen) return;
    this.#controller.close();
    this.#ended(reason);
  }

  #ended(reason: StreamEnd): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    clearInterval(this.#heartbeat);
    this.#options.closing?.removeEventListener('abort', this.#onClosing);
    this.#options.onClose(reason);
  }
}

/** A line end in the data begins another line of it; one in an id or a name would begin another field. */
function linesOf({ id, event, data }: ServerEvent): string {
  const fields = [
    ...(id === undefined ? [] : [`id: ${oneLine(id)}`]),
    ...(event === undefined ? [] : [`event: ${oneLine(event)}`]),
    ...data.split(/\r\n|[\r\n]/).map((line) => `data: ${line}`),
  ];
  return `${fields.join('\n')}\n\n`;
}

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n\0]/g, ' ');
}

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
