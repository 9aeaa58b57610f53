/**
 * Which requests a second factor is asked for: all that change packages, or who may do what. Whoever adds a route that
 * does so, and asks for no code, has to say here why not.
 * @module
 */
import { expect, it } from 'vitest';
import { openApp } from './app-fixtures.ts';

/** Of those who want to be asked for it. */
const ASKING = [
  'POST /api/v1/users',
  'PATCH /api/v1/users/:name',
  'DELETE /api/v1/users/:name',
  'POST /api/v1/users/:name/sign-out',
  'POST /api/v1/grants',
  'PATCH /api/v1/grants/:id',
  'DELETE /api/v1/grants/:id',
  'POST /api/v1/tokens',
  'PATCH /api/v1/tokens/:id',
  'DELETE /api/v1/tokens/:id',
  'POST /api/v1/keys/rotate',
  'POST /api/v1/keys/packages/rotate',
  'PATCH /api/v1/packages/:name',
  'DELETE /api/v1/packages/:name',
  'POST /api/v1/packages/:name/tags',
  'POST /api/v1/packages/:name/deprecate',
  'DELETE /api/v1/packages/:name/versions/:version',
  'POST /api/v1/packages/:name/trusted-publishers',
  'DELETE /api/v1/packages/:name/trusted-publishers/:id',
  'POST /api/v1/packages/:name/import',
  'POST /api/v1/packages/collect',
  'PUT /api/v1/uplinks/:name',
  'DELETE /api/v1/uplinks/:name',
  'PUT /api/v1/package-filters/:name',
  'DELETE /api/v1/package-filters/:name',
  'DELETE /-/npm/v1/tokens/token/:key',
  'POST /-/package/:package/access',
  'PUT /-/package/:package/dist-tags',
  'POST /-/package/:package/dist-tags',
  'PUT /-/package/:package/dist-tags/:tag',
  'DELETE /-/package/:package/dist-tags/:tag',
  'PUT /:package',
  'PUT /:package/-rev/:revision',
  'DELETE /:package/-rev/:revision',
  'DELETE /:package/-/:file/-rev/:revision',
];
/** Of everybody who has one. */
const ALWAYS = ['DELETE /api/v1/users/:name/second-factor'];
/** They ask where they know whose it is. */
const ITSELF = ['PUT /api/v1/users/:name/password', 'POST /-/npm/v1/user', 'POST /-/npm/v1/tokens'];
/** Ways in, which ask for it as a part of signing in, and ways out; what changes nothing. */
const WITHOUT = [
  'POST /api/v1/login',
  'POST /api/v1/logout',
  'POST /api/v1/setup',
  'PUT /-/user/:document',
  'PUT /-/user/:document/-rev/:rev',
  'DELETE /-/user/token/:token',
  'POST /-/v1/login',
  'POST /-/npm/v1/oidc/token/exchange/package/:package',
  'POST /-/npm/v1/security/advisories/bulk',
  'POST /-/npm/v1/security/audits',
  'POST /-/npm/v1/security/audits/quick',
  'POST /api/v1/packages/scrub',
  'POST /api/v1/uplinks/:name/test',
];

const OF_PACKAGES_AND_PEOPLE =
  /^\/(?:-\/(?!org|team)|:package|api\/v1\/(?:users|grants|tokens|keys|packages|uplinks|package-filters|log|setup))/;

it('is asked for by every request that changes packages or who may do what', async () => {
  const { routes } = await openApp();
  const writing = routes.filter(({ method, path }) => method !== 'get' && OF_PACKAGES_AND_PEOPLE.test(path));
  const found = new Map<unknown, string[]>();
  for (const { method, path, asksCode = false } of writing) {
    found.set(asksCode, [...(found.get(asksCode) ?? []), `${method.toUpperCase()} ${path}`].toSorted());
  }
  expect(Object.fromEntries(found)).toEqual({
    true: ASKING.toSorted(),
    always: ALWAYS,
    itself: ITSELF.toSorted(),
    false: WITHOUT.toSorted(),
  });
});
