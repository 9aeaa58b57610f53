/** The client that follows a config, under the real Node: where it has a WebSocket, and where it has none. @module */
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, test, onTestFinished } from 'vitest';
import { readUntil, tempDirectory } from '../registry/fixtures.ts';
import { startWithAdmin } from '../registry/identity-fixtures.ts';
import { realNode } from './real-node.ts';

/** Node has it without being asked from 22 on. */
const WITH = '--experimental-websocket';
const WITHOUT = '--no-experimental-websocket';

async function inNode(flag: string, options: object): Promise<Bun.Subprocess<'ignore', 'pipe', 'pipe'>> {
  const outfile = join(tempDirectory(), 'client.mjs');
  const entryPoints = [join(import.meta.dirname, '../../src/node.ts')];
  await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20' });
  const program = `
    import { openConfigStream } from ${JSON.stringify(outfile)};
    const say = (what) => console.log(JSON.stringify(what));
    try {
      let ahead_ms = 0;
      const clock = () => Date.now() + ahead_ms;
      // What is scheduled within the hour is due when the connection is lost.
      const onEvent = ({ type }) => { if (type === 'lost') ahead_ms = 7_200_000; };
      const stream = openConfigStream({ ...${JSON.stringify(options)}, clock, onEvent,
        onChange: ({ revision, config }) => {
        say([revision, config.rows, stream.current === null ? null : stream.isEnabled('debug')]);
        if (stream.isEnabled('debug')) stream.close();
      }});
    } catch (error) {
      say(error.code);
    }`;
  const command = [realNode(), flag, '--no-warnings', '--input-type=module', '-e', program];
  const child = Bun.spawn(command, { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
  onTestFinished(() => child.kill());
  return child;
}

test('under Node it follows a config, flips what is scheduled, and lets the process end', async () => {
  const { registry, ann } = await startWithAdmin();
  await ann.call('POST', '/api/v1/configs', { name: 'shop', rows: 30 });
  const child = await inNode(WITH, { url: registry.url, name: 'shop', token: ann.token });
  const first = await readUntil(child.stdout, /\n/);
  expect(first).toBe('[1,30,false]\n');
  const operations = [{ name: 'shop', set: { features: { debug: true } } }];
  const asked = await ann.call('POST', '/api/v1/change-requests', { operations, at: Date.now() + 3_600_000 });
  expect(asked.body).toMatchObject({ state: 'scheduled' });
  await ann.call('PATCH', '/api/v1/configs/shop', { rows: 50 });
  expect(await readUntil(child.stdout, /\n/)).toBe('[2,50,false]\n');
  registry.child.kill('SIGKILL');
  expect(await readUntil(child.stdout, /\n/)).toBe('[2,50,true]\n');
  expect([await child.exited, await new Response(child.stderr).text()]).toEqual([0, '']);
});

test('under a Node that has no WebSocket it says so', async () => {
  const child = await inNode(WITHOUT, { url: 'http://localhost:1', name: 'shop' });
  expect([await new Response(child.stdout).text(), await child.exited]).toEqual(['"ERR_UNSUPPORTED"\n', 0]);
});
