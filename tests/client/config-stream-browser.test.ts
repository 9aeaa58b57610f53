/** The client that follows a config in a real browser, on a page of another origin, with a browser token. @module */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openPage, serveProgram } from '../registry/browser-page.ts';
import { startWithAdmin } from '../registry/identity-fixtures.ts';

const SHOP = '/api/v1/configs/shop';

it('follows what is visible, and flips what is scheduled while nobody is there', { timeout: 60_000 }, async () => {
  const [{ registry, ann }, origin, page] = await Promise.all([
    startWithAdmin(),
    serveProgram(join(import.meta.dirname, 'stream-page.ts')),
    openPage(),
  ]);
  await ann.call('POST', '/api/v1/configs', { name: 'shop', rows: 30, features: { metrics: true } });
  await ann.call('PATCH', '/api/v1/services/shop/facts/debug', { clientVisible: true });
  const scope = [{ role: 'viewer', pattern: 'config:shop' }];
  const { body: token } = await ann.call('POST', '/api/v1/tokens', { name: 'web', isBrowser: true, scope });
  const seen = async (count: number): Promise<unknown[]> => {
    const title = await page.waitForFunction((wanted) => {
      const isThere = document.title.startsWith('[') && JSON.parse(document.title).length >= wanted;
      return isThere ? document.title : null;
    }, count);
    return JSON.parse((await title.jsonValue())!);
  };
  await page.goto(`${origin}/#${new URLSearchParams({ url: registry.url, name: 'shop', token: token.secret })}`);
  const hidden = { features: { debug: 2 }, rollouts: {} };
  expect(await seen(1)).toEqual([
    { revision: 1, rows: 30, flags: 0, hex: expect.stringMatching(/^0x[0-9a-f]{26}$/), ...hidden },
  ]);
  await page.waitForFunction(() => document.body.textContent?.includes('false false'));
  const at = Date.now() + 3_600_000;
  const operations = [{ name: 'shop', set: { features: { debug: true, verbose: true }, rollouts: { logging: 30 } } }];
  const asked = await ann.call('POST', '/api/v1/change-requests', { operations, at });
  expect(asked.body).toMatchObject({ state: 'scheduled' });
  const { body } = await ann.call('PATCH', SHOP, { rows: 50 });
  expect((await seen(2))[1]).toMatchObject({ revision: body.config.revision, rows: 50, flags: 0, ...hidden });
  // What is scheduled may be told after a change that was made later.
  await page.waitForFunction(() => document.body.dataset['scheduled'] === 'heard');
  registry.child.kill('SIGKILL');
  await registry.child.exited;
  const flipped = (await seen(3)).at(-1);
  expect(flipped).toMatchObject({ revision: body.config.revision, rows: 50, flags: 4, ...hidden });
});
