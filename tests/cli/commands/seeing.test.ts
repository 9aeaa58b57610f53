/** What a registry counts and warns of, as the command line shows it. @module */
import { expect, test } from 'vitest';
import { startRegistry, Workplace } from '../cli.ts';

test('alerts are those that the registry has', async () => {
  const alert = {
    rule: { name: 'slow', metric: 'latency_p99_ms', comparison: 'above', value: 50, for_s: 300, severity: 'high' },
    state: 'firing',
    since: 0,
    value: 81.5,
  };
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => Response.json({ alerts: [alert] }) });
  using place = new Workplace();
  const url = `http://127.0.0.1:${server.port}`;
  expect((await place.c13(['alerts', '--url', url])).stdout.split('\n')[1]).toBe(
    'slow   firing  high      1970-01-01T00:00:00.000Z  latency_p99_ms 81.5, above 50 for 300 s',
  );
  expect(JSON.parse((await place.c13(['alerts', '--url', url, '--json'])).stdout)).toEqual({ alerts: [alert] });
  await server.stop(true);
});

test('--all fails where only the figures of the process are told', async () => {
  using place = new Workplace();
  const registry = await startRegistry(place.data);
  const all = await place.c13(['metrics', '--all', '--url', registry.url]);
  expect(all).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^c13_configs 2$/m) });
  await registry.stop();
  const fetch = () => new Response('process_heap_bytes 1\n');
  const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch });
  const some = ['metrics', '--url', `http://127.0.0.1:${server.port}`];
  expect(await place.c13(some)).toMatchObject({ exitCode: 0, stdout: 'process_heap_bytes 1\n' });
  const refused = await place.c13([...some, '--all']);
  expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('may read status:registry') });
  await server.stop(true);
});

test('a database file has neither', async () => {
  using place = await Workplace.open();
  for (const word of ['metrics', 'alerts']) {
    const ran = await place.on([word]);
    expect(ran).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(`A database file has no ${word}`) });
  }
});
