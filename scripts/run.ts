/**
 * How the scripts run other programs, speak, and stop. It imports nothing outside this folder and no
 * package, because setup runs it on a machine where nothing is installed yet.
 * @module
 */
import { fileURLToPath } from 'node:url';

/** The checkout, with a slash at its end. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A failure the reader can act on: printed as two lines, without a stack. */
export class Stop extends Error {
  readonly hint: string;
  readonly exitCode: number;

  constructor(message: string, hint: string, exitCode = 1) {
    super(message);
    this.hint = hint;
    this.exitCode = exitCode;
  }
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Runs a script's body; a `Stop` becomes its message, its hint and its exit code. */
export async function main(body: () => Promise<number>): Promise<never> {
  try {
    process.exit(await body());
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    process.stderr.write(`error: ${error.message}\n  what to do: ${error.hint}\n`);
    process.exit(error.exitCode);
  }
}

export interface Ran {
  /** 128 and more: ended by a signal. */
  readonly exitCode: number;
  /** What it wrote to stderr, and to stdout unless it was shown; empty when shown whole. */
  readonly output: string;
}

/** Runs a program in the checkout and shows all it prints. */
export async function show(command: readonly string[]): Promise<Ran> {
  const child = Bun.spawn([...command], { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  return { exitCode: await child.exited, output: '' };
}

/** Runs a program in the checkout and keeps all it prints. */
export async function keep(command: readonly string[]): Promise<Ran> {
  const child = Bun.spawn([...command], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { exitCode: await child.exited, output: stdout + stderr };
}

/** Runs a program in the checkout, shows all it prints and keeps its stderr. */
export async function showAndKeep(command: readonly string[]): Promise<Ran> {
  const child = Bun.spawn([...command], { cwd: ROOT, stdio: ['ignore', 'inherit', 'pipe'] });
  const decoder = new TextDecoder();
  let output = '';
  for await (const chunk of child.stderr) {
    process.stderr.write(chunk);
    output += decoder.decode(chunk, { stream: true });
  }
  return { exitCode: await child.exited, output };
}
