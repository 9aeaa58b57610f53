/**
 * Servers that are measured from outside: the registry as it runs in production, and the bare ones it is held against,
 * each a process of its own.
 * @module
 */
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '..', 'src', 'registry', 'main.ts');
/** Requests a minute: every one is counted, none refused. */
const FAR_BEYOND = 1_000_000_000;

export type Child = Bun.Subprocess<'ignore', 'pipe', 'ignore'>;

export interface Started {
  readonly child: Child;
  readonly port: number;
  /** Of the first administrator. */
  readonly secret: string;
}

export async function startRegistry(data: string): Promise<Started> {
  const child = Bun.spawn([process.execPath, MAIN, '--port', '0', '--data', data], {
    env: { ...process.env, C13_RATE_LIMIT: String(FAR_BEYOND), C13_UPSTREAM: 'none' },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
  });
  const said = await readUntil(child.stdout, /Page: /);
  const [, port] = /listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(said)!;
  return { child, port: Number(port), secret: /secret=(\S+)/.exec(said)?.[1] ?? '' };
}

/** Asks the registry for something that must succeed. */
export async function asked(
  { port }: Pick<Started, 'port'>,
  method: string,
  path: string,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<any> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return await answer.json();
}

/** An API token of the first administrator. */
export async function firstToken(registry: Started): Promise<string> {
  const first = { secret: registry.secret, user: 'ann', password: 'four words that nobody guesses' };
  const { token } = await asked(registry, 'POST', '/api/v1/setup', first);
  const made = await asked(registry, 'POST', '/api/v1/tokens', { name: 'bench' }, { authorization: `Bearer ${token}` });
  return made.secret;
}

/** A program of this folder that prints its port; `told` is its argument. */
export async function startBare(program: string, told: unknown): Promise<{ child: Child; port: number }> {
  const child = Bun.spawn([process.execPath, join(import.meta.dirname, program), JSON.stringify(told)], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
  });
  return { child, port: Number(await readUntil(child.stdout, /\n/)) };
}

export async function stop(child: Child): Promise<void> {
  child.kill('SIGTERM');
  await child.exited;
}

/** Resident memory, bytes. */
export async function residentOf({ pid }: Child): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1024;
}

/** The most memory that was resident at once, bytes. */
export async function peakOf({ pid }: Child): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)![1]) * 1024;
}

async function readUntil(stream: ReadableStream<Uint8Array>, end: RegExp): Promise<string> {
  let said = '';
  for await (const chunk of stream) {
    said += new TextDecoder().decode(chunk);
    if (end.test(said)) return said;
  }
  throw new Error(`a server did not start: ${said}`);
}
