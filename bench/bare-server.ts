/** The floor of the registry's reads: a bare `Bun.serve` that answers the bytes and headers handed to it. */
const { body, headers } = JSON.parse(Bun.argv[2]!) as { body: string; headers: Record<string, string> };

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  routes: { '/read': () => new Response(body, { headers }) },
  fetch: () => new Response(null, { status: 404 }),
});
console.log(server.port);
