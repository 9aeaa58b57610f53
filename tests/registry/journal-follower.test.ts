/**
 * Every entry is told of once, in order, whoever appends; and nothing counts as current that has not been told of.
 * @module
 */
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import { openLocalJournal } from '../../src/journal/local.ts';
import { JournalFollower, type Follower, type JournalFollowerOptions } from '../../src/registry/journal-follower.ts';
import { claimed, tempDirectory } from '../journal/fixtures.ts';
import { openConfigStore } from '../../src/live/config-store.ts';
import { ROOT } from './fixtures.ts';

interface House {
  readonly own: Journal;
  /** Another handle on the same file, as another process has one. */
  readonly foreign: Journal;
  readonly follower: JournalFollower;
  readonly told: number[];
  readonly failures: string[];
  /** What a board tells. */
  readonly board: { head: number };
  readonly close: () => Promise<void>;
}

async function openHouse(wrap: (journal: Journal) => JournalFollowerOptions['journal'] = (one) => one): Promise<House> {
  const path = join(tempDirectory(), 'journal.db');
  const [own, foreign] = [openLocalJournal({ path }), openLocalJournal({ path })];
  const board = { head: 0 };
  own.onAppend((entries) => void (board.head = Math.max(board.head, entries.at(-1)!.seq)));
  const [told, failures]: [number[], string[]] = [[], []];
  const follower = new JournalFollower({
    journal: wrap(own),
    seen: 0,
    head: () => board.head,
    onFailure: (failure) => void failures.push(failure),
  });
  follower.add(noting(told));
  return {
    own,
    foreign,
    follower,
    told,
    failures,
    board,
    close: async () => {
      await follower.close();
      await own.close();
      await foreign.close();
    },
  };
}

/** Whoever writes down what it is told of. */
function noting(told: number[]): Follower {
  return { follow: (entries) => void told.push(...entries.map(({ seq }) => seq)), forget: expect.unreachable };
}

const upTo = (seq: number): number[] => Array.from({ length: seq }, (_, i) => i + 1);

describe('a follower', () => {
  it('tells of all entries once and in order, and is current only when it has told of all that is known', async () => {
    const action = fc.constantFrom('own', 'own twice', 'foreign', 'foreign, announced', 'look', 'ask', 'wait');
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 30 }), async (actions) => {
        const { own, foreign, follower, told, board, close } = await openHouse();
        let revision = 0;
        const underWay: Promise<unknown>[] = [];
        const append = (journal: Journal) => journal.append([claimed('a', ++revision)]);
        for (const what of actions) {
          if (what === 'own') await append(own);
          if (what === 'own twice') underWay.push(append(own), append(own));
          if (what.startsWith('foreign')) {
            const [entry] = await append(foreign);
            if (what === 'foreign, announced') board.head = Math.max(board.head, entry!.seq);
          }
          if (what === 'look') underWay.push(follower.look());
          if (what === 'wait') await Promise.all(underWay.splice(0));
          if (follower.isCurrent) expect(told).toEqual(upTo(Math.max(told.length, board.head)));
          expect(told).toEqual(upTo(told.length));
        }
        await Promise.all(underWay);
        board.head = (await own.head()).seq;
        await follower.look();
        expect([follower.isCurrent, told]).toEqual([true, upTo(board.head)]);
        await close();
      }),
      { numRuns: 60, seed: 42 },
    );
  });

  it('reads on over many pages, and over one that ends early because its bodies are long', async () => {
    const { foreign, follower, told, board, close } = await openHouse();
    onTestFinished(close);
    const many = Array.from({ length: 1000 }, (_, i) => claimed('a', i + 1));
    await foreign.append(many);
    const long = 'x'.repeat(5 * 1024 * 1024);
    await foreign.append([claimed('b', 1, long)]);
    await foreign.append([claimed('b', 2, long)]);
    await foreign.append([claimed('b', 3, long)]);
    board.head = 1003;
    await follower.look();
    expect([follower.isCurrent, told]).toEqual([true, upTo(1003)]);
  });

  it('tries again after a failure, which whoever looks hears of, and tells of nothing twice', async () => {
    let failures = 2;
    const { own, foreign, follower, told, board, close } = await openHouse((journal) => ({
      onAppend: (listener) => journal.onAppend(listener),
      read: async (query) => {
        if (failures-- > 0) throw new Error('the disk is gone');
        return await journal.read(query);
      },
    }));
    onTestFinished(close);
    await foreign.append([claimed('a', 1), claimed('a', 2)]);
    board.head = 2;
    await expect(follower.look()).rejects.toThrow('the disk is gone');
    expect([follower.isCurrent, told]).toEqual([false, []]);
    await own.append([claimed('a', 3)]);
    await follower.look();
    expect([follower.isCurrent, told]).toEqual([true, [1, 2, 3]]);
  });

  it('tells of its own once also where the board has announced what is not there', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const { own, follower, told, board, close } = await openHouse((journal) => ({
      onAppend: (listener) => journal.onAppend(listener),
      read: async (query) => {
        await gate;
        return await journal.read(query);
      },
    }));
    onTestFinished(close);
    board.head = 9;
    const looking = follower.look();
    await own.append([claimed('a', 1)]);
    expect(told).toEqual([1]);
    open();
    await looking;
    expect([follower.isCurrent, told]).toEqual([false, [1]]);
  });

  it('goes on with the others when one cannot take an entry in, which forgets what it holds', async () => {
    const { own, foreign, follower, told, failures, board, close } = await openHouse();
    onTestFinished(close);
    const [held, later]: [number[], number[]] = [[], []];
    follower.add({
      follow: (entries) => {
        for (const { seq } of entries) {
          if (seq % 2 === 0) throw new Error(`what is ${seq}?`);
          held.push(seq);
        }
      },
      forget: () => void held.splice(0),
    });
    follower.add(noting(later));
    for (const revision of [1, 2, 3]) await own.append([claimed('a', revision)]);
    expect([told, later, held]).toEqual([upTo(3), upTo(3), [3]]);
    await foreign.append([claimed('a', 4), claimed('a', 5)]);
    board.head = 5;
    await follower.look();
    expect([follower.isCurrent, told, later, held]).toEqual([true, upTo(5), upTo(5), []]);
    expect(failures).toEqual(['Error: what is 2?', 'Error: what is 4?']);
  });

  it('keeps up with another process that appends while it appends itself', async () => {
    const path = join(tempDirectory(), 'journal.db');
    const store = await openConfigStore(path);
    onTestFinished(() => store.close());
    const told: number[] = [];
    const follower = new JournalFollower({
      journal: store.journal,
      seen: (await store.journal.head()).seq,
      head: () => store.head(),
      onFailure: expect.unreachable,
    });
    follower.add(noting(told));
    onTestFinished(() => follower.close());
    const script = join(ROOT, 'tests/live/acked-changes.ts');
    const names = Array.from({ length: 10 }, (_, i) => `f${i}`);
    const child = Bun.spawn([process.execPath, script, path, ...names], { stdout: 'pipe', stderr: 'inherit' });
    let own = 0;
    let isOver = false;
    const ended = child.exited.finally(() => (isOver = true));
    while (!isOver) {
      await store.journal.append([claimed('own', ++own)]);
      if (follower.isCurrent) expect(told.length).toBeGreaterThanOrEqual(own);
    }
    expect(await ended).toBe(0);
    const { seq } = await store.journal.head();
    while (!follower.isCurrent) await follower.look();
    expect(seq).toBeGreaterThan(own + 20);
    expect(told).toEqual(upTo(seq));
  });
});
