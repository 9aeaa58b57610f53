/**
 * What the tests need from the machine beyond Bun and the packages, as a table: one line a program. Setup
 * reads it with `--tests`; a suite that needs a new program adds its line here and nowhere else.
 * @module
 */
import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { say, show, Stop } from './run.ts';

export interface TestNeed {
  /** The program as it is looked up on the PATH. */
  readonly command: string;
  /** The Debian package that holds it. */
  readonly debian: string;
  readonly why: string;
  /** The suites that cannot run without it. */
  readonly suites: string;
}

const DISKS = 'tests/journal, tests/live, tests/registry';

export const TEST_NEEDS: readonly TestNeed[] = [
  {
    command: 'node',
    debian: 'nodejs',
    why: 'the wasm core is tested on Node too',
    suites: 'tests/bindings, tests/node',
  },
  {
    command: 'curl',
    debian: 'curl',
    why: "the documents' examples are run with it",
    suites: 'tests/docs, tests/cli, tests/http',
  },
  {
    command: 'openssl',
    debian: 'openssl',
    why: 'servers of the tests get certificates of their own',
    suites: 'tests/proxy, tests/cli',
  },
  {
    command: 'chromium',
    debian: 'chromium',
    why: 'pages of other origins are pages in a real browser',
    suites: 'tests/registry',
  },
  { command: 'unshare', debian: 'util-linux', why: 'full and read-only disks are really mounted', suites: DISKS },
  { command: 'mount', debian: 'mount', why: 'full and read-only disks are really mounted', suites: DISKS },
  { command: 'setpriv', debian: 'util-linux', why: 'another user is really another user', suites: 'tests/registry' },
  { command: 'flock', debian: 'util-linux', why: 'a foreign process holds the lock', suites: 'tests/bindings' },
];

/** Installs what is missing with apt, saying what and why; stops, naming the suites, where that cannot be done. */
export async function provideTestNeeds(): Promise<void> {
  const missing = TEST_NEEDS.filter((need) => !isThere(need.command));
  if (missing.length === 0) return;
  for (const { command, debian, why } of missing) say(`setup: ${command} is missing (Debian's ${debian}): ${why}`);
  if (Bun.which('apt-get') === null) throw cannotRun(missing, 'apt-get is not on this machine');
  if (process.getuid?.() !== 0) throw cannotRun(missing, 'apt-get needs root');
  const apt = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get'];
  const packages = [...new Set(missing.map((need) => need.debian))];
  say(`setup: installing ${packages.join(', ')} with apt-get`);
  const updated = await show([...apt, 'update', '-qq']);
  if (updated.exitCode !== 0) throw cannotRun(missing, 'apt-get update failed');
  await show([...apt, 'install', '-y', '-qq', '--no-install-recommends', ...packages]);
  const still = missing.filter((need) => !isThere(need.command));
  if (still.length > 0) throw cannotRun(still, 'apt-get install did not bring it');
}

/** Bun lends its own binary under the name of a missing `node`; that one does not count. */
function isThere(command: string): boolean {
  const path = Bun.which(command);
  return path !== null && !basename(realpathSync(path)).startsWith('bun');
}

/** The failure that names every suite left out, and what would let it run. */
export function cannotRun(missing: readonly TestNeed[], reason: string): Stop {
  const suites = missing.map((need) => `${need.suites} (needs ${need.command}: ${need.why})`);
  const packages = [...new Set(missing.map((need) => need.debian))].join(', ');
  return new Stop(
    `${reason}, so these suites cannot run: ${suites.join('; ')}`,
    `install ${packages} yourself, or run a part of the tests with \`bun scripts/test.ts <part of a path>\`.`,
  );
}
