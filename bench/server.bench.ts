/**
 * The registry over HTTP, beside a bare server that answers the same bytes with the same headers: both are processes of
 * their own, asked in turns by the same client over the same number of connections. The registry does what it does in
 * production: it checks the token, counts and logs every request.
 */
import { join } from 'node:path';
import { Load, type Target } from './load.ts';
import { quantile } from './measure.ts';
import { atMost, type Claim, type Figure, type Loop, type Opened, type Setting, type Suite } from './suite.ts';

const CONNECTIONS = 16;
const ROUNDS = 41;
const REQUESTS = 4000;
const PER_SECOND = 10_000;
const WINDOWS = 5;
const WINDOW_S = 2;
const PATH = '/api/v1/configs/default';
/** Requests a minute: every one is counted, none refused. */
const FAR_BEYOND = 1_000_000_000;
const STARTS = 5;
const IDLE_MS = 3000;
const MAIN = join(import.meta.dirname, '..', 'src', 'registry', 'main.ts');
const BARE = join(import.meta.dirname, 'bare-server.ts');
/** What the server adds to every answer by itself. */
const OF_THE_SERVER = ['date', 'content-length', 'connection'];

export const server: Suite = { name: 'server', open };

type Child = Bun.Subprocess<'ignore', 'pipe', 'ignore'>;

async function open({ tiny, directory }: Setting): Promise<Opened> {
  const registry = await startRegistry(join(directory, 'data'));
  const token = await firstToken(registry);
  const known = { Authorization: `Bearer ${token}` };
  const bare = await startBare(`http://127.0.0.1:${registry.port}${PATH}`, known);
  const target = { port: registry.port, path: PATH };
  const connections = tiny ? 2 : CONNECTIONS;
  const load = (to: Target): Load => Load.open(to, connections);
  const reads = load({ ...target, headers: known });
  const fresh = load({ ...target, headers: { ...known, 'If-None-Match': '"1"' } });
  const judged = load({ ...target, headers: { ...known, 'X-Bun-Config-Version': '1' } });
  const floor = load({ port: bare.port, path: '/read', headers: known });
  const beside = { name: 'bare Bun.serve, the same answer', loop: loopOf(floor) };
  const inTurns = { floor: beside, times: tiny ? 10 : REQUESTS, rounds: ROUNDS } satisfies Partial<Claim>;
  const side = (name: string, by: Load) => ({ name: `GET ${PATH}${name}`, loop: loopOf(by) });
  return {
    cases: [],
    claims: [
      { ...inTurns, name: 'config read over HTTP', subject: side('', reads), bound: atMost(1.25) },
      { ...inTurns, name: 'the same, 304', subject: side(', If-None-Match', fresh), bound: atMost(null) },
      { ...inTurns, name: 'the same, the ordinary way', subject: side(', X-Bun header', judged), bound: atMost(null) },
    ],
    figures: [
      p99('config read, p99 at 10,000 requests/s', reads, tiny, 1),
      p99('bare Bun.serve, p99 at 10,000 requests/s', floor, tiny, null),
      { name: 'start to first answer, median', unit: 'ms', bound: 300, measure: () => startTime(directory, tiny) },
      { name: 'resident memory when idle', unit: 'MB', bound: 80, measure: () => idleMemory(directory, tiny) },
    ],
    async close() {
      for (const each of [reads, fresh, judged, floor]) each.close();
      await Promise.all([registry.child, bare.child].map(stop));
    },
  };
}

function loopOf(load: Load): Loop {
  return (times) => load.run(times);
}

/** The median of a few windows, or what else the machine does at the moment would decide. */
function p99(name: string, load: Load, tiny: boolean, bound: number | null): Figure {
  const measure = async (): Promise<number> => {
    await load.run(tiny ? 10 : REQUESTS);
    const windows: number[] = [];
    for (let window = 0; window < (tiny ? 1 : WINDOWS); window++) {
      windows.push(quantile(await load.paced(tiny ? 1000 : PER_SECOND, tiny ? 0.02 : WINDOW_S), 0.99));
    }
    return quantile(windows, 0.5);
  };
  return { name: `${name}, median of ${WINDOWS} windows of ${WINDOW_S} s`, unit: 'ms', bound, measure };
}

interface Started {
  readonly child: Child;
  readonly port: number;
  /** Of the first administrator. */
  readonly secret: string;
}

async function startRegistry(data: string): Promise<Started> {
  const child = Bun.spawn([process.execPath, MAIN, '--port', '0', '--data', data], {
    env: { ...process.env, C13_RATE_LIMIT: String(FAR_BEYOND) },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
  });
  const said = await readUntil(child.stdout, /Page: /);
  const [, port] = /listens on http:\/\/127\.0\.0\.1:(\d+)/.exec(said)!;
  return { child, port: Number(port), secret: /secret=(\S+)/.exec(said)?.[1] ?? '' };
}

async function firstToken({ port, secret }: Started): Promise<string> {
  const post = async (path: string, body: object, headers: Record<string, string> = {}): Promise<any> => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(await answer.text());
    return await answer.json();
  };
  const { token } = await post('setup', { secret, user: 'ann', password: 'four words that nobody guesses' });
  return (await post('tokens', { name: 'bench' }, { authorization: `Bearer ${token}` })).secret;
}

async function startBare(like: string, headers: Record<string, string>): Promise<{ child: Child; port: number }> {
  const answer = await fetch(like, { headers });
  const body = await answer.text();
  const sent = [...answer.headers].filter(([name]) => !OF_THE_SERVER.includes(name));
  const told = JSON.stringify({ body, headers: Object.fromEntries(sent) });
  const child = Bun.spawn([process.execPath, BARE, told], { stdin: 'ignore', stdout: 'pipe', stderr: 'ignore' });
  return { child, port: Number(await readUntil(child.stdout, /\n/)) };
}

async function readUntil(stream: ReadableStream<Uint8Array>, end: RegExp): Promise<string> {
  let said = '';
  for await (const chunk of stream) {
    said += new TextDecoder().decode(chunk);
    if (end.test(said)) return said;
  }
  throw new Error(`a server did not start: ${said}`);
}

async function stop(child: Child): Promise<void> {
  child.kill('SIGTERM');
  await child.exited;
}

/** From the call that starts the process, over data that is there, until it has answered. */
async function startTime(directory: string, tiny: boolean): Promise<number> {
  const data = join(directory, 'starts');
  await stop((await startRegistry(data)).child);
  const took: number[] = [];
  for (let start = 0; start < (tiny ? 1 : STARTS); start++) {
    const began = performance.now();
    const { child, port } = await startRegistry(data);
    await (await fetch(`http://127.0.0.1:${port}/health`)).text();
    took.push(performance.now() - began);
    await stop(child);
  }
  return quantile(took, 0.5);
}

/** After a request, and a rest. */
async function idleMemory(directory: string, tiny: boolean): Promise<number> {
  const { child, port } = await startRegistry(join(directory, 'starts'));
  await (await fetch(`http://127.0.0.1:${port}/health`)).text();
  await new Promise<void>((resolve) => void setTimeout(resolve, tiny ? 0 : IDLE_MS));
  const status = await Bun.file(`/proc/${child.pid}/status`).text();
  await stop(child);
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1024;
}
