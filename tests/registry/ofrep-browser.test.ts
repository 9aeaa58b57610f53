/** The official web provider in a real browser, on a page of another origin: preflight, tags, events. @module */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openPage, serveProgram } from './browser-page.ts';
import { startWithAdmin } from './identity-fixtures.ts';
import { BANNER } from './ofrep-fixtures.ts';

it('reads flags across origins, sends its tag, and hears of a change', { timeout: 60_000 }, async () => {
  const { registry, ann } = await startWithAdmin();
  const put = async (plain: string): Promise<void> => {
    const flag = { definition: { ...BANNER, variants: { plain, bold: 'HELLO' } }, clientVisible: true };
    expect((await ann.call('PUT', '/api/v1/configs/default/flags/banner', flag)).status).toBeLessThan(300);
  };
  await put('Hello');
  const scope = [{ role: 'viewer', pattern: 'config:default' }];
  const { body: token } = await ann.call('POST', '/api/v1/tokens', { name: 'web', isBrowser: true, scope });
  const [origin, page] = await Promise.all([serveProgram(join(import.meta.dirname, 'ofrep-page.ts')), openPage()]);
  const asked: string[] = [];
  const listening = Promise.withResolvers<void>();
  const unchanged = Promise.withResolvers<void>();
  page.on('response', (response) => {
    const request = response.request();
    const path = new URL(response.url()).pathname;
    if (path.startsWith('/ofrep')) asked.push(`${request.method()} ${path} ${response.status()}`);
    if (path.endsWith('/events')) listening.resolve();
    if (response.status() === 304) unchanged.resolve();
  });
  const settings = new URLSearchParams({ baseUrl: registry.url, token: token.secret, plan: 'free' });
  await page.goto(`${origin}/#${settings}`);
  await page.waitForFunction(() => document.title === 'Hello');
  await listening.promise;
  // The first event of a stream makes the client ask again: with the tag, which it could read.
  await unchanged.promise;
  await put('Good day');
  await page.waitForFunction(() => document.title === 'Hello Good day');
  expect(asked.filter((line) => line.startsWith('GET'))).toEqual(['GET /ofrep/v1/events 200']);
  expect(new Set(asked)).toContain('POST /ofrep/v1/evaluate/flags 304');
});
