/** Which events webhooks hear of, from the entries that real requests and flags leave in a journal. @module */
import { expect, it } from 'vitest';
import type { Entry } from '../../src/journal/journal.ts';
import { EVENTS, eventsOf } from '../../src/registry/told-events.ts';
import { openWorld, switching } from './change-fixtures.ts';
import { HOUR_MS, SHOP, START, type World } from './change-world.ts';

const ON = switching({ fast: true });
const AT = START + HOUR_MS;

function heard(world: World): { types: () => string[]; all: () => readonly any[] } {
  const appends: (readonly Entry[])[] = [];
  world.operations.store.journal.onAppend((entries) => void appends.push(entries));
  const all = () => appends.flatMap((entries) => eventsOf(entries));
  return { all, types: () => all().map(({ type }) => type.replace('change_request.', '')) };
}

it('tells what became of a request, once each', async () => {
  const world = await openWorld();
  const { application } = world;
  const { types, all } = heard(world);
  const id = await world.propose('paul', { operations: ON, at: AT, reason: 'soon' });
  await application.approve(id, world.who('otto'), {});
  world.clock.now = AT;
  await application.look();
  expect(types()).toEqual(['proposed', 'approved', 'config.changed', 'applied']);
  expect(all()[3].data).toMatchObject({
    id,
    state: 'applied',
    author: 'paul',
    touches: [`config:${SHOP}`],
    failure: null,
    revision: 3,
    actor: 'registry',
    reason: `soon (change request ${id})`,
  });
  expect(JSON.stringify(all())).not.toContain('features');
});

it.each([
  ['made at once', async (world: World) => await world.propose('olaf', { operations: ON }), ['applied']],
  ['scheduled', async (world: World) => await world.propose('olaf', { operations: ON, at: AT }), ['proposed']],
  [
    'approved and made',
    async ({ propose, application, who }: World) =>
      await application.approve(await propose('paul', { operations: ON }), who('olaf'), {}),
    ['proposed', 'approved', 'applied'],
  ],
  [
    'rejected',
    async ({ propose, application, who }: World) =>
      await application.reject(await propose('paul', { operations: ON }), who('olaf'), {}),
    ['proposed', 'rejected'],
  ],
  [
    'cancelled by who approved it',
    async ({ propose, application, who }: World) => {
      const id = await propose('paul', { operations: ON, at: AT });
      await application.approve(id, who('olaf'), {});
      await application.cancel(id, who('olaf'), {});
    },
    ['proposed', 'approved', 'cancelled'],
  ],
  [
    'expired',
    async ({ propose, application, clock }: World) => {
      await propose('paul', { operations: ON, expiresAt: AT });
      clock.now = AT;
      await application.look();
    },
    ['proposed', 'expired'],
  ],
  [
    'failed',
    async ({ propose, application, clock, operations }: World) => {
      await propose('olaf', { operations: ON, at: AT });
      await operations.delete(SHOP, { actor: 'ann' });
      clock.now = AT;
      await application.look();
    },
    ['proposed', 'failed'],
  ],
  [
    'a ramp',
    async ({ propose, application, clock }: World) => {
      await propose('olaf', { ramp: { name: SHOP, feature: 'fast', percents: [1, 2, 3], pause_s: 1 } });
      for (let step = 0; step < 3; step++) {
        clock.now += HOUR_MS;
        await application.look();
      }
    },
    ['proposed', 'applied'],
  ],
])('of one that was %s', async (_, work, expected) => {
  const world = await openWorld();
  const { types } = heard(world);
  await work(world);
  expect(types().filter((type) => type !== 'config.changed')).toEqual(expected);
});

it('tells of changed flags by their names, and of nothing that it cannot read', async () => {
  const world = await openWorld();
  const { all } = heard(world);
  const definition = { state: 'ENABLED', variants: { on: true }, defaultVariant: 'on' };
  const write = { actor: 'ann', isFeature: () => false };
  await world.flags.change(SHOP, 'banner', { kind: 'put', input: { definition } }, write);
  await world.flags.change(SHOP, 'banner', { kind: 'delete' }, write);
  const put = { definition };
  const operations = [{ flag: `${SHOP}/one`, put }, ...ON, { flag: `${SHOP}/two`, put }];
  await world.propose('olaf', { operations });
  const body = new TextEncoder().encode('{"format":9}');
  const entry = { stream: 'change_request:1', type: 'change_request.put', actor: 'ann', reason: '', body, expected: 0 };
  expect(() => eventsOf([{ ...entry, seq: 1, revision: 1, at: 1 } as unknown as Entry])).not.toThrow();
  const flags = all().filter(({ type }) => type === 'flag.changed');
  expect(flags.map(({ type, data }) => [type, data.config, data.keys, data.kind])).toEqual([
    ['flag.changed', SHOP, ['banner'], 'put'],
    ['flag.changed', SHOP, ['banner'], 'delete'],
    ['flag.changed', SHOP, ['one', 'two'], 'put'],
  ]);
  for (const { type } of all()) expect(EVENTS).toContain(type);
});
