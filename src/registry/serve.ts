/**
 * The registry on a port: the only place that serves. Knows sockets and limits, and nothing of what is asked for.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import type { Socket } from '../websocket/connection.ts';
import type { Peer } from './peer.ts';

/** A connection on which nothing comes or goes for so long is closed: a slow sender holds nothing for ever. */
const IDLE_TIMEOUT_S = 30;
/** The same for an answer that others are asked for, who may take their time: the most that there is. */
const PATIENT_TIMEOUT_S = 255;
/** Far above what a route takes, so that its own answer is the one that is seen. */
const REQUEST_SIZE_ROOM_BYTES = 64 * 1024 * 1024;
/** A socket on which nothing comes, not even the answer to a ping, is closed after so long. */
const SOCKET_IDLE_S = 60;
/** Above what is judged, so that it is judged; what is longer still ends the connection (1009). */
const MESSAGE_SIZE_MAX_BYTES = 64 * 1024;
/** Far above where a client that does not read is dropped with a reason. */
const SOCKET_WAITING_MAX_BYTES = 8 * 1024 * 1024;
/** How long a stop waits for bodies that are on their way. */
const BODY_LIMIT_MS = 800;
/** How long a stop waits for answers that are under way. */
const DRAIN_LIMIT_MS = 5000;

/** Whoever is on a WebSocket. */
export interface SocketClient {
  opened(socket: Socket): void;
  received(data: string | Uint8Array): void;
  closed(): void;
}

interface From {
  readonly peer: Peer | null;
  /** Makes a WebSocket of the connection, in a subprotocol or in none; false: the request is no handshake. */
  readonly upgrade: (client: SocketClient, protocol: string | null) => boolean;
  /** The answer may take its time: the connection stays while nothing comes. */
  readonly patient: () => void;
}

type Answer = (request: Request, from: From & { readonly closing: AbortSignal }) => Response | Promise<Response>;

/** Answers one method of one path at once, or null: then `answer` is asked, as for everything else. */
export interface HotRoute {
  readonly method: 'GET' | 'POST';
  readonly answer: (request: Bun.BunRequest, closing: AbortSignal) => Response | Promise<Response | null> | null;
}

export interface ServeOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** Of the largest body that any route takes. What comes is held by nobody who does not read it. */
  readonly body_bytes?: number;
  readonly answer: Answer;
  /** Answers what neither of them could. */
  readonly failed: (error: unknown) => Response;
  /** What is answered where the server hands the request over, by path. */
  readonly hot: Readonly<Record<string, HotRoute>>;
}

export interface Served {
  readonly port: number;
  /** `http://127.0.0.1:4873` */
  readonly url: string;
  /** To all sockets that have subscribed to the topic. */
  publish(topic: string, data: string | Uint8Array): void;
  /** Accepts nothing more, waits for what is under way, then closes every connection. */
  stop(): Promise<void>;
}

/** Errors: ERR_ADDRESS_IN_USE, ERR_SETTING for an address that is not this machine's. */
export function serve({ answer, ...options }: ServeOptions): Served {
  const { host } = options;
  const closing = new AbortController();
  const ask: Ask = (request, from) => answer(request, { ...from, closing: closing.signal });
  const server = listen({ ...options, ask, closing: closing.signal });
  const bound = server.port!;
  return {
    port: bound,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    publish: (topic, data) => void server.publish(topic, data),
    async stop() {
      const limit = Promise.withResolvers<void>();
      const timers = [
        setTimeout(() => closing.abort(), BODY_LIMIT_MS),
        setTimeout(() => limit.resolve(), DRAIN_LIMIT_MS),
      ];
      await Promise.race([server.stop(), limit.promise]);
      timers.forEach(clearTimeout);
      await server.stop(true);
    },
  };
}

type Ask = (request: Request, from: From) => ReturnType<Answer>;
type Server = Bun.Server<SocketClient>;
type Listen = Omit<ServeOptions, 'answer'> & { readonly ask: Ask; readonly closing: AbortSignal };

function upgraded(server: Server, request: Request, data: SocketClient, protocol: string | null): boolean {
  return server.upgrade(request, {
    data,
    ...(protocol === null ? {} : { headers: { 'sec-websocket-protocol': protocol } }),
  });
}

const WEBSOCKET: Bun.WebSocketHandler<SocketClient> = {
  open: (socket) => socket.data.opened(socket),
  message: (socket, data) => socket.data.received(data),
  close: (socket) => socket.data.closed(),
  maxPayloadLength: MESSAGE_SIZE_MAX_BYTES,
  idleTimeout: SOCKET_IDLE_S,
  backpressureLimit: SOCKET_WAITING_MAX_BYTES,
  closeOnBackpressureLimit: true,
  // Frames are 14 bytes: compressed they are longer, and each client would cost its window.
  perMessageDeflate: false,
};

function listen({ host, port, body_bytes = 0, ask, closing, hot, failed }: Listen): Server {
  const fetch = (request: Request, from: Server): ReturnType<Answer> =>
    ask(request, {
      peer: from.requestIP(request) as Peer | null,
      upgrade: (client, protocol) => upgraded(from, request, client, protocol),
      patient: () => from.timeout(request, PATIENT_TIMEOUT_S),
    });
  const fetchHot = (request: Bun.BunRequest, from: Server, { answer }: HotRoute): ReturnType<Answer> => {
    const made = answer(request, closing);
    if (!(made instanceof Promise)) return made ?? fetch(request, from);
    return made.then((late) => late ?? fetch(request, from));
  };
  try {
    return Bun.serve({
      hostname: host,
      port,
      idleTimeout: IDLE_TIMEOUT_S,
      // Two programs on one port would each answer some of the requests.
      reusePort: false,
      maxRequestBodySize: body_bytes + REQUEST_SIZE_ROOM_BYTES,
      development: false,
      routes: Object.fromEntries(
        Object.entries(hot).map(([path, route]) => [
          path,
          { [route.method]: (request: Bun.BunRequest, from: Server) => fetchHot(request, from, route) },
        ]),
      ),
      fetch,
      websocket: WEBSOCKET,
      error: failed,
    });
  } catch (cause) {
    throw listenError(host, port, cause);
  }
}

function listenError(host: string, port: number, cause: unknown): ConfigError {
  if ((cause as { code?: unknown }).code === 'EADDRINUSE') {
    return new ConfigError('ERR_ADDRESS_IN_USE', {
      message: `Port ${port} of ${host} is in use`,
      hint: 'Stop what listens there, or choose another with --port (0 takes a free one).',
      details: { host, port },
      cause,
    });
  }
  return new ConfigError('ERR_SETTING', {
    message: `Cannot listen on ${host}, port ${port}: ${(cause as Error).message}`,
    hint: 'Set C13_HOST or --host to an address of this machine, and --port to one this user may open.',
    details: { setting: 'C13_HOST', value: host },
    cause,
  });
}
