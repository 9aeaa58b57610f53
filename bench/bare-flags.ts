/**
 * The floors of flags over HTTP: a bare `Bun.serve` that answers the JSON it was sent, one that evaluates with
 * flagd-core what it was handed and answers that, and one that publishes fourteen bytes to whoever listens.
 */
import { FlagdCore, MemoryStorage } from '@openfeature/flagd-core';

const TOPIC = 'all';
const { definitions } = JSON.parse(Bun.argv[2]!) as { definitions: object };

const quiet = { error() {}, warn() {}, info() {}, debug() {} };
const flagd = new FlagdCore(new MemoryStorage(quiet), quiet);
flagd.setConfigurations(JSON.stringify(definitions));
const flags = [...flagd.getFlags()];
const frame = new Uint8Array(14);

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  routes: {
    '/echo': { POST: async (request) => Response.json(await request.json()) },
    '/bulk': {
      POST: async (request) => {
        const { context } = (await request.json()) as { context: Record<string, string> };
        return Response.json({ flags: flags.map(([key, flag]) => ({ key, ...flag.evaluate(context, quiet) })) });
      },
    },
    '/publish': {
      POST: () => {
        server.publish(TOPIC, frame);
        return new Response(null, { status: 204 });
      },
    },
  },
  fetch: (request, self) => (self.upgrade(request) ? undefined : new Response(null, { status: 404 })),
  websocket: { open: (socket) => void socket.subscribe(TOPIC), message() {} },
});
console.log(server.port);
