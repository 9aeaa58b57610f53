/** What `settle` promises, whatever fails in between. @module */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { firstImage } from '../../src/live/images.ts';
import { configsProjection } from '../../src/live/projection.ts';
import { entryOf, Recorder, type Recorded } from '../../src/live/recorder.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { openLocalJournal } from '../../src/journal/local.ts';
import { codeOf, tempDirectory } from '../journal/fixtures.ts';

/** Work that ends when it is told to, as often as it is begun. */
class Gate {
  readonly begun: { finish: () => void; fail: (error: Error) => void }[] = [];

  readonly work = (): Promise<void> =>
    new Promise((finish, fail) => {
      this.begun.push({ finish, fail });
    });
}

function recorder(): Recorder {
  // Only `run` is used: no entry is ever appended.
  const never = new Promise<Journal>(() => {});
  return new Recorder(never, { onRefused() {} });
}

/** A full disk by hand: a clock that stands, and work that fails until it is told otherwise. */
function fullDisk() {
  const disk = { now: 0, isFull: true, attempts: 0 };
  const queue = new Recorder(new Promise<Journal>(() => {}), { onRefused() {} }, () => disk.now);
  const change = (): void =>
    queue.run(async () => {
      disk.attempts++;
      if (disk.isFull) throw new Error('full');
    });
  return { disk, queue, change };
}

async function outcomeOf(promise: Promise<void>): Promise<string> {
  const [outcome] = await Promise.allSettled([promise]);
  return outcome.status === 'fulfilled' ? 'settled' : (outcome.reason as Error).message;
}

describe('settle', () => {
  it('waits for work that was queued in the same turn', async () => {
    const [gate, queue] = [new Gate(), recorder()];
    queue.run(gate.work);
    let isSettled = false;
    const settled = queue.settle().then(() => (isSettled = true));
    await new Promise(setImmediate);
    expect([gate.begun.length, isSettled, queue.pending]).toEqual([1, false, 1]);
    gate.begun[0]!.finish();
    await settled;
    expect(queue.pending).toBe(0);
  });

  it('waits for work that a microtask has begun, and for work queued meanwhile', async () => {
    const [gate, queue] = [new Gate(), recorder()];
    queue.run(gate.work);
    await new Promise(setImmediate);
    queue.run(gate.work);
    const settled = outcomeOf(queue.settle());
    await new Promise(setImmediate);
    expect(gate.begun).toHaveLength(2);
    gate.begun[1]!.finish();
    gate.begun[0]!.finish();
    expect(await settled).toBe('settled');
  });

  it('tells what failed, keeps it, and tries again', async () => {
    const [gate, queue] = [new Gate(), recorder()];
    queue.run(gate.work);
    const first = outcomeOf(queue.settle());
    gate.begun[0]!.fail(new Error('full'));
    expect(await first).toBe('full');
    expect(queue.pending).toBe(1);
    const second = outcomeOf(queue.settle());
    gate.begun[1]!.finish();
    expect([await second, queue.pending]).toEqual(['settled', 0]);
  });

  it('tries again what failed while it was waiting for it', async () => {
    const [gate, queue] = [new Gate(), recorder()];
    queue.run(gate.work);
    await new Promise(setImmediate);
    const settled = outcomeOf(queue.settle());
    gate.begun[0]!.fail(new Error('full'));
    await new Promise(setImmediate);
    expect(gate.begun).toHaveLength(2);
    gate.begun[1]!.fail(new Error('still full'));
    expect(await settled).toBe('still full');
  });
});

describe('while nothing can be written', () => {
  it('changes cause one attempt a second, settle each time, and success ends the wait', async () => {
    const { disk, queue, change } = fullDisk();
    const changeNow = async (): Promise<number> => {
      change();
      await new Promise(setImmediate);
      return disk.attempts;
    };
    expect(await changeNow()).toBe(1);
    disk.now = 999;
    expect([await changeNow(), await changeNow(), queue.pending]).toEqual([1, 1, 3]);
    expect([await outcomeOf(queue.settle()), disk.attempts]).toEqual(['full', 4]);
    disk.now = 1998;
    expect(await changeNow()).toBe(4);
    disk.now = 1999;
    expect(await changeNow()).toBe(9);
    disk.isFull = false;
    expect([await outcomeOf(queue.settle()), queue.pending, disk.attempts]).toEqual(['settled', 0, 14]);
    expect(await changeNow()).toBe(15);
  });

  it('an entry that the journal refuses is dropped and told of, and keeps nothing else from the disk', async () => {
    const path = join(tempDirectory(), 'config.db');
    const journal = openLocalJournal({ path, projections: [configsProjection] });
    const refused: unknown[] = [];
    const durable: number[] = [];
    journal.onAppend((entries) => durable.push(...entries.map(({ revision }) => revision)));
    const queue = new Recorder(Promise.resolve(journal), {
      onRefused: (stream, { code }) => refused.push([stream, code]),
    });
    const image = firstImage();
    const change: Recorded = { revision: 1, kind: 'create', at: 1, before: null, after: image };
    queue.record('shop', change, { actor: 'ann', reason: 'r'.repeat(5000) });
    queue.record('shop', change, { actor: 'ann', reason: '' });
    await queue.settle();
    expect([queue.pending, refused, durable]).toEqual([0, [['config:shop', 'ERR_OUT_OF_RANGE']], [1]]);
    const unsigned = entryOf('shop', change, { actor: '', reason: '' });
    expect(await codeOf(queue.recordNow([unsigned]))).toBe('ERR_OUT_OF_RANGE');
    expect(queue.pending).toBe(0);
    await journal.close();
  });
});
