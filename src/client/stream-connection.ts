/**
 * The WebSocket of one stream, opened again whenever it breaks, and why when it does not open. Knows when it last heard
 * something, and nothing of what that means.
 * @module
 */
import type { AnyConfigError } from '../errors/errors.ts';
import { SUBPROTOCOL, TOKEN_PROTOCOL } from '../websocket/subprotocol.ts';
import { whyNotOpen, type StreamAddress } from './stream-errors.ts';

const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 30_000;
/** The server says something every 20 seconds: who hears nothing for longer has lost it. */
const SILENCE_MAX_MS = 45_000;
const PING_INTERVAL_MS = 15_000;
const SILENCE = 4000;

export interface StreamConnectionOptions {
  readonly address: StreamAddress;
  /** The revision to go on from; null: none. */
  readonly since: () => number | null;
  readonly onOpen: () => void;
  readonly onMessage: (data: string | ArrayBuffer) => void;
  /** Another one is opened, unless this is closed by then. */
  readonly onEnd: (end: { readonly wasOpen: boolean; readonly code: number; readonly reason: string }) => void;
  /** Why one did not open; once, as long as it is the same. Another one is opened, unless this is closed by then. */
  readonly onRefusal: (error: AnyConfigError) => void;
}

export class StreamConnection {
  readonly #options: StreamConnectionOptions;
  readonly #closed = new AbortController();
  readonly #pings: ReturnType<typeof setInterval>;
  #socket: WebSocket | null = null;
  #isOpen = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  /** The code that was told of since a connection was open. */
  #told: string | null = null;
  #askedAt = 0;
  #heardAt = 0;

  constructor(options: StreamConnectionOptions) {
    this.#options = options;
    this.#connect();
    this.#pings = setInterval(() => this.#ping(), PING_INTERVAL_MS);
  }

  /** Since the server was asked for the time. */
  get asked_ms(): number {
    return performance.now() - this.#askedAt;
  }

  /** The server has answered what counts: the next failure is the first again. */
  works(): void {
    this.#failures = 0;
  }

  say(message: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  close(): void {
    this.#closed.abort();
    clearInterval(this.#pings);
    clearTimeout(this.#retry);
    this.#socket?.close(1000, '');
    this.#socket = null;
  }

  #connect(): void {
    const { address, since, onMessage } = this.#options;
    const url = new URL('/_dashboard/ws', address.url.replace(/^http/, 'ws'));
    url.searchParams.set('name', address.name);
    const revision = since();
    if (revision !== null) url.searchParams.set('since', String(revision));
    const { token } = address;
    const socket = new WebSocket(url, token === undefined ? [SUBPROTOCOL] : [SUBPROTOCOL, TOKEN_PROTOCOL + token]);
    socket.binaryType = 'arraybuffer';
    [this.#socket, this.#isOpen, this.#heardAt] = [socket, false, performance.now()];
    const own = (work: () => void): void => {
      if (this.#socket === socket) work();
    };
    const hear = (data: string | ArrayBuffer): void => {
      this.#heardAt = performance.now();
      onMessage(data);
    };
    socket.addEventListener('open', () => own(() => this.#opened()));
    socket.addEventListener('message', ({ data }) => own(() => hear(data as string | ArrayBuffer)));
    socket.addEventListener('close', ({ code, reason }) => own(() => this.#lost(code, reason)));
  }

  #opened(): void {
    [this.#isOpen, this.#told] = [true, null];
    this.#ping();
    this.#options.onOpen();
  }

  #lost(code: number, reason: string): void {
    const wasOpen = this.#isOpen;
    [this.#socket, this.#isOpen] = [null, false];
    if (wasOpen) this.#retryLater();
    else void this.#explain();
    this.#options.onEnd({ wasOpen, code, reason });
  }

  async #explain(): Promise<void> {
    const error = await whyNotOpen(this.#options.address, this.#closed.signal);
    if (this.#closed.signal.aborted) return;
    this.#retryLater();
    if (this.#told === error.code) return;
    this.#told = error.code;
    this.#options.onRefusal(error);
  }

  #retryLater(): void {
    const longest_ms = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(this.#failures++, 20));
    // Thousands of clients must not come back all at once.
    this.#retry = setTimeout(() => this.#connect(), longest_ms * (0.5 + Math.random() / 2));
  }

  /** Asks for the time, and whether anybody is there. */
  #ping(): void {
    if (this.#socket === null) return;
    if (performance.now() - this.#heardAt > SILENCE_MAX_MS) {
      this.#socket.close(SILENCE, 'silence');
      return this.#lost(SILENCE, 'silence');
    }
    this.#askedAt = performance.now();
    this.say({ type: 'ping' });
  }
}
