/**
 * What the tests of open configs share: the four kinds of place, configs that close themselves, child processes.
 * @module
 */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { FeatureDeclaration } from '../../src/config/features.ts';
import { createProductionConfig, type ProductionConfig } from '../../src/live/production-config.ts';
import type { ProductionConfigOptions } from '../../src/live/options.ts';
import { tempDirectory } from '../journal/fixtures.ts';

export type PlaceKind = 'memory' | 'journal' | 'board' | 'journal and board';

/** The options that put a config there, in a directory of the test's own. */
export function placeOptions(kind: PlaceKind): { persistPath?: string; enableClusterSync: boolean } {
  const directory = tempDirectory();
  useDataDirectory(join(directory, 'data'));
  return {
    ...(kind.startsWith('journal') ? { persistPath: join(directory, 'config.db') } : {}),
    enableClusterSync: kind.endsWith('board'),
  };
}

/** Where boards without a database lie, until the test ends. */
export function useDataDirectory(path: string): void {
  const before = process.env.C13_DATA;
  process.env.C13_DATA = path;
  onTestFinished(() => {
    if (before === undefined) delete process.env.C13_DATA;
    else process.env.C13_DATA = before;
  });
}

/** A config that is closed when the test ends. */
export function open<const D extends FeatureDeclaration = Record<never, number>>(
  options: ProductionConfigOptions<D>,
): ReturnType<typeof createProductionConfig<D>> {
  const config = createProductionConfig(options);
  onTestFinished(async () => {
    await Promise.allSettled([config.close()]);
  });
  return config;
}

export type AnyConfig = ProductionConfig<any>;

export function script(name: string): string {
  return join(import.meta.dirname, name);
}

/** Runs a script of this folder to its end; its output, line by line. */
export async function run(name: string, args: readonly string[], env: Record<string, string> = {}) {
  const child = Bun.spawn([process.execPath, script(name), ...args], {
    stdout: 'pipe',
    stderr: 'pipe',
    env: { ...process.env, ...env },
  });
  const [output, complaint] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  await child.exited;
  return { lines: output.split('\n').filter(Boolean), complaint, exitCode: child.exitCode, signal: child.signalCode };
}
