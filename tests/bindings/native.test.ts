/** The native core keeps the contract, and what only it can do. @module */
import { expect, test } from 'vitest';
import { openNative } from '../../bindings/native.ts';
import { backendContract } from '../contract/backend.contract.ts';
import { marked, swapTo } from './swaps.ts';

backendContract('native', openNative);

test('a timed write says how long it took', () => {
  const core = openNative();
  const region = core.slotsCreate(1);
  const ring = core.ringCreate();
  for (let i = 1; i <= 20; i++) swapTo(core, region, marked(i), { timed: true }, ring);
  const measured = ring.entries().filter(({ writeNs }) => writeNs !== null && writeNs < 1e9);
  expect(measured.length).toBeGreaterThan(0);
  region.close();
  ring.close();
});
