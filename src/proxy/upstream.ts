/**
 * Requests to other servers: by addresses from the DNS cache, over kept connections, through the proxies of the
 * environment, within times and sizes, and with a config only to registries of ours. A server is never taken at its
 * word: neither how long it takes, nor how much it sends, nor where it redirects to.
 * @module
 */
import { isIP } from 'node:net';
import { isConfigError } from '../errors/errors.ts';
import { limitedBody, Patience } from './answer.ts';
import { Dialer } from './dial.ts';
import type { DnsCache } from './dns.ts';
import { type ConfigSender, withConfigHeaders } from './middleware.ts';
import { isPublicAddress } from './public-address.ts';
import { hostOf, type Proxies, proxyFor } from './route.ts';
import { faultOf, upstreamError } from './upstream-error.ts';

export interface UpstreamLimits {
  /** Until an address accepts a connection. Default: 5 s. */
  readonly connect_ms: number;
  /** Without a byte, before the answer begins and within it. Default: 30 s. */
  readonly idle_ms: number;
  /** Until the answer is whole. Default: 5 min. */
  readonly total_ms: number;
  /** Bytes of an answer, after decompression. Default: 64 MiB. */
  readonly body_bytes: number;
}

export interface UpstreamOptions {
  readonly dns: DnsCache;
  readonly proxies: Proxies;
  /** Left out: no request carries a config. */
  readonly sender?: ConfigSender;
  /** Certificates to trust instead of those of the system (PEM). */
  readonly ca?: string;
  readonly limits?: Partial<UpstreamLimits>;
  /** Told of every request, when its answer begins or fails. */
  readonly observe?: (seen: UpstreamSeen) => void;
}

/** For metrics. */
export interface UpstreamSeen {
  /** The status of the answer, or the fault of ERR_UPSTREAM; `aborted` when the caller lost patience. */
  readonly outcome: number | string;
  readonly took_ms: number;
}

export interface UpstreamInit {
  readonly method?: string;
  readonly headers?: HeadersInit;
  readonly body?: string | Uint8Array<ArrayBuffer> | null;
  readonly signal?: AbortSignal;
  /** Whether GET and HEAD follow redirects; others never do. Default: true. */
  readonly follow?: boolean;
  /**
   * The server that named the address, if another one did: unless that one is on this machine or in a private network
   * itself, the address must be one that anybody can reach.
   */
  readonly namedBy?: string | null;
}

const DEFAULT_LIMITS: UpstreamLimits = {
  connect_ms: 5000,
  idle_ms: 30_000,
  total_ms: 300_000,
  body_bytes: 64 * 1024 * 1024,
};
const IDLE_CONNECTION_S = 30;
const IDLE_CONNECTIONS_MAX = 16;
const HOPS_MAX = 5;
const REDIRECTS = [301, 302, 303, 307, 308];
/** What belongs to one origin and is of no concern to another. */
const OF_ONE_ORIGIN = ['authorization', 'cookie', 'proxy-authorization'];

const NOBODY: ConfigSender = {
  ours: new Set(),
  config: () => {
    throw new RangeError('nobody is sent a config');
  },
};

/**
 * @example
 * const upstream = new Upstream({ dns: new DnsCache(), proxies: readProxies() });
 * const answer = await upstream.fetch('https://upstream.example/package');
 */
export class Upstream {
  readonly #dns: DnsCache;
  readonly #proxies: Proxies;
  readonly #sender: ConfigSender;
  readonly #ca: string | null;
  readonly #limits: UpstreamLimits;
  readonly #observe: (seen: UpstreamSeen) => void;
  readonly #dialer: Dialer;
  readonly #session = new Bun.FetchSession({
    keepAlive: { idleTimeout: IDLE_CONNECTION_S, maxIdleSockets: IDLE_CONNECTIONS_MAX },
  });

  constructor({ dns, proxies, sender = NOBODY, ca, limits = {}, observe = () => {} }: UpstreamOptions) {
    this.#dns = dns;
    this.#proxies = proxies;
    this.#sender = sender;
    this.#ca = ca ?? null;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#observe = observe;
    this.#dialer = new Dialer(this.#limits.connect_ms);
  }

  /**
   * The answer, whatever its status. Throws ERR_UPSTREAM, whose `fault` says what went wrong (so may reading the body),
   * and what `signal` was aborted with.
   */
  async fetch(address: string | URL, init: UpstreamInit = {}): Promise<Response> {
    const patience = new Patience(new URL(address), this.#limits, init.signal ?? null);
    const started = performance.now();
    let outcome: number | string = 'aborted';
    try {
      const answer = await this.#answer(new URL(address), init, patience);
      outcome = answer.status;
      return answer;
    } catch (error) {
      patience.end();
      if (isConfigError(error) && error.code === 'ERR_UPSTREAM') outcome = error.details.fault;
      throw error;
    } finally {
      this.#observe({ outcome, took_ms: performance.now() - started });
    }
  }

  /** Closes the connections that are kept; the next request opens new ones. */
  close(): void {
    this.#session.close();
    this.#dialer.forget();
  }

  async #answer(
    first: URL,
    { method = 'GET', follow = true, namedBy = null, ...init }: UpstreamInit,
    patience: Patience,
  ) {
    const headers = new Headers(init.headers);
    let url = first;
    const isOpen = namedBy !== null && (await patience.within(this.#isPublic(new URL(namedBy))));
    for (let hop = 0; hop <= HOPS_MAX; hop++) {
      const answer = await this.#send(url, { method, headers, body: init.body ?? null }, isOpen, patience);
      const location = answer.headers.get('location');
      const isRedirect =
        follow && /^(GET|HEAD)$/.test(method) && REDIRECTS.includes(answer.status) && location !== null;
      if (!isRedirect) return limitedBody(url, answer, this.#limits.body_bytes, patience);
      await answer.body?.cancel();
      const next = nextHop(url, location);
      if (next.origin !== url.origin) for (const name of OF_ONE_ORIGIN) headers.delete(name);
      url = next;
    }
    throw upstreamError(first, 'redirect', `it is redirected more than ${HOPS_MAX} times`);
  }

  /** One hop. Where not even a connection came about, nothing was sent, and fresh addresses get a second chance. */
  async #send(url: URL, request: BunFetchRequestInit, isOpen: boolean, patience: Patience): Promise<Response> {
    const headers = withConfigHeaders(url, request.headers!, this.#sender);
    for (let isLast = false; ; isLast = true) {
      try {
        const [target, route] = await patience.within(this.#route(url, isOpen));
        headers.set('host', url.host);
        const sent = { ...request, ...route, headers, redirect: 'manual', signal: patience.signal } as const;
        return await patience.within(this.#session.fetch(target, sent));
      } catch (error) {
        patience.signal.throwIfAborted();
        if (isConfigError(error)) throw error;
        const fault = faultOf(error);
        if (fault !== 'connect' || isLast) throw upstreamError(url, fault, (error as Error).message, error);
        this.#dns.forget(hostOf(url));
        this.#dialer.forget();
      }
    }
  }

  /** Where `fetch` has to go for a URL, and how. A proxy resolves names itself. `isOpen`: to public addresses alone. */
  async #route(url: URL, isOpen: boolean): Promise<[target: string, BunFetchRequestInit]> {
    const trust = this.#ca === null ? {} : { ca: this.#ca };
    const proxy = proxyFor(url, this.#proxies);
    if (proxy !== null) {
      if (isOpen && !(await this.#isPublic(url))) throw closed(url);
      await this.#reach(url, new URL(proxy));
      return [url.href, { proxy: { url: proxy, respectNoProxy: false }, tls: trust }];
    }
    const host = hostOf(url);
    const isAddress = isIP(host) !== 0;
    const known = await this.#addressesOf(host);
    const allowed = isOpen ? known.filter(isPublicAddress) : known;
    if (allowed.length === 0) throw closed(url);
    const address = await this.#dialer.pick(url, allowed);
    const target = new URL(url);
    target.hostname = address.includes(':') ? `[${address}]` : address;
    return [target.href, { proxy: false, tls: isAddress ? trust : { ...trust, serverName: host } }];
  }

  async #addressesOf(host: string): Promise<readonly string[]> {
    return isIP(host) === 0 ? (this.#dns.find(host) ?? (await this.#dns.addresses(host))) : [host];
  }

  /** Whether it has an address that anybody can reach. Of a name that a proxy resolves nobody knows: it is taken so. */
  async #isPublic(url: URL): Promise<boolean> {
    const host = hostOf(url);
    if (proxyFor(url, this.#proxies) !== null) return isIP(host) === 0 || isPublicAddress(host);
    return (await this.#addressesOf(host)).some(isPublicAddress);
  }

  /** A proxy that is not there is no fault of the server that was asked for. */
  async #reach(url: URL, proxy: URL): Promise<void> {
    try {
      await this.#dialer.pick(proxy, [hostOf(proxy)]);
    } catch (error) {
      throw upstreamError(url, 'proxy', `no connection to the proxy ${proxy.origin}`, error);
    }
  }
}

function closed(url: URL): Error {
  return upstreamError(url, 'private', 'it is in a private network, and named by somebody outside');
}

/** Never from https to http, and never to another scheme. */
function nextHop(url: URL, location: string): URL {
  const next = URL.parse(location, url.href);
  const isFine = next?.protocol === 'https:' || (next?.protocol === 'http:' && url.protocol === 'http:');
  if (next !== null && isFine) return next;
  throw upstreamError(url, 'redirect', `it redirects to ${JSON.stringify(location.slice(0, 80))}`);
}
