/** The contract of targets on a registry that runs as a process of its own. @module */
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { describeTarget } from '../contract/target.contract.ts';
import { HttpTarget } from '../../src/cli/http-target.ts';
import { RegistryClient } from '../../src/cli/registry-client.ts';
import { startRegistry, Workplace } from './cli.ts';

const never = new AbortController().signal;

function targetAt(url: string, token: string | null = null, signal = never): HttpTarget {
  return new HttpTarget(new RegistryClient({ url, signal, token }));
}

describeTarget('registry', async () => {
  const workplace = new Workplace();
  const registry = await startRegistry(workplace.data);
  return {
    target: targetAt(registry.url),
    async close() {
      await registry.stop();
      workplace[Symbol.dispose]();
    },
  };
});

test('where nobody answers, the error says what to do', async () => {
  const error = await targetAt('http://127.0.0.1:1')
    .get('default')
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'ERR_REGISTRY_UNREACHABLE', hint: expect.stringContaining('--database') });
});

test('where nobody answers, it is known that nothing was changed', async () => {
  const refused = targetAt('http://127.0.0.1:1').set('default', { rows: 9 }, { actor: '' });
  const error = await refused.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ message: expect.stringContaining('No registry answers') });
});

test('where the answer is lost, the error says that nobody knows', async () => {
  const server = createServer((socket) => socket.once('data', () => socket.destroy()));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', () => listening()));
  const target = targetAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const error = await target.set('default', { rows: 9 }, { actor: '' }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'ERR_REGISTRY_UNREACHABLE', message: expect.stringContaining('is not known') });
  server.close();
});

test('what answers but is no registry is called so', async () => {
  const server = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', () => listening()));
  const target = targetAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const error = await target.get('default').catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'ERR_REGISTRY_UNREACHABLE', message: expect.stringContaining('is no registry') });
  server.close();
});

test('a token is shown when there is one', async () => {
  const heard: string[] = [];
  const server = createServer((socket) =>
    socket.once('data', (bytes) => {
      heard.push(/^authorization: (.*)\r$/im.exec(bytes.toString())?.[1] ?? 'none');
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}');
    }),
  );
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', () => listening()));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await targetAt(url, 'c0ffee').status();
  await targetAt(url).status();
  expect(heard).toEqual(['Bearer c0ffee', 'none']);
  server.close();
});

test('an interrupt ends a request with its own reason', async () => {
  const reason = new Error('stop');
  await expect(targetAt('http://127.0.0.1:1', null, AbortSignal.abort(reason)).get('default')).rejects.toBe(reason);
});

/** Answers every request with this, as if it were a registry. */
async function posing(answer: unknown): Promise<{ url: string; stop: () => void }> {
  const body = typeof answer === 'string' ? answer : JSON.stringify(answer);
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response(body) });
  return { url: `http://127.0.0.1:${server.port}`, stop: () => void server.stop(true) };
}

const FIELDS = { version: 1, registryHash: 0x930ed19a, featureFlags: 0, terminalMode: 1, rows: 24, cols: 80 };

test('what a shell is to run never comes from what answers', async () => {
  using place = new Workplace();
  const good = await posing({ ...FIELDS, extra: '$(touch PWNED)' });
  const printed = await place.c13(['env', 'export', '--url', good.url]);
  expect(printed.stdout).toContain("export BUN_REGISTRY_HASH='0x930ed19a'\n");
  expect(printed.stdout.split('\n')).toHaveLength(7);
  good.stop();
  for (const evil of [
    'touch PWNED',
    { ...FIELDS, rows: "24'; touch PWNED; '" },
    { ...FIELDS, registryHash: { toString: 'touch PWNED' } },
    { ...FIELDS, cols: undefined },
  ]) {
    const { url, stop } = await posing(evil);
    for (const format of ['shell', 'dotenv', 'json']) {
      const { exitCode, stdout } = await place.c13(['env', 'export', '--format', format, '--url', url]);
      expect([exitCode, stdout]).toEqual([1, '']);
    }
    stop();
  }
});

test('nothing that answers moves the cursor of who reads it', async () => {
  using place = new Workplace();
  const bad = '\u001b]0;x\u0007\u009b2J\u202e\r';
  const view = { ...FIELDS, name: bad, revision: bad, hex: bad, checksum: bad, lastModified: 0, rollouts: {} };
  const config = { ...view, features: { enabled: [bad], disabled: [] }, environment: bad };
  const answers: [string[], unknown][] = [
    [['metrics'], `# ${bad}\nup 1\n`],
    [['backup'], { path: bad, size_bytes: 1, head: { seq: bad, hash: bad } }],
    [['set', 'rows=1'], { config, changed: true, warnings: [{ code: bad, path: bad, message: bad, hint: bad }] }],
    [['get'], config],
    [['get', 'hex'], config],
    [['status'], { version: bad, core: { kind: bad } }],
    [['backups'], { backups: [{ name: bad, createdAt: 0, size_bytes: 1 }] }],
    [['template'], { templates: [{ name: bad, description: bad }] }],
    [['migrate', '1'], { config, changed: true, warnings: [], log: [{ description: bad, changes: [] }], backup: null }],
    [['history'], { entries: [], cursor: bad, features: [] }],
  ];
  for (const [words, answer] of answers) {
    const { url, stop } = await posing(answer);
    for (const more of [[], ['--json']]) {
      const { stdout, stderr } = await place.c13([...words, ...more, '--url', url]);
      if (more.length === 0) expect(stdout + stderr, words.join(' ')).toContain('\\u001b]0;x\\u0007\\u009b2J\\u202e');
      expect(stdout + stderr, words.join(' ')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    }
    stop();
  }
});

test('a request to this machine passes no proxy', async () => {
  using place = new Workplace();
  const registry = await startRegistry(place.data);
  let carried = 0;
  const proxy = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response(`${(carried += 1)}`) });
  const HTTP_PROXY = `http://127.0.0.1:${proxy.port}`;
  const env = { HTTP_PROXY, http_proxy: HTTP_PROXY, NO_PROXY: '', no_proxy: '' };
  const { exitCode } = await place.c13(['set', 'rows=9', '--url', registry.url], { env });
  expect([exitCode, carried]).toEqual([0, 0]);
  // The same variables do lead other requests to it.
  await place.c13(['get', '--url', 'http://registry.example'], { env });
  expect(carried).toBe(1);
  await proxy.stop(true);
  await registry.stop();
});
