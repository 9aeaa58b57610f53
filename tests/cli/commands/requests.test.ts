/** `c13 requests`: what it takes besides what docs/CLI.md shows, and what it refuses before it asks a registry. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRegistry, Workplace } from '../cli.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const AT = '2100-01-01T00:00:00Z';

let place: Workplace;
let registry: Awaited<ReturnType<typeof startRegistry>>;

beforeAll(async () => {
  place = await Workplace.open();
  registry = await startRegistry(place.data);
});
afterAll(async () => {
  await registry.stop();
  place[Symbol.dispose]();
});

const c13 = (...args: string[]) => place.c13(['requests', ...args], { env: { C13_URL: registry.url } });

it('takes operations, a ramp or steps from a file, and answers with JSON', async () => {
  const file = join(place.directory, 'wanted.yaml');
  writeFileSync(
    file,
    [
      'steps:',
      '  - operations: [{ name: default, set: { rows: 40 } }]',
      '  - { operations: [{ name: default, reset: true }], pause_s: 60 }',
    ].join('\n'),
  );
  const made = await c13('create', '--file', file, '--needs-approval', '--reason', 'first this', '--json');
  expect([made.exitCode, made.stderr]).toEqual([0, '']);
  const { id, state, steps } = JSON.parse(made.stdout);
  expect([state, steps.length, steps[1].pause_s]).toEqual(['proposed', 2, 60]);
  const { requests } = JSON.parse((await c13('list', '--state', 'proposed', '--json')).stdout);
  expect(requests).toMatchObject([{ id, reason: 'first this', needsApproval: true }]);
  const self = await c13('approve', id);
  expect([self.exitCode, self.stderr]).toEqual([1, expect.stringContaining('has asked for the change')]);
  const stale = await c13('cancel', id, '--if-revision', '9');
  expect([stale.exitCode, stale.stderr]).toEqual([1, expect.stringContaining('Expected revision 9')]);
  const completed = await place.c13(['complete', '--', 'requests', 'cancel', ''], { env: { C13_URL: registry.url } });
  expect(completed.stdout).toContain(id);
  expect((await c13('cancel', id, '--note', 'no')).stdout).toBe(`cancelled request ${id}\n`);
  expect((await c13('show', id)).stdout).toMatch(/^end +\S+@loopback, \S+: no$/m);
});

describe('a file', () => {
  const ask = { reason: 'from the file', needsApproval: true, force: true };
  const wanted = {
    operations: { operations: [{ name: 'default', set: { rows: 31 } }], at: '3h', expiresAt: '2d', ...ask },
    ramp: {
      ramp: { name: 'default', feature: 'debug', percents: [5, 50], pause_s: 60 },
      at: '3h',
      expiresAt: '2d',
      ...ask,
    },
    steps: {
      steps: [{ operations: [{ name: 'default', set: { rows: 32 } }] }],
      at: '3h',
      expiresAt: '2d',
      ...ask,
    },
  };

  it.each(Object.entries(wanted))('of %s says all that options can', async (_, document) => {
    const file = join(place.directory, 'ask.json');
    writeFileSync(file, JSON.stringify(document));
    const begin = Date.now();
    const made = await c13('create', '--file', file, '--json');
    expect([made.exitCode, made.stderr]).toEqual([0, '']);
    const view = JSON.parse(made.stdout);
    expect(view).toMatchObject({ ...ask, state: 'proposed' });
    expect(view.expiresAt).toBeGreaterThanOrEqual(begin + 2 * DAY_MS);
    expect(view.expiresAt).toBeLessThan(begin + 3 * DAY_MS);
    expect(view.steps[0].at).toBeGreaterThanOrEqual(begin + 3 * HOUR_MS);
    await c13('cancel', view.id);
  });

  it('gives way to what is given with it', async () => {
    const file = join(place.directory, 'ask.json');
    writeFileSync(file, JSON.stringify(wanted.operations));
    const begin = Date.now();
    const made = await c13('create', '--file', file, '--json', '-m', 'mine', '--at', '9h', '--expires', '5d');
    const view = JSON.parse(made.stdout);
    expect(view).toMatchObject({ ...ask, reason: 'mine' });
    expect(view.steps[0].at).toBeGreaterThanOrEqual(begin + 9 * HOUR_MS);
    expect(view.expiresAt).toBeGreaterThanOrEqual(begin + 5 * DAY_MS);
    await c13('cancel', view.id);
  });

  it('with a time of no zone is refused', async () => {
    const file = join(place.directory, 'ask.json');
    writeFileSync(file, JSON.stringify({ ...wanted.operations, at: '2026-03-01T12:00' }));
    expect(await c13('create', '--file', file)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('no zone'),
    });
  });
});

it('says what was meant by the bare name of a feature', async () => {
  const ran = await c13('create', 'debug=true');
  expect(ran).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('Did you mean features.debug=true?') });
});

describe('refuses', () => {
  it.each([
    ['nothing to change', ['create'], 2],
    ['two things to change', ['create', 'rows=9', '--file', 'x.json'], 2],
    ['a pause without a unit', ['ramp', 'debug', '1', '100', '--pause', '90'], 2],
    ['a ramp without a pause', ['ramp', 'debug', '1', '100'], 2],
    ['an unknown state', ['list', '--state', 'done'], 2],
    ['a database', ['list', '--database', 'x.db'], 2],
    ['a percentage over 100', ['ramp', 'debug', '1', '101', '--pause', '1h'], 1],
    ['a moment of no zone', ['create', 'rows=9', '--at', '2026-03-01T12:00'], 2],
    ['a config beside a file', ['create', '--file', 'x.json', '-n', 'checkout'], 2],
    ['a moment too far away', ['create', 'rows=9', '--at', AT], 1],
  ])('%s', async (_, args, exitCode) => {
    const ran = await c13(...args);
    expect([ran.exitCode, ran.stdout], ran.stderr).toEqual([exitCode, '']);
    expect(ran.stderr).toMatch(/^error: .+ — .+\n$/);
  });
});
