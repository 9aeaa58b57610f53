/** Real servers that the tests speak to: with a certificate of their own, behind a proxy, or stuck. @module */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Signed by itself, for names such as `DNS:up.example` or `IP:127.0.0.1`. */
export function makeCertificate(...names: string[]): Certificate {
  const directory = mkdtempSync(join(tmpdir(), 'c13-tls-'));
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  try {
    const options = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test'.split(' ');
    const alternatives = `subjectAltName=${names.join(',')}`;
    const made = Bun.spawnSync(['openssl', 'req', ...options, '-keyout', key, '-out', cert, '-addext', alternatives]);
    if (made.exitCode !== 0) throw new Error(made.stderr.toString());
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

type Handler = (request: Request) => Response | Promise<Response>;

/** A server on a free port of 127.0.0.1 until the test ends; returns the port. */
export function serveOn(fetch: Handler, tls?: Certificate): number {
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', idleTimeout: 0, fetch, ...(tls && { tls }) });
  onTestFinished(() => server.stop(true));
  return server.port!;
}

export interface ConnectProxy {
  readonly url: string;
  /** The head of every request that it got. */
  readonly heads: string[];
}

/** Tunnels CONNECT and forwards http, whatever the name, to this machine; or refuses everything with a status. */
export async function connectProxy(refusal?: string): Promise<ConnectProxy> {
  const heads: string[] = [];
  const server = createServer((client) => {
    client.on('error', () => client.destroy());
    client.once('data', (data) => {
      const text = data.toString('latin1');
      heads.push(text.slice(0, text.indexOf('\r\n\r\n')));
      const [, port] = /^\w+ \S+?:(\d+)(?:\/\S*)? HTTP/.exec(text) ?? [];
      if (refusal !== undefined || port === undefined) {
        client.end(`HTTP/1.1 ${refusal ?? '400 Bad Request'}\r\ncontent-length: 0\r\n\r\n`);
        return;
      }
      const target = connect(Number(port), '127.0.0.1', () => {
        if (text.startsWith('CONNECT')) client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        else target.write(text.replace(/http:\/\/[^/]+/, ''));
        client.pipe(target).pipe(client);
      });
      target.on('error', () => client.destroy());
    });
  });
  return { url: `http://127.0.0.1:${await listening(server)}`, heads };
}

/** A relay in front of a port that counts the connections it takes. */
export async function countingRelay(port: number): Promise<{ port: number; count: () => number }> {
  let count = 0;
  const server = createServer((client) => {
    count++;
    const target = connect(port, '127.0.0.1');
    for (const socket of [client, target]) socket.on('error', () => socket.destroy());
    client.pipe(target).pipe(client);
  });
  return { port: await listening(server), count: () => count };
}

/** What listens, but takes no connection any more: its process is stopped and its queue is full. */
export async function stuckPort(): Promise<number> {
  const script = `
    const server = require('node:net').createServer();
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      console.log(server.address().port);
    });`;
  const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await child.exited;
  });
  const { value } = await child.stdout.getReader().read();
  const port = Number(new TextDecoder().decode(value));
  child.kill('SIGSTOP');
  await fill(port);
  return port;
}

/** Connects until a connection does not come about. */
async function fill(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    const isFull = await new Promise<boolean>((resolve) => {
      const guard = setTimeout(() => resolve(true), 300);
      socket.once('connect', () => {
        clearTimeout(guard);
        resolve(false);
      });
    });
    if (isFull) return;
  }
}

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
