/** How often a process that holds much is stopped to collect what large packages leave. @module */
import { afterEach, expect, it, vi } from 'vitest';
import { leaveGarbage } from '../../../src/packages/intake/garbage.ts';

const MiB = 1024 * 1024;

afterEach(() => vi.restoreAllMocks());

it('is once for all that passes within a second', () => {
  const held = Array.from({ length: 1_000_000 }, (_, i) => ({ text: `held ${i}`, list: [i] }));
  const stopped = vi.spyOn(Bun, 'gc');
  for (let passed = 0; passed < 600; passed++) leaveGarbage(MiB);
  expect(stopped).toHaveBeenCalledTimes(1);
  expect(held).toHaveLength(1_000_000);
});
