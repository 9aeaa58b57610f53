/** Checks that fail, throw or hang count the same, and are told once. @module */
import { expect, test } from 'vitest';
import { healthOf } from '../../src/metrics/health.ts';

test('one that is not well makes the whole not well; why is told once until it is well again', async () => {
  let isWell = false;
  const told: string[] = [];
  const ready = healthOf(
    {
      good: () => true,
      bad: () => isWell,
      throwing: async () => await (isWell ? Promise.resolve(true) : Promise.reject(new Error('closed'))),
      throwingAtOnce: () => {
        if (!isWell) throw new Error('no');
        return true;
      },
      hanging: () => (isWell ? true : new Promise<boolean>(() => {})),
    },
    { failed: (check, why) => told.push(`${check}: ${why}`), timeout_ms: 20 },
  );
  const unwell = {
    status: 'failing',
    checks: { good: 'ok', bad: 'failing', throwing: 'failing', throwingAtOnce: 'failing', hanging: 'failing' },
  };
  expect([await ready(), await ready()]).toEqual([unwell, unwell]);
  expect(told.toSorted()).toEqual([
    'bad: is not so',
    'hanging: did not come back within 20 ms',
    'throwing: Error: closed',
    'throwingAtOnce: Error: no',
  ]);
  isWell = true;
  expect((await ready()).status).toBe('ok');
  isWell = false;
  await ready();
  expect(told).toHaveLength(8);
});
