/** Places that requests take and give back. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConnectionLimit } from '../../src/http/connection-limit.ts';

const BUSY = expect.objectContaining({ code: 'ERR_BUSY' });

test('each address has its places, and all of them together theirs', () => {
  const limit = new ConnectionLimit({ perAddress: 2, total: 3 });
  limit.acquire('a');
  limit.acquire('a');
  expect(() => limit.acquire('a')).toThrow(BUSY);
  limit.acquire('b');
  expect(() => limit.acquire('c')).toThrow(BUSY);
  limit.release('a');
  limit.acquire('c');
  expect(limit.size).toBe(3);
});

test('what was never taken cannot be given back', () => {
  expect(() => new ConnectionLimit({ perAddress: 1, total: 1 }).release('a')).toThrow(RangeError);
});

test('any order of requests keeps both limits, and ends empty', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.boolean()), { maxLength: 200 }), (steps) => {
      const limit = new ConnectionLimit({ perAddress: 3, total: 5 });
      const held: string[] = [];
      for (const [key, comes] of steps) {
        const own = held.filter((each) => each === key).length;
        if (!comes && own > 0) {
          limit.release(key);
          held.splice(held.indexOf(key), 1);
        } else if (comes && own < 3 && held.length < 5) {
          limit.acquire(key);
          held.push(key);
        } else if (comes) {
          expect(() => limit.acquire(key)).toThrow(BUSY);
        }
        expect(limit.size).toBe(held.length);
      }
      held.forEach((key) => limit.release(key));
      expect(limit.size).toBe(0);
    }),
    { seed: 42 },
  );
});
