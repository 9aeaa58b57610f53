/** How long an answer may take and how large it may be, also while its body is read. @module */
import { faultOf, upstreamError } from './upstream-error.ts';

const WITHOUT_BODY = [204, 205, 304];

/** Two clocks on one request: the whole of it, and the time without a byte. Aborts with what ran out. */
export class Patience {
  readonly #url: URL;
  readonly #idle_ms: number;
  readonly #controller = new AbortController();
  readonly #total: Timer;
  readonly signal: AbortSignal;

  constructor(url: URL, { idle_ms, total_ms }: { idle_ms: number; total_ms: number }, signal: AbortSignal | null) {
    this.#url = url;
    this.#idle_ms = idle_ms;
    this.#total = setTimeout(() => this.#expire(`it took longer than ${total_ms} ms`), total_ms);
    this.signal = signal === null ? this.#controller.signal : AbortSignal.any([signal, this.#controller.signal]);
  }

  /** Waits for the next sign of life. */
  async within<T>(work: Promise<T>): Promise<T> {
    const ended = Promise.withResolvers<never>();
    const abort = () => ended.reject(this.signal.reason);
    const idle = setTimeout(() => this.#expire(`nothing came for ${this.#idle_ms} ms`), this.#idle_ms);
    this.signal.addEventListener('abort', abort);
    if (this.signal.aborted) abort();
    try {
      return await Promise.race([work, ended.promise]);
    } finally {
      clearTimeout(idle);
      this.signal.removeEventListener('abort', abort);
    }
  }

  end(): void {
    clearTimeout(this.#total);
  }

  /** Ends the request, and gives up its connection. */
  abort(reason: unknown): void {
    this.end();
    this.#controller.abort(reason);
  }

  #expire(what: string): void {
    this.abort(upstreamError(this.#url, 'timeout', what));
  }
}

/** The same answer with a body that keeps to the limits, and without headers that told of the compressed one. */
export function limitedBody(url: URL, answer: Response, limit_bytes: number, patience: Patience): Response {
  const { status, statusText, body } = answer;
  const headers = new Headers(answer.headers);
  if (headers.has('content-encoding')) {
    headers.delete('content-encoding');
    headers.delete('content-length');
  }
  if (Number(headers.get('content-length') ?? 0) > limit_bytes) throw tooLarge(url, limit_bytes, patience);
  if (body === null || WITHOUT_BODY.includes(status)) {
    patience.end();
    return new Response(null, { status, statusText, headers });
  }
  return new Response(readWithin(url, body, limit_bytes, patience), { status, statusText, headers });
}

function readWithin(url: URL, body: ReadableStream<Uint8Array>, limit_bytes: number, patience: Patience) {
  const reader = body.getReader();
  let size = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await patience.within(reader.read()).catch((error: unknown) => {
        patience.signal.throwIfAborted();
        patience.end();
        throw upstreamError(url, faultOf(error), (error as Error).message, error);
      });
      if (done) {
        patience.end();
        controller.close();
        return;
      }
      size += value.length;
      if (size > limit_bytes) throw tooLarge(url, limit_bytes, patience);
      controller.enqueue(value);
    },
    cancel: (reason) => patience.abort(reason),
  });
}

function tooLarge(url: URL, limit_bytes: number, patience: Patience): Error {
  const error = upstreamError(url, 'size', `its answer is larger than ${limit_bytes} bytes`);
  patience.abort(error);
  return error;
}
