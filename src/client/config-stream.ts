/**
 * A config that follows the registry: in browsers, Bun and Node, over a WebSocket that is opened again whenever it
 * breaks. Reads are plain; what is scheduled happens at its moment, by the server's clock. Changes nothing itself.
 * @module
 */
import { isInRollout } from '../config/rollout.ts';
import { ConfigError, isConfigError, type AnyConfigError } from '../errors/errors.ts';
import { nearest } from '../errors/nearest.ts';
import { CLOSE, SUBPROTOCOL, TOKEN_PROTOCOL, type ServerMessage } from '../websocket/subprotocol.ts';
import { StreamState, type StreamedConfig, type Wish } from './stream-state.ts';

export interface ConfigStreamOptions {
  /** Of the registry: `https://config.example`. */
  readonly url: string;
  /** Of the config: `checkout/production`. */
  readonly name: string;
  /** Left out: none, where nobody needs one. */
  readonly token?: string | undefined;
  /** Called with the config first, and whenever it is another. */
  readonly onChange: (config: StreamedConfig) => void;
  /** Rich flags that were made, changed or removed: what they answer may be different. */
  readonly onFlags?: (keys: readonly string[]) => void;
  /** What the server refused; after ERR_UNAUTHENTICATED the stream is closed, and not opened again. */
  readonly onError?: (error: AnyConfigError) => void;
  /** Milliseconds since 1970. Default: this machine's. */
  readonly clock?: () => number;
}

const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 30_000;
/** The server says something every 20 seconds: who hears nothing for longer has lost it. */
const SILENCE_MAX_MS = 45_000;
const PING_INTERVAL_MS = 15_000;
/** A timer waits no longer, so that a clock that jumped is noticed. */
const WAIT_MAX_MS = 15_000;

/**
 * Throws ERR_UNSUPPORTED where there is no WebSocket.
 * @example
 * const stream = openConfigStream({ url, name: 'checkout/production', token, onChange: (config) => render(config) });
 * await stream.ready;
 * if (stream.isEnabledFor('new_checkout', user.id)) showNewCheckout();
 * stream.close();
 */
export function openConfigStream(options: ConfigStreamOptions): ConfigStream {
  return new ConfigStream(options);
}

export class ConfigStream {
  /** Resolves when the config is known. */
  readonly ready: Promise<void>;
  readonly #options: ConfigStreamOptions;
  readonly #state = new StreamState();
  readonly #becomeReady: () => void;
  readonly #pings: ReturnType<typeof setInterval>;
  #current: StreamedConfig | null = null;
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  /** How far the server's clock is ahead of ours. */
  #ahead_ms = 0;
  #askedAt = 0;
  #heardAt = 0;
  #isClosed = false;

  constructor(options: ConfigStreamOptions) {
    this.#options = options;
    if (typeof WebSocket === 'undefined') throw needsWebSocket();
    let becomeReady = (): void => {};
    this.ready = new Promise((resolve) => (becomeReady = resolve));
    this.#becomeReady = becomeReady;
    this.#pings = setInterval(() => this.#ping(), PING_INTERVAL_MS);
    this.#connect();
  }

  /** The config as it is now; null: not known yet. */
  get current(): StreamedConfig | null {
    return this.#current;
  }

  /** Whether a feature is on for everyone; false while nothing is known. Throws ERR_UNKNOWN_FEATURE. */
  isEnabled(feature: string): boolean {
    if (this.#current === null) return false;
    const { features, config } = this.#current;
    if (!Object.hasOwn(features, feature)) throw unknownFeature(feature, Object.keys(features));
    return ((config.featureFlags >>> features[feature]!) & 1) === 1;
  }

  /** Whether it is on for everyone or for this key. Throws ERR_UNKNOWN_FEATURE. */
  isEnabledFor(feature: string, key: string): boolean {
    if (this.isEnabled(feature)) return true;
    const percent = this.#current?.rollouts[feature] ?? 0;
    return isInRollout(feature, key, Math.round(percent * 100));
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#pings);
    clearTimeout(this.#timer);
    clearTimeout(this.#retry);
    this.#socket?.close(1000, '');
    this.#socket = null;
  }

  #connect(): void {
    const { url, name, token } = this.#options;
    const address = new URL('/_dashboard/ws', url.replace(/^http/, 'ws'));
    address.searchParams.set('name', name);
    const { revision } = this.#state;
    if (revision !== null) address.searchParams.set('since', String(revision));
    const protocols = token === undefined ? [SUBPROTOCOL] : [SUBPROTOCOL, TOKEN_PROTOCOL + token];
    const socket = new WebSocket(address, protocols);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    this.#heardAt = performance.now();
    const own = (work: () => void): void => {
      if (this.#socket === socket) work();
    };
    socket.addEventListener('open', () => own(() => this.#ping()));
    socket.addEventListener('message', ({ data }) => own(() => this.#heard(data as string | ArrayBuffer)));
    socket.addEventListener('close', ({ code, reason }) => own(() => this.#lost(code, reason)));
  }

  #lost(code: number, reason: string): void {
    this.#socket = null;
    this.#state.disconnected();
    if (this.#isClosed) return;
    if (code === CLOSE.credentials) {
      this.close();
      this.#options.onError?.(credentials(reason));
      return;
    }
    const longest_ms = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(this.#failures++, 20));
    // Thousands of clients must not come back all at once.
    this.#retry = setTimeout(() => this.#connect(), longest_ms * (0.5 + Math.random() / 2));
  }

  /** Asks for the time, and whether anybody is there. */
  #ping(): void {
    const socket = this.#socket;
    if (socket === null) return;
    if (performance.now() - this.#heardAt > SILENCE_MAX_MS) {
      socket.close(4000, 'silence');
      return this.#lost(4000, 'silence');
    }
    this.#askedAt = performance.now();
    this.#say({ type: 'ping' });
  }

  #heard(data: string | ArrayBuffer): void {
    this.#heardAt = performance.now();
    try {
      const wish = typeof data === 'string' ? this.#said(data) : this.#state.takeFrame(new Uint8Array(data));
      this.#ask(wish);
    } catch (error) {
      // What cannot be understood may have been a change: the whole config is asked for.
      if (!isConfigError(error) && !(error instanceof SyntaxError)) throw error;
      this.#ask('snapshot');
    }
    this.#show();
  }

  #said(text: string): Wish {
    const message = JSON.parse(text) as ServerMessage;
    if (message.type === 'pong') this.#learnTime(message.serverTime);
    if (message.type === 'snapshot' || message.type === 'resumed') {
      this.#failures = 0;
      if (this.#askedAt === 0) this.#ahead_ms = message.serverTime - this.#clock();
    }
    if (message.type === 'flags') this.#options.onFlags?.(message.keys);
    if (message.type === 'error') this.#options.onError?.(refused(message));
    return this.#state.take(message);
  }

  /** Half of the way there and back is what the answer is old. */
  #learnTime(serverTime: number): void {
    const age_ms = (performance.now() - this.#askedAt) / 2;
    this.#ahead_ms = serverTime + age_ms - this.#clock();
  }

  #ask(wish: Wish): void {
    if (wish === 'resume') this.#say({ type: 'resume', revision: this.#state.revision! });
    if (wish === 'snapshot') this.#say({ type: 'snapshot' });
  }

  #say(message: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Tells of the config if it is another, and wakes when it will be. */
  #show(): void {
    const now = this.#clock() + this.#ahead_ms;
    const config = this.#state.at(now);
    clearTimeout(this.#timer);
    const next = this.#state.nextAfter(now);
    if (next !== null && !this.#isClosed) {
      this.#timer = setTimeout(() => this.#show(), Math.min(WAIT_MAX_MS, Math.max(1, next - now)));
    }
    if (config === null || isSame(config, this.#current)) return;
    this.#current = config;
    this.#becomeReady();
    this.#options.onChange(config);
  }

  #clock(): number {
    return (this.#options.clock ?? Date.now)();
  }
}

function needsWebSocket(): ConfigError<'ERR_UNSUPPORTED'> {
  return new ConfigError('ERR_UNSUPPORTED', {
    message: 'There is no WebSocket here, which a stream needs',
    hint: 'Use Node 22 or newer, Bun, or a browser.',
    details: { what: 'WebSocket', platform: 'this runtime' },
  });
}

function isSame(a: StreamedConfig, b: StreamedConfig | null): boolean {
  return b !== null && JSON.stringify({ ...a, bytes: null }) === JSON.stringify({ ...b, bytes: null });
}

function refused({ code, message, hint }: ServerMessage & { type: 'error' }): AnyConfigError {
  return new ConfigError(code, { message, hint, details: {} as never }) as AnyConfigError;
}

function credentials(reason: string): AnyConfigError {
  return new ConfigError('ERR_UNAUTHENTICATED', {
    message: `The registry has closed the stream: ${reason}`,
    hint: 'Open another one with a token that is good.',
    details: { why: 'closed' },
  }) as AnyConfigError;
}

function unknownFeature(feature: string, known: readonly string[]): ConfigError<'ERR_UNKNOWN_FEATURE'> {
  const suggestion = nearest(feature.slice(0, 80), known);
  return new ConfigError('ERR_UNKNOWN_FEATURE', {
    message: `Unknown feature: ${feature.slice(0, 80)}. Available: ${known.join(', ')}`,
    hint: suggestion === null ? 'Declare it in the registry: c13 feature declare.' : `Did you mean '${suggestion}'?`,
    details: { feature, known, nearest: suggestion },
  });
}
