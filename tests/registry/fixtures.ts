/**
 * What the registry's tests share: a registry that really runs, as a program of its own over a directory that goes
 * away, and requests to it.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export const ROOT = join(import.meta.dirname, '..', '..');
export const JSON_TYPE = { 'content-type': 'application/json' };

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: any;
}

export type Call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;

export interface RunningProgram {
  readonly url: string;
  readonly data: string;
  readonly child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>;
  /** What it has said on stdout until it listened. */
  readonly greeting: string;
  readonly call: Call;
}

export function tempDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'c13-registry-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** `bun src/registry/main.ts` on a free port; killed when the test ends. */
export async function startProgram(
  data = join(tempDirectory(), 'data'),
  args: string[] = [],
  env: Record<string, string> = {},
): Promise<RunningProgram> {
  const child = spawnProgram(data, ['--port', '0', ...args], env);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await child.exited;
  });
  const greeting = await readUntil(child.stdout, /listens on \S+ over [\s\S]*Page: \S+\n/);
  const url = /listens on (\S+)/.exec(greeting)?.[1];
  if (url === undefined) throw new Error(`the registry did not start: ${await new Response(child.stderr).text()}`);
  return {
    url,
    data,
    child,
    greeting,
    call: async (method, path, body, headers) => await call(url, method, path, body, headers),
  };
}

export function spawnProgram(
  data: string,
  args: string[],
  env: Record<string, string> = {},
): Bun.Subprocess<'ignore', 'pipe', 'pipe'> {
  return Bun.spawn([process.execPath, join(ROOT, 'src/registry/main.ts'), '--data', data, ...args], {
    // Nothing beyond this machine is asked, unless a test says so.
    env: { ...Bun.env, C13_UPSTREAM: 'none', ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
}

export async function call(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
  // What does not begin with a slash is the interface's own.
  const answer = await fetch(url + (path.startsWith('/') ? path : `/_dashboard/api/${path}`), {
    method,
    headers: { ...(body === undefined ? {} : JSON_TYPE), ...headers },
    ...sent,
  });
  return { status: answer.status, headers: answer.headers, body: await contentOf(answer) };
}

export async function contentOf(answer: Response): Promise<any> {
  // It would never end.
  if (answer.headers.get('content-type')?.startsWith('text/event-stream') === true) return await answer.body?.cancel();
  const text = await answer.text();
  return /json/.test(answer.headers.get('content-type') ?? '') && text !== '' ? JSON.parse(text) : text;
}

/** Reads on until the text matches or the stream ends; what comes later stays in the stream. */
export async function readUntil(stream: ReadableStream<Uint8Array>, pattern: RegExp): Promise<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (!pattern.test(text)) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  reader.releaseLock();
  return text;
}
