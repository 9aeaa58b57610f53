/**
 * The same operations in Zig alone, without any border: what `zig build bench` prints, as cases of the tables.
 * @module
 */
import { ROOT, Stop } from '../scripts/run.ts';
import { zigCompiler } from '../scripts/zig.ts';
import type { CaseResult } from './harness.ts';

/** Each case with the suite it belongs to. Builds first where the core has changed. */
export async function runZig(tiny: boolean): Promise<Map<string, CaseResult[]>> {
  const command = [await zigCompiler(), 'build', 'bench', '--summary', 'none', '--', ...(tiny ? ['--smoke'] : [])];
  const child = Bun.spawn(command, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  const [output, exitCode] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  if (exitCode !== 0) throw new Stop('`zig build bench` failed', 'read the first error of the compiler above.');
  return parseZig(output);
}

/** Lines of `suite, operation, p50 in ns, p99 in ns, hash`, with tabs between. */
export function parseZig(output: string): Map<string, CaseResult[]> {
  const found = new Map<string, CaseResult[]>();
  for (const line of output.split('\n')) {
    const [suite, operation, p50, p99, hash] = line.split('\t');
    if (suite === undefined || operation === undefined || hash === undefined) continue;
    const result = { operation, column: 'zig' as const, p50: Number(p50), p99: Number(p99), hash: Number(hash) };
    found.set(suite, [...(found.get(suite) ?? []), result]);
  }
  return found;
}
