/**
 * A small checkout of its own for the tests of the scripts: the real scripts around sources the test gives,
 * in a temporary directory that the test removes.
 * @module
 */
import { cp, mkdtemp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Checkout extends AsyncDisposable {
  /** Runs one of the scripts under Bun. */
  run(script: string, ...scriptArguments: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }>;
  write(path: string, text: string): Promise<void>;
}

/** With `installed`, it borrows the packages of this checkout. */
export async function checkoutOf(files: Readonly<Record<string, string>>, installed: boolean): Promise<Checkout> {
  const directory = await mkdtemp(join(tmpdir(), 'c13-checkout-'));
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  };
  await cp(join(ROOT, 'scripts'), join(directory, 'scripts'), { recursive: true });
  if (installed) {
    await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
    for (const name of ['package.json', 'vitest.config.ts']) await cp(join(ROOT, name), join(directory, name));
  }
  for (const [path, text] of Object.entries(files)) await write(path, text);
  return {
    write,
    run: (script, ...scriptArguments) => runIn(directory, [join(directory, 'scripts', script), ...scriptArguments]),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

/** The package cache is a new one, so that nothing is installed from what the machine happens to hold. */
async function runIn(
  directory: string,
  bunArguments: readonly string[],
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const command = ['env', `BUN_INSTALL_CACHE_DIR=${directory}/cache`, 'NO_COLOR=1', process.execPath, ...bunArguments];
  const child = Bun.spawn(command, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { exitCode: await child.exited, stdout, stderr };
}
