/** Server-sent events as they leave: whole, in order, and never more in memory than was said. @module */
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { eventStream, type EventStream, type ServerEvent, type StreamEnd } from '../../src/http/event-stream.ts';

const QUIET = { heartbeat_ms: 60_000, retry_ms: 2000 };

test('what is sent arrives as fields, whatever is in it: no text begins an event of its own', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', ':', ' ', '\n', '\r', '\0', 'é', 'data') });
  await fc.assert(
    fc.asyncProperty(fc.record({ id: text, event: text, data: text }), async (event: ServerEvent) => {
      const stream = eventStream({ ...QUIET, onClose: () => undefined });
      stream.send(event);
      stream.close('done');
      const blocks = (await stream.response.text()).split('\n\n').filter((block) => block !== '');
      expect(blocks).toHaveLength(2);
      expect(blocks[0]).toBe('retry: 2000');
      const lines = blocks[1]!.split('\n');
      expect(lines.slice(0, 2).map((line) => line.split(':')[0])).toEqual(['id', 'event']);
      const data = lines.slice(2).map((line) => line.replace(/^data: /, ''));
      expect(data.join('\n')).toBe(event.data.replaceAll(/\r\n|\r/g, '\n'));
    }),
    { seed: 41, numRuns: 200 },
  );
});

test('a comment keeps the connection alive', async () => {
  const stream = eventStream({ heartbeat_ms: 1, retry_ms: 1000, onClose: () => undefined });
  const reader = stream.response.body!.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader.read()).value).toBe('retry: 1000\n\n');
  expect((await reader.read()).value).toBe(': hb\n\n');
  await reader.cancel();
});

test('it ends once, however often it is told to, and sends nothing then', async () => {
  const ends: StreamEnd[] = [];
  const closing = new AbortController();
  const stream = eventStream({ ...QUIET, closing: closing.signal, onClose: (reason) => ends.push(reason) });
  expect(stream.send({ data: 'one' })).toBe(true);
  closing.abort();
  stream.close('again');
  expect(stream.send({ data: 'two' })).toBe(false);
  expect(await stream.response.text()).toBe('retry: 2000\n\ndata: one\n\n');
  expect(ends).toEqual(['closing']);
});

test('where the server stops already, it ends as soon as it is there', async () => {
  const { promise, resolve } = Promise.withResolvers<StreamEnd>();
  eventStream({ ...QUIET, closing: AbortSignal.abort(), onClose: resolve });
  expect(await promise).toBe('closing');
});

test('a client that never reads is dropped when too much waits for it', async () => {
  const { stream, end, socket } = await served();
  socket.pause();
  const data = 'x'.repeat(32 * 1024);
  while (stream.send({ data })) {
    expect(stream.buffered_bytes).toBeLessThanOrEqual(256 * 1024);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await end).toBe('slow');
  expect(stream.buffered_bytes).toBe(0);
});

test('a client that goes is noticed', async () => {
  const { end, socket } = await served();
  socket.terminate();
  expect(await end).toBe('gone');
});

/** A stream on a port, and a client's bare connection to it. */
async function served() {
  const made = Promise.withResolvers<EventStream>();
  const end = Promise.withResolvers<StreamEnd>();
  const fetch = (): Response => {
    const stream = eventStream({ ...QUIET, onClose: end.resolve });
    made.resolve(stream);
    return stream.response;
  };
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch });
  const first = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: '127.0.0.1',
    port: server.port!,
    socket: {
      open: (socket) => void socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
      data: () => first.resolve(),
    },
  });
  onTestFinished(async () => {
    socket.terminate();
    await server.stop(true);
  });
  const stream = await made.promise;
  await first.promise;
  return { stream, end: end.promise, socket };
}
