/**
 * A registry for an example: the one at `C13_URL`, asked with `C13_TOKEN`, or one that is started over an empty
 * directory and goes with it.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '../../src/registry/main.ts');

export interface ExampleRegistry {
  readonly url: string;
  /** undefined: nobody needs one, for it was just started and knows no users. */
  readonly token: string | undefined;
  /** What its clients send besides. */
  readonly headers: [string, string][];
  /** One request; throws what it was refused with. */
  call(method: string, path: string, body: object): Promise<void>;
  close(): Promise<void>;
}

export async function openRegistry(): Promise<ExampleRegistry> {
  const { C13_URL: given, C13_TOKEN: token } = process.env;
  const { url, close } = given === undefined ? await start() : { url: given, close: async () => {} };
  const headers: [string, string][] = token === undefined ? [] : [['Authorization', `Bearer ${token}`]];
  return {
    url,
    token,
    headers,
    async call(method, path, body) {
      const sent = [...headers, ['Content-Type', 'application/json'] as [string, string]];
      const answer = await fetch(url + path, { method, headers: sent, body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(await answer.text());
    },
    close,
  };
}

async function start(): Promise<Pick<ExampleRegistry, 'url' | 'close'>> {
  const directory = mkdtempSync(join(tmpdir(), 'c13-example-'));
  const child = Bun.spawn([process.execPath, MAIN, '--port', '0', '--data', directory], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
  });
  const close = async (): Promise<void> => {
    child.kill();
    await child.exited;
    rmSync(directory, { recursive: true, force: true });
  };
  let said = '';
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    said += chunk;
    const url = /listens on (\S+) /.exec(said)?.[1];
    if (url !== undefined) return { url, close };
  }
  await close();
  throw new Error('the registry did not start: bun run start says why');
}
