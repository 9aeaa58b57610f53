/** The board between real processes: what one writes the others read, whole, whoever is killed and whenever. @module */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NOTIFY_WORD, WAITERS_WORD, WORDS_PER_SLOT } from '../../bindings/cell-words.ts';
import type { NativeBoard } from '../../bindings/native-board.ts';
import { ACK_WORD, lookUntil, NATIVE, openBoard, revisionLow, step } from './board-steps.ts';
import { outcomeOf } from './outcomes.ts';
import { type Child, Children } from './processes.ts';
import { image, marked } from './swaps.ts';

const KILLS = 50;
const children = new Children();
let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'c13-board-'));
  path = join(directory, 'board');
});
afterEach(async () => {
  await children.killAll();
  rmSync(directory, { recursive: true });
});

const startWriter = (name: string): Child => children.start('write', [path, name]);
const acknowledged = (board: NativeBoard, name: string): number =>
  board.words[board.find(name, true)! * WORDS_PER_SLOT + ACK_WORD]!;

test('two processes see each other in plain loads', async () => {
  const board = openBoard(path);
  const [ask, answer] = [board.find('ask', true)!, board.find('answer', true)!];
  const rounds = 300;
  const child = await children.ready(children.start('echo', [path, String(rounds)]));
  for (let round = 1; round <= rounds; round++) {
    expect(step(board, ask, false)).toBe(round);
    while (revisionLow(board, answer) < round) {
      const seen = board.words[answer * WORDS_PER_SLOT + NOTIFY_WORD]!;
      if (revisionLow(board, answer) < round && !board.wait(answer, seen, 20_000)) expect.fail(`no answer to ${round}`);
    }
    expect(board.words[answer * WORDS_PER_SLOT + 2]).toBe((round & 0xff) * 0x01010101);
  }
  expect(await child.line()).toBe('done');
  board.close();
});

test('no config is torn while two processes hammer it: read whole, by words, read only', async () => {
  const board = openBoard(path);
  const slot = board.find('hammered', true)!;
  step(board, slot, false);
  const writers = [startWriter('one'), startWriter('two')];
  await Promise.all(writers.map((writer) => children.ready(writer)));
  const reads: [part: string, count: number][] = [
    ['read-image', 1_200_000],
    ['read-image-read-only', 1_200_000],
    ['read-cell', 5_000_000],
    ['read-cell-read-only', 5_000_000],
  ];
  const readers = reads.map(([part, count]) => children.start(part, [path, String(count)]));
  for (const reader of readers) {
    const report = JSON.parse((await reader.line()) ?? '{}');
    expect(report).toMatchObject({ torn: 0, backwards: 0 });
    expect(report.seen).toBeGreaterThan(1000);
  }
  await Promise.all(writers.map((writer) => writer.kill()));
  expect(acknowledged(board, 'one')).toBeGreaterThan(1000);
  expect(acknowledged(board, 'two')).toBeGreaterThan(1000);
  board.close();
});

test(`a writer killed while it writes, ${KILLS} times: others go on, no revision is lost or invented`, async () => {
  const board = openBoard(path);
  const slot = board.find('hammered', true)!;
  const survivor = await children.ready(startWriter('survivor'));
  let state = 7;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  let next = startWriter('killed-0');
  for (let kill = 0; kill < KILLS; kill++) {
    const victim = await children.ready(next);
    if (kill + 1 < KILLS) next = startWriter(`killed-${kill + 1}`);
    const own = board.find(`killed-${kill}`, true)! * WORDS_PER_SLOT + ACK_WORD;
    // Into the middle of its work, at a point that differs each time. A plain load may be kept out of such a loop.
    const until = 1 + random(400);
    lookUntil(`the victim swaps ${until} times`, () => Atomics.load(board.words, own) >= until);
    await victim.kill();
    expect(NATIVE.slotRead(board, slot).revision).toBeGreaterThan(0);
  }
  await survivor.kill();
  const names = ['survivor', ...Array.from({ length: KILLS }, (_, i) => `killed-${i}`)];
  const sum = names.reduce((total, name) => total + acknowledged(board, name), 0);
  const { revision, config } = NATIVE.slotRead(board, slot);
  expect(revision).toBeGreaterThanOrEqual(sum);
  expect(revision).toBeLessThanOrEqual(sum + KILLS + 1);
  expect(new Set(config)).toEqual(new Set([revision & 0xff]));
  expect(step(board, slot, true)).toBe(revision + 1);
  expect(NATIVE.slotRead(board, slot)).toMatchObject({ revision: revision + 1, rolloutsRevision: revision + 1 });
  board.close();
});

test('the lock of a killed holder is free; until then writers of rollouts are told, and others go on', async () => {
  const board = openBoard(path);
  const slot = board.find('locked', true)!;
  const holder = await children.ready(children.start('hold', [], ['flock', '--no-fork', '--exclusive', path]));
  const busy = { code: 'ERR_BOARD', details: { path, fault: 'busy' } };
  expect(outcomeOf(() => step(board, slot, true))).toEqual(busy);
  expect(outcomeOf(() => NATIVE.slotSeed(board, slot, image(5, marked(5))))).toEqual(busy);
  expect(step(board, slot, false)).toBe(1);
  await holder.kill();
  expect(step(board, slot, true)).toBe(2);
  expect(NATIVE.slotSeed(board, slot, image(5, marked(5)))).toBe(true);
  board.close();
});

test('what two processes make of the rollouts of two features is both', async () => {
  const board = openBoard(path);
  const slot = board.find('raised', true)!;
  step(board, slot, false);
  const count = 3000;
  const raisers = [3, 17].map((bit) => children.start('raise', [path, String(bit), String(count)]));
  expect(await Promise.all(raisers.map((child) => child.line()))).toEqual(['done', 'done']);
  const { rollouts, revision } = NATIVE.slotRead(board, slot);
  expect([rollouts[3], rollouts[17], revision]).toEqual([count, count, 2 * count + 1]);
  board.close();
});

test("a sleeper is woken by another process's write", async () => {
  const board = openBoard(path);
  const slot = board.find('watched', true)!;
  const child = await children.ready(children.start('wait', [path]));
  lookUntil('the child sleeps', () => Atomics.load(board.words, slot * WORDS_PER_SLOT + WAITERS_WORD) > 0);
  step(board, slot, false);
  expect(await child.process.exited).toBe(0);
  expect(board.words[slot * WORDS_PER_SLOT + WAITERS_WORD]).toBe(0);
  const readOnly = await children.ready(children.start('wait-read-only', [path]));
  step(board, slot, false);
  expect(await readOnly.process.exited).toBe(0);
  board.close();
});

test('processes that open a new board at the same time agree on it', async () => {
  const openers = Array.from({ length: 4 }, () => children.start('open', [path]));
  const reports = await Promise.all(openers.map(async (child) => JSON.parse((await child.line()) ?? '{}')));
  expect(reports.filter(({ fresh }) => fresh)).toHaveLength(1);
  for (const { slots } of reports) expect(slots).toEqual(reports[0].slots);
  expect(new Set(reports[0].slots).size).toBe(50);
});

test('a full disk is said to be one, and leaves nothing that the next open stumbles over', async () => {
  // A small file system in a mount namespace of the child's own: it is gone when the child is.
  const unshare = process.getuid?.() === 0 ? ['unshare', '-m'] : ['unshare', '-rm'];
  const small = ['sh', '-c', 'mount -t tmpfs -o size=2m none "$0" && exec "$@"', directory];
  const child = children.start('fill', [path], [...unshare, ...small]);
  const line = await child.line();
  if (line === null)
    throw new Error('this needs a mount of its own: run it as root, or where user namespaces are allowed');
  expect(JSON.parse(line)).toEqual({
    faults: [
      { path, fault: 'no_space' },
      { path, fault: 'no_space' },
    ],
    size: 0,
    fresh: true,
    revision: 1,
  });
});
