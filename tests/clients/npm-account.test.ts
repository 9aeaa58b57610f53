/** What npm does with somebody's own account: the profile, and tokens made, listed and ended. @module */
import { beforeAll, expect, it } from 'vitest';
import { PASSWORD } from '../registry/identity-fixtures.ts';
import type { Answer, Folder } from './client.ts';
import { fails, Place, publish, succeeds } from './place.ts';

const place = Place.open();
let home!: Folder;

/** Signed in by npm itself: a token that was made for a program says nothing of its user, and makes no others. */
beforeAll(async () => {
  home = place.client('npm', null).folder('home');
  await run(
    ['login', '--auth-type=legacy'],
    [
      [/Username:/, 'ann'],
      [/Password:/, PASSWORD],
    ],
  );
});

it('shows and changes the profile', async () => {
  expect(await run(['profile', 'get'])).toMatch(/^name: ann\n[\s\S]*two-factor auth: disabled\n/);
  await run(['profile', 'set', 'email', 'ann@acme.example']);
  expect(await run(['profile', 'get', 'email'])).toBe('ann@acme.example(unverified)\n');
});

it('makes a token that only reads, which npm lists and ends', async () => {
  await publish(place.client('npm'), place.client('npm').package('plain', '1.0.0'));
  const reads = ['--packages-all', '--packages-and-scopes-permission=read-only'];
  const made = await run(['token', 'create', '--name=reader', '--expires=7', ...reads], [[/password:/, PASSWORD]]);
  const token = /Created token (\S+)/.exec(made)?.[1] ?? made;
  const reader = place.clientWith('npm', token);
  expect(await succeeds(reader, 'view', reader.folder('home'), ['plain', 'version'])).toBe('1.0.0\n');
  expect(await fails(reader, 'publish', reader.package('plain', '1.1.0'))).toMatch(
    /403 Forbidden - PUT \S+ - ann\/reader may not publish package:plain/,
  );
  const id = /^Token (\S+)… with id (\S+) name reader created \d{4}-\d\d-\d\d$/m.exec(await run(['token', 'list']))!;
  expect(token.startsWith(id[1]!)).toBe(true);
  expect(await run(['token', 'revoke', id[2]!])).toBe('Removed 1 token\n');
  expect(await fails(reader, 'whoami', reader.folder('home'))).toMatch(/E401|ENEEDAUTH/);
});

it('makes a token for some networks, which is of no use elsewhere', async () => {
  const made = await run(
    ['token', 'create', '--name=away', '--packages-all', '--cidr=203.0.113.0/24'],
    [[/password:/, PASSWORD]],
  );
  const token = /Created token (\S+)/.exec(made)?.[1] ?? made;
  const away = place.clientWith('npm', token);
  expect(await fails(away, 'publish', away.package('plain', '2.0.0'))).toMatch(/403 Forbidden - PUT \S+ - .*network/);
});

it('makes none for a wrong password', async () => {
  const { code, out } = await home.run(['token', 'create', '--name=guess', '--packages-all'], {
    answers: [[/password:/, `${PASSWORD}!`]],
  });
  expect(code, out).toBe(1);
  expect(out).toMatch(/401 Unauthorized - POST \S+\/-\/npm\/v1\/tokens - .*password/);
});

async function run(args: readonly string[], answers?: readonly Answer[]): Promise<string> {
  const { code, out } = await home.run(args, answers === undefined ? {} : { answers });
  expect(code, out).toBe(0);
  return out;
}
