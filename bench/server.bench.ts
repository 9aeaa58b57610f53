/**
 * The registry over HTTP, beside a bare server that answers the same bytes with the same headers: both are processes of
 * their own, asked in turns by the same client over the same number of connections. The registry does what it does in
 * production: it checks the token, counts and logs every request.
 */
import { join } from 'node:path';
import { Load, type Target } from './load.ts';
import { quantile } from './measure.ts';
import { firstToken, residentOf, startBare, startRegistry, stop } from './processes.ts';
import { atMost, type Claim, type Figure, type Loop, type Opened, type Setting, type Suite } from './suite.ts';

const CONNECTIONS = 16;
const ROUNDS = 41;
const REQUESTS = 4000;
const PER_SECOND = 10_000;
const WINDOWS = 5;
const WINDOW_S = 2;
const PATH = '/api/v1/configs/default';
const STARTS = 5;
const IDLE_MS = 3000;
/** What the server adds to every answer by itself. */
const OF_THE_SERVER = ['date', 'content-length', 'connection'];

export const server: Suite = { name: 'server', open };

async function open({ tiny, directory }: Setting): Promise<Opened> {
  const registry = await startRegistry(join(directory, 'data'));
  const token = await firstToken(registry);
  const known = { Authorization: `Bearer ${token}` };
  const bare = await startBare('bare-server.ts', await answerOf(`http://127.0.0.1:${registry.port}${PATH}`, known));
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

/** What the bare server is to answer. */
async function answerOf(url: string, headers: Record<string, string>): Promise<object> {
  const answer = await fetch(url, { headers });
  const body = await answer.text();
  const sent = [...answer.headers].filter(([name]) => !OF_THE_SERVER.includes(name));
  return { body, headers: Object.fromEntries(sent) };
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
  const resident = await residentOf(child);
  await stop(child);
  return resident / 2 ** 20;
}
