/**
 * A config that follows the registry: in browsers, Bun and Node, over a WebSocket that is opened again whenever it
 * breaks. Reads are plain; what is scheduled happens at its moment, by the server's clock. Changes nothing itself.
 * @module
 */
import { isInRollout } from '../config/rollout.ts';
import { isConfigError, type AnyConfigError } from '../errors/errors.ts';
import { CLOSE, type ServerMessage } from '../websocket/subprotocol.ts';
import { closedBefore, credentials, needsWebSocket, refused, unknownFeature } from './stream-errors.ts';
import type { StreamAddress } from './stream-errors.ts';
import { StreamConnection } from './stream-connection.ts';
import { StreamState, type StreamedConfig, type Wish } from './stream-state.ts';

/** What happens beside the config becoming another. Schedules are told of again by each connection. */
export type StreamEvent =
  | Extract<ServerMessage, { readonly type: 'scheduled' | 'cancelled' | 'done' | 'deleted' | 'package' }>
  | { readonly type: 'connected' }
  /** A connection that was open has ended; another one is opened. */
  | { readonly type: 'lost'; readonly reason: string };

export interface ConfigStreamOptions extends StreamAddress {
  /** Called with the config first, and whenever it is another. */
  readonly onChange: (config: StreamedConfig) => void;
  /** Rich flags that were made, changed or removed: what they answer may be different. */
  readonly onFlags?: (keys: readonly string[]) => void;
  readonly onEvent?: (event: StreamEvent) => void;
  /**
   * What the registry refused, and, once each time, why a connection does not open: ERR_REGISTRY_UNREACHABLE,
   * ERR_STREAM, or the registry's own. It is tried again, unless the stream `isClosed` by then: after
   * ERR_UNAUTHENTICATED and ERR_FORBIDDEN, and before the config is known also after ERR_NAME and ERR_NOT_FOUND.
   */
  readonly onError?: (error: AnyConfigError) => void;
  /** Milliseconds since 1970. Default: this machine's. */
  readonly clock?: () => number;
}

/** A timer waits no longer, so that a clock that jumped is noticed. */
const WAIT_MAX_MS = 15_000;
/** Who may not, may not later either. */
const FINAL: readonly string[] = ['ERR_UNAUTHENTICATED', 'ERR_FORBIDDEN'];
/** Of a config that was there, another one may be made. */
const FINAL_AT_FIRST: readonly string[] = [...FINAL, 'ERR_NAME', 'ERR_NOT_FOUND'];

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
  /** Resolves when the config is known; rejects when the stream is closed before: ERR_CLOSED, or what was refused. */
  readonly ready: Promise<void>;
  readonly #options: ConfigStreamOptions;
  readonly #state = new StreamState();
  readonly #becomeReady: () => void;
  readonly #failReady: (error: AnyConfigError) => void;
  readonly #connection: StreamConnection;
  #current: StreamedConfig | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** How far the server's clock is ahead of ours. */
  #ahead_ms = 0;
  /** Whether that is measured on this connection. */
  #isTimed = false;
  #isClosed = false;

  constructor(options: ConfigStreamOptions) {
    this.#options = options;
    if (typeof WebSocket === 'undefined') throw needsWebSocket();
    let settle = {} as { resolve: () => void; reject: (error: AnyConfigError) => void };
    this.ready = new Promise((resolve, reject) => (settle = { resolve, reject }));
    [this.#becomeReady, this.#failReady] = [settle.resolve, settle.reject];
    // Nobody has to wait for it.
    void Promise.allSettled([this.ready]);
    this.#connection = new StreamConnection({
      address: options,
      since: () => this.#state.revision,
      onOpen: () => options.onEvent?.({ type: 'connected' }),
      onMessage: (data) => this.#heard(data),
      onEnd: ({ wasOpen, code, reason }) => this.#lost(wasOpen, code, reason),
      onRefusal: (error) => this.#notLetIn(error),
    });
  }

  /** The config as it is now; null: not known yet. */
  get current(): StreamedConfig | null {
    return this.#current;
  }

  /** Nothing more is heard, and nothing tried again. */
  get isClosed(): boolean {
    return this.#isClosed;
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
    this.#failReady(closedBefore(this.#options.name) as AnyConfigError);
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#connection.close();
  }

  #lost(wasOpen: boolean, code: number, reason: string): void {
    this.#isTimed = false;
    this.#state.disconnected();
    if (code === CLOSE.credentials) return this.#end(credentials(reason));
    if (wasOpen) this.#options.onEvent?.({ type: 'lost', reason });
    // A machine that slept, or whose clock was set, is behind its timers.
    this.#show();
  }

  #notLetIn(error: AnyConfigError): void {
    const isFinal = (this.#current === null ? FINAL_AT_FIRST : FINAL).includes(error.code);
    if (isFinal) this.#end(error);
    else this.#options.onError?.(error);
  }

  /** For good. */
  #end(error: AnyConfigError): void {
    this.#failReady(error);
    this.close();
    this.#options.onError?.(error);
  }

  #heard(data: string | ArrayBuffer): void {
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
    const wish = this.#state.take(message);
    switch (message.type) {
      case 'pong':
        this.#learnTime(message.serverTime);
        break;
      case 'snapshot':
      case 'resumed':
        this.#connection.works();
        // Until it is measured, as if it had come at once: what is scheduled is judged by it.
        if (!this.#isTimed) this.#ahead_ms = message.serverTime - this.#clock();
        break;
      case 'flags':
        this.#options.onFlags?.(message.keys);
        break;
      case 'error':
        this.#options.onError?.(refused(message));
        break;
      case 'scheduled':
      case 'cancelled':
      case 'done':
      case 'deleted':
      case 'package':
        this.#options.onEvent?.(message);
    }
    return wish;
  }

  /** Half of the way there and back is what the answer is old. */
  #learnTime(serverTime: number): void {
    this.#ahead_ms = serverTime + this.#connection.asked_ms / 2 - this.#clock();
    this.#isTimed = true;
  }

  #ask(wish: Wish): void {
    if (wish === 'resume') this.#connection.say({ type: 'resume', revision: this.#state.revision! });
    if (wish === 'snapshot') this.#connection.say({ type: 'snapshot' });
  }

  /** Tells of the config if it is another, and wakes when it will be. */
  #show(): void {
    if (this.#isClosed) return;
    const now = this.#clock() + this.#ahead_ms;
    const config = this.#state.at(now);
    clearTimeout(this.#timer);
    const next = this.#state.nextAfter(now);
    if (next !== null) {
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

function isSame(a: StreamedConfig, b: StreamedConfig | null): boolean {
  return b !== null && JSON.stringify({ ...a, bytes: null }) === JSON.stringify({ ...b, bytes: null });
}
