/**
 * Flags over HTTP and changes over WebSockets, beside bare servers in the same run: one that answers the JSON it was
 * sent, one that evaluates with flagd-core, one that publishes. Each is a process of its own; the registry does what it
 * does in production, and a change counts from the request that makes it, so its way to the disk is in it.
 */
import { join } from 'node:path';
import { Crowd, type Gathering } from './crowd.ts';
import { Load } from './load.ts';
import { asked, firstToken, residentOf, startBare, startRegistry, stop, type Started } from './processes.ts';
import {
  atMost,
  type Claim,
  type Figure,
  type Loop,
  type Opened,
  type Setting,
  type Side,
  type Suite,
} from './suite.ts';

const CONNECTIONS = 16;
const ROUNDS = 31;
const FLAGS = 100;
const CLIENTS = 2000;
const CHANGES = 20;
const CONFIG = '/api/v1/configs/default';
const HEARTBEAT = 5;
const STREAM = '/_dashboard/ws?name=default';
const OFREP = '/ofrep/v1/evaluate/flags';
const FEW = 5;
const ROUNDS_OF_CHANGES = 7;
const REST_MS = 1000;

export const flags: Suite = { name: 'flags', open };

async function open({ tiny, directory }: Setting): Promise<Opened> {
  const registry = await startRegistry(join(directory, 'data'));
  const known = { Authorization: `Bearer ${await firstToken(registry)}` };
  const definitions = Object.fromEntries(Array.from({ length: FLAGS }, (_, i) => [`flag_${i}`, definitionOf(i)]));
  for (const [key, definition] of Object.entries(definitions)) {
    await asked(registry, 'PUT', `${CONFIG}/flags/${key}`, { definition }, known);
  }
  const bare = await startBare('bare-flags.ts', { definitions: { flags: definitions } });
  const evaluations = evaluationClaims(registry.port, bare.port, known, tiny);
  const crowds = await crowdsOf(registry, bare.port, known, tiny ? FEW : CLIENTS);
  return {
    cases: [],
    claims: [...evaluations.claims, ...crowds.claims(tiny)],
    figures: [crowds.memory],
    async close() {
      for (const each of [...evaluations.loads, ...crowds.crowds]) each.close();
      await Promise.all([registry.child, bare.child].map(stop));
    },
  };
}

function evaluationClaims(port: number, bare: number, headers: Readonly<Record<string, string>>, tiny: boolean) {
  const body = JSON.stringify({ context: { targetingKey: 'user-4711', email: 'ann@example.com', plan: 'pro' } });
  const load = (to: number, path: string): Load => Load.open({ port: to, path, headers, body }, tiny ? 2 : CONNECTIONS);
  const single = load(port, `${OFREP}/flag_1`);
  const bulk = load(port, OFREP);
  const [echo, core] = [load(bare, '/echo'), load(bare, '/bulk')];
  const side = (name: string, by: Load): Side => ({ name, loop: (times) => by.run(times) });
  const claims: Claim[] = [
    {
      rounds: ROUNDS,
      times: tiny ? 10 : 2000,
      name: 'one flag over OFREP',
      subject: side(`POST ${OFREP}/flag_1`, single),
      floor: side('bare Bun.serve, the JSON it was sent', echo),
      bound: atMost(2),
    },
    {
      rounds: ROUNDS,
      times: tiny ? 5 : 200,
      name: `${FLAGS} rich flags over OFREP`,
      subject: side(`POST ${OFREP}`, bulk),
      floor: side('bare Bun.serve and flagd-core', core),
      bound: atMost(2),
    },
  ];
  return { claims, loads: [single, bulk, echo, core] };
}

async function crowdsOf(registry: Started, bare: number, known: Readonly<Record<string, string>>, clients: number) {
  const gather = (port: number, path: string, headers: Readonly<Record<string, string>>, ends: Gathering['ends']) =>
    Crowd.gather({ port, path, headers, clients, ends });
  const headers = { ...known, 'Sec-WebSocket-Protocol': 'bun.config.v1' };
  const join = () => gather(registry.port, STREAM, headers, (message) => message[0] === HEARTBEAT);
  // The heap of a process that has served nobody yet is far from what it comes to rest at.
  (await join()).close();
  await rest();
  const before = await residentOf(registry.child);
  const crowd = await join();
  await rest();
  const each_KB = ((await residentOf(registry.child)) - before) / clients / 1024;
  const bareCrowd = await gather(bare, '/', {}, () => true);
  const publish = async (): Promise<unknown> => await fetch(`http://127.0.0.1:${bare}/publish`, { method: 'POST' });
  const claims = (tiny: boolean): Claim[] => [
    {
      times: tiny ? 1 : CHANGES,
      rounds: tiny ? 1 : ROUNDS_OF_CHANGES,
      name: `a change has reached 99 % of ${CLIENTS} clients`,
      subject: { name: 'PATCH a config', loop: changesOf(crowd, togglerOf(registry, known)) },
      floor: { name: 'bare server.publish', loop: changesOf(bareCrowd, publish) },
      bound: atMost(3),
    },
  ];
  const name = `memory of each of ${CLIENTS} idle clients`;
  const memory: Figure = { name, unit: 'KB', bound: 20, measure: async () => each_KB };
  return { claims, memory, crowds: [crowd, bareCrowd] };
}

async function rest(): Promise<void> {
  await new Promise<void>((resolve) => void setTimeout(resolve, REST_MS));
}

/** A third of them the same for everybody, a third by a rule, a third by a share. */
function definitionOf(i: number): object {
  const variants = { on: true, off: false };
  const rule = { if: [{ ends_with: [{ var: 'email' }, '@example.com'] }, 'on', 'off'] };
  const share = {
    fractional: [
      ['on', 50],
      ['off', 50],
    ],
  };
  const targeting = [{}, rule, share][i % 3];
  return { state: 'ENABLED', variants, defaultVariant: 'off', targeting };
}

function changesOf(crowd: Crowd, change: () => Promise<unknown>): Loop {
  return async (times) => {
    for (let i = 0; i < times; i++) await crowd.reach(change);
    return times;
  };
}

function togglerOf(
  registry: { readonly port: number },
  known: Readonly<Record<string, string>>,
): () => Promise<unknown> {
  let isOn = false;
  return async () => {
    isOn = !isOn;
    return await asked(registry, 'PATCH', CONFIG, { features: { debug: isOn } }, known);
  };
}
