/**
 * Many WebSocket clients of one server: how long until a change has reached nearly all of them. Plain sockets, so that
 * the crowd costs as little as it can.
 * @module
 */

export interface Gathering {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly clients: number;
  /** Whether a message of a server is the one that ends a change. */
  readonly ends: (message: Uint8Array) => boolean;
}

/** The part of the clients that must have heard: one that stumbles decides nothing. */
const PART = 0.99;
const HEAD_END = '\r\n\r\n';
const BINARY = 0x82;
/** Opened at once: more are refused by the queue of the port. */
const BATCH = 100;

export class Crowd {
  readonly #gathering: Gathering;
  readonly #sockets: Bun.Socket<undefined>[] = [];
  #heard = 0;
  #reached: (() => void) | null = null;

  private constructor(gathering: Gathering) {
    this.#gathering = gathering;
  }

  static async gather(gathering: Gathering): Promise<Crowd> {
    const crowd = new Crowd(gathering);
    for (let left = gathering.clients; left > 0; left -= BATCH) {
      await Promise.all(Array.from({ length: Math.min(BATCH, left) }, () => crowd.#join()));
    }
    return crowd;
  }

  /** Makes a change and waits until it has reached nearly all; the others are waited for too, untimed by `before`. */
  async reach(change: () => Promise<unknown>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#heard = 0;
    this.#reached = resolve;
    await Promise.all([change(), promise]);
  }

  close(): void {
    for (const socket of this.#sockets) socket.terminate();
  }

  async #join(): Promise<void> {
    const { port, path, headers } = this.#gathering;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const lines = Object.entries({
      Host: `127.0.0.1:${port}`,
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      ...headers,
    }).map(([name, value]) => `${name}: ${value}`);
    let held: Buffer<ArrayBuffer> | null = null;
    let isOpen = false;
    const socket = await Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        data: (_socket, chunk) => {
          let bytes: Buffer = held === null ? chunk : Buffer.concat([held, chunk]);
          held = null;
          if (!isOpen) {
            const end = bytes.indexOf(HEAD_END);
            if (end < 0) return void (held = Buffer.from(bytes));
            if (!bytes.toString('latin1', 0, 12).endsWith('101')) return reject(new Error(bytes.toString()));
            isOpen = true;
            resolve();
            bytes = bytes.subarray(end + HEAD_END.length);
          }
          const rest = this.#take(bytes);
          if (rest.length > 0) held = Buffer.from(rest);
        },
        error: (_socket, error) => reject(error),
        close: () => reject(new Error('the server closed the connection')),
      },
    });
    this.#sockets.push(socket);
    socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}${HEAD_END}`);
    await promise;
  }

  /** Messages of a server are not masked; returns what is not whole yet. */
  #take(bytes: Buffer): Buffer {
    let at = 0;
    for (;;) {
      const left = bytes.length - at;
      const short = bytes[at + 1]!;
      const head = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (left < head) break;
      const length =
        head === 2 ? short : head === 4 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
      if (left < head + length) break;
      const isEnd = bytes[at] === BINARY && this.#gathering.ends(bytes.subarray(at + head, at + head + length));
      at += head + length;
      if (isEnd && ++this.#heard === Math.ceil(this.#gathering.clients * PART)) this.#reached?.();
    }
    return bytes.subarray(at);
  }
}
