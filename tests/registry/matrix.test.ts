/**
 * Who may ask what: every route and every kind of caller, held against the route's own data and against a table written
 * by hand, so that nobody widens a right without saying so twice.
 * @module
 */
import { expect, it } from 'vitest';
import { ANONYMOUS, may, owner, type Grant, type Principal } from '../../src/auth/rights.ts';
import type { Need, Route } from '../../src/registry/route.ts';
import { openApp } from './app-fixtures.ts';
import { MATRIX } from './matrix-table.ts';
import { prepared } from './prepared.ts';

const grant = (role: Grant['role'], pattern = '*'): Grant => ({ role, pattern, sections: null });
const user = (name: string, ...grants: Grant[]): Principal => {
  return { kind: 'user', actor: name, user: name, grants, scope: null, readOnly: false };
};

/** Bodies of routes that give no example, so that nothing but the right is in question. */
const BODIES: Readonly<Record<string, object>> = {
  'PUT /api/v1/users/:name/password': { password: 'correct horse battery' },
  'POST /api/v1/tokens': { name: 'ci' },
  'PUT /-/user/:document': { name: 'another' },
  'POST /_dashboard/api/features': { feature: 'debug', enabled: true },
  'POST /_dashboard/api/config/template': { templateName: 'minimal' },
};
/** Refusals that are about the asker; others say that a thing cannot be had by anybody. */
const ABOUT_RIGHTS = ['rights', 'sections', 'browser'];

/** In the order of the table's letters. */
const CALLERS: Readonly<Record<string, Principal>> = {
  N: ANONYMOUS,
  V: user('vera', grant('viewer')),
  O: user('olaf', grant('operator')),
  P: user('paul', grant('publisher')),
  M: user('mia', grant('maintainer')),
  A: user('ann', grant('admin')),
  // A token of the administrator's that can only read, and one for another config alone.
  R: { ...user('ann', grant('admin')), kind: 'token', actor: 'ann/ro', readOnly: true },
  X: { ...user('ann', grant('admin')), kind: 'token', actor: 'ann/x', scope: [grant('admin', 'config:other/*')] },
  // Somebody who has been granted nothing yet.
  Z: user('zoe'),
  // What a page of the administrator's holds.
  B: {
    ...user('ann', grant('admin')),
    kind: 'token',
    actor: 'ann/web',
    scope: [grant('viewer', 'config:*')],
    readOnly: true,
    isBrowser: true,
  },
};

/** Values for parts of paths whose routes give no example. */
const PARTS: Readonly<Record<string, string>> = { id: 'nobody', name: 'ann', service: 'checkout' };

function pathOf({ path, params = {} }: Route): string {
  const filled = path.replace(/:([a-zA-Z]+)/g, (_, part: string) => {
    const example = params[part]?.meta()?.['example'] as string | number | undefined;
    return encodeURIComponent(example ?? PARTS[part]!);
  });
  return path.endsWith('/samples') ? `${filled}?metric=clients` : filled;
}

function needsOf({ access, params = {} }: Route): readonly Need[] | string {
  if (typeof access === 'string') return access;
  const values = Object.keys(params).map((part) => [part, params[part]?.meta()?.['example'] ?? PARTS[part]]);
  return access({ params: Object.fromEntries(values), query: { name: 'default' } } as never);
}

/** What the route's own data says, as far as it says it. */
function isLetIn(needs: readonly Need[] | string, principal: Principal): boolean {
  if (needs === 'public') return true;
  if (needs === 'signed-in') return principal.kind !== 'anonymous';
  if (typeof needs === 'string') return principal.grants.length > 0;
  return needs.every(({ action, stream }) => may(principal, action, stream));
}

it('is the same by the table, by the data of the routes, and by what is answered', async () => {
  let caller: Principal = owner('root');
  const app = await openApp(undefined, () => caller);
  await prepared(app);
  const rows: Record<string, string> = {};
  for (const route of app.routes) {
    const key = `${route.method.toUpperCase()} ${route.path}`;
    const needs = needsOf(route);
    let letters = '';
    for (const [letter, principal] of Object.entries(CALLERS)) {
      caller = owner('root');
      await prepared(app);
      caller = principal;
      const body = BODIES[key] ?? route.example ?? (route.body === undefined ? undefined : {});
      const { status, body: answer } = await app.call(key.split(' ')[0]!, pathOf(route), body);
      const isRefused = status === 401 || (status === 403 && ABOUT_RIGHTS.includes(answer.details?.rule));
      if (!isRefused) letters += letter;
      const isTaken = needs === 'public' || route.takesBrowser || principal.isBrowser !== true;
      const isKnown = isTaken && isLetIn(needs, principal);
      if (!isKnown) expect(isRefused, `${key} lets ${letter} in, against its own data`).toBe(true);
      if (isRefused) expect(answer, key).toMatchObject({ code: /^ERR_(UNAUTHENTICATED|FORBIDDEN)$/, hint: /./ });
      if (isRefused && letter === 'N' && needs !== 'public') expect(status, `${key} to nobody`).toBe(401);
      if (!isTaken) expect(answer.details, `${key} to ${letter}`).toEqual({ rule: 'browser' });
      const isByGrant = typeof needs !== 'string' || needs === 'granted';
      if (isRefused && letter !== 'N' && isByGrant) expect(status, `${key} to ${letter}`).toBe(403);
    }
    rows[key] = letters;
  }
  expect(rows).toEqual(MATRIX);
}, 120_000);
