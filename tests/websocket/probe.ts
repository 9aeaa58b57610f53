/** A client of streams that remembers what it heard, and a handshake whose answer can be seen. @module */
import { onTestFinished } from 'vitest';
import { frameDecode } from '../../bindings/frame.ts';
import type { Frame } from '../../bindings/backend.ts';
import { openReference } from '../../bindings/reference.ts';
import type { ServerMessage } from '../../src/websocket/subprotocol.ts';

const core = openReference();

type Heard = Frame | ServerMessage;
type Headers = Readonly<Record<string, string>>;

export class Probe {
  readonly socket: WebSocket;
  /** Frames and messages in their order. */
  readonly heard: Heard[] = [];
  closed: { code: number; reason: string } | null = null;
  #waiting: (() => void)[] = [];

  constructor(url: string, query: string, headers: Headers = {}, protocols = ['bun.config.v1']) {
    const address = `${url.replace(/^http/, 'ws')}/_dashboard/ws?${query}`;
    this.socket = new WebSocket(address, { protocols, headers } as never);
    this.socket.binaryType = 'arraybuffer';
    this.socket.onmessage = ({ data }) => {
      this.heard.push(typeof data === 'string' ? JSON.parse(data) : frameDecode(new Uint8Array(data)));
      this.#wake();
    };
    this.socket.onclose = ({ code, reason }) => {
      this.closed = { code, reason };
      this.#wake();
    };
    onTestFinished(() => this.socket.close());
  }

  static async open(...args: ConstructorParameters<typeof Probe>): Promise<Probe> {
    const probe = new Probe(...args);
    await probe.message('snapshot', 'resumed', 'error');
    return probe;
  }

  frame(frame: Frame): void {
    this.socket.send(Uint8Array.from(core.frameEncode(frame)));
  }

  say(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  /** The first message of a type from the `from`th thing on that was heard. */
  async message(...types: ServerMessage['type'][]): Promise<any> {
    return await this.until(() => this.heard.find((one) => types.includes(one.type as never)));
  }

  /** All up to and with the heartbeat of this revision. */
  async frames(revision: number): Promise<Frame[]> {
    await this.until(() =>
      this.heard.find((one) => one.type === 5 && 'value' in one && one.value === BigInt(revision)),
    );
    return this.heard.filter((one): one is Frame => typeof one.type === 'number');
  }

  async end(): Promise<{ code: number; reason: string }> {
    return await this.until(() => this.closed);
  }

  forget(): void {
    this.heard.length = 0;
  }

  async until<T>(find: () => T | null | undefined): Promise<T> {
    for (;;) {
      const found = find();
      if (found !== null && found !== undefined) return found;
      if (this.closed !== null) throw new Error(`closed ${JSON.stringify(this.closed)}: ${shown(this.heard)}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

function shown(heard: readonly Heard[]): string {
  return JSON.stringify(heard, (_, value) => (typeof value === 'bigint' ? String(value) : value));
}

const HANDSHAKE: Headers = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

export interface RawSocket {
  readonly status: number;
  /** Everything that came, the head of the answer first. */
  readonly text: () => string;
  readonly bytes: () => Buffer;
  write(bytes: string | Uint8Array): void;
  pause(): void;
  resume(): void;
  readonly ended: Promise<void>;
}

/** A handshake over a plain connection: what it is answered, whatever that is. */
export async function handshake(url: string, query: string, headers: Headers = {}): Promise<RawSocket> {
  const { hostname, port, host } = new URL(url);
  const chunks: Buffer[] = [];
  const [head, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      data: (_, data) => {
        chunks.push(Buffer.from(data));
        if (Buffer.concat(chunks).includes('\r\n\r\n')) head.resolve();
      },
      close: () => {
        head.resolve();
        end.resolve();
      },
    },
  });
  onTestFinished(() => socket.terminate());
  const lines = Object.entries({ host, ...HANDSHAKE, ...headers }).map(([name, value]) => `${name}: ${value}`);
  socket.write(`GET /_dashboard/ws?${query} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  await head.promise;
  const bytes = (): Buffer => Buffer.concat(chunks);
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(bytes().toString('latin1'))?.[1]),
    text: () => bytes().toString('latin1'),
    bytes,
    write: (data) => void socket.write(data),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    ended: end.promise,
  };
}

/** A text message as a client sends it, masked with zeros. */
export function textFrame(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > 125) throw new RangeError('too long for a short frame');
  return Uint8Array.of(0x81, 0x80 | bytes.length, 0, 0, 0, 0, ...bytes);
}
