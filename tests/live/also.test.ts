/** Entries of other streams in the append of a change: all of it or nothing, whatever goes wrong. @module */
import { expect, it } from 'vitest';
import { expected, tempDirectory } from '../journal/fixtures.ts';
import { codeOf } from './code-of.ts';
import { script } from './fixtures.ts';
import { ANN, openOperations } from './operations-fixtures.ts';

it('is in the journal with the changes, which take a revision even when nothing is different', async () => {
  const { operations } = await openOperations();
  const { journal } = operations.store;
  const first = [
    { name: 'a', set: { rows: 9 } },
    { name: 'b', set: { rows: 9 } },
  ];
  await operations.bulk(first, { ...ANN, also: [expected('note:one', 0)] });
  const outcomes = await operations.bulk([{ name: 'a', set: { rows: 9 } }], {
    ...ANN,
    also: [expected('note:one', 1)],
  });
  expect(outcomes).toMatchObject([{ name: 'a', revision: 2 }]);
  const { entries } = await journal.read({ limit: 10, order: 'asc' });
  const streams = entries.map(({ stream, revision }) => `${stream} ${revision}`);
  expect(streams).toEqual(['config:a 1', 'config:b 1', 'note:one 1', 'config:a 2', 'note:one 2']);
});

it.each([
  ['one config', ['a']],
  ['several', ['a', 'b', 'new']],
])('refused with it, a change of %s is taken back', async (_, names) => {
  const { operations } = await openOperations();
  for (const name of ['a', 'b']) await operations.set(name, { rows: 9 }, ANN);
  const changes = names.map((name) => ({ name, set: { rows: 50 } }));
  const work = operations.bulk(changes, { ...ANN, also: [expected('note:one', 7)] });
  expect(await codeOf(work)).toBe('ERR_REVISION_CONFLICT');
  const rows = async () => (await operations.list()).map((config) => [config.name, config.rows]);
  expect(await rows()).toEqual([
    ['a', 9],
    ['b', 9],
  ]);
  // What was seen for a moment is history; the next change builds on what was taken back.
  await operations.set('a', { cols: 99 }, ANN);
  expect(await rows()).toEqual([
    ['a', 9],
    ['b', 9],
  ]);
  expect(await operations.store.journal.streamHead('note:one')).toBe(0);
  expect(await operations.verify()).toMatchObject({ ok: true });
});

it('is not written later, when the disk was full and the changes were taken back', async () => {
  const child = Bun.spawn(['unshare', '-rm', process.execPath, script('also-on-full-disk.ts'), tempDirectory()], {
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [output, complaint] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  expect(complaint, 'this test needs `unshare -rm` and a tmpfs mount inside it').toBe('');
  expect(JSON.parse(output)).toEqual({
    whileFull: 'ERR_JOURNAL_WRITE',
    rows: 30,
    notes: 0,
    past: ['update 30', 'revert 20', 'update 40', 'create 20'],
    withRoom: 1,
    verified: true,
  });
}, 60_000);
