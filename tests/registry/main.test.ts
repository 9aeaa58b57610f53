/** The registry as a program: started, stopped, killed, refused; and its main job among other processes. @module */
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { verifyFile } from '../../src/journal/backup.ts';
import { PASSWORD, setupSecretOf } from './identity-fixtures.ts';
import { call, JSON_TYPE, readUntil, ROOT, spawnProgram, startProgram, tempDirectory } from './fixtures.ts';

const HEAD = 'POST /_dashboard/api/config HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';

describe('bun run registry', () => {
  it('makes its data for its owner alone, says where it listens and what to try, and stops when asked', async () => {
    const { child, data, greeting, url } = await startProgram();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(greeting).toContain(`over ${data}`);
    expect(greeting).toContain(`curl ${url}/_dashboard/api/config`);
    expect(statSync(data).mode & 0o777).toBe(0o700);
    expect(statSync(join(data, 'journal.db')).mode & 0o777).toBe(0o600);
    const locks = readdirSync(data).filter((name) => name.startsWith('registry.lock'));
    expect(locks.map((name) => statSync(join(data, name)).mode & 0o777)).toEqual(locks.map(() => 0o600));
    expect(locks).toContain('registry.lock-journal');
    await call(url, 'POST', 'config', { rows: 30 });
    child.kill('SIGTERM');
    expect(await child.exited).toBe(0);
    expect(verifyFile(join(data, 'journal.db'))).toMatchObject({ ok: true, head: { seq: 3 } });
  });

  it('says where people reach it, and what to try to nobody who could not', async () => {
    const env = { C13_PUBLIC_URL: 'https://config.example' };
    const open = await startProgram(undefined, ['--host', '0.0.0.0'], env);
    expect(open.greeting).toMatch(/^Page: https:\/\/config\.example\/_dashboard$/m);
    expect(open.greeting).not.toContain('To try first');
    const near = await startProgram(undefined, [], env);
    expect(near.greeting).toContain(`curl ${near.url}/_dashboard/api/config`);
    const setup = { secret: setupSecretOf(near), user: 'ann', password: PASSWORD };
    expect((await near.call('POST', '/api/v1/setup', setup)).status).toBe(201);
    near.child.kill('SIGTERM');
    await near.child.exited;
    const { greeting } = await startProgram(near.data, ['--host', '0.0.0.0'], env);
    expect(greeting).toContain(
      'curl -H "Authorization: Bearer $C13_TOKEN" https://config.example/_dashboard/api/config',
    );
  });

  it('is refused in one line when the level of its log is none', async () => {
    const child = spawnProgram(join(tempDirectory(), 'data'), ['--port', '0'], { C13_LOG_LEVEL: 'foo' });
    expect(await new Response(child.stderr).text()).toMatch(/^error: C13_LOG_LEVEL: .*\n$/);
    expect(await child.exited).toBe(1);
  });

  it('finishes the answer that is under way when it is stopped', async () => {
    const { child, url } = await startProgram();
    const { answer, finish } = slowWrite(url);
    // Another answer is proof that the first request has been taken before the signal.
    await call(url, 'GET', 'status');
    child.kill('SIGINT');
    await readUntil(child.stderr, /stopping/);
    finish();
    expect((await (await answer).json()).config.rows).toBe(41);
    expect(await child.exited).toBe(0);
  });

  it('waits for no body that does not come, and does not call it a fault when its sender has gone', async () => {
    const { child, url } = await startProgram();
    const gone = await rawly(url, `${HEAD}Content-Length: 99\r\n\r\n{"rows"`);
    await call(url, 'GET', 'status');
    gone.socket.destroy();
    const half = await rawly(url, `${HEAD}Content-Length: 99\r\n\r\n{"rows"`);
    await call(url, 'GET', 'status');
    const stderr = new Response(child.stderr).text();
    child.kill('SIGTERM');
    expect(await half.answer).toMatch(/^HTTP\/1.1 503 [\s\S]*ERR_CLOSED/);
    expect(await child.exited).toBe(0);
    expect(await stderr).toMatch(/"path":"\/_dashboard\/api\/config","status":499,/);
    expect(await stderr).not.toMatch(/error [0-9a-f-]{36}/);
  });

  it('answers every Host: 403 with nothing done for what is no name of this machine, and health to all', async () => {
    const { url } = await startProgram();
    const body = 'Content-Type: application/json\r\nContent-Length: 10\r\nConnection: close\r\n\r\n{"rows":9}';
    const path = '/_dashboard/api/config';
    for (const head of [
      `POST ${path} HTTP/1.0\r\n`,
      ...['localhost:99999', '', 'a b', '\xff', 'localhost:1/x?y', '127.08.0.1'].map(
        (host) => `POST ${path} HTTP/1.1\r\nHost: ${host}\r\n`,
      ),
    ]) {
      const { answer } = await rawly(url, `${head}${body}`);
      expect(await answer, head).toMatch(/^HTTP\/1.1 403 [\s\S]*ERR_FORBIDDEN/);
    }
    expect((await call(url, 'GET', 'config')).body).toMatchObject({ revision: 1, rows: 24 });
    for (const head of ['HTTP/1.0\r\n', 'HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n']) {
      expect(await (await rawly(url, `GET /health ${head}\r\n`)).answer, head).toMatch(/^HTTP\/1.1 200 /);
    }
  });

  it('refuses a data directory that somebody else could have filled, and trusts no token on Linux', async () => {
    const data = join(tempDirectory(), 'data');
    mkdirSync(data);
    chmodSync(data, 0o777);
    const refused = spawnProgram(data, ['--port', '0']);
    expect(await new Response(refused.stderr).text()).toMatch(/^error: .* can be written by other users\. .*chmod 700/);
    expect(await refused.exited).toBe(1);
    expect(readdirSync(data)).toEqual([]);
    chmodSync(data, 0o755);
    writeFileSync(join(data, 'owner.token'), '7'.repeat(64));
    const { call: ask } = await startProgram(data);
    expect((await ask('GET', 'config', undefined, { authorization: `Bearer ${'7'.repeat(64)}` })).status).toBe(200);
    expect(statSync(join(data, 'registry.lock')).mode & 0o777).toBe(0o600);
    const fresh = await startProgram();
    expect(existsSync(join(fresh.data, 'owner.token'))).toBe(false);
  });

  it('signs with the user of the system, whatever USER says', async () => {
    const data = join(tempDirectory(), 'data');
    const { call: ask } = await startProgram(data, [], { USER: 'mallory', LOGNAME: 'mallory' });
    await ask('POST', 'config', { rows: 9 });
    const [, uid] = /^(.+)@loopback$/.exec((await ask('GET', 'status')).body.actor)!;
    expect(uid).toBe(execFileSync('id', ['-un'], { encoding: 'utf8' }).trim());
  });

  it('ends at once when it is told so twice', async () => {
    const { child, url } = await startProgram();
    const outcome = slowWrite(url).answer.then(
      () => 'answered',
      () => 'cut off',
    );
    await call(url, 'GET', 'status');
    child.kill('SIGTERM');
    await readUntil(child.stderr, /stopping/);
    // Again and again, like an impatient operator: the first few may still count as the same key press.
    const impatience = setInterval(() => child.kill('SIGTERM'), 20);
    expect(await child.exited).toBe(1);
    clearInterval(impatience);
    expect(await outcome).toBe('cut off');
  });

  it('takes one Ctrl-C that reaches it twice, by the terminal and by its runner, as one', async () => {
    const { child } = await startProgram();
    child.kill('SIGINT');
    await readUntil(child.stderr, /stopping/);
    child.kill('SIGINT');
    expect(await child.exited).toBe(0);
  });

  it('starts again over what a killed one left, acknowledged writes and chain whole', async () => {
    const { child, data, url } = await startProgram();
    let acknowledged = 0;
    const lanes = Array.from({ length: 4 }, async () => {
      try {
        for (let i = 0; ; i++) {
          // Lanes often want what another has just written: that answer is a promise too.
          const { status, body } = await call(url, 'POST', 'config', {
            rows: 1 + (acknowledged % 200),
            reason: `write ${i}`,
          });
          if (status === 200) acknowledged = Math.max(acknowledged, body.config.revision);
          if (acknowledged > 60) child.kill('SIGKILL');
        }
      } catch (error) {
        // The connection ends with the process.
        return error;
      }
    });
    await Promise.all(lanes);
    await child.exited;
    expect(child.signalCode).toBe('SIGKILL');
    expect(verifyFile(join(data, 'journal.db')).ok).toBe(true);
    const next = await startProgram(data);
    const { body } = await next.call('GET', 'config');
    expect(body.revision).toBeGreaterThanOrEqual(acknowledged);
    const after = await next.call('POST', 'config', { rows: 222 });
    expect(after.body.config.revision).toBeGreaterThan(body.revision);
  });

  it('is refused where it cannot be: in one line, and with 1 or 2', async () => {
    const { data, url } = await startProgram();
    const port = url.split(':').at(-1)!;
    const other = join(tempDirectory(), 'other');
    const cases: [string, string[], number, RegExp][] = [
      [data, ['--port', '0'], 1, /^error: Another registry serves .*--data\.\n$/],
      [other, ['--port', port], 1, /^error: Port \d+ of 127\.0\.0\.1 is in use\. .*\n$/],
      [other, ['--host', '203.0.113.7'], 1, /^error: Cannot listen on 203\.0\.113\.7.*\n$/],
      [other, ['--port', '70000'], 1, /^error: --port: "70000" is not a whole number.*\n$/],
      [other, ['--prot', '1'], 2, /^error: .*--prot.* Did you mean --port\?\n$/],
      [other, ['stray'], 2, /^error: .*stray.*\n$/],
      ['/proc/nothing', [], 1, /^error: The data directory .*C13_DATA.*\n$/],
    ];
    for (const [directory, args, code, said] of cases) {
      const child = spawnProgram(directory, args);
      const [stderr, stdout] = await Promise.all([
        new Response(child.stderr).text(),
        new Response(child.stdout).text(),
      ]);
      expect([await child.exited, stdout], args.join(' ')).toEqual([code, '']);
      expect(stderr).toMatch(said);
    }
    expect((await call(url, 'GET', '/health')).status).toBe(200);
  });

  it('is prepared by bootstrap, once', async () => {
    const data = join(tempDirectory(), 'data');
    const run = () =>
      Bun.spawnSync([process.execPath, join(ROOT, 'src/registry/bootstrap.ts')], {
        env: { ...Bun.env, C13_DATA: data },
      });
    expect(run().stdout.toString()).toMatch(
      /^Made default and registry in [\s\S]* first administrator then: http:\S+\n$/,
    );
    const { head } = verifyFile(join(data, 'journal.db'));
    expect(run().stdout.toString()).toMatch(/^Everything is there/);
    expect(verifyFile(join(data, 'journal.db')).head).toEqual(head);
    expect(existsSync(join(data, 'backups'))).toBe(false);
  });
});

describe('the main job', () => {
  it('a flip over HTTP is in the plain reads of three processes; history says who; rollback puts it back', async () => {
    const { url, data } = await startProgram();
    await call(url, 'POST', 'config?name=checkout', { reason: 'made' });
    const watchers = Array.from({ length: 3 }, () => watch(join(data, 'journal.db')));
    const all = (line: string) => Promise.all(watchers.map((watcher) => watcher.hear(line)));
    await all('debug false');
    const flip = await call(url, 'POST', 'features?name=checkout', {
      feature: 'debug',
      enabled: true,
      reason: 'ticket 7',
    });
    expect(flip.body).toMatchObject({ changed: true, config: { revision: 2 } });
    await all('debug true');
    const { entries } = (await call(url, 'GET', 'config/history?name=checkout')).body;
    expect(entries[0]).toMatchObject({ actor: /@loopback$/, reason: 'ticket 7', changedFields: ['featureFlags'] });
    await call(url, 'POST', 'config/rollback?name=checkout', { revision: 1 });
    await all('debug false');

    void watchers[1]!.child.stdin.write('flip\n');
    await watchers[1]!.child.stdin.flush();
    await all('debug true');
    await watchers[1]!.hear('flipped');
    const after = (await call(url, 'GET', 'config/history?name=checkout')).body.entries;
    expect(after.map((entry: any) => entry.actor).slice(0, 2)).toContain(`watcher ${watchers[1]!.child.pid}`);
    expect((await call(url, 'GET', 'config?name=checkout')).body.features.enabled).toContain('debug');
  });

  it('signs for a process that died between change and entry, in a config it never touched itself', async () => {
    const { url, data } = await startProgram();
    const dies = `
      const { createProductionConfig } = await import('${join(ROOT, 'src/index.ts')}');
      const config = createProductionConfig({ persistPath: process.argv[1], enableClusterSync: true, name: 'cart' });
      await config.persist('made');
      config.enableFeature('debug');
      process.kill(process.pid, 'SIGKILL');`;
    const child = Bun.spawn([process.execPath, '-e', dies, join(data, 'journal.db')], { stderr: 'inherit' });
    await child.exited;
    expect(child.signalCode).toBe('SIGKILL');
    const historyNow = async () => (await call(url, 'GET', 'config/history?name=cart')).body.entries;
    let entries = await historyNow();
    while (entries[0].actor !== 'registry') entries = await historyNow();
    expect(entries[0]).toMatchObject({ kind: 'persist', reason: 'found on the board without an entry' });
    expect(entries[1]).toMatchObject({ kind: 'unattributed', actor: null, changedFields: ['featureFlags'] });
    expect((await call(url, 'GET', 'config?name=cart')).body.features.enabled).toContain('debug');
  });
});

/** Bytes on a connection of their own, and all that comes back until it closes. */
async function rawly(url: string, text: string): Promise<{ socket: Socket; answer: Promise<string> }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const answer = Promise.withResolvers<string>();
  let heard = '';
  socket.on('data', (bytes) => void (heard += bytes.toString('latin1')));
  socket.on('error', (error) => answer.resolve(`${heard}${error.message}`));
  socket.on('close', () => answer.resolve(heard));
  await new Promise<void>((sent) => socket.write(Buffer.from(text, 'latin1'), () => sent()));
  return { socket, answer: answer.promise };
}

/** A request whose body is not all there until `finish`. */
function slowWrite(url: string): { answer: Promise<Response>; finish: () => void } {
  const rest = Promise.withResolvers<string>();
  const body = new ReadableStream<string>({
    async start(controller) {
      controller.enqueue('{"rows"');
      controller.enqueue(await rest.promise);
      controller.close();
    },
  }).pipeThrough(new TextEncoderStream());
  const answer = fetch(`${url}/_dashboard/api/config`, { method: 'POST', headers: JSON_TYPE, body });
  return { answer, finish: () => rest.resolve(': 41}') };
}

function watch(database: string) {
  const child = Bun.spawn([process.execPath, join(import.meta.dirname, 'watcher.ts'), database, 'checkout'], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  onTestFinished(() => child.kill('SIGKILL'));
  let heard = '';
  return {
    child,
    /** Waits for the line; everything up to it is behind us. */
    async hear(line: string): Promise<void> {
      if (!heard.includes(`${line}\n`)) {
        heard += await readUntil(child.stdout, new RegExp(`${line}\n`));
      }
      if (!heard.includes(`${line}\n`)) throw new Error(`the watcher ended before '${line}': ${heard}`);
      heard = heard.slice(heard.indexOf(`${line}\n`) + line.length + 1);
    },
  };
}
