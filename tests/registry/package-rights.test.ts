/** What rights say of packages in general: whether there is anything to read, and whose a scope may become. @module */
import { expect, it } from 'vitest';
import { ANONYMOUS, owner, type Grant, type Principal } from '../../src/auth/rights.ts';
import { mayClaim, mayReadPackages } from '../../src/registry/package-rights.ts';

const grant = (role: Grant['role'], pattern: string): Grant => ({ role, pattern, sections: null });
const user = (grants: readonly Grant[], scope: readonly Grant[] | null = null): Principal => {
  return { kind: 'user', actor: 'pat', user: 'pat', grants, scope, readOnly: false };
};

it('whoever may read any package may read packages', () => {
  for (const pattern of ['*', 'package:*', 'package:@acme/*', 'package:ui', 'pack*']) {
    expect(mayReadPackages(user([grant('viewer', pattern)])), pattern).toBe(true);
  }
  const all = grant('admin', '*');
  expect(mayReadPackages(user([all], [grant('viewer', 'package:@acme/*')]))).toBe(true);
  expect(mayReadPackages(user([all], [grant('viewer', 'config:*')]))).toBe(false);
  for (const nobody of [ANONYMOUS, user([]), user([grant('viewer', 'config:*')]), user([all], [])]) {
    expect(mayReadPackages(nobody)).toBe(false);
  }
});

it('a scope becomes theirs who administer it, or whose grant names it', () => {
  const claims = (...of: Parameters<typeof user>) => mayClaim(user(...of), '@acme', '@acme/ui');
  expect(mayClaim(owner('ann'), '@acme', '@acme/ui')).toBe(true);
  for (const [role, pattern] of [
    ['admin', '*'],
    ['maintainer', 'package:*'],
    ['maintainer', 'package:@acme/*'],
    ['publisher', 'package:@acme/*'],
    ['publisher', 'package:@acme/ui'],
  ] as const) {
    expect(claims([grant(role, pattern)]), pattern).toBe(true);
  }
  for (const [role, pattern] of [
    ['publisher', '*'],
    ['publisher', 'package:*'],
    ['publisher', 'package:@ac*'],
    ['publisher', 'package:@acme*'],
    ['publisher', 'package:@acme/other'],
    ['viewer', 'package:@acme/*'],
  ] as const) {
    expect(claims([grant(role, pattern)]), pattern).toBe(false);
  }
  const admin = grant('admin', '*');
  expect(claims([admin], [grant('publisher', 'package:*')]), 'a token that is less than its user').toBe(false);
  expect(claims([grant('publisher', 'package:@acme/*')], [grant('publisher', 'package:*')])).toBe(true);
});
