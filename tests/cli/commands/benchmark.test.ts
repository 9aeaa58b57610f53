/** benchmark, as it is typed. @module */
import { expect, test } from 'vitest';
import { Workplace } from '../cli.ts';
import { SUITES } from '../../../bench/suites.ts';

test('completes every suite, and the first words that stand for several', async () => {
  using workplace = new Workplace();
  const { stdout } = await workplace.c13(['complete', '--', 'benchmark', '']);
  const offered = stdout.split('\n').map((line) => line.trim());
  expect(offered).toEqual(expect.arrayContaining([...SUITES.map(({ name }) => name), 'config', 'validation', 'jwt']));
});

test('jwt is the suite of tokens', async () => {
  using workplace = new Workplace();
  const { stdout } = await workplace.c13(['benchmark', 'jwt', '--smoke', '--json']);
  expect(JSON.parse(stdout).suites.map(({ suite }: { suite: string }) => suite)).toEqual(['tokens']);
});

test('the first word of a name stands for all that begin with it', async () => {
  using workplace = new Workplace();
  const { stdout } = await workplace.c13(['benchmark', 'validation', '--smoke', '--json']);
  const suites = JSON.parse(stdout).suites.map(({ suite }: { suite: string }) => suite);
  expect(suites).toEqual(['validation', 'validation-headers']);
});
