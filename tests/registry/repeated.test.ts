/** Work by the clock: one at a time, its failures told once, and at an end when it is stopped. @module */
import { expect, it } from 'vitest';
import { repeated } from '../../src/registry/repeated.ts';

/** Lets it run until `work` has been called so often, with these outcomes: a text fails. */
async function run(outcomes: readonly (string | null)[]): Promise<string[]> {
  const said: string[] = [];
  const { promise: over, resolve } = Promise.withResolvers<void>();
  let calls = 0;
  const stop = repeated({
    interval_ms: 1,
    work: async () => {
      const outcome = outcomes[calls++];
      if (calls > outcomes.length) resolve();
      if (typeof outcome === 'string') throw new Error(outcome);
    },
    onFailure: (failure) => said.push(failure),
  });
  await over;
  await stop();
  return said;
}

it('tells of a failure when it begins, changes or comes back', async () => {
  expect(await run(['full', 'full', 'gone', 'gone', null, 'gone', null])).toEqual([
    'Error: full',
    'Error: gone',
    'Error: gone',
  ]);
});

it('never works twice at once, and waits for what is under way when it is stopped', async () => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  let underWay = 0;
  const stop = repeated({
    interval_ms: 1,
    work: async () => {
      expect(++underWay).toBe(1);
      begin();
      await gate;
      underWay--;
    },
    onFailure: () => expect.unreachable(),
  });
  await begun;
  const stopping = stop();
  open();
  await stopping;
  expect(underWay).toBe(0);
});
