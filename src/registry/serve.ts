/**
 * The registry on a port: the only place that serves. Knows sockets and limits, and nothing of what is asked for.
 * @module
 */
import { ConfigError } from '../errors/errors.ts';
import type { Peer } from './peer.ts';

/** A connection on which nothing comes or goes for so long is closed: a slow sender holds nothing for ever. */
const IDLE_TIMEOUT_S = 30;
/** Far above what `readBody` takes, so that its own answer is the one that is seen. */
const REQUEST_SIZE_MAX_BYTES = 64 * 1024 * 1024;
/** How long a stop waits for bodies that are on their way. */
const BODY_LIMIT_MS = 800;
/** How long a stop waits for answers that are under way. */
const DRAIN_LIMIT_MS = 5000;

type Answer = (
  request: Request,
  from: { readonly peer: Peer | null; readonly closing: AbortSignal },
) => Response | Promise<Response>;

/** Answers one method of one path at once, or null: then `answer` is asked, as for everything else. */
export interface HotRoute {
  readonly method: 'GET' | 'POST';
  readonly answer: (request: Bun.BunRequest) => Response | Promise<Response> | null;
}

export interface ServeOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
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
  /** Accepts nothing more, waits for what is under way, then closes every connection. */
  stop(): Promise<void>;
}

/** Errors: ERR_ADDRESS_IN_USE, ERR_SETTING for an address that is not this machine's. */
export function serve({ answer, ...options }: ServeOptions): Served {
  const { host } = options;
  const closing = new AbortController();
  const ask: Ask = (request, from) => answer(request, { ...from, closing: closing.signal });
  const server = listen({ ...options, ask });
  const bound = server.port!;
  return {
    port: bound,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
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

type Ask = (request: Request, from: { readonly peer: Peer | null }) => ReturnType<Answer>;
type Listen = Omit<ServeOptions, 'answer'> & { readonly ask: Ask };

function listen({ host, port, ask, hot, failed }: Listen): Bun.Server<undefined> {
  const peerOf = (request: Request, from: Bun.Server<undefined>): Peer | null => from.requestIP(request) as Peer | null;
  const fetch = (request: Request, from: Bun.Server<undefined>): ReturnType<Answer> =>
    ask(request, { peer: peerOf(request, from) });
  try {
    return Bun.serve({
      hostname: host,
      port,
      idleTimeout: IDLE_TIMEOUT_S,
      // Two programs on one port would each answer some of the requests.
      reusePort: false,
      maxRequestBodySize: REQUEST_SIZE_MAX_BYTES,
      development: false,
      routes: Object.fromEntries(
        Object.entries(hot).map(([path, { method, answer }]) => [
          path,
          { [method]: (request: Bun.BunRequest, from: Bun.Server<undefined>) => answer(request) ?? fetch(request, from) },
        ]),
      ),
      fetch,
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
