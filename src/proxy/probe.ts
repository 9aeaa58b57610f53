/** Takes the way to a server apart, to see which part of it is slow or broken: name, connection, TLS. @module */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { DnsCache } from './dns.ts';
import { hostOf, type Proxies, proxyFor } from './route.ts';
import { upstreamError } from './upstream-error.ts';

export interface ProbeOptions {
  readonly dns: DnsCache;
  readonly proxies: Proxies;
  /** Certificates to trust instead of those of the system (PEM). */
  readonly ca?: string;
  /** For the connection, and for TLS. */
  readonly timeout_ms: number;
}

/** Milliseconds; null for what is not on this way: a proxy resolves names and passes TLS on by itself. */
export interface Probed {
  /** Where the connection goes. */
  readonly address: string;
  /** The proxy, without its credentials. */
  readonly proxy: string | null;
  readonly dns_ms: number | null;
  readonly connect_ms: number;
  readonly tls_ms: number | null;
}

/** Goes the way once, on a connection of its own. Throws ERR_UPSTREAM, whose fault is the part that broke. */
export async function probe(url: URL, { dns, proxies, ca, timeout_ms }: ProbeOptions): Promise<Probed> {
  const proxy = proxyFor(url, proxies);
  const next = proxy === null ? url : new URL(proxy);
  const host = hostOf(next);
  const isResolved = proxy === null && isIP(host) === 0;
  const [[address = host], dns_ms] = await timed(() => (isResolved ? dns.addresses(host) : [host]));
  const dialled = connect({ host: address, port: portOf(next) });
  try {
    const [, connect_ms] = await timed(() => event(dialled, 'connect', next, 'connect', timeout_ms));
    const way = { address, proxy: proxy && next.origin, dns_ms: isResolved ? dns_ms : null, connect_ms };
    if (proxy !== null || url.protocol !== 'https:') return { ...way, tls_ms: null };
    const secured = connectTls({
      socket: dialled,
      ...(ca === undefined ? {} : { ca }),
      ...(isIP(host) === 0 ? { servername: host } : { host }),
    });
    const [, tls_ms] = await timed(() => event(secured, 'secureConnect', url, 'tls', timeout_ms));
    return { ...way, tls_ms };
  } finally {
    dialled.destroy();
  }
}

function portOf({ port, protocol }: URL): number {
  return Number(port || (protocol === 'https:' ? 443 : 80));
}

async function timed<T>(work: () => T | Promise<T>): Promise<[T, number]> {
  const started = performance.now();
  return [await work(), performance.now() - started];
}

function event(socket: Socket, name: string, url: URL, fault: 'connect' | 'tls', timeout_ms: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(
    () => reject(upstreamError(url, 'timeout', `no ${name} within ${timeout_ms} ms`)),
    timeout_ms,
  );
  socket.once(name, resolve);
  socket.on('error', (cause) => reject(upstreamError(url, fault, cause.message, cause)));
  return promise.finally(() => clearTimeout(timer));
}
