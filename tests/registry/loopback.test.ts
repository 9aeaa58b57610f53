/** Who may come in, rule by rule; and on a real connection, whose process is at its other end. @module */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isLoopback, loopbackAdmission } from '../../src/registry/loopback.ts';
import { PeerOwners, type Peer } from '../../src/registry/peer.ts';
import { openApp } from './app-fixtures.ts';
import { call, startProgram } from './fixtures.ts';

const PEER: Peer = { address: '127.0.0.1', port: 50_000, family: 'IPv4' };
const token = 'c0ffee'.repeat(10);
const uidOf = async ({ port }: { port: number }): Promise<number> => (port === PEER.port ? 1000 : 1001);
const admission = loopbackAdmission({ uid: 1000, uidOf, token });

async function ruleAgainst(headers: Record<string, string>, peer: Peer | null = PEER): Promise<string | null> {
  try {
    await admission(new Request('http://x/', { headers: { host: 'localhost:4873', ...headers } }), peer);
    return null;
  } catch (error) {
    return (error as { details: { rule: string } }).details.rule;
  }
}

describe('the loopback rule', () => {
  it('lets the same user in on every loopback name', async () => {
    for (const host of ['localhost', 'LOCALHOST:4873', '127.0.0.1:4873', '127.8.9.10', '[::1]:4873']) {
      expect(await ruleAgainst({ host }), host).toBeNull();
    }
    expect(await ruleAgainst({ origin: 'http://localhost:4873' })).toBeNull();
  });

  it('refuses every other name: a foreign name server can point it here', async () => {
    const hosts = [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '127.0.0.256',
      '0.0.0.0',
      '[::]',
      '',
      'x@localhost',
      '10.0.0.1',
      'localhost:4873:1',
      'localhost:99999',
      '127.08.0.1',
      '2130706433',
    ];
    for (const host of hosts) expect(await ruleAgainst({ host }), host).toBe('host');
    await fc.assert(
      fc.asyncProperty(fc.domain(), async (host) => {
        expect(await ruleAgainst({ host })).toBe('host');
      }),
      { seed: 3 },
    );
  });

  it('refuses what another site made a browser send', async () => {
    const origins = [
      'null',
      'http://evil.example',
      'http://localhost:3000',
      'https://localhost:4873',
      'http://127.0.0.1:4873',
      'localhost:4873',
    ];
    for (const origin of origins) expect(await ruleAgainst({ origin }), origin).toBe('origin');
  });

  it('refuses a write that a page of another site makes without an Origin', async () => {
    for (const site of ['cross-site', 'same-site']) {
      const headers = { host: 'localhost', 'sec-fetch-site': site };
      await expect(admission(new Request('http://x/', { method: 'POST', headers }), PEER)).rejects.toMatchObject({
        details: { rule: 'site' },
      });
    }
    const own = { host: 'localhost', 'sec-fetch-site': 'same-origin' };
    await expect(admission(new Request('http://x/', { method: 'POST', headers: own }), PEER)).resolves.toBeUndefined();
  });

  it('lets nobody in by a token where there is none', async () => {
    const linux = loopbackAdmission({ uid: 1000, uidOf: async () => null, token: null });
    for (const authorization of ['', 'Bearer ', 'Bearer null', `Bearer ${token}`]) {
      const request = new Request('http://x/', { headers: { host: 'localhost', authorization } });
      await expect(linux(request, PEER), authorization).rejects.toMatchObject({ details: { rule: 'user' } });
    }
  });

  it('refuses what came through a proxy', async () => {
    for (const header of [
      'Forwarded',
      'Via',
      'X-Real-IP',
      'X-Forwarded-For',
      'X-Forwarded-Host',
      'X-Forwarded-Anything',
    ]) {
      expect(await ruleAgainst({ [header]: '127.0.0.1' }), header).toBe('forwarded');
    }
  });

  it('refuses other machines, other users, and who cannot be told', async () => {
    expect(await ruleAgainst({}, { ...PEER, address: '10.0.0.9' })).toBe('peer');
    expect(await ruleAgainst({}, null)).toBe('peer');
    expect(await ruleAgainst({}, { ...PEER, port: 50_001 })).toBe('user');
    const unknown = loopbackAdmission({ uid: 1000, uidOf: async () => null, token });
    const refused = { code: 'ERR_FORBIDDEN', details: { rule: 'user' } };
    for (const authorization of ['', 'Bearer', `Bearer ${token.slice(1)}`, `Bearer ${token}0`, `bearer ${token}`]) {
      const request = new Request('http://x/', { headers: { host: 'localhost', authorization } });
      await expect(unknown(request, PEER), authorization).rejects.toMatchObject(refused);
    }
  });

  it('lets in who cannot be told but shows the token, and nobody else by it', async () => {
    const unknown = loopbackAdmission({ uid: 1000, uidOf: async () => null, token });
    const headers = { host: 'localhost', authorization: `Bearer ${token}` };
    await expect(unknown(new Request('http://x/', { headers }), PEER)).resolves.toBeUndefined();
    expect(await ruleAgainst(headers, { ...PEER, port: 50_001 })).toBe('user');
    expect(await ruleAgainst(headers, { ...PEER, address: '10.0.0.9' })).toBe('peer');
  });

  it('keeps nothing back that is public, and nothing else open', async () => {
    const { call: ask } = await openApp(admission);
    for (const path of ['/health', '/-/health', '/-/ping']) expect((await ask('GET', path)).status, path).toBe(200);
    const probed = (await ask('GET', 'metrics')).body;
    expect(probed).toContain('process_resident_memory_bytes');
    expect(probed).not.toContain('c13_configs');
    expect(probed).not.toContain('c13_http');
    for (const path of [
      'config',
      'configs',
      'status',
      'features',
      'env',
      'config/history',
      'config/backups',
      'nothing',
      '/_dashboard',
    ]) {
      const { status, body } = await ask('GET', path);
      expect([status, body.code], path).toEqual([403, 'ERR_FORBIDDEN']);
    }
    expect((await ask('POST', 'config', { rows: 3 })).status).toBe(403);
  });

  it('knows which addresses are loopback', () => {
    for (const host of ['localhost', '127.0.0.1', '127.255.255.255', '::1', '[::1]'])
      expect(isLoopback(host), host).toBe(true);
    for (const host of ['127.0.0.1.', '1270.0.0.1', '::', '::ffff:127.0.0.1', 'local', ''])
      expect(isLoopback(host), host).toBe(false);
  });
});

describe('the other end of a connection', () => {
  it('belongs to the user whose process it is, over both families and while it lives', async () => {
    for (const [hostname, family] of [
      ['127.0.0.1', 'IPv4'],
      ['::1', 'IPv6'],
    ] as const) {
      const accepted = Promise.withResolvers<void>();
      const server = Bun.listen({ hostname, port: 0, socket: { open: () => accepted.resolve(), data() {} } });
      onTestFinished(() => server.stop(true));
      const client = await Bun.connect({ hostname, port: server.port, socket: { data() {} } });
      await accepted.promise;
      const owners = new PeerOwners(server.port);
      const peer: Peer = { address: hostname, port: client.localPort, family };
      expect(await owners.uidOf(peer), family).toBe(process.getuid!());
      expect(await owners.uidOf(peer), `${family}, known`).toBe(process.getuid!());
      expect(await owners.uidOf({ ...peer, port: server.port }), 'nobody').toBeNull();
    }
  });

  it('is told of many at once by one reading, and never by one that began before they came', async () => {
    const server = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      // Who is greeted has been accepted.
      socket: { open: (socket) => void socket.write('hello'), data() {} },
    });
    onTestFinished(() => server.stop(true));
    const connect = async (): Promise<Peer> => {
      const { promise: greeted, resolve } = Promise.withResolvers<void>();
      const { hostname, port } = server;
      const client = await Bun.connect({ hostname, port, socket: { data: () => resolve() } });
      await greeted;
      return { address: hostname, port: client.localPort, family: 'IPv4' };
    };
    const [read, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let readings = 0;
    const slowly = async (path: string): Promise<string> => {
      readings++;
      const table = await readFile(path, 'latin1');
      read.resolve();
      await goOn.promise;
      return table;
    };
    const owners = new PeerOwners(server.port, slowly);
    const crowd = await Promise.all(Array.from({ length: 100 }, connect));
    const nobody = { address: '127.0.0.1', port: server.port, family: 'IPv4' } as const;
    const asked = [...crowd, nobody].map((peer) => owners.uidOf(peer));
    await read.promise;
    // What has been read by now says nothing of who comes now.
    const late = await Promise.all(Array.from({ length: 20 }, connect));
    const askedLate = late.map((peer) => owners.uidOf(peer));
    goOn.resolve();
    const own = process.getuid!();
    expect(await Promise.all(asked)).toEqual([...crowd.map(() => own), null]);
    expect(await Promise.all(askedLate)).toEqual(late.map(() => own));
    expect(readings).toBe(2);
  });

  it('is told afresh once it was closed: what is left in the table is nobody, whatever user it names', async () => {
    const closed = Promise.withResolvers<void>();
    const server = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      socket: {
        data: (socket) => void socket.write('known'),
        close: () => closed.resolve(),
      },
    });
    onTestFinished(() => server.stop(true));
    const answered = Promise.withResolvers<void>();
    const client = await Bun.connect({
      hostname: '127.0.0.1',
      port: server.port,
      socket: { data: () => answered.resolve() },
    });
    client.write('hello');
    await answered.promise;
    const owners = new PeerOwners(server.port);
    const peer: Peer = { address: '127.0.0.1', port: client.localPort, family: 'IPv4' };
    expect(await owners.uidOf(peer)).toBe(process.getuid!());
    client.end();
    await closed.promise;
    expect(await owners.uidOf(peer)).toBeNull();
    expect(await new PeerOwners(server.port).uidOf(peer)).toBeNull();
  });

  it('that its process has left behind is nobody: who asks and runs is not let in', async () => {
    const left = Promise.withResolvers<number>();
    const server = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      allowHalfOpen: true,
      socket: { data() {}, end: (socket) => left.resolve(socket.remotePort) },
    });
    onTestFinished(() => server.stop(true));
    await Bun.spawn(['bash', '-c', `echo hello > /dev/tcp/127.0.0.1/${server.port}`]).exited;
    const peer: Peer = { address: '127.0.0.1', port: await left.promise, family: 'IPv4' };
    expect(await new PeerOwners(server.port).uidOf(peer)).toBeNull();
  });

  it('of another user is refused by the running registry, but for its health', async () => {
    const { url } = await startProgram();
    const asNobody = (path: string): string =>
      Bun.spawnSync(['setpriv', '--reuid', '65534', '--clear-groups', 'curl', '-s', url + path]).stdout.toString();
    expect(process.getuid!(), 'this test becomes another user, which root alone may').toBe(0);
    expect(JSON.parse(asNobody('/_dashboard/api/config'))).toMatchObject({
      code: 'ERR_FORBIDDEN',
      details: { rule: 'user' },
    });
    expect(JSON.parse(asNobody('/health'))).toMatchObject({ status: 'ok' });
    expect((await call(url, 'GET', 'config')).status).toBe(200);
  });
});
