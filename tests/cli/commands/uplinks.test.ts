/** Uplinks and package filters by the command line, on a registry that runs as a process of its own. @module */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Ran, type Registry, startRegistry, Workplace } from '../cli.ts';

let place: Workplace;
let registry: Registry;
beforeAll(async () => {
  place = await Workplace.open();
  registry = await startRegistry(place.data);
});
afterAll(async () => {
  await registry.stop();
  place[Symbol.dispose]();
});

async function c13(...args: readonly string[]): Promise<Ran> {
  return await place.c13([...args, '--url', registry.url]);
}

test('uplinks are set, changed in part, shown, tested and removed', async () => {
  const set = await c13(
    'uplinks',
    'set',
    'main',
    'http://127.0.0.1:9',
    '--pattern',
    '@tools/*',
    'ui',
    '--retries',
    '0',
  );
  expect([set.stderr, set.stdout.trim()]).toEqual(['', 'set main: http://127.0.0.1:9 for @tools/* ui']);
  const ours = await c13('uplinks', 'set', 'ours', '--ours', '--pattern', '@acme/*', '--order', '1');
  expect(ours.stdout.trim()).toBe('set ours: nobody is asked for @acme/*');
  await c13('uplinks', 'set', 'main', '--off');
  const { stdout } = await c13('uplinks', 'list');
  const cells = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  expect(cells).toEqual([
    ['uplink', 'address', 'names', 'state'],
    ['ours', 'nobody: they are ours', '@acme/*', 'on'],
    ['main', 'http://127.0.0.1:9', '@tools/* ui', 'off'],
    ['Nobody is asked: of the uplinks that are declared none is switched on and has a URL.'],
  ]);
  const self = await c13('uplinks', 'set', 'self', registry.url.replace('127.0.0.1', 'localhost'));
  expect([self.exitCode, self.stderr]).toEqual([1, expect.stringContaining('this one would ask itself')]);
  const off = await c13('uplinks', 'test', 'main');
  expect([off.exitCode, off.stderr]).toEqual([
    1,
    expect.stringContaining('There is no uplink "main" that could be asked'),
  ]);
  await c13('uplinks', 'set', 'main', '--on');
  const dead = await c13('uplinks', 'test', 'main');
  expect([dead.exitCode, dead.stderr]).toEqual([1, expect.stringContaining('The uplink main: it cannot be reached')]);
  expect((await c13('uplinks', 'remove', 'main')).stdout.trim()).toBe('removed main');
  expect((await c13('uplinks', 'remove', 'main')).exitCode).toBe(1);
  const nowhere = await c13('uplinks', 'set', 'new');
  expect([nowhere.exitCode, nowhere.stderr]).toEqual([2, expect.stringContaining('it needs an address')]);
});

test('package filters are set, shown and removed', async () => {
  const set = await c13('filters', 'set', 'week', 'block', '--min-age', '7d');
  expect([set.stderr, set.stdout.trim()]).toEqual(['', 'set week: block *, younger than 1w']);
  await c13('filters', 'set', 'free', 'only', '--names', '@tools/*', '--licence', 'MIT', 'ISC', '--versions', '<2');
  const { stdout } = await c13('filters', 'list', '--json');
  expect(JSON.parse(stdout).filters).toMatchObject([
    { name: 'free', effect: 'only', names: '@tools/*', versions: '<2', licences: ['MIT', 'ISC'], minAge_s: null },
    { name: 'week', effect: 'block', names: '*', versions: null, licences: null, minAge_s: 604_800 },
  ]);
  expect((await c13('filters', 'remove', 'week')).stdout.trim()).toBe('removed week');
  const refusals = await Promise.all([
    c13('filters', 'set', 'x', 'deny'),
    c13('filters', 'set', 'x', 'block', '--min-age', 'soon'),
    c13('filters', 'set', 'x', 'only', '--names', 'ui'),
    c13('filters', 'set', 'x', 'block'),
    c13('filters', 'set', 'x', 'block', '--licence', 'MIT', 'Apache2'),
  ]);
  expect(refusals.map(({ exitCode }) => exitCode)).toEqual([2, 2, 1, 2, 2]);
  expect(refusals.map(({ stderr }) => stderr).slice(3)).toEqual([
    expect.stringContaining('Nothing says what the filter is about'),
    expect.stringContaining("'Apache2' is no SPDX identifier"),
  ]);
  expect((await c13('filters', 'set', 'x', 'block', '--names', '*')).stdout.trim()).toBe('set x: block *, all');
});
