/** validate headers and proxy test, as they are typed. @module */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Workplace } from '../cli.ts';
import { connectProxy, makeCertificate, serveOn } from '../../proxy/servers.ts';

let workplace: Workplace;
beforeAll(async () => {
  workplace = await Workplace.open();
});
afterAll(() => workplace[Symbol.dispose]());

describe('validate headers', () => {
  test('answers what valid ones say', async () => {
    const ran = await workplace.c13([
      'validate',
      'headers',
      'X-Bun-Config-Version',
      '1',
      'x-bun-terminal-cols',
      '80',
      '--json',
    ]);
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(ran.stdout)).toEqual({ isValid: true, errors: [], fields: { version: 1, cols: 80 } });
  });

  test('names every fault of invalid ones', async () => {
    const words = ['X-Bun-Terminal-Rows', '0', 'X-Bun-Config-Dmup', '00'];
    const { exitCode, stdout, stderr } = await workplace.c13(['validate', 'headers', ...words, '--json']);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout).errors.map(({ details }: any) => details.header)).toEqual([
      'x-bun-terminal-rows',
      'x-bun-config-dmup',
    ]);
    expect(JSON.parse(stderr).error.code).toBe('ERR_HEADER');
  });

  test.each([
    [['X-Bun-Config-Version'], /has no value/],
    [['Accept', '*/*'], /'Accept' is no X-Bun header/],
    [[], /Missing required argument 'header'/],
    [['X-Bun-Config-Version', '1', '--name', 'a'], /does not take --name/],
  ])('%j is wrong usage', async (words, line) => {
    const ran = await workplace.c13(['validate', 'headers', ...words]);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringMatching(line) });
  });

  test('validate itself is as it was', async () => {
    expect(await workplace.on(['validate'])).toMatchObject({ exitCode: 0, stdout: 'valid\n' });
    expect((await workplace.on(['validate', 'rows=0'])).exitCode).toBe(1);
  });
});

describe('proxy test', () => {
  const asked = (args: string[], env: Record<string, string> = {}) =>
    workplace.c13(['proxy', 'test', ...args, '--json'], {
      env: { HTTP_PROXY: '', HTTPS_PROXY: '', NO_PROXY: '', ...env },
    });

  test('a server: the way, the status, and no config for strangers', async () => {
    const heads: string[][] = [];
    const port = serveOn((request) => {
      heads.push([...request.headers.keys()]);
      return new Response('teapot', { status: 418 });
    });
    const { exitCode, stdout } = await asked([`http://ann:secret@localhost:${port}/a?b=secret`]);
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain('secret');
    expect(JSON.parse(stdout)).toEqual({
      url: `http://localhost:${port}/a`,
      address: '127.0.0.1',
      proxy: null,
      dns_ms: expect.any(Number),
      connect_ms: expect.any(Number),
      tls_ms: null,
      firstByte_ms: expect.any(Number),
      status: 418,
      configSent: false,
    });
    expect(heads.flat().filter((name) => name.startsWith('x-bun'))).toEqual([]);
  });

  test('a registry of ours gets the config that is named', async () => {
    await workplace.on(['set', 'rows=77', '--name', 'sent']);
    const rows: (string | null)[] = [];
    const port = serveOn((request) => {
      rows.push(request.headers.get('x-bun-terminal-rows'));
      return new Response();
    });
    const origin = `http://127.0.0.1:${port}`;
    const args = [`${origin}/`, '--name', 'sent', '--database', workplace.database];
    expect(JSON.parse((await asked(args, { C13_PEERS: origin })).stdout)).toMatchObject({ configSent: true });
    expect(JSON.parse((await asked(args, { C13_PEERS: 'http://127.0.0.1:1' })).stdout)).toMatchObject({
      configSent: false,
    });
    expect(rows).toEqual(['77', null]);
  });

  test('a proxy of the environment, without its credentials', async () => {
    const proxy = await connectProxy();
    const port = serveOn(() => new Response('through'));
    const { stdout } = await asked([`http://up.example:${port}/`], {
      HTTP_PROXY: proxy.url.replace('//', '//ann:secret@'),
    });
    expect(stdout).not.toContain('secret');
    expect(JSON.parse(stdout)).toMatchObject({ proxy: proxy.url, dns_ms: null, status: 200 });
    expect(proxy.heads.length).toBe(1);
  });

  test.each([
    ['nobody listens', () => 'http://127.0.0.1:1/', 'connect'],
    ['no such name', () => 'http://no-such-name.invalid/', 'dns'],
    [
      'a certificate nobody signed',
      () => `https://127.0.0.1:${serveOn(() => new Response(), makeCertificate('IP:127.0.0.1'))}/`,
      'tls',
    ],
  ])('%s: exit code 1', async (_, url, fault) => {
    const { exitCode, stdout, stderr } = await asked([url()]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(JSON.parse(stderr).error).toMatchObject({ code: 'ERR_UPSTREAM', details: { fault } });
  });

  test.each(['nope', 'ftp://a.example/'])('%s is wrong usage', async (url) => {
    expect((await asked([url])).exitCode).toBe(2);
  });

  test('a setting that is none is named', async () => {
    const { exitCode, stderr } = await asked(['http://127.0.0.1:1/'], { HTTP_PROXY: 'socks5://a.example' });
    expect(exitCode).toBe(2);
    expect(JSON.parse(stderr).error.details.setting).toBe('HTTP_PROXY');
  });
});
