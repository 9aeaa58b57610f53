/** Runs the registry, as `bun run registry` does in a checkout. It ends by a signal, not by a return. @module */
import type { Command } from 'commander';
import { sharedOptions, takes } from '../options.ts';
import { printerOf } from '../run.ts';
import { SETTINGS } from '../../env/env.ts';

interface ServeOptions {
  readonly host?: string;
  readonly port?: string;
}

export function addServe(program: Command): void {
  const { host, port } = SETTINGS;
  takes(program.command('serve'), 'data')
    .description('run the registry, until Ctrl-C')
    .option('--host <address>', `where it listens (${host.variable}, else ${host.default})`)
    .option('--port <port>', `at which port; 0 takes a free one (${port.variable}, else ${port.default})`)
    .action(serve);
}

async function serve(own: ServeOptions, command: Command): Promise<never> {
  const options = sharedOptions(command);
  const { greetingOf, startFromFlags } = await import('../../registry/main.ts');
  const given = { host: own.host, port: own.port, data: options.data };
  const registry = await startFromFlags(
    Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  );
  const { url, dataDirectory, made, setup } = registry;
  await printerOf(options).answer({ data: { url, dataDirectory, made, setup }, text: () => greetingOf(registry) });
  return await new Promise<never>(() => {});
}
