/** Which events webhooks hear of, from the entries that real requests and flags leave in a journal. @module */
import { expect, it } from 'vitest';
import type { Entry } from '../../src/journal/journal.ts';
import { EVENTS, eventsOf } from '../../src/registry/told-events.ts';
import { Packages } from '../../src/packages/packages.ts';
import { publicationOf } from '../packages/packages-fixtures.ts';
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

it('tells what became of packages, and of what somebody says of them nothing', async () => {
  const { operations } = await openWorld();
  const { store } = operations;
  const appended: Entry[] = [];
  store.journal.onAppend((entries) => void appended.push(...entries));
  const packages = new Packages({
    journal: store.journal,
    head: () => store.head(),
    sign: () => ({ keyid: 'SHA256:key', sig: 'sig' }),
  });
  const write = { actor: 'ann', reason: 'because' };
  for (const version of ['1.0.0', '1.1.0']) await packages.publish(publicationOf('@acme/ui', version), write);
  await packages.deprecate('@acme/ui', { '1.0.0': 'old' }, write);
  await packages.deprecate('@acme/ui', { '1.0.0': null }, write);
  await packages.star('@acme/ui', 'ann', true, write);
  await packages.tag('@acme/ui', { set: { next: '1.1.0' } }, write);
  await packages.unpublish('@acme/ui', ['1.1.0'], write);
  const by = { name: '@acme/ui', actor: 'ann', reason: 'because' };
  expect(eventsOf(appended).map(({ type, data }) => [type, data])).toMatchObject([
    ['package.published', { ...by, version: '1.0.0', tags: ['latest'], revision: 1 }],
    ['package.published', { ...by, version: '1.1.0', tags: ['latest'], revision: 2 }],
    ['package.deprecated', { ...by, versions: ['1.0.0'], revision: 3 }],
    ['package.unpublished', { ...by, versions: ['1.1.0'], revision: 7 }],
  ]);
  for (const { type } of eventsOf(appended)) expect(EVENTS).toContain(type);
  const strange = { ...appended[0]!, body: new TextEncoder().encode('{"format":9}') };
  expect(eventsOf([strange, { ...strange, body: null }])).toEqual([]);
});
