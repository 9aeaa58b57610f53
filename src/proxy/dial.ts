/**
 * Finds the address of a host that accepts connections, within a time: `fetch` tells nothing before it has an answer,
 * so neither how long a connection takes nor that another address would do. An address that was good is believed for a
 * minute, so the extra connection is rare.
 * @module
 */
import { connect } from 'node:net';
import { upstreamError } from './upstream-error.ts';

const BELIEVED_MS = 60_000;
const KNOWN_MAX = 1024;

export class Dialer {
  readonly #timeout_ms: number;
  readonly #good = new Map<string, number>();

  constructor(timeout_ms: number) {
    this.#timeout_ms = timeout_ms;
  }

  /** The first address that accepts; each has the whole time. Throws ERR_UPSTREAM, `connect` or `timeout`. */
  async pick(url: URL, addresses: readonly string[]): Promise<string> {
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
    const good = addresses.find((address) => (this.#good.get(`${address} ${port}`) ?? 0) > performance.now());
    if (good !== undefined) return good;
    let failure: unknown = null;
    for (const address of addresses) {
      try {
        await dial(address, port, this.#timeout_ms);
        if (this.#good.size >= KNOWN_MAX) this.#good.clear();
        this.#good.set(`${address} ${port}`, performance.now() + BELIEVED_MS);
        return address;
      } catch (error) {
        failure = error;
      }
    }
    const fault = (failure as NodeJS.ErrnoException).code === 'ETIMEDOUT' ? 'timeout' : 'connect';
    throw upstreamError(url, fault, `no connection to ${addresses.join(', ')}`, failure);
  }

  /** Believes in no address any more. */
  forget(): void {
    this.#good.clear();
  }
}

/** Opens a connection and closes it. */
function dial(host: string, port: number, timeout_ms: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ host, port });
  const timer = setTimeout(() => {
    socket.destroy(Object.assign(new Error(`no answer within ${timeout_ms} ms`), { code: 'ETIMEDOUT' }));
  }, timeout_ms);
  socket.once('connect', resolve);
  socket.once('error', reject);
  return promise.finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}
