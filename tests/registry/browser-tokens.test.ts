/** Tokens that anybody can find in a web page, on a registry that runs: what they open, and what stays shut. @module */
import { describe, expect, it, onTestFinished } from 'vitest';
import { Flags } from '../../src/flags/flags.ts';
import { openConfigStore } from '../../src/live/config-store.ts';
import { databaseIn } from '../../src/live/data-directory.ts';
import type { RunningProgram } from './fixtures.ts';
import { headOf, startWithAdmin, withToken, type Somebody } from './identity-fixtures.ts';

const SHOP = '/api/v1/configs/shop%2Fproduction';
const WEB = { name: 'web', isBrowser: true, scope: [{ role: 'viewer', pattern: 'config:shop/*' }] };

interface Shop {
  readonly registry: RunningProgram;
  readonly ann: Somebody;
  readonly page: Somebody;
  /** Says of a feature of the shop, in another process, whether clients see it. */
  readonly show: (feature: string, clientVisible: boolean) => Promise<void>;
}

async function openShop(): Promise<Shop> {
  const { registry, ann } = await startWithAdmin();
  await ann.call('POST', '/api/v1/configs', { name: 'shop/production', rows: 30 });
  await ann.call('PATCH', '/api/v1/services/shop/features', { declare: { new_cart: 12, secret_plan: 13 } });
  await ann.call('PATCH', SHOP, {
    features: { new_cart: true, secret_plan: true },
    rollouts: { debug: 10, metrics: 20 },
  });
  const { status, body } = await ann.call('POST', '/api/v1/tokens', WEB);
  expect([status, body]).toMatchObject([201, { isBrowser: true, readOnly: true }]);
  const store = await openConfigStore(databaseIn(registry.data));
  onTestFinished(() => store.close());
  const flags = new Flags(store.journal, () => store.head());
  const show = async (feature: string, clientVisible: boolean): Promise<void> =>
    void (await flags.putFacts('shop', feature, { clientVisible }, { actor: 'ann' }));
  return { registry, ann, page: withToken(registry, body.secret), show };
}

describe('a browser token', () => {
  it('reads what is visible of its configs, from the next request on after that has changed', async () => {
    const { ann, page, show } = await openShop();
    const none = await page.call('GET', SHOP);
    expect(none.body).toMatchObject({
      featureFlags: 0,
      features: { enabled: [], disabled: [] },
      rollouts: {},
      rows: 30,
    });
    await show('new_cart', true);
    await show('debug', true);
    const some = await page.call('GET', SHOP);
    const seen = { features: { enabled: ['new_cart'], disabled: ['debug'] }, rollouts: { debug: 10 } };
    expect(some.body).toMatchObject({ ...seen, featureFlags: 1 << 12, revision: none.body.revision });
    expect(some.headers.get('etag')).not.toBe(none.headers.get('etag'));
    expect(some.headers.get('cache-control')).toBe('private, no-cache');
    expect(JSON.stringify(some.body)).not.toMatch(/secret_plan|metrics/);
    await show('debug', false);
    expect((await page.call('GET', SHOP)).body.features).toEqual({ enabled: ['new_cart'], disabled: [] });
    const { body: whole } = await ann.call('GET', SHOP);
    expect(whole.features.enabled).toEqual(expect.arrayContaining(['new_cart', 'secret_plan']));
  });

  it('sees no difference in what is hidden but that something was written', async () => {
    const { ann, page, show } = await openShop();
    await show('new_cart', true);
    const before = (await page.call('GET', SHOP)).body;
    const hidden = { features: { secret_plan: false, beta_feature: true }, rollouts: { debug: 55, metrics: 0 } };
    expect((await ann.call('PATCH', SHOP, hidden)).status).toBe(200);
    await ann.call('PATCH', '/api/v1/services/shop/features', { declare: { another_plan: 14 } });
    const { revision, lastModified, ...after } = (await page.call('GET', SHOP)).body;
    expect({ ...after, revision: before.revision, lastModified: before.lastModified }).toEqual(before);
    expect(revision).toBe(before.revision + 1);
    expect(lastModified).toBeGreaterThanOrEqual(before.lastModified);
  });

  it('is told that it has what it has, by its own tag alone', async () => {
    const { ann, page, show } = await openShop();
    await show('new_cart', true);
    const etag = (await page.call('GET', SHOP)).headers.get('etag')!;
    const whole = (await ann.call('GET', SHOP)).headers.get('etag')!;
    const asked = async (tag: string) => (await page.call('GET', SHOP, undefined, { 'if-none-match': tag })).status;
    expect([await asked(etag), await asked(`W/${etag}`), await asked(whole)]).toEqual([304, 304, 200]);
    await show('secret_plan', true);
    expect(await asked(etag)).toBe(200);
  });

  it('is answered so also where other tokens are answered from memory', async () => {
    const { registry, ann, page } = await openShop();
    const { body } = await ann.call('POST', '/api/v1/tokens', { name: 'ci' });
    const ci = withToken(registry, body.secret);
    for (let i = 0; i < 4; i++) {
      expect((await ci.call('GET', SHOP)).body.features.enabled).toContain('secret_plan');
      expect((await page.call('GET', SHOP)).body.features.enabled).toEqual([]);
    }
  });

  it('opens nothing else, and where anybody may ask it is nobody', async () => {
    const { registry, ann, page } = await openShop();
    const before = await headOf(ann);
    for (const [method, path, body] of [
      ['GET', '/api/v1/whoami'],
      ['GET', '/api/v1/configs'],
      ['GET', '/api/v1/configs/default/history'],
      ['GET', `${SHOP}/history`],
      ['GET', `${SHOP}/env`],
      ['GET', `${SHOP}/features?nonsense=1`],
      ['GET', 'config?name=shop/production'],
      ['GET', '/openapi.json'],
      ['GET', '/api/v1/tokens'],
      ['POST', '/api/v1/tokens', { name: 'more' }],
      ['PATCH', SHOP, { rows: 40 }],
      ['POST', '/api/v1/logout'],
      ['GET', '/no/such/path'],
      ['OPTIONS', '/api/v1/tokens'],
    ] as const) {
      const { status, body: answer } = await page.call(method, path, body);
      expect([status, answer.details], `${method} ${path}`).toEqual([403, { rule: 'browser' }]);
    }
    const others = await page.call('GET', '/api/v1/configs/default');
    expect([others.status, others.body.details]).toEqual([403, { rule: 'rights' }]);
    expect(await headOf(ann)).toBe(before);
    const [asPage, asNobody] = [await page.call('GET', '/metrics'), await registry.call('GET', '/metrics')];
    const series = (text: string) => text.split('\n').filter((line) => line.startsWith('# TYPE'));
    expect(series(asPage.body)).toEqual(series(asNobody.body));
    expect((await page.call('GET', '/health')).status).toBe(200);
  });

  it('stays one, and reads nothing more when it is changed', async () => {
    const { ann, page } = await openShop();
    const [token] = (await ann.call('GET', '/api/v1/tokens')).body.tokens;
    const path = `/api/v1/tokens/${token.id}`;
    for (const body of [{ readOnly: false }, { scope: null }, { scope: [{ role: 'admin', pattern: '*' }] }]) {
      const { status, body: answer } = await ann.call('PATCH', path, body);
      expect([status, answer.code], JSON.stringify(body)).toEqual([400, 'ERR_WRONG_TYPE']);
    }
    expect((await ann.call('PATCH', path, { isBrowser: false })).status).toBe(400);
    const other = await ann.call('PATCH', path, { scope: [{ role: 'viewer', pattern: 'config:default' }] });
    expect([other.status, other.body.isBrowser]).toEqual([200, true]);
    expect((await page.call('GET', SHOP)).status).toBe(403);
    expect((await page.call('GET', '/api/v1/configs/default')).body.featureFlags).toBe(0);
  });
});
