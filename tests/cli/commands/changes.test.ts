/** Deleting a config by the command line. @module */
import { expect, test } from 'vitest';
import { Workplace } from '../cli.ts';

test('a config is deleted only when somebody says so, and its past is still told', async () => {
  using place = await Workplace.open();
  await place.on(['feature', 'declare', 'fast_path=14', '--name', 'old/one']);
  await place.on(['set', 'features.fast_path=true', '--name', 'old/one', '--reason', 'faster']);
  const unasked = await place.on(['delete', 'old/one']);
  expect(unasked).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--yes') });
  const stale = await place.on(['delete', 'old/one', '--yes', '--if-revision', '9']);
  expect(stale).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('Expected revision 9') });
  expect((await place.on(['delete', 'old/one', '--yes'])).stdout).toBe('deleted old/one (revision 2)\n');
  expect((await place.on(['get', '--name', 'old/one'])).exitCode).toBe(1);
  const { stdout } = await place.on(['history', '--name', 'old/one']);
  expect(stdout).toMatch(/ delete .* -fast_path\n.* create .* \+fast_path +faster\n/);
  expect((await place.on(['rollback', '1', '--name', 'old/one'])).stdout).toMatch(/^put back revision 1 /);
});
