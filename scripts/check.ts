/**
 * Everything that is checked without running the tests, one step after the other. All steps run even when
 * one fails; the summary names each and what repairs it.
 * @module
 */
import { existsSync } from 'node:fs';
import { main, type Ran, ROOT, say, show } from './run.ts';
import { zigCompiler } from './zig.ts';

interface Step {
  readonly name: string;
  readonly repair: string;
  run(): Promise<Ran>;
}

const ABI = `${ROOT}bindings/abi.gen.ts`;

await main(async () => {
  const zig = await zigCompiler();
  const failed: Step[] = [];
  for (const step of steps(zig)) {
    say(`check: ${step.name}`);
    if ((await step.run()).exitCode !== 0) failed.push(step);
  }
  for (const { name, repair } of failed) say(`check: ${name} failed; ${repair}`);
  if (failed.length === 0) say('check: all is well');
  return failed.length === 0 ? 0 : 1;
});

function steps(zig: string): Step[] {
  const tool =
    (...command: string[]) =>
    () =>
      show([process.execPath, 'run', ...command]);
  const zigSources = ['build.zig', 'zig', 'tests'].filter((path) => existsSync(ROOT + path));
  return [
    { name: 'zig fmt', repair: 'run `bun run format`.', run: () => show([zig, 'fmt', '--check', ...zigSources]) },
    { name: 'oxfmt', repair: 'run `bun run format`.', run: tool('oxfmt', '--check') },
    { name: 'oxlint', repair: 'follow the findings above; `bun run lint` shows them alone.', run: tool('oxlint') },
    { name: 'types', repair: 'follow the errors above.', run: tool('tsc', '--noEmit') },
    { name: 'unused code and packages', repair: 'remove what knip lists, or use it.', run: tool('knip') },
    { name: 'ABI', repair: 'read the new bindings/abi.gen.ts and commit it.', run: () => abiFresh(zig) },
  ];
}

/** Writes the file anew as a side effect, so that what is left to do is to read it. */
async function abiFresh(zig: string): Promise<Ran> {
  const before = existsSync(ABI) ? await Bun.file(ABI).text() : '';
  const ran = await show([zig, 'build', 'abi', '--summary', 'none']);
  if (ran.exitCode !== 0 || (await Bun.file(ABI).text()) === before) return ran;
  say('bindings/abi.gen.ts did not say what the Zig sources say; it has been written anew');
  return { exitCode: 1, output: '' };
}
