/** What a team declares by the command line, and takes away again. @module */
import { expect, test } from 'vitest';
import { startRegistry, Workplace } from '../cli.ts';

test('what was shown is what can be saved again', async () => {
  using place = await Workplace.open();
  const stdin = 'description: Ours\nset: [metrics, logging]\nrows: 40\n';
  const made = await place.on(['templates', 'save', 'ours', '-'], { stdin: '{"set": ["metrics"], "rows": 40}' });
  expect(made).toMatchObject({ exitCode: 0, stdout: 'saved template ours (revision 1)\n' });
  const shown = (await place.on(['templates', 'show', 'ours', '--json'])).stdout;
  const again = await place.on(['templates', 'save', 'ours', '-'], { stdin: shown });
  expect(again).toMatchObject({ exitCode: 0, stdout: 'saved template ours (revision 2)\n' });
  const stale = await place.on(['templates', 'save', 'ours', '-'], { stdin: shown });
  expect(stale).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('Expected revision 1') });
  const other = await place.on(['templates', 'save', 'theirs', '-'], { stdin: shown });
  expect(other).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("'theirs', as it is to be called") });
  await Bun.write(`${place.directory}/ours.yaml`, stdin);
  expect((await place.on(['templates', 'save', 'ours', 'ours.yaml'])).exitCode).toBe(0);
  expect((await place.on(['template', 'ours', '--name', 'x'])).stdout).toBe('applied ours (x, revision 1)\n');
  expect((await place.on(['templates', 'delete', 'ours'])).stdout).toBe('deleted template ours\n');
});

test('a registry says that rules are beta, until it is told to have them', async () => {
  using place = await Workplace.open();
  const registry = await startRegistry(place.data);
  try {
    const c13 = (args: string[], stdin = '') => place.c13([...args, '--url', registry.url], { stdin });
    const rule = '{"severity": "warning", "message": "Small", "hint": "Grow.", "require": {"on": ["metrics"]}}';
    const early = await c13(['rules', 'save', 'TEAM_SMALL', '-'], rule);
    expect(early).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/is beta, .*'beta_feature' is off/) });
    await c13(['feature', 'enable', 'beta_feature', '--name', 'registry']);
    expect((await c13(['rules', 'save', 'TEAM_SMALL', '-'], rule)).stdout).toBe('saved rule TEAM_SMALL (revision 1)\n');
    expect((await c13(['validate'])).stderr).toMatch(/^warning: Small — Grow\.\n/);
    const table = (await c13(['rules', 'list'])).stdout;
    expect(table).toMatch(/\nTEAM_SMALL +\S+@loopback +warning +Small\n/);
    expect((await c13(['rules', 'delete', 'TEAM_SMALL', '--if-revision', '9'])).stderr).toMatch(/Expected revision 9/);
    expect((await c13(['rules', 'delete', 'TEAM_SMALL'])).exitCode).toBe(0);
  } finally {
    await registry.stop();
  }
});
