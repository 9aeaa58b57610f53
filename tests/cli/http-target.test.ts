/** The contract of targets on a registry that runs as a process of its own. @module */
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { describeTarget } from '../contract/target.contract.ts';
import { HttpTarget } from '../../src/cli/http-target.ts';
import { startRegistry, Workplace } from './cli.ts';

const never = new AbortController().signal;

describeTarget('registry', async () => {
  const workplace = new Workplace();
  const registry = await startRegistry(workplace.data);
  return {
    target: new HttpTarget(registry.url, never),
    async close() {
      await registry.stop();
      workplace[Symbol.dispose]();
    },
  };
});

test('where nobody answers, the error says what to do', async () => {
  const error = await new HttpTarget('http://127.0.0.1:1', never).get('default').catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'ERR_REGISTRY_UNREACHABLE', hint: expect.stringContaining('--database') });
});

test('where the answer is lost, the error says that nobody knows', async () => {
  const server = createServer((socket) => socket.once('data', () => socket.destroy()));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', () => listening()));
  const target = new HttpTarget(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, never);
  const error = await target.set('default', { rows: 9 }, { actor: '' }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'ERR_REGISTRY_UNREACHABLE', message: expect.stringContaining('is not known') });
  server.close();
});

test('what answers but is no registry is called so', async () => {
  const server = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', () => listening()));
  const target = new HttpTarget(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, never);
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
  await new HttpTarget(url, never, 'c0ffee').status();
  await new HttpTarget(url, never).status();
  expect(heard).toEqual(['Bearer c0ffee', 'none']);
  server.close();
});

test('an interrupt ends a request with its own reason', async () => {
  const reason = new Error('stop');
  await expect(new HttpTarget('http://127.0.0.1:1', AbortSignal.abort(reason)).get('default')).rejects.toBe(reason);
});
