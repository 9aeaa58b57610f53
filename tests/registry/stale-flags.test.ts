/** What has likely done its work: each reason holds when it should, and neither sooner nor for others. @module */
import { describe, expect, it } from 'vitest';
import { owner } from '../../src/auth/rights.ts';
import { NO_FACTS } from '../../src/flags/flag.ts';
import { Flags } from '../../src/flags/flags.ts';
import type { FlagItem } from '../../src/registry/flag-list.ts';
import { momentOf, reasonsOf, staleFlags } from '../../src/registry/stale-flags.ts';
import { openApp } from './app-fixtures.ts';

const DAY_MS = 86_400_000;
const NOW = 1000 * DAY_MS;
const MOMENT = momentOf(NOW, 0, 30);
const LONG_AGO = NOW - 30 * DAY_MS;
const ITEM: FlagItem = {
  ...NO_FACTS,
  key: 'banner',
  kind: 'rich',
  type: 'string',
  state: 'ENABLED',
  isBound: false,
  isConstant: false,
  rollout: null,
  archivedAt: null,
  lastEvaluatedAt: NOW,
  lastChangedAt: NOW,
  lastChangedBy: 'ann',
};

describe('a flag is stale', () => {
  const feature = { kind: 'feature', key: 'new_checkout', type: 'boolean', rollout: 0 } as const;
  it.each<[string, Partial<FlagItem>, readonly string[]]>([
    ['not, when it is used and changes', {}, []],
    ['at the moment it expires', { expiresAt: NOW }, ['expired']],
    ['not, a moment before', { expiresAt: NOW + 1 }, []],
    ['when nobody asks for it', { lastEvaluatedAt: LONG_AGO }, ['not-evaluated']],
    ['when nobody ever asked', { lastEvaluatedAt: null }, ['not-evaluated']],
    ['not, when somebody did since', { lastEvaluatedAt: LONG_AGO + 1 }, []],
    ['not by that, when it is bound: bits are read uncounted', { lastEvaluatedAt: null, isBound: true }, []],
    ['when it is the same for everybody', { isConstant: true, lastChangedAt: LONG_AGO }, ['constant']],
    ['not, when it became so lately', { isConstant: true, lastChangedAt: LONG_AGO + 1 }, []],
    ['not, when it is not known since when', { isConstant: true, lastChangedAt: null }, []],
    ['as a feature of its own', { ...feature, isConstant: true, lastChangedAt: LONG_AGO }, ['constant']],
    ['not as a built-in one', { ...feature, key: 'debug', isConstant: true, lastChangedAt: LONG_AGO }, []],
    ['when it is rolled out', { ...feature, rollout: 100 }, ['rolled-out']],
    ['not, when it is nearly so', { ...feature, rollout: 99.99 }, []],
    ['when it was archived long ago, and only by that', { archivedAt: LONG_AGO, expiresAt: 1 }, ['archived-long']],
    ['not, when it was archived lately', { archivedAt: LONG_AGO + 1, expiresAt: 1, lastEvaluatedAt: null }, []],
    [
      'for several reasons at once',
      { isConstant: true, lastChangedAt: 0, lastEvaluatedAt: null, expiresAt: 0 },
      ['expired', 'not-evaluated', 'constant'],
    ],
  ])('%s', (_, parts, reasons) => expect(reasonsOf({ ...ITEM, ...parts }, MOMENT)).toEqual(reasons));

  it('by nobody asking for it only if that would be known', () => {
    const unseen = { ...ITEM, lastEvaluatedAt: null };
    expect(reasonsOf(unseen, momentOf(NOW, LONG_AGO, 30))).toEqual(['not-evaluated']);
    expect(reasonsOf(unseen, momentOf(NOW, LONG_AGO + 1, 30))).toEqual([]);
  });
});

describe('the report', () => {
  const definition = { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'on' };
  const targeting = { if: [{ '==': [{ var: 'plan' }, 'pro'] }, 'on', 'off'] };

  async function openShop() {
    const app = await openApp();
    await app.call('POST', '/api/v1/configs', { name: 'shop' });
    await app.call('PATCH', '/api/v1/services/shop/features', { declare: { new_checkout: 12, old: 13 } });
    await app.call('PATCH', '/api/v1/configs/shop/features/old', { rollout: 100 });
    await app.call('PUT', '/api/v1/configs/shop/flags/a', { definition: { ...definition, targeting } });
    await app.call('PUT', '/api/v1/configs/shop/flags/b', { definition, expiresAt: 1 });
    const { operations, bound, lastEvaluated } = app;
    const flags = new Flags(operations.store.journal, () => operations.store.head());
    const services = { operations, flags, bound, lastEvaluated };
    const later = async (days: number) => {
      const moment = momentOf(Date.now() + days * DAY_MS, lastEvaluated.since, 30);
      const stale = await staleFlags(services, 'shop', owner('ann'), moment);
      return Object.fromEntries(stale.map(({ key, reasons }) => [key, reasons]));
    };
    return { ...app, later };
  }

  it('says now what is past, and in a month what nobody touched', async () => {
    const { later, lastEvaluated, call } = await openShop();
    expect(await later(0)).toEqual({ b: ['expired'], old: ['rolled-out'] });
    expect(await later(31)).toEqual({
      a: ['not-evaluated'],
      b: ['expired', 'not-evaluated', 'constant'],
      new_checkout: ['constant'],
      old: ['rolled-out'],
    });
    await call('PUT', '/api/v1/configs/shop/flags/old', { definition });
    await call('POST', '/api/v1/configs/shop/flags/b/archive');
    lastEvaluated.evaluated('shop', 'a');
    expect(await later(31)).toEqual({
      a: ['not-evaluated'],
      b: ['archived-long'],
      new_checkout: ['constant'],
      old: ['constant'],
    });
  });

  it('counts a flag that was made again from then on', async () => {
    const { call, operations, bound, lastEvaluated } = await openShop();
    const flags = new Flags(operations.store.journal, () => operations.store.head());
    const made = async () => {
      await call('PUT', '/api/v1/configs/shop/flags/again', { definition: { ...definition, targeting } });
      return (await flags.find('shop', 'again'))!.modifiedAt;
    };
    const first = await made();
    await call('PATCH', '/api/v1/configs/shop/flags/again', { owner: 'ann' });
    await call('DELETE', '/api/v1/configs/shop/flags/again');
    let second = await made();
    while (second <= first) {
      await call('DELETE', '/api/v1/configs/shop/flags/again');
      second = await made();
    }
    const services = { operations, flags, bound, lastEvaluated };
    const reasons = async (longAgo: number) => {
      const stale = await staleFlags(services, 'shop', owner('ann'), { now: second, countedSince: 0, longAgo });
      return stale.find(({ key }) => key === 'again')?.reasons;
    };
    expect([await reasons(second - 1), await reasons(second)]).toEqual([undefined, ['not-evaluated']]);
  });

  it('is told over HTTP, of one config or of all, by pages', async () => {
    const { call } = await openShop();
    await call('POST', '/api/v1/configs', { name: 'mail' });
    await call('PUT', '/api/v1/configs/mail/flags/x', { definition, expiresAt: 1 });
    const page = await call('GET', '/api/v1/flags/stale');
    const placed = ({ body }: typeof page) => body.flags.map(({ config, key }: any) => `${config} ${key}`);
    expect([placed(page), page.body.cursor]).toEqual([['mail x', 'shop b', 'shop old'], null]);
    expect(placed(await call('GET', '/api/v1/flags/stale?name=mail'))).toEqual(['mail x']);
    const first = await call('GET', '/api/v1/flags/stale?limit=2');
    expect([placed(first), first.body.cursor]).toEqual([['mail x', 'shop b'], 'shop b']);
    const rest = await call('GET', `/api/v1/flags/stale?limit=2&cursor=${encodeURIComponent(first.body.cursor)}`);
    expect([placed(rest), rest.body.cursor]).toEqual([['shop old'], null]);
    expect((await call('GET', '/api/v1/flags/stale?days=0')).status).toBe(400);
    expect((await call('GET', '/api/v1/flags/stale?name=nowhere')).status).toBe(404);
  });
});
