/** Runs the command as its users do: as a process of its own, over a data directory of its own. @module */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { processVariables } from '../../src/env/env.ts';

export const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const REGISTRY = fileURLToPath(new URL('../../src/registry/main.ts', import.meta.url));

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A directory with a database, and the command over it; disposing takes the directory away. */
export class Workplace implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'c13-cli-'));
  readonly data = join(this.directory, 'data');
  readonly database = join(this.data, 'journal.db');

  /** With the two configs that every data directory begins with. */
  static async open(): Promise<Workplace> {
    const workplace = new Workplace();
    const { exitCode, stderr } = await workplace.c13(['bootstrap', '--data', workplace.data, '--quiet']);
    if (exitCode !== 0) throw new Error(stderr);
    return workplace;
  }

  start(args: readonly string[], { stdin = '', env = {} }: Started = {}) {
    return Bun.spawn([process.execPath, MAIN, ...args], {
      cwd: this.directory,
      env: {
        ...processVariables(),
        C13_DATA: this.data,
        C13_URL: 'http://127.0.0.1:1',
        C13_TOKEN: '',
        NO_COLOR: '',
        XDG_CONFIG_HOME: this.directory,
        ...env,
      },
      stdin: new Blob([stdin]),
      stdout: 'pipe',
      stderr: 'pipe',
    });
  }

  /** Runs to the end. */
  async c13(args: readonly string[], started: Started = {}): Promise<Ran> {
    const child = this.start(args, started);
    const [stdout, stderr, exitCode] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { exitCode, stdout, stderr };
  }

  /** Runs on the database. */
  on(args: readonly string[], started: Started = {}): Promise<Ran> {
    return this.c13([...args, '--database', this.database], started);
  }

  /** Runs on the database, which has to succeed; the document it answers. */
  async json(args: readonly string[], started: Started = {}): Promise<any> {
    const { exitCode, stdout, stderr } = await this.on([...args, '--json'], started);
    if (exitCode !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export interface Registry {
  readonly url: string;
  stop(): Promise<void>;
}

/** A registry of its own process over a data directory. */
export async function startRegistry(data: string, env = processVariables()): Promise<Registry> {
  const child = Bun.spawn([process.execPath, REGISTRY, '--port', '0', '--data', data], {
    // Nothing beyond this machine is asked, unless a test says so.
    env: { C13_UPSTREAM: 'none', ...env },
    stdout: 'pipe',
    stderr: 'ignore',
  });
  let said = '';
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    said += decoder.decode(chunk, { stream: true });
    const [, url] = /listens on (\S+)/.exec(said) ?? [];
    if (url === undefined) continue;
    return {
      url,
      async stop() {
        child.kill('SIGTERM');
        await child.exited;
      },
    };
  }
  throw new Error(`the registry ended: ${said}`);
}
