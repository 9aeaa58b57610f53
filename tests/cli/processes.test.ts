/** Commands that run at the same time, and commands that are ended: nothing acknowledged is lost. @module */
import { symlinkSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openDatabaseTarget } from '../../src/cli/database-target.ts';
import { startRegistry, Workplace } from './cli.ts';

test('ten processes that set at once are all acknowledged, in one chain', async () => {
  using workplace = await Workplace.open();
  const rows = Array.from({ length: 10 }, (_, i) => i + 100);
  const answers = await Promise.all(
    rows.map((row) => workplace.json(['set', `rows=${row}`, '--reason', `row ${row}`])),
  );
  const revisions = answers.map(({ config }) => config.revision as number);
  expect(new Set(revisions).size).toBe(10);
  const { entries } = await workplace.json(['history']);
  for (const [i, row] of rows.entries()) {
    expect(entries.find((entry: any) => entry.revision === revisions[i])).toMatchObject({
      reason: `row ${row}`,
      config: { rows: row },
    });
  }
  expect((await workplace.json(['verify'])).ok).toBe(true);
  const newest = answers.find(({ config }) => config.revision === Math.max(...revisions));
  expect((await workplace.json(['get'])).rows).toBe(newest.config.rows);
});

test('of ten conditional writes one wins', async () => {
  using workplace = await Workplace.open();
  const { revision } = await workplace.json(['get']);
  const words = (row: number) => ['set', `rows=${row}`, '--if-revision', String(revision)];
  const ran = await Promise.all(Array.from({ length: 10 }, (_, i) => workplace.on(words(i + 100))));
  expect(ran.filter(({ exitCode }) => exitCode === 0)).toHaveLength(1);
  expect(ran.filter(({ exitCode }) => exitCode === 1)).toHaveLength(9);
});

test('killed at any moment, it leaves a whole chain with everything that it acknowledged', async () => {
  using workplace = await Workplace.open();
  const acknowledged: number[] = [];
  for (let kill = 0; kill < 20; kill++) {
    const child = workplace.start(['set', `rows=${kill + 1}`, '--json', '--database', workplace.database]);
    // From before its first instruction to after its last.
    const killer = setTimeout(() => child.kill('SIGKILL'), kill * 7);
    const stdout = await new Response(child.stdout).text();
    await child.exited;
    clearTimeout(killer);
    if (stdout !== '') acknowledged.push(JSON.parse(stdout).config.revision);
  }
  expect((await workplace.json(['verify'])).ok).toBe(true);
  const { entries } = await workplace.json(['history']);
  const signed = entries.filter((entry: any) => entry.seq !== null).map((entry: any) => entry.revision);
  expect(signed).toEqual(expect.arrayContaining(acknowledged));
  expect((await workplace.json(['set', 'rows=200'])).config.rows).toBe(200);
});

test('a broken chain is found, also in a file that cannot be opened', async () => {
  using workplace = await Workplace.open();
  await workplace.on(['set', 'rows=50']);
  const { head } = await workplace.json(['verify']);
  const wrong = await workplace.on(['verify', '--anchor', `1:${head.hash}`, '--json']);
  expect(wrong.exitCode).toBe(1);
  expect(JSON.parse(wrong.stdout).fault.kind).toBe('rewritten');
  await Bun.write(workplace.database, (await Bun.file(workplace.database).bytes()).slice(0, 3 * 4096));
  const { exitCode, stdout, stderr } = await workplace.on(['verify']);
  expect({ exitCode, stdout: stdout.includes('intact') }).toEqual({ exitCode: 1, stdout: false });
  expect(stderr).toMatch(/^error: /);
});

test('a database in use is not replaced; one that is not, is kept beside', async () => {
  using workplace = await Workplace.open();
  await workplace.on(['set', 'rows=50']);
  const { path } = await workplace.json(['backup']);
  await workplace.on(['set', 'rows=51']);
  const whole = ['restore', path, '--whole', '--yes'];
  const unforced = await workplace.on(whole);
  expect(unforced).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--force') });
  const held = Bun.spawn(['sleep', '1000'], { stdin: Bun.file(workplace.database) });
  const link = `${workplace.database}-link`;
  symlinkSync(workplace.database, link);
  const inUse = [await workplace.on([...whole, '--force']), await workplace.c13([...whole, '--force', '-d', link])];
  held.kill();
  await held.exited;
  for (const refused of inUse) {
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(`process ${held.pid}`) });
  }
  const { kept } = await workplace.json([...whole, '--force']);
  expect((await workplace.json(['get'])).rows).toBe(50);
  expect(JSON.parse((await workplace.c13(['get', '--json', '--database', kept])).stdout).rows).toBe(51);
});

describe('an import that Ctrl-C ends', () => {
  const configs = (rows: number) =>
    Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`c${String(i).padStart(3, '0')}`, { rows }]));
  const document = (rows: number) => JSON.stringify({ format: '13byte-config', version: 1, configs: configs(rows) });

  for (const kind of ['database', 'registry']) {
    test(`leaves a ${kind} as it was`, async () => {
      using workplace = await Workplace.open();
      await workplace.json(['import', '-'], { stdin: document(30) });
      const before = (await workplace.on(['export'])).stdout;
      const registry = kind === 'registry' ? await startRegistry(workplace.data) : null;
      const where = registry === null ? ['--database', workplace.database] : ['--url', registry.url];
      const watcher = await openDatabaseTarget(workplace.database);
      const child = workplace.start(['import', '-', ...where], { stdin: document(99) });
      while ((await watcher.get('c000')).rows === 30);
      child.kill('SIGINT');
      const stderr = await new Response(child.stderr).text();
      await watcher.close();
      expect({ exitCode: await child.exited, stderr }).toEqual({
        exitCode: 130,
        stderr: expect.stringMatching(/^interrupted: the command was not finished; \d+ put back\n$/),
      });
      await registry?.stop();
      expect((await workplace.on(['export'])).stdout).toBe(before);
      expect((await workplace.json(['verify'])).ok).toBe(true);
    });
  }
});
