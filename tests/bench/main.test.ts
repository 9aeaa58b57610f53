/** The command as it is typed, with tiny input. */
import { expect, test } from 'vitest';
import { keep, ROOT } from '../../scripts/run.ts';

async function bench(...args: string[]) {
  const child = Bun.spawn([process.execPath, `${ROOT}bench/main.ts`, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { stdout, stderr, exitCode: await child.exited };
}

test('one suite as JSON: machine, Zig alone and the suite in a process of its own', async () => {
  const { stdout, stderr, exitCode } = await bench('rollout', '--json', '--smoke');
  expect(exitCode, stderr).toBe(0);
  const { machine, suites } = JSON.parse(stdout);
  expect(machine).toMatchObject({ bun: Bun.version, platform: `${process.platform}-${process.arch}` });
  expect(suites.map(({ suite }: { suite: string }) => suite)).toEqual(['rollout']);
  const columns = suites[0].cases.map(({ column }: { column: string }) => column);
  expect(columns).toEqual(expect.arrayContaining(['zig', 'native', 'wasm', 'reference', 'library', 'javascript']));
});

test('a wrong argument is said in one line, with what to do', async () => {
  for (const args of [['sorting'], ['--fast'], ['--write', '--smoke'], ['rollout', '--write']]) {
    const { stderr, exitCode } = await bench(...args);
    expect(exitCode, args.join(' ')).toBe(2);
    expect(stderr).toMatch(/^error: .+\n {2}what to do: .+\n$/);
  }
});

test('comparing asks for commits that exist', async () => {
  const { exitCode, output } = await keep([process.execPath, `${ROOT}scripts/compare-bench.ts`, 'no-such-commit']);
  expect(exitCode).toBe(2);
  expect(output).toContain('there is no commit no-such-commit');
});
