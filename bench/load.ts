/**
 * A client that costs little, so that what is measured is the server: keep-alive connections, one request at a time on
 * each, responses told apart by their length alone. Knows GET, POST of one body, and nothing else.
 * @module
 */

export interface Target {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON to post; left out: GET. */
  readonly body?: string;
}

interface Waiter {
  readonly resolve: (status: number) => void;
  readonly reject: (error: Error) => void;
}

const HEAD_END = '\r\n\r\n';
const LENGTH = 'ontent-length: ';
const TICK_MS = 1;

/** One connection: `get` resolves with the status when the whole response is there. */
class Connection {
  readonly #port: number;
  readonly #request: Uint8Array;
  #socket: Bun.Socket<undefined> | null = null;
  #waiter: Waiter | null = null;
  #held: Buffer<ArrayBuffer> = Buffer.alloc(0);

  constructor({ port, path, headers, body }: Target) {
    const posted =
      body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
    const all = Object.entries({ Host: `127.0.0.1:${port}`, ...headers, ...posted });
    const lines = all.map(([name, value]) => `${name}: ${value}`);
    const method = body === undefined ? 'GET' : 'POST';
    this.#port = port;
    this.#request = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}${HEAD_END}${body ?? ''}`);
  }

  /** Servers close connections that rest for long. */
  async open(): Promise<void> {
    this.#socket ??= await Bun.connect({
      hostname: '127.0.0.1',
      port: this.#port,
      socket: {
        data: (_socket, chunk) => this.receive(chunk),
        close: () => this.#fail(new Error('the server closed the connection')),
        error: (_socket, error) => this.#fail(error),
      },
    });
  }

  get(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      this.#socket!.write(this.#request);
    });
  }

  close(): void {
    this.#waiter = null;
    this.#socket?.end();
  }

  receive(chunk: Buffer): void {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const head = bytes.indexOf(HEAD_END);
    if (head < 0 || bytes.length < head + HEAD_END.length + bodyLength(bytes)) {
      this.#held = Buffer.from(bytes);
      return;
    }
    this.#held = Buffer.alloc(0);
    const waiter = this.#waiter;
    this.#waiter = null;
    // `HTTP/1.1 200`
    waiter?.resolve(numberAt(bytes, 9));
  }

  #fail(error: Error): void {
    this.#socket = null;
    this.#waiter?.reject(error);
  }
}

/** A 304 says nothing of one. */
function bodyLength(bytes: Buffer): number {
  const at = bytes.indexOf(LENGTH);
  return at < 0 ? 0 : numberAt(bytes, at + LENGTH.length);
}

function numberAt(bytes: Uint8Array, from: number): number {
  let value = 0;
  for (let at = from; bytes[at]! >= 48 && bytes[at]! <= 57; at++) value = value * 10 + bytes[at]! - 48;
  return value;
}

export class Load {
  readonly #connections: readonly Connection[];

  private constructor(connections: readonly Connection[]) {
    this.#connections = connections;
  }

  static open(target: Target, connections: number): Load {
    return new Load(Array.from({ length: connections }, () => new Connection(target)));
  }

  /** So many requests as fast as they go, over all connections. Returns the sum of the statuses. */
  async run(requests: number): Promise<number> {
    await this.#open();
    let left = requests;
    let sum = 0;
    const work = async (connection: Connection): Promise<void> => {
      while (left-- > 0) {
        const status = await connection.get();
        sum += status;
      }
    };
    await Promise.all(this.#connections.map(work));
    return sum;
  }

  /**
   * `perSecond` requests a second for so long, sent as they fall due, at every tick of a millisecond and whether or not
   * those before are answered. Between ticks the client sleeps: one that waits in a loop takes a core from the server.
   * Returns how long each took from the tick at which it was due, in milliseconds: a wait for a free connection counts.
   */
  async paced(perSecond: number, seconds: number): Promise<number[]> {
    await this.#open();
    const total = Math.max(1, Math.round(perSecond * seconds));
    const free = [...this.#connections];
    const waiting: number[] = [];
    const took: number[] = [];
    const send = async (connection: Connection): Promise<void> => {
      for (let due = waiting.shift(); due !== undefined; due = waiting.shift()) {
        const status = await connection.get();
        if (status !== 200) throw new Error(`answered ${status}`);
        took.push(performance.now() - due);
      }
      free.push(connection);
    };
    const sending: Promise<void>[] = [];
    const began = performance.now();
    for (let due = 0; due < total;) {
      await new Promise<void>((resolve) => void setTimeout(resolve, TICK_MS));
      const now = performance.now();
      const end = Math.min(total, Math.floor(((now - began) * perSecond) / 1000));
      for (; due < end; due++) waiting.push(now);
      while (waiting.length > 0 && free.length > 0) sending.push(send(free.pop()!));
    }
    await Promise.all(sending);
    return took;
  }

  async #open(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.open()));
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}
