/** The cache by an injected clock and resolver, and once against a name server of its own on a real socket. */
import { createSocket } from 'node:dgram';
import dns from 'node:dns';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { DnsCache, type Resolved } from '../../src/proxy/dns.ts';

/** A resolver that answers when it is told to, and its clock. */
class World {
  now_ms = 0;
  readonly asked: string[] = [];
  answer: () => Promise<Resolved> = async () => ({ addresses: ['192.0.2.1'], ttl_s: 60 });
  readonly cache: DnsCache;

  constructor(capacity = 10) {
    this.cache = new DnsCache({
      capacity,
      clock: () => this.now_ms,
      resolve: (host) => {
        this.asked.push(host);
        return this.answer();
      },
    });
  }

  answers(address: string, ttl_s: number | null = 60): void {
    this.answer = async () => ({ addresses: [address], ttl_s });
  }

  fails(): void {
    this.answer = () => Promise.reject(new Error('SERVFAIL'));
  }
}

const NO_ADDRESS = { code: 'ERR_UPSTREAM', details: { url: 'a', fault: 'dns' } };

test('an answer is kept as long as its records say', async () => {
  const world = new World();
  expect(world.cache.find('a')).toBeNull();
  expect(await world.cache.addresses('a')).toEqual(['192.0.2.1']);
  world.now_ms = 59_999;
  expect(world.cache.find('a')).toEqual(['192.0.2.1']);
  expect(world.asked).toEqual(['a']);
  expect(world.cache.counts).toEqual({ hits: 1, misses: 1 });
});

test.each([
  ['none', 0, 1],
  ['unknown', null, 30],
  ['too long', 1e9, 3600],
])('a time to live that is %s has bounds', async (_, ttl_s, kept_s) => {
  const world = new World();
  world.answers('192.0.2.1', ttl_s);
  await world.cache.addresses('a');
  world.now_ms = kept_s * 1000 - 1;
  world.cache.find('a');
  expect(world.asked.length).toBe(1);
  world.now_ms += 1;
  world.cache.find('a');
  expect(world.asked.length).toBe(2);
});

test('what ran out is answered once more while it is asked for, and not for ever', async () => {
  const world = new World();
  await world.cache.addresses('a');
  world.answers('192.0.2.2');
  world.now_ms = 60_000;
  expect(world.cache.find('a')).toEqual(['192.0.2.1']);
  expect(world.cache.find('a')).toEqual(['192.0.2.1']);
  await Promise.resolve();
  await new Promise(setImmediate);
  expect(world.cache.find('a')).toEqual(['192.0.2.2']);
  expect(world.asked.length).toBe(2);
  world.now_ms = 60_000 + 90_000;
  expect(world.cache.find('a')).toBeNull();
});

test('a resolver that fails leaves what is known, up to the bound, and is asked every five seconds', async () => {
  const world = new World();
  await world.cache.addresses('a');
  world.fails();
  for (world.now_ms = 60_000; world.now_ms < 90_000; world.now_ms += 1000) {
    expect(await world.cache.addresses('a')).toEqual(['192.0.2.1']);
    await new Promise(setImmediate);
  }
  expect(world.asked.length).toBe(1 + 6);
  await expect(world.cache.addresses('a')).rejects.toMatchObject(NO_ADDRESS);
});

test('that a name has no address is remembered for five seconds', async () => {
  const world = new World();
  world.fails();
  await expect(world.cache.addresses('a')).rejects.toMatchObject(NO_ADDRESS);
  world.now_ms = 4999;
  await expect(world.cache.addresses('a')).rejects.toMatchObject({ ...NO_ADDRESS, cause: { message: 'SERVFAIL' } });
  expect(world.asked.length).toBe(1);
  world.answers('192.0.2.3');
  world.now_ms = 5000;
  expect(await world.cache.addresses('a')).toEqual(['192.0.2.3']);
});

test('many who ask at once ask once, and an empty answer is none', async () => {
  const world = new World();
  world.answer = async () => ({ addresses: [], ttl_s: 60 });
  const all = await Promise.allSettled(Array.from({ length: 20 }, () => world.cache.addresses('a')));
  expect(all.every(({ status }) => status === 'rejected')).toBe(true);
  expect(world.asked.length).toBe(1);
});

test('forgotten is asked for anew', async () => {
  const world = new World();
  await world.cache.addresses('a');
  world.cache.forget('a');
  expect(world.cache.find('a')).toBeNull();
});

test('whatever is asked and whenever, the cache stays small and no answer is older than it may be', async () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(100_000), fc.boolean()), {
    maxLength: 80,
  });
  await fc.assert(
    fc.asyncProperty(steps, async (walk) => {
      const world = new World(3);
      for (const [host, wait, fails] of walk) {
        world.now_ms += wait;
        const at = world.now_ms;
        if (fails) world.fails();
        else world.answers(String(at), 10);
        const [answer] = await world.cache.addresses(host).catch(() => [null]);
        if (answer !== null) expect(at - Number(answer)).toBeLessThan(10_000 + 30_000);
        if (!fails && answer === null) expect(world.cache.find(host)).toBeNull();
        expect(world.cache.size).toBeLessThanOrEqual(3);
        await new Promise(setImmediate);
      }
    }),
    { seed: 42, numRuns: 100 },
  );
});

/** A name server that knows one address for every name, for so many seconds. */
async function nameServer(ttl_s: number): Promise<number> {
  const socket = createSocket('udp4');
  onTestFinished(() => void socket.close());
  socket.on('message', (message, from) => {
    let end = 12;
    while (message[end] !== 0) end += message[end]! + 1;
    const isAddress = message.readUInt16BE(end + 1) === 1;
    const head = Buffer.from(message.subarray(0, 12));
    head.set([0x81, 0x80], 2);
    head.writeUInt16BE(isAddress ? 1 : 0, 6);
    head.writeUInt16BE(0, 10);
    const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, ttl_s, 0, 4, 127, 0, 0, 1]);
    const parts = [head, message.subarray(12, end + 5), ...(isAddress ? [answer] : [])];
    socket.send(Buffer.concat(parts), from.port, from.address);
  });
  await new Promise<void>((ready) => socket.bind(0, '127.0.0.1', ready));
  return socket.address().port;
}

test('the resolver of this machine takes the time to live from the records', async () => {
  const before = dns.getServers();
  onTestFinished(() => dns.setServers(before));
  dns.setServers([`127.0.0.1:${await nameServer(77)}`]);
  let now_ms = 0;
  const cache = new DnsCache({ clock: () => now_ms });
  expect(await cache.addresses('upstream.example')).toEqual(['127.0.0.1']);
  now_ms = 76_999;
  expect(cache.find('upstream.example')).toEqual(['127.0.0.1']);
  now_ms = 77_000 + 30_000;
  expect(cache.find('upstream.example')).toBeNull();
});

test('names of this machine resolve without a name server', async () => {
  expect((await new DnsCache().addresses('localhost')).some((address) => /^(127\.0\.0\.1|::1)$/.test(address))).toBe(
    true,
  );
});
