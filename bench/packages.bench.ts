/**
 * The package registry over HTTP, beside a bare server in the same run that answers the same bytes and headers, and
 * that takes a publish with nothing but the parsing, decoding, hashing and syncing that any registry does. The registry
 * does what it does in production: it checks the token, counts and logs, and on a publish reads the tarball, signs it
 * and appends to the journal.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Load } from './load.ts';
import { publishDocument, usualManifest } from './npm-documents.ts';
import { fillWithPackages } from './package-journal.ts';
import { quantile } from './measure.ts';
import { firstToken, peakOf, startBare, startRegistry, stop, type Started } from './processes.ts';
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
const REQUESTS = 1000;
const VERSIONS = 50;
const PUBLISHES = 100;
const PUBLISH_ROUNDS = 7;
const AT_A_TIME = 8;
/** Publishes before those that count, at most. */
const WARM_UPS = 600;
const WARM_UPS_TINY = 20;
const PACKAGES = 10_000;
const SEARCHES = 300;
const MiB = 2 ** 20;
const SHORT = 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*';
/** What the server adds to every answer by itself. */
const OF_THE_SERVER = ['date', 'content-length', 'connection'];

/** 0.6 and 0.5 of what the floor answers in the same time. */
const READS = atMost(1 / 0.6);
const PUBLISHED = atMost(1 / 0.5);

export const packages: Suite = { name: 'packages', open };

interface Read {
  readonly name: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function open(setting: Setting): Promise<Opened> {
  const { tiny, directory } = setting;
  const registry = await startRegistry(join(directory, 'data'));
  const known = { Authorization: `Bearer ${await firstToken(registry)}` };
  await publishVersions(registry, known, tiny ? 2 : VERSIONS);
  const reads = await readsOf(registry, known);
  const floor = join(directory, 'floor');
  mkdirSync(floor);
  const answers = Object.fromEntries(
    await Promise.all(reads.map(async (read, i) => [`/${i}`, await kept(registry, read, join(floor, `answer-${i}`))])),
  );
  const bare = await startBare('bare-packages.ts', { answers, directory: floor });
  const connections = tiny ? 2 : CONNECTIONS;
  const pairs = reads.map(({ name, path, headers }, i) => ({
    name,
    subject: Load.open({ port: registry.port, path, headers }, connections),
    floor: Load.open({ port: bare.port, path: `/${i}`, headers }, connections),
  }));
  const side = (name: string, load: Load): Side => ({ name, loop: (times) => load.run(times) });
  const claims: Claim[] = pairs.map((pair) => ({
    name: pair.name,
    subject: side('registry', pair.subject),
    floor: side('bare Bun.serve, the same answer', pair.floor),
    bound: READS,
    rounds: ROUNDS,
    times: tiny ? 5 : REQUESTS,
  }));
  const publishes = await publishClaims(setting, registry.port, bare.port, known);
  return {
    cases: [],
    claims: [...claims, ...publishes],
    figures: figuresOf(setting),
    async close() {
      for (const { subject, floor: beside } of pairs) [subject, beside].forEach((load) => load.close());
      await Promise.all([registry.child, bare.child].map(stop));
    },
  };
}

async function publishVersions({ port }: Started, known: Record<string, string>, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const readme = `# fifty\n\n${'What it does, in a few words. '.repeat(40)}`;
    const manifest = { ...usualManifest(i), readme };
    await published(port, known, 'fifty', await publishDocument({ name: 'fifty', version: `1.${i}.0`, manifest }));
  }
  const files = {
    'data.bin': crypto.getRandomValues(new Uint8Array(60 * 1024)),
    'more.bin': crypto.getRandomValues(new Uint8Array(40 * 1024)),
  };
  await published(port, known, 'large', await publishDocument({ name: 'large', version: '1.0.0', files }));
}

async function published(port: number, known: Record<string, string>, name: string, body: string): Promise<void> {
  const headers = { ...known, 'content-type': 'application/json' };
  const answer = await fetch(`http://127.0.0.1:${port}/${name}`, { method: 'PUT', headers, body });
  if (!answer.ok) throw new Error(`publish of ${name}: ${answer.status} ${await answer.text()}`);
  await answer.arrayBuffer();
}

async function readsOf({ port }: Started, known: Record<string, string>): Promise<Read[]> {
  const gzip = { ...known, 'Accept-Encoding': 'gzip' };
  const full = await fetch(`http://127.0.0.1:${port}/fifty`, { headers: gzip });
  await full.arrayBuffer();
  const etag = full.headers.get('etag')!;
  return [
    { name: `metadata of ${VERSIONS} versions, gzip`, path: '/fifty', headers: gzip },
    { name: 'the same, abbreviated', path: '/fifty', headers: { ...gzip, Accept: SHORT } },
    { name: 'the same, 304', path: '/fifty', headers: { ...gzip, 'If-None-Match': etag } },
    { name: 'tarball of 100 KB', path: '/large/-/large-1.0.0.tgz', headers: known },
  ];
}

/** An answer of the registry, byte by byte, for the floor to repeat. */
async function kept({ port }: Started, { path, headers }: Read, file: string): Promise<object> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers, decompress: false } as RequestInit);
  const sent = Object.fromEntries([...answer.headers].filter(([name]) => !OF_THE_SERVER.includes(name)));
  const bytes = await answer.bytes();
  const { status } = answer;
  if (status !== 200 && status !== 304) throw new Error(`${path}: ${status}`);
  if (status === 304) return { status, headers: sent, file: null };
  writeFileSync(file, bytes);
  return { status, headers: sent, file };
}

/** Packages of which each is published once: made before, as many as the rounds take. */
async function publishClaims(
  { tiny }: Setting,
  registry: number,
  bare: number,
  known: Record<string, string>,
): Promise<Claim[]> {
  const [times, rounds] = tiny ? [2, 3] : [PUBLISHES, PUBLISH_ROUNDS];
  const count = times * rounds + (tiny ? WARM_UPS_TINY : WARM_UPS);
  const claims = [1, AT_A_TIME].map(async (atATime): Promise<Claim> => {
    const names = Array.from({ length: count }, (_, i) => `small-${atATime}-${i}`);
    const documents = await Promise.all(
      names.map(async (name, i) => ({
        name,
        body: await publishDocument({ name, version: '1.0.0', manifest: usualManifest(i), files: SMALL_FILES }),
      })),
    );
    const loop = (port: number, pathOf: (name: string) => string): Loop => {
      let next = 0;
      return async (wanted) => {
        const mine = Array.from({ length: wanted }, () => documents[next++ % documents.length]!);
        const work = async (): Promise<void> => {
          for (let one = mine.pop(); one !== undefined; one = mine.pop())
            await published(port, known, pathOf(one.name), one.body);
        };
        await Promise.all(Array.from({ length: atATime }, work));
        return wanted;
      };
    };
    return {
      name: atATime === 1 ? `publish of ${PUBLISHES} small packages` : `the same, ${atATime} at a time`,
      subject: { name: 'registry', loop: loop(registry, (name) => name) },
      floor: { name: 'parse, decode, hash and sync', loop: loop(bare, () => 'publish') },
      bound: PUBLISHED,
      rounds,
      times,
    };
  });
  return await Promise.all(claims);
}

const SMALL_FILES = {
  'README.md': '# small\n\nA small package.\n',
  'dist/index.js': 'export const answer = 42;\n'.repeat(60),
  'dist/index.d.ts': 'export declare const answer: 42;\n',
};

function figuresOf({ tiny, directory }: Setting): Figure[] {
  const size = tiny ? 1 : 100;
  const count = tiny ? 20 : PACKAGES;
  const data = join(directory, 'many');
  let isFilled = false;
  const fill = (): void => {
    if (!isFilled) fillWithPackages(data, count, usualManifest);
    isFilled = true;
  };
  return [
    {
      name: `most memory in use while ${size} MB are published`,
      unit: 'MB',
      bound: 150,
      measure: () => peakOfPublish(join(directory, 'peak'), size * 1_000_000),
    },
    {
      name: `start to first answer with ${count} packages`,
      unit: 'ms',
      bound: 1000,
      measure: async () => (fill(), await startTime(data)),
    },
    {
      name: `search in ${count} packages, p99`,
      unit: 'ms',
      bound: 20,
      measure: async () => (fill(), await searchP99(data, count, tiny ? 5 : SEARCHES)),
    },
  ];
}

async function peakOfPublish(data: string, size_bytes: number): Promise<number> {
  const registry = await startRegistry(data);
  const known = { Authorization: `Bearer ${await firstToken(registry)}` };
  const large = new Uint8Array(size_bytes);
  for (let at = 0; at < large.length; at += 65_536) crypto.getRandomValues(large.subarray(at, at + 65_536));
  await published(
    registry.port,
    known,
    'huge',
    await publishDocument({ name: 'huge', version: '1.0.0', files: { 'data.bin': large } }),
  );
  const peak = await peakOf(registry.child);
  await stop(registry.child);
  return peak / MiB;
}

async function startTime(data: string): Promise<number> {
  const began = performance.now();
  const { child, port } = await startRegistry(data);
  await (await fetch(`http://127.0.0.1:${port}/health`)).text();
  const took = performance.now() - began;
  await stop(child);
  return took;
}

async function searchP99(data: string, count: number, searches: number): Promise<number> {
  const registry = await startRegistry(data);
  const headers = { Authorization: `Bearer ${await firstToken(registry)}` };
  const took: number[] = [];
  for (let i = 0; i < searches; i++) {
    const text = [`package-${(i * 37) % count}`, `number-${i % 50}`, 'parses formats', 'pack', `pakage-${i}`][i % 5]!;
    const began = performance.now();
    const answer = await fetch(`http://127.0.0.1:${registry.port}/-/v1/search?text=${text}&size=20`, { headers });
    if (!answer.ok) throw new Error(`search: ${answer.status}`);
    await answer.json();
    took.push(performance.now() - began);
  }
  await stop(registry.child);
  return quantile(took, 0.99);
}
