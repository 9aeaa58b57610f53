/** What `settle` promises, whatever fails in between. @module */
import { describe, expect, it } from 'vitest';
import { Recorder } from '../../src/live/recorder.ts';
import type { Journal } from '../../src/journal/journal.ts';

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
  return new Recorder(never, { onDurable() {}, onConflict() {} });
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
