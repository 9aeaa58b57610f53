/** Exports that are sealed, from the registry that made them to the database that takes them. @module */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MAIN, startRegistry, Workplace } from './cli.ts';
import { processVariables } from '../../src/env/env.ts';

test('a sealed export opens where its key is, and nowhere else', async () => {
  using place = await Workplace.open();
  using stranger = await Workplace.open();
  await place.on(['set', 'rows=77', '--name', 'secret/one']);
  await place.on(['feature', 'enable', 'encryption', '--name', 'registry']);
  const registry = await startRegistry(place.data);
  const command = `'${process.execPath}' "$MAIN" export --url "$URL" > all.json.sealed`;
  const env = { ...processVariables(), MAIN, URL: registry.url };
  const child = Bun.spawnSync(['sh', '-c', command], { cwd: place.directory, env, stderr: 'pipe' });
  expect(child.stderr.toString()).toMatch(/^warning: the export is sealed .* — Open it with: c13 export --open/);
  const file = `${place.directory}/all.json.sealed`;
  expect(await Bun.file(file).text()).toMatch(/^C13SEAL\x01/);
  const json = await place.c13(['export', '--json', '--url', registry.url]);
  expect(Buffer.from(JSON.parse(json.stdout).sealed, 'base64').toString('latin1')).toMatch(/^C13SEAL\x01/);
  await registry.stop();

  const opened = await place.c13(['export', '--open', file, '--data', place.data]);
  expect(opened).toMatchObject({ exitCode: 0, stderr: '' });
  expect(JSON.parse(opened.stdout).configs['secret/one'].rows).toBe(77);
  expect((await place.c13(['export', '--open', file])).stdout).toBe(opened.stdout);
  const foreign = await stranger.c13(['export', '--open', file, '--data', stranger.data]);
  expect(foreign).toMatchObject({
    exitCode: 1,
    stdout: '',
    stderr: expect.stringMatching(/nothing that is sealed opens/),
  });
  await place.on(['set', 'rows=78', '--name', 'secret/one']);
  const imported = await place.c13(['import', file, '--data', place.data]);
  expect(imported.stdout).toBe('secret/one: rows 78->77\nimported 1, unchanged 2\n');
  const plain = await place.c13(['export', '--open', '-'], { stdin: opened.stdout });
  expect(plain).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('is not sealed') });
  expect(readdirSync(`${place.data}/backups`).filter((name) => name.startsWith('document'))).toEqual([]);
});

test('a sealed export that was changed is not opened', async () => {
  using place = await Workplace.open();
  await place.on(['feature', 'enable', 'encryption', '--name', 'registry']);
  const { sealed } = await place.json(['export']);
  const bytes = Buffer.from(sealed, 'base64');
  bytes[bytes.length - 1]! ^= 1;
  await Bun.write(`${place.directory}/bad.sealed`, bytes);
  for (const words of [
    ['export', '--open', 'bad.sealed'],
    ['import', 'bad.sealed'],
  ]) {
    const ran = await place.on(words);
    expect(ran).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringContaining('is not as it was sealed') });
  }
});
