/** Killed at any append of a ramp, by any of its sides: each step is made once, and in its order. @module */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openWorld } from './change-fixtures.ts';
import { HOUR_MS, openChangeWorld, SHOP, START } from './change-world.ts';
import { tempDirectory } from './fixtures.ts';

const PERCENTS = [10, 20, 30];
const POINTS = ['before', 'sent', 'after'] as const;

/** A ramp whose steps are all due an hour after `START`. */
async function prepared(): Promise<{ data: string; id: string }> {
  const data = join(tempDirectory(), 'data');
  const world = await openChangeWorld(data);
  const steps = PERCENTS.map((fast) => ({ operations: [{ name: SHOP, set: { rollouts: { fast } } }] }));
  const id = await world.propose('olaf', { steps, at: START + HOUR_MS });
  await world.close();
  return { data, id };
}

/** Percentages that the request has set, as its entries say, oldest first. */
async function stepsIn(world: Awaited<ReturnType<typeof openWorld>>, id: string): Promise<unknown[]> {
  const { entries } = await world.operations.history(SHOP, { limit: 100 });
  const own = entries.filter(({ reason }) => reason.includes(id)).toReversed();
  return own.map(({ rollouts }) => rollouts?.['fast']);
}

it('makes each step of a ramp once, in its order, wherever it is killed', async () => {
  const { data, id } = await prepared();
  for (const point of POINTS) {
    for (const nth of PERCENTS.keys()) {
      const copy = join(tempDirectory(), 'data');
      cpSync(data, copy, { recursive: true });
      const script = join(import.meta.dirname, 'dies-while-making.ts');
      const child = Bun.spawn([process.execPath, script, copy, String(nth + 1), point], { stderr: 'pipe' });
      const said = await new Response(child.stdout).text();
      await child.exited;
      expect([said, child.signalCode], await new Response(child.stderr).text()).toEqual(['', 'SIGKILL']);
      const world = await openWorld(copy);
      const { value } = await world.requests.get(id);
      const made = value.steps.filter(({ appliedAt }) => appliedAt !== null).length;
      // What it says of itself and what the config's own entries say never differ.
      expect(await stepsIn(world, id), `${point} ${nth}`).toEqual(PERCENTS.slice(0, made));
      if (point !== 'sent') expect(made).toBe(point === 'before' ? nth : nth + 1);
      await world.operations.store.signUnattributed({ actor: 'registry', reason: 'found' });
      world.clock.now += HOUR_MS;
      await world.application.look();
      expect(await stepsIn(world, id), `${point} ${nth}`).toEqual(PERCENTS);
      expect(await world.look(id)).toMatchObject({ state: 'applied', rollouts: { fast: 30 } });
      expect(await world.operations.verify()).toMatchObject({ ok: true });
      await world.close();
    }
  }
}, 60_000);
