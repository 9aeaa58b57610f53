/** A sealed backup in the place of a whole database. @module */
import { cpSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { Workplace } from './cli.ts';

async function sealedBackup(place: Workplace): Promise<string> {
  await place.on(['feature', 'enable', 'encryption', '--name', 'registry']);
  await place.on(['set', 'rows=71']);
  const { path } = await place.json(['backup']);
  await place.on(['set', 'rows=72']);
  return path;
}

test('is opened with the key of its data directory, and leaves nothing open behind', async () => {
  using place = await Workplace.open();
  const backup = await sealedBackup(place);
  expect(backup).toMatch(/\.db\.sealed$/);
  const words = ['restore', basename(backup), '--whole', '--yes', '--force', '--data', place.data];
  const { exitCode, stdout, stderr } = await place.c13(words);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toMatch(/^restored .*journal\.db \(head \d+:[0-9a-f]{64}\)\nwhat was there: /);
  expect((await place.json(['get'])).rows).toBe(71);
  expect((await place.json(['verify'])).ok).toBe(true);
  expect(readdirSync(join(place.data, 'backups'))).toEqual([basename(backup)]);
});

test('goes to a new place with the key from where it lies, or that was put there', async () => {
  using place = await Workplace.open();
  const backup = await sealedBackup(place);
  const copy = join(place.directory, 'copy', 'journal.db');
  expect((await place.c13(['restore', backup, '--whole', '--yes', '--database', copy])).exitCode).toBe(0);
  expect((await place.c13(['get', 'rows', '--database', copy])).stdout).toBe('71\n');

  using elsewhere = new Workplace();
  const moved = join(elsewhere.directory, basename(backup));
  cpSync(backup, moved);
  const words = ['restore', moved, '--whole', '--yes', '--data', elsewhere.data];
  const without = await elsewhere.c13(words);
  expect(without).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/There is no key in .* put a copy/) });
  expect(readdirSync(elsewhere.directory)).toEqual([basename(backup)]);
  mkdirSync(join(elsewhere.data, 'keys'), { recursive: true, mode: 0o700 });
  cpSync(join(place.data, 'keys', 'seal.key'), join(elsewhere.data, 'keys', 'seal.key'));
  expect(await elsewhere.c13(words)).toMatchObject({ exitCode: 0, stderr: '' });
  expect((await elsewhere.json(['get'])).rows).toBe(71);
});

test('opens with no other key', async () => {
  using place = await Workplace.open();
  using stranger = await Workplace.open();
  const [backup] = [await sealedBackup(place), await sealedBackup(stranger)];
  const words = ['restore', backup, '--whole', '--yes', '--force', '--data', stranger.data];
  const ran = await stranger.c13(words);
  expect(ran).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('was sealed with key') });
  expect((await stranger.json(['get'])).rows).toBe(72);
});
