/**
 * Runs every test, the Zig part and then the TypeScript part, and ends with one line `N passed, N failed`
 * over both. Arguments go to vitest as they are, and then only vitest runs: `bun run test journal`.
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closingLines, type Part, vitestPart, type VitestReport, zigPart } from './counts.ts';
import { main, say, show, showAndKeep } from './run.ts';
import { zigCompiler } from './zig.ts';

await main(async () => {
  const vitestArguments = Bun.argv.slice(2);
  const parts: Part[] = [];
  if (vitestArguments.length === 0) parts.push(await runZig());
  else say('the Zig part is left out: the arguments name TypeScript tests');
  parts.push(await runVitest(vitestArguments));
  for (const line of closingLines(parts)) say(line);
  return parts.some((part) => part.failed > 0) ? 1 : 0;
});

async function runZig(): Promise<Part> {
  const { exitCode, output } = await showAndKeep([await zigCompiler(), 'build', 'test', '--summary', 'all']);
  return zigPart(output, exitCode);
}

async function runVitest(vitestArguments: readonly string[]): Promise<Part> {
  const directory = await mkdtemp(join(tmpdir(), 'c13-vitest-'));
  const file = join(directory, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const command = [process.execPath, '--bun', 'run', 'vitest', 'run', ...reporters, ...vitestArguments];
  const { exitCode } = await show(command);
  const report: VitestReport | null = (await Bun.file(file).exists()) ? await Bun.file(file).json() : null;
  await rm(directory, { recursive: true });
  return vitestPart(report, exitCode);
}
