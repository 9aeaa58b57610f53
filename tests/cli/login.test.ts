/** Signing in with the command, and which token it shows to whom. @module */
import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseMoment } from '../../src/cli/values.ts';
import { requireSafeWay } from '../../src/cli/registry-client.ts';
import { MAIN, type Registry, startRegistry, Workplace } from './cli.ts';
import { processVariables } from '../../src/env/env.ts';

const PASSWORD = 'four random words here';
let place: Workplace;
let registry: Registry;
let credentials: string;

beforeAll(async () => {
  place = new Workplace();
  registry = await startRegistry(place.data);
  credentials = join(place.directory, '13byte-config', 'credentials.json');
  const secret = (await place.c13(['setup-link'])).stdout.trim().split('secret=')[1];
  const body = JSON.stringify({ secret, user: 'ann', password: PASSWORD });
  const headers = { 'content-type': 'application/json' };
  await fetch(`${registry.url}/api/v1/setup`, { method: 'POST', body, headers });
});

afterAll(async () => {
  await registry.stop();
  place[Symbol.dispose]();
});

const c13 = (args: readonly string[], started: { stdin?: string; env?: Record<string, string> } = {}) =>
  place.c13([...args, '--url', registry.url], started);

describe('login', () => {
  test('keeps the session for the commands that follow, for this user alone, and logout ends it', async () => {
    expect(await c13(['get', 'rows'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('c13 login --url'),
    });
    const login = await c13(['login', '--user', 'ann', '--password-stdin'], { stdin: `${PASSWORD}\n` });
    expect(login).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^signed in to \S+ as ann, until /) });
    expect(statSync(credentials).mode & 0o777).toBe(0o600);
    const [stored] = Object.values(await Bun.file(credentials).json()) as { token: string }[];
    expect(login.stdout + login.stderr).not.toContain(stored!.token);
    expect((await c13(['get', 'rows'])).stdout).toBe('24\n');
    expect(JSON.parse((await c13(['whoami', '--json'])).stdout)).toMatchObject({ user: 'ann', kind: 'user' });
    expect((await c13(['logout'])).stdout).toMatch(/^signed out/);
    const header = { authorization: `Bearer ${stored!.token}` };
    expect((await fetch(`${registry.url}/api/v1/whoami`, { headers: header })).status).toBe(401);
    expect((await c13(['whoami'])).exitCode).toBe(1);
    expect((await c13(['logout'])).stdout).toMatch(/^there is no session/);
  });

  test('with a wrong password keeps nothing, and says so in one line', async () => {
    const ran = await c13(['login', '--user', 'ann', '--password-stdin'], { stdin: 'not the one at all\n' });
    expect(ran).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ran.stderr).toMatch(/^error: The name or the password is wrong — [^\n]+\n$/);
    expect(await Bun.file(credentials).json()).toEqual({});
    expect(await c13(['login'])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--user') });
    const nothing = await c13(['login', '--user', 'ann', '--password-stdin'], { stdin: '\n' });
    expect(nothing).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('stdin') });
  });

  test('asks for the password on a terminal, and shows nothing of it', async () => {
    let text = '';
    let typed = false;
    const args = ['login', '--user', 'ann', '--url', registry.url];
    const child = Bun.spawn([process.execPath, MAIN, ...args], {
      cwd: place.directory,
      env: { ...processVariables(), TERM: 'xterm-256color', XDG_CONFIG_HOME: place.directory },
      terminal: {
        cols: 80,
        rows: 24,
        data(terminal, data) {
          text += new TextDecoder().decode(data);
          if (typed || !/Password of ann/.test(text)) return;
          typed = true;
          terminal.write(`${PASSWORD}\r`);
        },
      },
    });
    expect(await child.exited).toBe(0);
    child.terminal?.close();
    expect(text).toMatch(/signed in/);
    expect(text).not.toContain('four');
  });

  test('is not told to what would let others listen', async () => {
    const ran = await place.c13(['login', '--user', 'ann', '--password-stdin', '--url', 'http://registry.example']);
    expect(ran).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--insecure') });
    for (const url of ['https://registry.example', 'http://127.0.0.1:1', 'http://[::1]:1', 'http://localhost']) {
      expect(() => requireSafeWay(url, false)).not.toThrow();
    }
    for (const url of ['http://localhost.evil.example', 'http://127.0.0.1.evil.example', 'http://10.0.0.1']) {
      expect(() => requireSafeWay(url, false), url).toThrow(/not encrypted/);
      expect(() => requireSafeWay(url, true)).not.toThrow();
    }
  });
});

describe('the token that is shown', () => {
  test('is that of --token-file, else of C13_TOKEN, else of login', async () => {
    await c13(['login', '--user', 'ann', '--password-stdin'], { stdin: PASSWORD });
    const made = async (name: string) => JSON.parse((await c13(['tokens', 'create', name, '--json'])).stdout).secret;
    const [one, two] = [await made('one'), await made('two')];
    const file = join(place.directory, 'token');
    writeFileSync(file, `${one}\n`);
    const actor = async (args: string[], env: Record<string, string> = {}) =>
      JSON.parse((await c13(['whoami', '--json', ...args], { env })).stdout).actor;
    expect(await actor([])).toBe('ann');
    expect(await actor([], { C13_TOKEN: two })).toBe('ann/two');
    expect(await actor(['--token-file', file], { C13_TOKEN: two })).toBe('ann/one');
    const missing = await c13(['whoami', '--token-file', join(place.directory, 'none')]);
    expect(missing).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--token-file') });
    const odd = await c13(['whoami'], { env: { C13_TOKEN: 'two words' } });
    expect(odd.exitCode).toBe(2);
    expect(odd.stderr).not.toContain('two words');
  });

  test('is all that making it writes to stdout, also where little is said', async () => {
    await c13(['login', '--user', 'ann', '--password-stdin'], { stdin: PASSWORD });
    const made = await c13(['tokens', 'create', 'plain']);
    expect(made.stdout).toMatch(/^c13_[0-9a-f]{16}_\S+\n$/);
    expect(made.stderr).toMatch(/^token [0-9a-f]{16} of ann, until \S+; it is not shown again\n$/);
    const quiet = await c13(['tokens', 'create', 'quiet', '--quiet']);
    expect(quiet).toMatchObject({ stdout: expect.stringMatching(/^c13_[0-9a-f]{16}_\S+\n$/), stderr: '' });
    const { stdout } = await c13(['whoami', '--json'], { env: { C13_TOKEN: quiet.stdout.trim() } });
    expect(JSON.parse(stdout).actor).toBe('ann/quiet');
  });

  test('is none from a file that others can read', async () => {
    expect(existsSync(credentials)).toBe(true);
    chmodSync(credentials, 0o644);
    const ran = await c13(['get', 'rows']);
    chmodSync(credentials, 0o600);
    expect(ran).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringContaining('open to other users') });
  });
});

test('a token expires when it is said', () => {
  expect(parseMoment('12h', '--expires', 1000)).toBe(1000 + 12 * 3_600_000);
  expect(parseMoment('30d', '--expires', 0)).toBe(30 * 86_400_000);
  expect(parseMoment('2030-01-01T00:00:00Z', '--expires', 5)).toBe(Date.UTC(2030, 0, 1));
  for (const text of ['', '3w', '-1d', 'soon', '1.5h'])
    expect(() => parseMoment(text, '--expires', 0), text).toThrow(/--expires/);
});
