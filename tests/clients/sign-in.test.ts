/** Signing in and out, as package managers ask for it: on a terminal, in a browser, and by the way. @module */
import { expect, it } from 'vitest';
import { call } from '../registry/fixtures.ts';
import { cookieOf, PASSWORD, postForm } from '../registry/identity-fixtures.ts';
import type { Answer, Client } from './client.ts';
import { Place, prepare, succeeds } from './place.ts';

const fresh = Place.open({ hasPeople: false });
const place = Place.open();

it('makes the first administrator with npm adduser; npm login makes tokens, and npm logout ends them', async () => {
  const npm = fresh.client('npm', null);
  const home = npm.folder('home');
  const first = await home.run(['adduser', '--auth-type=legacy'], { answers: [...typed('ann', PASSWORD), EMAIL] });
  expect(first).toMatchObject({ code: 0, out: expect.stringContaining(`Logged in on ${fresh.url}/.`) });
  expect(await succeeds(npm, 'whoami', home)).toBe('ann\n');
  const { out: refused } = await home.run(['login', '--auth-type=legacy'], { answers: typed('ann', `${PASSWORD}!`) });
  expect(refused).toMatch(/E401[\s\S]*401 Unauthorized - PUT \S+org\.couchdb\.user:ann - .*password/);

  const before = tokenIn(npm);
  const again = await home.run(['login', '--auth-type=legacy'], { answers: typed('ann', PASSWORD) });
  expect(again.code, again.out).toBe(0);
  const token = tokenIn(npm);
  expect(token).not.toBe(before);
  expect(await whoIs(fresh, token)).toMatchObject({ status: 200, body: { username: 'ann' } });
  const { code, out } = await home.run(['logout']);
  expect(code, out).toBe(0);
  expect((await whoIs(fresh, token)).status).toBe(401);
  expect(npm.homeFile('.npmrc')).not.toContain(token);
});

it('lets npm sign in with a browser', async () => {
  const npm = place.client('npm', null);
  const home = npm.folder('home');
  const allowing: Promise<unknown>[] = [];
  const answers: Answer[] = [
    [/(\/_dashboard\/web-login)\?ticket=([\w-]+)/, (found) => void allowing.push(allow(found))],
  ];
  const { code, out } = await home.run(['login', '--browser=false'], { answers });
  expect(code, out).toBe(0);
  expect(await Promise.all(allowing)).toMatchObject([{ status: 200 }]);
  expect(await succeeds(npm, 'whoami', home)).toBe('ann\n');
});

it('lets Yarn 4 sign in', async () => {
  const yarn = place.client('yarn4', null);
  const project = await prepare(yarn, yarn.project('app', {}));
  const { code, out } = await project.run(['npm', 'login'], { answers: typed('ann', PASSWORD) });
  expect(code, out).toBe(0);
  expect(await succeeds(yarn, 'whoami', project)).toContain('ann');
});

it('lets Yarn 1 sign in for as long as it publishes', async () => {
  const yarn = place.client('yarn1', null);
  const folder = yarn.package('by-yarn', '1.0.0');
  const answers: Answer[] = [
    [/npm username:/, 'ann'],
    [/npm email:/, 'ann@acme.example'],
    [/npm password:/, PASSWORD],
  ];
  const { code, out } = await folder.run(['publish', '--new-version', '1.0.0'], { answers });
  expect(code, out).toBe(0);
  expect(out).toMatch(/Published\.[\s\S]*Revoked login token/);
});

const EMAIL: Answer = [/Email\b/, 'ann@acme.example'];

function typed(user: string, password: string): Answer[] {
  return [
    [/Username:/, user],
    [/Password:/, password],
  ];
}

function tokenIn(npm: Client): string {
  return /:_authToken="?([^"\n]+)/.exec(npm.homeFile('.npmrc'))?.[1] ?? '';
}

async function whoIs({ url }: Place, token: string) {
  return await call(url, 'GET', '/-/whoami', undefined, { authorization: `Bearer ${token}` });
}

/** As ann does in her browser. */
async function allow([, page = '', ticket = '']: RegExpExecArray) {
  const cookie = await cookieOf(place.url, 'ann');
  return await postForm(place.url, page, { ticket }, { cookie, origin: place.url });
}
