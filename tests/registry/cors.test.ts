/** Which pages may read an answer: those that are named, on routes that say so, without credentials. @module */
import { expect, it } from 'vitest';
import { Cors } from '../../src/registry/cors.ts';

const SHOP = 'https://shop.example';

function allowed(origins: readonly string[], asked: Record<string, string>, vary?: string): Record<string, string> {
  const answer = new Headers(vary === undefined ? {} : { vary });
  new Cors(origins, []).allow(new Headers(asked), answer);
  return Object.fromEntries(answer);
}

it('names the one origin that asked, if it is one of those that may', () => {
  const exposed = { 'access-control-expose-headers': 'ETag, Retry-After' };
  const named = { vary: 'Origin', 'access-control-allow-origin': SHOP, ...exposed };
  expect(allowed(['https://other.example', SHOP], { origin: SHOP })).toEqual(named);
  expect(allowed(['*'], { origin: SHOP })).toEqual({ ...named, 'access-control-allow-origin': '*' });
  for (const origin of ['https://shop.example.evil', 'http://shop.example', 'null', '']) {
    expect(allowed([SHOP], { origin })).toEqual({ vary: 'Origin' });
  }
  expect(allowed([], { origin: SHOP })).toEqual({ vary: 'Origin' });
  expect(allowed(['*'], {})).toEqual({ vary: 'Origin' });
});

it('lets nobody read what a cookie has opened', () => {
  const cookie = { origin: SHOP, cookie: 'c13_session=x' };
  expect(allowed(['*'], cookie)).toEqual({ vary: 'Origin' });
  expect(allowed(['*'], { ...cookie, 'x-api-key': 'c13_x' })).toHaveProperty('access-control-allow-origin');
});

it('says once what the answer depends on', () => {
  expect(allowed([], {}, 'Authorization, Origin')).toEqual({ vary: 'Authorization, Origin' });
  expect(allowed([], {}, 'Authorization')).toEqual({ vary: 'Authorization, Origin' });
});
