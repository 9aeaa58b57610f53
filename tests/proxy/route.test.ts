/** Which requests go through a proxy. @module */
import { expect, test } from 'vitest';
import { proxyFor } from '../../src/proxy/route.ts';

const HTTPS = 'http://proxy.example:1/';
const HTTP = 'http://proxy.example:2/';

test.each<[string, string[], string | null]>([
  ['https://a.example/', [], HTTPS],
  ['http://a.example/', [], HTTP],
  ['http://localhost:4873/', [], null],
  ['http://app.localhost/', [], null],
  ['http://127.0.0.1:4873/', [], null],
  ['http://[::1]:4873/', [], null],
  ['http://127.example/', [], HTTP],
  ['http://a.example/', ['*'], null],
  ['http://a.example/', ['a.example'], null],
  ['http://A.EXAMPLE/', ['a.Example'], null],
  ['http://b.a.example/', ['a.example'], null],
  ['http://b.a.example/', ['.a.example'], null],
  ['http://b.a.example/', ['*.a.example'], null],
  ['http://a.example/', ['.a.example'], null],
  ['http://ba.example/', ['a.example'], HTTP],
  ['http://a.example/', ['b.a.example'], HTTP],
  ['http://a.example:8080/', ['a.example:8080'], null],
  ['http://a.example/', ['a.example:8080'], HTTP],
  ['https://a.example/', ['a.example:443'], null],
  ['http://10.1.2.3/', ['10.0.0.0/8'], null],
  ['http://11.1.2.3/', ['10.0.0.0/8'], HTTP],
  ['http://10.1.2.3/', ['10.1.2.3'], null],
  ['http://10.1.2.3/', ['2.3'], HTTP],
  ['http://[2001:db8::1]/', ['2001:db8::/32'], null],
  ['http://[2001:db8::1]:81/', ['[2001:db8::1]:81'], null],
  ['http://[2001:db8::1]/', ['2001:db8::1'], null],
  ['http://a.example/', ['10.0.0.0/8', '', '.', '10.0.0.0/99', 'x/8'], HTTP],
  ['http://10.1.2.3/', ['10.0.0.0/99', '999.0.0.0/8'], HTTP],
])('%s without %j: %s', (url, without, proxy) => {
  expect(proxyFor(new URL(url), { https: HTTPS, http: HTTP, without })).toBe(proxy);
});

test('no proxy is set', () => {
  expect(proxyFor(new URL('https://a.example/'), { https: null, http: HTTP, without: [] })).toBeNull();
});
