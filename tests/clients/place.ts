/**
 * A registry that really runs, for as long as a file's tests take, and people who use it: `ann`, its administrator, and
 * `bob`, who may read packages and nothing else. It asks nobody else for packages.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { call, readUntil, spawnProgram, type Call } from '../registry/fixtures.ts';
import { PASSWORD } from '../registry/identity-fixtures.ts';
import { Client, type Folder, type Ran, type RunOptions } from './client.ts';
import { COMMANDS, type Operation } from './commands.ts';
import type { Kind } from './kinds.ts';

export type Person = 'ann' | 'bob' | null;

export class Place {
  url = '';
  readonly #directory = mkdtempSync(join(tmpdir(), 'c13-place-'));
  readonly #tokens = new Map<Person, string | null>([[null, null]]);
  readonly #clients: Client[] = [];
  #stop: () => Promise<void> = () => Promise.resolve();

  /** To be called where tests are declared: it starts before them and is gone after them. */
  static open({ hasPeople = true } = {}): Place {
    const place = new Place();
    beforeAll(async () => {
      const setupSecret = await place.#start();
      if (hasPeople) await place.#settle(setupSecret);
    });
    afterAll(async () => await place.#close());
    return place;
  }

  /** With the token of this person; null: with none. */
  client(kind: Kind, person: Person = 'ann'): Client {
    return this.clientWith(kind, this.tokenOf(person));
  }

  /** `name`: what it calls the machine that the registry is on. */
  clientWith(kind: Kind, token: string | null, name = '127.0.0.1'): Client {
    const client = Client.open(kind, this.url.replace('127.0.0.1', name), token);
    this.#clients.push(client);
    return client;
  }

  tokenOf(person: Person): string | null {
    const token = this.#tokens.get(person);
    if (token === undefined) throw new Error(`nobody here is called ${person}`);
    return token;
  }

  /** A request of ann's own, without a client. */
  readonly call: Call = async (method, path, body, headers = {}) =>
    await call(this.url, method, path, body, { authorization: `Bearer ${this.tokenOf('ann')}`, ...headers });

  async #start(): Promise<string> {
    const child = spawnProgram(join(this.#directory, 'data'), ['--port', '0'], { C13_UPSTREAM: 'none' });
    this.#stop = async () => {
      child.kill('SIGKILL');
      await child.exited;
    };
    const greeting = await readUntil(child.stdout, /listens on \S+ over [\s\S]*Page: \S+\n/);
    const [, url] = /listens on (\S+)/.exec(greeting) ?? [];
    if (url === undefined) throw new Error(`the registry did not start: ${await new Response(child.stderr).text()}`);
    this.url = url;
    // What it says later must not fill the pipe.
    void child.stderr.pipeTo(new WritableStream());
    return /\/_dashboard\/setup\?secret=(\S+)/.exec(greeting)?.[1] ?? '';
  }

  async #settle(secret: string): Promise<void> {
    const session = (await this.#post('setup', { secret, user: 'ann', password: PASSWORD })).token;
    const own = { authorization: `Bearer ${session}` };
    await this.#post('users', { name: 'bob', password: PASSWORD, email: 'bob@acme.example' }, own);
    await this.#post('grants', { user: 'bob', role: 'viewer', pattern: 'package:*' }, own);
    for (const user of ['ann', 'bob'] as const) {
      this.#tokens.set(user, (await this.#post('tokens', { user, name: 'laptop' }, own)).secret);
    }
  }

  async #post(what: string, body: unknown, headers: Record<string, string> = {}): Promise<any> {
    const answer = await call(this.url, 'POST', `/api/v1/${what}`, body, headers);
    if (answer.status !== 201) throw new Error(`${what}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async #close(): Promise<void> {
    await this.#stop();
    for (const client of this.#clients) client.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Runs what the client's command for it is. */
export async function does(
  { kind }: Client,
  operation: Operation,
  folder: Folder,
  more: readonly string[] = [],
  options: RunOptions = {},
): Promise<Ran> {
  const command = COMMANDS[operation][kind];
  if (command === null) throw new Error(`${kind} has no command for ${operation}`);
  return await folder.run([...command, ...more], options);
}

/** The same, which has to succeed; what it printed. */
export async function succeeds(...args: Parameters<typeof does>): Promise<string> {
  const { code, out } = await does(...args);
  if (code !== 0) throw new Error(`${args[0].kind} ${args[1]} ended with ${code}:\n${out}`);
  return out;
}

/** The same, which must not succeed. */
export async function fails(...args: Parameters<typeof does>): Promise<string> {
  const { code, out } = await does(...args);
  if (code === 0) throw new Error(`${args[0].kind} ${args[1]} succeeded:\n${out}`);
  return out;
}

/** Publishes, after what Yarn 4 wants done before. */
export async function publish(client: Client, folder: Folder, more: readonly string[] = []): Promise<string> {
  await prepare(client, folder);
  return await succeeds(client, 'publish', folder, more);
}

export async function prepare(client: Client, folder: Folder): Promise<Folder> {
  if (client.kind === 'yarn4') await succeeds(client, 'install', folder);
  return folder;
}
