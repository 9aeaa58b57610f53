/**
 * A package manager as somebody uses it: a real process with a home, a cache and projects of its own, whose registry is
 * the one that it was given. What it keeps lies in a temporary directory; it reaches nothing but loopback.
 * @module
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { realNode } from '../node/real-node.ts';
import { environmentOf, programOf, settingsFiles, type Kind, type Settings } from './kinds.ts';

/** Ends what hangs. */
const LIMIT_MS = 60_000;
const ANSI = /\u001b(\[[0-9;?]*[A-Za-z]|\][^\u0007]*\u0007)/g;

export interface Ran {
  readonly code: number;
  /** What a terminal would show, without colours. */
  readonly out: string;
}

/** What is shown, and what is typed then, or done; the text that a function answers is typed too. */
export type Answer = readonly [shown: RegExp, answer: string | ((found: RegExpExecArray) => unknown)];

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** With these it runs on a terminal. */
  readonly answers?: readonly Answer[];
}

type Fields = Readonly<Record<string, unknown>>;

export class Client {
  readonly #settings: Settings;

  private constructor(
    readonly kind: Kind,
    settings: Settings,
  ) {
    this.#settings = settings;
  }

  /** With the home of somebody who has this token; null: who has not signed in. */
  static open(kind: Kind, url: string, token: string | null): Client {
    const home = mkdtempSync(join(tmpdir(), `c13-${kind}-`));
    const client = new Client(kind, { url, token, home, cache: join(home, 'cache') });
    client.#write(settingsFiles(kind, client.#settings));
    return client;
  }

  /** A directory of his with these files; a string is written as it is, anything else as JSON. */
  folder(name: string, files: Fields = {}): Folder {
    const path = join(this.#settings.home, 'work', name);
    mkdirSync(path, { recursive: true });
    const texts = Object.entries(files).map(([file, content]) => [
      join('work', name, file),
      typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`,
    ]);
    this.#write(Object.fromEntries(texts));
    return new Folder(path, (args, options) => this.#run(path, args, options));
  }

  /** A package that is ready to be published: it exports its own name and version. */
  package(name: string, version: string, more: Fields = {}, files: Fields = {}): Folder {
    return this.folder(`${name.replace(/\W/g, '-')}-${version}`, {
      'package.json': { name, version, description: `demo of ${name}`, license: 'MIT', main: 'index.js', ...more },
      'index.js': `module.exports = '${name}@${version}';\n`,
      'README.md': `# ${name}\n`,
      ...files,
      ...this.#marks(),
    });
  }

  /** A project that needs these packages. */
  project(name: string, dependencies: Readonly<Record<string, string>>): Folder {
    const manifest = { name, version: '0.0.0', private: true, license: 'MIT', dependencies };
    return this.folder(name, { 'package.json': manifest, ...this.#marks() });
  }

  /** A file of its home, which it may have written itself. */
  homeFile(name: string): string {
    return readFileSync(join(this.#settings.home, name), 'utf8');
  }

  /** It has fetched nothing yet. */
  clearCache(): void {
    rmSync(this.#settings.cache, { recursive: true, force: true });
  }

  close(): void {
    rmSync(this.#settings.home, { recursive: true, force: true });
  }

  /** Yarn 4 takes a directory for a project of its own only where its lock file lies. */
  #marks(): Readonly<Record<string, string>> {
    return this.kind === 'yarn4' ? { 'yarn.lock': '' } : {};
  }

  async #run(cwd: string, args: readonly string[], { env = {}, answers }: RunOptions = {}): Promise<Ran> {
    const all = { ...environmentOf(this.#settings), ...env };
    const command = [...programOf(this.kind), ...args];
    return answers === undefined ? await runPlainly(command, cwd, all) : await runAnswering(command, cwd, all, answers);
  }

  #write(files: Readonly<Record<string, string>>): void {
    for (const [file, text] of Object.entries(files)) {
      const path = join(this.#settings.home, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  }
}

/** A directory of a client, where it is run. */
export class Folder {
  constructor(
    readonly path: string,
    readonly run: (args: readonly string[], options?: RunOptions) => Promise<Ran>,
  ) {}

  /** What is installed there, as Node finds it: its name and version, or null. */
  installed(name: string): string | null {
    if (!existsSync(join(this.path, 'node_modules', name))) return null;
    return Bun.spawnSync([realNode(), '-p', `require('${name}')`], { cwd: this.path })
      .stdout.toString()
      .trim();
  }

  /** What a command prints that came with an installed package. */
  printedBy(command: string): string {
    const path = join(this.path, 'node_modules', '.bin', command);
    return Bun.spawnSync([path], { env: { PATH: `${dirname(realNode())}:/usr/bin:/bin` } }).stdout.toString();
  }

  /** All but what it fetched is kept. */
  forgetModules(): void {
    rmSync(join(this.path, 'node_modules'), { recursive: true, force: true });
  }
}

type Environment = Readonly<Record<string, string>>;

async function runPlainly(command: string[], cwd: string, env: Environment): Promise<Ran> {
  const child = Bun.spawn(command, { cwd, env, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe', timeout: LIMIT_MS });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out: `${out}${err}`.replaceAll(ANSI, '') };
}

async function runAnswering(
  command: string[],
  cwd: string,
  env: Environment,
  answers: readonly Answer[],
): Promise<Ran> {
  const decoder = new TextDecoder();
  const left = [...answers];
  let out = '';
  let seen = 0;
  const child = Bun.spawn(command, {
    cwd,
    env,
    timeout: LIMIT_MS,
    terminal: {
      cols: 200,
      rows: 50,
      data(terminal, data) {
        out += decoder.decode(data, { stream: true });
        const [shown, answer] = left[0] ?? [];
        const found = shown?.exec(out.slice(seen)) ?? null;
        if (answer === undefined || found === null) return;
        left.shift();
        seen = out.length;
        const typed = typeof answer === 'string' ? answer : answer(found);
        if (typeof typed === 'string') terminal.write(`${typed}\r`);
      },
    },
  });
  const code = await child.exited;
  child.terminal?.close();
  return { code, out: out.replaceAll(ANSI, '').replaceAll('\r', '') };
}
