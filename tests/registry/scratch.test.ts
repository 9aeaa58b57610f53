import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Validator } from '@seriousme/openapi-schema-validator';
import { openApp } from './app-fixtures.ts';
it('x', async () => {
  const { call } = await openApp();
  const { body, status } = await call('GET', '/openapi.json');
  console.log(status, JSON.stringify(body).length, Object.keys(body.paths).length);
  writeFileSync('/tmp/rest/openapi.json', JSON.stringify(body, null, 1));
  const page = await call('GET', '/docs');
  console.log(page.status, page.body.length);
  writeFileSync('/tmp/rest/docs.html', page.body);
  const v = new Validator();
  console.log(JSON.stringify(await v.validate(body)));
  for (const [m, p, b] of [
    ['POST', '/api/v1/configs', { name: 'checkout/production', rows: 33 }],
    ['GET', '/api/v1/configs/checkout%2Fproduction'],
    ['PATCH', '/api/v1/configs/checkout%2Fproduction', { features: { metrics: true } }],
    ['PATCH', '/api/v1/configs/nobody', { features: { metrics: true } }],
    ['GET', '/api/v1/configs/nobody/history'],
    ['PUT', '/api/v1/configs/nobody', { features: { metrics: true } }],
    ['GET', '/api/v1/audit'],
    ['GET', '/api/v1/configs?limit=2'],
    ['GET', '/api/v1/configs?limit=0'],
  ] as const) {
    const a = await call(m, p, b);
    console.log(m, p, a.status, JSON.stringify(a.body).slice(0, 300), a.headers.get('etag'), a.headers.get('allow'));
  }
});
