/**
 * Publishes this very package to a registry that runs, as any package is: packed by Bun, sent by Bun's client, with the
 * token of C13_TOKEN. What is there already under this version stays what it is, and is a failure.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { keep, main, ROOT, say, Stop } from './run.ts';

const DEFAULT_REGISTRY = 'http://127.0.0.1:4873';
const LOCAL = new Set(['127.0.0.1', '[::1]', 'localhost']);

const USAGE = `usage: C13_TOKEN=c13_... bun scripts/self-publish.ts [--registry ${DEFAULT_REGISTRY}]`;

await main(async () => {
  const args = Bun.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) {
    say(USAGE);
    return 0;
  }
  const registry = registryOf(args);
  const token = tokenFor(registry);
  const directory = mkdtempSync(join(tmpdir(), 'c13-pack-'));
  try {
    const tarball = await packed(directory);
    await publish(tarball, registry, token);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return 0;
});

function registryOf(args: string[]): URL {
  try {
    const { values } = parseArgs({ args, options: { registry: { type: 'string', default: DEFAULT_REGISTRY } } });
    return new URL(values.registry);
  } catch (error) {
    throw new Stop((error as Error).message, USAGE, 2);
  }
}

function tokenFor({ protocol, hostname, href }: URL): string {
  const token = Bun.env['C13_TOKEN'] ?? '';
  if (token === '') throw new Stop('C13_TOKEN is not set', 'make a token: c13 tokens create, and set it to that.', 2);
  if (protocol === 'https:' || LOCAL.has(hostname)) return token;
  throw new Stop(`on the way to ${href} everybody could read the token`, 'use an https address.', 2);
}

async function packed(directory: string): Promise<string> {
  const { exitCode, output } = await keep([process.execPath, 'pm', 'pack', '--destination', directory]);
  const [tarball] = [...new Bun.Glob('*.tgz').scanSync(directory)];
  if (exitCode === 0 && tarball !== undefined) return join(directory, tarball);
  throw failed('the package could not be packed', output);
}

async function publish(tarball: string, registry: URL, token: string): Promise<void> {
  const child = Bun.spawn([process.execPath, 'publish', tarball, '--registry', registry.href], {
    cwd: ROOT,
    env: { ...Bun.env, NPM_CONFIG_TOKEN: token },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  if ((await child.exited) !== 0)
    throw failed(`the package could not be published to ${registry.href}`, stdout + stderr);
  const manifest: { name: string; version: string } = await Bun.file(`${ROOT}package.json`).json();
  say(`published ${manifest.name}@${manifest.version} to ${registry.href}`);
}

function failed(what: string, output: string): Stop {
  process.stderr.write(output);
  return new Stop(what, 'see what is said above; a version that is there already is published under a new number.');
}
