/** Audits wait for each other, of one who asks; nobody waits for somebody else. @module */
import { expect, it } from 'vitest';
import { AuditTurns } from '../../../src/registry/npm/audit-turns.ts';
import type { Holder } from '../../../src/registry/holder.ts';

const STRANGER: Holder = { kind: 'anonymous', id: '', isBrowser: false };
const ANN: Holder = { kind: 'token', id: 'ann', isBrowser: false };

/** An audit that goes on until it is told. */
function going() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const audit = async (): Promise<void> => {
    begun.resolve();
    await promise;
  };
  return { audit, begun: begun.promise, end: resolve };
}

it('one at a time from one address, or with one token, and as many as there are others', async () => {
  const turns = new AuditTurns();
  const [first, second, ann, neighbour] = [going(), going(), going(), going()];
  const order: string[] = [];
  const runs = [
    turns.run(STRANGER, '192.0.2.1', first.audit).then(() => order.push('first')),
    turns.run(STRANGER, '192.0.2.1', async () => {
      order.push('second begins');
      await second.audit();
    }),
    turns.run(ANN, '192.0.2.1', ann.audit),
    turns.run(STRANGER, '192.0.2.2', neighbour.audit),
  ];
  await Promise.all([first.begun, ann.begun, neighbour.begun]);
  expect(order).toEqual([]);
  first.end();
  await second.begun;
  expect(order.toSorted()).toEqual(['first', 'second begins']);
  for (const { end } of [second, ann, neighbour]) end();
  await Promise.all(runs);
});

it('goes on after one that fails, and refuses those for whom there is no room to wait', async () => {
  const turns = new AuditTurns();
  const failing = turns.run(STRANGER, null, async () => {
    throw new RangeError('it fails');
  });
  await expect(failing).rejects.toThrow('it fails');
  const long = going();
  const waiting = Array.from({ length: 32 }, () => turns.run(ANN, null, long.audit));
  await expect(turns.run(ANN, null, long.audit)).rejects.toMatchObject({ code: 'ERR_BUSY' });
  await turns.run(STRANGER, null, async () => undefined);
  long.end();
  await Promise.all(waiting);
  await turns.run(ANN, null, async () => undefined);
});
